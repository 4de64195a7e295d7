// Sequential: one turn after another, one step after another, on one thread.
//
// The idea      A `for` loop.  Turns are numbered so that this order is valid.
// A wait        costs its whole duration: nothing else happens meanwhile.
// Computing     costs one core, and a second one is never used.
#include "bench/model.hpp"
#include "models/threads_family.hpp"

const bench::Model bench::model{"sequential", Rung::idiomatic, Structure::sequential, "",
                                Primitives{"", "blocking_one"}};

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  BlockingTurns turns(workload, resources, ledger);
  // Heartbeats are due at given moments: what has become due is served between two steps.
  auto beats = workload.beats();
  auto serve_beats = [&](auto&& is_due) {
    for (; !beats.empty() && is_due(beats.front()); beats = beats.subspan(1)) {
      turns.run(beats.front());
    }
  };
  auto serve_due_beats = [&] {
    serve_beats(
        [&](const Turn& beat) { return ledger.time_left(beat.steps.front()).count() <= 0; });
  };
  for (const Turn& turn : workload.work()) {
    turns.run(turn, [&](const Step&) { serve_due_beats(); });
    serve_due_beats();
  }
  serve_beats([](const Turn&) { return true; });
}
