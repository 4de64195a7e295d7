// How are many durations kept in few numbers?
#include "histogram.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace bench {
namespace {

constexpr int sub_bits = 5;                            // 32 buckets per power of two
constexpr std::uint64_t sub_count = 1ULL << sub_bits;  // of 1 ns each below twice as many
constexpr std::size_t bucket_count = (64 - sub_bits) * sub_count;  // up to 2^63 ns

/// By how many bits a value is shortened: so many that 6 are left.
int shift_of(std::uint64_t value) {
  return std::max(0, static_cast<int>(std::bit_width(value)) - sub_bits - 1);
}

std::size_t index_of(std::uint64_t value) {
  const int shift = shift_of(value);
  return static_cast<std::size_t>(shift) * sub_count + (value >> shift);
}

std::uint64_t upper_border(std::size_t index) {
  const std::size_t shift = index < 2 * sub_count ? 0 : index / sub_count - 1;
  return (index - shift * sub_count + 1) << shift;
}

}  // namespace

std::vector<Bucket> histogram_of(std::span<const nanoseconds> values) {
  std::array<std::uint64_t, bucket_count> counts{};
  for (const nanoseconds value : values) {
    ++counts[index_of(static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0)))];
  }
  std::vector<Bucket> buckets;
  for (std::size_t index = 0; index < counts.size(); ++index) {
    if (counts[index] > 0) buckets.push_back({upper_border(index), counts[index]});
  }
  return buckets;
}

}  // namespace bench
