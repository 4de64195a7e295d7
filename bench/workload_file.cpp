// How does a user bring a graph of their own?
#include "workload_file.hpp"

#include <fmt/format.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <stdexcept>

#include "kernels.hpp"

namespace bench {
namespace {

using nlohmann::json;

constexpr const char* schema = "interleave.workload/1";
constexpr std::int64_t longest_ns = 3'600'000'000'000;  // an hour: a typing error beyond that
constexpr std::int64_t most_units = 1'000'000'000;

/// A value from the file, as it may stand in one line of a message.
std::string shown(const json& value) {
  if (value.is_structured()) return value.type_name();
  return value.dump(-1, ' ', true, json::error_handler_t::replace).substr(0, 60);
}

/// A place in the file is for example "turns[3].steps[0]".
[[noreturn]] void refuse(const std::string& place, const std::string& what) {
  throw std::invalid_argument(fmt::format("{}: {}", place, what));
}

void check_object(const json& value, const std::string& place, const std::set<std::string>& known) {
  if (!value.is_object())
    refuse(place, fmt::format("expected an object, found {}", value.type_name()));
  for (const auto& [key, _] : value.items()) {
    if (!known.contains(key)) {
      refuse(place, fmt::format("unknown key {}: use {}", shown(key), fmt::join(known, ", ")));
    }
  }
}

const json& required(const json& object, const std::string& place, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) refuse(place, fmt::format("\"{}\" is missing", key));
  return *found;
}

std::int64_t integer(const json& value, const std::string& place, std::int64_t low,
                     std::int64_t high) {
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() ||
                     value.get<std::uint64_t>() <= static_cast<std::uint64_t>(high)) &&
                    value.get<std::int64_t>() >= low && value.get<std::int64_t>() <= high;
  if (!fits) {
    refuse(place,
           fmt::format("expected a whole number from {} to {}, found {}", low, high, shown(value)));
  }
  return value.get<std::int64_t>();
}

const json& array(const json& value, const std::string& place) {
  if (!value.is_array()) refuse(place, fmt::format("expected a list, found {}", value.type_name()));
  return value;
}

std::string text(const json& value, const std::string& place) {
  if (!value.is_string())
    refuse(place, fmt::format("expected a text, found {}", value.type_name()));
  return value.get<std::string>();
}

Kernel kernel(const json& value, const std::string& place) {
  const std::string name = text(value, place);
  for (int k = 0; k < kernel_count; ++k) {
    if (name == name_of(static_cast<Kernel>(k))) return static_cast<Kernel>(k);
  }
  refuse(place, fmt::format("no kernel is called {}: use mix, json or topk", shown(value)));
}

void read_step(WorkloadBuilder& builder, const json& step, const std::string& place) {
  check_object(step, place, {"wait_ns", "wait_until_ns", "block_ns", "compute", "units"});
  if (step.size() == 1 && step.contains("wait_ns")) {
    builder.wait(
        std::chrono::nanoseconds(integer(step["wait_ns"], place + ".wait_ns", 0, longest_ns)));
  } else if (step.size() == 1 && step.contains("wait_until_ns")) {
    builder.wait_until(std::chrono::nanoseconds(
        integer(step["wait_until_ns"], place + ".wait_until_ns", 0, longest_ns)));
  } else if (step.size() == 1 && step.contains("block_ns")) {
    builder.block(
        std::chrono::nanoseconds(integer(step["block_ns"], place + ".block_ns", 0, longest_ns)));
  } else if (step.size() == 2 && step.contains("compute") && step.contains("units")) {
    builder.compute(
        kernel(step["compute"], place + ".compute"),
        static_cast<std::uint32_t>(integer(step["units"], place + ".units", 0, most_units)));
  } else {
    refuse(place,
           "a step is one of {\"wait_ns\"}, {\"wait_until_ns\"}, {\"block_ns\"}, {\"compute\", "
           "\"units\"}");
  }
}

}  // namespace

Workload parse_workload(const std::string& source_text, const std::string& source) {
  json file;
  try {
    file = json::parse(source_text);
  } catch (const json::parse_error& error) {
    throw std::invalid_argument(fmt::format("{}: not JSON at byte {}", source, error.byte));
  } catch (const json::exception&) {
    throw std::invalid_argument(fmt::format("{}: a number in it is too large", source));
  }
  try {
    check_object(file, "the file", {"schema", "name", "seed", "arrivals_ns", "agents", "turns"});
    if (const auto& found = required(file, "the file", "schema"); found != schema) {
      refuse("schema", fmt::format("expected \"{}\", found {}", schema, shown(found)));
    }
    const json& seed = required(file, "the file", "seed");
    if (!seed.is_number_unsigned()) refuse("seed", "expected a whole number from 0");
    WorkloadBuilder builder(text(required(file, "the file", "name"), "name"),
                            seed.get<std::uint64_t>());
    if (file.contains("arrivals_ns")) {
      builder.arrivals_within(
          std::chrono::nanoseconds(integer(file["arrivals_ns"], "arrivals_ns", 0, longest_ns)));
    }
    const json& agents = array(required(file, "the file", "agents"), "agents");
    for (std::size_t i = 0; i < agents.size(); ++i) {
      builder.add_agent(text(agents[i], fmt::format("agents[{}]", i)));
    }
    const json& turns = array(required(file, "the file", "turns"), "turns");
    if (turns.empty()) refuse("turns", "the list is empty: give at least one turn");
    for (std::size_t t = 0; t < turns.size(); ++t) {
      const std::string place = fmt::format("turns[{}]", t);
      const json& turn = turns[t];
      check_object(turn, place, {"agent", "before", "steps", "result_since_ns"});
      if (agents.empty()) refuse("agents", "the list is empty: name at least one agent");
      const auto agent = integer(required(turn, place, "agent"), place + ".agent", 0,
                                 static_cast<std::int64_t>(agents.size()) - 1);
      std::vector<TurnId> before;
      if (turn.contains("before")) {
        for (const json& id : array(turn["before"], place + ".before")) {
          before.push_back(static_cast<TurnId>(
              integer(id, place + ".before", 0, std::numeric_limits<TurnId>::max())));
        }
      }
      builder.add_turn(static_cast<AgentId>(agent), before);
      const json& steps = array(required(turn, place, "steps"), place + ".steps");
      for (std::size_t s = 0; s < steps.size(); ++s) {
        read_step(builder, steps[s], fmt::format("{}.steps[{}]", place, s));
      }
      if (turn.contains("result_since_ns")) {
        builder.result(std::chrono::nanoseconds(
            integer(turn["result_since_ns"], place + ".result_since_ns", 0, longest_ns)));
      }
    }
    return std::move(builder).build();
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(fmt::format("{}: {}", source, error.what()));
  }
}

Workload read_workload(const std::string& path) {
  std::ifstream file(path);
  std::stringstream content;
  if (!(file && content << file.rdbuf())) {
    throw std::invalid_argument(fmt::format("{}: cannot be read, or is empty", path));
  }
  return parse_workload(content.str(), path);
}

std::string to_json(const Workload& workload) {
  auto turns = json::array();
  for (const Turn& turn : workload.turns) {
    auto steps = json::array();
    for (const Step& step : turn.steps) {
      switch (step.kind) {
        case StepKind::compute:
          steps.push_back({{"compute", name_of(step.kernel)}, {"units", step.units}});
          break;
        case StepKind::wait:
          steps.push_back({{step.from_start ? "wait_until_ns" : "wait_ns", step.duration.count()}});
          break;
        case StepKind::block:
          steps.push_back({{"block_ns", step.duration.count()}});
          break;
      }
    }
    json line = {{"agent", turn.agent}, {"steps", std::move(steps)}};
    if (!turn.before.empty()) line["before"] = turn.before;
    turns.push_back(std::move(line));
  }
  for (const Result& result : workload.results) {
    turns[result.turn]["result_since_ns"] = result.since.count();
  }
  json file = {{"schema", schema},
               {"name", workload.name},
               {"seed", workload.seed},
               {"agents", workload.agent_names},
               {"turns", std::move(turns)}};
  if (workload.arrivals.count() > 0) file["arrivals_ns"] = workload.arrivals.count();
  return file.dump(1) + "\n";
}

}  // namespace bench
