// What becomes of a request?  Its latency and its fate: a function of the request and the settings.
#pragma once

#include <cstdint>
#include <optional>

#include "request.hpp"
#include "settings.hpp"

namespace bench::mock_llm {

struct Decision {
  nanoseconds first{0}, gap{0};  // to the first token, and from each to the next
  int status = 200;
  Fault fault = Fault::none;
  std::optional<nanoseconds> retry_after;
};

/// The plan that the request brings, or else what is drawn for it: the same request has always the
/// same fate, and its retries, which OpenAI's clients number, have fates of their own.
Decision decide(const Request& request, const Settings& settings);

/// The same on a server that has so many other requests in flight.
Decision under_load(Decision decision, double load_factor, std::uint32_t others);

}  // namespace bench::mock_llm
