// When would each turn finish on a given number of CPUs?  A simulation: without any cost of the
// model it is the greedy reference of bounds.hpp, with them a forecast.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <queue>
#include <tuple>
#include <vector>

#include "costs.hpp"
#include "plan.hpp"
#include "workload.hpp"

namespace bench {

using std::chrono::nanoseconds;

/// How long a step lasts, with a given cost of each kernel's unit in nanoseconds.
class StepLength {
 public:
  explicit StepLength(const std::array<double, kernel_count>& unit_ns) : unit_ns_(unit_ns) {}
  /// By one of the two costs of a unit.
  StepLength(const UnitCosts& costs, double UnitCost::*cost);

  /// Of a wait that counts from the start of the run: how long, if it began there.
  nanoseconds operator()(const Step& step) const {
    if (step.kind != StepKind::compute) return step.duration;
    const double unit_ns = unit_ns_[static_cast<std::size_t>(step.kernel)];
    return nanoseconds(static_cast<std::int64_t>(unit_ns * step.units));
  }

 private:
  std::array<double, kernel_count> unit_ns_{};
};

/// What a model takes for itself.
struct OwnCosts {
  // CPU time:
  nanoseconds setup{0};       // once, before the first turn
  nanoseconds turn{0};        // to start and end a turn; counted at its start
  nanoseconds edge{0};        // besides, for each turn that it comes after
  nanoseconds begin_wait{0};  // to put a turn to sleep
  nanoseconds end_wait{0};    // to wake it
  // No CPU time: a wait is noticed to be over so long after it is.
  nanoseconds late{0};
};

/// What may happen at once.  A lane is a CPU together with a thread that may use it.
struct Lanes {
  unsigned count;             // how many turns may compute at once
  bool blocks_hold = false;   // a blocking tool holds a lane
  bool whole_turns = false;   // a lane is a turn's own from its start to its end, waits included
  bool serial_costs = false;  // the model's own costs do not divide: one lane at a time has them
};

/// Discrete-event simulation: whoever is ready first computes first, and a step is not interrupted.
/// Waits, and blocking tools unless it is said otherwise, need no lane.
class Schedule {
 public:
  /// Workload and length must outlive it.
  Schedule(const Workload& workload, const StepLength& length, const Lanes& lanes,
           const OwnCosts& costs = {});

  /// Plays it through, once.
  nanoseconds makespan();

  /// Of each turn, when the makespan has been asked for.
  const std::vector<nanoseconds>& finished() const { return finished_; }

 private:
  enum class Stage : std::uint8_t {
    ready,   // for its next step, or for its end
    paying,  // what the model takes ahead of that
    paid,
  };
  using Event = std::tuple<nanoseconds, std::uint64_t, const Turn*>;
  using Place = std::pair<std::uint64_t, const Turn*>;  // in a queue, by who came first

  void end_paying(const Turn& turn, nanoseconds now);
  void end_step(const Turn& turn, nanoseconds now);
  void settle(nanoseconds now);
  void arrive(const Turn& turn, nanoseconds now);
  void grant_lanes(nanoseconds now);
  void go_on(const Turn& turn, nanoseconds now);
  void pay(const Turn& turn, nanoseconds now);
  void begin_step(const Turn& turn, nanoseconds now);
  void finish(const Turn& turn, nanoseconds now);

  bool at_end(const Turn& turn) const { return position_[turn.id] == turn.steps.size(); }
  const Step& step_of(const Turn& turn) const { return turn.steps[position_[turn.id]]; }
  bool holds_lane(const Step& step) const {
    return step.kind == StepKind::compute || (step.kind == StepKind::block && lanes_.blocks_hold);
  }
  bool asks_for_lane(const Turn& turn) const;
  bool pays_in_turn(const Turn& turn) const;
  nanoseconds own_cost(const Turn& turn) const;

  const StepLength& length_of_;
  const Lanes lanes_;
  const OwnCosts costs_;
  Plan plan_;
  std::vector<std::uint32_t> position_;  // of a turn: its next step, or the one under way
  std::vector<Stage> stage_;
  std::vector<bool> has_lane_;  // of its own, for the whole turn
  std::vector<nanoseconds> finished_;
  unsigned idle_lanes_;
  bool somebody_pays_ = false;  // where costs are serial
  std::uint64_t order_ = 0, asked_ = 0;
  std::deque<const Turn*> arrivals_;  // not looked at yet
  std::deque<Place> to_pay_;          // who found no lane, or somebody paying
  std::deque<Place> to_begin_;        // who found no lane, and has nothing to pay
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
};

/// When a step ends that begins at `at`.
nanoseconds end_of(const Step& step, nanoseconds at, auto&& length) {
  return step.kind == StepKind::wait ? due_after(step, at) : at + length(step);
}

}  // namespace bench
