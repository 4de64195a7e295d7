// Is the machine as it was?  A fixed amount of computing on every CPU and a sleep, both timed: run
// before each block of a measurement, for what disturbs these disturbs the block as well.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <thread>
#include <vector>

#include "kernels.hpp"
#include "process.hpp"

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// About 3 ms a piece.  A competitor for a CPU, whose turns are some milliseconds long too, is then
// in three of five pieces: on a machine with 2 CPUs all of 70 canaries were off beside one on one
// CPU or on each (of pieces of 2 ms a third and two thirds were), and none of 44 beside nothing, by
// 2.5 % at most.  A single stall is in one piece alone.
constexpr std::uint32_t units = 4700, units_to_warm_up = 500;
constexpr int pieces = 5;
// Long enough that the 50 to 100 us by which an idle CPU wakes up late are no news.
constexpr auto asked_sleep = 5ms;

std::int64_t time_of(std::uint32_t count) {
  static std::atomic<bench::Value> sink = 1;  // keeps the compiler from dropping the work
  const auto begin = Clock::now();
  sink = bench::run_kernel(bench::Kernel::mix, count, 1);
  return (Clock::now() - begin) / 1ns;
}

std::int64_t median(std::vector<std::int64_t> times) {
  std::ranges::sort(times);
  return times[times.size() / 2];
}

/// The median piece of the slowest CPU: a neighbour on one of them must not go unseen.
std::int64_t kernel_ns() {
  const unsigned cpus = bench::usable_cpus();
  std::vector<std::int64_t> medians(cpus);
  {
    std::vector<std::jthread> threads;
    for (unsigned cpu = 0; cpu < cpus; ++cpu) {
      threads.emplace_back([&, cpu] {
        bench::pin_this_thread(cpu);
        time_of(units_to_warm_up);
        std::vector<std::int64_t> times;
        for (int piece = 0; piece < pieces; ++piece) times.push_back(time_of(units));
        medians[cpu] = median(std::move(times));
      });
    }
  }
  return *std::ranges::max_element(medians);
}

/// From before the sleep to after it; until an absolute time, as the models' deadlines are.
std::int64_t sleep_ns() {
  const auto begin = Clock::now();
  std::this_thread::sleep_until(begin + asked_sleep);
  return (Clock::now() - begin) / 1ns;
}

}  // namespace

int main() {
  try {
    const std::int64_t kernel = kernel_ns(), slept = sleep_ns();
    fmt::print("{{\"kernel_ns\":{},\"sleep_ns\":{},\"asked_sleep_ns\":{}}}\n", kernel, slept,
               asked_sleep / 1ns);
    return std::fflush(stdout) == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "canary: {}\n", error.what());
    return 1;
  }
}
