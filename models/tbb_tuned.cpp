// oneTBB, tuned: a task is made when a turn is ready, and runs on from turn to turn.
//
// The idea      No graph is built: tasks of one task_group, and a countdown of what is ready.
// A wait        costs an entry in the timer thread's queue; it keeps no task, node or stack.
// Computing     happens on whichever worker made the task or stole it.
// Next turn     run by the task that finished the last turn it waited for; if there are several,
//               the others are tasks to be stolen.  Many are shared out by halves.
// Rung          tuned: a flow graph has to be built, node by node, before anything runs.
#include <oneapi/tbb/task_group.h>
#include <oneapi/tbb/version.h>

#include <span>
#include <vector>

#include "bench/model.hpp"
#include "bench/plan.hpp"
#include "models/tbb_family.hpp"

const bench::Model bench::model{"tbb", Rung::tuned, Structure::workers, TBB_runtime_version(),
                                "tbb_task+plan_turn"};

namespace {

using namespace bench;
using namespace bench::tbb_family;

class TaskPerReadyTurn {
 public:
  TaskPerReadyTurn(const Workload& workload, Ledger& ledger, Arena& arena)
      : workload_(workload), ledger_(ledger), plan_(workload), arena_(arena) {
    plan_.for_each_root([this](const Turn& turn) { roots_.push_back(turn.id); });
  }

  void run() {
    group_.run_and_wait(
        [this] { guarded([this] { go_on({next_of(roots_, [](TurnId) { return true; })}); }); });
  }

 private:
  /// Where a turn goes on.
  struct Position {
    const Turn* turn;
    std::size_t step = 0;
    Value value = 0;
  };

  Value compute(const Step& step, Value v) { return ledger_.compute(step, v); }

  void begin_wait(const Position& at) {
    timer_.wake_at(ledger_.begin_wait(at.turn->steps[at.step]), at);
  }

  void end_wait(Position at) {
    if (timer_.gave_up()) return;
    at.value = ledger_.end_wait(at.turn->steps[at.step++], at.value);
    go_on(at);
  }

  /// On the timer's thread.  A task enqueued from there wakes a worker; those it then spawns itself
  /// are cheap, and can be stolen.
  void wake(std::vector<Position> due) {
    arena_.enqueue(group_.defer([this, due = std::move(due)] {
      for (const Position& at : std::span(due).subspan(1)) spawn([this, at] { end_wait(at); });
      guarded([&] { end_wait(due.front()); });
    }));
  }

  /// Runs the turn, and what is ready after it, until there is something to wait for.
  void go_on(Position at) {
    while (at.turn && run_steps(at)) {
      ledger_.finish(*at.turn, at.value);
      at = {next_of(at.turn->after, [this](TurnId id) { return plan_.count_down(id); })};
    }
  }

  /// False if a wait has begun.
  bool run_steps(Position& at) {
    if (at.step == 0) at.value = ledger_.start(*at.turn);
    for (; at.step < at.turn->steps.size(); ++at.step) {
      const Step& step = at.turn->steps[at.step];
      if (step.kind == StepKind::wait) {
        begin_wait(at);
        return false;
      }
      at.value =
          step.kind == StepKind::compute ? compute(step, at.value) : ledger_.block(step, at.value);
    }
    return true;
  }

  const Turn* next_of(std::span<const TurnId> turns, auto is_ready) {
    return share_out(group_, workload_, turns, is_ready,
                     [this](auto&& find) { guarded([&] { go_on({find()}); }); });
  }

  void spawn(auto body) {
    group_.run([this, body] { guarded(body); });
  }

  /// TBB carries an error out of the group and cancels its tasks, but does not know the timer.
  void guarded(auto&& body) {
    try {
      body();
    } catch (...) {
      timer_.give_up();
      throw;
    }
  }

  const Workload& workload_;
  Ledger& ledger_;
  Plan plan_;
  Arena& arena_;
  std::vector<TurnId> roots_;
  tbb::task_group group_;
  // A task that is deferred keeps the group from being finished while somebody waits.
  Timer<Position, tbb::task_handle> timer_{
      workload_.turns.size(), [this](std::vector<Position> due) { wake(std::move(due)); },
      [this] { return group_.defer([] {}); }};
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  tbb_family::Arena arena(resources.workers);
  arena.execute([&] { TaskPerReadyTurn(workload, ledger, arena).run(); });
}
