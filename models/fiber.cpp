// Boost.Fiber: a fiber per turn, on `workers` threads that share one queue of ready fibers.
//
// The idea      A turn is plain blocking code, but what blocks is a fiber: its thread goes on.
// A wait        costs a fiber's stack of 32 KiB, of which it touches two or three pages.  The
//               fiber sleeps with the thread it last ran on, and wakes when that one has time.
// A call        begins an operation of Asio's, whose handler wakes the fiber, as the guide shows
//               for callbacks.  A thread that has no fiber to run looks at the sockets.
// Computing     happens on whichever thread took the fiber from the shared queue.
// Next turn     a new fiber, launched by the one that finished the last turn it waited for.
// Rung          idiomatic: the library's example of work sharing.  Its idle threads spin.
#include <atomic>
#include <bit>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/fiber/algo/shared_work.hpp>
#include <boost/fiber/buffered_channel.hpp>
#include <boost/fiber/condition_variable.hpp>
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/fixedsize_stack.hpp>
#include <boost/fiber/operations.hpp>
#include <boost/version.hpp>
#include <exception>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "bench/model.hpp"
#include "bench/plan.hpp"
#include "models/asio_connections.hpp"

const bench::Model bench::model{"fiber", Rung::idiomatic, Structure::workers,
                                "Boost " BOOST_LIB_VERSION,
                                Primitives{"fiber_create_join_shared+plan_turn", "epoll"}};

namespace {

using namespace bench;
using asio_family::error_code;
namespace asio = boost::asio;
namespace fibers = boost::fibers;

/// The fiber sleeps; a stop wakes it.  The mutex is the standard library's, which holds the thread,
/// here and below: who asks to stop may be no fiber, and must not become another one meanwhile.
void sleep_until(const std::stop_token& stop, Ledger::Clock::time_point moment) {
  std::mutex mutex;
  fibers::condition_variable_any woken;
  bool stopped = false;
  const std::stop_callback wake(stop, [&] {
    std::lock_guard lock(mutex);
    stopped = true;
    woken.notify_one();
  });
  std::unique_lock lock(mutex);
  if (woken.wait_until(lock, moment, [&] { return stopped; })) throw Stopped();
}

/// A connection over which fibers talk.
class FiberConnection : public asio_family::Connection {
 public:
  using Connection::Connection;

  /// Until the exchange is over, at the latest at `deadline`.
  void talk(Ledger::Clock::time_point deadline, const std::stop_token& stop) {
    deadline_ = deadline;
    stopped_ = false;
    const std::stop_callback wake(stop, [this] {
      std::lock_guard lock(mutex_);
      stopped_ = true;
      changed_.notify_one();
    });
    error_code error;
    if (has_to_connect()) {
      socket.non_blocking(true);
      error = await([this](auto handler) { socket.async_connect(peer(), handler); });
    }
    // What is sent fits into the socket's buffer, unless the peer reads nothing at all.
    auto unsent = asio::buffer(exchange.request());
    while (!error && unsent.size() > 0) {
      unsent += socket.write_some(unsent, error);
      if (error != asio::error::would_block) continue;
      error = await([this](auto handler) { socket.async_wait(socket.wait_write, handler); });
    }
    while (!error && !exchange.over()) {
      error =
          await([this](auto handler) { socket.async_read_some(asio::buffer(buffer), handler); });
      received(bytes_);
    }
    if (error == asio::error::operation_aborted) {
      on_timed_out();
    } else if (error) {
      on_error(error);
    }
    settle();
  }

 private:
  /// What came of an operation, which `initiate(handler)` begins: aborted, if time was up.
  error_code await(auto initiate) {
    ended_ = false;
    initiate([this](const error_code& error, std::size_t bytes = 0) {
      std::lock_guard lock(mutex_);
      ended_ = true;
      error_ = error;
      bytes_ = bytes;
      changed_.notify_one();
    });
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, deadline_, [this] { return ended_ || stopped_; });
    if (!ended_) {
      error_code ignored;
      socket.cancel(ignored);
      changed_.wait(lock, [this] { return ended_; });  // the handler uses this object
    }
    if (stopped_) throw Stopped();
    return error_;
  }

  Ledger::Clock::time_point deadline_;
  std::mutex mutex_;  // guards the others
  fibers::condition_variable_any changed_;
  bool stopped_ = false, ended_ = false;
  error_code error_;
  std::size_t bytes_ = 0;
};

/// Places for calls, where a workload limits how many may be under way: a channel that holds them.
class Places {
 public:
  Places(const Limit& limit, const std::stop_token& stop)
      : limited_(limit.in_flight > 0),
        free_(std::bit_ceil(limit.in_flight + std::size_t{2})),  // it takes one less
        on_stop_(stop, Close{free_}) {
    for (std::uint32_t i = 0; i < limit.in_flight; ++i) give_back();
  }

  /// After a stop there are places for all: they find out as soon as they begin.
  void take() {
    char place;
    if (limited_) free_.pop(place);
  }
  void give_back() {
    if (limited_) free_.try_push(char{});
  }

 private:
  using Channel = fibers::buffered_channel<char>;
  struct Close {
    Channel& channel;
    void operator()() const { channel.close(); }
  };
  const bool limited_;
  Channel free_;
  std::stop_callback<Close> on_stop_;
};

class FiberPerTurn {
 public:
  FiberPerTurn(const Workload& workload, const Resources& resources, Ledger& ledger)
      : ledger_(ledger),
        plan_(workload),
        limit_(workload.limit),
        resources_(resources),
        on_stop_(resources.stop, Stop{*this}),
        places_(limit_, stop_),
        io_(static_cast<int>(resources.workers)),
        connections_(io_) {}

  void run() {
    const unsigned workers = resources_.workers;
    {
      std::vector<std::jthread> threads;  // new ones, so that no scheduler stays with the caller's
      try {
        for (unsigned i = 0; i < workers; ++i) threads.emplace_back([this, i] { serve(i == 0); });
      } catch (...) {  // no more threads on this machine: end those that run
        on_error();
      }
    }
    if (error_) std::rethrow_exception(error_);
  }

 private:
  Value compute(const Step& step, Value v) { return ledger_.compute(step, v); }

  Value wait(const Step& step, Value v) {
    sleep_until(stop_, ledger_.begin_wait(step));
    return ledger_.end_wait(step, v);
  }

  Value call(const Step& step, Value v) {
    const Place place(places_);
    if (limit_.interval.count() > 0) sleep_until(stop_, ledger_.reserve(step));
    for (;;) {
      const Ledger::Next next = over_tcp() ? attempt_over_tcp(step, v) : attempt(step, v);
      if (!next.again) return next.value;
      sleep_until(stop_, next.at);
    }
  }

  bool over_tcp() const { return resources_.endpoint.port != 0; }

  Ledger::Next attempt(const Step& step, Value v) {
    sleep_until(stop_, ledger_.begin_attempt(step));
    return ledger_.end_attempt(step, v);
  }

  Ledger::Next attempt_over_tcp(const Step& step, Value v) {
    FiberConnection& idle = connections_.take();
    const auto deadline = ledger_.begin_attempt(step, idle.exchange);
    FiberConnection& connection = connections_.suited(idle);
    const asio_family::Pool<FiberConnection>::GiveBack finally{connections_, connection};
    connection.talk(deadline, stop_);
    return ledger_.end_attempt(step, v, connection.exchange);
  }

  Value run_step(const Step& step, Value v) {
    switch (step.kind) {
      case StepKind::compute:
        return compute(step, v);
      case StepKind::wait:
        return wait(step, v);
      case StepKind::call:
        return call(step, v);
      case StepKind::block:
        return ledger_.block(step, v);  // holds the thread
    }
    return v;
  }

  void run_turn(const Turn& turn) {
    try {
      Value v = ledger_.start(turn);
      for (const Step& step : turn.steps) v = run_step(step, v);
      ledger_.finish(turn, v);
    } catch (const TurnFailed& failure) {
      ledger_.fail(turn, failure);
    }
    plan_.for_each_ready_after(turn, [this](const Turn& next) { launch(next); });
  }

  void launch(const Turn& turn) {
    if (failed_.load(std::memory_order_relaxed)) return;
    running_.fetch_add(1, std::memory_order_relaxed);
    try {
      fibers::fiber(fibers::launch::post, std::allocator_arg, fibers::fixedsize_stack(stack_bytes),
                    [this, &turn] { ending([&] { run_turn(turn); }); })
          .detach();
    } catch (...) {
      ending([] { throw; });
    }
  }

  /// Runs what was counted as running; keeps the first error.
  void ending(auto&& body) {
    try {
      body();
    } catch (...) {
      on_error();
    }
    if (running_.fetch_sub(1) == 1) {
      std::lock_guard lock(mutex_);  // nobody is between looking at `running_` and going to sleep
      none_runs_.notify_all();
    }
  }

  /// Keeps the first error; after it no fiber is launched, and none waits.
  void on_error() {
    if (!failed_.exchange(true)) error_ = std::current_exception();
    stop_source_.request_stop();
  }

  /// A thread's whole life: its main fiber waits while it runs others.
  void serve(bool first) {
    fibers::use_scheduling_algorithm<fibers::algo::shared_work>();
    if (first) {
      ending([this] { plan_.for_each_root([this](const Turn& turn) { launch(turn); }); });
    }
    // With nothing else to run this fiber's turn comes again and again.
    while (over_tcp() && running_ > 0) {
      io_.poll();
      boost::this_fiber::yield();
    }
    std::unique_lock lock(mutex_);
    none_runs_.wait(lock, [this] { return running_ == 0; });
  }

  struct Stop {
    FiberPerTurn& all;
    void operator()() const { all.stop_source_.request_stop(); }
  };

  struct Place {
    explicit Place(Places& p) : places(p) { places.take(); }
    ~Place() { places.give_back(); }
    Places& places;
  };

  // The kernels and a thrown exception need 10 KiB.
  static constexpr std::size_t stack_bytes = 32 * 1024;

  Ledger& ledger_;
  Plan plan_;
  const Limit limit_;
  const Resources& resources_;
  std::mutex mutex_;  // guards the next one
  fibers::condition_variable_any none_runs_;
  std::atomic<std::size_t> running_ = 1;  // fibers, and at first the thread that launches the roots
  std::atomic<bool> failed_ = false;
  std::exception_ptr error_;      // the first one
  std::stop_source stop_source_;  // asked by an error as well
  const std::stop_token stop_ = stop_source_.get_token();
  std::stop_callback<Stop> on_stop_;
  Places places_;
  asio::io_context io_;
  const asio::executor_work_guard<asio::io_context::executor_type> until_the_end_{
      io_.get_executor()};                          // also while nobody calls
  asio_family::Pool<FiberConnection> connections_;  // its sockets are the io_context's
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  FiberPerTurn(workload, resources, ledger).run();
}
