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
///   {"compute": "mix" or "json" or "topk", "units": n}
///
/// Durations are in nanoseconds, as they will be waited for: no scaling applies.  A turn that
/// somebody waits for may say since when, "result_since_ns": ns since the start of the run; and the
/// file "arrivals_ns", within how long sessions arrive.
///
/// Throws std::invalid_argument with one line that names the file, the place and what to do.
Workload read_workload(const std::string& path);
Workload parse_workload(const std::string& text, const std::string& source);

std::string to_json(const Workload& workload);

}  // namespace bench
