// What does a compute unit cost on this machine, now?
#include "costs.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <numeric>
#include <system_error>
#include <thread>

#include "kernels.hpp"
#include "process.hpp"
#include "random.hpp"

namespace bench {
namespace {

double read_cost(Kernel kernel) {
  static std::atomic<Value> sink = 1;  // keeps the compiler from dropping the work
  constexpr std::uint32_t units = 400;
  const auto begin = std::chrono::steady_clock::now();
  sink = run_kernel(kernel, units, sink);
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
  return took.count() / units;
}

/// Mean of the middle half: a stall of the host does not count, two modes do.
double middle_mean(std::vector<double> readings) {
  std::ranges::sort(readings);
  const auto quarter = static_cast<std::ptrdiff_t>(readings.size() / 4);
  const auto first = readings.begin() + quarter, last = readings.end() - quarter;
  return std::accumulate(first, last, 0.0) / static_cast<double>(last - first);
}

}  // namespace

UnitCost UnitCosts::of(Kernel kernel) const {
  const auto &alone = alone_[index(kernel)], &together = together_[index(kernel)];
  double least = *std::ranges::min_element(alone);
  if (!together.empty()) least = std::min(least, *std::ranges::min_element(together));
  return {.least = least, .usual = middle_mean(together.empty() ? alone : together)};
}

void UnitCosts::probe(const Workload& workload, unsigned cpus) {
  prepare_kernels(workload);
  std::array<std::uint64_t, kernel_count> units{};
  std::uint64_t all_units = 0;
  for (const Step& step : workload.steps()) {
    units[index(step.kernel)] += step.units;
    all_units += step.units;
  }
  for (std::size_t k = 0; k < units.size(); ++k) {
    for (int i = 0; i < 4 && units[k] > 0; ++i) {
      alone_[k].push_back(read_cost(static_cast<Kernel>(k)));
    }
  }
  if (cpus == 1 || all_units == 0) return;

  auto kernel_at = [&](std::uint64_t unit) {  // if all units stood in a row, kernel by kernel
    std::size_t k = 0;
    while (unit >= units[k]) unit -= units[k++];
    return k;
  };
  std::vector<Readings> of_thread(cpus);
  std::barrier all_ready(static_cast<std::ptrdiff_t>(cpus));
  {
    std::vector<std::jthread> threads;
    auto start_probe = [&](std::size_t t) {
      threads.emplace_back([&, t] {
        // Left alone, two new threads may share one CPU for longer than the probe lasts.
        pin_this_thread(static_cast<unsigned>(t));
        all_ready.arrive_and_wait();
        for (std::size_t i = 0; i < 24; ++i) {
          const std::size_t k = kernel_at(mix64(t << 32 | i) % all_units);
          of_thread[t][k].push_back(read_cost(static_cast<Kernel>(k)));
        }
      });
    };
    for (std::size_t t = 0; t < cpus; ++t) {
      try {
        start_probe(t);
      } catch (const std::system_error&) {  // no more threads here: those that there are will do
        all_ready.arrive_and_drop();
      }
    }
  }
  for (const Readings& readings : of_thread) {
    for (std::size_t k = 0; k < readings.size(); ++k) {
      together_[k].insert(together_[k].end(), readings[k].begin(), readings[k].end());
    }
  }
}

}  // namespace bench
