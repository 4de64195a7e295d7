// What does the command line ask for?
#include "options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <set>

#include "bounds.hpp"
#include "command_line.hpp"
#include "forecast.hpp"
#include "workload_file.hpp"

namespace bench {
namespace {

constexpr std::int64_t most_agents = 1'000'000;
constexpr std::int64_t most_workers = 1024;  // libuv's pool takes no more

std::string preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : presets()) names.emplace_back(preset.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

void check_writable(const std::string& path, const char* flag) {
  if (path.empty()) return;
  // Opening for appending leaves what is in the file; one that was not there is taken away again.
  const bool existed = std::filesystem::exists(path);
  const bool writable = std::ofstream(path, std::ios::app).is_open();
  if (writable && !existed) std::filesystem::remove(path);
  if (!writable) {
    throw UsageError(fmt::format(
        "{}: cannot write {}: check that the folder exists and is writable", flag, path));
  }
}

/// Google Benchmark ends the program by itself on a wrong value, and says that all is well.
void check_benchmark_flag(const std::string& flag) {
  const auto equals = flag.find('=');
  const std::string name = flag.substr(0, equals);
  const std::string value = equals == std::string::npos ? "" : flag.substr(equals + 1);
  const std::map<std::string, std::set<std::string>> choices = {
      {"--benchmark_format", {"console", "json", "csv"}},
      {"--benchmark_out_format", {"console", "json", "csv"}},
      {"--benchmark_time_unit", {"ns", "us", "ms", "s"}},
      {"--benchmark_repetitions", {"1"}},  // a second one would be warm: one process, one sample
  };
  const auto found = choices.find(name);
  if (found != choices.end() && !found->second.contains(value)) {
    throw UsageError(
        fmt::format("{}: '{}' is not one of {}", name, value, fmt::join(found->second, ", ")));
  }
  if (name == "--benchmark_out") check_writable(value, "--benchmark_out");
}

/// What would take a core longer than an hour, or more time than 64 bits count, is a typing error.
void check_amount(const Workload& workload) {
  constexpr std::uint64_t most_units = 3'600'000'000;
  if (const auto units = planned(workload).units; units > most_units) {
    throw UsageError(
        fmt::format("the workload computes about {} hours of one core, and at most one is run: "
                    "lower --agents, --cpu-share or --time-scale",
                    units / most_units));
  }
  double waits_ns = 0;
  for (const Step& step : workload.steps()) waits_ns += static_cast<double>(step.duration.count());
  if (waits_ns > 4e18) throw UsageError("the workload waits for over 100 years: give it less");
}

}  // namespace

Options parse_options(int argc, const char* const* argv, Program program) {
  Options options;
  std::int64_t agents = 0, workers = 1, seed = 1;
  std::string expect, io = "timer", on_error = name_of(OnError::isolate);
  std::map<std::string, OnError> policies;
  for (int i = 0; i < on_error_count; ++i) {
    policies[name_of(static_cast<OnError>(i))] = static_cast<OnError>(i);
  }
  CLI::App app(
      program == Program::model
          ? "Runs one agent workload with one concurrency model, once, and proves it."
          : "Tells what a workload is, its right answer and its bounds, without running it.");

  const auto* scenario =
      app.add_option("--scenario", options.cell.scenario, "one of " + preset_names());
  const auto* agents_flag =
      app.add_option("--agents", agents, "how many agents (default: the scenario's own)")
          ->check(whole(1, most_agents));
  app.add_option("--workers", workers, "how many threads may compute at once (default: 1)")
      ->check(whole(1, most_workers));
  const auto* share_flag =
      app.add_option("--cpu-share", options.cell.cpu_share, "a turn's computing / its waiting")
          ->check(within(0, 100, "0 to 100"));
  const auto* scale_flag =
      app.add_option("--time-scale", options.cell.time_scale, "scaled / real time (default: 0.01)")
          ->check(within(1e-6, 1, "0.000001 to 1"));
  const auto* seed_flag =
      app.add_option("--seed", seed, "durations and answers are a function of it (default: 1)")
          ->check(whole(0, std::numeric_limits<std::int64_t>::max()));
  const auto* grain_flag =
      app.add_option("--grain-us", options.cell.grain_us,
                     "units of about 1 us that a turn computes, in scenarios that have a grain")
          ->check(whole(1, 1'000'000));
  app.add_option("--heartbeat-us", options.cell.heartbeat_us,
                 "an extra agent that is to wake once in so many us")
      ->check(whole(100, 1'000'000));
  const auto* tokens_flag =
      app.add_option("--tokens", options.cell.tokens,
                     "how many an answer streams, in scenarios whose answers do")
          ->check(whole(1, 100'000));
  app.add_option("--io", io, "what waits is a timer, or a call over TCP (default: timer)")
      ->check(CLI::IsMember({"timer", "tcp"}));
  app.add_option("--on-error", on_error,
                 "when a turn fails: isolate, fail-fast or first-error (default: isolate)")
      ->check(CLI::IsMember(policies));
  app.add_option("--stop-after-us", options.cell.stop_after_us,
                 "ask the run to stop so long after its start")
      ->check(whole(0, 1'000'000'000));
  app.add_option("--workload", options.workload_file, "a graph of your own instead of a scenario");
  app.add_option("--export-workload", options.export_file, "write the graph to this file and stop");
  if (program == Program::model) {
    app.add_option("--sample", options.sample_file, "append the result to this file, a JSON line");
    app.add_option("--trace", options.trace_file, "write a Chrome trace (opens in Perfetto)");
    app.add_option("--expect", expect, "the right answer, DIGEST:SUM (default: worked out here)");
    app.add_flag("--narrate", options.narrate, "print what happens as it happens, and only that");
    app.add_flag("--about", options.about, "print what this model is, as JSON, and stop");
    app.allow_extras();
    app.footer("Google Benchmark's own flags (--benchmark_...) are taken as well.");
  } else {
    app.add_flag("--list", options.list, "print the presets, as JSON, and stop");
    app.add_option("--forecast", options.forecast,
                   "a request in JSON (bench/forecast.hpp): tell how long models would take on as "
                   "many CPUs as workers, whatever this machine has");
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    options.help = help_of(app);
    return options;
  } catch (const CLI::ParseError& error) {
    throw UsageError(one_line(error.what()) + " (--help lists the flags)");
  }

  for (const std::string& extra : app.remaining()) {
    if (!extra.starts_with("--benchmark_") && !extra.starts_with("--v=")) {
      throw UsageError(fmt::format("unknown argument '{}' (--help lists the flags)", extra));
    }
    check_benchmark_flag(extra);
    options.benchmark_flags.push_back(extra);
  }
  if (options.about || options.list) return options;

  if (scenario->count() + !options.workload_file.empty() != 1) {
    throw UsageError("give either --scenario NAME or --workload FILE: scenarios are " +
                     preset_names());
  }
  if (options.workload_file.empty()) {
    const Preset* preset = find_preset(options.cell.scenario);
    if (!preset) {
      throw UsageError(fmt::format("--scenario: no preset is called '{}': use one of {}",
                                   options.cell.scenario, preset_names()));
    }
    options.cell.agents =
        agents_flag->count() > 0 ? static_cast<std::uint32_t>(agents) : preset->agents;
    if (options.cell.agents > preset->most_agents) {
      throw UsageError(
          fmt::format("--agents: {} takes at most {}", preset->name, preset->most_agents));
    }
    if (grain_flag->count() == 0) {
      options.cell.grain_us = preset->grain_us;
    } else if (preset->grain_us == 0) {
      throw UsageError(fmt::format("--grain-us: {} has no grain: leave it out", preset->name));
    }
    if (tokens_flag->count() == 0) {
      options.cell.tokens = preset->tokens;
    } else if (preset->tokens == 0) {
      throw UsageError(
          fmt::format("--tokens: the answers of {} do not stream: leave it out", preset->name));
    }
    if (share_flag->count() == 0) options.cell.cpu_share = preset->cpu_share;
    options.cell.seed = static_cast<std::uint64_t>(seed);
  } else {
    for (const auto* flag :
         {agents_flag, share_flag, scale_flag, seed_flag, grain_flag, tokens_flag}) {
      if (flag->count() > 0) {
        throw UsageError(flag->get_name() + " does not go with --workload: the file says it all");
      }
    }
  }
  options.cell.workers = static_cast<unsigned>(workers);
  options.cell.tcp = io == "tcp";
  options.cell.on_error = policies.at(on_error);
  if (options.cell.heartbeat_us > 0 && !options.export_file.empty()) {
    throw UsageError("--heartbeat-us does not go with --export-workload: give it with the file");
  }
  if (options.cell.heartbeat_us > 0 && !options.forecast.empty()) {
    throw UsageError("--heartbeat-us does not go with --forecast: it is the work that is forecast");
  }
  if (!expect.empty()) {
    options.expect = answer_from(expect);
    if (!options.expect) {
      throw UsageError("--expect: '" + expect + "' is not DIGEST:SUM, 16 hexadecimal digits each");
    }
  }
  check_writable(options.sample_file, "--sample");
  check_writable(options.trace_file, "--trace");
  check_writable(options.export_file, "--export-workload");
  return options;
}

namespace {

Workload load_work(Options& options) {
  if (options.workload_file.empty()) {
    const Preset& preset = *find_preset(options.cell.scenario);
    if (!options.forecast.empty()) {  // it is played through, not run
      const std::string complaint = too_many_turns(preset, options.cell);
      if (!complaint.empty()) throw UsageError("--agents: " + complaint);
      return preset.make(options.cell);
    }
    Workload workload = preset.make(options.cell);
    check_amount(workload);
    return workload;
  }
  try {
    Workload workload = read_workload(options.workload_file);
    check_amount(workload);
    options.cell.scenario = workload.name;
    options.cell.agents = static_cast<std::uint32_t>(workload.agent_names.size());
    options.cell.cpu_share = 0;
    options.cell.time_scale = 1;
    options.cell.seed = workload.seed;
    return workload;
  } catch (const std::invalid_argument& error) {
    throw UsageError(std::string("--workload: ") + error.what());
  }
}

}  // namespace

Workload load_workload(Options& options) {
  Workload work = load_work(options);
  if (options.cell.tcp) work = with_calls(work);
  if (options.cell.heartbeat_us == 0) return work;
  // As many as surely fall into the run, for one that goes on after the work would lengthen it.
  const std::chrono::microseconds period(options.cell.heartbeat_us);
  const auto count = nominal_bound(work, options.cell.workers) / period;
  if (count == 0) {
    throw UsageError(
        "--heartbeat-us: the workload is over before the first heartbeat: give a "
        "shorter period or more work");
  }
  if (constexpr std::int64_t most = 1'000'000; count > most) {
    throw UsageError(
        fmt::format("--heartbeat-us: {} heartbeats fall into the run, and at most {} "
                    "are served: give a longer period or less work",
                    count, most));
  }
  return with_heartbeats(work, period, static_cast<std::size_t>(count));
}

}  // namespace bench
