// What is a run of one libuv loop?  From set-up to take-down, with its first error, and its stop.
#pragma once

#include <uv.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <stop_token>
#include <string>
#include <system_error>

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

using TimePoint = Ledger::Clock::time_point;

/// Calls `on_timer` at the deadline or up to 2 ms later.  The loop's clock is the steady clock in
/// whole milliseconds, rounded down.  The deadline is rounded up, so that the timer does not fire
/// before it.
inline void start_timer(uv_timer_t& timer, TimePoint deadline, uv_timer_cb on_timer) {
  const auto due_ms = std::chrono::ceil<std::chrono::milliseconds>(deadline).time_since_epoch();
  const auto now_ms = static_cast<std::int64_t>(uv_now(timer.loop));
  const auto delay_ms =
      static_cast<std::uint64_t>(std::max<std::int64_t>(due_ms.count() - now_ms, 0));
  check(uv_timer_start(&timer, on_timer, delay_ms, 0), "uv_timer_start");
}

/// A run of one loop: from set-up to take-down, with the first error of any callback.
class LoopRun {
 public:
  LoopRun(const Workload& w, const Resources& resources, Ledger& l)
      : workload(w), ledger(l), endpoint(resources.endpoint), plan(w), stop_(resources.stop) {}
  LoopRun(const LoopRun&) = delete;
  LoopRun& operator=(const LoopRun&) = delete;

  const Workload& workload;
  Ledger& ledger;
  const Endpoint endpoint;
  Plan plan;
  uv_loop_t loop;
  std::atomic<bool> failed = false;  // nothing more is to be begun, on the pool's threads neither

  bool over_tcp() const { return endpoint.port != 0; }

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
    check(uv_async_init(&loop, &stopped_, on_stop), "uv_async_init");
    stopped_.data = this;
    uv_unref(reinterpret_cast<uv_handle_t*>(&stopped_));
    {
      // Whoever asks, on whatever thread: the loop learns of it as of any other event.
      const std::stop_callback wake(stop_, [this] { uv_async_send(&stopped_); });
      guarded(begin);
      uv_run(&loop, UV_RUN_DEFAULT);
      // After an error, what is on the pool comes back first: it may use the handles.  But it has
      // nothing to do with sockets, and a peer need not answer.
      auto let_go = [](uv_handle_t* handle, void*) {
        if (handle->type == UV_TCP) {
          if (!uv_is_closing(handle)) uv_close(handle, nullptr);
        } else {
          uv_unref(handle);
        }
      };
      uv_walk(&loop, let_go, nullptr);
      uv_run(&loop, UV_RUN_DEFAULT);
    }
    auto close = [](uv_handle_t* handle, void*) { uv_close(handle, nullptr); };
    uv_walk(&loop, close, nullptr);
    uv_run(&loop, UV_RUN_DEFAULT);
    check(uv_loop_close(&loop), "uv_loop_close");
    if (error_) std::rethrow_exception(error_);
  }

 private:
  /// What waits is abandoned, as after an error.
  static void on_stop(uv_async_t* stopped) {
    static_cast<LoopRun*>(stopped->data)->guarded([] { throw Stopped(); });
  }

  std::stop_token stop_;
  uv_async_t stopped_;
  std::exception_ptr error_;
};

}  // namespace bench::libuv_family
