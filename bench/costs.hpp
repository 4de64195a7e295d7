// What does a compute unit cost on this machine, now?
#pragma once

#include <array>
#include <optional>

#include "workload.hpp"

namespace bench {

/// Nanoseconds per unit, for each kernel that a workload uses.
using UnitCosts = std::array<std::optional<double>, kernel_count>;

/// Runs each kernel that `workload` uses for about 3 ms, in eight parts, and takes the least: what
/// else runs on the machine can only add.
UnitCosts probe_unit_costs(const Workload& workload);

/// The lesser of two probes, kernel by kernel.
UnitCosts least(const UnitCosts& a, const UnitCosts& b);

}  // namespace bench
