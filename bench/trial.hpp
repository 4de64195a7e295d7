// Is a run right, however it ends?  What tests and the soak share.
#pragma once

#include <string>

#include "model.hpp"

namespace bench {

/// Runs the model once and returns what the proof says: of the whole, or, if the run was asked to
/// stop, of the part that was done.  Empty: it is right.  `ledger` must be fresh.
inline std::string fault_of_trial(const Workload& workload, Ledger& ledger, unsigned workers,
                                  const Endpoint& endpoint = {}) {
  ledger.set_endpoint(endpoint);
  ledger.open();
  try {
    run(workload, {.workers = workers, .endpoint = endpoint, .stop = ledger.stop_token()}, ledger);
  } catch (const Stopped&) {
    if (!ledger.stop()) return "the model said that it was stopped, but nobody had asked it to";
  }
  ledger.close();
  return ledger.stop() ? ledger.prefix_fault(reference_values(workload))
                       : ledger.fault(reference(workload));
}

}  // namespace bench
