// When did what happen?  A run's stamps as plain data: those of a ledger, or of a worked example.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "ledger.hpp"

namespace bench {

/// Nanoseconds on the steady clock, of a run that was proved: every turn has started and ended,
/// after all that it waits for, and its steps lie one after another in between.  Those that a turn
/// did not come to, because it failed or was skipped, have no stamps.
struct Stamps {
  const Workload& workload;
  std::int64_t opened, closed;  // `run` was called, and returned
  std::span<const Ledger::TurnRecord> turns;
  std::span<const Ledger::StepRecord> steps;

  const Ledger::TurnRecord& of(const Turn& turn) const { return turns[turn.id]; }
  const Ledger::StepRecord& of(const Step& step) const { return steps[workload.index_of(step)]; }

  /// When all that the turn waits for had finished.
  std::int64_t ready(const Turn& turn) const {
    std::int64_t at = opened;
    for (const TurnId before : turn.before) at = std::max(at, turns[before].finished);
    return at;
  }
  /// When a wait, a call or a blocking tool was to end.  Where that counts from the start of the
  /// run, it may be before it began.
  std::int64_t due(const Step& step) const {
    return (step.from_start ? opened : of(step).begun) + step.duration.count();
  }
};

inline Stamps stamps_of(const Ledger& ledger) {
  return {.workload = ledger.workload(),
          .opened = ledger.opened_at(),
          .closed = ledger.closed_at(),
          .turns = ledger.turns(),
          .steps = ledger.steps()};
}

}  // namespace bench
