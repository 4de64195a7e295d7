// What do several tests need?  Small workloads, and a way to run a planted model.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "durations.hpp"
#include "ledger.hpp"
#include "presets.hpp"
#include "random.hpp"

namespace bench::testing {

using std::chrono::microseconds;

/// A preset, small and fast enough for a test that waits for real.
inline Workload small(const std::string& preset, std::uint32_t agents = 6) {
  Cell cell{.scenario = preset, .agents = agents, .cpu_share = 0.1, .time_scale = 1e-4};
  if (preset == "parked") cell.time_scale = 1e-5;  // it waits for half a minute, unscaled
  return find_preset(preset)->make(cell);
}

/// A graph of any shape: up to four predecessors, up to three steps of any kind, some turns empty.
inline Workload random_graph(std::uint64_t seed, std::uint32_t turns) {
  WorkloadBuilder builder("random", seed);
  builder.add_agent("agent");
  std::uint64_t counter = 0;
  auto roll = [&](std::uint32_t bound) {
    return below(mix64(seed * 1'000'003 + ++counter), bound);
  };
  for (TurnId id = 0; id < turns; ++id) {
    std::vector<TurnId> before;
    for (std::uint32_t i = roll(5); i > 0 && id > 0; --i) before.push_back(roll(id));
    std::ranges::sort(before);
    before.erase(std::unique(before.begin(), before.end()), before.end());
    builder.add_turn(0, before);
    for (std::uint32_t i = roll(4); i > 0; --i) {
      switch (roll(3)) {
        case 0:
          builder.compute(roll(2) ? Kernel::mix : Kernel::json, 1 + roll(20));
          break;
        case 1:
          builder.wait(microseconds(roll(300)));
          break;
        case 2:
          builder.block(microseconds(roll(100)));
          break;
      }
    }
  }
  return std::move(builder).build();
}

/// What a correct model does with one step.
inline Value perform(Ledger& ledger, const Step& step, Value v) {
  switch (step.kind) {
    case StepKind::compute:
      return ledger.compute(step, v);
    case StepKind::wait:
      ledger.begin_wait(step);
      while (ledger.time_left(step).count() > 0) {
      }
      return ledger.end_wait(step, v);
    case StepKind::block:
      return ledger.block(step, v);
  }
  return v;
}

inline void run_turn(Ledger& ledger, const Turn& turn) {
  Value v = ledger.start(turn);
  for (const Step& step : turn.steps) v = perform(ledger, step, v);
  ledger.finish(turn, v);
}

/// Runs `model(ledger)` and returns what the proof says.
std::string fault_of(const Workload& workload, auto&& model) {
  Ledger ledger(workload);
  ledger.open();
  model(ledger);
  ledger.close();
  return ledger.fault(reference(workload));
}

}  // namespace bench::testing
