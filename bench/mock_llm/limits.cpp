// Who is let in, and when?
#include "limits.hpp"

#include <algorithm>
#include <cmath>

namespace bench::mock_llm {

std::optional<nanoseconds> RateLimit::take(TimePoint now) {
  if (rate_ == 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (last_ == TimePoint{}) last_ = now;
  if (now > last_) {
    const std::chrono::duration<double> passed = now - last_;
    tokens_ = std::min(burst_, tokens_ + passed.count() * rate_);
    last_ = now;
  }
  if (tokens_ >= 1) {
    tokens_ -= 1;
    return std::nullopt;
  }
  return nanoseconds(static_cast<std::int64_t>(std::ceil((1 - tokens_) / rate_ * 1e9)));
}

Places::Entry Places::enter(const std::shared_ptr<Waiter>& waiter) {
  const std::lock_guard lock(mutex_);
  if (in_flight_ < limit_) {
    ++in_flight_;
    return Entry::placed;
  }
  if (queued_ >= queue_limit_) return Entry::refused;
  ++queued_;
  waiter->in_line_ = line_.insert(line_.end(), waiter);
  waiter->waits_ = true;
  return Entry::queued;
}

void Places::leave() {
  std::shared_ptr<Waiter> next;
  {
    const std::lock_guard lock(mutex_);
    while (!next && !line_.empty()) {
      next = line_.front().lock();
      line_.pop_front();
      --queued_;
    }
    if (next) {
      next->waits_ = false;  // and takes over the place
    } else {
      --in_flight_;
    }
  }
  if (next) next->on_place();
}

bool Places::leave_queue(Waiter& waiter) {
  const std::lock_guard lock(mutex_);
  if (!waiter.waits_) return false;
  waiter.waits_ = false;
  if (!line_.empty()) line_.erase(waiter.in_line_);
  --queued_;
  return true;
}

void Places::forget_queue() {
  const std::lock_guard lock(mutex_);
  line_.clear();
}

}  // namespace bench::mock_llm
