// Where did the time go?
#include "breakdown.hpp"

#include <algorithm>

#include "schedule.hpp"

namespace bench {
namespace {

/// Says of stretches of a run what they were spent on.
class Account {
 public:
  Account(const Stamps& stamps, const UnitCosts& costs)
      : stamps_(stamps), usual_(costs, &UnitCost::usual) {}

  /// From the turn's start to its finish.
  TimeSpent running(const Turn& turn) const {
    TimeSpent spent;
    std::int64_t at = stamps_.of(turn).started;
    for (const Step& step : turn.steps) {
      if (stamps_.of(step).ended == 0) break;  // the turn failed before it
      spent.queued += nanoseconds(stamps_.of(step).begun - at);
      spent += during(step);
      at = stamps_.of(step).ended;
    }
    spent.queued += nanoseconds(stamps_.of(turn).finished - at);
    return spent;
  }

 private:
  TimeSpent during(const Step& step) const {
    const auto& [begun, ended] = stamps_.of(step);
    const nanoseconds took(ended - begun);
    TimeSpent spent;
    if (step.kind == StepKind::compute) {
      spent.computing = std::min(took, usual_(step));
      spent.held_up = took - spent.computing;
      return spent;
    }
    const nanoseconds asked =
        std::clamp(nanoseconds(stamps_.due(step) - begun), nanoseconds(0), took);
    (step.kind == StepKind::block ? spent.blocked : spent.waiting) = asked;
    spent.late = took - asked;
    return spent;
  }

  const Stamps& stamps_;
  const StepLength usual_;
};

}  // namespace

nanoseconds TimeSpent::total() const {
  return waiting + blocked + late + queued + computing + held_up;
}

TimeSpent& TimeSpent::operator+=(const TimeSpent& other) {
  waiting += other.waiting;
  blocked += other.blocked;
  late += other.late;
  queued += other.queued;
  computing += other.computing;
  held_up += other.held_up;
  return *this;
}

TimeOnPath time_on_path(const Stamps& stamps, const UnitCosts& costs) {
  const Workload& workload = stamps.workload;
  const Account account(stamps, costs);
  const auto finished = [&](const Turn& turn) { return stamps.of(turn).finished; };
  const auto finished_id = [&](TurnId id) { return stamps.turns[id].finished; };
  TimeOnPath path;
  if (workload.work().empty()) {
    path.ending = nanoseconds(stamps.closed - stamps.opened);
    return path;
  }
  const Turn* turn = &*std::ranges::max_element(workload.work(), {}, finished);
  path.ending = nanoseconds(stamps.closed - finished(*turn));
  for (;;) {
    path.spent += account.running(*turn);
    if (turn->before.empty()) break;
    const TurnId last = *std::ranges::max_element(turn->before, {}, finished_id);
    path.spent.queued += nanoseconds(stamps.of(*turn).started - finished_id(last));
    turn = &workload.turns[last];
  }
  path.starting = nanoseconds(stamps.of(*turn).started - stamps.opened);
  return path;
}

std::vector<TimeSpent> time_of_each_turn(const Stamps& stamps, const UnitCosts& costs) {
  const Account account(stamps, costs);
  std::vector<TimeSpent> each;
  each.reserve(stamps.workload.work().size());
  for (const Turn& turn : stamps.workload.work()) {
    each.push_back(account.running(turn));
    each.back().queued += nanoseconds(stamps.of(turn).started - stamps.ready(turn));
  }
  return each;
}

TimeSpent time_of_turns(const Stamps& stamps, const UnitCosts& costs) {
  TimeSpent sum;
  for (const TimeSpent& spent : time_of_each_turn(stamps, costs)) sum += spent;
  return sum;
}

}  // namespace bench
