// How do Asio's coroutines call the mock LLM?  A client for the models that await an awaitable<>.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>
#include <variant>

#include "bench/model.hpp"
#include "models/asio_connections.hpp"
#include "models/asio_family.hpp"

namespace bench::asio_family {

inline asio::awaitable<void> sleep_until(Ledger::Clock::time_point moment) {
  asio::steady_timer timer(co_await asio::this_coro::executor, moment);
  // Not to throw spares an exception per timer that is cancelled.
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

/// Calls from coroutines.  Safe to use from any thread.
class Client {
 public:
  Client(asio::io_context& io, unsigned threads, const Workload& workload,
         const Resources& resources, Ledger& ledger)
      : one_thread_(threads == 1),
        over_tcp_(resources.endpoint.port != 0),
        limit_(workload.limit),
        ledger_(ledger),
        connections_(io),
        places_(io, limit_) {}

  asio::awaitable<Value> call(const Step& step, Value v) {
    if (limit_.in_flight == 0) co_return co_await attempts(step, v);
    co_await places_.async_take(asio::use_awaitable);
    try {
      if (limit_.interval.count() > 0) co_await sleep_until(ledger_.reserve(step));
      v = co_await attempts(step, v);
    } catch (const TurnFailed&) {
      places_.give_back();
      throw;
    }
    places_.give_back();
    co_return v;
  }

 private:
  asio::awaitable<Value> attempts(const Step& step, Value v) {
    for (;;) {
      Ledger::Next next;
      if (over_tcp_) {
        next = co_await attempt_over_tcp(step, v);
      } else {
        co_await sleep_until(ledger_.begin_attempt(step));
        next = ledger_.end_attempt(step, v);
      }
      if (!next.again) co_return next.value;
      co_await sleep_until(next.at);
    }
  }

  asio::awaitable<Ledger::Next> attempt_over_tcp(const Step& step, Value v) {
    Connection& idle = connections_.take();
    const auto deadline = ledger_.begin_attempt(step, idle.exchange);
    Connection& connection = connections_.suited(idle);
    co_await exchange_until(deadline, connection);
    const Pool<Connection>::GiveBack finally{connections_, connection};
    co_return ledger_.end_attempt(step, v, connection.exchange);
  }

  /// When its time is up, the library cancels what the exchange waits for; for that both must be on
  /// one strand.  Where one thread runs everything they are.
  asio::awaitable<void> exchange_until(Ledger::Clock::time_point deadline, Connection& connection) {
    using namespace asio::experimental::awaitable_operators;
    auto either = talk(connection, connection.has_to_connect()) || sleep_until(deadline);
    std::variant<error_code, std::monostate> ended;
    if (one_thread_) {
      ended = co_await std::move(either);
    } else {
      ended = co_await asio::co_spawn(asio::make_strand(connection.socket.get_executor()),
                                      std::move(either), asio::use_awaitable);
    }
    if (ended.index() == 1) {
      connection.on_timed_out();
    } else if (const error_code error = std::get<0>(ended)) {
      connection.on_error(error);
    }
    connection.settle();
  }

  /// Returns what went wrong: the library's `||` would take an exception for no end at all.
  static asio::awaitable<error_code> talk(Connection& connection, bool connect) {
    Socket& socket = connection.socket;
    error_code error;
    auto awaited = asio::redirect_error(asio::use_awaitable, error);
    if (connect) co_await socket.async_connect(connection.peer(), awaited);
    if (!error) {
      co_await asio::async_write(socket, asio::buffer(connection.exchange.request()), awaited);
    }
    while (!error && !connection.exchange.over()) {
      connection.received(
          co_await socket.async_read_some(asio::buffer(connection.buffer), awaited));
    }
    co_return error;
  }

  const bool one_thread_;
  const bool over_tcp_;
  const Limit limit_;
  Ledger& ledger_;
  Pool<Connection> connections_;
  Places places_;
};

}  // namespace bench::asio_family
