// Sequential: one turn after another, one step after another, on one thread.
//
// The idea      A `for` loop.  Turns are numbered so that this order is valid.
// A wait        costs its whole duration: nothing else happens meanwhile.
// Computing     costs one core, and a second one is never used.
#include <thread>

#include "bench/model.hpp"

const bench::Model bench::model{"sequential", Rung::idiomatic, Structure::sequential, ""};

void bench::run(const Workload& workload, const Resources&, Ledger& ledger) {
  for (const Turn& turn : workload.turns) {
    Value v = ledger.start(turn);
    for (const Step& step : turn.steps) {
      if (step.kind == StepKind::compute) {
        v = ledger.compute(step, v);
      } else if (step.kind == StepKind::wait) {
        std::this_thread::sleep_until(ledger.begin_wait(step));
        v = ledger.end_wait(step, v);
      } else {
        v = ledger.block(step, v);
      }
    }
    ledger.finish(turn, v);
  }
}
