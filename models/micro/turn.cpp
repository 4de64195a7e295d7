// What does a turn of this model cost when it has no steps?  Its whole run, over and over in one
// process.
//
// As the raw primitives, and unlike the model's own program, it measures a process that has run for
// a while: memory, caches and the library's pools are warm.  Each run is proved as ever.
#include <benchmark/benchmark.h>

#include <stdexcept>
#include <string>

#include "bench/model.hpp"
#include "bench/presets.hpp"
#include "bench/reference.hpp"

namespace {

using namespace bench;

/// One run of the model; returns what it took, in seconds.
double run_once(const Workload& workload, const Answer& expected) {
  Ledger ledger(workload);
  ledger.open();
  run(workload, {.workers = 1}, ledger);
  ledger.close();
  if (const std::string fault = ledger.fault(expected); !fault.empty()) {
    throw std::runtime_error(fault);
  }
  return static_cast<double>(ledger.closed_at() - ledger.opened_at()) * 1e-9;
}

/// The scenario `empty` on one worker.  From two sizes follows the cost of a turn without set-up.
void empty(benchmark::State& state) {
  try {
    const auto agents = static_cast<std::uint32_t>(state.range(0));
    const Workload workload =
        find_preset("empty")->make({.scenario = "empty", .agents = agents, .cpu_share = 0});
    const Answer expected = reference(workload);
    run_once(workload, expected);  // the first one finds everything cold
    for (auto _ : state) state.SetIterationTime(run_once(workload, expected));
    state.counters["turns"] = static_cast<double>(workload.turns.size());
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
  }
}
// The small size is set-up and little else: some runs will do.
BENCHMARK(empty)->ArgName("agents")->Arg(1)->Iterations(50)->UseManualTime();
BENCHMARK(empty)->ArgName("agents")->Arg(10'000)->UseManualTime();

}  // namespace
