// What does a run look like while it happens?  Prints each turn's start and finish.
#pragma once

#include <string>

#include "ledger.hpp"

namespace bench {

class Narrator : public Observer {
 public:
  /// Prints the scenario's heading.  Lines go to stdout whole, from whatever thread they come.
  explicit Narrator(const Workload& workload);
  void on_start(const Turn& turn) override;
  void on_finish(const Turn& turn) override;

 private:
  const Workload& workload_;
  std::string started_, finished_;  // with {} for the agent's name
};

}  // namespace bench
