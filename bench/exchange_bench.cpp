// What does an exchange cost, without the bytes being moved?  It is inside each model's timed run.
#include <benchmark/benchmark.h>

#include "exchange.hpp"
#include "replies.hpp"

namespace {

using namespace bench;
using namespace bench::testing;

/// Held to: 2 us for all of a plain reply: the request is written, the reply understood.
void exchange_plain(benchmark::State& state) {
  const std::string reply = plain_reply();
  Exchange exchange;
  for (auto _ : state) {
    exchange.begin({.seed = 1, .number = 7}, {.port = 4000, .refusing_port = 4001});
    benchmark::DoNotOptimize(exchange.request());
    exchange.receive(reply);
    if (exchange.answer() != answer) state.SkipWithError("not understood");
  }
}
BENCHMARK(exchange_plain);

/// Held to: 500 ns per token, each a frame that comes alone.
void exchange_per_token(benchmark::State& state) {
  constexpr std::uint32_t tokens = 200;
  const auto chunk = [](const std::string& frame) {
    return fmt::format("{:x}\r\n{}\r\n", frame.size(), frame);
  };
  const std::string whole = chunked({}), head = whole.substr(0, whole.size() - 5) + chunk(role);
  const std::string token = chunk(filler);
  const std::string end =
      chunk(last) + chunk(stop) + chunk(usage(tokens)) + chunk(done) + "0\r\n\r\n";
  Exchange exchange;
  for (auto _ : state) {
    exchange.begin({.seed = 1, .number = 7, .tokens = tokens}, {.port = 4000});
    exchange.receive(head);
    for (std::uint32_t i = 1; i < tokens; ++i) exchange.receive(token);
    exchange.receive(end);
    if (exchange.answer() != answer) state.SkipWithError("not understood");
  }
  state.counters["per_token"] = benchmark::Counter(
      tokens, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(exchange_per_token)->Unit(benchmark::kMicrosecond);

}  // namespace
