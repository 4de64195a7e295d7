// What do the libuv models share whose turns all live on the loop?  Waits, and calls, by timers.
#pragma once

#include <uv.h>

#include <deque>
#include <utility>
#include <vector>

#include "bench/model.hpp"
#include "models/libuv_client.hpp"
#include "models/libuv_loop.hpp"

namespace bench::libuv_family {

/// A turn on its way, and the timer of its waits.
struct RunningTurn {
  uv_timer_t timer;  // its `data` points back here
  Value value;
  TurnId id;
  std::uint32_t position;  // of the step under way
};

/// A run whose turns all live on the loop, and whose waits are timers.  A timer that has fired can
/// be started again: each serves one turn after another, and none is closed before the run is over.
class TimerRun : public LoopRun {
 public:
  /// Room for all turns, because a handle must not move.  Only what is used takes memory.
  TimerRun(const Workload& w, const Resources& resources, Ledger& l)
      : LoopRun(w, resources, l),
        client_(*this, [this](RunningTurn* running,
                              const Exchange& exchange) { on_over(*running, exchange); }),
        places_(w.limit.in_flight) {
    turns_.reserve(w.turns.size());
  }

  void run() {
    loop.data = this;
    run_loop([this] {
      plan.for_each_root([this](const Turn& turn) {
        start_turn(turn);
        start_ready_turns();
      });
    });
  }

  static TimerRun& of(const uv_timer_t& timer) { return *static_cast<TimerRun*>(timer.loop->data); }

  /// The body of every callback, which takes a turn on; then the turns start that it has made
  /// ready.
  void callback(RunningTurn& running, auto&& body) {
    guarded([&] {
      take_on(running, body);
      start_ready_turns();
    });
  }

  const Step& step_of(const RunningTurn& running) const {
    return workload.turns[running.id].steps[running.position];
  }

  // ---- wait: a timer on the loop ----

  void begin_wait(RunningTurn& running, uv_timer_cb on_timer) {
    start_timer(running.timer, ledger.begin_wait(step_of(running)), on_timer);
  }

  // ---- call: attempts, and the time between them ----

  void begin_call(RunningTurn& running) {
    if (workload.limit.in_flight == 0) return begin_attempt(running);
    queue_.push_back(&running);
    give_out_places();
  }

  // ---- turns ----

  void end_step(RunningTurn& running, Value v) {
    running.value = v;
    ++running.position;
    begin_step(running);
  }

  void finish_turn(RunningTurn& running) {
    ledger.finish(workload.turns[running.id], running.value);
    end_turn(running);
  }

 private:
  virtual void begin_step(RunningTurn& running) = 0;

  void begin_attempt(RunningTurn& running) {
    const Step& step = step_of(running);
    if (over_tcp()) {
      client_.attempt(step, &running);
    } else {
      start_timer(running.timer, ledger.begin_attempt(step), on_attempt_timer);
    }
  }

  static void on_attempt_timer(uv_timer_t* timer) {
    auto& running = *static_cast<RunningTurn*>(timer->data);
    TimerRun& run = of(*timer);
    run.end_attempt(running,
                    [&] { return run.ledger.end_attempt(run.step_of(running), running.value); });
  }

  void on_over(RunningTurn& running, const Exchange& exchange) {
    end_attempt(running,
                [&] { return ledger.end_attempt(step_of(running), running.value, exchange); });
  }

  void end_attempt(RunningTurn& running, auto&& end) {
    callback(running, [&] {
      Ledger::Next next;
      try {
        next = end();
      } catch (const TurnFailed&) {
        give_back_place();
        throw;
      }
      if (next.again) return start_timer(running.timer, next.at, on_next_attempt);
      give_back_place();
      end_step(running, next.value);
    });
  }

  static void on_next_attempt(uv_timer_t* timer) {
    auto& running = *static_cast<RunningTurn*>(timer->data);
    TimerRun& run = of(*timer);
    run.callback(running, [&] { run.begin_attempt(running); });
  }

  // ---- limited calls: first come, first served ----

  void give_out_places() {
    for (; places_ > 0 && !queue_.empty(); --places_) {
      RunningTurn& running = *queue_.front();
      queue_.pop_front();
      if (workload.limit.interval.count() > 0) {
        start_timer(running.timer, ledger.reserve(step_of(running)), on_next_attempt);
      } else {
        begin_attempt(running);
      }
    }
  }

  void give_back_place() {
    if (workload.limit.in_flight == 0) return;
    ++places_;
    give_out_places();
  }

  // ---- turns ----

  /// If the turn fails, that is the end of it alone.
  void take_on(RunningTurn& running, auto&& body) {
    try {
      body();
    } catch (const TurnFailed& failure) {
      ledger.fail(workload.turns[running.id], failure);
      end_turn(running);
    }
  }

  /// The turns that waited for nothing else are ready, and start when the callback ends.
  void end_turn(RunningTurn& running) {
    running.timer.data = std::exchange(idle_, &running);
    plan.for_each_ready_after(workload.turns[running.id],
                              [this](const Turn& next) { ready_.push_back(&next); });
  }

  /// A list, not recursion: a turn may finish where it starts, and chains of such turns are long.
  void start_ready_turns() {
    while (!ready_.empty()) {
      const Turn& turn = *ready_.back();
      ready_.pop_back();
      start_turn(turn);
    }
  }

  void start_turn(const Turn& turn) {
    if (!idle_) {
      idle_ = &turns_.emplace_back();
      check(uv_timer_init(&loop, &idle_->timer), "uv_timer_init");
    }
    RunningTurn& running = *idle_;
    idle_ = static_cast<RunningTurn*>(std::exchange(running.timer.data, &running));
    running.id = turn.id;
    running.position = 0;
    take_on(running, [&] {
      running.value = ledger.start(turn);
      begin_step(running);
    });
  }

  std::vector<RunningTurn> turns_;
  RunningTurn* idle_ = nullptr;  // the first of a list, whose links are the timers' `data`
  std::vector<const Turn*> ready_;
  Client<RunningTurn*> client_;
  std::deque<RunningTurn*> queue_;  // for a place
  std::uint32_t places_;            // that are free
};

}  // namespace bench::libuv_family
