// How does a thread run a turn when all it can do is block?  For the threads family and others.
#pragma once

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <semaphore>
#include <stop_token>

#include "bench/ledger.hpp"
#include "bench/model.hpp"
#include "models/blocking_client.hpp"

namespace bench {

/// The calling thread sleeps; a stop wakes it.
inline void sleep_until(const std::stop_token& stop, Ledger::Clock::time_point moment) {
  std::mutex mutex;
  std::condition_variable changed;
  bool stopped = false;
  const std::stop_callback wake(stop, [&] {
    std::lock_guard lock(mutex);
    stopped = true;
    changed.notify_one();
  });
  std::unique_lock lock(mutex);
  if (changed.wait_until(lock, moment, [&] { return stopped; })) throw Stopped();
}

/// Places for calls, where a workload limits how many may be under way.
class Places {
 public:
  Places(const Limit& limit, const std::stop_token& stop)
      : limited_(limit.in_flight > 0), free_(limit.in_flight), wake_(stop, Wake{*this}) {}

  void take() {
    if (limited_) free_.acquire();
  }
  void give_back() {
    if (limited_) free_.release();
  }

 private:
  /// After a stop there are places for all: they find out as soon as they begin.
  struct Wake {
    Places& places;
    void operator()() const {
      if (places.limited_) places.free_.release(std::numeric_limits<std::int32_t>::max() / 2);
    }
  };
  const bool limited_;
  std::counting_semaphore<> free_;
  std::stop_callback<Wake> wake_;  // last: it uses the others
};

/// Turns, each run by the thread that has it, step by step.  Safe to use from any thread.
class BlockingTurns {
 public:
  BlockingTurns(const Workload& workload, const Resources& resources, Ledger& ledger)
      : workload_(workload),
        ledger_(ledger),
        on_stop_(resources.stop, Stop{stop_source_}),
        over_tcp_(resources.endpoint.port != 0),
        client_(stop_),
        places_(workload.limit, stop_) {}

  /// A whole turn.  A blocking tool is nothing special here.  Calls `before(step)` ahead of each
  /// step.  After an error no other thread waits any more: what all of them throw is the first one.
  void run(const Turn& turn, auto&& before) {
    try {
      Value v = ledger_.start(turn);
      for (const Step& step : turn.steps) {
        before(step);
        v = run_step(step, v);
      }
      ledger_.finish(turn, v);
    } catch (const TurnFailed& failure) {
      ledger_.fail(turn, failure);
    } catch (...) {
      give_up();
    }
  }

  void run(const Turn& turn) {
    run(turn, [](const Step&) {});
  }

 private:
  struct Stop {
    std::stop_source& source;
    void operator()() const { source.request_stop(); }
  };

  [[noreturn]] void give_up() {
    std::unique_lock lock(mutex_);
    if (!error_) error_ = std::current_exception();
    lock.unlock();
    stop_source_.request_stop();
    std::rethrow_exception(error_);
  }

  Value run_step(const Step& step, Value v) {
    switch (step.kind) {
      case StepKind::compute:
        return ledger_.compute(step, v);
      case StepKind::wait:
        sleep_until(stop_, ledger_.begin_wait(step));
        return ledger_.end_wait(step, v);
      case StepKind::block:
        return ledger_.block(step, v);
      case StepKind::call:
        return call(step, v);
    }
    return v;
  }

  Value call(const Step& step, Value v) {
    const Place place(places_);
    if (workload_.limit.interval.count() > 0) sleep_until(stop_, ledger_.reserve(step));
    for (;;) {
      const Ledger::Next next = attempt(step, v);
      if (!next.again) return next.value;
      sleep_until(stop_, next.at);
    }
  }

  Ledger::Next attempt(const Step& step, Value v) {
    if (over_tcp_) return client_.attempt(ledger_, step, v);
    sleep_until(stop_, ledger_.begin_attempt(step));
    return ledger_.end_attempt(step, v);
  }

  struct Place {
    explicit Place(Places& p) : places(p) { places.take(); }
    ~Place() { places.give_back(); }
    Places& places;
  };

  const Workload& workload_;
  Ledger& ledger_;
  std::mutex mutex_;          // guards the next one
  std::exception_ptr error_;  // the first one
  std::stop_source stop_source_;
  const std::stop_token stop_ = stop_source_.get_token();
  const std::stop_callback<Stop> on_stop_;
  const bool over_tcp_;
  BlockingClient client_;
  Places places_;
};

}  // namespace bench
