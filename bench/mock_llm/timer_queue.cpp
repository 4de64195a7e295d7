// Who is due next?
#include "timer_queue.hpp"

#include <utility>

namespace bench::mock_llm {

void TimerQueue::put(std::size_t place, Entry entry) {
  heap_[place] = entry;
  entry.timed->place_ = place;
}

/// Finds the place for an entry, given one that is free.
void TimerQueue::sift(std::size_t place, Entry entry) {
  while (place > 0) {
    const std::size_t parent = (place - 1) / 2;
    if (heap_[parent].due <= entry.due) break;
    put(place, heap_[parent]);
    place = parent;
  }
  for (;;) {
    std::size_t child = 2 * place + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].due < heap_[child].due) ++child;
    if (heap_[child].due >= entry.due) break;
    put(place, heap_[child]);
    place = child;
  }
  put(place, entry);
}

void TimerQueue::schedule(Timed& timed, TimePoint due) {
  if (timed.place_ == Timed::nowhere) {
    heap_.push_back({});
    sift(heap_.size() - 1, {due, &timed});
  } else {
    sift(timed.place_, {due, &timed});
  }
}

void TimerQueue::cancel(Timed& timed) {
  const std::size_t place = std::exchange(timed.place_, Timed::nowhere);
  if (place == Timed::nowhere) return;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (last.timed != &timed) sift(place, last);
}

Timed& TimerQueue::pop() {
  Timed& first = *heap_.front().timed;
  cancel(first);
  return first;
}

}  // namespace bench::mock_llm
