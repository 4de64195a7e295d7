// What do the ledger's stamps tell?  Everything that is derived after a run.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <vector>

#include "ledger.hpp"

namespace bench {

using std::chrono::nanoseconds;

/// A percentile needs enough samples beyond it: p90 from 64, p99 from 662 on (measured as in MLPerf
/// LoadGen: a 95 % interval of a tenth of the tail).
struct Latency {
  std::size_t n = 0;
  std::optional<nanoseconds> p50, p90, p99, max;
};
/// Nearest rank.  Sorts its argument.
Latency latency_of(std::vector<nanoseconds> durations);

struct Interval {
  std::int64_t begin, end;
};
/// How many intervals overlap at the moment of most overlap.  They are half open: one that begins
/// when another ends does not overlap it.
std::size_t most_at_once(std::span<const Interval> intervals);

struct Metrics {
  nanoseconds makespan;          // `run` called to `run` returned
  nanoseconds startup;           // `run` called to the first turn started
  nanoseconds first_finish;      // `run` called to the first turn finished
  std::size_t most_waiting = 0;  // steps of turns, at the same moment
  std::size_t most_computing = 0;
  Latency latency;  // of a turn: all it waits for finished, to it finished
};

/// Of a run that was proved.
Metrics metrics_of(const Ledger& ledger);

}  // namespace bench
