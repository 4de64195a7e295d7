// What do the raw primitives cost that the models are made of?  One Google Benchmark for each.
//
// The name of a benchmark is the name of the primitive, as the models state it (bench::Model).  All
// run on one CPU, as a model with one worker does, with nothing of the suite's in the loop.  Memory
// stays with the process, so that the figures are those of a process that has run for a while.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <climits>
#include <cstdio>

#include "bench/process.hpp"

int main(int argc, char** argv) {
  constexpr int exit_usage = 2;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return exit_usage;
  bench::pin_to_cpus(1);
  // Freed memory would otherwise go back to the system and be touched for the first time again.
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  mallopt(M_MMAP_THRESHOLD, INT_MAX);
  if (benchmark::RunSpecifiedBenchmarks() == 0) {
    std::fprintf(stderr, "%s: --benchmark_filter matches nothing here: leave it out\n", argv[0]);
    return exit_usage;
  }
  benchmark::Shutdown();
}
