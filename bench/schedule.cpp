// When would each turn finish on a given number of CPUs?
#include "schedule.hpp"

namespace bench {

StepLength::StepLength(const UnitCosts& costs, double UnitCost::*cost) {
  for (std::size_t k = 0; k < unit_ns_.size(); ++k) {
    const auto kernel = static_cast<Kernel>(k);
    if (costs.has(kernel)) unit_ns_[k] = costs.of(kernel).*cost;
  }
}

Schedule::Schedule(const Workload& workload, const StepLength& length, const Lanes& lanes,
                   const OwnCosts& costs)
    : length_of_(length),
      lanes_(lanes),
      costs_(costs),
      plan_(workload),
      position_(workload.turns.size(), 0),
      stage_(workload.turns.size(), Stage::ready),
      has_lane_(workload.turns.size(), false),
      finished_(workload.turns.size()),
      idle_lanes_(lanes.count) {
  plan_.for_each_root([this](const Turn& turn) {
    arrivals_.push_back(&turn);
    settle(costs_.setup);
  });
}

nanoseconds Schedule::makespan() {
  nanoseconds now = costs_.setup;
  while (!events_.empty()) {
    const auto [at, order, turn] = events_.top();
    events_.pop();
    now = at;
    if (stage_[turn->id] == Stage::paying) {
      end_paying(*turn, now);
    } else {
      end_step(*turn, now);
    }
    settle(now);
  }
  return now;
}

void Schedule::end_paying(const Turn& turn, nanoseconds now) {
  stage_[turn.id] = Stage::paid;
  if (pays_in_turn(turn)) somebody_pays_ = false;
  if (has_lane_[turn.id]) {
    arrivals_.push_back(&turn);
  } else if (!at_end(turn) && holds_lane(step_of(turn))) {
    begin_step(turn, now);  // on the same lane
  } else {
    ++idle_lanes_;
    arrivals_.push_back(&turn);
  }
  grant_lanes(now);
}

void Schedule::end_step(const Turn& turn, nanoseconds now) {
  if (holds_lane(step_of(turn)) && !has_lane_[turn.id]) {
    ++idle_lanes_;
    grant_lanes(now);
  }
  ++position_[turn.id];
  stage_[turn.id] = Stage::ready;
  arrivals_.push_back(&turn);
}

/// Until nobody can do anything more at this moment.  A list, not recursion: turns may be empty,
/// and chains of them long.
void Schedule::settle(nanoseconds now) {
  while (!arrivals_.empty()) {
    const Turn& turn = *arrivals_.front();
    arrivals_.pop_front();
    arrive(turn, now);
    grant_lanes(now);
  }
}

void Schedule::arrive(const Turn& turn, nanoseconds now) {
  if (!asks_for_lane(turn)) {
    go_on(turn, now);
    return;
  }
  const bool pays = own_cost(turn) > nanoseconds{0};
  (pays ? to_pay_ : to_begin_).emplace_back(++asked_, &turn);
}

/// First come, first served; but who would have to pay while another one does lets others pass.
void Schedule::grant_lanes(nanoseconds now) {
  while (idle_lanes_ > 0) {
    const bool may_pay = !to_pay_.empty() && !(lanes_.serial_costs && somebody_pays_);
    if (!may_pay && to_begin_.empty()) return;
    const bool next_pays =
        may_pay && (to_begin_.empty() || to_pay_.front().first < to_begin_.front().first);
    std::deque<Place>& queue = next_pays ? to_pay_ : to_begin_;
    const Turn& turn = *queue.front().second;
    queue.pop_front();
    --idle_lanes_;
    has_lane_[turn.id] = lanes_.whole_turns;
    go_on(turn, now);
  }
}

/// The turn has the lane that it needs, if it needs one.
void Schedule::go_on(const Turn& turn, nanoseconds now) {
  if (const nanoseconds cost = own_cost(turn); cost > nanoseconds{0}) {
    stage_[turn.id] = Stage::paying;
    if (pays_in_turn(turn)) somebody_pays_ = true;
    events_.emplace(now + cost, ++order_, &turn);
  } else if (at_end(turn)) {
    finish(turn, now);
  } else {
    begin_step(turn, now);
  }
}

void Schedule::begin_step(const Turn& turn, nanoseconds now) {
  const Step& step = step_of(turn);
  stage_[turn.id] = Stage::paid;
  const nanoseconds late = step.kind == StepKind::wait ? costs_.late : nanoseconds{0};
  events_.emplace(end_of(step, now, length_of_) + late, ++order_, &turn);
}

void Schedule::finish(const Turn& turn, nanoseconds now) {
  finished_[turn.id] = now;
  plan_.for_each_ready_after(turn, [&](const Turn& next) { arrivals_.push_back(&next); });
  if (!has_lane_[turn.id]) return;
  has_lane_[turn.id] = false;
  ++idle_lanes_;
}

bool Schedule::asks_for_lane(const Turn& turn) const {
  if (has_lane_[turn.id]) return false;
  if (lanes_.whole_turns || own_cost(turn) > nanoseconds{0}) return true;
  return !at_end(turn) && holds_lane(step_of(turn));
}

/// A thread that keeps its lane while it waits goes to sleep and wakes by itself, at no other's
/// cost.
bool Schedule::pays_in_turn(const Turn& turn) const {
  return lanes_.serial_costs && !(lanes_.whole_turns && position_[turn.id] > 0);
}

/// What the model takes ahead of the turn's next step, or of its end.
nanoseconds Schedule::own_cost(const Turn& turn) const {
  if (stage_[turn.id] != Stage::ready) return nanoseconds{0};
  const std::uint32_t at = position_[turn.id];
  nanoseconds cost{0};
  if (at == 0) cost += costs_.turn + costs_.edge * turn.before.size();
  if (at > 0 && turn.steps[at - 1].kind == StepKind::wait) cost += costs_.end_wait;
  if (!at_end(turn) && step_of(turn).kind == StepKind::wait) cost += costs_.begin_wait;
  return cost;
}

}  // namespace bench
