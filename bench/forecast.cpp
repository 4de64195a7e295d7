// How long would a model take on another machine?
#include "forecast.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "bounds.hpp"
#include "kernels.hpp"
#include "process.hpp"

namespace bench {
namespace {

using nlohmann::json;

constexpr double most_ns = 1e11;  // of a cost: far more than any, and sums of it are no overflow

double number_in(const json& object, const std::string& key, double most) {
  if (!object.contains(key)) return 0;
  const json& value = object.at(key);
  const double ns = value.is_number() ? value.get<double>() : NAN;
  if (!(ns >= 0 && ns <= most)) {
    throw std::invalid_argument(fmt::format("{} is no number from 0 to {:g}", key, most));
  }
  return ns;
}

nanoseconds cost_in(const json& object, const std::string& key) {
  return nanoseconds(std::llround(number_in(object, key, most_ns)));
}

Structure structure_in(const json& object) {
  const std::string name = object.at("structure").get<std::string>();
  for (int s = 0; s < structure_count; ++s) {
    if (name == name_of(static_cast<Structure>(s))) return static_cast<Structure>(s);
  }
  throw std::invalid_argument(fmt::format("there is no structure '{}'", name));
}

ModelCosts model_in(const json& object) {
  return {.name = object.at("model").get<std::string>(),
          .structure = structure_in(object),
          .own = {.setup = cost_in(object, "setup_ns"),
                  .turn = cost_in(object, "turn_ns"),
                  .edge = cost_in(object, "edge_ns"),
                  .begin_wait = cost_in(object, "begin_wait_ns"),
                  .end_wait = cost_in(object, "end_wait_ns"),
                  .late = cost_in(object, "late_ns")}};
}

void check_kernels(const Workload& workload, const ForecastRequest& request) {
  for (const Step& step : workload.steps()) {
    if (step.kind == StepKind::compute &&
        request.unit_ns[static_cast<std::size_t>(step.kernel)] == 0)
      throw std::invalid_argument(fmt::format(
          "unit_ns says nothing of '{}', which is computed with", name_of(step.kernel)));
  }
}

}  // namespace

ForecastRequest read_forecast_request(const std::string& text) {
  ForecastRequest request;
  try {
    const json object = json::parse(text);
    const json units = object.value("unit_ns", json::object());
    for (std::size_t k = 0; k < request.unit_ns.size(); ++k) {
      request.unit_ns[k] = number_in(units, name_of(static_cast<Kernel>(k)), 1e6);
    }
    for (const json& model : object.at("models")) request.models.push_back(model_in(model));
  } catch (const json::exception& error) {
    throw std::invalid_argument(error.what());
  }
  return request;
}

Lanes lanes_of(Structure structure, unsigned cpus) {
  switch (structure) {
    case Structure::sequential:
      return {.count = 1, .blocks_hold = true, .whole_turns = true};
    case Structure::one_loop:
      return {.count = 1, .blocks_hold = true};
    case Structure::blocking_workers:
      return {.count = cpus, .blocks_hold = true, .whole_turns = true};
    case Structure::workers:
      return {.count = cpus, .blocks_hold = true};
    case Structure::thread_per_turn:
      return {.count = cpus};
  }
  return {.count = cpus};
}

Forecast forecast(const Workload& workload, const StepLength& length, const ModelCosts& model,
                  unsigned cpus) {
  Lanes lanes = lanes_of(model.structure, cpus);
  const nanoseconds divided = played_through(workload, length, lanes, model.own);
  if (lanes.count == 1) return {divided, divided};
  lanes.serial_costs = true;
  return {divided, played_through(workload, length, lanes, model.own)};
}

std::vector<Forecast> forecasts(const Workload& workload, const ForecastRequest& request,
                                unsigned cpus) {
  const StepLength length(request.unit_ns);
  std::vector<Forecast> all(request.models.size());
  std::atomic<std::size_t> next = 0;
  auto serve = [&] {
    for (std::size_t i = next++; i < all.size(); i = next++) {
      all[i] = forecast(workload, length, request.models[i], cpus);
    }
  };
  {
    // A second for each model and million turns is worth sharing.
    std::vector<std::jthread> helpers;
    for (unsigned i = 1; i < usable_cpus(); ++i) helpers.emplace_back(serve);
    serve();
  }
  return all;
}

std::string forecast_json(const Cell& cell, const Workload& workload,
                          const ForecastRequest& request) {
  if (!request.models.empty()) check_kernels(workload, request);
  const unsigned cpus = cell.workers;
  const StepLength length(request.unit_ns);
  nanoseconds computing{0};
  for (const Step& step : workload.steps()) {
    if (step.kind == StepKind::compute) computing += length(step);
  }
  json models = json::array();
  const std::vector<Forecast> times = forecasts(workload, request, cpus);
  for (std::size_t i = 0; i < times.size(); ++i) {
    models.push_back({{"model", request.models[i].name},
                      {"divided_ns", times[i].divided.count()},
                      {"serial_ns", times[i].serial.count()}});
  }
  const Receipts plan = planned(workload);
  return json{{"kind", "forecast"},
              {"scenario", cell.scenario},
              {"agents", cell.agents},
              {"cpu_share", cell.cpu_share},
              {"time_scale", cell.time_scale},
              {"seed", cell.seed},
              {"cores", cpus},
              {"turns", plan.turns},
              {"waits", plan.waits + plan.calls},
              {"computing_ns", computing.count()},
              {"greedy_ns", played_through(workload, length, {.count = cpus}).count()},
              {"models", models}}
      .dump();
}

std::string too_many_turns(const Preset& preset, const Cell& cell) {
  constexpr double most_turns = 5e6;
  constexpr std::uint32_t probe = 1000;
  if (cell.agents <= probe) return {};
  auto turns_of = [&](std::uint32_t agents) {
    Cell smaller = cell;
    smaller.agents = agents;
    return static_cast<double>(preset.make(smaller).turns.size());
  };
  const double half = turns_of(probe / 2), whole = turns_of(probe);
  const double power = std::round(std::log2(whole / half));  // 1: as many times as agents
  const double turns = whole * std::pow(double{1} * cell.agents / probe, power);
  if (turns <= most_turns) return {};
  return fmt::format(
      "{} agents of {} are about {:.0f} million turns, and at most {:.0f} are played through: give "
      "fewer agents",
      cell.agents, cell.scenario, turns / 1e6, most_turns / 1e6);
}

}  // namespace bench
