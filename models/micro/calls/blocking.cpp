// How fast are calls over blocking sockets?
#include <array>
#include <atomic>
#include <string_view>
#include <thread>
#include <vector>

#include "calls.hpp"
#include "sockets.hpp"

namespace {

void call(const calls::Socket& socket, const calls::Load& load) {
  std::array<char, 4096> buffer;
  if (send(socket.fd(), load.request.data(), load.request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(load.request.size())) {
    calls::fail("send");
  }
  for (std::size_t received = 0; received < load.reply_bytes;) {
    const ssize_t got = recv(socket.fd(), buffer.data(), buffer.size(), 0);
    if (got <= 0) calls::fail("recv");
    received += static_cast<std::size_t>(got);
  }
}

}  // namespace

void calls::blocking_one(const Load& load) {
  const Socket socket(load.port);
  for (unsigned i = 0; i < load.connections * load.calls_each; ++i) call(socket, load);
}

void calls::blocking_threads(const Load& load) {
  std::atomic<bool> failed = false;
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < load.connections; ++i) {
      threads.emplace_back([&] {
        try {
          const Socket socket(load.port);
          for (unsigned n = 0; n < load.calls_each; ++n) call(socket, load);
        } catch (const std::exception&) {
          failed = true;
        }
      });
    }
  }
  if (failed) throw std::runtime_error("a call over a blocking socket failed");
}
