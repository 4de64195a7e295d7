// What do the ledger's stamps tell?
#include "metrics.hpp"

#include <algorithm>
#include <limits>

namespace bench {

Latency latency_of(std::vector<nanoseconds> durations) {
  Latency latency{.n = durations.size(), .p50 = {}, .p90 = {}, .p99 = {}, .max = {}};
  if (durations.empty()) return latency;
  std::ranges::sort(durations);
  auto percentile = [&](std::size_t percent, std::size_t needed) -> std::optional<nanoseconds> {
    if (durations.size() < needed) return std::nullopt;
    return durations[(durations.size() * percent + 99) / 100 - 1];
  };
  latency.p50 = percentile(50, 1);
  latency.p90 = percentile(90, 64);
  latency.p99 = percentile(99, 662);
  latency.max = durations.back();
  return latency;
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

Metrics metrics_of(const Ledger& ledger) {
  std::int64_t first_start = std::numeric_limits<std::int64_t>::max();
  std::int64_t first_finish = first_start;
  std::vector<nanoseconds> latencies;
  std::vector<Interval> waiting, computing;
  for (const Turn& turn : ledger.workload().turns) {
    const auto& record = ledger.turns()[turn.id];
    first_start = std::min(first_start, record.started);
    first_finish = std::min(first_finish, record.finished);
    std::int64_t ready = ledger.opened_at();
    for (const TurnId before : turn.before) {
      ready = std::max(ready, ledger.turns()[before].finished);
    }
    latencies.emplace_back(record.finished - ready);
    for (const Step& step : turn.steps) {
      const auto& done = ledger.steps()[ledger.workload().index_of(step)];
      (step.kind == StepKind::compute ? computing : waiting).push_back({done.begun, done.ended});
    }
  }
  return {.makespan = nanoseconds(ledger.closed_at() - ledger.opened_at()),
          .startup = nanoseconds(first_start - ledger.opened_at()),
          .first_finish = nanoseconds(first_finish - ledger.opened_at()),
          .most_waiting = most_at_once(waiting),
          .most_computing = most_at_once(computing),
          .latency = latency_of(std::move(latencies))};
}

}  // namespace bench
