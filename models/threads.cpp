// Threads: a std::jthread per turn, started when the turn is ready.
//
// The idea      The operating system does the scheduling; a turn is plain blocking code.
// A wait        costs a sleeping thread: its stack, its place in the kernel, two context switches.
// Computing     happens on the turn's own thread; the kernel shares the CPUs out.
// Next turn     started by the thread that finished the last turn it waited for.  One that starts a
//               thousand gets only its fair share of a CPU among them: the last start late.
// Rung          idiomatic: what a textbook shows; nothing is reused or sized by hand.
#include <gnu/libc-version.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "bench/model.hpp"
#include "bench/plan.hpp"
#include "models/threads_family.hpp"

const bench::Model bench::model{"threads", Rung::idiomatic, Structure::thread_per_turn,
                                gnu_get_libc_version(),
                                Primitives{"std_thread_create_join+plan_turn", "blocking_threads"}};

namespace {

using namespace bench;

class ThreadPerTurn {
 public:
  ThreadPerTurn(const Workload& workload, const Resources& resources, Ledger& ledger)
      : turns_(workload, resources, ledger), plan_(workload), threads_(workload.turns.size()) {}

  void run() {
    plan_.for_each_root([this](const Turn& turn) { start(turn); });
    join_until_none_runs();
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void start(const Turn& turn) {
    // Under the lock, so that the new thread finds its own handle in place when it ends.
    std::lock_guard lock(mutex_);
    if (error_) return;
    try {
      threads_[turn.id] = std::jthread([this, &turn] { live(turn); });
      ++running_;
    } catch (...) {  // no more threads on this machine: let those that run come to their end
      error_ = std::current_exception();
    }
  }

  /// A thread's whole life.
  void live(const Turn& turn) {
    std::exception_ptr error;
    try {
      turns_.run(turn);
      plan_.for_each_ready_after(turn, [this](const Turn& next) { start(next); });
    } catch (...) {
      error = std::current_exception();
    }
    std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
    ended_.push_back(std::move(threads_[turn.id]));  // a thread cannot join itself
    one_ended_.notify_one();
  }

  /// The calling thread joins the others as they end, so that no more exist than run.
  void join_until_none_runs() {
    std::unique_lock lock(mutex_);
    while (running_ > 0) {
      one_ended_.wait(lock, [this] { return !ended_.empty(); });
      std::vector<std::jthread> ended = std::exchange(ended_, {});
      running_ -= ended.size();
      lock.unlock();
      ended.clear();  // joins
      lock.lock();
    }
  }

  BlockingTurns turns_;
  Plan plan_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable one_ended_;
  std::vector<std::jthread> threads_;  // of the running turn of that id
  std::vector<std::jthread> ended_;
  std::size_t running_ = 0;   // started and not yet joined
  std::exception_ptr error_;  // the first one
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  ThreadPerTurn(workload, resources, ledger).run();
}
