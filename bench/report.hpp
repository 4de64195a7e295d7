// How is a measurement handed on?  As a line of JSON for the scripts, and as a Chrome trace.
#pragma once

#include <string>

#include "harness.hpp"
#include "ledger.hpp"

namespace bench {

/// {"model","family","rung","structure","library","primitives","compiler","build"}
std::string about_json(const Model& model, const std::string& name);

/// One line of JSON without its newline.  Times in ns, sizes in bytes, null for what is unknown or
/// does not apply.  What was to be done (turns, waits, calls, ...) is as planned; what came of it
/// (attempts, failed, ...) as it happened.  A run that was stopped has its makespan, what it took
/// of the machine and `stop`; nothing that is told of the whole of the work.
std::string sample_json(const Model& model, const std::string& name, const Cell& cell,
                        const Workload& workload, const Measurement& measurement);

/// What `describe` prints: the workload's size, its answer, and its bounds for every structure.
std::string description_json(const Cell& cell, const Workload& workload, const Answer& answer,
                             const UnitCosts& costs, unsigned cpus);
std::string presets_json();

/// Chrome's trace event format: one row per agent, one bar per step.  Opens in Perfetto.
std::string trace_json(const std::string& name, const Cell& cell, const Ledger& ledger,
                       unsigned cpus);

}  // namespace bench
