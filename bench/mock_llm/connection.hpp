// How is one client served?  The bytes of its connection, moved to the reader and from the reply.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <vector>

#include "loop.hpp"
#include "reply.hpp"
#include "request.hpp"
#include "shared.hpp"

namespace bench::mock_llm {

using Socket =
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

/// One request after the other.  While one is answered, what the client sends next waits in a
/// small buffer and then in the kernel.  A client that closes, also only its own half, is gone:
/// what it waited for is dropped, as a server must that wants to notice cancelled calls.
///
/// Its loop keeps it until it is closed.
class Connection final : public Timed,
                         public Places::Waiter,
                         public std::enable_shared_from_this<Connection> {
 public:
  Connection(Socket socket, Loop& loop, Shared& shared);
  ~Connection() override;

  void start();
  void on_due(TimePoint now) override;
  void on_place() override;

 private:
  enum class Phase : std::uint8_t {
    reading,    // a request, or waiting for one
    queued,     // the request waits for a place
    answering,  // or keeping silent
    draining,   // has said its last word, and lets the client read it
    closed,
  };

  void advance(TimePoint now);
  bool next_request(TimePoint& now);
  bool serve(TimePoint now);
  bool serve_completion(TimePoint now);
  void begin_answer(TimePoint now);
  void refuse(int status, std::string message, TimePoint now);
  bool answer(TimePoint now);
  bool write();
  void written(TimePoint now);
  bool finish(TimePoint now);

  void read();
  void on_read(boost::system::error_code error, std::size_t n);
  void wait_until_writable();
  void leave_place();
  void account();
  void close();

  Socket socket_;
  Loop& loop_;
  Shared& shared_;
  Phase phase_ = Phase::reading;
  bool reads_ = false, read_filled_ = false, has_place_ = false, has_deadline_ = false;
  bool blocked_ = false, was_blocked_ = false, refused_ = false;

  std::vector<char> input_;
  std::size_t input_begin_ = 0, input_end_ = 0;  // what the reader has not taken yet
  RequestReader reader_;
  Decision decision_;

  Reply reply_;
  std::string output_;
  std::size_t sent_ = 0;
  std::uint32_t first_piece_ = 0;  // of those in output_
  std::uint64_t splits_ = 0;
  std::size_t accounted_bytes_ = 0, drained_bytes_ = 0;
};

}  // namespace bench::mock_llm
