// Which workloads come with the suite?  Shapes of agent systems, generated from a few parameters.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "ledger.hpp"
#include "workload.hpp"

namespace bench {

/// A cell: what is run, and on how many workers.
struct Cell {
  std::string scenario;
  std::uint32_t agents = 1;  // what one is depends on the preset; see its description
  unsigned workers = 1;      // how many threads may compute at once
  double cpu_share = 0;      // a turn's computing / its waiting
  double time_scale = 0.01;  // scaled time / real time, of waits and of what belongs to them
  std::uint64_t seed = 1;
  std::uint32_t grain_us = 0;      // how much a turn computes, in presets that ask for it
  std::uint32_t heartbeat_us = 0;  // the period of the heartbeats; 0: none
  std::uint32_t tokens = 0;        // that an answer streams, in presets that ask for it
  bool tcp = false;                // what waits is a call over TCP, not a timer
  OnError on_error = OnError::isolate;
  std::optional<std::uint32_t> stop_after_us = {};  // after the start the run is asked to stop
};

struct Preset {
  const char* name;
  const char* about;
  std::uint32_t agents;  // defaults of a cell
  double cpu_share;
  Workload (*make)(const Cell& cell);
  std::uint32_t grain_us = 0;  // 0: it has no grain
  std::uint32_t most_agents = 1'000'000;
  std::uint32_t tokens = 0;  // 0: its answers do not stream
};

std::span<const Preset> presets();

/// The preset of that name, or nullptr.
const Preset* find_preset(const std::string& name);

}  // namespace bench
