// What do the ledger's stamps tell?
#include "metrics.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "bounds.hpp"

namespace bench {
namespace {

using std::chrono::milliseconds;

/// Counts the pairs that stand in the wrong order, and sorts.
std::uint64_t sort_counting_inversions(std::span<std::int64_t> values) {
  if (values.size() < 2) return 0;
  const auto left = values.first(values.size() / 2), right = values.subspan(values.size() / 2);
  std::uint64_t inversions = sort_counting_inversions(left) + sort_counting_inversions(right);
  std::size_t behind = 0;  // of the right half, less than the value on the left
  for (const std::int64_t value : left) {
    while (behind < right.size() && right[behind] < value) ++behind;
    inversions += behind;
  }
  std::inplace_merge(left.begin(), left.end(), right.end());
  return inversions;
}

std::optional<Heartbeat> heartbeat_of(const Stamps& stamps) {
  if (stamps.workload.beats().empty()) return std::nullopt;
  std::vector<nanoseconds> lags;
  for (const Turn& beat : stamps.workload.beats()) {
    const Step& step = beat.steps.front();
    lags.emplace_back(stamps.of(step).ended - stamps.due(step));
  }
  const auto over = [&](nanoseconds limit) {
    const auto n = std::ranges::count_if(lags, [=](nanoseconds lag) { return lag > limit; });
    return static_cast<std::size_t>(n);
  };
  Heartbeat heartbeat{.lag = {},
                      .over_10ms = over(milliseconds(10)),
                      .over_100ms = over(milliseconds(100)),
                      .histogram = histogram_of(lags)};
  heartbeat.lag = percentiles_of(std::move(lags));
  return heartbeat;
}

std::optional<Results> results_of(const Stamps& stamps, const UnitCosts& costs, unsigned cpus) {
  const Workload& workload = stamps.workload;
  if (workload.results.empty()) return std::nullopt;
  const std::vector<nanoseconds> greedy = greedy_finishes(workload, costs, cpus);
  std::vector<nanoseconds> ideal, real, latencies;
  std::vector<Interval> waited_for;
  for (const Result& result : workload.results) {
    const nanoseconds finished(stamps.turns[result.turn].finished - stamps.opened);
    // One that is there before anybody wants it is not waited for.
    const nanoseconds there = std::max(finished, result.since);
    ideal.push_back(greedy[result.turn]);
    real.push_back(finished);
    latencies.push_back(there - result.since);
    waited_for.push_back({result.since.count(), there.count()});
  }
  const nanoseconds sum = std::accumulate(latencies.begin(), latencies.end(), nanoseconds(0));
  const auto [since, until] = std::pair(std::ranges::min(waited_for, {}, &Interval::begin).begin,
                                        std::ranges::max(waited_for, {}, &Interval::end).end);
  return Results{.first = std::ranges::min(real),
                 .ideal_first = std::ranges::min(ideal),
                 .mean = sum / latencies.size(),
                 .latency = percentiles_of(latencies),
                 .histogram = histogram_of(latencies),
                 .out_of_order = out_of_order(ideal, real),
                 .in_system = mean_at_once(waited_for),
                 .span = nanoseconds(until - since)};
}

/// Some step of the turn goes wrong, if only for a while.
bool meets_trouble(const Workload& workload, const Turn& turn) {
  return std::ranges::any_of(turn.steps, [&](const Step& step) {
    return workload.fails(step) ||
           (step.kind == StepKind::call && workload.call_of(step).attempt_count > 1);
  });
}

std::optional<Percentiles> healthy_of(const Stamps& stamps, const std::vector<TimeSpent>& spent) {
  const Workload& workload = stamps.workload;
  const std::vector<Ending> endings = scripted_endings(workload);
  std::vector<nanoseconds> lost;
  for (const Turn& turn : workload.work()) {
    if (endings[turn.id] != Ending::finished || meets_trouble(workload, turn)) continue;
    lost.push_back(spent[turn.id].lost());
  }
  if (lost.empty()) return std::nullopt;
  return percentiles_of(std::move(lost));
}

std::optional<double> fairness_of(const Stamps& stamps) {
  const Workload& workload = stamps.workload;
  if (workload.limit.in_flight == 0) return std::nullopt;
  constexpr AgentId nobody = std::numeric_limits<AgentId>::max();
  std::vector<AgentId> place(workload.agent_names.size(), nobody);  // among those that call
  AgentId callers = 0;
  std::vector<std::pair<std::int64_t, AgentId>> ends;
  for (const Turn& turn : workload.work()) {
    for (const Step& step : turn.steps) {
      if (step.kind != StepKind::call || stamps.of(step).ended == 0) continue;
      if (place[turn.agent] == nobody) place[turn.agent] = callers++;
      ends.emplace_back(stamps.of(step).ended, place[turn.agent]);
    }
  }
  if (callers < 2) return std::nullopt;
  std::ranges::sort(ends);
  std::vector<std::uint64_t> shares(callers);
  for (std::size_t i = 0; i < (ends.size() + 1) / 2; ++i) ++shares[ends[i].second];
  return jains_index(shares);
}

/// The outside world is at work: the step needs no CPU.
bool waits(const Step& step) { return step.kind == StepKind::wait || step.kind == StepKind::call; }

/// The wait of this turn that lasted over the whole of that time.
bool waits_throughout(const Stamps& stamps, const Turn& turn, const Interval& time) {
  return std::ranges::any_of(turn.steps, [&](const Step& step) {
    return waits(step) && stamps.of(step).begun <= time.begin && stamps.due(step) >= time.end;
  });
}

}  // namespace

std::optional<double> jains_index(std::span<const std::uint64_t> shares) {
  double sum = 0, squares = 0;
  for (const std::uint64_t share : shares) {
    const auto x = static_cast<double>(share);
    sum += x;
    squares += x * x;
  }
  if (squares == 0) return std::nullopt;
  return sum * sum / (static_cast<double>(shares.size()) * squares);
}

Percentiles percentiles_of(std::vector<nanoseconds> durations) {
  Percentiles all{.n = durations.size(), .p50 = {}, .p90 = {}, .p99 = {}, .max = {}};
  if (durations.empty()) return all;
  std::ranges::sort(durations);
  auto percentile = [&](std::size_t percent, std::size_t needed) -> std::optional<nanoseconds> {
    if (durations.size() < needed) return std::nullopt;
    return durations[(durations.size() * percent + 99) / 100 - 1];
  };
  all.p50 = percentile(50, 1);
  all.p90 = percentile(90, 64);
  all.p99 = percentile(99, 662);
  all.max = durations.back();
  return all;
}

std::size_t most_at_once(std::span<const Interval> intervals) {
  std::vector<std::int64_t> begins, ends;
  for (const Interval& interval : intervals) {
    if (interval.begin == interval.end) continue;
    begins.push_back(interval.begin);
    ends.push_back(interval.end);
  }
  std::ranges::sort(begins);
  std::ranges::sort(ends);
  std::size_t ended = 0, most = 0;
  for (std::size_t begun = 0; begun < begins.size(); ++begun) {
    while (ended < ends.size() && ends[ended] <= begins[begun]) ++ended;
    most = std::max(most, begun + 1 - ended);
  }
  return most;
}

std::optional<double> mean_at_once(std::span<const Interval> intervals) {
  std::vector<std::pair<std::int64_t, int>> events;
  for (const Interval& interval : intervals) {
    events.emplace_back(interval.begin, 1);
    events.emplace_back(interval.end, -1);
  }
  std::ranges::sort(events);
  if (events.empty() || events.front().first == events.back().first) return std::nullopt;
  double area = 0;
  int there = 0;
  for (std::size_t i = 0; i + 1 < events.size(); ++i) {
    there += events[i].second;
    area += there * static_cast<double>(events[i + 1].first - events[i].first);
  }
  return area / static_cast<double>(events.back().first - events.front().first);
}

std::optional<double> out_of_order(std::span<const nanoseconds> ideal,
                                   std::span<const nanoseconds> real) {
  const std::size_t n = ideal.size();
  if (n < 2) return std::nullopt;
  std::vector<std::pair<nanoseconds, nanoseconds>> both;
  for (std::size_t i = 0; i < n; ++i) both.emplace_back(ideal[i], real[i]);
  std::ranges::sort(both);  // where the ideal is a tie: as they came, so that it is in order
  std::vector<std::int64_t> as_they_came;
  for (const auto& [first, second] : both) as_they_came.push_back(second.count());
  const auto pairs = static_cast<double>(n) * static_cast<double>(n - 1) / 2;
  return static_cast<double>(sort_counting_inversions(as_they_came)) / pairs;
}

Metrics metrics_of(const Stamps& stamps, const UnitCosts& costs, unsigned cpus) {
  std::int64_t first_start = stamps.closed, first_finish = stamps.closed;
  std::vector<nanoseconds> latencies, lateness;
  std::vector<Interval> waiting, computing;
  for (const Turn& turn : stamps.workload.work()) {
    const auto& record = stamps.of(turn);
    first_start = std::min(first_start, record.started);
    first_finish = std::min(first_finish, record.finished);
    if (record.ending != Ending::skipped) {
      latencies.emplace_back(record.finished - stamps.ready(turn));
    }
    for (const Step& step : turn.steps) {
      const auto& [begun, ended] = stamps.of(step);
      if (ended == 0) break;  // the turn failed before it
      (step.kind == StepKind::compute ? computing : waiting).push_back({begun, ended});
      if (waits(step)) lateness.emplace_back(ended - stamps.due(step));
    }
  }
  const std::vector<TimeSpent> spent = time_of_each_turn(stamps, costs);
  const Percentiles latency = percentiles_of(latencies);
  std::vector<Bucket> latency_histogram;
  if (latency.p90 && !lateness.empty()) latency_histogram = histogram_of(latencies);
  return {.makespan = nanoseconds(stamps.closed - stamps.opened),
          .startup = nanoseconds(first_start - stamps.opened),
          .first_finish = nanoseconds(first_finish - stamps.opened),
          .most_waiting = most_at_once(waiting),
          .most_computing = most_at_once(computing),
          .latency = latency,
          .latency_histogram = std::move(latency_histogram),
          .lateness = percentiles_of(std::move(lateness)),
          .time_on_path = time_on_path(stamps, costs),
          .time_of_turns =
              std::accumulate(spent.begin(), spent.end(), TimeSpent{},
                              [](TimeSpent sum, const TimeSpent& turn) { return sum += turn; }),
          .heartbeat = heartbeat_of(stamps),
          .results = results_of(stamps, costs, cpus),
          .healthy = healthy_of(stamps, spent),
          .fairness = fairness_of(stamps)};
}

std::optional<Interval> idle_phase(const Stamps& stamps) {
  if (!stamps.workload.beats().empty()) return std::nullopt;
  Interval phase{.begin = stamps.opened, .end = stamps.closed};
  bool any = false;
  for (const Step& step : stamps.workload.steps()) {
    if (!waits(step) || stamps.of(step).begun == 0) continue;
    any = true;
    phase.begin = std::max(phase.begin, stamps.of(step).begun);
    phase.end = std::min(phase.end, stamps.due(step));
  }
  if (!any || nanoseconds(phase.end - phase.begin) < milliseconds(100)) return std::nullopt;
  for (const Turn& turn : stamps.workload.turns) {
    const bool over = stamps.of(turn).finished <= phase.begin;
    const bool to_come = stamps.ready(turn) >= phase.end;
    if (!over && !to_come && !waits_throughout(stamps, turn, phase)) return std::nullopt;
  }
  return phase;
}

}  // namespace bench
