// Sequential: one turn after another, one step after another, on one thread.
//
// The idea      A `for` loop.  Turns are numbered so that this order is valid.
// A wait        costs its whole duration: nothing else happens meanwhile.
// Computing     costs one core, and a second one is never used.
#include <thread>

#include "bench/model.hpp"

const bench::Model bench::model{"sequential", Rung::idiomatic, Structure::sequential, ""};

namespace {

using namespace bench;

void run_turn(Ledger& ledger, const Turn& turn, auto&& after_step) {
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
    after_step();
  }
  ledger.finish(turn, v);
}

}  // namespace

void bench::run(const Workload& workload, const Resources&, Ledger& ledger) {
  // Heartbeats are due at given moments: what has become due is served between two steps.
  auto beats = workload.beats();
  auto serve_beats = [&](auto&& is_due) {
    for (; !beats.empty() && is_due(beats.front()); beats = beats.subspan(1)) {
      run_turn(ledger, beats.front(), [] {});
    }
  };
  auto serve_due_beats = [&] {
    serve_beats(
        [&](const Turn& beat) { return ledger.time_left(beat.steps.front()).count() <= 0; });
  };
  for (const Turn& turn : workload.work()) run_turn(ledger, turn, serve_due_beats);
  serve_beats([](const Turn&) { return true; });
}
