// What does one thread of the server wait for?  Sockets, and the next of all its times.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <unordered_map>
#include <utility>

#include "timer_queue.hpp"

namespace bench::mock_llm {

/// One timer of Asio's serves all connections: a thousand streams are then no thousand timers, and
/// tokens that are due within a tenth of a millisecond leave together.
class Loop {
 public:
  Loop() : io_(1), timer_(io_) {}
  /// All that it keeps goes before what it is made of.
  ~Loop() { std::exchange(kept_, {}).clear(); }

  boost::asio::io_context& io() { return io_; }

  /// `timed` hears of it at `due` or soon after, once, unless it is cancelled or scheduled anew.
  void schedule(Timed& timed, TimePoint due);
  void cancel(Timed& timed) { queue_.cancel(timed); }

  /// It lives until it is dropped, or the loop ends.  Dropped, it lives until the loop turns.
  void keep(std::shared_ptr<Timed> timed);
  void drop(Timed& timed);

 private:
  void arm();
  void on_timer();

  TimerQueue queue_;  // outlives the connections, also those of which something waits in io_
  std::unordered_map<const Timed*, std::shared_ptr<Timed>> kept_;
  boost::asio::io_context io_;
  boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>,
                                    boost::asio::io_context::executor_type>
      timer_;
  TimePoint armed_ = TimePoint::max();  // when the timer fires
  TimePoint woken_{};
  bool in_on_timer_ = false;
};

}  // namespace bench::mock_llm
