// What is asked of the mock LLM over TCP, and how is its reply understood?  Bytes in, events out:
// nothing here knows sockets, threads or clocks, so that each model moves the bytes in its own way.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "workload.hpp"

namespace bench {

/// Where the mock LLM listens, on 127.0.0.1.
struct Endpoint {
  std::uint16_t port = 0;           // 0: there is none
  std::uint16_t refusing_port = 0;  // a connection to it is always refused
};

/// What one attempt asks of the endpoint, trouble included.
struct Request {
  std::uint64_t seed = 0, number = 0;  // the answer is a function of both: Workload::response
  std::chrono::nanoseconds first{0};   // from the request to the first token, or to the trouble
  std::chrono::nanoseconds gap{0};     // from each token of a stream to the next
  std::uint32_t tokens = 0;            // 0: an answer in one piece; else a stream of so many
  bool keep_alive = true;
  /// What is to come of it.  refused: the client must connect to the refusing port.  timed_out: the
  /// reply never comes, or the stream stops halfway.
  Outcome outcome = Outcome::answered;
  std::chrono::nanoseconds retry_after{0};  // of a rate_limited one; 0: the reply does not say
};

/// One attempt after the other, over one connection or several.  For each:
///
///   exchange.begin(request, endpoint);
///   ... connect to exchange.port() on 127.0.0.1, or take a connection to it that is idle, but not
///       if exchange.keep_alive() is false; send exchange.request() ...
///   while (!exchange.over()) exchange.receive(... what has arrived ...);
///
/// or, when the reply does not come to its end, one of `on_refused`, `on_closed`, `on_timed_out`.
/// They do nothing once it is over.
///
/// The reply may be anything, in pieces of any size: no member throws for what it says.  Storage is
/// kept from one attempt to the next: 1 KiB at first, at most 160 KiB and twice the largest piece,
/// whatever the peer sends.  A reply is garbage if its head is larger than 8 KiB, its body than 1
/// MiB (a stream: and 1 KiB more for each token), a line of a stream than 64 KiB, or if JSON is
/// nested deeper than 32.
class Exchange {
 public:
  Exchange();
  Exchange(Exchange&&) noexcept;
  Exchange& operator=(Exchange&&) noexcept;
  ~Exchange();

  /// Starts over.
  void begin(const Request& request, const Endpoint& endpoint);

  /// To connect to: the endpoint's, or its refusing one.
  std::uint16_t port() const;
  /// false: the attempt needs a connection of its own, closed afterwards.
  bool keep_alive() const;
  /// The bytes to send; valid until the next `begin`.
  std::string_view request() const;

  /// Takes the bytes that arrived next.  True when the attempt is over: the reply is complete, or
  /// not to be understood.
  bool receive(std::span<const char> bytes);
  /// The peer has closed, or the connection broke, also while the request was sent: cut, unless the
  /// reply is one that a close completes.
  void on_closed();
  /// There is no connection: refused.
  void on_refused();
  /// Nobody waits for the reply any longer: timed_out.
  void on_timed_out();

  bool over() const;
  /// The connection can serve another attempt: the reply was complete, nothing came after it, and
  /// neither side asked to close.  false while not over.
  bool connection_reusable() const;

  /// Once over.  A stream is answered only if each of its frames was JSON, its end was announced
  /// (finish_reason and [DONE]), its usage counts as many tokens as came, and the last one was an
  /// answer.  Any status but 200, 429 and 5xx is garbage.
  Outcome outcome() const;
  /// Of an answered one.
  Value answer() const;
  /// Tokens received so far: frames of a stream with content.
  std::uint32_t events() const;
  /// What the reply's `retry-after-ms` says, else its `Retry-After` in seconds, if it has either.
  std::optional<std::chrono::nanoseconds> retry_after() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bench
