// How fast are calls over what the kernel offers, without any library?
#include <fcntl.h>
#include <sys/epoll.h>

#include <array>
#include <vector>

#include "calls.hpp"
#include "sockets.hpp"

namespace {

struct Connection {
  calls::Socket socket;
  unsigned calls_left;
  std::size_t received = 0;
};

void ask(const Connection& connection, const calls::Load& load) {
  if (send(connection.socket.fd(), load.request.data(), load.request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(load.request.size())) {
    calls::fail("send");
  }
}

}  // namespace

void calls::epoll(const Load& load) {
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  if (poll < 0) fail("epoll_create1");
  std::vector<Connection> connections;
  connections.reserve(load.connections);
  for (unsigned i = 0; i < load.connections; ++i) {
    Connection& connection =
        connections.emplace_back(Connection{Socket(load.port), load.calls_each});
    fcntl(connection.socket.fd(), F_SETFL, O_NONBLOCK);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
    epoll_ctl(poll, EPOLL_CTL_ADD, connection.socket.fd(), &event);
    ask(connection, load);
  }
  std::array<char, 4096> buffer;
  std::array<epoll_event, 64> events;
  for (unsigned left = load.connections; left > 0;) {
    const int ready = epoll_wait(poll, events.data(), events.size(), -1);
    for (int i = 0; i < ready; ++i) {
      auto& connection = *static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      const ssize_t got = recv(connection.socket.fd(), buffer.data(), buffer.size(), 0);
      if (got <= 0) fail("recv");
      connection.received += static_cast<std::size_t>(got);
      if (connection.received < load.reply_bytes) continue;
      connection.received = 0;
      if (--connection.calls_left > 0) {
        ask(connection, load);
      } else {
        --left;
      }
    }
  }
  close(poll);
}
