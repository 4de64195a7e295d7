// Boost.Fiber: a fiber per turn, on `workers` threads that share one queue of ready fibers.
//
// The idea      A turn is plain blocking code, but what blocks is a fiber: its thread goes on.
// A wait        costs a fiber's stack of 32 KiB, of which it touches two or three pages.  The
//               fiber sleeps with the thread it last ran on, and wakes when that one has time.
// Computing     happens on whichever thread took the fiber from the shared queue.
// Next turn     a new fiber, launched by the one that finished the last turn it waited for.
// Rung          idiomatic: the library's example of work sharing.  Its idle threads spin.
#include <atomic>
#include <boost/fiber/algo/shared_work.hpp>
#include <boost/fiber/condition_variable.hpp>
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/fixedsize_stack.hpp>
#include <boost/fiber/operations.hpp>
#include <boost/version.hpp>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "bench/model.hpp"
#include "bench/plan.hpp"

const bench::Model bench::model{"fiber", Rung::idiomatic, Structure::workers,
                                "Boost " BOOST_LIB_VERSION, "fiber_create_join_shared+plan_turn"};

namespace {

using namespace bench;
namespace fibers = boost::fibers;

class FiberPerTurn {
 public:
  FiberPerTurn(const Workload& workload, Ledger& ledger) : ledger_(ledger), plan_(workload) {}

  void run(unsigned workers) {
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
    boost::this_fiber::sleep_until(ledger_.begin_wait(step));
    return ledger_.end_wait(step, v);
  }

  void run_turn(const Turn& turn) {
    Value v = ledger_.start(turn);
    for (const Step& step : turn.steps) {
      switch (step.kind) {
        case StepKind::compute:
          v = compute(step, v);
          break;
        case StepKind::wait:
          v = wait(step, v);
          break;
        case StepKind::block:
          v = ledger_.block(step, v);  // holds the thread
          break;
      }
    }
    ledger_.finish(turn, v);
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

  /// Keeps the first error; after it no fiber is launched.
  void on_error() {
    if (!failed_.exchange(true)) error_ = std::current_exception();
  }

  /// A thread's whole life: its main fiber waits while it runs others.
  void serve(bool first) {
    fibers::use_scheduling_algorithm<fibers::algo::shared_work>();
    if (first) {
      ending([this] { plan_.for_each_root([this](const Turn& turn) { launch(turn); }); });
    }
    std::unique_lock lock(mutex_);
    none_runs_.wait(lock, [this] { return running_ == 0; });
  }

  // The kernels and a thrown exception need 10 KiB.
  static constexpr std::size_t stack_bytes = 32 * 1024;

  Ledger& ledger_;
  Plan plan_;
  std::mutex mutex_;  // guards the next one
  fibers::condition_variable_any none_runs_;
  std::atomic<std::size_t> running_ = 1;  // fibers, and at first the thread that launches the roots
  std::atomic<bool> failed_ = false;
  std::exception_ptr error_;  // the first one
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  FiberPerTurn(workload, ledger).run(resources.workers);
}
