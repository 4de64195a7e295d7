// The program around a model: runs the one cell that its flags name, as a Google Benchmark.
#include "program.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <memory>

#include "harness.hpp"
#include "narrator.hpp"
#include "options.hpp"
#include "report.hpp"
#include "workload_file.hpp"

namespace {

using namespace bench;

enum ExitCode { exit_ok = 0, exit_failed = 1, exit_usage = 2, exit_skipped = 77 };

double seconds(std::int64_t ns) { return static_cast<double>(ns) * 1e-9; }

void write_file(const std::string& path, const std::string& text, std::ios::openmode mode) {
  std::ofstream file(path, mode);
  file << text << std::flush;
  if (!file) throw std::runtime_error("cannot write " + path + ": is the disk full?");
}

void set_usage_counters(benchmark::State& state, const Measurement& m) {
  auto& c = state.counters;
  c["cpu_s"] = seconds(m.usage.user_ns + m.usage.system_ns);
  c["switches"] = static_cast<double>(m.usage.voluntary_switches + m.usage.involuntary_switches);
  c["threads_peak"] = static_cast<double>(m.peaks.threads);
  c["vmhwm_bytes"] = static_cast<double>(m.after.peak_resident_bytes);
}

/// Of a run that was stopped: the bounds are of the whole of the work, so nothing is related to
/// them.
void set_stop_counters(benchmark::State& state, const StopReport& stop) {
  auto& c = state.counters;
  c["acknowledged_s"] = seconds(stop.acknowledged.count());
  c["finished"] = static_cast<double>(stop.finished);
  c["started_after"] = static_cast<double>(stop.started_after);
}

void set_counters(benchmark::State& state, const Measurement& m, const Workload& workload) {
  const double makespan = seconds(m.metrics.makespan.count());
  auto& c = state.counters;
  c["turns/s"] = static_cast<double>(workload.work().size()) / makespan;
  c["efficiency"] = seconds(m.bounds.greedy.count()) / makespan;
  c["lb_efficiency"] = seconds(m.bounds.lower.count()) / makespan;
  // A workload without any work has a bound of zero: no ratio, and never a NaN.
  if (m.structural_bound.count() > 0)
    c["overhead"] = makespan / seconds(m.structural_bound.count());
  c["most_waiting"] = static_cast<double>(m.metrics.most_waiting);
  c["most_computing"] = static_cast<double>(m.metrics.most_computing);
  c["first_finish_s"] = seconds(m.metrics.first_finish.count());
  auto add = [&](const char* name, const std::optional<nanoseconds>& value) {
    if (value) c[name] = seconds(value->count());
  };
  add("latency_p50_s", m.metrics.latency.p50);
  add("latency_p90_s", m.metrics.latency.p90);
  add("latency_p99_s", m.metrics.latency.p99);
}

/// For --narrate: stdout belongs to the story.
class SilentReporter : public benchmark::BenchmarkReporter {
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>&) override {}
};

int run_cell(int argc, char** argv, Prepare prepare) {
  Options options = parse_options(argc, argv, Program::model);
  if (!options.help.empty()) {
    std::cout << options.help;
    return exit_ok;
  }
  if (options.about) {
    std::cout << about_json(model, model_name) << '\n';
    return exit_ok;
  }
  const Workload workload = load_workload(options);
  const Cell& cell = options.cell;
  if (!options.export_file.empty()) {
    write_file(options.export_file, to_json(workload), std::ios::trunc);
    return exit_ok;
  }

  // Google Benchmark wants an argc and argv of its own flags alone.
  std::vector<std::string> flags = {argv[0]};
  flags.insert(flags.end(), options.benchmark_flags.begin(), options.benchmark_flags.end());
  std::vector<char*> pointers;
  for (std::string& flag : flags) pointers.push_back(flag.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  if (benchmark::ReportUnrecognizedArguments(count, pointers.data())) return exit_usage;

  const unsigned cpus = std::min(cell.workers, usable_cpus());
  std::unique_ptr<MockLlm> llm;
  if (cell.tcp) {
    llm = std::make_unique<MockLlm>();
    llm->pin_beside(cpus);
    allow_many_descriptors();
  }
  pin_to_cpus(cpus);
  const Answer expected = options.expect ? *options.expect : reference(workload);
  if (prepare) prepare(workload);

  int exit_code = exit_ok;
  auto run_once = [&](benchmark::State& state) {
    std::unique_ptr<Narrator> narrator;
    if (options.narrate) narrator = std::make_unique<Narrator>(workload);
    Ledger ledger(workload, narrator.get());
    Measurement m;
    for (auto _ : state) {
      m = measure(run, model, cell, cpus, expected, ledger, llm.get());
      state.SetIterationTime(seconds(ledger.closed_at() - ledger.opened_at()));
    }
    if (!options.sample_file.empty()) {
      write_file(options.sample_file, sample_json(model, model_name, cell, workload, m) + "\n",
                 std::ios::app);
    }
    if (m.status != Status::ok) {
      std::cerr << fmt::format("{}: {}: {}\n", model_name, name_of(m.status), m.reason);
      if (m.status != Status::skipped) {
        exit_code = exit_failed;
      } else if (exit_code == exit_ok) {
        exit_code = exit_skipped;
      }
      state.SkipWithError(m.reason.c_str());
      return;
    }
    set_usage_counters(state, m);
    if (m.stop) {
      set_stop_counters(state, *m.stop);
    } else {
      set_counters(state, m, workload);
    }
    if (!options.trace_file.empty()) {
      write_file(options.trace_file, trace_json(model_name, cell, ledger, cpus), std::ios::trunc);
    }
  };

  benchmark::AddCustomContext("model", model_name);
  benchmark::AddCustomContext("rung", name_of(model.rung));
  benchmark::AddCustomContext("cpu_share", fmt::format("{}", cell.cpu_share));
  benchmark::AddCustomContext("time_scale", fmt::format("{}", cell.time_scale));
  benchmark::AddCustomContext("seed", fmt::format("{}", cell.seed));
  benchmark::AddCustomContext("pinned_to_cpus", fmt::format("{}", cpus));
  // One execution per process: the second one would find caches and pools warm.
  benchmark::RegisterBenchmark(fmt::format("{}/{}", model_name, cell.scenario).c_str(), run_once)
      ->Args({static_cast<std::int64_t>(cell.agents), static_cast<std::int64_t>(cell.workers)})
      ->ArgNames({"agents", "workers"})
      ->Iterations(1)
      ->UseManualTime()
      ->MeasureProcessCPUTime()
      ->Unit(benchmark::kMillisecond);
  SilentReporter silent;
  const std::size_t ran = options.narrate ? benchmark::RunSpecifiedBenchmarks(&silent)
                                          : benchmark::RunSpecifiedBenchmarks();
  if (ran == 0) {
    std::cerr << model_name << ": --benchmark_filter matches no benchmark: leave it out\n";
    return exit_usage;
  }
  benchmark::Shutdown();
  return exit_code;
}

}  // namespace

int bench::run_program(int argc, char** argv, Prepare prepare) {
  try {
    return run_cell(argc, argv, prepare);
  } catch (const UsageError& error) {
    std::cerr << model_name << ": " << error.what() << '\n';
    return exit_usage;
  } catch (const std::exception& error) {
    std::cerr << model_name << ": " << error.what() << '\n';
    return exit_failed;
  }
}
