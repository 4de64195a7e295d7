// How do the asio models call the mock LLM?  Connections and places for calls, and a client of
// coroutines; models without awaitable<> bring their own.
#pragma once

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <mutex>
#include <span>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "bench/model.hpp"
#include "models/asio_family.hpp"

namespace bench::asio_family {

using asio::ip::tcp;
using boost::system::error_code;

/// The library's tcp::socket, but for its executor, as with Timer.
using Socket = asio::basic_stream_socket<tcp, asio::io_context::executor_type>;

/// A socket, and what is said over it: one exchange after the other.
struct Connection {
  explicit Connection(asio::io_context& io) : socket(io) {}

  /// Ready to connect, if it has to be for the exchange that has begun.
  bool has_to_connect() {
    if (socket.is_open() && port == exchange.port() && exchange.keep_alive()) return false;
    error_code error;
    socket.close(error);
    port = exchange.port();
    socket.open(tcp::v4(), error);
    if (!error) socket.set_option(tcp::no_delay(true), error);
    if (error) throw std::system_error(error, "a socket for a call");
    return true;
  }

  tcp::endpoint peer() const { return {asio::ip::address_v4::loopback(), port}; }

  void received(std::size_t bytes) { exchange.receive(std::span(buffer).first(bytes)); }

  /// An operation has ended with this.  Throws what is the fault of this machine.
  void on_error(const error_code& error) {
    if (error == asio::error::connection_refused) return exchange.on_refused();
    for (const int lacks : {EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL}) {
      if (error.value() == lacks && error.category() == asio::error::get_system_category()) {
        throw std::system_error(error, "a call");
      }
    }
    exchange.on_closed();
  }

  /// The exchange is over.
  void settle() {
    error_code ignored;
    if (!exchange.connection_reusable()) socket.close(ignored);
  }

  Socket socket;
  Exchange exchange;
  std::uint16_t port = 0;  // that it is connected to
  std::array<char, 4096> buffer;
};

/// All connections.  Of those that are idle the one that became so last is taken first.
template <typename Connection>
class Pool {
 public:
  explicit Pool(asio::io_context& io) : io_(io) {}

  /// A new one if none is idle.
  Connection& take() {
    std::lock_guard lock(mutex_);
    if (idle_.empty()) return *all_.emplace_back(std::make_unique<Connection>(io_));
    Connection& connection = *idle_.back();
    idle_.pop_back();
    return connection;
  }

  void give_back(Connection& connection) {
    std::lock_guard lock(mutex_);
    idle_.push_back(&connection);
  }

  /// At the end of a scope in which nothing is awaited: when a run is abandoned, what waits is
  /// ended after the pool has gone.
  struct GiveBack {
    ~GiveBack() { pool.give_back(connection); }
    Pool& pool;
    Connection& connection;
  };

 private:
  asio::io_context& io_;
  std::mutex mutex_;  // guards the next two
  std::vector<std::unique_ptr<Connection>> all_;
  std::vector<Connection*> idle_;
};

/// Places for calls, where a workload limits how many may be under way: a channel that holds them,
/// from which calls receive one, first come first served.
class Places {
 public:
  Places(asio::io_context& io, const Limit& limit) : free_(io.get_executor(), limit.in_flight) {
    for (std::uint32_t i = 0; i < limit.in_flight; ++i) give_back();
  }
  auto async_take(auto&& token) {
    return free_.async_receive(std::forward<decltype(token)>(token));
  }
  void give_back() { free_.try_send(error_code()); }

 private:
  asio::experimental::concurrent_channel<asio::io_context::executor_type, void(error_code)> free_;
};

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
    Connection& connection = connections_.take();
    const auto deadline = ledger_.begin_attempt(step, connection.exchange);
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
      connection.exchange.on_timed_out();
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
