// How fast are calls over libuv's sockets?
#include <uv.h>

#include <array>
#include <stdexcept>
#include <vector>

#include "calls.hpp"

namespace {

struct Connection {
  uv_tcp_t tcp;
  uv_connect_t connect;
  uv_write_t write;
  const calls::Load* load;
  unsigned calls_left;
  std::size_t received = 0;
  std::array<char, 4096> buffer;
};

void check(int status) {
  if (status < 0) throw std::runtime_error(uv_strerror(status));
}

void ask(Connection& connection) {
  // The library's documentation has it for small writes: no request, no callback.
  uv_buf_t buffer = uv_buf_init(const_cast<char*>(connection.load->request.data()),
                                static_cast<unsigned>(connection.load->request.size()));
  auto* stream = reinterpret_cast<uv_stream_t*>(&connection.tcp);
  const int written = uv_try_write(stream, &buffer, 1);
  if (written == static_cast<int>(connection.load->request.size())) return;
  const auto done = written > 0 ? static_cast<std::size_t>(written) : 0;
  buffer.base += done;
  buffer.len -= done;
  check(uv_write(&connection.write, stream, &buffer, 1, nullptr));
}

void on_read(uv_stream_t* stream, ssize_t got, const uv_buf_t*) {
  auto& connection = *static_cast<Connection*>(stream->data);
  if (got <= 0) return uv_close(reinterpret_cast<uv_handle_t*>(stream), nullptr);
  connection.received += static_cast<std::size_t>(got);
  if (connection.received < connection.load->reply_bytes) return;
  connection.received = 0;
  if (--connection.calls_left > 0) {
    ask(connection);
  } else {
    uv_close(reinterpret_cast<uv_handle_t*>(stream), nullptr);
  }
}

void on_alloc(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
  auto& room = static_cast<Connection*>(handle->data)->buffer;
  *buffer = uv_buf_init(room.data(), static_cast<unsigned>(room.size()));
}

void on_connect(uv_connect_t* request, int status) {
  check(status);
  auto& connection = *static_cast<Connection*>(request->handle->data);
  check(uv_read_start(request->handle, on_alloc, on_read));
  ask(connection);
}

}  // namespace

void calls::libuv(const Load& load) {
  uv_loop_t loop;
  check(uv_loop_init(&loop));
  sockaddr_in address{};
  uv_ip4_addr("127.0.0.1", load.port, &address);
  std::vector<Connection> connections(load.connections);
  for (Connection& connection : connections) {
    connection.load = &load;
    connection.calls_left = load.calls_each;
    check(uv_tcp_init(&loop, &connection.tcp));
    connection.tcp.data = &connection;
    uv_tcp_nodelay(&connection.tcp, 1);
    check(uv_tcp_connect(&connection.connect, &connection.tcp,
                         reinterpret_cast<const sockaddr*>(&address), on_connect));
  }
  uv_run(&loop, UV_RUN_DEFAULT);
  uv_loop_close(&loop);
  for (const Connection& connection : connections) {
    if (connection.calls_left > 0) throw std::runtime_error("a call over libuv failed");
  }
}
