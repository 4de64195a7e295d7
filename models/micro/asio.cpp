// What do the primitives of Boost.Asio cost?  One io_context, run by one thread.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <vector>

#include "bench/random.hpp"
#include "micro.hpp"

namespace {

namespace asio = boost::asio;
using micro::batch;

/// Calls `work` on the io_context's thread, where the turns of a model run, and then runs all that
/// it has left to do.
void inside(asio::io_context& io, auto&& work) {
  asio::post(io, work);
  io.run();
  io.restart();
}

void post_batches(benchmark::State& state, asio::io_context& io) {
  int done = 0;
  const micro::PerOperation post(state, batch);
  for (auto _ : state) {
    inside(io, [&] {
      for (int i = 0; i < batch; ++i) asio::post(io, [&done] { ++done; });
    });
    benchmark::DoNotOptimize(done);
  }
}

/// A handler posted and run; a batch of them queued at once.  The io_context is told that one
/// thread runs it, and still locks.
void asio_post(benchmark::State& state) {
  asio::io_context io(1);
  post_batches(state, io);
}
BENCHMARK(asio_post)->Apply(micro::primitive);

/// As asio_post, in an io_context that any number of threads may run.
void asio_post_shared(benchmark::State& state) {
  asio::io_context io;
  post_batches(state, io);
}
BENCHMARK(asio_post_shared)->Apply(micro::primitive);

/// As asio_post, in an io_context that does not lock at all.
void asio_post_unlocked(benchmark::State& state) {
  asio::io_context io(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);
  post_batches(state, io);
}
BENCHMARK(asio_post_unlocked)->Apply(micro::primitive);

/// As asio_post, each handler posting the next: one is queued at a time, in recycled memory.
void asio_post_chain(benchmark::State& state) {
  struct Link {
    asio::io_context& io;
    int left;
    void operator()() {
      if (left > 0) asio::post(io, Link{io, left - 1});
    }
  };
  asio::io_context io(1);
  const micro::PerOperation post(state, batch);
  for (auto _ : state) inside(io, Link{io, batch});
}
BENCHMARK(asio_post_chain)->Apply(micro::primitive);

/// A handler dispatched on the io_context's own thread, which runs it at once.
void asio_dispatch(benchmark::State& state) {
  asio::io_context io(1);
  int done = 0;
  const micro::PerOperation dispatch(state, batch);
  for (auto _ : state) {
    inside(io, [&] {
      for (int i = 0; i < batch; ++i)
        asio::dispatch(io, [&done] { benchmark::DoNotOptimize(++done); });
    });
  }
}
BENCHMARK(asio_dispatch)->Apply(micro::primitive);

template <typename Executor>
asio::awaitable<void, Executor> add_one(int& sum) {
  benchmark::DoNotOptimize(++sum);
  co_return;
}

template <typename Executor>
void spawn_batches(benchmark::State& state) {
  asio::io_context io(1);
  const Executor executor = io.get_executor();
  int sum = 0;
  const micro::PerOperation coroutine(state, batch);
  for (auto _ : state) {
    inside(io, [&] {
      for (int i = 0; i < batch; ++i)
        asio::co_spawn(executor, add_one<Executor>(sum), asio::detached);
    });
  }
}

/// A coroutine without a wait spawned on the io_context's own thread, run and ended; a batch of
/// them alive at once, for co_spawn posts the end of each.
void asio_co_spawn(benchmark::State& state) { spawn_batches<asio::any_io_executor>(state); }
BENCHMARK(asio_co_spawn)->Apply(micro::primitive);

/// As asio_co_spawn, with the io_context's own executor type.
void asio_co_spawn_concrete(benchmark::State& state) {
  spawn_batches<asio::io_context::executor_type>(state);
}
BENCHMARK(asio_co_spawn_concrete)->Apply(micro::primitive);

template <typename Executor>
asio::awaitable<void, Executor> await_batch(int& sum) {
  for (int i = 0; i < batch; ++i) co_await add_one<Executor>(sum);
}

template <typename Executor>
void await_batches(benchmark::State& state) {
  asio::io_context io(1);
  const Executor executor = io.get_executor();
  int sum = 0;
  const micro::PerOperation child(state, batch);
  for (auto _ : state) {
    asio::co_spawn(executor, await_batch<Executor>(sum), asio::detached);
    io.run();
    io.restart();
  }
}

/// A child coroutine awaited by its parent, one after another: no executor takes part.
void asio_await(benchmark::State& state) { await_batches<asio::any_io_executor>(state); }
BENCHMARK(asio_await)->Apply(micro::primitive);

/// As asio_await, with the io_context's own executor type.
void asio_await_concrete(benchmark::State& state) {
  await_batches<asio::io_context::executor_type>(state);
}
BENCHMARK(asio_await_concrete)->Apply(micro::primitive);

/// A timer object constructed for the io_context and destroyed, never armed: its service is looked
/// up under a lock.
void asio_timer_make(benchmark::State& state) {
  asio::io_context io(1);
  const micro::PerOperation timer(state, batch);
  for (auto _ : state) {
    for (int i = 0; i < batch; ++i) {
      asio::steady_timer timer(io);
      benchmark::DoNotOptimize(&timer);
    }
  }
}
BENCHMARK(asio_timer_make)->Apply(micro::primitive);

/// A timer armed and fired, the timer object alive all the time; a batch of them queued at once,
/// with scattered deadlines that have passed already.
void asio_timer(benchmark::State& state) {
  asio::io_context io(1);
  std::vector<asio::steady_timer> timers;
  for (int i = 0; i < batch; ++i) timers.emplace_back(io);
  int done = 0;
  const micro::PerOperation timer(state, batch);
  for (auto _ : state) {
    inside(io, [&] {
      const auto now = std::chrono::steady_clock::now();
      for (std::size_t i = 0; i < timers.size(); ++i) {
        asio::steady_timer& timer = timers[i];
        timer.expires_at(now - std::chrono::nanoseconds(bench::mix64(i) % 1'000'000));
        timer.async_wait([&done](boost::system::error_code) { ++done; });
      }
    });
    benchmark::DoNotOptimize(done);
  }
}
BENCHMARK(asio_timer)->Apply(micro::primitive);

}  // namespace
