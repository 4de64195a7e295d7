// Where does a turn on oneTBB wait?  With one thread outside of it, for a moment or for a reply.
#pragma once

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <forward_list>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "bench/model.hpp"
#include "models/tbb_connection.hpp"

namespace bench::tbb_family {

/// TBB has neither timers nor sockets: "an activity outside of the graph", in the words of its
/// async_node, has to wait for them.  Here that is one thread, which sleeps until the next deadline
/// or until something arrives, and then wakes who sleeps until then.  Without sockets it sleeps on
/// a condition variable: an epoll with a timer wakes more exactly and so more often, which took a
/// thousand agents up to 4 % longer.
///
/// Whoever has to know that somebody still sleeps gives a way to take a ticket: it is kept from the
/// moment that the first goes to sleep until the last has been woken.
template <class Sleeper, class Ticket = std::monostate>
class Outside {
  struct Talk;

 public:
  using TimePoint = Ledger::Clock::time_point;
  using Wake = std::function<void(std::vector<Sleeper> due)>;  // called on the thread outside
  using TakeTicket = std::function<Ticket()>;

  Outside(
      const Workload& workload, const Resources& resources, Ledger& ledger, Wake wake,
      TakeTicket take_ticket = [] { return Ticket{}; })
      : ledger_(ledger),
        over_tcp_(resources.endpoint.port != 0),
        has_bucket_(workload.limit.interval.count() > 0),
        wake_(std::move(wake)),
        take_ticket_(std::move(take_ticket)) {
    alarms_.reserve(workload.turns.size());  // nothing is allocated for a sleeper
  }

  ~Outside() {
    over_ = true;
    ring();
  }

  /// Starts the thread.  Left out, the first sleeper starts it, and may find that there is none.
  void start() {
    if (over_tcp_) {
      epoll_ = Descriptor(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
      timer_ = Descriptor(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create");
      epoll_event rung{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
      if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, timer_.get(), &rung) != 0)
        throw_errno("epoll_ctl");
    }
    timer_set_to_ = TimePoint::max();  // who rang before has not been heard
    thread_ = std::jthread([this] { over_tcp_ ? serve_sockets() : serve_timers(); });
  }

  void wake_at(TimePoint deadline, Sleeper sleeper) {
    std::lock_guard lock(mutex_);
    if (!thread_.joinable()) start();
    count_in();
    push_alarm(deadline, std::move(sleeper));
  }

  // ---- An attempt: begin it, sleep, end it. ----

  struct Attempt {
    Talk* talk = nullptr;  // by timer: none
    TimePoint deadline;
  };

  Attempt begin_attempt(const Step& step) {
    if (!over_tcp_) return {nullptr, ledger_.begin_attempt(step)};
    Talk* talk = &take_idle();
    const TimePoint deadline = ledger_.begin_attempt(step, talk->exchange);
    if (talk->is_open() && !talk->suits()) talk = &leave_idle(*talk);
    if (!talk->is_open()) talk->connect();
    return {talk, deadline};
  }

  /// Wakes the sleeper when the outcome is there.  The request is sent from the calling thread.
  void wake_after(const Attempt& attempt, Sleeper sleeper) {
    if (!attempt.talk) return wake_at(attempt.deadline, std::move(sleeper));
    Talk& talk = *attempt.talk;
    std::lock_guard lock(talk.mutex);
    on_begun(attempt.deadline);
    talk.sleeper = std::move(sleeper);
    talk.deadline = attempt.deadline;
    talk.busy = true;
    guarded(talk, [&] {
      if (!talk.exchange.over()) talk.begin(epoll_.get());
    });
    if (!talk.is_over() && !gave_up_) return;
    talk.busy = false;
    std::lock_guard all(mutex_);
    push_alarm({}, std::move(talk.sleeper));
  }

  /// The sleeper was woken.
  Ledger::Next end_attempt(const Step& step, Value v, const Attempt& attempt) {
    if (!attempt.talk) return ledger_.end_attempt(step, v);
    const GiveBack give_back{*this, *attempt.talk};
    if (attempt.talk->error) {
      std::rethrow_exception(std::exchange(attempt.talk->error, nullptr));
    }
    return ledger_.end_attempt(step, v, attempt.talk->exchange);
  }

  // ---- A whole call, for who is woken and goes on, rather than being put to sleep. ----

  struct Call {
    Attempt attempt;
    bool pauses = false;  // for a token, or before the next attempt
  };

  void begin_call(const Step& step, Call& call, const Sleeper& sleeper) {
    if (!has_bucket_) return try_call(step, call, sleeper);
    call.pauses = true;
    wake_at(ledger_.reserve(step), sleeper);
  }

  /// The sleeper was woken: the call's value, or there is none yet, and it sleeps on.
  std::optional<Value> go_on(const Step& step, Call& call, Value v, const Sleeper& sleeper) {
    if (std::exchange(call.pauses, false)) {
      try_call(step, call, sleeper);
      return {};
    }
    const Ledger::Next next = end_attempt(step, v, call.attempt);
    if (!next.again) return next.value;
    call.pauses = true;
    wake_at(next.at, sleeper);
    return {};
  }

  /// After an error, or asked to stop, nobody needs to sleep: all are woken now, whoever comes
  /// later at once.
  void give_up() noexcept {
    gave_up_ = true;
    ring();
  }
  /// A sleeper that was woken may have been so before its time.
  bool gave_up() const { return gave_up_; }

 private:
  struct Alarm {
    TimePoint deadline;
    Sleeper sleeper;
  };
  static bool later(const Alarm& a, const Alarm& b) { return a.deadline > b.deadline; }

  /// A connection, and who sleeps until its exchange is over.
  struct Talk : Connection {
    std::mutex mutex;   // while it is busy, two threads may come by
    bool busy = false;  // from the request until its sleeper is woken
    TimePoint deadline;
    Sleeper sleeper;
    std::exception_ptr error;  // which the sleeper will find
    Talk* next_idle = nullptr;
    bool is_over() const { return error || this->exchange.over(); }
  };

  // ---- On the threads that call. ----

  void try_call(const Step& step, Call& call, const Sleeper& sleeper) {
    const Attempt attempt = call.attempt = begin_attempt(step);
    wake_after(attempt, sleeper);
  }

  void count_in() {
    if (asleep_ == 0) ticket_ = take_ticket_();
    ++asleep_;
  }

  void push_alarm(TimePoint deadline, Sleeper sleeper) {
    alarms_.push_back({deadline, std::move(sleeper)});
    std::ranges::push_heap(alarms_, later);
    set_timer(gave_up_ ? TimePoint() : deadline);
  }

  void on_begun(TimePoint deadline) {
    std::lock_guard lock(mutex_);
    count_in();
    if (deadline >= next_look_) return;
    next_look_ = deadline;
    set_timer(deadline);
  }

  /// Has the thread outside look around at that time, at the latest.
  void set_timer(TimePoint when) {
    if (when >= timer_set_to_) return;
    timer_set_to_ = when;
    if (!timer_) return changed_.notify_one();
    const auto ns =
        std::max<std::int64_t>(when.time_since_epoch() / std::chrono::nanoseconds(1), 1);
    const itimerspec spec{.it_interval = {},
                          .it_value = {ns / std::nano::den, ns % std::nano::den}};
    timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
  }

  void ring() noexcept {
    std::lock_guard lock(mutex_);
    set_timer({});
  }

  /// The connection that became idle last; if none is idle, one that is not open.
  Talk& take_idle() {
    std::lock_guard lock(mutex_);
    if (!thread_.joinable()) start();
    return idle_ ? *pop(idle_) : take_closed();
  }
  Talk& take_closed() { return closed_ ? *pop(closed_) : talks_.emplace_front(); }

  /// The exchange needs another connection than this one.
  Talk& leave_idle(Talk& talk) {
    std::lock_guard lock(mutex_);
    Talk& other = take_closed();
    std::swap(talk.exchange, other.exchange);
    push(idle_, talk);
    return other;
  }

  struct GiveBack {
    Outside& outside;
    Talk& talk;
    ~GiveBack() {
      if (!talk.exchange.connection_reusable()) talk.disconnect();
      std::lock_guard lock(outside.mutex_);
      push(talk.is_open() ? outside.idle_ : outside.closed_, talk);
    }
  };

  static Talk* pop(Talk*& top) { return std::exchange(top, top->next_idle); }
  static void push(Talk*& top, Talk& talk) { talk.next_idle = std::exchange(top, &talk); }

  /// Keeps an error for the sleeper, who can throw it.
  static void guarded(Talk& talk, auto&& body) {
    try {
      body();
    } catch (...) {
      talk.error = std::current_exception();
    }
  }

  // ---- On the thread outside. ----

  void serve_timers() {
    std::vector<Sleeper> due;
    std::unique_lock lock(mutex_);
    while (!over_) {
      take_due(due);
      if (!due.empty()) {
        hand_over(due, lock);
      } else if (timer_set_to_ == TimePoint::max()) {
        changed_.wait(lock);
      } else {
        changed_.wait_until(lock, timer_set_to_);
      }
    }
  }

  void serve_sockets() {
    std::array<epoll_event, 64> events;
    std::vector<Sleeper> due;
    while (!over_) {
      const int count = epoll_wait(epoll_.get(), events.data(), std::ssize(events), -1);
      bool rung = false;
      for (const epoll_event& event : std::span(events).first(std::max(count, 0))) {
        if (event.data.ptr) {
          on_event(*static_cast<Talk*>(static_cast<Connection*>(event.data.ptr)), event.events,
                   due);
        } else {
          rung = true;
        }
      }
      if (rung) look_at_talks(due);
      if (due.empty() && !rung) continue;
      std::unique_lock lock(mutex_);
      while (rung && take_due(due)) hand_over(due, lock);
      if (!due.empty()) hand_over(due, lock);
    }
  }

  void on_event(Talk& talk, std::uint32_t events, std::vector<Sleeper>& due) {
    std::lock_guard lock(talk.mutex);
    if (!talk.busy) return;  // what arrives while it is idle, the next request will find out
    guarded(talk, [&] { talk.go_on(events, buffer_); });
    if (talk.is_over()) leave(talk, due);
  }

  static void leave(Talk& talk, std::vector<Sleeper>& due) {
    talk.busy = false;
    due.push_back(std::move(talk.sleeper));
  }

  /// One moment for all, the earliest deadline since the last look: to set a timer for each call
  /// would cost a good part of the call.
  void look_at_talks(std::vector<Sleeper>& due) {
    const TimePoint now = Ledger::Clock::now();
    typename std::forward_list<Talk>::iterator first;  // none is ever removed
    {
      std::lock_guard lock(mutex_);
      if (next_look_ > now && !gave_up_) return;
      next_look_ = TimePoint::max();
      first = talks_.begin();
    }
    TimePoint next = TimePoint::max();
    for (; first != talks_.end(); ++first) {
      std::lock_guard lock(first->mutex);
      if (!first->busy) continue;
      if (first->deadline <= now) first->exchange.on_timed_out();
      if (first->exchange.over() || gave_up_) {
        leave(*first, due);
      } else {
        next = std::min(next, first->deadline);
      }
    }
    std::lock_guard lock(mutex_);
    next_look_ = std::min(next_look_, next);
  }

  /// Lets go of the lock meanwhile.
  void hand_over(std::vector<Sleeper>& due, std::unique_lock<std::mutex>& lock) {
    asleep_ -= due.size();
    Ticket ticket = asleep_ == 0 ? std::exchange(ticket_, {}) : Ticket{};
    lock.unlock();
    wake_(std::exchange(due, {}));
    ticket = {};
    lock.lock();
  }

  /// True if there are more.  A few at a time: the first should not sleep on until thousands of
  /// others have been found.
  bool take_due(std::vector<Sleeper>& due) {
    constexpr std::size_t most = 32;
    const TimePoint now = Ledger::Clock::now();
    for (std::size_t n = 0; !alarms_.empty() && (alarms_.front().deadline <= now || gave_up_);
         ++n) {
      if (n == most) return true;
      std::ranges::pop_heap(alarms_, later);
      due.push_back(std::move(alarms_.back().sleeper));
      alarms_.pop_back();
    }
    timer_set_to_ = TimePoint::max();
    set_timer(alarms_.empty() ? next_look_ : std::min(next_look_, alarms_.front().deadline));
    return false;
  }

  Ledger& ledger_;
  const bool over_tcp_, has_bucket_;
  const Wake wake_;
  const TakeTicket take_ticket_;
  std::atomic<bool> gave_up_ = false, over_ = false;
  Descriptor epoll_, timer_;
  std::array<char, 16384> buffer_;  // the thread's own

  std::mutex mutex_;                 // guards what follows; taken after a talk's
  std::condition_variable changed_;  // without sockets
  std::vector<Alarm> alarms_;        // a heap: the next one in front
  std::size_t asleep_ = 0;           // alarms and talks, and who is just being woken
  Ticket ticket_;                    // kept while there are any
  TimePoint timer_set_to_ = TimePoint::max();
  TimePoint next_look_ = TimePoint::max();  // at the deadlines of talks
  std::forward_list<Talk> talks_;
  Talk* idle_ = nullptr;    // connected
  Talk* closed_ = nullptr;  // not connected
  std::jthread thread_;     // last: it ends before what it uses
};

}  // namespace bench::tbb_family
