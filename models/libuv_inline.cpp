// libuv, all on the loop: one thread that runs callbacks, and computes inside them.
//
// The idea      One thread owns all state; each callback takes a turn on to its next wait.
// A wait        costs a timer.  Timers count whole milliseconds: a wait ends up to 2 ms late.
// A call        is written to a socket that is idle; the reply comes by callback.
// Computing     holds the loop: until it is done no timer fires and no other agent moves.
// Next turn     started by the callback that finished the last turn it waited for.
// Rung          naive: as most Node programs do it, though there is a pool for what takes long.
#include <uv.h>

#include "bench/model.hpp"
#include "models/libuv_family.hpp"

const bench::Model bench::model{"libuv", Rung::naive, Structure::one_loop, uv_version_string(),
                                Primitives{"plan_turn", "libuv"}};

namespace {

using namespace bench;
using namespace bench::libuv_family;

struct ComputeInCallbacks final : TimerRun {
  using TimerRun::TimerRun;
  void begin_step(RunningTurn& running) override;
};

void on_timer(uv_timer_t* timer) {
  auto& running = *static_cast<RunningTurn*>(timer->data);
  auto& run = static_cast<ComputeInCallbacks&>(TimerRun::of(*timer));
  run.callback(running, [&] {
    run.end_step(running, run.ledger.end_wait(run.step_of(running), running.value));
  });
}

void ComputeInCallbacks::begin_step(RunningTurn& running) {
  const Turn& turn = workload.turns[running.id];
  for (; running.position < turn.steps.size(); ++running.position) {
    const Step& step = turn.steps[running.position];
    if (step.kind == StepKind::wait) return begin_wait(running, on_timer);
    if (step.kind == StepKind::call) return begin_call(running);
    running.value = work(ledger, step, running.value);
  }
  finish_turn(running);
}

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  ComputeInCallbacks(workload, resources, ledger).run();
}
