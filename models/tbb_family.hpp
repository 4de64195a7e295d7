// What do the models on oneTBB share?  An arena of their size, and a thread that wakes what waits.
#pragma once

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "bench/ledger.hpp"
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

/// One thread that sleeps until the next deadline and then wakes who sleeps until then.
///
/// Whoever has to know that somebody still sleeps gives a way to take a ticket: the timer keeps one
/// from the moment that the first goes to sleep until the last has been woken.
template <class Sleeper, class Ticket = std::monostate>
class Timer {
 public:
  using TimePoint = Ledger::Clock::time_point;
  using Wake = std::function<void(std::vector<Sleeper> due)>;  // called on the timer's thread
  using TakeTicket = std::function<Ticket()>;

  /// No more than `most_sleepers` at once: nothing is allocated for a sleeper.
  Timer(
      std::size_t most_sleepers, Wake wake, TakeTicket take_ticket = [] { return Ticket{}; })
      : wake_(std::move(wake)), take_ticket_(std::move(take_ticket)) {
    alarms_.reserve(most_sleepers);
  }

  /// Starts the thread.  Left out, the first sleeper starts it, and may find that there is none.
  void start() {
    thread_ = std::jthread([this](std::stop_token stop) { serve(stop); });
  }

  void wake_at(TimePoint deadline, Sleeper sleeper) {
    std::lock_guard lock(mutex_);
    if (!thread_.joinable()) start();
    if (alarms_.empty()) ticket_ = take_ticket_();
    const bool first = alarms_.empty() || deadline < alarms_.front().deadline;
    alarms_.push_back({deadline, std::move(sleeper)});
    std::ranges::push_heap(alarms_, later);
    if (first) changed_.notify_one();
  }

  /// After an error nobody needs to sleep: all are woken now, whoever comes later at once.
  void give_up() {
    std::lock_guard lock(mutex_);
    gave_up_ = true;
    changed_.notify_one();
  }
  /// A sleeper that was woken may have been so before its time.
  bool gave_up() const { return gave_up_; }

 private:
  struct Alarm {
    TimePoint deadline;
    Sleeper sleeper;
  };
  static bool later(const Alarm& a, const Alarm& b) { return a.deadline > b.deadline; }

  void serve(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [this] { return !alarms_.empty(); })) {
      const TimePoint next = alarms_.front().deadline;
      if (next > Ledger::Clock::now() && !gave_up_) {
        changed_.wait_until(lock, stop, next,
                            [&] { return gave_up_ || alarms_.front().deadline < next; });
        continue;
      }
      std::vector<Sleeper> due = take_due();
      [[maybe_unused]] const Ticket ticket =
          alarms_.empty() ? std::exchange(ticket_, {}) : Ticket{};
      lock.unlock();
      wake_(std::move(due));
      lock.lock();
    }
  }

  /// A few at a time: the first should not sleep on until thousands of others have been found.
  std::vector<Sleeper> take_due() {
    constexpr std::size_t most = 32;
    const TimePoint now = Ledger::Clock::now();
    std::vector<Sleeper> due;
    while (due.size() < most && !alarms_.empty() && (alarms_.front().deadline <= now || gave_up_)) {
      std::ranges::pop_heap(alarms_, later);
      due.push_back(std::move(alarms_.back().sleeper));
      alarms_.pop_back();
    }
    return due;
  }

  const Wake wake_;
  const TakeTicket take_ticket_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  std::vector<Alarm> alarms_;  // a heap: the next one in front
  Ticket ticket_;              // kept while it is not empty
  std::atomic<bool> gave_up_ = false;
  std::jthread thread_;  // last: it ends before what it uses
};

}  // namespace bench::tbb_family
