// What is sent, and when?  The bytes of a reply, cut into pieces that are due at absolute times;
// knows no sockets and no clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>

#include "decision.hpp"
#include "request.hpp"

namespace bench::mock_llm {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

/// One piece is what leaves with one token: the first brings the head of the reply along, the last
/// all that follows it.  An answer that is not streamed has the same pieces, all due at once.
class Reply {
 public:
  /// What is to be done with the connection after the last piece.
  enum class End : std::uint8_t { keep, close, reset, silence };

  Reply() = default;

  /// An answer, counted from `start`, the moment at which the request was there.
  void begin(const Request& request, const Decision& decision, TimePoint start);
  /// A problem, due at `due`.
  void begin(const Request& request, const Problem& problem, TimePoint due,
             std::optional<nanoseconds> retry_after = {});
  /// A page that is not a completion, due at once.
  void begin(const Request& request, std::string_view content_type, std::string_view body,
             TimePoint start);

  bool over() const { return next_ == pieces_; }
  /// When the next piece is to leave.  Not once it is over.
  TimePoint due() const { return due_of(next_); }
  TimePoint due_of(std::uint32_t piece) const;
  /// The pieces before this one have been taken.
  std::uint32_t next() const { return next_; }
  /// Whether a piece has a target time of its own: the tokens of a stream, and the last of others.
  bool timed(std::uint32_t piece) const { return streamed_ || piece + 1 == pieces_; }
  /// Whether a token comes with it.
  bool is_token(std::uint32_t piece) const { return piece < tokens_ && piece != halved_; }

  /// Appends the pieces due at `now`, or as many of them as make at most `most` bytes: at least
  /// one.
  void take(TimePoint now, std::size_t most, std::string& out);

  End end() const { return end_; }
  /// To be written in parts of a few bytes.
  bool split() const { return split_; }

 private:
  void clear(const Request& request);
  void begin_page(const Request& request, int status, std::string_view content_type,
                  std::string_view body, std::optional<nanoseconds> retry_after);
  void write_stream(const Request& request, bool garbage);
  void write_plain(const Completion& asked);
  void stop_halfway(End end);

  static constexpr std::uint32_t no_piece = std::numeric_limits<std::uint32_t>::max();

  TimePoint first_;  // when the first piece is due
  nanoseconds gap_{0};
  std::uint32_t next_ = 0, pieces_ = 0;
  std::uint32_t tokens_ = 0;         // of an unspoilt reply; 0: it is no completion
  std::uint32_t twice_ = no_piece;   // the piece that is sent twice
  std::uint32_t halved_ = no_piece;  // the piece of which half is sent
  bool streamed_ = false, split_ = false;
  End end_ = End::keep;
  // All tokens but the last are the same word.
  std::string head_, filler_, last_, tail_;
};

}  // namespace bench::mock_llm
