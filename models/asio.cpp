// Asio: a C++20 coroutine per turn on an io_context that `workers` threads run.
//
// The idea      A turn reads like plain blocking code; `co_await` gives the thread back meanwhile.
// A wait        costs a coroutine frame and an entry in the timer queue, and holds no thread.
// Computing     happens where the coroutine runs: on whichever thread of the io_context resumed it.
// Next turn     spawned by the coroutine that finished the last turn it waited for.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/version.hpp>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "bench/model.hpp"
#include "bench/plan.hpp"

const bench::Model bench::model{"asio", Rung::idiomatic, Structure::workers,
                                "Boost " BOOST_LIB_VERSION};

namespace {

using namespace bench;
namespace asio = boost::asio;

class CoroutinePerTurn {
 public:
  CoroutinePerTurn(const Workload& workload, Ledger& ledger, unsigned workers)
      : ledger_(ledger), plan_(workload), workers_(workers), io_(static_cast<int>(workers)) {}

  void run() {
    plan_.for_each_root([this](const Turn& turn) { start(turn); });
    {
      std::vector<std::jthread> threads;
      for (unsigned i = 1; i < workers_; ++i) threads.emplace_back([this] { serve(); });
      serve();  // the calling thread is one of them
    }
    if (error_) std::rethrow_exception(error_);
  }

 private:
  Value compute(const Step& step, Value v) { return ledger_.compute(step, v); }

  asio::awaitable<Value> wait(const Step& step, Value v) {
    asio::steady_timer timer(io_, ledger_.begin_wait(step));
    co_await timer.async_wait(asio::use_awaitable);
    co_return ledger_.end_wait(step, v);
  }

  asio::awaitable<void> run_turn(const Turn& turn) {
    Value v = ledger_.start(turn);
    for (const Step& step : turn.steps) {
      switch (step.kind) {
        case StepKind::compute:
          v = compute(step, v);
          break;
        case StepKind::wait:
          v = co_await wait(step, v);
          break;
        case StepKind::block:
          v = ledger_.block(step, v);  // holds a thread of the io_context
          break;
      }
    }
    ledger_.finish(turn, v);
    plan_.for_each_ready_after(turn, [this](const Turn& next) { start(next); });
  }

  void start(const Turn& turn) {
    // On a thread of the io_context co_spawn would run the turn at once, inside the one that has
    // just finished, and up to its first wait.  Posted, any thread can take it.
    asio::post(io_, [this, &turn] {
      asio::co_spawn(io_, run_turn(turn), [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);  // out of io_context::run
      });
    });
  }

  /// Runs coroutines until no turn is left.
  void serve() {
    try {
      io_.run();
    } catch (...) {
      std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
      io_.stop();
    }
  }

  Ledger& ledger_;
  Plan plan_;
  unsigned workers_;
  std::mutex mutex_;
  std::exception_ptr error_;  // the first one; guarded by the mutex
  asio::io_context io_;       // last: its destructor ends coroutines that use all of the above
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  CoroutinePerTurn(workload, ledger, resources.workers).run();
}
