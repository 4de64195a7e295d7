// Who is let in, and when?  A rate limit, and so many requests in flight with a queue for others.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>

#include "reply.hpp"
#include "settings.hpp"

namespace bench::mock_llm {

/// A token bucket: `rate` requests per second, and `burst` at once after a pause.
class RateLimit {
 public:
  RateLimit(double rate, double burst) : rate_(rate), burst_(burst), tokens_(burst) {}

  /// Nothing: go ahead.  Else refused; after so long, a request would have been let through.
  std::optional<nanoseconds> take(TimePoint now);

 private:
  const double rate_, burst_;
  std::mutex mutex_;
  double tokens_;
  TimePoint last_{};
};

/// At most `limit` requests are in flight, and `queue` wait for a place, first come, first served.
/// Any thread may call.
class Places {
 public:
  Places(std::uint32_t limit, std::uint32_t queue) : limit_(limit), queue_limit_(queue) {}

  class Waiter {
   public:
    virtual ~Waiter() = default;
    /// It has a place now.  Called in the thread of the one that gave it up.
    virtual void on_place() = 0;

   private:
    friend class Places;
    std::list<std::weak_ptr<Waiter>>::iterator in_line_;
    bool waits_ = false;
  };

  enum class Entry : std::uint8_t { placed, queued, refused };
  Entry enter(const std::shared_ptr<Waiter>& waiter);
  /// Gives up a place.
  void leave();
  /// Leaves the queue.  False: it is not there any longer, because it has got a place.
  bool leave_queue(Waiter& waiter);

  /// Nobody gets a place any more.
  void forget_queue();

  std::uint32_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }
  std::uint32_t queued() const { return queued_.load(std::memory_order_relaxed); }

 private:
  const std::uint32_t limit_, queue_limit_;
  std::mutex mutex_;
  std::atomic<std::uint32_t> in_flight_{0}, queued_{0};  // written under the lock
  std::list<std::weak_ptr<Waiter>> line_;
};

}  // namespace bench::mock_llm
