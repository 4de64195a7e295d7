// How fast could it have gone at best?
#include "bounds.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace bench {
namespace {

/// The work as it goes by script; most of it has none.
class Played {
 public:
  explicit Played(const Workload& scripted) : work_(scripted) {
    if (!scripted.calls().empty() || scripted.has_failures()) played_ = as_played(scripted);
  }
  const Workload& work() const { return played_ ? *played_ : work_; }

 private:
  const Workload& work_;
  std::optional<Workload> played_;
};

/// When each turn would finish if there were no end of CPUs.
std::vector<nanoseconds> earliest_finishes(const Workload& workload, auto&& length) {
  std::vector<nanoseconds> finish(workload.turns.size());
  for (const Turn& turn : workload.turns) {
    nanoseconds at{0};
    for (const TurnId before : turn.before) at = std::max(at, finish[before]);
    for (const Step& step : turn.steps) at = end_of(step, at, length);
    finish[turn.id] = at;
  }
  return finish;
}

/// When the run is over: with the last turn, or as soon as enough results are there.
nanoseconds end_of_run(const Workload& workload, const std::vector<nanoseconds>& finish) {
  if (workload.enough == 0) {
    return finish.empty() ? nanoseconds(0) : std::ranges::max(finish);
  }
  std::vector<nanoseconds> results;
  for (const Result& result : workload.results) results.push_back(finish[result.turn]);
  const auto last_wanted =
      results.begin() + static_cast<std::ptrdiff_t>(std::min(workload.enough, results.size()) - 1);
  std::ranges::nth_element(results, last_wanted);
  return *last_wanted;
}

nanoseconds longest_path(const Workload& workload, auto&& length) {
  return end_of_run(workload, earliest_finishes(workload, length));
}

/// No schedule makes all calls sooner: they take turns, and each takes a token.  Where some results
/// are enough, not all are made.
nanoseconds limited(const Workload& workload) {
  const Limit& limit = workload.limit;
  if (limit.in_flight == 0 || workload.enough > 0) return nanoseconds(0);
  const std::vector<Ending> endings = scripted_endings(workload);
  nanoseconds calls{0};
  std::uint64_t count = 0;
  for (const Turn& turn : workload.turns) {
    if (endings[turn.id] == Ending::skipped) continue;
    for (const Step& step : turn.steps) {
      if (step.kind == StepKind::call) {
        calls += step.duration;
        ++count;
      }
      if (workload.fails(step)) break;
    }
  }
  const std::uint64_t without_burst = count - std::min<std::uint64_t>(count, limit.burst);
  return std::max(calls / limit.in_flight,
                  limit.interval * static_cast<std::int64_t>(without_burst));
}

}  // namespace

Bounds bounds(const Workload& scripted, const UnitCosts& costs, unsigned cpus) {
  const Played played(scripted);
  const Workload& workload = played.work();
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
  // When enough is there the rest is cancelled: no sum over all of the work is a bound.
  if (workload.enough > 0) b.total = b.cpu = b.blocking = nanoseconds(0);
  b.lower = std::max({b.critical_path, b.cpu / cpus, limited(scripted)});
  b.greedy = played_through(scripted, usual, {.count = cpus});
  return b;
}

nanoseconds played_through(const Workload& scripted, const StepLength& length, const Lanes& lanes,
                           const OwnCosts& costs) {
  const Played played(scripted);
  Schedule schedule(played.work(), length, lanes, costs);
  const nanoseconds makespan = schedule.makespan();
  const nanoseconds end =
      scripted.enough == 0 ? makespan : end_of_run(played.work(), schedule.finished());
  return std::max(end, limited(scripted));
}

std::vector<nanoseconds> greedy_finishes(const Workload& scripted, const UnitCosts& costs,
                                         unsigned cpus) {
  const Played played(scripted);
  const Workload& workload = played.work();
  const StepLength usual(costs, &UnitCost::usual);
  Schedule schedule(workload, usual, {.count = cpus});
  schedule.makespan();
  return schedule.finished();
}

nanoseconds nominal_bound(const Workload& scripted, unsigned cpus) {
  const Played played(scripted);
  const Workload& workload = played.work();
  std::array<double, kernel_count> unit_ns{};
  unit_ns.fill(500);
  const StepLength length(unit_ns);
  nanoseconds cpu{0};
  for (const Step& step : workload.steps()) {
    if (step.kind == StepKind::compute) cpu += length(step);
  }
  if (workload.enough > 0) return longest_path(workload, length);
  return std::max({longest_path(workload, length), cpu / cpus, limited(scripted)});
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
