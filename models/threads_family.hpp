// How does a thread run a turn when all it can do is block?  For the threads family and others.
#pragma once

#include <thread>

#include "bench/ledger.hpp"

namespace bench {

/// A wait: the calling thread sleeps.
inline Value sleep_through(Ledger& ledger, const Step& step, Value v) {
  std::this_thread::sleep_until(ledger.begin_wait(step));
  return ledger.end_wait(step, v);
}

/// A whole turn, step by step.  A blocking tool is nothing special here.  Calls `before(step)`
/// ahead of each step.
inline void run_blocking(Ledger& ledger, const Turn& turn, auto&& before) {
  Value v = ledger.start(turn);
  for (const Step& step : turn.steps) {
    before(step);
    switch (step.kind) {
      case StepKind::compute:
        v = ledger.compute(step, v);
        break;
      case StepKind::wait:
        v = sleep_through(ledger, step, v);
        break;
      case StepKind::block:
        v = ledger.block(step, v);
        break;
    }
  }
  ledger.finish(turn, v);
}

inline void run_blocking(Ledger& ledger, const Turn& turn) {
  run_blocking(ledger, turn, [](const Step&) {});
}

}  // namespace bench
