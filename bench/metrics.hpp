// What do the ledger's stamps tell?  Everything that is derived after a run.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "breakdown.hpp"
#include "histogram.hpp"
#include "stamps.hpp"

namespace bench {

using std::chrono::nanoseconds;

/// A percentile needs enough samples: so many that at least two lie beyond the true one with a
/// probability of 99 %.  That is 64 for p90 and 662 for p99, the least with which a run of MLPerf
/// Inference may stop early.
struct Percentiles {
  std::size_t n = 0;
  std::optional<nanoseconds> p50, p90, p99, max;
};
/// Nearest rank.  Sorts its argument.
Percentiles percentiles_of(std::vector<nanoseconds> durations);

struct Interval {
  std::int64_t begin, end;
};
/// How many intervals overlap at the moment of most overlap.  They are half open: one that begins
/// when another ends does not overlap it.
std::size_t most_at_once(std::span<const Interval> intervals);
/// How many overlap on average over time, from the first begin to the last end.
std::optional<double> mean_at_once(std::span<const Interval> intervals);

/// Which share of all pairs came in the other order than was ideal.  Where either has two at the
/// same moment, they count as in order.
std::optional<double> out_of_order(std::span<const nanoseconds> ideal,
                                   std::span<const nanoseconds> real);

/// How far the heartbeats were behind their moments.
struct Heartbeat {
  Percentiles lag;
  std::size_t over_10ms = 0, over_100ms = 0;
  std::vector<Bucket> histogram;
};

/// Of turns whose output somebody waits for.
struct Results {
  nanoseconds first;        // `run` called to the first one there
  nanoseconds ideal_first;  // the same of the greedy schedule
  nanoseconds mean;         // latency: since it is waited for, to it being there
  Percentiles latency;
  std::vector<Bucket> histogram;
  std::optional<double> out_of_order;  // against the greedy schedule
  std::optional<double> in_system;     // how many were waited for, on average over `span`
  nanoseconds span;                    // first waited for, to last there
};

/// Jain's index of fairness of what each of n has got: (sum of x)^2 / (n * sum of x^2), which is 1
/// if all have as much and 1 / n if one has everything (Jain, Chiu, Hawe, "A quantitative measure
/// of fairness and discrimination for resource allocation in shared computer systems", DEC-TR-301,
/// 1984).  Null if nobody has anything.
std::optional<double> jains_index(std::span<const std::uint64_t> shares);

/// Of the work alone, but for the makespan and the heartbeat.
struct Metrics {
  nanoseconds makespan;          // `run` called to `run` returned
  nanoseconds startup;           // `run` called to the first turn started
  nanoseconds first_finish;      // `run` called to the first turn finished
  std::size_t most_waiting = 0;  // steps of turns, at the same moment
  std::size_t most_computing = 0;
  Percentiles latency;  // of a turn that was not skipped: all it waits for finished, to it finished
  // The same, where turns wait and are enough for more than a median; else it would be much to keep
  // for little.
  std::vector<Bucket> latency_histogram;
  Percentiles lateness;  // of a wait or call: when it was due, to its end
  TimeOnPath time_on_path;
  TimeSpent time_of_turns;
  std::optional<Heartbeat> heartbeat;
  std::optional<Results> results;
  // Of turns that no trouble touches, that is which finish and whose calls are all answered at the
  // first try; where nothing goes wrong, of all.  How much longer they took, from when all they
  // wait for had finished, than their own waits and computing (TimeSpent::lost).
  std::optional<Percentiles> healthy;
  // Where calls share a limit: over the agents that call, of how many calls each had behind it when
  // half of all calls had ended.
  std::optional<double> fairness;
};

/// `cpus`: of the greedy schedule that results are compared with.
Metrics metrics_of(const Stamps& stamps, const UnitCosts& costs, unsigned cpus);

/// The time in which all that was going on was waiting: from when the last wait had begun until the
/// first was due.  Only if no turn did, or could have done, anything else meanwhile, there are no
/// heartbeats, and it lasted at least 100 ms.
std::optional<Interval> idle_phase(const Stamps& stamps);

}  // namespace bench
