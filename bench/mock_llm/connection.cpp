// How is one client served?
#include "connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <cstring>

#include "bench/random.hpp"

namespace bench::mock_llm {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using namespace std::chrono_literals;

constexpr std::size_t first_input_bytes = 1 << 10;
constexpr std::size_t unusual_bytes = 32 << 10;       // a connection that holds more gives it back
constexpr std::size_t scarce_output_bytes = 4 << 10;  // of a reply, when others hold a lot
constexpr std::size_t most_drained_bytes = 8 << 20;
constexpr auto drain_time = 2s;        // for a client to read the last word and close
constexpr auto longest_blocked = 60s;  // for a client to read anything at all

}  // namespace

Connection::Connection(Socket socket, Loop& loop, Shared& shared)
    : socket_(std::move(socket)), loop_(loop), shared_(shared) {
  shared_.open_connections.fetch_add(1, std::memory_order_relaxed);
}

Connection::~Connection() {
  close();  // the server ends
  shared_.buffered_bytes.fetch_sub(accounted_bytes_, std::memory_order_relaxed);
}

void Connection::start() {
  loop_.keep(shared_from_this());
  error_code ignored;  // a connection that is broken already shows when it is read
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  read();
}

// ---- What happens ----

void Connection::on_read(error_code error, std::size_t n) {
  reads_ = false;
  if (phase_ == Phase::closed) return;
  if (error) return close();
  if (phase_ == Phase::draining) {
    drained_bytes_ += n;
    return drained_bytes_ > most_drained_bytes ? close() : read();
  }
  input_end_ += n;
  read_filled_ = input_end_ == input_.size();
  if (phase_ == Phase::reading) advance(Clock::now());
  read();
}

void Connection::on_due(TimePoint now) {
  switch (phase_) {
    case Phase::reading:
      has_deadline_ = false;
      refuse(408, "the request took too long to arrive", now);
      return advance(now);
    case Phase::answering:
      return blocked_ ? close() : advance(now);
    case Phase::draining:
      return close();
    case Phase::queued:
    case Phase::closed:
      return;
  }
}

void Connection::on_place() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->has_place_ = true;
    if (self->phase_ == Phase::closed) return self->leave_place();
    const TimePoint now = Clock::now();
    self->begin_answer(now);
    self->advance(now);
  });
}

/// As far as it goes without waiting.
void Connection::advance(TimePoint now) {
  for (;;) {
    if (phase_ == Phase::reading && !next_request(now)) return;
    if (phase_ != Phase::answering || !answer(now)) return;
  }
}

// ---- Requests ----

/// True: there is something to answer.
bool Connection::next_request(TimePoint& now) {
  std::size_t consumed = 0;
  const auto state =
      reader_.read({input_.data() + input_begin_, input_end_ - input_begin_}, consumed);
  input_begin_ += consumed;
  account();
  if (state == RequestReader::State::incomplete || state == RequestReader::State::expects) {
    if (shared_.buffered_bytes.load(std::memory_order_relaxed) > most_buffered_bytes &&
        accounted_bytes_ > unusual_bytes) {
      refuse(503, "the server holds as much of other requests as it may", now);
      return true;
    }
    if (state == RequestReader::State::expects) {
      error_code ignored;
      socket_.write_some(asio::buffer("HTTP/1.1 100 Continue\r\n\r\n", 25), ignored);
    }
    if (reader_.begun() && !has_deadline_) {
      has_deadline_ = true;
      loop_.schedule(*this, now + shared_.settings.patience);
    }
    read();
    return false;
  }
  if (std::exchange(has_deadline_, false)) loop_.cancel(*this);
  if (state == RequestReader::State::refused) {
    refused_ = true;
    reply_.begin(reader_.request(), reader_.request().problem, now);
    phase_ = Phase::answering;
    return true;
  }
  return serve(now);
}

bool Connection::serve(TimePoint now) {
  const Request& request = reader_.request();
  phase_ = Phase::answering;
  switch (request.kind) {
    case Request::Kind::completion:
      return serve_completion(now);
    case Request::Kind::problem:
      reply_.begin(request, request.problem, now);
      return true;
    case Request::Kind::health:
      reply_.begin(request, "text/plain", "ok", now);
      return true;
    case Request::Kind::stats:
      reply_.begin(request, "application/json", shared_.stats(), now);
      return true;
    case Request::Kind::models:
      reply_.begin(request, "application/json",
                   R"({"object":"list","data":[{"id":"mock","object":"model","created":0,)"
                   R"("owned_by":"interleave"}]})",
                   now);
      return true;
  }
  return true;
}

bool Connection::serve_completion(TimePoint now) {
  const Request& request = reader_.request();
  shared_.requests.fetch_add(1, std::memory_order_relaxed);
  if (const auto wait = shared_.rate_limit.take(now)) {
    reply_.begin(request,
                 Problem{.status = 429,
                         .message = "more requests per second than the rate limit",
                         .type = "requests",
                         .code = "rate_limit_exceeded"},
                 now, wait);
    return true;
  }
  decision_ = decide(request, shared_.settings);
  switch (shared_.places.enter(shared_from_this())) {
    case Places::Entry::placed:
      has_place_ = true;
      begin_answer(now);
      return true;
    case Places::Entry::queued:
      phase_ = Phase::queued;
      return false;
    case Places::Entry::refused:
      reply_.begin(request,
                   Problem{.status = 503,
                           .message = "too many requests are in flight and in the queue",
                           .type = "server_error",
                           .code = "overloaded"},
                   now);
      return true;
  }
  return true;
}

void Connection::begin_answer(TimePoint now) {
  phase_ = Phase::answering;
  const std::uint32_t others = shared_.places.in_flight() - 1;
  reply_.begin(reader_.request(), under_load(decision_, shared_.settings.load_factor, others), now);
}

/// For what is no request.
void Connection::refuse(int status, std::string message, TimePoint now) {
  if (std::exchange(has_deadline_, false)) loop_.cancel(*this);
  refused_ = true;
  const Request nothing;
  reply_.begin(nothing, Problem{.status = status, .message = std::move(message)}, now);
  phase_ = Phase::answering;
}

// ---- Replies ----

/// True: the reply has left, and the next request may come.
bool Connection::answer(TimePoint now) {
  for (;;) {
    if (sent_ < output_.size()) {
      if (!write()) return false;
      now = Clock::now();
      written(now);
    }
    if (reply_.over()) return finish(now);
    if (reply_.due() > now && reply_.due() > (now = Clock::now())) {
      loop_.schedule(*this, reply_.due());
      return false;
    }
    first_piece_ = reply_.next();
    output_.clear();
    sent_ = 0;
    was_blocked_ = false;
    const bool much =
        shared_.buffered_bytes.load(std::memory_order_relaxed) > most_buffered_bytes / 2;
    reply_.take(now, much ? scarce_output_bytes : most_output_bytes, output_);
    account();
  }
}

/// True: all that there was has left.
bool Connection::write() {
  while (sent_ < output_.size()) {
    std::size_t n = output_.size() - sent_;
    if (reply_.split()) n = std::min<std::size_t>(n, 1 + mix64(splits_++) % 7);
    error_code error;
    const std::size_t done = socket_.write_some(asio::buffer(output_.data() + sent_, n), error);
    sent_ += done;
    if (error == asio::error::would_block || error == asio::error::try_again) {
      wait_until_writable();
      return false;
    }
    if (error) {
      close();
      return false;
    }
    if (reply_.split() && sent_ < output_.size()) {
      // Others' bytes go in between, and the client may see these alone.
      asio::post(socket_.get_executor(), [self = shared_from_this()] {
        if (self->phase_ == Phase::answering) self->advance(Clock::now());
      });
      return false;
    }
  }
  return true;
}

void Connection::wait_until_writable() {
  blocked_ = was_blocked_ = true;
  loop_.schedule(*this, Clock::now() + longest_blocked);
  socket_.async_wait(Socket::wait_write, [self = shared_from_this()](error_code error) {
    if (error || self->phase_ != Phase::answering) return;
    self->blocked_ = false;
    self->loop_.cancel(*self);
    self->advance(Clock::now());
  });
}

/// Counts what has left.  What had to wait for the client, or was to come in bits, tells nothing of
/// how late this server is.
void Connection::written(TimePoint now) {
  std::uint64_t tokens = 0;
  for (std::uint32_t piece = first_piece_; piece < reply_.next(); ++piece) {
    tokens += reply_.is_token(piece);
    if (has_place_ && !was_blocked_ && !reply_.split() && reply_.timed(piece)) {
      shared_.lateness.add(now - reply_.due_of(piece));
    }
  }
  if (tokens > 0) shared_.tokens.fetch_add(tokens, std::memory_order_relaxed);
}

bool Connection::finish(TimePoint now) {
  using End = Reply::End;
  const End end = refused_ ? End::close : reply_.end();
  if (end == End::silence) return false;  // until the client closes
  leave_place();
  output_.clear();
  sent_ = 0;
  if (end == End::keep) {
    phase_ = Phase::reading;
    if (accounted_bytes_ > unusual_bytes) {
      output_.shrink_to_fit();
      reader_.shrink();
    }
    return true;
  }
  error_code ignored;
  if (end == End::reset) {
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    close();
    return false;
  }
  // Closed at once with something unread, the connection would be reset, and the reply lost.
  phase_ = Phase::draining;
  socket_.shutdown(Socket::shutdown_send, ignored);
  loop_.schedule(*this, now + drain_time);
  read();
  return false;
}

// ---- The rest ----

void Connection::read() {
  if (reads_ || phase_ == Phase::closed) return;
  if (phase_ == Phase::draining) input_begin_ = input_end_;
  if (input_begin_ > 0) {
    std::memmove(input_.data(), input_.data() + input_begin_, input_end_ - input_begin_);
    input_end_ -= std::exchange(input_begin_, 0);
  }
  if (input_.empty()) {
    input_.resize(first_input_bytes);
  } else if (std::exchange(read_filled_, false) && input_.size() < most_input_bytes) {
    input_.resize(2 * input_.size());
  }
  if (input_end_ == input_.size()) return;
  reads_ = true;
  socket_.async_read_some(
      asio::buffer(input_.data() + input_end_, input_.size() - input_end_),
      [self = shared_from_this()](error_code error, std::size_t n) { self->on_read(error, n); });
}

void Connection::leave_place() {
  if (std::exchange(has_place_, false)) shared_.places.leave();
}

void Connection::account() {
  const std::size_t bytes = input_.capacity() + output_.capacity() + reader_.bytes_held();
  if (bytes == accounted_bytes_) return;
  shared_.buffered_bytes.fetch_add(bytes - accounted_bytes_, std::memory_order_relaxed);
  accounted_bytes_ = bytes;
}

void Connection::close() {
  if (phase_ == Phase::closed) return;
  if (phase_ == Phase::queued) shared_.places.leave_queue(*this);
  phase_ = Phase::closed;
  loop_.cancel(*this);
  leave_place();
  error_code ignored;
  socket_.close(ignored);
  loop_.drop(*this);
  shared_.open_connections.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace bench::mock_llm
