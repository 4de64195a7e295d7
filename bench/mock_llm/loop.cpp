// What does one thread of the server wait for?
#include "loop.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

namespace bench::mock_llm {

constexpr std::chrono::microseconds shortest_sleep(100);

void Loop::schedule(Timed& timed, TimePoint due) {
  queue_.schedule(timed, due);
  if (!in_on_timer_) arm();
}

void Loop::arm() {
  if (queue_.empty()) return;
  const TimePoint due = std::max(queue_.next(), woken_ + shortest_sleep);
  if (due >= armed_) return;  // it may fire for one that was cancelled, and then finds nothing due
  armed_ = due;
  timer_.expires_at(due);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) on_timer();
  });
}

void Loop::keep(std::shared_ptr<Timed> timed) {
  const Timed* key = timed.get();
  kept_.emplace(key, std::move(timed));
}

void Loop::drop(Timed& timed) {
  const auto found = kept_.find(&timed);
  if (found == kept_.end()) return;
  boost::asio::post(io_, [last = std::move(found->second)] {});
  kept_.erase(found);
}

void Loop::on_timer() {
  const TimePoint now = Clock::now();
  woken_ = now;
  armed_ = TimePoint::max();
  in_on_timer_ = true;
  while (!queue_.empty() && queue_.next() <= now) queue_.pop().on_due(now);
  in_on_timer_ = false;
  arm();
}

}  // namespace bench::mock_llm
