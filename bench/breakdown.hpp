// Where did the time go?  Every moment of a turn, and of the chain of turns that set the makespan,
// by what was going on.
#pragma once

#include <chrono>
#include <vector>

#include "costs.hpp"
#include "stamps.hpp"

namespace bench {

using std::chrono::nanoseconds;

struct TimeSpent {
  nanoseconds waiting{0};    // what was asked of waits and calls
  nanoseconds blocked{0};    // what was asked of blocking tools
  nanoseconds late{0};       // waits, calls and blocking tools that ended after they were due
  nanoseconds queued{0};     // ready, but not running: to be started, to go on, to be finished
  nanoseconds computing{0};  // compute steps, at the usual cost of a unit
  nanoseconds held_up{0};    // compute steps that took longer: the CPU was shared with others

  nanoseconds total() const;
  /// What was not asked for.
  nanoseconds lost() const { return late + queued + held_up; }
  TimeSpent& operator+=(const TimeSpent& other);
};

/// Adds up to the makespan.
struct TimeOnPath {
  nanoseconds starting{0};  // `run` called to the first turn of the chain started
  TimeSpent spent;
  nanoseconds ending{0};  // last turn finished to `run` returned; without turns, all of it
};

/// Along the chain that really was the longest: from the turn that finished last back to whichever
/// of those before it finished last, and so on.  Heartbeats are no part of it: where they last
/// longer than the work, that is `ending`.
TimeOnPath time_on_path(const Stamps& stamps, const UnitCosts& costs);

/// Of each turn but heartbeats, from when all it waits for had finished to when it had.
std::vector<TimeSpent> time_of_each_turn(const Stamps& stamps, const UnitCosts& costs);

/// Their sum.
TimeSpent time_of_turns(const Stamps& stamps, const UnitCosts& costs);

}  // namespace bench
