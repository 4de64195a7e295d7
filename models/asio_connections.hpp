// What do models that call the mock LLM over Asio's sockets share?  Connections, and places for
// calls.
#pragma once

#include <array>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <memory>
#include <mutex>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "bench/model.hpp"

namespace bench::asio_family {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

/// The library's tcp::socket, but for its executor, as with Timer.
using Socket = asio::basic_stream_socket<tcp, asio::io_context::executor_type>;

/// A socket, and what is said over it: one exchange after the other.
struct Connection {
  explicit Connection(asio::io_context& io) : socket(io) {}

  /// What is open can serve the exchange that has begun.
  bool suits() const { return port == exchange.port() && exchange.keep_alive(); }

  /// Ready to connect, if it has to be.
  bool has_to_connect() {
    if (socket.is_open()) return false;
    port = exchange.port();
    error_code error;
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

  /// Its time was up.
  void on_timed_out() {
    exchange.on_timed_out();
    close();
  }

  /// The exchange is over.
  void settle() {
    if (!exchange.connection_reusable()) close();
  }

  void close() {
    error_code ignored;
    socket.close(ignored);
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

  /// If none is idle, one that is not open.
  Connection& take() {
    std::lock_guard lock(mutex_);
    return idle_.empty() ? take_closed() : take_last(idle_);
  }

  /// For the exchange that has begun, which may need another connection than one that was idle.
  Connection& suited(Connection& connection) {
    if (!connection.socket.is_open() || connection.suits()) return connection;
    std::lock_guard lock(mutex_);
    Connection& other = take_closed();
    std::swap(connection.exchange, other.exchange);
    idle_.push_back(&connection);
    return other;
  }

  void give_back(Connection& connection) {
    std::lock_guard lock(mutex_);
    (connection.socket.is_open() ? idle_ : closed_).push_back(&connection);
  }

  /// At the end of a scope in which nothing is awaited: when a run is abandoned, what waits is
  /// ended after the pool has gone.
  struct GiveBack {
    ~GiveBack() { pool.give_back(connection); }
    Pool& pool;
    Connection& connection;
  };

 private:
  static Connection& take_last(std::vector<Connection*>& list) {
    Connection& last = *list.back();
    list.pop_back();
    return last;
  }
  Connection& take_closed() {
    if (closed_.empty()) return *all_.emplace_back(std::make_unique<Connection>(io_));
    return take_last(closed_);
  }

  asio::io_context& io_;
  std::mutex mutex_;  // guards the others
  std::vector<std::unique_ptr<Connection>> all_;
  std::vector<Connection*> idle_, closed_;
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

}  // namespace bench::asio_family
