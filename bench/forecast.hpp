// How long would a model take on another machine?  Its costs as measured on one CPU of this one,
// put into the simulation of schedule.hpp.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "model.hpp"
#include "presets.hpp"
#include "schedule.hpp"

namespace bench {

struct ModelCosts {
  std::string name;
  Structure structure;
  OwnCosts own;
};

struct ForecastRequest {
  std::array<double, kernel_count> unit_ns{};  // of a compute unit, by kernel; 0: not known
  std::vector<ModelCosts> models;
};

/// From JSON: {"unit_ns": {"mix": 650.5, ...}, "models": [{"model": "asio", "structure": "workers",
/// "setup_ns": 20000, "turn_ns": 700, "edge_ns": 50, "begin_wait_ns": 150, "end_wait_ns": 800,
/// "late_ns": 57000}, ...]}; a cost that is left out is 0.  Throws std::invalid_argument with one
/// line.
ForecastRequest read_forecast_request(const std::string& text);

/// A model's own costs on many CPUs lie between two cases, and nothing measured on one CPU tells
/// where.
struct Forecast {
  nanoseconds divided;  // they divide among the CPUs as computing does
  nanoseconds serial;   // only one CPU at a time has them: one loop, or one lock
};
Forecast forecast(const Workload& workload, const StepLength& length, const ModelCosts& model,
                  unsigned cpus);
/// Of all models of the request, in their order.
std::vector<Forecast> forecasts(const Workload& workload, const ForecastRequest& request,
                                unsigned cpus);

/// What a model's structure allows at once where it has as many workers as CPUs.
Lanes lanes_of(Structure structure, unsigned cpus);

/// The forecasts of all models for `cell.workers` CPUs, as a JSON object.  Throws
/// std::invalid_argument if the workload computes with a kernel whose cost is not known.
std::string forecast_json(const Cell& cell, const Workload& workload,
                          const ForecastRequest& request);

/// What is wrong if the preset would have more turns than can be played through in seconds; told
/// from two smaller sizes, for building it may take all memory.  Empty: nothing.
std::string too_many_turns(const Preset& preset, const Cell& cell);

}  // namespace bench
