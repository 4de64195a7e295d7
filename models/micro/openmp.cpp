// What do the primitives of OpenMP cost?  In a team of one thread.
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

}  // namespace
