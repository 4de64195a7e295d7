// What does a run look like while it happens?  Prints each turn's start, and how it ends.
#pragma once

#include <string>

#include <vector>

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
  const std::vector<Ending> endings_;  // by script, which is how turns of a run that is proved end
  // With {} for the agent's name.
  std::string started_, finished_;
  const std::string failed_ = "{}: turn {} failed\n", skipped_ = "{}: turn {} was skipped\n";
};

}  // namespace bench
