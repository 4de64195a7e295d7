// How many calls a second does a bare client make?  A Google Benchmark program, one client each.
//
// As a model's own program with `--scenario calls --io tcp --workers 1`: on one CPU, with a mock
// LLM of its own, which has another CPU where there is one; each run is the client's first.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdio>
#include <exception>
#include <span>
#include <stdexcept>
#include <string>

#include "bench/exchange.hpp"
#include "bench/mock_llm_process.hpp"
#include "bench/process.hpp"
#include "calls.hpp"
#include "sockets.hpp"

namespace {

constexpr unsigned connections = 64, calls_each = 200;  // as the scenario `calls`

/// Asks once, to know how long a reply is.
calls::Load load_of(const bench::Endpoint& endpoint) {
  bench::Exchange exchange;
  exchange.begin({.seed = 1, .number = 1}, endpoint);
  calls::Load load{.port = endpoint.port,
                   .request = std::string(exchange.request()),
                   .reply_bytes = 0,
                   .connections = connections,
                   .calls_each = calls_each};
  const calls::Socket socket(endpoint.port);
  if (send(socket.fd(), load.request.data(), load.request.size(), MSG_NOSIGNAL) < 0) {
    calls::fail("send");
  }
  std::array<char, 4096> buffer;
  while (!exchange.over()) {
    const ssize_t got = recv(socket.fd(), buffer.data(), buffer.size(), 0);
    if (got <= 0) calls::fail("recv");
    load.reply_bytes += static_cast<std::size_t>(got);
    exchange.receive(std::span(buffer).first(static_cast<std::size_t>(got)));
  }
  if (exchange.outcome() != bench::Outcome::answered) {
    throw std::runtime_error("the mock LLM did not answer a plain call");
  }
  return load;
}

void measure(benchmark::State& state, const bench::MockLlm& llm,
             void (*client)(const calls::Load&)) {
  try {
    const calls::Load load = load_of(llm.endpoint());
    for (auto _ : state) client(load);
    state.counters["calls"] = connections * calls_each;
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
  }
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int exit_failed = 1, exit_usage = 2;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return exit_usage;
  try {
    bench::MockLlm llm;
    llm.pin_beside(1);
    bench::pin_to_cpus(1);
    auto add = [&](const char* name, void (*client)(const calls::Load&)) {
      benchmark::RegisterBenchmark(
          name, [&llm, client](benchmark::State& state) { measure(state, llm, client); })
          ->Iterations(1)
          ->UseRealTime();
    };
    add("blocking_one", calls::blocking_one);
    add("blocking_threads", calls::blocking_threads);
    add("epoll", calls::epoll);
    add("libuv", calls::libuv);
    add("tbb", calls::tbb);
    add("asio_callbacks", calls::asio_callbacks);
    add("asio", calls::asio_coroutines);
    if (benchmark::RunSpecifiedBenchmarks() == 0) {
      std::fprintf(stderr, "%s: --benchmark_filter matches nothing here: leave it out\n", argv[0]);
      return exit_usage;
    }
    benchmark::Shutdown();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return exit_failed;
  }
}
