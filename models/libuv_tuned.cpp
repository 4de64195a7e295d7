// libuv, tuned: one loop that keeps time, and pool threads that help themselves from shared queues.
//
// The idea      A turn is 16 bytes that travel from queue to queue; busy threads need no loop.
// A wait        costs 24 B in a queue of deadlines behind one timer: a timerfd that the loop polls,
//               because libuv's own timers count whole milliseconds.
// Computing     on the `workers` threads of the pool; a request there runs turns till none is left.
// Next turn     started by the thread that finished the last turn it waited for.
// Rung          tuned: the loop keeps time and wakes who is idle, no more.  timerfd is Linux only.
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#include <cerrno>
#include <deque>
#include <mutex>
#include <optional>
#include <queue>
#include <vector>

#include "bench/model.hpp"
#include "models/libuv_family.hpp"

const bench::Model bench::model{"libuv", Rung::tuned, Structure::workers, uv_version_string(),
                                "plan_turn"};

namespace {

using namespace bench;
using namespace bench::libuv_family;
using TimePoint = Ledger::Clock::time_point;

/// A turn on its way; whoever has taken it from a queue runs it alone.
struct RunningTurn {
  Value value;
  TurnId id;
  std::uint32_t position;  // of the step to come
};

struct Deadline {
  TimePoint at;
  RunningTurn running;
  bool operator>(const Deadline& other) const { return at > other.at; }
};

/// A file that can be read from a given moment on.
class TimerFd {
 public:
  TimerFd() : fd_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
    if (fd_ < 0) check(-errno, "timerfd_create");
  }
  TimerFd(const TimerFd&) = delete;
  TimerFd& operator=(const TimerFd&) = delete;
  ~TimerFd() { close(fd_); }

  int fd() const { return fd_; }

  void set(TimePoint at) {
    if (at == set_to_) return;
    const std::chrono::nanoseconds ns = at.time_since_epoch();
    const itimerspec spec{{}, {ns.count() / std::nano::den, ns.count() % std::nano::den}};
    if (timerfd_settime(fd_, TFD_TIMER_ABSTIME, &spec, nullptr)) check(-errno, "timerfd_settime");
    set_to_ = at;
  }

  /// It has fired; until this is called it stays readable.
  void clear() {
    set_to_ = {};
    std::uint64_t times;
    [[maybe_unused]] const auto bytes = read(fd_, &times, sizeof times);
  }

 private:
  int fd_;
  TimePoint set_to_;
};

/// What has to be done, for all threads: they take from the queues and put into them under a lock.
class SharedQueues : LoopRun {
 public:
  SharedQueues(const Workload& workload, Ledger& ledger, unsigned workers)
      : LoopRun(workload, ledger), requests_(workers) {
    std::vector<Deadline> room;
    room.reserve(workload.turns.size());  // does not grow, and takes memory only where it is used
    deadlines_ = decltype(deadlines_)({}, std::move(room));
  }

  void run() {
    run_loop([this] {
      open_handles();
      plan.for_each_root([this](const Turn& turn) {
        ready_.push_back(&turn);
        start(ready_);
      });
      attend();
    });
  }

 private:
  using ReadyTurns = std::vector<const Turn*>;

  // ---- compute, and tools that block: on the threads of the pool ----

  static void on_work(uv_work_t* request) {
    auto& self = *static_cast<SharedQueues*>(request->data);
    try {
      ReadyTurns ready;
      while (std::optional<RunningTurn> running = self.next_work(ready)) {
        self.work_up_to_wait(*running);
        self.begin_step(*running, ready);
      }
    } catch (...) {
      std::lock_guard lock(self.mutex_);
      if (!self.error_on_pool_) self.error_on_pool_ = std::current_exception();
    }
  }

  /// Wakes the loop if it has to see to another thread, or to a sooner deadline.  If there is no
  /// work the request comes back to the loop, which sees to everything then.
  std::optional<RunningTurn> next_work(ReadyTurns& ready) {
    if (failed) return {};
    end_waits(ready);
    start(ready);
    std::unique_lock lock(mutex_);
    if (work_.empty() || error_on_pool_ || failed) return {};
    const RunningTurn running = work_.front();
    work_.pop_front();
    const bool wake_loop = (!work_.empty() && idle_workers_ > 0) ||
                           (!deadlines_.empty() && deadlines_.top().at < timer_set_to_);
    lock.unlock();
    if (wake_loop) uv_async_send(&wake_up_);
    return running;
  }

  void work_up_to_wait(RunningTurn& running) {
    const auto steps = workload.turns[running.id].steps;
    do {
      running.value = libuv_family::work(ledger, steps[running.position], running.value);
    } while (++running.position < steps.size() && steps[running.position].kind != StepKind::wait);
  }

  // ---- wait: an entry in the queue of deadlines ----

  void end_waits(ReadyTurns& ready) {
    const TimePoint now{std::chrono::nanoseconds(uv_hrtime())};
    while (std::optional<RunningTurn> running = take_due(now)) {
      const Step& step = workload.turns[running->id].steps[running->position++];
      running->value = ledger.end_wait(step, running->value);
      begin_step(*running, ready);
    }
  }

  std::optional<RunningTurn> take_due(TimePoint now) {
    std::lock_guard lock(mutex_);
    if (deadlines_.empty() || deadlines_.top().at > now) return {};
    const RunningTurn running = deadlines_.top().running;
    deadlines_.pop();
    return running;
  }

  // ---- turns ----

  /// A list, not recursion: a turn without steps finishes where it starts, and makes others ready.
  void start(ReadyTurns& ready) {
    while (!ready.empty()) {
      const Turn& turn = *ready.back();
      ready.pop_back();
      begin_step({ledger.start(turn), turn.id, 0}, ready);
    }
  }

  /// Queues the turn for what it needs next; if that is nothing, its followers may be ready.
  void begin_step(const RunningTurn& running, ReadyTurns& ready) {
    const Turn& turn = workload.turns[running.id];
    if (running.position == turn.steps.size()) {
      ledger.finish(turn, running.value);
      plan.for_each_ready_after(turn, [&](const Turn& next) { ready.push_back(&next); });
    } else if (const Step& step = turn.steps[running.position]; step.kind == StepKind::wait) {
      const TimePoint deadline = ledger.begin_wait(step);
      std::lock_guard lock(mutex_);
      deadlines_.push({deadline, running});
    } else {
      std::lock_guard lock(mutex_);
      work_.push_back(running);
    }
  }

  // ---- the loop: keeps time, and wakes workers ----

  void open_handles() {
    check(uv_async_init(&loop, &wake_up_, on_wake_up), "uv_async_init");
    uv_unref(reinterpret_cast<uv_handle_t*>(&wake_up_));
    check(uv_poll_init(&loop, &timer_poll_, timer_.fd()), "uv_poll_init");
    check(uv_poll_start(&timer_poll_, UV_READABLE, on_due), "uv_poll_start");
    wake_up_.data = timer_poll_.data = this;
    for (uv_work_t& request : requests_) {
      request.data = this;
      idle_requests_.push_back(&request);
    }
  }

  static void on_wake_up(uv_async_t* wake_up) {
    auto& self = *static_cast<SharedQueues*>(wake_up->data);
    self.guarded([&] { self.attend(); });
  }

  static void on_due(uv_poll_t* poll, int status, int) {
    auto& self = *static_cast<SharedQueues*>(poll->data);
    self.timer_.clear();
    self.guarded([&] {
      check(status, "uv_poll");
      self.attend();
    });
  }

  static void on_worked(uv_work_t* request, int status) {
    auto& self = *static_cast<SharedQueues*>(request->data);
    self.guarded([&] {
      check(status, "uv_queue_work");
      self.idle_requests_.push_back(request);
      self.attend();
    });
  }

  /// After each event: what a busy worker does for itself, the loop does for those that are idle.
  void attend() {
    end_waits(ready_);
    start(ready_);
    std::unique_lock lock(mutex_);
    if (error_on_pool_) std::rethrow_exception(error_on_pool_);
    const std::size_t wanted = std::min(work_.size(), idle_requests_.size());
    idle_workers_ = idle_requests_.size() - wanted;
    timer_set_to_ = deadlines_.empty() ? TimePoint::max() : deadlines_.top().at;
    lock.unlock();
    set_timer(timer_set_to_);
    for (std::size_t i = 0; i < wanted; ++i) {
      check(uv_queue_work(&loop, idle_requests_.back(), on_work, on_worked), "uv_queue_work");
      idle_requests_.pop_back();
    }
  }

  /// The loop is kept alive by a deadline, or by a request on the pool.
  void set_timer(TimePoint at) {
    auto* handle = reinterpret_cast<uv_handle_t*>(&timer_poll_);
    if (at == TimePoint::max()) {
      uv_unref(handle);
    } else {
      uv_ref(handle);
      timer_.set(at);
    }
  }

  TimerFd timer_;
  uv_poll_t timer_poll_;
  uv_async_t wake_up_;
  std::vector<uv_work_t> requests_;  // one for each worker
  std::vector<uv_work_t*> idle_requests_;
  ReadyTurns ready_;

  std::mutex mutex_;  // guards what follows
  std::priority_queue<Deadline, std::vector<Deadline>, std::greater<>> deadlines_;
  std::deque<RunningTurn> work_;
  TimePoint timer_set_to_ = TimePoint::max();
  std::size_t idle_workers_ = 0;
  std::exception_ptr error_on_pool_;
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  set_pool_size(resources.workers);
  SharedQueues(workload, ledger, resources.workers).run();
}
