// What do several tests need?  Small workloads, and a way to run a planted model.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "durations.hpp"
#include "ledger.hpp"
#include "presets.hpp"
#include "random.hpp"

namespace bench::testing {

using std::chrono::microseconds;

/// A preset, small and fast enough for a test that waits for real.
inline Workload small(const std::string& preset, std::uint32_t agents = 6) {
  Cell cell{.scenario = preset, .agents = agents, .cpu_share = 0.1, .time_scale = 1e-4};
  cell.grain_us = find_preset(preset)->grain_us;
  cell.tokens = find_preset(preset)->tokens;
  if (preset == "parked") cell.time_scale = 1e-5;  // it waits for half a minute, unscaled
  return find_preset(preset)->make(cell);
}

/// Up to two attempts fail before the answer; now and then all do.
inline std::vector<Attempt> random_script(auto&& roll) {
  const Attempt no{Outcome::server_error, microseconds(roll(100)), microseconds(roll(100))};
  if (roll(20) == 0) return std::vector<Attempt>(most_attempts, no);
  std::vector<Attempt> script(roll(4) == 0 ? 1 + roll(2) : 0, no);
  script.push_back({Outcome::answered, microseconds(100 + roll(200)), {}});
  return script;
}

/// A graph of any shape: up to four predecessors, up to three steps of any kind, some turns empty.
inline Workload random_graph(std::uint64_t seed, std::uint32_t turns) {
  WorkloadBuilder builder("random", seed);
  builder.add_agent("agent");
  std::uint64_t counter = 0;
  auto roll = [&](std::uint32_t bound) {
    return below(mix64(seed * 1'000'003 + ++counter), bound);
  };
  for (TurnId id = 0; id < turns; ++id) {
    std::vector<TurnId> before;
    for (std::uint32_t i = roll(5); i > 0 && id > 0; --i) before.push_back(roll(id));
    std::ranges::sort(before);
    before.erase(std::unique(before.begin(), before.end()), before.end());
    builder.add_turn(0, before);
    for (std::uint32_t i = roll(4); i > 0; --i) {
      switch (roll(4)) {
        case 0:
          builder.compute(roll(2) ? Kernel::mix : Kernel::json, 1 + roll(20));
          break;
        case 1:
          builder.wait(microseconds(roll(300)));
          break;
        case 2:
          builder.block(microseconds(roll(100)));
          break;
        case 3:
          builder.call({.first = microseconds(100), .limit = std::chrono::seconds(30)},
                       random_script(roll));
          break;
      }
    }
  }
  return std::move(builder).build();
}

/// What a correct model does with one step.
inline Value perform(Ledger& ledger, const Step& step, Value v) {
  switch (step.kind) {
    case StepKind::compute:
      return ledger.compute(step, v);
    case StepKind::wait:
      ledger.begin_wait(step);
      while (ledger.time_left(step).count() > 0) {
      }
      return ledger.end_wait(step, v);
    case StepKind::block:
      return ledger.block(step, v);
    case StepKind::call:
      if (ledger.workload().limit.interval.count() > 0) {
        ledger.reserve(step);
        while (ledger.time_left(step).count() > 0) {
        }
      }
      for (;;) {
        ledger.begin_attempt(step);
        while (ledger.time_left(step).count() > 0) {
        }
        const Ledger::Next next = ledger.end_attempt(step, v);
        if (!next.again) return next.value;
        while (ledger.time_left(step).count() > 0) {
        }
      }
  }
  return v;
}

inline void run_turn(Ledger& ledger, const Turn& turn) {
  try {
    Value v = ledger.start(turn);
    for (const Step& step : turn.steps) v = perform(ledger, step, v);
    ledger.finish(turn, v);
  } catch (const TurnFailed& failure) {
    ledger.fail(turn, failure);
  }
}

/// Holds up the thread that serves heartbeat 76, from about 75 ms after the start, for 150 ms.
struct Stall : Observer {
  static constexpr std::size_t beat = 75;
  static constexpr microseconds duration{150'000};
  explicit Stall(const Workload& workload) : at(workload.beats()[beat].id) {}
  void on_start(const Turn& turn) override {
    if (turn.id == at) std::this_thread::sleep_for(duration);
  }
  void on_finish(const Turn&) override {}
  TurnId at;
};

/// What is wrong with these lags of 300 heartbeats, one each millisecond, of which one was held up
/// by a Stall; empty if nothing.  By an absolute schedule the 150 beats that were due meanwhile are
/// late by 149, 148, ... 0 ms.
inline std::string fault_of_lags(std::vector<std::chrono::nanoseconds> lags) {
  using std::chrono::milliseconds;
  std::ranges::sort(lags);
  for (const int percent : {50, 60, 75, 90, 99, 100}) {
    const auto rank = lags.size() * static_cast<std::size_t>(percent) / 100;
    const milliseconds implied(std::max(0, static_cast<int>(rank) - 151));
    const auto lag = lags[rank - 1];
    if (lag < implied || lag > implied + milliseconds(40)) {
      return fmt::format("p{} is {} ns, and the absolute schedule implies {} ms", percent,
                         lag.count(), implied.count());
    }
  }
  return {};
}

/// How late each heartbeat was served.
inline std::vector<std::chrono::nanoseconds> lags_of(const Ledger& ledger) {
  std::vector<std::chrono::nanoseconds> lags;
  for (const Turn& beat : ledger.workload().beats()) {
    const Step& step = beat.steps.front();
    const std::int64_t ended = ledger.steps()[ledger.workload().index_of(step)].ended;
    lags.push_back(std::chrono::nanoseconds(ended - ledger.opened_at()) - step.duration);
  }
  return lags;
}

/// Runs `model(ledger)` and returns what the proof says.
std::string fault_of(const Workload& workload, auto&& model) {
  Ledger ledger(workload);
  ledger.open();
  model(ledger);
  ledger.close();
  return ledger.fault(reference(workload));
}

}  // namespace bench::testing
