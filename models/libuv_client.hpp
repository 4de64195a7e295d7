// How does a loop of libuv call over TCP?  With a uv_tcp_t for each call under way.
#pragma once

#include <uv.h>

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "bench/model.hpp"
#include "models/libuv_loop.hpp"

namespace bench::libuv_family {

/// Calls of any number of callers, all from callbacks of the loop.  A caller, which tells them
/// apart, is anything that can be copied.
template <class Caller>
class Client {
 public:
  /// `on_over` is called from the loop when an attempt is over, never from within `attempt`.  The
  /// exchange is its own until it begins another attempt.
  using OnOver = std::function<void(const Caller&, const Exchange&)>;
  Client(LoopRun& run, OnOver on_over) : run_(run), on_over_(std::move(on_over)) {}

  /// Begins an attempt: sends at once if a connection is idle.
  void attempt(const Step& step, const Caller& caller) {
    std::unique_ptr<Exchange> exchange = take_exchange();
    const TimePoint deadline = run_.ledger.begin_attempt(step, *exchange);
    const bool may_share = exchange->keep_alive() && exchange->port() == run_.endpoint.port;
    const bool connected = may_share && !idle_.empty();
    Connection& connection = connected ? take(idle_) : take_unused();
    connection.exchange = std::move(exchange);
    connection.caller = caller;
    connection.deadline = deadline;
    look_at(deadline);
    if (connected) {
      uv_ref(handle_of(connection));
      send(connection);
    } else {
      connect(connection);
    }
  }

 private:
  struct Connection {
    explicit Connection(Client& c) : client(c) {}
    Client& client;
    uv_tcp_t tcp;  // its `data` points back here
    uv_connect_t connecting;
    uv_write_t writing;
    std::unique_ptr<Exchange> exchange;  // none: the connection is idle, or closed
    Caller caller;
    TimePoint deadline;  // the caller waits no longer
  };

  static uv_handle_t* handle_of(Connection& c) { return reinterpret_cast<uv_handle_t*>(&c.tcp); }
  static uv_stream_t* stream_of(Connection& c) { return reinterpret_cast<uv_stream_t*>(&c.tcp); }
  static Connection& connection_of(void* data) { return *static_cast<Connection*>(data); }

  static Connection& take(std::vector<Connection*>& list) {
    Connection& last = *list.back();
    list.pop_back();
    return last;
  }

  Connection& take_unused() {
    if (unused_.empty()) return connections_.emplace_back(*this);
    return take(unused_);
  }

  std::unique_ptr<Exchange> take_exchange() {
    if (exchanges_.empty()) return std::make_unique<Exchange>();
    std::unique_ptr<Exchange> last = std::move(exchanges_.back());
    exchanges_.pop_back();
    return last;
  }

  /// An error that is no answer of the peer's, but means that this machine cannot do it.
  static void check_machine(int status, const char* what) {
    for (const int lack : {UV_EMFILE, UV_ENFILE, UV_ENOBUFS, UV_ENOMEM, UV_EADDRNOTAVAIL}) {
      if (status == lack) check(status, what);
    }
  }

  // ---- connect, send, receive ----

  void connect(Connection& connection) {
    check(uv_tcp_init(&run_.loop, &connection.tcp), "uv_tcp_init");
    connection.tcp.data = connection.connecting.data = connection.writing.data = &connection;
    check(uv_tcp_nodelay(&connection.tcp, 1), "uv_tcp_nodelay");
    sockaddr_in address;
    check(uv_ip4_addr("127.0.0.1", connection.exchange->port(), &address), "uv_ip4_addr");
    check(uv_tcp_connect(&connection.connecting, &connection.tcp,
                         reinterpret_cast<const sockaddr*>(&address), on_connected),
          "uv_tcp_connect");
  }

  static void on_connected(uv_connect_t* request, int status) {
    if (status == UV_ECANCELED) return;  // we closed it
    Connection& connection = connection_of(request->data);
    Client& client = connection.client;
    client.run_.guarded([&] {
      check_machine(status, "connect");
      if (status == 0) {
        check(uv_read_start(stream_of(connection), on_alloc, on_read), "uv_read_start");
        return client.send(connection);
      }
      if (status == UV_ECONNREFUSED) {
        connection.exchange->on_refused();
      } else {
        connection.exchange->on_closed();
      }
      client.end(connection);
    });
  }

  /// Most often the kernel takes all at once.  If it does not because the peer has closed, what is
  /// read next says so.
  void send(Connection& connection) {
    const std::string_view bytes = connection.exchange->request();
    uv_buf_t rest =
        uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
    const int sent = uv_try_write(stream_of(connection), &rest, 1);
    check_machine(sent, "uv_try_write");
    if (sent == static_cast<int>(bytes.size()) || (sent < 0 && sent != UV_EAGAIN)) return;
    if (sent > 0) {
      rest.base += sent;
      rest.len -= static_cast<std::size_t>(sent);
    }
    check(uv_write(&connection.writing, stream_of(connection), &rest, 1, nullptr), "uv_write");
  }

  /// Connections are read one after another: one buffer is enough.
  static void on_alloc(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    auto& room = connection_of(handle->data).client.buffer_;
    *buffer = uv_buf_init(room.data(), room.size());
  }

  static void on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
    if (count == 0) return;  // nothing there after all
    Connection& connection = connection_of(stream->data);
    Client& client = connection.client;
    client.run_.guarded([&] {
      if (!connection.exchange) return client.drop_idle(connection);
      if (count < 0) {
        check_machine(static_cast<int>(count), "read");
        connection.exchange->on_closed();
      } else {
        connection.exchange->receive({buffer->base, static_cast<std::size_t>(count)});
      }
      if (connection.exchange->over()) client.end(connection);
    });
  }

  // ---- the end of an attempt ----

  /// A connection that is kept goes on reading, which tells when the peer closes it, but does not
  /// keep the loop alive.
  void end(Connection& connection) {
    exchanges_.push_back(std::move(connection.exchange));
    const Exchange& exchange = *exchanges_.back();
    const bool all_sent = uv_stream_get_write_queue_size(stream_of(connection)) == 0;
    if (exchange.connection_reusable() && all_sent) {
      uv_unref(handle_of(connection));
      idle_.push_back(&connection);
    } else {
      uv_close(handle_of(connection), on_closed);
    }
    on_over_(Caller(connection.caller), exchange);  // a copy: who is called may call in turn
  }

  void drop_idle(Connection& connection) {
    std::erase(idle_, &connection);
    uv_close(handle_of(connection), on_closed);
  }

  static void on_closed(uv_handle_t* handle) {
    Connection& connection = connection_of(handle->data);
    Client& client = connection.client;
    client.run_.guarded([&] { client.unused_.push_back(&connection); });
  }

  // ---- time-outs ----

  /// There is one timer for all.  It fires at the first deadline of the attempts that there were
  /// when it was set, and then looks at all.  Most have long been over: an attempt does not start
  /// the timer, and its end does not stop it.
  void look_at(TimePoint deadline) {
    if (deadline >= looks_at_) return;
    if (!patience_.data) {
      check(uv_timer_init(&run_.loop, &patience_), "uv_timer_init");
      patience_.data = this;
      uv_unref(reinterpret_cast<uv_handle_t*>(&patience_));  // sockets keep the loop alive
    }
    start_timer(patience_, deadline, on_patience);
    looks_at_ = deadline;
  }

  static void on_patience(uv_timer_t* timer) {
    Client& client = *static_cast<Client*>(timer->data);
    client.run_.guarded([&] { client.end_overdue(); });
  }

  void end_overdue() {
    looks_at_ = TimePoint::max();
    const TimePoint now{std::chrono::milliseconds(uv_now(&run_.loop))};
    for (std::size_t i = 0; i < connections_.size(); ++i) {  // there may be more of them meanwhile
      Connection& connection = connections_[i];
      if (!connection.exchange) continue;
      if (connection.deadline > now) {
        look_at(connection.deadline);
      } else {
        connection.exchange->on_timed_out();
        end(connection);
      }
    }
  }

  LoopRun& run_;
  OnOver on_over_;
  std::deque<Connection> connections_;  // does not move them
  std::vector<Connection*> idle_, unused_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;  // of no attempt at present
  uv_timer_t patience_{};
  TimePoint looks_at_ = TimePoint::max();
  std::array<char, 16 * 1024> buffer_;
};

}  // namespace bench::libuv_family
