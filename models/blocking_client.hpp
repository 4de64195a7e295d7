// How does a thread call over TCP when all it can do is block?  With blocking sockets.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <mutex>
#include <stop_token>
#include <system_error>
#include <utility>
#include <vector>

#include "bench/model.hpp"

namespace bench {

/// A socket, once it is connected, and what is said over it.
class BlockingConnection {
 public:
  BlockingConnection() = default;
  BlockingConnection(const BlockingConnection&) = delete;
  BlockingConnection& operator=(const BlockingConnection&) = delete;
  ~BlockingConnection() { close(); }

  Exchange exchange;

  bool is_open() const { return fd_ >= 0; }
  /// What is open can serve the exchange that has begun.
  bool suits() const { return port_ == exchange.port() && exchange.keep_alive(); }

  /// Until the exchange is over, at the latest when the step's time is.
  void talk(const Ledger& ledger, const Step& step, const std::stop_token& stop) {
    const bool connects = !is_open();
    if (connects) open();
    {
      // A stop ends what this thread waits for in the kernel.
      const std::stop_callback wake(stop, [this] { shutdown(fd_, SHUT_RDWR); });
      if (connects) connect(ledger, step);
      if (!exchange.over()) send();
      receive(ledger, step);
    }
    if (!exchange.connection_reusable()) close();
  }

 private:
  [[noreturn]] static void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
  }

  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  void open() {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0) fail("socket");
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    port_ = exchange.port();
  }

  /// For so long the kernel waits at most, or somewhat less.  False: no time is left.
  bool be_patient(int option, std::chrono::nanoseconds time_left) {
    const auto left = std::chrono::ceil<std::chrono::microseconds>(time_left);
    if (left.count() <= 0) return false;
    const timeval patience{.tv_sec = left.count() / std::micro::den,
                           .tv_usec = left.count() % std::micro::den};
    setsockopt(fd_, SOL_SOCKET, option, &patience, sizeof patience);
    return true;
  }

  /// A peer that is behind with accepting lets one wait.
  void connect(const Ledger& ledger, const Step& step) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    while (be_patient(SO_SNDTIMEO, ledger.time_left(step))) {
      if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return;
      switch (errno) {
        case EINPROGRESS:
        case EALREADY:
        case EINTR:
          continue;
        case ECONNREFUSED:
          return exchange.on_refused();
        case ECONNRESET:
        case ECONNABORTED:
          return exchange.on_closed();
        default:
          fail("connect");
      }
    }
    exchange.on_timed_out();
  }

  void send() {
    for (std::string_view left = exchange.request(); !left.empty();) {
      const ssize_t sent = ::send(fd_, left.data(), left.size(), MSG_NOSIGNAL);
      if (sent > 0) {
        left.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno != EINTR) {
        return exchange.on_closed();
      }
    }
  }

  void receive(const Ledger& ledger, const Step& step) {
    std::array<char, 4096> buffer;
    while (!exchange.over()) {
      if (!be_patient(SO_RCVTIMEO, ledger.time_left(step))) return exchange.on_timed_out();
      const ssize_t got = recv(fd_, buffer.data(), buffer.size(), 0);
      if (got > 0) {
        exchange.receive(std::span(buffer).first(static_cast<std::size_t>(got)));
      } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        exchange.on_closed();
      }
    }
  }

  int fd_ = -1;
  std::uint16_t port_ = 0;  // that it is connected to
};

/// Calls from any number of threads.  Each is held until its reply is there.
class BlockingClient {
 public:
  explicit BlockingClient(std::stop_token stop) : stop_(std::move(stop)) {}

  /// One attempt.
  Ledger::Next attempt(Ledger& ledger, const Step& step, Value v) {
    Lease lease(*this);
    ledger.begin_attempt(step, lease.connection->exchange);
    lease.suit();
    lease.connection->talk(ledger, step, stop_);
    return ledger.end_attempt(step, v, lease.connection->exchange);
  }

 private:
  using Connection = std::unique_ptr<BlockingConnection>;

  /// Of the connection that became idle last; if none is idle, of one that is not open.
  struct Lease {
    explicit Lease(BlockingClient& c) : client(c) {
      std::lock_guard lock(client.mutex_);
      connection = client.idle_.empty() ? client.take_closed() : take_last(client.idle_);
    }
    /// The exchange that has begun may need another connection than one that was idle.
    void suit() {
      if (!connection->is_open() || connection->suits()) return;
      std::lock_guard lock(client.mutex_);
      Connection other = client.take_closed();
      std::swap(connection->exchange, other->exchange);
      client.idle_.push_back(std::exchange(connection, std::move(other)));
    }
    ~Lease() {
      std::lock_guard lock(client.mutex_);
      (connection->is_open() ? client.idle_ : client.closed_).push_back(std::move(connection));
    }
    BlockingClient& client;
    Connection connection;
  };

  static Connection take_last(std::vector<Connection>& list) {
    Connection last = std::move(list.back());
    list.pop_back();
    return last;
  }
  Connection take_closed() {
    return closed_.empty() ? std::make_unique<BlockingConnection>() : take_last(closed_);
  }

  std::mutex mutex_;  // guards the next two
  std::vector<Connection> idle_, closed_;
  std::stop_token stop_;
};

}  // namespace bench
