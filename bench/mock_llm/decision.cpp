// What becomes of a request?
#include "decision.hpp"

#include <algorithm>

#include "bench/random.hpp"

namespace bench::mock_llm {
namespace {

/// In [0, 1).
double fraction(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

nanoseconds drawn(const Latency& latency, std::uint64_t bits) {
  const double width = 2 * static_cast<double>(latency.spread.count());
  return latency.mean - latency.spread +
         nanoseconds(static_cast<std::int64_t>(width * fraction(bits)));
}

}  // namespace

Decision decide(const Request& request, const Settings& settings) {
  const Completion& asked = request.completion;
  if (asked.planned) {
    return {.first = asked.first,
            .gap = asked.gap,
            .status = asked.status,
            .fault = asked.fault,
            .retry_after = asked.retry_after};
  }
  const std::uint64_t id = mix64(mix64(asked.seed) ^ asked.number) + request.retry;
  Decision decision{.first = drawn(settings.first, draw(settings.seed, Stream::llm, mix64(id))),
                    .gap = drawn(settings.gap, draw(settings.seed, Stream::llm, ~mix64(id))),
                    .retry_after = {}};
  double u = fraction(draw(settings.seed, Stream::fault, id));
  for (const Trouble& trouble : settings.troubles) {
    if (u < trouble.rate) {
      decision.status = trouble.status;
      decision.fault = trouble.fault;
      if (trouble.status == 429) decision.retry_after = settings.retry_after;
      break;
    }
    u -= trouble.rate;
  }
  return decision;
}

Decision under_load(Decision decision, double load_factor, std::uint32_t others) {
  if (load_factor == 0) return decision;
  const double times = 1 + load_factor * others;
  const auto longer = [times](nanoseconds ns) {
    constexpr double most = 8.64e13;  // a day
    return nanoseconds(
        static_cast<std::int64_t>(std::min(static_cast<double>(ns.count()) * times, most)));
  };
  decision.first = longer(decision.first);
  decision.gap = longer(decision.gap);
  return decision;
}

}  // namespace bench::mock_llm
