// What do the models on oneTBB share?  An arena of their size, tasks for many turns, and places.
#pragma once

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "bench/workload.hpp"

namespace bench::tbb_family {

/// An arena in which `workers` threads compute: the one that calls `execute`, and TBB's own.
class Arena {
 public:
  explicit Arena(unsigned workers)
      : limit_(tbb::global_control::max_allowed_parallelism, workers + 1),
        arena_(static_cast<int>(workers + 1), reserved_slots) {}

  void execute(auto&& body) { arena_.execute(body); }
  void enqueue(auto&& task) { arena_.enqueue(std::forward<decltype(task)>(task)); }

 private:
  // Two slots for threads that are not TBB's, though one of them stays empty: an arena that has one
  // and no workers gets a worker beyond its size as soon as another thread enqueues a task.
  static constexpr unsigned reserved_slots = 2;

  // Without the limit TBB takes no more workers than the machine has cores, and does not say so.
  tbb::global_control limit_;
  tbb::task_arena arena_;
};

/// Of `turns`, makes a task of each that is ready; but for the first one, which is returned, for
/// the calling task to run.  A task calls `run(find)`, where `find()` is its turn, if there is one.
/// Many are shared out by halves, so that who steals gets hundreds at once, and few tasks exist at
/// a time.
inline const Turn* share_out(tbb::task_group& group, const Workload& workload,
                             std::span<const TurnId> turns, auto is_ready, auto run) {
  constexpr std::size_t few = 32;
  while (turns.size() > few) {
    const auto rest = turns.subspan(turns.size() / 2);
    turns = turns.first(turns.size() / 2);
    group.run([&group, &workload, rest, is_ready, run] {
      run([&] { return share_out(group, workload, rest, is_ready, run); });
    });
  }
  const Turn* mine = nullptr;
  for (std::size_t i = turns.size(); i-- > 0;) {  // backwards: a worker takes its newest task first
    if (!is_ready(turns[i])) continue;
    if (mine) group.run([mine, run] { run([mine] { return mine; }); });
    mine = &workload.turns[turns[i]];
  }
  return mine;
}

/// Where a workload limits calls: places for so many of them, first come, first served.
template <class Sleeper>
class Places {
 public:
  explicit Places(std::uint32_t count) : free_(count) {}

  /// False: there is none, and the sleeper queues for one.
  bool take(const Sleeper& sleeper) {
    std::lock_guard lock(mutex_);
    if (gave_up_) return true;
    if (free_ == 0) {
      queue_.push_back(sleeper);
      return false;
    }
    --free_;
    return true;
  }

  /// Who has the place now, if somebody has queued.
  std::optional<Sleeper> give_back() {
    std::lock_guard lock(mutex_);
    if (queue_.empty()) {
      ++free_;
      return {};
    }
    const Sleeper next = queue_.front();
    queue_.pop_front();
    return next;
  }

  /// Nobody needs a place any more.  Who has queued.
  std::deque<Sleeper> give_up() {
    std::lock_guard lock(mutex_);
    gave_up_ = true;
    return std::exchange(queue_, {});
  }

 private:
  std::mutex mutex_;  // guards what follows
  std::uint32_t free_;
  std::deque<Sleeper> queue_;
  bool gave_up_ = false;
};

}  // namespace bench::tbb_family
