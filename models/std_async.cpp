// std::async: a task per turn, started when the turn is ready, and a future per task.
//
// The idea      std::async says what shall happen; its future says when it has, or what went wrong.
// A wait        costs a sleeping thread: std::launch::async starts a new one for every task.  A
//               future keeps its thread's stack until it is asked, and they are asked in order.
// Computing     happens on the turn's own thread; the kernel shares the CPUs out.
// Next turn     started by the task that finished the last turn it waited for.  A task that began
//               by waiting for the futures before it would hold a thread for every turn there is.
// Rung          idiomatic: futures carry both results and errors, and no lock is needed.
#include <gnu/libc-version.h>

#include <exception>
#include <future>
#include <vector>

#include "bench/model.hpp"
#include "bench/plan.hpp"
#include "models/threads_family.hpp"

const bench::Model bench::model{"std_async", Rung::idiomatic, Structure::thread_per_turn,
                                gnu_get_libc_version(),
                                Primitives{"std_async+plan_turn", "blocking_threads"}};

namespace {

using namespace bench;

class AsyncTurns {
 public:
  AsyncTurns(const Workload& workload, const Resources& resources, Ledger& ledger)
      : turns_(workload, resources, ledger), plan_(workload), futures_(workload.turns.size()) {}

  void run() {
    guarded([this] { plan_.for_each_root([this](const Turn& turn) { start(turn); }); });
    // Turns are numbered so that each comes after those it waits for.  When its number is reached,
    // these are done, and one of them has stored its future: so no lock is needed.
    for (std::future<void>& future : futures_) {
      if (future.valid()) guarded([&] { future.get(); });  // not started after an error before it
    }
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void start(const Turn& turn) {
    futures_[turn.id] = std::async(std::launch::async, [this, &turn] {
      turns_.run(turn);
      plan_.for_each_ready_after(turn, [this](const Turn& next) { start(next); });
    });
  }

  void guarded(auto&& body) {
    try {
      body();
    } catch (...) {
      if (!error_) error_ = std::current_exception();
    }
  }

  BlockingTurns turns_;
  Plan plan_;
  std::vector<std::future<void>> futures_;  // of each turn
  std::exception_ptr error_;                // the first one
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  AsyncTurns(workload, resources, ledger).run();
}
