// Which workloads come with the suite?  Shapes of agent systems, generated from a few parameters.
#pragma once

#include <cstdint>
#include <span>
#include <string>

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
};

struct Preset {
  const char* name;
  const char* about;
  std::uint32_t agents;  // defaults of a cell
  double cpu_share;
  Workload (*make)(const Cell& cell);
  std::uint32_t grain_us = 0;  // 0: it has no grain
  std::uint32_t most_agents = 1'000'000;
};

std::span<const Preset> presets();

/// The preset of that name, or nullptr.
const Preset* find_preset(const std::string& name);

}  // namespace bench
