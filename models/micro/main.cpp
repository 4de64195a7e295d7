// How are raw primitives, and empty turns, measured?  In a process that has run for a while.
//
// In `micro` the name of a benchmark is the name of a primitive, as the models state it
// (bench::Model).  All run on one CPU, as a model with one worker does.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <climits>
#include <cstdio>
#include <semaphore>
#include <thread>

#include "bench/process.hpp"

int main(int argc, char** argv) {
  constexpr int exit_usage = 2;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return exit_usage;
  bench::pin_to_cpus(1);
  // Freed memory would otherwise go back to the system and be touched for the first time again.
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  mallopt(M_MMAP_THRESHOLD, INT_MAX);
  // The C library takes locks without atomics while a process has one thread only, and a model's
  // own program has a second one too: it watches the memory.
  std::binary_semaphore over(0);
  std::jthread second([&over] { over.acquire(); });
  const std::size_t ran = benchmark::RunSpecifiedBenchmarks();
  over.release();
  if (ran == 0) {
    std::fprintf(stderr, "%s: --benchmark_filter matches nothing here: leave it out\n", argv[0]);
    return exit_usage;
  }
  benchmark::Shutdown();
}
