// Thread pool: `workers` threads that take ready turns from one queue.
//
// The idea      As many threads as CPUs, started once; a mutex and a condition guard the queue.
// A wait        holds a worker, which sleeps: no more than `workers` waits overlap.
// Computing     happens on the worker that took the turn; a hand-over costs a lock and a wake-up.
// Next turn     pushed to the queue by the worker that finished the last turn it waited for.
// Rung          naive: a pool sized for the CPUs is for work that never waits.
#include <gnu/libc-version.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

#include "bench/model.hpp"
#include "bench/plan.hpp"
#include "models/threads_family.hpp"

const bench::Model bench::model{"threads", Rung::naive, Structure::blocking_workers,
                                gnu_get_libc_version(),
                                Primitives{"std_mutex_queue+std_mutex+plan_turn", "blocking_one"}};

namespace {

using namespace bench;

class ThreadPool {
 public:
  ThreadPool(const Workload& workload, const Resources& resources, Ledger& ledger)
      : turns_(workload, resources, ledger), plan_(workload), unfinished_(workload.turns.size()) {}

  void run(unsigned workers) {
    plan_.for_each_root([this](const Turn& turn) { ready_.push(&turn); });
    {
      std::vector<std::jthread> threads;
      try {
        while (threads.size() < workers) threads.emplace_back([this] { serve(); });
      } catch (...) {  // no more threads on this machine: end those that run
        give_up();
      }
    }
    if (error_) std::rethrow_exception(error_);
  }

 private:
  /// A worker's whole life.
  void serve() {
    try {
      while (const Turn* turn = take()) {
        turns_.run(*turn);
        finish(*turn);
      }
    } catch (...) {
      give_up();
    }
  }

  /// Sleeps until a turn is ready; none when there is nothing left to do.
  const Turn* take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !ready_.empty() || unfinished_ == 0 || error_; });
    if (ready_.empty() || error_) return nullptr;
    const Turn* turn = ready_.front();
    ready_.pop();
    return turn;
  }

  void finish(const Turn& turn) {
    plan_.for_each_ready_after(turn, [this](const Turn& next) {
      {
        std::lock_guard lock(mutex_);
        ready_.push(&next);
      }
      changed_.notify_one();
    });
    std::lock_guard lock(mutex_);
    if (--unfinished_ == 0) changed_.notify_all();
  }

  /// After an error: keeps it, and sends the workers home.
  void give_up() {
    std::lock_guard lock(mutex_);
    if (!error_) error_ = std::current_exception();
    changed_.notify_all();
  }

  BlockingTurns turns_;
  Plan plan_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::queue<const Turn*> ready_;
  std::size_t unfinished_;
  std::exception_ptr error_;  // the first one
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  ThreadPool(workload, resources, ledger).run(resources.workers);
}
