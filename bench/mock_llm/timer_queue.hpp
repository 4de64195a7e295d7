// Who is due next?  One queue for all connections of a thread, each in it at most once.
#pragma once

#include <cstddef>
#include <vector>

#include "reply.hpp"

namespace bench::mock_llm {

/// What can be in the queue.
class Timed {
 public:
  Timed() = default;
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;
  virtual ~Timed() = default;
  virtual void on_due(TimePoint now) = 0;

 private:
  friend class TimerQueue;
  static constexpr std::size_t nowhere = -1;
  std::size_t place_ = nowhere;
};

/// A binary heap in which each member knows its place, so that it can be moved and taken out.
class TimerQueue {
 public:
  /// Puts it in, or moves it.
  void schedule(Timed& timed, TimePoint due);
  /// Takes it out, if it is there.
  void cancel(Timed& timed);

  bool empty() const { return heap_.empty(); }
  TimePoint next() const { return heap_.front().due; }
  /// Takes out the first.
  Timed& pop();

 private:
  struct Entry {
    TimePoint due;
    Timed* timed;
  };

  void put(std::size_t place, Entry entry);
  void sift(std::size_t place, Entry entry);

  std::vector<Entry> heap_;
};

}  // namespace bench::mock_llm
