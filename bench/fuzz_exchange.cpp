// Does any reply upset the parser?  A fuzz target of libFuzzer's.
//
//   cmake --preset clang -DINTERLEAVE_FUZZ=ON && cmake --build --preset clang --target
//   fuzz_exchange build/clang/fuzz_exchange NEW_FINDS bench/corpus/exchange
//
// The first byte says what was asked: even a plain answer, odd a stream of three tokens.  The rest
// is the reply.  How it is split must make no difference.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "exchange.hpp"
#include "random.hpp"

namespace {

using namespace bench;

void feed(Exchange& exchange, const Request& request, std::string_view reply,
          std::uint64_t pieces) {
  exchange.begin(request, {.port = 1, .refusing_port = 2});
  for (std::size_t at = 0; at < reply.size();) {
    const std::size_t n = pieces == 0 ? reply.size() : 1 + mix64(pieces ^ at) % pieces;
    const std::string_view piece = reply.substr(at, n);
    if (exchange.receive(piece) != exchange.over()) std::abort();
    at += piece.size();
  }
}

bool same(const Exchange& a, const Exchange& b) {
  return a.over() == b.over() && (!a.over() || a.outcome() == b.outcome()) &&
         a.answer() == b.answer() && a.events() == b.events() &&
         a.retry_after() == b.retry_after() && a.connection_reusable() == b.connection_reusable();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static Exchange whole, split;  // one for all, as in a run: nothing of a reply may stay
  const Request request{.seed = 1, .number = 7, .tokens = data[0] % 2 != 0 ? 3U : 0U};
  const std::string_view reply(reinterpret_cast<const char*>(data) + 1, size - 1);
  feed(whole, request, reply, 0);
  for (const std::uint64_t pieces : {1, 7, 200}) {
    feed(split, request, reply, pieces);
    if (!same(whole, split)) std::abort();
  }
  whole.on_closed();
  split.on_closed();
  if (!whole.over() || !same(whole, split)) std::abort();
  return 0;
}
