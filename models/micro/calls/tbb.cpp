// How fast are calls when oneTBB runs what follows a reply?  It has no sockets: one thread outside
// waits for those, as its documentation has it for what is asynchronous, and hands each reply in as
// a task, which asks again.
#include <fcntl.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <semaphore>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <vector>

#include "calls.hpp"
#include "sockets.hpp"

namespace {

struct Connection {
  calls::Socket socket;
  unsigned calls_left;
  std::size_t received = 0;
};

class Client {
 public:
  explicit Client(const calls::Load& load) : load_(load), poll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (poll_ < 0) calls::fail("epoll_create1");
    connections_.reserve(load.connections);
    for (unsigned i = 0; i < load.connections; ++i) {
      Connection& connection =
          connections_.emplace_back(Connection{calls::Socket(load.port), load.calls_each});
      fcntl(connection.socket.fd(), F_SETFL, O_NONBLOCK);
      epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
      epoll_ctl(poll_, EPOLL_CTL_ADD, connection.socket.fd(), &event);
    }
  }
  ~Client() { close(poll_); }

  void run() {
    left_ = load_.connections;
    const std::jthread outside([this](const std::stop_token& over) { wait_for_replies(over); });
    for (Connection& connection : connections_) ask(connection);
    all_done_.acquire();
    // The thread outside sees the end with its next look, which is at most a moment away.
  }

 private:
  void ask(const Connection& connection) {
    arena_.enqueue([this, &connection] {
      if (send(connection.socket.fd(), load_.request.data(), load_.request.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(load_.request.size())) {
        failed_ = true;
      }
    });
  }

  void wait_for_replies(const std::stop_token& over) {
    std::array<char, 4096> buffer;
    std::array<epoll_event, 64> events;
    constexpr int look_ms = 1;  // at whether it is over
    while (!over.stop_requested()) {
      const int ready = epoll_wait(poll_, events.data(), events.size(), look_ms);
      for (int i = 0; i < ready; ++i) {
        auto& connection = *static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
        const ssize_t got = recv(connection.socket.fd(), buffer.data(), buffer.size(), 0);
        if (got <= 0) failed_ = true;
        if (failed_) return all_done_.release();
        connection.received += static_cast<std::size_t>(got);
        if (connection.received < load_.reply_bytes) continue;
        connection.received = 0;
        if (--connection.calls_left > 0) {
          ask(connection);
        } else if (--left_ == 0) {
          return all_done_.release();
        }
      }
    }
  }

 public:
  bool failed() const { return failed_; }

 private:
  const calls::Load& load_;
  const int poll_;
  oneapi::tbb::task_arena arena_{1, 0};  // one worker, as the models have it here
  std::vector<Connection> connections_;
  unsigned left_ = 0;
  std::atomic<bool> failed_ = false;
  std::binary_semaphore all_done_{0};
};

}  // namespace

void calls::tbb(const Load& load) {
  // Beside the calling thread, which sleeps; one CPU alone would give no worker at all.
  const oneapi::tbb::global_control two(oneapi::tbb::global_control::max_allowed_parallelism, 2);
  Client client(load);
  client.run();
  if (client.failed()) throw std::runtime_error("a call beside oneTBB failed");
}
