// oneTBB, suspend: a task per turn, suspended where the turn waits, resumed by a timer thread.
//
// The idea      A turn reads like plain blocking code; the library switches stacks underneath.
// A wait        costs the stack that the task stands on, and holds no worker: that goes on with
//               another stack.  The kernel's limit on memory maps ends it at about 32,000 at once.
// Computing     happens on whichever of the workers runs or resumes the task.
// Next turn     run by the task that finished the last turn it waited for; further ones are tasks.
// Rung          idiomatic: what the reference shows for work that ends outside of TBB.
#include <oneapi/tbb/task.h>
#include <oneapi/tbb/task_group.h>
#include <oneapi/tbb/version.h>

#include <atomic>
#include <cstdint>
#include <fstream>
#include <system_error>
#include <vector>

#include "bench/model.hpp"
#include "bench/plan.hpp"
#include "models/tbb_family.hpp"

const bench::Model bench::model{"tbb", Rung::idiomatic, Structure::workers, TBB_runtime_version(),
                                "tbb_task+plan_turn"};

namespace {

using namespace bench;
using namespace bench::tbb_family;

class SuspendedTasks {
 public:
  SuspendedTasks(const Workload& workload, Ledger& ledger)
      : ledger_(ledger), plan_(workload), timer_(workload.turns.size(), wake) {
    timer_.start();  // now: from where a task is suspended no error could come out
  }

  void run() {
    plan_.for_each_root([this](const Turn& turn) { start(turn); });
    group_.wait();
  }

 private:
  Value compute(const Step& step, Value v) { return ledger_.compute(step, v); }

  Value wait(const Step& step, Value v) {
    if (++suspended_ > most_stacks_) {
      throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                              "a stack for one more suspended task");
    }
    const auto deadline = ledger_.begin_wait(step);
    tbb::task::suspend([&](tbb::task::suspend_point point) { timer_.wake_at(deadline, point); });
    --suspended_;
    return ledger_.end_wait(step, v);
  }

  /// Each takes two memory maps, itself and its guard page.  TBB crashes when there are no more.
  static std::int64_t most_stacks() {
    constexpr std::int64_t other_maps = 1000;
    std::int64_t maps = 65530;
    std::ifstream("/proc/sys/vm/max_map_count") >> maps;
    return (maps - other_maps) / 2;
  }

  static void wake(std::vector<tbb::task::suspend_point> due) {
    for (const auto point : due) tbb::task::resume(point);
  }

  void run_turn(const Turn& turn) {
    Value v = ledger_.start(turn);
    for (const Step& step : turn.steps) {
      switch (step.kind) {
        case StepKind::compute:
          v = compute(step, v);
          break;
        case StepKind::wait:
          v = wait(step, v);
          break;
        case StepKind::block:
          v = ledger_.block(step, v);  // holds a worker
          break;
      }
    }
    ledger_.finish(turn, v);
  }

  void start(const Turn& turn) {
    group_.run([this, &turn] {
      run_turn(turn);
      plan_.for_each_ready_after(turn, [this](const Turn& next) { start(next); });
    });
  }

  Ledger& ledger_;
  Plan plan_;
  const std::int64_t most_stacks_ = most_stacks();
  std::atomic<std::int64_t> suspended_ = 0;
  tbb::task_group group_;
  Timer<tbb::task::suspend_point> timer_;
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  // Each task that waits keeps a stack like a worker's.  At the default of 4 MB each stands in a
  // page table of its own, which is as large as what the stack itself takes.
  const tbb::global_control stacks(tbb::global_control::thread_stack_size, std::size_t{128} << 10);
  tbb_family::Arena arena(resources.workers);
  arena.execute([&] { SuspendedTasks(workload, ledger).run(); });
}
