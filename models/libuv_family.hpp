// What do the libuv models share?  A run of one loop, from set-up to take-down, and waits by
// timers.
#pragma once

#include <uv.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "bench/model.hpp"
#include "bench/plan.hpp"

namespace bench::libuv_family {

/// libuv reports errors as negative numbers.
inline void check(int status, const char* what) {
  if (status < 0) {
    throw std::system_error(-status, std::generic_category(), std::string("libuv: ") + what);
  }
}

/// libuv reads this when the first work is queued, once per process.
inline void set_pool_size(unsigned threads) {
  check(uv_os_setenv("UV_THREADPOOL_SIZE", std::to_string(threads).c_str()), "setenv");
}

/// A step that needs a thread, on the calling one: computing, or a tool that blocks.
inline Value work(Ledger& ledger, const Step& step, Value v) {
  return step.kind == StepKind::compute ? ledger.compute(step, v) : ledger.block(step, v);
}

/// A run of one loop: from set-up to take-down, with the first error of any callback.
class LoopRun {
 public:
  LoopRun(const Workload& w, Ledger& l) : workload(w), ledger(l), plan(w) {}
  LoopRun(const LoopRun&) = delete;
  LoopRun& operator=(const LoopRun&) = delete;

  const Workload& workload;
  Ledger& ledger;
  Plan plan;
  uv_loop_t loop;
  std::atomic<bool> failed = false;  // nothing more is to be begun, on the pool's threads neither

  /// The body of every callback: an exception must not cross libuv, which is written in C.
  void guarded(auto&& body) {
    if (failed) return;
    try {
      body();
    } catch (...) {
      error_ = std::current_exception();
      failed = true;
      uv_stop(&loop);
    }
  }

  /// Runs the loop from `begin()` until nothing is left to do, takes it down, and throws the error.
  void run_loop(auto&& begin) {
    check(uv_loop_init(&loop), "uv_loop_init");
    guarded(begin);
    uv_run(&loop, UV_RUN_DEFAULT);
    // After an error, what is on the pool comes back first: it may use the handles.
    auto unref = [](uv_handle_t* handle, void*) { uv_unref(handle); };
    uv_walk(&loop, unref, nullptr);
    uv_run(&loop, UV_RUN_DEFAULT);
    auto close = [](uv_handle_t* handle, void*) { uv_close(handle, nullptr); };
    uv_walk(&loop, close, nullptr);
    uv_run(&loop, UV_RUN_DEFAULT);
    check(uv_loop_close(&loop), "uv_loop_close");
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::exception_ptr error_;
};

/// A turn on its way, and the timer of its waits.
struct RunningTurn {
  uv_timer_t timer;  // its `data` points back here
  Value value;
  TurnId id;
  std::uint32_t position;  // of the step under way
};

/// A run whose turns all live on the loop, and whose waits are timers.  A timer that has fired can
/// be started again: each serves one turn after another, and none is closed before the run is over.
class TimerRun : public LoopRun {
 public:
  /// Room for all turns, because a handle must not move.  Only what is used takes memory.
  TimerRun(const Workload& w, Ledger& l) : LoopRun(w, l) { turns_.reserve(w.turns.size()); }

  void run() {
    loop.data = this;
    run_loop([this] {
      plan.for_each_root([this](const Turn& turn) {
        start_turn(turn);
        start_ready_turns();
      });
    });
  }

  static TimerRun& of(const uv_timer_t& timer) { return *static_cast<TimerRun*>(timer.loop->data); }

  /// The body of every callback, after which the turns start that it has made ready.
  void callback(auto&& body) {
    guarded([&] {
      body();
      start_ready_turns();
    });
  }

  const Step& step_of(const RunningTurn& running) const {
    return workload.turns[running.id].steps[running.position];
  }

  /// Calls `on_timer` when the step's wait is over, up to 2 ms late.  The loop's clock is the
  /// steady clock in whole milliseconds, rounded down.  The deadline is rounded up, so that the
  /// timer does not fire before it.
  void begin_wait(RunningTurn& running, uv_timer_cb on_timer) {
    const auto deadline = ledger.begin_wait(step_of(running));
    const auto due_ms = std::chrono::ceil<std::chrono::milliseconds>(deadline).time_since_epoch();
    const auto now_ms = static_cast<std::int64_t>(uv_now(&loop));
    const auto delay_ms =
        static_cast<std::uint64_t>(std::max<std::int64_t>(due_ms.count() - now_ms, 0));
    check(uv_timer_start(&running.timer, on_timer, delay_ms, 0), "uv_timer_start");
  }

  /// The turns that waited for nothing else are ready, and start when the callback ends.
  void finish_turn(RunningTurn& running) {
    const Turn& turn = workload.turns[running.id];
    ledger.finish(turn, running.value);
    running.timer.data = std::exchange(idle_, &running);
    plan.for_each_ready_after(turn, [this](const Turn& next) { ready_.push_back(&next); });
  }

 private:
  virtual void begin_step(RunningTurn& running) = 0;

  /// A list, not recursion: a turn may finish where it starts, and chains of such turns are long.
  void start_ready_turns() {
    while (!ready_.empty()) {
      const Turn& turn = *ready_.back();
      ready_.pop_back();
      start_turn(turn);
    }
  }

  void start_turn(const Turn& turn) {
    if (!idle_) {
      idle_ = &turns_.emplace_back();
      check(uv_timer_init(&loop, &idle_->timer), "uv_timer_init");
    }
    RunningTurn& running = *idle_;
    idle_ = static_cast<RunningTurn*>(std::exchange(running.timer.data, &running));
    running.value = ledger.start(turn);
    running.id = turn.id;
    running.position = 0;
    begin_step(running);
  }

  std::vector<RunningTurn> turns_;
  RunningTurn* idle_ = nullptr;  // the first of a list, whose links are the timers' `data`
  std::vector<const Turn*> ready_;
};

}  // namespace bench::libuv_family
