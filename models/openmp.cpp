// OpenMP: a task per ready turn, and a countdown of what is ready.
//
// The idea      Whoever finishes a turn makes tasks of the turns that it made ready, all but one.
// A wait        sleeps inside its task and holds one of the `workers` threads.
// Computing     is the body of a task, on whichever thread of the team is free.
// Next turn     run by the task that finished the last turn it waited for.  `depend` clauses could
//               say the same, but GCC's library looks through all tasks that name the same turn
//               whenever one more does: 9 us a turn where 10,000 follow the same one.
// Rung          idiomatic: tasks that make tasks, as the specification has it for dynamic graphs.
#include <omp.h>

#include <atomic>
#include <exception>
#include <system_error>
#include <vector>

#include "bench/model.hpp"
#include "bench/plan.hpp"
#include "models/threads_family.hpp"

// The specification's date, as the compiler knows it: 201511 is version 4.5.
#define TEXT_OF(number) #number
#define VERSION_OF(number) "OpenMP " TEXT_OF(number)
const bench::Model bench::model{"openmp", Rung::idiomatic, Structure::blocking_workers,
                                VERSION_OF(_OPENMP),
                                Primitives{"omp_task+plan_turn", "blocking_one"}};

namespace {

using namespace bench;

class TaskPerReadyTurn {
 public:
  TaskPerReadyTurn(const Workload& workload, const Resources& resources, Ledger& ledger)
      : turns_(workload, resources, ledger), plan_(workload), threads_(resources.workers) {}

  void run() {
    omp_set_dynamic(0);
#pragma omp parallel num_threads(threads_.size())
#pragma omp single
    run_turns([this](Ready& ready) {
      if (static_cast<std::size_t>(omp_get_num_threads()) < threads_.size()) {
        throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                                "OpenMP gives fewer threads than workers (OMP_THREAD_LIMIT?)");
      }
      plan_.for_each_root([&](const Turn& turn) { ready.push_back(&turn); });
    });
    if (error_) std::rethrow_exception(error_);
  }

 private:
  using Ready = std::vector<const Turn*>;

  /// A thread of the team.
  struct alignas(64) Thread {
    Ready ready;  // the last one is next
    bool runs_turns = false;
  };

  /// The body of a task: runs turns, first those that `begin` puts in, until none is ready here.
  void run_turns(auto&& begin) noexcept {
    Thread& self = threads_[static_cast<std::size_t>(omp_get_thread_num())];
    guard([&] { begin(self.ready); });
    // OpenMP runs a task where it is made if it has too many waiting.  Doing so would nest as deep
    // as the graph: such a turn has just been given back instead.
    if (self.runs_turns) return;
    self.runs_turns = true;
    while (!self.ready.empty()) {
      const Turn& turn = *self.ready.back();
      self.ready.pop_back();
      share(self.ready);
      guard([&] { run_turn(turn, self.ready); });
    }
    self.runs_turns = false;
  }

  /// Makes tasks of what others could run, until one is given back: there are enough by then.
  void share(Ready& ready) {
    for (std::size_t left = ready.size(); left > 0 && ready.size() == left; --left) {
      const Turn* turn = ready.back();
      ready.pop_back();
#pragma omp task firstprivate(turn)
      run_turns([turn](Ready& mine) { mine.push_back(turn); });
    }
  }

  void run_turn(const Turn& turn, Ready& ready) {
    turns_.run(turn);
    plan_.for_each_ready_after(turn, [&](const Turn& next) { ready.push_back(&next); });
  }

  /// An exception must not leave a task.  Keeps the first; after it no turn is begun.
  void guard(auto&& body) {
    if (failed_.load(std::memory_order_relaxed)) return;
    try {
      body();
    } catch (...) {
      if (!failed_.exchange(true)) error_ = std::current_exception();
    }
  }

  BlockingTurns turns_;
  Plan plan_;
  std::vector<Thread> threads_;
  std::atomic<bool> failed_ = false;
  std::exception_ptr error_;  // the first one
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  TaskPerReadyTurn(workload, resources, ledger).run();
}
