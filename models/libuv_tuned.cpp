// libuv, tuned: one loop that keeps time, and pool threads that help themselves from shared queues.
//
// The idea      A turn is 16 bytes that travel from queue to queue; busy threads need no loop.
// A wait        costs 24 B in a queue of deadlines behind one timer: a timerfd that the loop polls,
//               because libuv's own timers count whole milliseconds.
// A call        is the loop's, to whom the sockets belong: one call after another stays there.
// Computing     on the `workers` threads of the pool; a request there runs turns till none is left.
// Next turn     started by the thread that finished the last turn it waited for.
// Rung          tuned: the loop keeps time, talks and wakes who is idle.  timerfd is Linux only.
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
#include "models/libuv_client.hpp"
#include "models/libuv_loop.hpp"

const bench::Model bench::model{"libuv", Rung::tuned, Structure::workers, uv_version_string(),
                                Primitives{"plan_turn", "libuv"}};

namespace {

using namespace bench;
using namespace bench::libuv_family;

/// A turn on its way; whoever has taken it from a queue runs it alone.
struct RunningTurn {
  Value value;
  TurnId id;
  std::uint32_t position : 31;   // of the step to come
  std::uint32_t attempting : 1;  // it is a call, and an attempt is under way
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
  SharedQueues(const Workload& workload, const Resources& resources, Ledger& ledger)
      : LoopRun(workload, resources, ledger),
        requests_(resources.workers),
        client_(*this, [this](const RunningTurn& running,
                              const Exchange& exchange) { on_over(running, exchange); }),
        places_(workload.limit.in_flight) {
    std::vector<Deadline> room;
    room.reserve(workload.turns.size());  // does not grow, and takes memory only where it is used
    deadlines_ = decltype(deadlines_)({}, std::move(room));
  }

  void run() {
    run_loop([this] {
      open_handles();
      plan.for_each_root([this](const Turn& turn) {
        todo_.ready.push_back(&turn);
        start_ready(todo_);
      });
      attend();
    });
  }

 private:
  /// What a thread has come across, and sees to as soon as it has done what it is at.
  struct Todo {
    std::vector<const Turn*> ready;
    std::vector<RunningTurn> attempts;  // to be begun over TCP: on the loop
  };

  static void move_all(std::vector<RunningTurn>& from, std::vector<RunningTurn>& to) {
    to.insert(to.end(), from.begin(), from.end());
    from.clear();
  }

  // ---- compute, and tools that block: on the threads of the pool ----

  static void on_work(uv_work_t* request) {
    auto& self = *static_cast<SharedQueues*>(request->data);
    try {
      Todo todo;
      while (std::optional<RunningTurn> running = self.next_work(todo)) {
        self.take_on(*running, todo, [&] {
          self.work_up_to_wait(*running);
          self.begin_step(*running, todo);
        });
      }
    } catch (...) {
      std::lock_guard lock(self.mutex_);
      if (!self.error_on_pool_) self.error_on_pool_ = std::current_exception();
    }
  }

  /// Wakes the loop if it has to see to another thread, to a call or to a sooner deadline.  If
  /// there is no work the request comes back to the loop, which sees to everything then.
  std::optional<RunningTurn> next_work(Todo& todo) {
    if (failed) return {};
    end_waits(todo);
    start_ready(todo);
    std::unique_lock lock(mutex_);
    if (!todo.attempts.empty()) move_all(todo.attempts, attempts_);
    if (work_.empty() || error_on_pool_ || failed) return {};
    const RunningTurn running = work_.front();
    work_.pop_front();
    const bool wake_loop = (!work_.empty() && idle_workers_ > 0) || !attempts_.empty() ||
                           (!deadlines_.empty() && deadlines_.top().at < timer_set_to_);
    lock.unlock();
    if (wake_loop) uv_async_send(&wake_up_);
    return running;
  }

  static bool needs_thread(const Step& step) {
    return step.kind == StepKind::compute || step.kind == StepKind::block;
  }

  void work_up_to_wait(RunningTurn& running) {
    const auto steps = workload.turns[running.id].steps;
    do {
      running.value = work(ledger, steps[running.position], running.value);
    } while (++running.position < steps.size() && needs_thread(steps[running.position]));
  }

  // ---- wait: an entry in the queue of deadlines ----

  void wait_until(TimePoint moment, const RunningTurn& running) {
    std::lock_guard lock(mutex_);
    deadlines_.push({moment, running});
  }

  void end_waits(Todo& todo) {
    const TimePoint now{std::chrono::nanoseconds(uv_hrtime())};
    while (std::optional<RunningTurn> running = take_due(now)) {
      take_on(*running, todo, [&] { on_deadline(*running, todo); });
    }
  }

  std::optional<RunningTurn> take_due(TimePoint now) {
    std::lock_guard lock(mutex_);
    if (deadlines_.empty() || deadlines_.top().at > now) return {};
    const RunningTurn running = deadlines_.top().running;
    deadlines_.pop();
    return running;
  }

  void on_deadline(RunningTurn& running, Todo& todo) {
    const Step& step = step_of(running);
    if (step.kind == StepKind::wait) {
      end_step(running, ledger.end_wait(step, running.value), todo);
    } else if (running.attempting) {
      end_attempt(running, todo, [&] { return ledger.end_attempt(step, running.value); });
    } else {
      begin_attempt(running, todo);
    }
  }

  // ---- call: attempts, and the time between them ----

  void begin_call(const RunningTurn& running, Todo& todo) {
    if (workload.limit.in_flight > 0) {
      std::lock_guard lock(mutex_);
      if (places_ == 0) return wait_for_place_.push_back(running);
      --places_;
    }
    enter_call(running, todo);
  }

  void enter_call(const RunningTurn& running, Todo& todo) {
    if (workload.limit.interval.count() > 0) {
      wait_until(ledger.reserve(step_of(running)), running);
    } else {
      begin_attempt(running, todo);
    }
  }

  void begin_attempt(RunningTurn running, Todo& todo) {
    running.attempting = 1;
    if (over_tcp()) {
      todo.attempts.push_back(running);
    } else {
      wait_until(ledger.begin_attempt(step_of(running)), running);
    }
  }

  void on_over(RunningTurn running, const Exchange& exchange) {
    take_on(running, todo_, [&] {
      end_attempt(running, todo_,
                  [&] { return ledger.end_attempt(step_of(running), running.value, exchange); });
    });
    attend();
  }

  void end_attempt(RunningTurn& running, Todo& todo, auto&& end) {
    running.attempting = 0;
    Ledger::Next next;
    try {
      next = end();
    } catch (const TurnFailed&) {
      leave_call(todo);
      throw;
    }
    if (next.again) return wait_until(next.at, running);
    leave_call(todo);
    end_step(running, next.value, todo);
  }

  /// The place goes to who has waited longest.
  void leave_call(Todo& todo) {
    if (workload.limit.in_flight == 0) return;
    std::unique_lock lock(mutex_);
    if (wait_for_place_.empty()) {
      ++places_;
      return;
    }
    const RunningTurn next = wait_for_place_.front();
    wait_for_place_.pop_front();
    lock.unlock();
    enter_call(next, todo);
  }

  // ---- turns ----

  const Step& step_of(const RunningTurn& running) const {
    return workload.turns[running.id].steps[running.position];
  }

  /// A list, not recursion: a turn without steps finishes where it starts, and makes others ready.
  void start_ready(Todo& todo) {
    while (!todo.ready.empty()) {
      const Turn& turn = *todo.ready.back();
      todo.ready.pop_back();
      RunningTurn running{0, turn.id, 0, 0};
      take_on(running, todo, [&] {
        running.value = ledger.start(turn);
        begin_step(running, todo);
      });
    }
  }

  /// If the turn fails, that is the end of it alone.
  void take_on(RunningTurn& running, Todo& todo, auto&& body) {
    try {
      body();
    } catch (const TurnFailed& failure) {
      const Turn& turn = workload.turns[running.id];
      ledger.fail(turn, failure);
      end_turn(turn, todo);
    }
  }

  void end_turn(const Turn& turn, Todo& todo) {
    plan.for_each_ready_after(turn, [&](const Turn& next) { todo.ready.push_back(&next); });
  }

  void end_step(RunningTurn& running, Value v, Todo& todo) {
    running.value = v;
    ++running.position;
    begin_step(running, todo);
  }

  /// Queues the turn for what it needs next; if that is nothing, its followers may be ready.
  void begin_step(const RunningTurn& running, Todo& todo) {
    const Turn& turn = workload.turns[running.id];
    if (running.position == turn.steps.size()) {
      ledger.finish(turn, running.value);
      end_turn(turn, todo);
    } else if (const Step& step = turn.steps[running.position]; step.kind == StepKind::wait) {
      wait_until(ledger.begin_wait(step), running);
    } else if (step.kind == StepKind::call) {
      begin_call(running, todo);
    } else {
      std::lock_guard lock(mutex_);
      work_.push_back(running);
    }
  }

  // ---- the loop: keeps time, talks, and wakes workers ----

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
    end_waits(todo_);
    start_ready(todo_);
    std::unique_lock lock(mutex_);
    if (error_on_pool_) std::rethrow_exception(error_on_pool_);
    const std::size_t wanted = std::min(work_.size(), idle_requests_.size());
    idle_workers_ = idle_requests_.size() - wanted;
    timer_set_to_ = deadlines_.empty() ? TimePoint::max() : deadlines_.top().at;
    if (!attempts_.empty()) move_all(attempts_, todo_.attempts);
    lock.unlock();
    set_timer(timer_set_to_);
    for (std::size_t i = 0; i < wanted; ++i) {
      check(uv_queue_work(&loop, idle_requests_.back(), on_work, on_worked), "uv_queue_work");
      idle_requests_.pop_back();
    }
    if (!todo_.attempts.empty()) begin_attempts();
  }

  void begin_attempts() {
    for (const RunningTurn& running : todo_.attempts) client_.attempt(step_of(running), running);
    todo_.attempts.clear();
  }

  /// The loop is kept alive by a deadline, by a request on the pool, or by a socket.
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
  Todo todo_;
  Client<RunningTurn> client_;

  std::mutex mutex_;  // guards what follows
  std::priority_queue<Deadline, std::vector<Deadline>, std::greater<>> deadlines_;
  std::deque<RunningTurn> work_;
  std::vector<RunningTurn> attempts_;  // to be begun over TCP: from the pool to the loop
  std::deque<RunningTurn> wait_for_place_;
  std::uint32_t places_;  // for calls, that are free
  TimePoint timer_set_to_ = TimePoint::max();
  std::size_t idle_workers_ = 0;
  std::exception_ptr error_on_pool_;
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  set_pool_size(resources.workers);
  SharedQueues(workload, resources, ledger).run();
}
