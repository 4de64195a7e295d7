// libuv: one event loop, callbacks, timers, and the library's worker pool for what takes long.
//
// The idea      One thread owns all state and never blocks; each callback begins the next step.
// A wait        costs a timer handle.  Timers count whole milliseconds: a wait ends up to 2 ms
// late. Computing     is queued to the pool of `workers` threads; its result comes back to the
// loop. Next turn     started on the loop when the handle of the last turn it waited for has
// closed. Rung          idiomatic.
#include <uv.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <system_error>

#include "bench/model.hpp"
#include "bench/plan.hpp"

const bench::Model bench::model{"libuv", Rung::idiomatic, Structure::workers, uv_version_string()};

namespace {

using namespace bench;

/// What all callbacks share.
struct Run {
  Ledger& ledger;
  Plan plan;
  uv_loop_t loop;
  std::exception_ptr error;  // the first one: the run is being taken down
};

/// A turn on its way; lives until its timer handle has closed.
struct RunningTurn {
  RunningTurn(Run& r, const Turn& t) : run(r), turn(t) {}

  Run& run;
  const Turn& turn;
  std::size_t position = 0;  // of the step under way
  Value value = 0;
  bool on_pool = false;      // the step is queued or running there
  std::exception_ptr error;  // thrown by the step, there
  uv_timer_t timer;
  uv_work_t work;

  const Step& step() const { return turn.steps[position]; }
};

void check(int status, const char* what) {
  if (status < 0) {
    throw std::system_error(-status, std::generic_category(), std::string("libuv: ") + what);
  }
}

void take_down(Run& run);

/// The body of every callback: an exception must not cross libuv, which is written in C.
void guarded(Run& run, auto&& body) {
  try {
    body();
  } catch (...) {
    if (run.error) return;
    run.error = std::current_exception();
    take_down(run);
  }
}

void begin_step(RunningTurn& running);
void finish_turn(RunningTurn& running);
void close_turn(RunningTurn& running);

void end_step(RunningTurn& running) {
  ++running.position;
  if (running.position < running.turn.steps.size()) {
    begin_step(running);
  } else {
    finish_turn(running);
  }
}

// ---- compute, and tools that block: on the pool ----

void on_work(uv_work_t* work) {
  auto& running = *static_cast<RunningTurn*>(work->data);
  Ledger& ledger = running.run.ledger;
  const Step& step = running.step();
  try {
    running.value = step.kind == StepKind::compute ? ledger.compute(step, running.value)
                                                   : ledger.block(step, running.value);
  } catch (...) {
    running.error = std::current_exception();
  }
}

void on_worked(uv_work_t* work, int status) {
  auto& running = *static_cast<RunningTurn*>(work->data);
  running.on_pool = false;
  guarded(running.run, [&] {
    if (running.run.error) {
      close_turn(running);
      return;
    }
    if (running.error) std::rethrow_exception(running.error);
    check(status, "uv_queue_work");
    end_step(running);
  });
}

void begin_work(RunningTurn& running) {
  check(uv_queue_work(&running.run.loop, &running.work, on_work, on_worked), "uv_queue_work");
  running.on_pool = true;
}

// ---- wait: a timer on the loop ----

void on_timer(uv_timer_t* timer) {
  auto& running = *static_cast<RunningTurn*>(timer->data);
  guarded(running.run, [&] {
    Ledger& ledger = running.run.ledger;
    if (ledger.time_left(running.step()).count() > 0) {
      check(uv_timer_start(timer, on_timer, 1, 0), "uv_timer_start");
      return;
    }
    running.value = ledger.end_wait(running.step(), running.value);
    end_step(running);
  });
}

void begin_wait(RunningTurn& running) {
  // The loop's clock is the steady clock in whole milliseconds, rounded down.  The deadline is
  // rounded up, so that the timer does not fire before it.
  const auto deadline = running.run.ledger.begin_wait(running.step());
  const auto due_ms = std::chrono::ceil<std::chrono::milliseconds>(deadline).time_since_epoch();
  const auto now_ms = static_cast<std::int64_t>(uv_now(&running.run.loop));
  const auto delay_ms =
      static_cast<std::uint64_t>(std::max<std::int64_t>(due_ms.count() - now_ms, 0));
  check(uv_timer_start(&running.timer, on_timer, delay_ms, 0), "uv_timer_start");
}

// ---- turns ----

void begin_step(RunningTurn& running) {
  if (running.step().kind == StepKind::wait) {
    begin_wait(running);
  } else {
    begin_work(running);
  }
}

void start_turn(Run& run, const Turn& turn) {
  auto owner = std::make_unique<RunningTurn>(run, turn);
  check(uv_timer_init(&run.loop, &owner->timer), "uv_timer_init");
  RunningTurn& running = *owner.release();  // from now on the handle keeps it: see on_closed
  running.timer.data = running.work.data = &running;
  running.value = run.ledger.start(turn);
  if (turn.steps.empty()) {
    finish_turn(running);
  } else {
    begin_step(running);
  }
}

/// The next turns start here and not in finish_turn, so that a chain of them is no recursion.
void on_closed(uv_handle_t* timer) {
  const std::unique_ptr<RunningTurn> running(static_cast<RunningTurn*>(timer->data));
  Run& run = running->run;
  if (run.error) return;
  guarded(run, [&] {
    run.plan.for_each_ready_after(running->turn, [&](const Turn& next) { start_turn(run, next); });
  });
}

void finish_turn(RunningTurn& running) {
  running.run.ledger.finish(running.turn, running.value);
  close_turn(running);
}

void close_turn(RunningTurn& running) {
  auto* handle = reinterpret_cast<uv_handle_t*>(&running.timer);
  if (!uv_is_closing(handle)) uv_close(handle, on_closed);
}

/// After an error: what is on the pool is cancelled or awaited (on_worked then closes the turn),
/// and everything else is closed now, so that the loop comes to its end.
void take_down(Run& run) {
  auto each = [](uv_handle_t* handle, void*) {
    auto* running = static_cast<RunningTurn*>(handle->data);
    if (!running) return;  // a handle of the loop's own
    if (running->on_pool) {
      uv_cancel(reinterpret_cast<uv_req_t*>(&running->work));
    } else {
      close_turn(*running);
    }
  };
  uv_walk(&run.loop, each, nullptr);
}

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  // libuv reads this when the first work is queued, once per process.
  check(uv_os_setenv("UV_THREADPOOL_SIZE", std::to_string(resources.workers).c_str()), "setenv");
  Run run{ledger, Plan(workload), {}, {}};
  check(uv_loop_init(&run.loop), "uv_loop_init");
  guarded(run, [&] { run.plan.for_each_root([&](const Turn& turn) { start_turn(run, turn); }); });
  uv_run(&run.loop, UV_RUN_DEFAULT);
  check(uv_loop_close(&run.loop), "uv_loop_close");
  if (run.error) std::rethrow_exception(run.error);
}
