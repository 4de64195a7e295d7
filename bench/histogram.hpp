// How are many durations kept in few numbers?  As counts per bucket, all of them about equally wide
// in proportion, so that a percentile is as exact for microseconds as for seconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

namespace bench {

using std::chrono::nanoseconds;

struct Bucket {
  std::uint64_t upper_ns;  // what it holds is less
  std::uint64_t count;
};

/// Log-linear, as in HdrHistogram (Tene, hdrhistogram.org): each power of two is cut into 32
/// buckets of one width.  Below 64 ns each value has its own; above, a bucket is at most 1/32 as
/// wide as the values in it.  The borders are the same in every histogram: to merge two, add the
/// counts of buckets that have the same upper border.  A percentile read off it, as the greatest
/// value of the bucket it falls into, is at least the exact one and at most 1/32 above it.
///
/// Only buckets that hold something, in ascending order.  Values below zero count as zero.
std::vector<Bucket> histogram_of(std::span<const nanoseconds> values);

}  // namespace bench
