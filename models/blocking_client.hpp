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

  /// Until the exchange is over, at the latest when the step's time is.
  void talk(const Ledger& ledger, const Step& step, const std::stop_token& stop) {
    if (port_ != exchange.port() || !exchange.keep_alive()) close();
    if (fd_ < 0) connect();
    if (!exchange.over()) {
      // A stop ends what this thread waits for in the kernel.
      const std::stop_callback wake(stop, [this] { shutdown(fd_, SHUT_RDWR); });
      send();
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

  void connect() {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0) fail("socket");
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    port_ = exchange.port();
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return;
    if (errno != ECONNREFUSED) fail("connect");
    exchange.on_refused();
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
      const auto left = std::chrono::ceil<std::chrono::microseconds>(ledger.time_left(step));
      if (left.count() <= 0) return exchange.on_timed_out();
      const timeval patience{.tv_sec = left.count() / std::micro::den,
                             .tv_usec = left.count() % std::micro::den};
      setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
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
    const Lease lease(*this);
    ledger.begin_attempt(step, lease.connection->exchange);
    lease.connection->talk(ledger, step, stop_);
    return ledger.end_attempt(step, v, lease.connection->exchange);
  }

 private:
  /// Of the connection that became idle last; if none is idle, of a new one.
  struct Lease {
    explicit Lease(BlockingClient& c) : client(c) {
      {
        std::lock_guard lock(client.mutex_);
        if (!client.idle_.empty()) {
          connection = std::move(client.idle_.back());
          client.idle_.pop_back();
        }
      }
      if (!connection) connection = std::make_unique<BlockingConnection>();
    }
    ~Lease() {
      std::lock_guard lock(client.mutex_);
      client.idle_.push_back(std::move(connection));
    }
    BlockingClient& client;
    std::unique_ptr<BlockingConnection> connection;
  };

  std::mutex mutex_;  // guards the next one
  std::vector<std::unique_ptr<BlockingConnection>> idle_;
  std::stop_token stop_;
};

}  // namespace bench
