// How late did tokens and answers leave against their targets?
#include "lateness.hpp"

#include <cmath>

namespace bench::mock_llm {

std::optional<std::uint64_t> Lateness::percentile_ns(double share) const {
  const std::uint64_t all = n();
  // With as many, the greatest of them exceeds the percentile in all but 1.3 cases in a thousand.
  if (std::pow(share, static_cast<double>(all)) > 0.0013) return std::nullopt;
  const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(all)));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
    seen += counts_[bucket].load(std::memory_order_relaxed);
    if (seen >= rank) return std::min(greatest_of(bucket), max_ns());
  }
  return max_ns();
}

}  // namespace bench::mock_llm
