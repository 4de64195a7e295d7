// How fast could it have gone at best?
#include "bounds.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "schedule.hpp"

namespace bench {
namespace {

nanoseconds longest_path(const Workload& workload, auto&& length) {
  std::vector<nanoseconds> finish(workload.turns.size());
  nanoseconds longest{0};
  for (const Turn& turn : workload.turns) {
    nanoseconds at{0};
    for (const TurnId before : turn.before) at = std::max(at, finish[before]);
    for (const Step& step : turn.steps) at = end_of(step, at, length);
    finish[turn.id] = at;
    longest = std::max(longest, at);
  }
  return longest;
}

}  // namespace

Bounds bounds(const Workload& workload, const UnitCosts& costs, unsigned cpus) {
  const StepLength least(costs, &UnitCost::least), usual(costs, &UnitCost::usual);
  Bounds b{};
  for (const Step& step : workload.steps()) {
    const nanoseconds length = least(step);
    if (!step.from_start) b.total += length;
    if (step.kind == StepKind::compute) b.cpu += length;
    if (step.kind == StepKind::block) b.blocking += length;
  }
  b.critical_path = longest_path(workload, least);
  b.waits_path = longest_path(workload, [](const Step& s) { return s.duration; });
  b.lower = std::max(b.critical_path, b.cpu / cpus);
  b.greedy = Schedule(workload, usual, {.count = cpus}).makespan();
  return b;
}

std::vector<nanoseconds> greedy_finishes(const Workload& workload, const UnitCosts& costs,
                                         unsigned cpus) {
  const StepLength usual(costs, &UnitCost::usual);
  Schedule schedule(workload, usual, {.count = cpus});
  schedule.makespan();
  return schedule.finished();
}

nanoseconds nominal_bound(const Workload& workload, unsigned cpus) {
  std::array<double, kernel_count> unit_ns{};
  unit_ns.fill(500);
  const StepLength length(unit_ns);
  nanoseconds cpu{0};
  for (const Step& step : workload.steps()) {
    if (step.kind == StepKind::compute) cpu += length(step);
  }
  return std::max(longest_path(workload, length), cpu / cpus);
}

nanoseconds structural_bound(const Bounds& b, Structure structure, unsigned workers) {
  switch (structure) {
    case Structure::sequential:
      return std::max(b.lower, b.total);
    case Structure::one_loop:
      return std::max(b.lower, b.cpu + b.blocking);
    case Structure::blocking_workers:
      return std::max(b.lower, b.total / workers);
    case Structure::workers:
      return std::max(b.lower, (b.cpu + b.blocking) / workers);
    case Structure::thread_per_turn:
      return b.lower;
  }
  return b.lower;
}

}  // namespace bench
