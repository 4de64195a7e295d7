// What do all threads of one server share?
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "lateness.hpp"
#include "limits.hpp"
#include "settings.hpp"

namespace bench::mock_llm {

/// Counts since the start, but for open_connections and buffered_bytes, which are of now.
struct Shared {
  explicit Shared(const Settings& s)
      : settings(s), rate_limit(s.rate, s.burst), places(s.in_flight, s.queue) {}

  const Settings settings;
  RateLimit rate_limit;
  Places places;
  Lateness lateness;
  std::atomic<std::uint64_t> requests{0};  // for completions, refused ones included
  std::atomic<std::uint64_t> tokens{0};    // sent
  std::atomic<std::uint64_t> connections{0}, open_connections{0};
  std::atomic<std::size_t> buffered_bytes{0};

  /// What GET /stats says.
  std::string stats() const;
};

}  // namespace bench::mock_llm
