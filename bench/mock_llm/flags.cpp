// What does the command line of the mock LLM ask for?
#include "flags.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>

#include "bench/command_line.hpp"

namespace bench::mock_llm {
namespace {

constexpr double longest_ms = 3'600'000;  // an hour

nanoseconds from_ms(double ms) { return nanoseconds(std::llround(ms * 1e6)); }

std::string fault_list() {
  return fmt::format("429, 500, 503, {}",
                     fmt::join(fault_names.begin() + 1, fault_names.end(), ", "));
}

/// "429" or "stall": what is to happen.  The rate is 0.
Trouble named(std::string_view name) {
  for (const int status : {429, 500, 503}) {
    if (name == std::to_string(status)) return {.status = status};
  }
  const auto* found = std::find(fault_names.begin() + 1, fault_names.end(), name);
  if (found == fault_names.end()) {
    throw UsageError(fmt::format("--faults: '{}' is not one of {}", name, fault_list()));
  }
  return {.fault = static_cast<Fault>(found - fault_names.begin())};
}

std::vector<Trouble> parse_faults(const std::vector<std::string>& texts) {
  std::vector<Trouble> troubles;
  double sum = 0;
  for (const std::string& text : texts) {
    const auto equals = text.find('=');
    Trouble trouble = named(std::string_view(text).substr(0, equals));
    const std::string rate = equals == std::string::npos ? "" : text.substr(equals + 1);
    if (!CLI::detail::lexical_cast(rate, trouble.rate) ||
        !(trouble.rate >= 0 && trouble.rate <= 1)) {
      throw UsageError(fmt::format(
          "--faults: '{}' needs a rate from 0 to 1, as in 429=0.02,silent=0.001", text));
    }
    sum += trouble.rate;
    troubles.push_back(trouble);
  }
  if (sum > 1) throw UsageError(fmt::format("--faults: the rates add up to {}, over 1", sum));
  return troubles;
}

Latency parse_latency(const char* flag, double mean_ms, double spread_ms) {
  if (spread_ms > mean_ms) {
    throw UsageError(
        fmt::format("{}: latencies are uniform in mean +- spread, and a spread of {} "
                    "is more than the mean of {}",
                    flag, spread_ms, mean_ms));
  }
  return {from_ms(mean_ms), from_ms(spread_ms)};
}

std::string essay() {
  return fmt::format(
      "A mock of an LLM endpoint as OpenAI's, on 127.0.0.1 only: POST /v1/chat/completions (also "
      "streamed), GET /v1/models, /healthz and /stats.  Its first line tells, as JSON, the port "
      "that it listens on, and one that refuses every connection.\n\n"
      "A request may bring its own plan of latency and faults (\"mock\": {{\"first_ns\": 5000000, "
      "\"gap_ns\": 25000000, \"fault\": \"stall\"}}); the flags are for those that do not.\n\n"
      "At most {} connections are served, with {} KiB of headers, {} MiB of body and {} KiB of "
      "waiting reply each, and {} MiB of bodies and replies together; what is beyond is answered "
      "with an error.",
      most_connections, most_header_bytes >> 10, most_body_bytes >> 20, most_output_bytes >> 10,
      most_buffered_bytes >> 20);
}

}  // namespace

Settings parse_flags(int argc, const char* const* argv) {
  Settings settings;
  std::int64_t port = 0, threads = 1, seed = 0, in_flight = 0, queue = 0;
  double first = 0, first_spread = 0, gap = 0, gap_spread = 0, retry_after = 1000,
         patience = 10'000;
  std::vector<std::string> faults;
  CLI::App app(essay());
  const auto milliseconds_flag = [&](const char* name, double& value, const char* what) {
    app.add_option(name, value, what)->check(within(0, longest_ms, "0 to 3600000"));
  };

  app.add_option("--port", port, "to listen on (default: 0, a free one)")->check(whole(0, 65535));
  app.add_flag("--until-stdin-closes", settings.until_stdin_closes,
               "end when standard input does, so that this ends with who started it");
  app.add_option("--threads", threads, "how many serve (default: 1)")->check(whole(1, 256));
  app.add_option("--seed", seed, "what is drawn is a function of it and the request (default: 0)")
      ->check(whole(0, std::numeric_limits<std::int64_t>::max()));
  milliseconds_flag("--first-ms", first, "ms to the first token, on average (default: 0)");
  milliseconds_flag("--first-spread", first_spread, "how many ms more or less (default: 0)");
  milliseconds_flag("--gap-ms", gap, "ms from token to token, on average (default: 0)");
  milliseconds_flag("--gap-spread", gap_spread, "how many ms more or less (default: 0)");
  app.add_option("--load-factor", settings.load_factor,
                 "latencies are 1 + F * (other requests in flight) times as long (default: 0)")
      ->check(within(0, 1000, "0 to 1000"));
  app.add_option("--in-flight", in_flight, "how many requests are answered at once (default: any)")
      ->check(whole(1, 1'000'000));
  app.add_option("--queue", queue,
                 "how many more wait for --in-flight; others get a 503 (default: 0)")
      ->check(whole(0, 1'000'000));
  app.add_option("--rate", settings.rate, "requests a second; others get a 429 (default: any)")
      ->check(within(0.001, 1e9, "0.001 to 1000000000"));
  app.add_option("--burst", settings.burst, "how many of --rate at once after a pause (default: 1)")
      ->check(within(1, 1e9, "1 to 1000000000"));
  app.add_option("--faults", faults,
                 "which share of calls goes wrong, as 429=0.02,cut=0.01: " + fault_list())
      ->delimiter(',');
  milliseconds_flag("--retry-after-ms", retry_after,
                    "ms after which a 429 by --faults says to come back (default: 1000)");
  milliseconds_flag("--patience-ms", patience,
                    "how long a request may take to arrive; then a 408 (default: 10000)");

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    settings.help = help_of(app);
    return settings;
  } catch (const CLI::ParseError& error) {
    throw UsageError(one_line(error.what()) + " (--help lists the flags)");
  }
  settings.port = static_cast<std::uint16_t>(port);
  settings.threads = static_cast<unsigned>(threads);
  settings.seed = static_cast<std::uint64_t>(seed);
  settings.first = parse_latency("--first-spread", first, first_spread);
  settings.gap = parse_latency("--gap-spread", gap, gap_spread);
  settings.troubles = parse_faults(faults);
  settings.retry_after = from_ms(retry_after);
  settings.patience = from_ms(patience);
  if (in_flight > 0) settings.in_flight = static_cast<std::uint32_t>(in_flight);
  settings.queue = static_cast<std::uint32_t>(queue);
  return settings;
}

}  // namespace bench::mock_llm
