// What may be set for a mock LLM?
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace bench::mock_llm {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

/// What goes wrong with a reply.
enum class Fault : std::uint8_t {
  none,
  silent,     // never answers
  stall,      // half the reply, then silence
  cut,        // half the reply, then the connection is closed
  reset,      // half the reply, then the connection is reset
  garbage,    // status 200, but not JSON; in a stream, one frame that is not
  duplicate,  // one content frame of a stream is sent twice
  split,      // a right reply, in writes of a few bytes
  merge,      // a right stream, in one write at its end
};
inline constexpr std::array fault_names = {"none",    "silent",    "stall", "cut",  "reset",
                                           "garbage", "duplicate", "split", "merge"};

/// How a request is to end, and how often.
struct Trouble {
  int status = 200;  // or 429, 500, 503
  Fault fault = Fault::none;
  double rate = 0;  // of all requests that bring no plan of their own, 0 to 1
};

/// Uniform in [mean - spread, mean + spread].
struct Latency {
  nanoseconds mean{0}, spread{0};
};

struct Settings {
  std::uint16_t port = 0;  // 0: a free one
  unsigned threads = 1;
  bool until_stdin_closes = false;
  std::uint64_t seed = 0;

  // For requests that bring no plan of their own.
  Latency first{}, gap{};
  std::vector<Trouble> troubles{};              // their rates add up to 1 at most
  nanoseconds retry_after{milliseconds(1000)};  // of a 429 that is drawn

  // For all requests.
  double load_factor = 0;  // latency is 1 + load_factor * (other requests in flight) times as long
  std::uint32_t in_flight = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t queue = 0;                     // how many wait for one of those places
  double rate = 0;                             // requests per second; 0: any
  double burst = 1;                            // and so many at once
  nanoseconds patience{milliseconds(10'000)};  // with a request that has begun to arrive

  std::string help{};  // not empty: print it and stop
};

/// What no client can make it exceed.  A connection holds at most `most_input_bytes` of what it has
/// not understood yet, `most_body_bytes` of a body and about `most_output_bytes` of a reply.
constexpr std::size_t most_header_bytes = 8 << 10;
constexpr std::size_t most_body_bytes = 1 << 20;
constexpr std::size_t most_input_bytes = 16 << 10;
constexpr std::size_t most_output_bytes = 64 << 10;
constexpr std::size_t most_buffered_bytes = 256 << 20;  // bodies and replies, of all together
constexpr std::size_t most_connections = 16'384;
constexpr std::uint32_t most_tokens = 100'000;

}  // namespace bench::mock_llm
