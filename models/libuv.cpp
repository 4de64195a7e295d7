// libuv: one event loop, callbacks, timers, and the library's worker pool for what takes long.
//
// The idea      One thread owns all state and never blocks; each callback begins the next step.
// A wait        costs a timer, 152 B.  It counts whole milliseconds: a wait ends up to 2 ms late.
// A call        is written to a socket that is idle; the reply comes by callback.
// Computing     is queued to the pool of `workers` threads; its result comes back to the loop.
// Next turn     started on the loop by the callback that finished the last turn it waited for.
// Rung          idiomatic: a timer for each turn on its way, a request for each step on the pool.
#include <uv.h>

#include <exception>
#include <memory>

#include "bench/model.hpp"
#include "models/libuv_family.hpp"

const bench::Model bench::model{"libuv", Rung::idiomatic, Structure::workers, uv_version_string(),
                                Primitives{"plan_turn", "libuv"}};

namespace {

using namespace bench;
using namespace bench::libuv_family;

struct CallbackPerStep final : TimerRun {
  using TimerRun::TimerRun;
  void begin_step(RunningTurn& running) override;
};

CallbackPerStep& run_of(RunningTurn& running) {
  return static_cast<CallbackPerStep&>(TimerRun::of(running.timer));
}

// ---- compute, and tools that block: on the pool ----

/// A step on its way to the pool and back.
struct Job {
  uv_work_t request;
  RunningTurn& running;
  Value value;
  std::exception_ptr error;  // thrown by the step, there
};

void on_work(uv_work_t* request) {
  auto& job = *static_cast<Job*>(request->data);
  auto& run = run_of(job.running);
  if (run.failed) return;
  try {
    job.value = work(run.ledger, run.step_of(job.running), job.running.value);
  } catch (...) {
    job.error = std::current_exception();
  }
}

void on_worked(uv_work_t* request, int status) {
  const std::unique_ptr<Job> job(static_cast<Job*>(request->data));
  auto& run = run_of(job->running);
  run.callback(job->running, [&] {
    if (job->error) std::rethrow_exception(job->error);
    check(status, "uv_queue_work");
    run.end_step(job->running, job->value);
  });
}

void begin_work(RunningTurn& running) {
  std::unique_ptr<Job> job(new Job{{}, running, {}, {}});
  job->request.data = job.get();
  check(uv_queue_work(running.timer.loop, &job->request, on_work, on_worked), "uv_queue_work");
  job.release();  // on_worked takes it back
}

// ---- wait: a timer on the loop ----

void on_timer(uv_timer_t* timer) {
  auto& running = *static_cast<RunningTurn*>(timer->data);
  auto& run = run_of(running);
  run.callback(running, [&] {
    run.end_step(running, run.ledger.end_wait(run.step_of(running), running.value));
  });
}

// ---- turns ----

void CallbackPerStep::begin_step(RunningTurn& running) {
  const Turn& turn = workload.turns[running.id];
  if (running.position == turn.steps.size()) return finish_turn(running);
  switch (step_of(running).kind) {
    case StepKind::compute:
    case StepKind::block:
      return begin_work(running);
    case StepKind::wait:
      return begin_wait(running, on_timer);
    case StepKind::call:
      return begin_call(running);
  }
}

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  set_pool_size(resources.workers);
  CallbackPerStep(workload, resources, ledger).run();
}
