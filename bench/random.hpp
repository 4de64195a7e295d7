// How is anything random here drawn?  By hashing a counter: no generator state, no draw order.
#pragma once

#include <cstdint>

namespace bench {

/// Finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014; constants: Stafford's variant 13).
/// A bijection on 64 bits.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// What a number is drawn for.  Two streams never share a draw.
enum class Stream : std::uint64_t {
  response = 1,  // what the outside world answers to a step
  llm,           // how long an LLM call takes
  tool,          // how long a tool call takes
  rounds,        // whether a session goes on for another round
  tools,         // how many tools a round calls
  units,         // how much a compute-only agent computes
  kernel,        // with which kernel
  heavy,         // whether an agent computes for long, and how long
  blocking,      // whether a tool holds its thread
  arrival,       // when a session arrives
  fault,         // whether a call meets trouble, and of which sort
  jitter,        // of the time before the next attempt
};

/// What all draws of one stream have in common.
constexpr std::uint64_t stream_key(std::uint64_t seed, Stream stream) {
  return mix64(mix64(seed) ^ static_cast<std::uint64_t>(stream));
}

/// 64 uniform bits, a function of (seed, stream, id) alone.
constexpr std::uint64_t draw(std::uint64_t seed, Stream stream, std::uint64_t id) {
  return mix64(stream_key(seed, stream) ^ id);
}

/// Uniform in [0, bound), from the upper 32 bits; bias below bound / 2^32.
constexpr std::uint32_t below(std::uint64_t bits, std::uint32_t bound) {
  return static_cast<std::uint32_t>(((bits >> 32) * bound) >> 32);
}

}  // namespace bench
