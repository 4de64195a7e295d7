// What do the primitives of libuv cost?  One loop, one thread, and a pool of one worker.
#include <uv.h>

#include <vector>

#include "micro.hpp"

namespace {

using micro::batch;

/// A loop for the length of a benchmark.
struct Loop {
  Loop() {
    uv_os_setenv("UV_THREADPOOL_SIZE", "1");  // read when the first work is queued
    uv_loop_init(&loop);
  }
  Loop(const Loop&) = delete;
  ~Loop() {
    run();
    uv_loop_close(&loop);
  }
  void run() { uv_run(&loop, UV_RUN_DEFAULT); }

  uv_loop_t loop;
};

/// A timer armed and fired, its handle open all the time; a batch of them in the heap at once.
void libuv_timer(benchmark::State& state) {
  std::vector<uv_timer_t> timers(batch);
  Loop loop;
  for (uv_timer_t& timer : timers) uv_timer_init(&loop.loop, &timer);
  {
    const micro::PerOperation timer(state, batch);
    for (auto _ : state) {
      for (uv_timer_t& timer : timers)
        uv_timer_start(
            &timer, [](uv_timer_t*) {}, 0, 0);
      loop.run();
    }
  }
  for (uv_timer_t& timer : timers) uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
}
BENCHMARK(libuv_timer)->Apply(micro::primitive);

/// A timer handle allocated, initialised, closed, and freed in its close callback, as the library's
/// guide does it; a batch of them closing at once.  It is never armed.
void libuv_timer_close(benchmark::State& state) {
  Loop loop;
  const micro::PerOperation handle(state, batch);
  for (auto _ : state) {
    for (int i = 0; i < batch; ++i) {
      auto* timer = new uv_timer_t;
      uv_timer_init(&loop.loop, timer);
      uv_close(reinterpret_cast<uv_handle_t*>(timer),
               [](uv_handle_t* handle) { delete reinterpret_cast<uv_timer_t*>(handle); });
    }
    loop.run();
  }
}
BENCHMARK(libuv_timer_close)->Apply(micro::primitive);

/// Work to the pool and its result back on the loop, a batch queued at once.
void libuv_queue_work(benchmark::State& state) {
  std::vector<uv_work_t> works(batch);
  Loop loop;
  const micro::PerOperation work(state, batch);
  for (auto _ : state) {
    for (uv_work_t& work : works) {
      uv_queue_work(
          &loop.loop, &work, [](uv_work_t*) {}, [](uv_work_t*, int) {});
    }
    loop.run();
  }
}
BENCHMARK(libuv_queue_work)->Apply(micro::primitive);

/// As libuv_queue_work, one at a time: each wakes the pool's thread and then the loop.
void libuv_queue_work_single(benchmark::State& state) {
  uv_work_t work;
  Loop loop;
  const micro::PerOperation round_trip(state, 1);
  for (auto _ : state) {
    uv_queue_work(
        &loop.loop, &work, [](uv_work_t*) {}, [](uv_work_t*, int) {});
    loop.run();
  }
}
BENCHMARK(libuv_queue_work_single)->Apply(micro::primitive);

/// The loop woken by uv_async_send, one at a time, from its own thread: no thread is switched to.
void libuv_async(benchmark::State& state) {
  Loop loop;
  uv_async_t async;
  uv_async_init(&loop.loop, &async, [](uv_async_t*) {});
  {
    const micro::PerOperation wake_up(state, 1);
    for (auto _ : state) {
      uv_async_send(&async);
      uv_run(&loop.loop, UV_RUN_ONCE);
    }
  }
  uv_close(reinterpret_cast<uv_handle_t*>(&async), nullptr);
}
BENCHMARK(libuv_async)->Apply(micro::primitive);

}  // namespace
