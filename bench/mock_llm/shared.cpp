// What do all threads of one server share?
#include "shared.hpp"

#include <fmt/format.h>

#include <optional>

namespace bench::mock_llm {

std::string Shared::stats() const {
  const std::uint64_t n = lateness.n();
  const auto known = [](std::optional<std::uint64_t> ns) {
    return ns ? fmt::format("{}", *ns) : std::string("null");
  };
  return fmt::format(
      R"({{"requests":{},"connections":{},"open_connections":{},"in_flight":{},"queued":{},)"
      R"("tokens":{},"lateness":{{"n":{},"p50_ns":{},"p99_ns":{},"max_ns":{}}}}})"
      "\n",
      requests.load(), connections.load(), open_connections.load(), places.in_flight(),
      places.queued(), tokens.load(), n, known(lateness.percentile_ns(0.5)),
      known(lateness.percentile_ns(0.99)),
      known(n > 0 ? std::optional(lateness.max_ns()) : std::nullopt));
}

}  // namespace bench::mock_llm
