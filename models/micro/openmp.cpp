// What do the primitives of OpenMP cost?  In a team of one thread.
#include <vector>

#include "micro.hpp"

namespace {

using micro::batch;

/// An explicit task of a team of one, which the compiler's library runs at once.
void omp_task(benchmark::State& state) {
  int done = 0;
#pragma omp parallel num_threads(1)
#pragma omp single
  {
    const micro::PerOperation task(state, batch);
    for (auto _ : state) {
      for (int i = 0; i < batch; ++i) {
#pragma omp task shared(done)
        benchmark::DoNotOptimize(++done);
      }
#pragma omp taskwait
    }
  }
}
BENCHMARK(omp_task)->Apply(micro::primitive);

/// A task that depends on one before it and that another depends on, in the shape of the scenario
/// `empty`: one task, a batch after it, and one after all of them.  GCC's library goes through all
/// that depend on the same thing whenever it adds one more, so the cost grows with the batch.
void omp_task_depend(benchmark::State& state) {
  std::vector<char> done(batch + 1);
  char* const data = done.data();
#pragma omp parallel num_threads(1)
#pragma omp single
  {
    const micro::PerOperation task(state, batch);
    for (auto _ : state) {
#pragma omp task depend(out : data[0])
      benchmark::DoNotOptimize(data[0] = 1);
      for (int i = 1; i <= batch; ++i) {
#pragma omp task depend(in : data[0]) depend(out : data[i])
        benchmark::DoNotOptimize(data[i] = 1);
      }
#pragma omp task depend(iterator(i = 1 : batch + 1), in : data[i])
      benchmark::DoNotOptimize(data[0] = 2);
#pragma omp taskwait
    }
  }
}
BENCHMARK(omp_task_depend)->Apply(micro::primitive);

}  // namespace
