// What do the ledger and the harness themselves cost?  Per turn, and as a share of each scenario.
#include <benchmark/benchmark.h>

#include <chrono>
#include <thread>

#include "bounds.hpp"
#include "ledger.hpp"
#include "presets.hpp"
#include "process.hpp"

namespace {

using namespace bench;
using Clock = Ledger::Clock;

double ns_between(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double, std::nano>(end - begin).count();
}

/// One clock read, as the ledger does it.
double clock_read_ns() {
  constexpr int reads = 100'000;
  const auto begin = Clock::now();
  for (int i = 0; i < reads; ++i) benchmark::DoNotOptimize(Clock::now());
  return ns_between(begin, Clock::now()) / reads;
}

/// A chain of turns with this many waits of zero length each: all verbs, no work.
Workload chain(std::uint32_t turns, int waits) {
  WorkloadBuilder builder("chain", 1);
  builder.add_agent("agent");
  for (TurnId id = 0; id < turns; ++id) {
    if (id == 0) {
      builder.add_turn(0);
    } else {
      builder.add_turn(0, {id - 1});
    }
    for (int i = 0; i < waits; ++i) builder.wait(std::chrono::nanoseconds(0));
  }
  return std::move(builder).build();
}

constexpr std::uint32_t turns = 4096;

/// Nanoseconds per turn for all verbs of a chain.
double replay_ns(const Workload& workload, Ledger& ledger) {
  const auto begin = Clock::now();
  for (const Turn& turn : workload.turns) {
    Value v = ledger.start(turn);
    for (const Step& step : turn.steps) {
      benchmark::DoNotOptimize(ledger.begin_wait(step));
      v = ledger.end_wait(step, v);
    }
    ledger.finish(turn, v);
  }
  return ns_between(begin, Clock::now()) / static_cast<double>(workload.turns.size());
}

/// Held to: beyond_clock_reads_ns at most 50.
void ledger_per_turn(benchmark::State& state) {
  const int waits = static_cast<int>(state.range(0));
  const Workload workload = chain(turns, waits);
  double turn_ns = 0, read_ns = 0;
  for (auto _ : state) {
    state.PauseTiming();
    Ledger ledger(workload);
    read_ns += clock_read_ns();
    state.ResumeTiming();
    turn_ns += replay_ns(workload, ledger);
  }
  const auto n = static_cast<double>(state.iterations());
  const double reads = 2 + 2 * waits;
  state.counters["clock_reads"] = reads;
  state.counters["clock_read_ns"] = read_ns / n;
  state.counters["turn_ns"] = turn_ns / n;
  state.counters["beyond_clock_reads_ns"] = (turn_ns - reads * read_ns) / n;
}
BENCHMARK(ledger_per_turn)->ArgName("waits")->Arg(0)->Arg(1)->Arg(2)->Unit(benchmark::kMicrosecond);

/// Held to: share_percent at most 1, of the CPU time that the cell has on two CPUs.
void share_of_scenario(benchmark::State& state) {
  const Preset& preset = presets()[static_cast<std::size_t>(state.range(0))];
  const Cell cell{.scenario = preset.name, .agents = preset.agents, .cpu_share = preset.cpu_share};
  const Workload workload = preset.make(cell);
  UnitCosts costs;
  costs.probe(workload, 2);
  const Bounds b = bounds(workload, costs, 2);
  if (b.greedy.count() == 0) {  // `empty`: there the ledger is all there is
    state.SkipWithError("nothing to do, so no share of it");
    return;
  }
  const Workload bare = chain(turns, 0), waiting = chain(turns, 1);
  double ledger_ns = 0, watch_ns = 0;
  for (auto _ : state) {
    Ledger bare_ledger(bare), waiting_ledger(waiting);
    const double turn_ns = replay_ns(bare, bare_ledger);
    const double step_ns = replay_ns(waiting, waiting_ledger) - turn_ns;
    ledger_ns += turn_ns * static_cast<double>(workload.turns.size()) +
                 step_ns * static_cast<double>(workload.steps().size());
    PeakWatch watch;
    const auto begin = Clock::now();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const double watched_ns = ns_between(begin, Clock::now());
    watch_ns += static_cast<double>(watch.stop().cpu_ns) / watched_ns *
                static_cast<double>(b.greedy.count());
  }
  const auto n = static_cast<double>(state.iterations());
  state.SetLabel(preset.name);
  state.counters["ledger_us"] = ledger_ns / n / 1000;
  state.counters["watch_us"] = watch_ns / n / 1000;
  state.counters["greedy_ms"] = static_cast<double>(b.greedy.count()) / 1e6;
  state.counters["share_percent"] =
      100 * (ledger_ns + watch_ns) / n / (2 * static_cast<double>(b.greedy.count()));
}
BENCHMARK(share_of_scenario)
    ->DenseRange(0, static_cast<int>(presets().size()) - 1)
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
