// How fast could it have gone at best?
#include "bounds.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <queue>
#include <tuple>
#include <vector>

#include "plan.hpp"

namespace bench {
namespace {

/// How long each step takes, by one of the two costs of a unit.
class StepLength {
 public:
  StepLength(const UnitCosts& costs, double UnitCost::*cost) {
    for (std::size_t k = 0; k < unit_ns_.size(); ++k) {
      const auto kernel = static_cast<Kernel>(k);
      if (costs.has(kernel)) unit_ns_[k] = costs.of(kernel).*cost;
    }
  }
  /// Of a wait that counts from the start of the run: how long, if it began there.
  nanoseconds operator()(const Step& step) const {
    if (step.kind != StepKind::compute) return step.duration;
    const double unit_ns = unit_ns_[static_cast<std::size_t>(step.kernel)];
    return nanoseconds(static_cast<std::int64_t>(unit_ns * step.units));
  }

 private:
  std::array<double, kernel_count> unit_ns_{};
};

/// When a step ends that begins at `at`.
nanoseconds end_of(const Step& step, nanoseconds at, auto&& length) {
  return step.kind == StepKind::wait ? due_after(step, at) : at + length(step);
}

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

/// Discrete-event simulation: whoever is ready first computes first, a step is not interrupted,
/// waits and blocking tools need no CPU, and nothing else costs anything.
class GreedySchedule {
 public:
  GreedySchedule(const Workload& workload, const StepLength& length, unsigned cpus)
      : length_of_(length),
        plan_(workload),
        position_(workload.turns.size(), 0),
        finished_(workload.turns.size()),
        idle_cpus_(cpus) {
    plan_.for_each_root([this](const Turn& turn) { arrive(turn, nanoseconds{0}); });
  }

  nanoseconds makespan() {
    nanoseconds now{0};
    while (!events_.empty()) {
      const auto [at, order, turn] = events_.top();
      events_.pop();
      now = at;
      if (turn->steps[position_[turn->id]].kind == StepKind::compute) release_cpu(now);
      ++position_[turn->id];
      arrive(*turn, now);
    }
    return now;
  }

  const std::vector<nanoseconds>& finished() const { return finished_; }

 private:
  /// The turn is at its next step, or at its end.
  void arrive(const Turn& first, nanoseconds now) {
    arrivals_.push_back(&first);  // a list, not recursion: turns may be empty, and chains long
    while (!arrivals_.empty()) {
      const Turn& turn = *arrivals_.front();
      arrivals_.pop_front();
      if (position_[turn.id] == turn.steps.size()) {
        finished_[turn.id] = now;
        plan_.for_each_ready_after(turn, [&](const Turn& next) { arrivals_.push_back(&next); });
        continue;
      }
      const Step& step = turn.steps[position_[turn.id]];
      if (step.kind == StepKind::compute) {
        if (idle_cpus_ == 0) {
          queue_.push_back(&turn);
          continue;
        }
        --idle_cpus_;
      }
      events_.emplace(end_of(step, now, length_of_), ++order_, &turn);
    }
  }

  void release_cpu(nanoseconds now) {
    ++idle_cpus_;
    if (queue_.empty()) return;
    const Turn* next = queue_.front();
    queue_.pop_front();
    arrive(*next, now);
  }

  using Event = std::tuple<nanoseconds, std::uint64_t, const Turn*>;
  const StepLength& length_of_;
  Plan plan_;
  std::vector<std::uint32_t> position_;
  std::vector<nanoseconds> finished_;
  unsigned idle_cpus_;
  std::uint64_t order_ = 0;
  std::deque<const Turn*> queue_;     // ready to compute, no CPU idle
  std::deque<const Turn*> arrivals_;  // at a step, not looked at yet
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
};

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
  b.greedy = GreedySchedule(workload, usual, cpus).makespan();
  return b;
}

std::vector<nanoseconds> greedy_finishes(const Workload& workload, const UnitCosts& costs,
                                         unsigned cpus) {
  const StepLength usual(costs, &UnitCost::usual);
  GreedySchedule schedule(workload, usual, cpus);
  schedule.makespan();
  return schedule.finished();
}

nanoseconds nominal_bound(const Workload& workload, unsigned cpus) {
  const auto length = [](const Step& step) {
    return step.kind == StepKind::compute ? std::chrono::microseconds(step.units) : step.duration;
  };
  nanoseconds cpu{0};
  for (const Step& step : workload.steps()) cpu += std::chrono::microseconds(step.units);
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
