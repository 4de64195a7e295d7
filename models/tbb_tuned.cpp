// oneTBB, tuned: a task is made when a turn is ready, and runs on from turn to turn.
//
// The idea      No graph is built: tasks of one task_group, and a countdown of what is ready.
// A wait        costs an entry in the queue of one thread outside; it keeps no task, node or stack.
// A call        is sent by the worker that comes to it; the thread outside receives the replies,
// and
//               wakes with one task all whose replies are there.
// Computing     happens on whichever worker made the task or stole it.
// Next turn     run by the task that finished the last turn it waited for; if there are several,
//               the others are tasks to be stolen.  Many are shared out by halves.
// Rung          tuned: a flow graph has to be built, node by node, before anything runs.
#include <oneapi/tbb/task_group.h>
#include <oneapi/tbb/version.h>

#include <optional>
#include <span>
#include <stop_token>
#include <utility>
#include <vector>

#include "bench/model.hpp"
#include "bench/plan.hpp"
#include "models/tbb_family.hpp"
#include "models/tbb_outside.hpp"

const bench::Model bench::model{"tbb", Rung::tuned, Structure::workers, TBB_runtime_version(),
                                Primitives{"tbb_task+plan_turn", "tbb"}};

namespace {

using namespace bench;
using namespace bench::tbb_family;

class TaskPerReadyTurn {
  /// Where a turn goes on.
  struct Position {
    const Turn* turn;
    std::size_t step = 0;
    Value value = 0;
    const Step& here() const { return turn->steps[step]; }
  };
  // A task that is deferred keeps the group from being finished while somebody waits.
  using Outside = tbb_family::Outside<Position, tbb::task_handle>;

 public:
  TaskPerReadyTurn(const Workload& workload, const Resources& resources, Ledger& ledger,
                   Arena& arena)
      : workload_(workload),
        ledger_(ledger),
        plan_(workload),
        arena_(arena),
        calls_(workload.calls().size()),
        outside_(
            workload, resources, ledger, [this](auto due) { wake(std::move(due)); },
            [this] { return group_.defer([] {}); }) {
    if (workload.limit.in_flight > 0) places_.emplace(workload.limit.in_flight);
    plan_.for_each_root([this](const Turn& turn) { roots_.push_back(turn.id); });
  }

  void run(const std::stop_token& stop) {
    const std::stop_callback wake_all(stop, [this] { outside_.give_up(); });
    group_.run_and_wait(
        [this] { guarded([this] { go_on({next_of(roots_, [](TurnId) { return true; })}); }); });
  }

 private:
  Value compute(const Step& step, Value v) { return ledger_.compute(step, v); }

  void begin_wait(const Position& at) { outside_.wake_at(ledger_.begin_wait(at.here()), at); }

  Value end_wait(const Position& at) { return ledger_.end_wait(at.here(), at.value); }

  void begin_call(const Position& at) {
    if (!places_ || places_->take(at)) try_call(at);
  }
  void try_call(const Position& at) { outside_.begin_call(at.here(), calls_[at.here().call], at); }

  /// There is no value yet if it sleeps on.
  std::optional<Value> end_call(const Position& at) {
    try {
      const auto value = outside_.go_on(at.here(), calls_[at.here().call], at.value, at);
      if (value) leave_place();
      return value;
    } catch (const TurnFailed&) {
      leave_place();
      throw;
    }
  }

  /// To who has queued for it longest, and only has to be sent on.
  void leave_place() {
    if (!places_) return;
    if (const auto next = places_->give_back()) try_call(*next);
  }

  /// On the thread outside.  A task enqueued from there wakes a worker; those it then spawns itself
  /// are cheap, and can be stolen.
  void wake(std::vector<Position> due) {
    arena_.enqueue(group_.defer([this, due = std::move(due)] {
      for (const Position& at : std::span(due).subspan(1)) spawn([this, at] { go_on(at, true); });
      guarded([&] { go_on(due.front(), true); });
    }));
  }

  /// Runs the turn, and what is ready after it, until there is something to wait for.
  void go_on(Position at, bool woken = false) {
    if (woken && outside_.gave_up()) return;
    for (; at.turn; woken = false) {
      try {
        if (!run_steps(at, woken)) return;
        ledger_.finish(*at.turn, at.value);
      } catch (const TurnFailed& failure) {
        ledger_.fail(*at.turn, failure);
      }
      at = {next_of(at.turn->after, [this](TurnId id) { return plan_.count_down(id); })};
    }
  }

  /// False if it sleeps; when it is woken, its step has to be ended.
  bool run_steps(Position& at, bool woken) {
    if (!woken) {
      at.value = ledger_.start(*at.turn);
    } else if (!end_step(at)) {
      return false;
    }
    for (; at.step < at.turn->steps.size(); ++at.step) {
      const Step& step = at.here();
      switch (step.kind) {
        case StepKind::compute:
          at.value = compute(step, at.value);
          break;
        case StepKind::block:
          at.value = ledger_.block(step, at.value);  // holds a worker
          break;
        case StepKind::wait:
          begin_wait(at);
          return false;
        case StepKind::call:
          begin_call(at);
          return false;
      }
    }
    return true;
  }

  /// False if it sleeps on.
  bool end_step(Position& at) {
    const std::optional<Value> value =
        at.here().kind == StepKind::wait ? end_wait(at) : end_call(at);
    if (!value) return false;
    at.value = *value;
    ++at.step;
    return true;
  }

  const Turn* next_of(std::span<const TurnId> turns, auto is_ready) {
    return share_out(group_, workload_, turns, is_ready,
                     [this](auto&& find) { guarded([&] { go_on({find()}); }); });
  }

  void spawn(auto body) {
    group_.run([this, body] { guarded(body); });
  }

  /// TBB carries an error out of the group and cancels its tasks, but does not know the outside.
  void guarded(auto&& body) {
    try {
      body();
    } catch (...) {
      outside_.give_up();
      throw;
    }
  }

  const Workload& workload_;
  Ledger& ledger_;
  Plan plan_;
  Arena& arena_;
  std::vector<TurnId> roots_;
  std::vector<Outside::Call> calls_;  // on their way
  std::optional<Places<Position>> places_;
  tbb::task_group group_;
  Outside outside_;
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  tbb_family::Arena arena(resources.workers);
  arena.execute([&] { TaskPerReadyTurn(workload, resources, ledger, arena).run(resources.stop); });
}
