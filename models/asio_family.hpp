// What do the asio models share?  The verbs of a turn, and threads that run an io_context.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "bench/model.hpp"

namespace bench::asio_family {

namespace asio = boost::asio;

/// A step that needs a thread, on the calling one: computing, or a tool that blocks.
inline Value work(Ledger& ledger, const Step& step, Value v) {
  return step.kind == StepKind::compute ? ledger.compute(step, v) : ledger.block(step, v);
}

/// The outside world takes its time; meanwhile the thread is free.
inline asio::awaitable<Value> wait(asio::io_context& io, Ledger& ledger, const Step& step,
                                   Value v) {
  asio::steady_timer timer(io, ledger.begin_wait(step));
  co_await timer.async_wait(asio::use_awaitable);
  co_return ledger.end_wait(step, v);
}

/// The library's steady_timer, but for its executor: the io_context's own in place of one that can
/// be any.
using Timer = asio::steady_timer::rebind_executor<asio::io_context::executor_type>::other;

/// For co_spawn: what a coroutine throws comes out of io_context::run.
inline void rethrow(std::exception_ptr error) {
  if (error) std::rethrow_exception(error);
}

/// Runs the io_context on `workers` threads, the calling one among them, until it has no work left
/// or is to stop.  The first error stops all of them, and is thrown.
inline void run_on_threads(asio::io_context& io, unsigned workers, std::stop_token stop = {}) {
  const std::stop_callback on_stop(std::move(stop), [&io] { io.stop(); });
  std::mutex mutex;
  std::exception_ptr first_error;  // guarded by the mutex
  auto guarded = [&](auto&& body) {
    try {
      body();
    } catch (...) {
      std::lock_guard lock(mutex);
      if (!first_error) first_error = std::current_exception();
      io.stop();
    }
  };
  {
    std::vector<std::jthread> threads;
    guarded([&] {
      for (unsigned i = 1; i < workers; ++i) threads.emplace_back(guarded, [&] { io.run(); });
      io.run();
    });
  }
  if (first_error) std::rethrow_exception(first_error);
}

}  // namespace bench::asio_family
