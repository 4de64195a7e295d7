// How fast are calls over Asio's sockets, with callbacks and with coroutines?
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <exception>

#include "calls.hpp"

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

tcp::endpoint endpoint_of(const calls::Load& load) {
  return {asio::ip::address_v4::loopback(), load.port};
}

class Callbacks {
 public:
  Callbacks(asio::io_context& io, const calls::Load& load)
      : socket_(io), load_(load), calls_left_(load.calls_each) {
    socket_.connect(endpoint_of(load));
    socket_.set_option(tcp::no_delay(true));
    ask();
  }

 private:
  void ask() {
    asio::async_write(socket_, asio::buffer(load_.request), [this](auto error, std::size_t) {
      if (error) throw boost::system::system_error(error);
      read(0);
    });
  }

  void read(std::size_t received) {
    socket_.async_read_some(asio::buffer(buffer_), [=, this](auto error, std::size_t got) {
      if (error) throw boost::system::system_error(error);
      if (received + got < load_.reply_bytes) return read(received + got);
      if (--calls_left_ > 0) ask();
    });
  }

  tcp::socket::rebind_executor<asio::io_context::executor_type>::other socket_;
  const calls::Load& load_;
  unsigned calls_left_;
  std::array<char, 4096> buffer_;
};

asio::awaitable<void> call_over_and_over(asio::io_context& io, const calls::Load& load) {
  tcp::socket socket(io);
  co_await socket.async_connect(endpoint_of(load), asio::use_awaitable);
  socket.set_option(tcp::no_delay(true));
  std::array<char, 4096> buffer;
  for (unsigned left = load.calls_each; left > 0; --left) {
    co_await asio::async_write(socket, asio::buffer(load.request), asio::use_awaitable);
    for (std::size_t received = 0; received < load.reply_bytes;) {
      received += co_await socket.async_read_some(asio::buffer(buffer), asio::use_awaitable);
    }
  }
}

}  // namespace

void calls::asio_callbacks(const Load& load) {
  asio::io_context io(1);
  std::deque<Callbacks> connections;
  for (unsigned i = 0; i < load.connections; ++i) connections.emplace_back(io, load);
  io.run();
}

void calls::asio_coroutines(const Load& load) {
  asio::io_context io(1);
  for (unsigned i = 0; i < load.connections; ++i) {
    asio::co_spawn(io, call_over_and_over(io, load), [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    });
  }
  io.run();
}
