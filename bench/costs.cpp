// What does a compute unit cost on this machine, now?
#include "costs.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "kernels.hpp"

namespace bench {

UnitCosts probe_unit_costs(const Workload& workload) {
  prepare_kernels(workload);
  UnitCosts costs;
  std::array<bool, kernel_count> used{};
  for (const Step& step : workload.steps()) {
    if (step.kind == StepKind::compute) used[static_cast<std::size_t>(step.kernel)] = true;
  }
  static std::atomic<Value> sink = 1;  // keeps the compiler from dropping the work
  for (std::size_t k = 0; k < used.size(); ++k) {
    if (!used[k]) continue;
    const auto kernel = static_cast<Kernel>(k);
    constexpr std::uint32_t units = 400;
    for (int part = 0; part < 8; ++part) {
      const auto begin = std::chrono::steady_clock::now();
      sink = run_kernel(kernel, units, sink);
      const std::chrono::duration<double, std::nano> took =
          std::chrono::steady_clock::now() - begin;
      const double cost = took.count() / units;
      costs[k] = std::min(costs[k].value_or(cost), cost);
    }
  }
  return costs;
}

UnitCosts least(const UnitCosts& a, const UnitCosts& b) {
  UnitCosts costs = a;
  for (std::size_t k = 0; k < costs.size(); ++k) {
    if (b[k]) costs[k] = std::min(a[k].value_or(*b[k]), *b[k]);
  }
  return costs;
}

}  // namespace bench
