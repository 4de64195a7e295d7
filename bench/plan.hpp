// What is ready to run?  A countdown of unfinished predecessors per turn.
#pragma once

#include <atomic>
#include <memory>

#include "workload.hpp"

namespace bench {

/// For models whose library has no dependency graph of its own.  Safe to call from any thread.
class Plan {
 public:
  explicit Plan(const Workload& workload)
      : workload_(workload),
        unfinished_(std::make_unique<std::atomic<std::uint32_t>[]>(workload.turns.size())) {
    for (const Turn& turn : workload.turns) {
      unfinished_[turn.id].store(static_cast<std::uint32_t>(turn.before.size()),
                                 std::memory_order_relaxed);
    }
  }

  /// Calls `start(turn)` for each turn that waits for no other.
  void for_each_root(auto&& start) const {
    for (const Turn& turn : workload_.turns) {
      if (turn.before.empty()) start(turn);
    }
  }

  /// `turn` has finished: calls `start(next)` for each turn that was waiting for nothing else.
  /// What happened before any of the finishes happens before the start.
  void for_each_ready_after(const Turn& turn, auto&& start) {
    for (const TurnId next : turn.after) {
      if (count_down(next)) start(workload_.turns[next]);
    }
  }

  /// One of the turns before `next` has finished: was it the last?  For those who do not go through
  /// all that come after a turn at once.
  bool count_down(TurnId next) {
    return unfinished_[next].fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

 private:
  const Workload& workload_;
  std::unique_ptr<std::atomic<std::uint32_t>[]> unfinished_;
};

}  // namespace bench
