// How long does the outside world take?  Quantile tables of LLM and tool calls, and their scaling.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>

namespace bench {

/// Quantiles in unscaled microseconds at `knots` (in 1/65536), linear in between.
/// Source: TraceLab (arXiv 2606.30560, CC BY 4.0): 357 k LLM calls and 432 k tool calls of coding
/// agents.  LLM call p50 5.7 s, p90 22.2 s, p99 84 s; tool call p50 0.3 s, p90 13.6 s, p99 216 s.
/// The tables are the fits lognormal(5.7 s, 1.13) and lognormal(0.3 s, 2.86), cut off at both ends.
struct QuantileTable {
  std::span<const std::int64_t> microseconds;
};
extern const QuantileTable llm_call, tool_call;

/// Calls longer than this are not drawn.  Without the limit one call in a hundred sets the makespan
/// and every model ties.
inline constexpr std::int64_t longest_call_us = 30'000'000;

/// The duration below which 65536ths `u` (16.16 fixed point, 0 .. 65536 * 65536) of all calls lie.
std::int64_t quantile_us(const QuantileTable& table, std::uint64_t u_16_16);

/// A call's unscaled duration from 64 uniform bits.  The distribution is truncated at
/// `longest_call_us`: only the part below it is drawn from.  Clamping instead would make 8 % of all
/// calls end at the same instant.
std::int64_t draw_us(const QuantileTable& table, std::uint64_t bits);

/// Millionths, so that all arithmetic on durations is on integers: the same on every machine.
struct PerMillion {
  std::int64_t value;
  static PerMillion from(double fraction);  // rounds to the nearest millionth
};

/// Scaled time of an unscaled duration.
std::chrono::nanoseconds scaled(std::int64_t unscaled_us, PerMillion time_scale);

/// Compute units that belong to a wait at a CPU share; one unit stands for one microsecond.
std::uint32_t units_for(std::chrono::nanoseconds waited, PerMillion cpu_share);

}  // namespace bench
