// How does a user bring a graph of their own?  Workloads as JSON files.
#pragma once

#include <string>

#include "workload.hpp"

namespace bench {

/// The format, by example:
///
///   {"schema": "interleave.workload/1", "name": "my-team", "seed": 1,
///    "agents": ["planner", "coder"],
///    "turns": [
///      {"agent": 0, "steps": [{"wait_ns": 57000000}, {"compute": "mix", "units": 570}]},
///      {"agent": 1, "before": [0], "steps": [{"block_ns": 3000000}]}]}
///
/// Turns are numbered from 0 in the order of the file; `before` names lower numbers only, and may
/// be left out.  A step is one of
///
///   {"wait_ns": ns}, {"wait_until_ns": ns since the start of the run}, {"block_ns": ns},
///   {"compute": "mix" or "json" or "topk", "units": n}, {"raises": true},
///   {"call_ns": ns}, or {"attempts": [{"outcome": "rate limited", "ns": ns, "back_off_ns": ns},
///                                     {"outcome": "answered", "ns": ns}]}
///
/// After {"raises"} the agent's code throws: the turn has failed, and those after it are skipped.
/// {"call_ns"} is a call of the LLM that is answered so long after it began; {"attempts"} one that
/// meets trouble.  It has one to three, of which only the last may be "answered"; if the third is
/// not, the call is given up and the turn has failed.  Other outcomes are "rate limited", "server
/// error", "timed out", "refused", "cut" and "garbage"; "ns" is how long until the outcome is there
/// (without it: "timed out" at the call's limit, "refused" at once), "back_off_ns" from then to the
/// next attempt.  A call may also say
///
///   "tokens": n         its answer is a stream of so many, the last of which ends it
///   "first_ns": ns      when the first of them comes (left out: they come evenly)
///   "limit_ns": ns      an attempt that takes longer is given up (left out: 30 s more than any)
///   "keep_alive": false over TCP it has a connection of its own
///
/// Durations are in nanoseconds, as they will be waited for: no scaling applies.  A turn that
/// somebody waits for may say since when, "result_since_ns": ns since the start of the run.  The
/// file may say
///
///   "arrivals_ns": ns   within which sessions arrive
///   "limit": {"in_flight": n, "burst": n, "interval_ns": ns}
///                       on calls: so many at once; and of a token bucket, how many tokens it holds
///                       at first and at most, and in what time it gets another one (may be left
///                       out)
///   "enough": n         with so many results there the run is over: the rest is cancelled
///
/// Throws std::invalid_argument with one line that names the file, the place and what to do.
Workload read_workload(const std::string& path);
Workload parse_workload(const std::string& text, const std::string& source);

std::string to_json(const Workload& workload);

}  // namespace bench
