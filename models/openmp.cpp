// OpenMP: a task per turn, with its predecessors named in `depend` clauses.
//
// The idea      One thread tells all turns and what they wait for; the runtime does the rest.
// A wait        sleeps inside its task and holds one of the `workers` threads.
// Computing     is the body of a task, on whichever thread of the team is free.
// Next turn     released by the runtime when the tasks named in its `depend(in)` are done.
// Rung          idiomatic: tasks and depend clauses, as the specification's own examples show.
#include <omp.h>

#include <atomic>
#include <exception>

#include "bench/model.hpp"
#include "threads_family.hpp"

// The specification's date, as the compiler knows it: 201511 is version 4.5.
#define TEXT_OF(number) #number
#define VERSION_OF(number) "OpenMP " TEXT_OF(number)
const bench::Model bench::model{"openmp", Rung::idiomatic, Structure::blocking_workers,
                                VERSION_OF(_OPENMP), "omp_task_depend"};

namespace {

using namespace bench;

/// The first error.  An exception must not leave a task.
class FirstError {
 public:
  void guard(auto&& body) noexcept {
    if (failed_.load(std::memory_order_relaxed)) return;
    try {
      body();
    } catch (...) {
      if (!failed_.exchange(true)) error_ = std::current_exception();
    }
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::atomic<bool> failed_ = false;
  std::exception_ptr error_;
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  [[maybe_unused]] const Turn* const turns = workload.turns.data();  // clauses do not count as use
  FirstError first_error;
#pragma omp parallel num_threads(resources.workers)
#pragma omp single
  for (const Turn& turn : workload.turns) {
    const auto before = turn.before;
#pragma omp task depend(iterator(i = 0 : before.size()), in : turns[before[i]]) depend(out : turn)
    first_error.guard([&] { run_blocking(ledger, turn); });
  }
  first_error.rethrow();
}
