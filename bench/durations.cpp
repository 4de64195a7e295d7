// How long does the outside world take?  The tables, and integer interpolation in them.
#include "durations.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace bench {
namespace {

constexpr std::array<std::int64_t, 12> knots = {0,     655,   3277,  6554,  16384, 32768,
                                                49152, 58982, 62259, 64881, 65470, 65536};
constexpr std::array<std::int64_t, 12> llm_us = {301938,   411374,   888455,    1339449,
                                                 2659880,  5700000,  12214835,  24256247,
                                                 36569084, 78979251, 120000000, 120000000};
constexpr std::array<std::int64_t, 12> tool_us = {1000,     1000,      2717,      7678,
                                                  43585,    300000,    2064932,   11721247,
                                                  33130066, 232582545, 600000000, 600000000};

/// Where the table reaches `limit`, as 16.16 fixed point.
std::uint64_t share_below(const QuantileTable& table, std::int64_t limit) {
  const auto& q = table.microseconds;
  const auto i = static_cast<std::size_t>(std::ranges::upper_bound(q, limit) - q.begin());
  if (i == 0) return 0;
  if (i == q.size()) return 65536ULL << 16;
  const auto part = ((limit - q[i - 1]) << 16) / (q[i] - q[i - 1]) * (knots[i] - knots[i - 1]);
  return (static_cast<std::uint64_t>(knots[i - 1]) << 16) + static_cast<std::uint64_t>(part);
}

}  // namespace

const QuantileTable llm_call{llm_us}, tool_call{tool_us};

std::int64_t quantile_us(const QuantileTable& table, std::uint64_t u_16_16) {
  const auto u = static_cast<std::int64_t>(std::min<std::uint64_t>(u_16_16, 65536ULL << 16));
  std::size_t i = 1;
  while (i + 1 < knots.size() && u > knots[i] << 16) ++i;
  const std::int64_t from = knots[i - 1] << 16, to = knots[i] << 16;
  const std::int64_t low = table.microseconds[i - 1], high = table.microseconds[i];
  // At most 4e8 * 2^30 < 2^59: no overflow.
  return low + (high - low) * ((u - from) >> 2) / ((to - from) >> 2);
}

std::int64_t draw_us(const QuantileTable& table, std::uint64_t bits) {
  const std::uint64_t limit = share_below(table, longest_call_us);  // at most 2^32
  return quantile_us(table, ((bits >> 32) * limit) >> 32);
}

PerMillion PerMillion::from(double fraction) { return {std::llround(fraction * 1e6)}; }

std::chrono::nanoseconds scaled(std::int64_t unscaled_us, PerMillion time_scale) {
  return std::chrono::nanoseconds(unscaled_us * time_scale.value / 1000);
}

std::uint32_t units_for(std::chrono::nanoseconds waited, PerMillion cpu_share) {
  const auto units = waited.count() / 1000 * cpu_share.value / 1'000'000;
  constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::min(units, most));
}

}  // namespace bench
