// How late did tokens and answers leave against their targets?
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <optional>

#include "settings.hpp"

namespace bench::mock_llm {

/// Counts in buckets at most 1/32 as wide as their values (bench/histogram.hpp says more), which
/// any thread may add to.
class Lateness {
 public:
  void add(nanoseconds late) {
    const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(0, late.count()));
    counts_[bucket_of(ns)].fetch_add(1, std::memory_order_relaxed);
    auto max = max_ns_.load(std::memory_order_relaxed);
    while (ns > max && !max_ns_.compare_exchange_weak(max, ns, std::memory_order_relaxed)) {
    }
  }

  std::uint64_t n() const {
    std::uint64_t n = 0;
    for (const auto& count : counts_) n += count.load(std::memory_order_relaxed);
    return n;
  }
  std::uint64_t max_ns() const { return max_ns_.load(std::memory_order_relaxed); }

  /// The value that a share of all do not exceed, at least the exact one and at most 1/32 above it.
  /// Nothing while so few are there that it would be down to one or two of them: 10 for one half,
  /// 662 for 99 %.
  std::optional<std::uint64_t> percentile_ns(double share) const;

 private:
  static constexpr int sub_bits = 5;
  static constexpr std::size_t buckets = (64 - sub_bits) << sub_bits;

  /// Values below 64 have a bucket each; then each power of two has 32.
  static std::size_t bucket_of(std::uint64_t ns) {
    if (ns < 2u << sub_bits) return ns;
    const int shift = std::bit_width(ns) - (sub_bits + 1);
    return (static_cast<std::size_t>(shift) << sub_bits) + (ns >> shift);
  }
  static std::uint64_t greatest_of(std::size_t bucket) {
    if (bucket < 2u << sub_bits) return bucket;
    const auto shift = (bucket >> sub_bits) - 1;
    return (((bucket & ((1u << sub_bits) - 1)) + (1u << sub_bits) + 1) << shift) - 1;
  }

  std::array<std::atomic<std::uint64_t>, buckets> counts_{};
  std::atomic<std::uint64_t> max_ns_{0};
};

}  // namespace bench::mock_llm
