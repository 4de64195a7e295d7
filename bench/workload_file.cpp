// How does a user bring a graph of their own?
#include "workload_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "kernels.hpp"

namespace bench {
namespace {

using nlohmann::json;

constexpr const char* schema = "interleave.workload/1";
constexpr std::int64_t longest_ns = 3'600'000'000'000;  // an hour: a typing error beyond that
constexpr std::int64_t longest_limit_ns = longest_ns + 60'000'000'000;  // more than its call takes
constexpr std::int64_t most_units = 1'000'000'000;
constexpr std::int64_t most_tokens = 100'000;

/// A value from the file, as it may stand in one line of a message.
std::string shown(const json& value) {
  if (value.is_structured()) return value.type_name();
  return value.dump(-1, ' ', true, json::error_handler_t::replace).substr(0, 60);
}

/// What is wrong, and where.
struct BadPlace : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// A place in the file is for example "turns[3].steps[0]".
[[noreturn]] void refuse(const std::string& place, const std::string& what) {
  throw BadPlace(fmt::format("{}: {}", place, what));
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

std::chrono::nanoseconds duration(const json& value, const std::string& place) {
  return std::chrono::nanoseconds(integer(value, place, 0, longest_ns));
}

std::chrono::nanoseconds duration_or(const json& object, const char* key, const std::string& place,
                                     std::chrono::nanoseconds otherwise) {
  const auto found = object.find(key);
  return found == object.end() ? otherwise : duration(*found, fmt::format("{}.{}", place, key));
}

std::uint32_t count(const json& value, const std::string& place, std::int64_t low,
                    std::int64_t high) {
  return static_cast<std::uint32_t>(integer(value, place, low, high));
}

bool truth(const json& value, const std::string& place) {
  if (!value.is_boolean()) {
    refuse(place, fmt::format("expected true or false, found {}", shown(value)));
  }
  return value.get<bool>();
}

std::string outcome_names() {
  std::vector<std::string> names;
  for (int i = 0; i < outcome_count; ++i) names.emplace_back(name_of(static_cast<Outcome>(i)));
  return fmt::format("{}", fmt::join(names, ", "));
}

Outcome outcome(const json& value, const std::string& place) {
  const std::string name = text(value, place);
  for (int i = 0; i < outcome_count; ++i) {
    if (name == name_of(static_cast<Outcome>(i))) return static_cast<Outcome>(i);
  }
  refuse(place, fmt::format("no outcome is called {}: use {}", shown(value), outcome_names()));
}

/// Some outcomes come at a moment that the file need not name.
std::chrono::nanoseconds attempt_takes(const json& attempt, const std::string& place,
                                       Outcome outcome, std::chrono::nanoseconds limit) {
  if (outcome == Outcome::refused) {
    const auto takes = duration_or(attempt, "ns", place, std::chrono::nanoseconds(0));
    if (takes.count() > 0) refuse(place + ".ns", "a connection is refused at once: leave it out");
    return takes;
  }
  if (outcome == Outcome::timed_out) {
    if (limit.count() == 0)
      refuse(place, "it times out when \"limit_ns\" is over: give the call one");
    const auto takes = duration_or(attempt, "ns", place, limit);
    if (takes != limit) refuse(place + ".ns", "it times out at \"limit_ns\": leave it out");
    return takes;
  }
  const auto takes = duration(required(attempt, place, "ns"), place + ".ns");
  if (limit.count() > 0 && takes > limit) {
    refuse(place + ".ns", "longer than \"limit_ns\": make it \"timed out\", or the limit longer");
  }
  return takes;
}

/// `limit` 0: the file gives none.
std::vector<Attempt> read_attempts(const json& list, const std::string& place,
                                   std::chrono::nanoseconds limit) {
  std::vector<Attempt> script;
  for (std::size_t i = 0; i < array(list, place).size(); ++i) {
    const std::string here = fmt::format("{}[{}]", place, i);
    check_object(list[i], here, {"outcome", "ns", "back_off_ns"});
    const Outcome ends = outcome(required(list[i], here, "outcome"), here + ".outcome");
    if (i + 1 == list.size() && list[i].contains("back_off_ns")) {
      refuse(here + ".back_off_ns", "no attempt comes after this one: leave it out");
    }
    script.push_back(
        {.outcome = ends,
         .duration = attempt_takes(list[i], here, ends, limit),
         .back_off = duration_or(list[i], "back_off_ns", here, std::chrono::nanoseconds(0))});
  }
  return script;
}

/// How long the answer takes; 0 if there is none.
std::chrono::nanoseconds answer_takes(std::span<const Attempt> script) {
  return script.back().outcome == Outcome::answered ? script.back().duration
                                                    : std::chrono::nanoseconds(0);
}

/// What a call has if the file does not say: its tokens come evenly, and it is not given up before
/// something is badly wrong.
std::chrono::nanoseconds usual_first(std::span<const Attempt> script, std::uint32_t tokens) {
  return answer_takes(script) / std::max(1U, tokens);
}
std::chrono::nanoseconds usual_limit(std::span<const Attempt> script) {
  return std::ranges::max(script, {}, &Attempt::duration).duration + std::chrono::seconds(30);
}

void read_call(WorkloadBuilder& builder, const json& step, const std::string& place) {
  check_object(step, place,
               {"call_ns", "attempts", "tokens", "first_ns", "limit_ns", "keep_alive"});
  if (step.contains("call_ns") == step.contains("attempts")) {
    refuse(place, "a call has either \"call_ns\" or \"attempts\"");
  }
  Call call;
  if (step.contains("limit_ns")) {
    call.limit = std::chrono::nanoseconds(
        integer(step["limit_ns"], place + ".limit_ns", 1, longest_limit_ns));
  }
  std::vector<Attempt> script;
  if (step.contains("attempts")) {
    script = read_attempts(step["attempts"], place + ".attempts", call.limit);
  } else {
    script.push_back({.duration = duration(step["call_ns"], place + ".call_ns")});
    if (call.limit.count() > 0 && script.front().duration > call.limit) {
      refuse(place + ".call_ns", "longer than \"limit_ns\": it would be given up");
    }
  }
  try {
    if (script.empty()) builder.call(call, script);  // says what is wrong with it
    if (call.limit.count() == 0) call.limit = usual_limit(script);
    if (step.contains("keep_alive")) {
      call.keep_alive = truth(step["keep_alive"], place + ".keep_alive");
    }
    if (step.contains("tokens")) {
      call.tokens = count(step["tokens"], place + ".tokens", 1, most_tokens);
    } else if (step.contains("first_ns")) {
      refuse(place + ".first_ns", "only an answer with \"tokens\" has a first one");
    }
    call.first = duration_or(step, "first_ns", place, usual_first(script, call.tokens));
    if (call.first > answer_takes(script)) {
      refuse(place + ".first_ns", "the first token comes after the answer's end: make it earlier");
    }
    builder.call(call, script);
  } catch (const BadPlace&) {
    throw;
  } catch (const std::invalid_argument& error) {
    refuse(place + ".attempts", error.what());
  }
}

void read_step(WorkloadBuilder& builder, const json& step, const std::string& place) {
  if (step.is_object() && (step.contains("call_ns") || step.contains("attempts"))) {
    read_call(builder, step, place);
    return;
  }
  check_object(step, place,
               {"wait_ns", "wait_until_ns", "block_ns", "compute", "units", "call_ns", "raises"});
  if (step.size() == 1 && step.contains("wait_ns")) {
    builder.wait(duration(step["wait_ns"], place + ".wait_ns"));
  } else if (step.size() == 1 && step.contains("wait_until_ns")) {
    builder.wait_until(duration(step["wait_until_ns"], place + ".wait_until_ns"));
  } else if (step.size() == 1 && step.contains("block_ns")) {
    builder.block(duration(step["block_ns"], place + ".block_ns"));
  } else if (step.size() == 1 && step.contains("raises")) {
    if (!truth(step["raises"], place + ".raises")) {
      refuse(place + ".raises", "a step that does not is none: leave it out");
    }
    builder.raise();
  } else if (step.size() == 2 && step.contains("compute") && step.contains("units")) {
    builder.compute(kernel(step["compute"], place + ".compute"),
                    count(step["units"], place + ".units", 0, most_units));
  } else {
    refuse(place,
           "a step is one of {\"wait_ns\"}, {\"wait_until_ns\"}, {\"block_ns\"}, {\"compute\", "
           "\"units\"}, {\"call_ns\"}, {\"attempts\"}, {\"raises\"}");
  }
}

Limit read_limit(const json& value) {
  check_object(value, "limit", {"in_flight", "burst", "interval_ns"});
  constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
  Limit limit{.in_flight =
                  count(required(value, "limit", "in_flight"), "limit.in_flight", 1, most)};
  if (value.contains("burst") != value.contains("interval_ns")) {
    refuse("limit", "a token bucket has both \"burst\" and \"interval_ns\"");
  }
  if (value.contains("burst")) {
    limit.burst = count(value["burst"], "limit.burst", 1, most);
    limit.interval =
        std::chrono::nanoseconds(integer(value["interval_ns"], "limit.interval_ns", 1, longest_ns));
  }
  return limit;
}

json call_to_json(const Workload& workload, const Call& call) {
  const auto script = workload.attempts_of(call);
  json step = json::object();
  if (script.size() == 1 && script.front().outcome == Outcome::answered) {
    step["call_ns"] = script.front().duration.count();
  } else {
    auto attempts = json::array();
    for (const Attempt& attempt : script) {
      json line = {{"outcome", name_of(attempt.outcome)}};
      const bool known =
          attempt.outcome == Outcome::refused || attempt.outcome == Outcome::timed_out;
      if (!known) line["ns"] = attempt.duration.count();
      if (attempt.back_off.count() > 0) line["back_off_ns"] = attempt.back_off.count();
      attempts.push_back(std::move(line));
    }
    step["attempts"] = std::move(attempts);
  }
  if (call.tokens > 0) {
    step["tokens"] = call.tokens;
    if (call.first != usual_first(script, call.tokens)) step["first_ns"] = call.first.count();
  }
  if (call.limit != usual_limit(script) ||
      std::ranges::count(script, Outcome::timed_out, &Attempt::outcome) > 0) {
    step["limit_ns"] = call.limit.count();
  }
  if (!call.keep_alive) step["keep_alive"] = false;
  return step;
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
    check_object(file, "the file",
                 {"schema", "name", "seed", "arrivals_ns", "limit", "enough", "agents", "turns"});
    if (const auto& found = required(file, "the file", "schema"); found != schema) {
      refuse("schema", fmt::format("expected \"{}\", found {}", schema, shown(found)));
    }
    const json& seed = required(file, "the file", "seed");
    if (!seed.is_number_unsigned()) refuse("seed", "expected a whole number from 0");
    WorkloadBuilder builder(text(required(file, "the file", "name"), "name"),
                            seed.get<std::uint64_t>());
    if (file.contains("arrivals_ns")) {
      builder.arrivals_within(duration(file["arrivals_ns"], "arrivals_ns"));
    }
    if (file.contains("limit")) builder.limit_calls(read_limit(file["limit"]));
    const json& agents = array(required(file, "the file", "agents"), "agents");
    for (std::size_t i = 0; i < agents.size(); ++i) {
      builder.add_agent(text(agents[i], fmt::format("agents[{}]", i)));
    }
    const json& turns = array(required(file, "the file", "turns"), "turns");
    if (turns.empty()) refuse("turns", "the list is empty: give at least one turn");
    std::int64_t results = 0;
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
        builder.result(duration(turn["result_since_ns"], place + ".result_since_ns"));
        ++results;
      }
    }
    if (file.contains("enough")) {
      if (results == 0) refuse("enough", "no turn has a \"result_since_ns\": give it to some");
      builder.enough(count(file["enough"], "enough", 1, results));
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
          if (step.raises) {
            steps.push_back({{"raises", true}});
          } else {
            steps.push_back({{"compute", name_of(step.kernel)}, {"units", step.units}});
          }
          break;
        case StepKind::wait:
          steps.push_back({{step.from_start ? "wait_until_ns" : "wait_ns", step.duration.count()}});
          break;
        case StepKind::block:
          steps.push_back({{"block_ns", step.duration.count()}});
          break;
        case StepKind::call:
          steps.push_back(call_to_json(workload, workload.call_of(step)));
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
  if (const Limit& limit = workload.limit; limit.in_flight > 0) {
    file["limit"] = {{"in_flight", limit.in_flight}};
    if (limit.interval.count() > 0) {
      file["limit"]["burst"] = limit.burst;
      file["limit"]["interval_ns"] = limit.interval.count();
    }
  }
  if (workload.enough > 0) file["enough"] = workload.enough;
  return file.dump(1) + "\n";
}

}  // namespace bench
