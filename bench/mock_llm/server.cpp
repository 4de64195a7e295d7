// How is the mock LLM reached?
#include "server.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <exception>
#include <stdexcept>
#include <thread>
#include <vector>

#include "connection.hpp"

namespace bench::mock_llm {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

using Acceptor = asio::basic_socket_acceptor<tcp, asio::io_context::executor_type>;

constexpr int backlog = 4096;
constexpr std::chrono::milliseconds pause(20);  // with accepting, when no descriptor is left
constexpr std::string_view full =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
    "Connection: close\r\nContent-Length: 101\r\n\r\n"
    R"({"error":{"message":"too many connections are open","type":"server_error","param":null,"code":null}})"
    "\n";
static_assert(full.size() - full.find("{") == 101);

/// As many as this process may have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

tcp::endpoint loopback(std::uint16_t port) { return {asio::ip::address_v4::loopback(), port}; }

}  // namespace

struct Server::Impl {
  explicit Impl(const Settings& settings)
      : shared(settings),
        loops(settings.threads),
        acceptor(loops.front().io()),
        refusing(loops.front().io()),
        accept_later(loops.front().io()),
        signals(loops.front().io()),
        input(loops.front().io()) {}

  ~Impl() { shared.places.forget_queue(); }

  void listen(std::uint16_t port);
  void accept();
  void on_accept(error_code error, Socket socket, Loop& loop);
  void stop() {
    for (Loop& loop : loops) loop.io().stop();
  }
  void run_loop(Loop& loop);

  Shared shared;
  std::deque<Loop> loops;
  Acceptor acceptor;
  tcp::socket refusing;
  asio::steady_timer accept_later;
  asio::signal_set signals;
  asio::posix::stream_descriptor input;
  std::size_t next_loop = 0;
  std::mutex mutex;
  std::exception_ptr first_error;
};

Server::Server(const Settings& settings) {
  raise_descriptor_limit();
  impl_ = std::make_unique<Impl>(settings);
  impl_->listen(settings.port);
}

Server::~Server() = default;

std::uint16_t Server::port() const { return impl_->acceptor.local_endpoint().port(); }
std::uint16_t Server::refusing_port() const { return impl_->refusing.local_endpoint().port(); }

void Server::Impl::listen(std::uint16_t port) {
  try {
    acceptor.open(tcp::v4());
    acceptor.set_option(asio::socket_base::reuse_address(true));
    acceptor.bind(loopback(port));
    acceptor.listen(backlog);
    refusing.open(tcp::v4());
    refusing.bind(loopback(0));  // and does not listen
  } catch (const boost::system::system_error& error) {
    throw std::runtime_error(fmt::format(
        "cannot listen on 127.0.0.1:{} ({}): give another --port, or leave it out for a free one",
        port, error.code().message()));
  }
}

void Server::Impl::accept() {
  Loop& loop = loops[next_loop++ % loops.size()];
  acceptor.async_accept(loop.io(), [this, &loop](error_code error, Socket socket) {
    on_accept(error, std::move(socket), loop);
  });
}

void Server::Impl::on_accept(error_code error, Socket socket, Loop& loop) {
  if (error == asio::error::operation_aborted) return;
  if (error == asio::error::no_descriptors || error.value() == ENFILE ||
      error == asio::error::no_buffer_space || error == asio::error::no_memory) {
    // Who connects now waits in the kernel.
    accept_later.expires_after(pause);
    accept_later.async_wait([this](error_code aborted) {
      if (!aborted) accept();
    });
    return;
  }
  accept();
  if (error) return;  // it has gone again
  shared.connections.fetch_add(1, std::memory_order_relaxed);
  if (shared.open_connections.load(std::memory_order_relaxed) >= most_connections) {
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(full.data(), full.size()), ignored);
    return;
  }
  const auto connection = std::make_shared<Connection>(std::move(socket), loop, shared);
  asio::dispatch(loop.io(), [connection] { connection->start(); });
}

void Server::Impl::run_loop(Loop& loop) {
  const auto guard = asio::make_work_guard(loop.io());
  try {
    loop.io().run();
  } catch (...) {
    const std::lock_guard lock(mutex);
    if (!first_error) first_error = std::current_exception();
  }
  stop();
}

void Server::run() {
  impl_->accept();
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < impl_->loops.size(); ++i) {
    others.emplace_back([this, i] { impl_->run_loop(impl_->loops[i]); });
  }
  impl_->run_loop(impl_->loops.front());
  others.clear();
  if (impl_->first_error) std::rethrow_exception(impl_->first_error);
}

void Server::stop() { impl_->stop(); }

void Server::end_on_signals() {
  impl_->signals.add(SIGTERM);
  impl_->signals.add(SIGINT);
  impl_->signals.async_wait([this](error_code error, int) {
    if (!error) stop();
  });
}

namespace {

/// Waits without making the descriptor non-blocking, for others may share it.
void read_to_the_end(asio::posix::stream_descriptor& input, std::function<void()> on_end) {
  input.async_wait(asio::posix::stream_descriptor::wait_read,
                   [&input, on_end = std::move(on_end)](error_code error) {
                     if (error) return;
                     char ignored[4096];
                     const ssize_t n = ::read(input.native_handle(), ignored, sizeof ignored);
                     if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) return on_end();
                     read_to_the_end(input, on_end);
                   });
}

}  // namespace

void Server::end_with_stdin() {
  error_code error;
  impl_->input.assign(::dup(STDIN_FILENO), error);
  // A file, or nothing at all, is at its end already: it cannot be waited for.
  if (error) return stop();
  read_to_the_end(impl_->input, [this] { stop(); });
}

}  // namespace bench::mock_llm
