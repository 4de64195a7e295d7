// How do models on oneTBB, which has no sockets, speak over one?  Without waiting in the kernel.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "bench/exchange.hpp"

namespace bench::tbb_family {

[[noreturn]] inline void throw_errno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// A file descriptor, closed in the end.
class Descriptor {
 public:
  Descriptor() = default;
  Descriptor(int fd, const char* what) : fd_(fd) {
    if (fd < 0) throw_errno(what);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// An exchange, and the socket for it, if it has one.  What says that the machine cannot is thrown
/// as std::system_error; whatever else goes wrong is told to the exchange.
class Connection {
 public:
  Exchange exchange;

  bool is_open() const { return static_cast<bool>(socket_); }
  /// What is open can serve the exchange that has begun.
  bool suits() const { return port_ == exchange.port() && exchange.keep_alive(); }

  void connect() {
    socket_ = Descriptor(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
    watched_ = 0;
    const int on = 1;
    setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    port_ = exchange.port();
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
            0 ||
        errno == EINPROGRESS) {
      return;
    }
    if (errno != ECONNREFUSED) throw_errno("connect");
    exchange.on_refused();
  }

  void disconnect() { socket_ = Descriptor(); }

  /// The request, as much of it as the kernel takes now.  The rest, and the reply, are for whoever
  /// waits at `epoll`, who finds `this` there.
  void begin(int epoll) {
    left_ = exchange.request();
    send();
    if (!exchange.over()) watch(epoll);
  }

  /// The kernel has said `events` of the socket.
  void go_on(std::uint32_t events, std::span<char> buffer) {
    send();
    while (!exchange.over()) {
      const ssize_t got = recv(socket_.get(), buffer.data(), buffer.size(), 0);
      if (got > 0) {
        exchange.receive(buffer.first(static_cast<std::size_t>(got)));
        // That was all there is, unless the end is there as well.
        const bool ends = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
        if (static_cast<std::size_t>(got) < buffer.size() && !ends) return;
      } else if (got == 0) {
        exchange.on_closed();
      } else if (errno == EAGAIN) {
        return;
      } else if (errno != EINTR) {
        on_error("recv");
      }
    }
  }

 private:
  void send() {
    while (!left_.empty() && !exchange.over()) {
      const ssize_t sent = ::send(socket_.get(), left_.data(), left_.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        left_.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno == EAGAIN) {
        return;
      } else if (errno != EINTR) {
        on_error("send");
      }
    }
  }

  /// Edges only, so that it is said once in a connection's life.
  void watch(int epoll) {
    const std::uint32_t wanted =
        EPOLLIN | EPOLLRDHUP | EPOLLET | (left_.empty() ? 0U : static_cast<unsigned>(EPOLLOUT));
    if ((wanted & ~watched_) == 0) return;
    epoll_event event{.events = wanted, .data = {.ptr = this}};
    const int operation = watched_ == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(epoll, operation, socket_.get(), &event) != 0) throw_errno("epoll_ctl");
    watched_ = wanted;
  }

  void on_error(const char* what) {
    switch (errno) {
      case ECONNREFUSED:
        return exchange.on_refused();
      case ENOBUFS:
      case ENOMEM:
      case EADDRNOTAVAIL:
        throw_errno(what);
      default:
        return exchange.on_closed();
    }
  }

  Descriptor socket_;
  std::uint16_t port_ = 0;     // that it is connected to
  std::uint32_t watched_ = 0;  // what epoll was asked for
  std::string_view left_;      // of the request
};

}  // namespace bench::tbb_family
