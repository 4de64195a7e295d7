// How is a measurement handed on?
#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "kernels.hpp"

namespace bench {
namespace {

using json = nlohmann::ordered_json;

json known(std::int64_t value) { return value < 0 ? json() : json(value); }
json known(const std::optional<nanoseconds>& value) {
  return value ? json(value->count()) : json();
}
json known(const std::optional<double>& value) { return value ? json(*value) : json(); }

json params_of(const Cell& cell, const Workload& workload) {
  json params = {{"agents", cell.agents},       {"workers", cell.workers},
                 {"cpu_share", cell.cpu_share}, {"time_scale", cell.time_scale},
                 {"seed", cell.seed},           {"io", cell.tcp ? "tcp" : "timer"}};
  if (cell.grain_us > 0) params["grain_us"] = cell.grain_us;
  if (cell.heartbeat_us > 0) params["heartbeat_us"] = cell.heartbeat_us;
  if (cell.tokens > 0) params["tokens"] = cell.tokens;
  // Where nothing fails there is nothing to react to.
  if (workload.has_failures() || cell.on_error != OnError::isolate) {
    params["on_error"] = name_of(cell.on_error);
  }
  if (cell.stop_after_us) params["stop_after_us"] = *cell.stop_after_us;
  return params;
}

json costs_of(const UnitCosts& costs, double UnitCost::*cost) {
  json object = json::object();
  for (int k = 0; k < kernel_count; ++k) {
    const auto kernel = static_cast<Kernel>(k);
    object[name_of(kernel)] = costs.has(kernel) ? json(costs.of(kernel).*cost) : json();
  }
  return object;
}

void add_costs(json& object, const UnitCosts& costs) {
  object["unit_cost_ns"] = costs_of(costs, &UnitCost::least);
  object["unit_cost_usual_ns"] = costs_of(costs, &UnitCost::usual);
}

void add_size(json& object, const Workload& workload) {
  const Receipts plan = planned(workload);
  const std::size_t beats = workload.beats().size();  // no part of the work; one wait each
  object["turns"] = plan.turns - beats;
  object["waits"] = plan.waits - beats;
  object["calls"] = plan.calls;
  object["blocks"] = plan.blocks;
  object["units"] = plan.units;
}

void add_counts(json& object, const Counts& counts) {
  object["attempts"] = counts.attempts;
  object["retries"] = counts.retries;
  object["failed"] = counts.failed;
  object["skipped"] = counts.skipped;
}

/// What it says of itself, as far as it says so.
json told(const std::string& stats, const char* pointer) {
  const json all = json::parse(stats, nullptr, false);
  const json::json_pointer place(pointer);
  return all.is_object() && all.contains(place) && all[place].is_number_integer() ? all[place]
                                                                                  : json();
}

json endpoint(const EndpointReport& e) {
  json connections = told(e.stats, "/connections");
  if (!connections.is_null()) connections = connections.get<std::int64_t>() - 1;  // that asked
  return {{"cpu_ns", e.cpu.count()},
          {"peak_resident_bytes", e.peak_resident_bytes > 0 ? json(e.peak_resident_bytes) : json()},
          {"requests", told(e.stats, "/requests")},
          {"connections", connections},
          {"own_cpu", e.own_cpu},
          {"lateness_p99_ns", told(e.stats, "/lateness/p99_ns")}};
}

const char* name_of(Ledger::Stop::Why why) {
  static constexpr std::array names = {"outside", "enough", "failure"};
  return names[static_cast<std::size_t>(why)];
}

json stop(const StopReport& s, const Left& left) {
  return {{"asked_ns", s.asked.count()},
          {"why", name_of(s.why)},
          {"acknowledged_ns", s.acknowledged.count()},
          {"started_after", s.started_after},
          {"finished", s.finished},
          {"cpu_after_ns", s.cpu.count()},
          {"threads_left", left.threads},
          {"descriptors_left", left.descriptors},
          {"heap_left_bytes", left.heap_bytes}};
}

void add_answer(json& object, const Answer& answer) {
  object["digest"] = fmt::format("{:016x}", answer.digest);
  object["sum"] = fmt::format("{:016x}", answer.sum);
}

void add_bounds(json& object, const Bounds& bounds) {
  object["t1_ns"] = bounds.total.count();
  object["critical_path_ns"] = bounds.critical_path.count();
  object["longest_wait_path_ns"] = bounds.waits_path.count();
  object["lb_ns"] = bounds.lower.count();
  object["greedy_ns"] = bounds.greedy.count();
}

json percentiles(const Percentiles& p) {
  return {{"n", p.n},
          {"p50", known(p.p50)},
          {"p90", known(p.p90)},
          {"p99", known(p.p99)},
          {"max", known(p.max)}};
}

/// [[upper border, which is not in it, count], ...]
json histogram(const std::vector<Bucket>& buckets) {
  json list = json::array();
  for (const Bucket& bucket : buckets) list.push_back({bucket.upper_ns, bucket.count});
  return list;
}

json time_spent(const TimeSpent& spent) {
  return {{"waiting_ns", spent.waiting.count()},     {"blocked_ns", spent.blocked.count()},
          {"late_ns", spent.late.count()},           {"queued_ns", spent.queued.count()},
          {"computing_ns", spent.computing.count()}, {"held_up_ns", spent.held_up.count()}};
}

json time_on_path(const TimeOnPath& path) {
  json object = {{"starting_ns", path.starting.count()}};
  object.update(time_spent(path.spent));
  object["ending_ns"] = path.ending.count();
  return object;
}

json heartbeat(const Heartbeat& beats) {
  json object = percentiles(beats.lag);
  object["over_10ms"] = beats.over_10ms;
  object["over_100ms"] = beats.over_100ms;
  object["histogram"] = histogram(beats.histogram);
  return object;
}

json latency(const Metrics& m) {
  json object = percentiles(m.latency);
  object["histogram"] = m.latency_histogram.empty() ? json() : histogram(m.latency_histogram);
  return object;
}

json results(const Results& r, nanoseconds arrivals) {
  json object = percentiles(r.latency);
  object["first_ns"] = r.first.count();
  object["ideal_first_ns"] = r.ideal_first.count();
  object["mean_ns"] = r.mean.count();
  object["out_of_order"] = known(r.out_of_order);
  object["histogram"] = histogram(r.histogram);
  object["in_system"] = known(r.in_system);
  object["span_ns"] = r.span.count();
  object["arrivals_ns"] = arrivals.count();
  return object;
}

/// Of the process, whatever became of the work.
void add_usage(json& object, const Measurement& m) {
  object["cpu_user_ns"] = m.usage.user_ns;
  object["cpu_sys_ns"] = m.usage.system_ns;
  object["harness_cpu_ns"] = m.peaks.cpu_ns;
  object["threads_peak"] = known(m.peaks.threads);
  object["vmhwm_bytes"] = known(m.after.peak_resident_bytes);
  object["rss_before_bytes"] = known(m.before.resident_bytes);
  object["page_tables_peak_bytes"] = known(m.peaks.page_table_bytes);
  object["page_tables_before_bytes"] = known(m.before.page_table_bytes);
  object["kernel_stacks_peak_bytes"] = known(m.peaks.kernel.stack_bytes);
  object["kernel_stacks_before_bytes"] = known(m.kernel_before.stack_bytes);
  object["slab_peak_bytes"] = known(m.peaks.kernel.slab_bytes);
  object["slab_before_bytes"] = known(m.kernel_before.slab_bytes);
  object["nvcsw"] = m.usage.voluntary_switches;
  object["nivcsw"] = m.usage.involuntary_switches;
  object["minor_faults"] = m.usage.minor_faults;
  object["major_faults"] = m.usage.major_faults;
  object["endpoint"] = m.endpoint ? endpoint(*m.endpoint) : json();
}

/// Of the work, where all of it was done.
void add_metrics(json& object, const Measurement& m, nanoseconds arrivals) {
  object["startup_ns"] = m.metrics.startup.count();
  object["first_finish_ns"] = m.metrics.first_finish.count();
  object["most_waiting"] = m.metrics.most_waiting;
  object["most_computing"] = m.metrics.most_computing;
  object["latency"] = latency(m.metrics);
  object["lateness"] = percentiles(m.metrics.lateness);
  object["time_on_path"] = time_on_path(m.metrics.time_on_path);
  object["time_of_turns"] = time_spent(m.metrics.time_of_turns);
  object["idle_cpu"] =
      m.idle_cpu ? json{{"wall_ns", m.idle_cpu->wall_ns}, {"cpu_ns", m.idle_cpu->cpu_ns}} : json();
  object["heartbeat"] = m.metrics.heartbeat ? heartbeat(*m.metrics.heartbeat) : json();
  object["results"] = m.metrics.results ? results(*m.metrics.results, arrivals) : json();
  object["healthy"] = m.metrics.healthy ? percentiles(*m.metrics.healthy) : json();
  object["fairness"] = known(m.metrics.fairness);
}

/// `part`, with null for everything in it if it is not known.
void add_if(bool is_known, json& object, const json& part) {
  for (const auto& [key, value] : part.items()) object[key] = is_known ? value : json();
}

}  // namespace

std::string about_json(const Model& model, const std::string& name) {
  return json{{"model", name},
              {"family", model.family},
              {"rung", name_of(model.rung)},
              {"structure", name_of(model.structure)},
              {"library", model.library},
              {"primitives", model.primitives.turn},
              {"bare_client", model.primitives.calls},
              {"compiler", INTERLEAVE_COMPILER},
              {"build", INTERLEAVE_BUILD_TYPE}}
      .dump();
}

std::string sample_json(const Model& model, const std::string& name, const Cell& cell,
                        const Workload& workload, const Measurement& m) {
  json line = {{"schema", "interleave.sample/1"},
               {"model", name},
               {"family", model.family},
               {"rung", name_of(model.rung)},
               {"structure", name_of(model.structure)},
               {"scenario", cell.scenario},
               {"params", params_of(cell, workload)},
               {"cpus", m.cpus},
               {"status", name_of(m.status)},
               {"reason", m.reason.empty() ? json() : json(m.reason)}};
  add_size(line, workload);
  add_bounds(line, m.bounds);
  line["lb_model_ns"] = m.structural_bound.count();
  add_costs(line, m.costs);
  const bool ok = m.status == Status::ok, returned = ok || m.status == Status::invalid;
  json counts, usage, metrics, answer;
  add_counts(counts, m.counts);
  counts["unexpected"] = m.counts.unexpected;
  counts["events"] = m.counts.events;
  counts["first_error_ns"] = known(m.first_error);
  add_usage(usage, m);
  add_metrics(metrics, m, workload.arrivals);
  add_answer(answer, m.answer);
  line["makespan_ns"] = ok ? json(m.metrics.makespan.count()) : json();
  add_if(returned, line, counts);
  add_if(ok, line, usage);
  add_if(ok && !m.stop, line, metrics);
  line["stop"] = ok && m.stop ? stop(*m.stop, m.left) : json();
  if (returned) add_if(!m.stop, line, answer);
  // An exception's text may hold anything: replace what is not UTF-8 rather than throw here.
  return line.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string description_json(const Cell& cell, const Workload& workload, const Answer& answer,
                             const UnitCosts& costs, unsigned cpus) {
  const Bounds b = bounds(workload, costs, cpus);
  json object = {{"scenario", cell.scenario},
                 {"params", params_of(cell, workload)},
                 {"workload_version", workload_version},
                 {"cpus", cpus},
                 {"edges", workload.edge_count()}};
  add_costs(object, costs);
  add_size(object, workload);
  const Receipts plan = planned(workload);  // of a run in which all goes by script
  add_counts(object, {.attempts = plan.attempts,
                      .retries = plan.attempts - plan.calls,
                      .failed = plan.failed,
                      .skipped = plan.skipped});
  object["enough"] = workload.enough > 0 ? json(workload.enough) : json();
  add_answer(object, answer);
  add_bounds(object, b);
  json structural = json::object();
  for (int s = 0; s < structure_count; ++s) {
    const auto structure = static_cast<Structure>(s);
    structural[name_of(structure)] = structural_bound(b, structure, cell.workers).count();
  }
  object["lb_model_ns"] = structural;
  return object.dump();
}

std::string presets_json() {
  json list = json::array();
  for (const Preset& preset : presets()) {
    list.push_back({{"name", preset.name},
                    {"about", preset.about},
                    {"agents", preset.agents},
                    {"cpu_share", preset.cpu_share},
                    {"grain_us", preset.grain_us > 0 ? json(preset.grain_us) : json()},
                    {"tokens", preset.tokens > 0 ? json(preset.tokens) : json()},
                    {"time_scale", Cell{}.time_scale}});
  }
  return json{{"workload_version", workload_version}, {"presets", list}}.dump();
}

std::string trace_json(const std::string& name, const Cell& cell, const Ledger& ledger,
                       unsigned cpus) {
  const Workload& workload = ledger.workload();
  const std::size_t agents = workload.agent_names.size();
  auto us = [&](std::int64_t ns) { return static_cast<double>(ns - ledger.opened_at()) / 1000; };
  json events = json::array();
  auto describe_row = [&](const char* what, std::size_t row, json args) {
    events.push_back(
        {{"ph", "M"}, {"name", what}, {"pid", 1}, {"tid", row}, {"args", std::move(args)}});
  };
  describe_row("process_name", 0, {{"name", name}});

  // Bars on one row must not overlap, but an agent may do several things at once: then it gets more
  // rows, each named and sorted after the agent.
  std::vector<const Step*> steps;
  std::vector<const Turn*> turn_of(workload.steps().size());
  for (const Turn& turn : workload.turns) {
    for (const Step& step : turn.steps) {
      if (ledger.steps()[workload.index_of(step)].begun == 0) continue;  // failed, or stopped
      steps.push_back(&step);
      turn_of[workload.index_of(step)] = &turn;
    }
  }
  auto record_of = [&](const Step* step) -> const Ledger::StepRecord& {
    return ledger.steps()[workload.index_of(*step)];
  };
  std::ranges::stable_sort(steps, {}, [&](const Step* step) { return record_of(step).begun; });
  std::vector<std::vector<std::int64_t>> busy_until(agents);  // of each row of each agent
  for (const Step* step : steps) {
    const auto& done = record_of(step);
    const Turn& turn = *turn_of[workload.index_of(*step)];
    auto& rows = busy_until[turn.agent];
    auto free = std::ranges::find_if(rows, [&](std::int64_t end) { return end <= done.begun; });
    const auto lane = static_cast<std::size_t>(free - rows.begin());
    const std::size_t row = lane * agents + turn.agent;
    if (free == rows.end()) {
      rows.push_back(0);
      const std::string& agent = workload.agent_names[turn.agent];
      describe_row("thread_name", row,
                   {{"name", lane == 0 ? agent : fmt::format("{} ({})", agent, lane + 1)}});
      describe_row("thread_sort_index", row, {{"sort_index", turn.agent}});
    }
    const std::int64_t ended = done.ended > 0 ? done.ended : ledger.closed_at();
    rows[lane] = ended;
    json args = {{"turn", turn.id}, {"agent", turn.agent}};
    if (step->kind == StepKind::call) args["attempts"] = ledger.calls()[step->call].attempts;
    events.push_back({{"name", name_of(step->kind)},
                      {"cat", "step"},
                      {"ph", "X"},
                      {"ts", us(done.begun)},
                      {"dur", static_cast<double>(ended - done.begun) / 1000},
                      {"pid", 1},
                      {"tid", row},
                      {"args", std::move(args)}});
  }
  return json{{"traceEvents", std::move(events)},
              {"displayTimeUnit", "ms"},
              {"otherData",
               {{"model", name},
                {"scenario", cell.scenario},
                {"makespan_ns", ledger.closed_at() - ledger.opened_at()},
                {"cpus", cpus},
                {"agents", agents}}}}
             .dump() +
         "\n";
}

}  // namespace bench
