// How fast could it have gone at best?  Lower bounds on a workload's makespan, and a reference.
#pragma once

#include <chrono>
#include <vector>

#include "costs.hpp"
#include "model.hpp"
#include "schedule.hpp"
#include "workload.hpp"

namespace bench {

using std::chrono::nanoseconds;

/// All on P CPUs.  A compute unit counts with its least cost, but for the greedy schedule, which is
/// no bound but a reference, with its usual cost.
struct Bounds {
  nanoseconds total;          // T1: all computing, waiting and blocking, one after another; but for
                              // waits that count from the start of the run
  nanoseconds cpu;            // all computing
  nanoseconds blocking;       // all blocking tools
  nanoseconds critical_path;  // CP: the longest chain of turns
  nanoseconds waits_path;     // the longest chain, counting waits and blocking tools alone
  nanoseconds lower;          // LB = max(CP, cpu / P): no schedule is faster (Graham 1966); nor
                              // than calls take that share a limit, or their token bucket
  nanoseconds greedy;         // what a greedy scheduler without any cost would take on P CPUs
};

/// Of the work as it goes by script (as_played); where some results are enough, until they are
/// there.
Bounds bounds(const Workload& workload, const UnitCosts& costs, unsigned cpus);

/// How long a schedule takes for the work as it goes by script; where some results are enough, till
/// they are there; and no less than calls take that share a limit.
nanoseconds played_through(const Workload& workload, const StepLength& length, const Lanes& lanes,
                           const OwnCosts& costs = {});

/// When each turn would finish under the greedy schedule.
std::vector<nanoseconds> greedy_finishes(const Workload& workload, const UnitCosts& costs,
                                         unsigned cpus);

/// LB at half a microsecond a unit, which is less than most CPUs take: the same on every machine,
/// for sizes that have to be.
nanoseconds nominal_bound(const Workload& workload, unsigned cpus);

/// LB under a model's own structure: also no faster than what its lanes hold, divided by their
/// number.  sequential T1, or LB; one_loop (cpu + blocking) / 1; workers (cpu + blocking) / W;
/// blocking_workers T1 / W; thread_per_turn LB.
nanoseconds structural_bound(const Bounds& bounds, Structure structure, unsigned workers);

}  // namespace bench
