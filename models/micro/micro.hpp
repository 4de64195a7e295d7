// How is a raw primitive measured?  In batches, in Google Benchmark's adaptive mode.
#pragma once

#include <benchmark/benchmark.h>

#include "bench/process.hpp"

namespace micro {

/// How many operations are under way at once: as many as the scenario `empty` has turns.
inline constexpr int batch = 10'000;

/// Declared just before the loop `for (auto _ : state)`: tells how long one operation took, when
/// each pass of the loop does `count` of them, and how often memory was touched for the first time.
class PerOperation {
 public:
  PerOperation(benchmark::State& state, double count)
      : state_(state), count_(count), before_(bench::usage_so_far()) {}
  PerOperation(const PerOperation&) = delete;

  ~PerOperation() {
    using benchmark::Counter;
    const auto operations = count_ * static_cast<double>(state_.iterations());
    const auto faults = (bench::usage_so_far() - before_).minor_faults;
    state_.counters["per_operation"] =
        Counter(count_, Counter::kIsIterationInvariantRate | Counter::kInvert);
    state_.counters["first_touches"] = static_cast<double>(faults) / operations;
  }

 private:
  benchmark::State& state_;
  double count_;
  bench::Usage before_;
};

/// For BENCHMARK(...)->Apply: the wall clock, since a primitive may need more than one thread.
inline void primitive(benchmark::internal::Benchmark* benchmark) { benchmark->UseRealTime(); }

}  // namespace micro
