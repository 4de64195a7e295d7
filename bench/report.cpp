// How is a measurement handed on?
#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
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

json params_of(const Cell& cell) {
  json params = {{"agents", cell.agents},       {"workers", cell.workers},
                 {"cpu_share", cell.cpu_share}, {"time_scale", cell.time_scale},
                 {"seed", cell.seed},           {"io", "timer"}};
  if (cell.grain_us > 0) params["grain_us"] = cell.grain_us;
  if (cell.heartbeat_us > 0) params["heartbeat_us"] = cell.heartbeat_us;
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
  object["calls"] = 0;
  object["blocks"] = plan.blocks;
  object["units"] = plan.units;
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

void add_measured(json& object, const Measurement& m, nanoseconds arrivals) {
  object["makespan_ns"] = m.metrics.makespan.count();
  object["startup_ns"] = m.metrics.startup.count();
  object["first_finish_ns"] = m.metrics.first_finish.count();
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
  object["most_waiting"] = m.metrics.most_waiting;
  object["most_computing"] = m.metrics.most_computing;
  object["latency"] = percentiles(m.metrics.latency);
  object["lateness"] = percentiles(m.metrics.lateness);
  object["time_on_path"] = time_on_path(m.metrics.time_on_path);
  object["time_of_turns"] = time_spent(m.metrics.time_of_turns);
  object["idle_cpu"] =
      m.idle_cpu ? json{{"wall_ns", m.idle_cpu->wall_ns}, {"cpu_ns", m.idle_cpu->cpu_ns}} : json();
  object["heartbeat"] = m.metrics.heartbeat ? heartbeat(*m.metrics.heartbeat) : json();
  object["results"] = m.metrics.results ? results(*m.metrics.results, arrivals) : json();
}

}  // namespace

std::string about_json(const Model& model, const std::string& name) {
  return json{{"model", name},
              {"family", model.family},
              {"rung", name_of(model.rung)},
              {"structure", name_of(model.structure)},
              {"library", model.library},
              {"primitives", model.primitives},
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
               {"params", params_of(cell)},
               {"cpus", m.cpus},
               {"status", name_of(m.status)},
               {"reason", m.reason.empty() ? json() : json(m.reason)}};
  add_size(line, workload);
  add_bounds(line, m.bounds);
  line["lb_model_ns"] = m.structural_bound.count();
  add_costs(line, m.costs);
  json measured = json::object();
  add_measured(measured, m, workload.arrivals);
  for (auto& [key, value] : measured.items()) line[key] = m.status == Status::ok ? value : json();
  if (m.status == Status::ok || m.status == Status::invalid) add_answer(line, m.answer);
  // An exception's text may hold anything: replace what is not UTF-8 rather than throw here.
  return line.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string description_json(const Cell& cell, const Workload& workload, const Answer& answer,
                             const UnitCosts& costs, unsigned cpus) {
  const Bounds b = bounds(workload, costs, cpus);
  json object = {{"scenario", cell.scenario},
                 {"params", params_of(cell)},
                 {"workload_version", workload_version},
                 {"cpus", cpus},
                 {"edges", workload.edge_count()}};
  add_costs(object, costs);
  add_size(object, workload);
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
    rows[lane] = done.ended;
    events.push_back({{"name", name_of(step->kind)},
                      {"cat", "step"},
                      {"ph", "X"},
                      {"ts", us(done.begun)},
                      {"dur", static_cast<double>(done.ended - done.begun) / 1000},
                      {"pid", 1},
                      {"tid", row},
                      {"args", {{"turn", turn.id}, {"agent", turn.agent}}}});
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
