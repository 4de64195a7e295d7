// oneTBB, suspend: a task per turn, suspended where the turn waits, resumed by a thread outside.
//
// The idea      A turn reads like plain blocking code; the library switches stacks underneath.
// A wait        costs the stack that the task stands on, and holds no worker: that goes on with
//               another stack.  The kernel's limit on memory maps ends it at about 32,000 at once.
// A call        waits in the same way, for its place, its token, its replies and its back-offs.
// Computing     happens on whichever of the workers runs or resumes the task.
// Next turn     run by the task that finished the last turn it waited for; further ones are tasks.
// Rung          idiomatic: what the reference shows for work that ends outside of TBB.
#include <oneapi/tbb/task.h>
#include <oneapi/tbb/task_group.h>
#include <oneapi/tbb/version.h>

#include <atomic>
#include <cstdint>
#include <fstream>
#include <optional>
#include <stop_token>
#include <system_error>
#include <vector>

#include "bench/model.hpp"
#include "bench/plan.hpp"
#include "models/tbb_family.hpp"
#include "models/tbb_outside.hpp"

const bench::Model bench::model{"tbb", Rung::idiomatic, Structure::workers, TBB_runtime_version(),
                                Primitives{"tbb_task+plan_turn", "tbb"}};

namespace {

using namespace bench;
using namespace bench::tbb_family;

class SuspendedTasks {
  using Point = tbb::task::suspend_point;

 public:
  SuspendedTasks(const Workload& workload, const Resources& resources, Ledger& ledger)
      : ledger_(ledger),
        plan_(workload),
        has_bucket_(workload.limit.interval.count() > 0),
        outside_(workload, resources, ledger, resume) {
    if (workload.limit.in_flight > 0) places_.emplace(workload.limit.in_flight);
    outside_.start();  // now: from where a task is suspended no error could come out
  }

  void run(const std::stop_token& stop) {
    const std::stop_callback resume_all(stop, [this] { give_up(); });
    plan_.for_each_root([this](const Turn& turn) { start(turn); });
    group_.wait();
  }

 private:
  /// To be unwound: after an error, or because the run is to stop.
  struct Abandoned {};

  Value compute(const Step& step, Value v) { return ledger_.compute(step, v); }

  Value wait(const Step& step, Value v) {
    sleep_until(ledger_.begin_wait(step));
    return ledger_.end_wait(step, v);
  }

  Value call(const Step& step, Value v) {
    const Place place(*this);
    if (has_bucket_) sleep_until(ledger_.reserve(step));
    for (;;) {
      const Ledger::Next next = attempt(step, v);
      if (!next.again) return next.value;
      sleep_until(next.at);
    }
  }

  Ledger::Next attempt(const Step& step, Value v) {
    const auto attempt = outside_.begin_attempt(step);
    suspend([&](Point point) { outside_.wake_after(attempt, point); });
    return outside_.end_attempt(step, v, attempt);
  }

  void sleep_until(Ledger::Clock::time_point moment) {
    suspend([&](Point point) { outside_.wake_at(moment, point); });
  }

  /// Where calls are limited, one of the places for them.
  struct Place {
    explicit Place(SuspendedTasks& a) : all(a) {
      if (!all.places_) return;
      all.suspend([&](Point point) {
        if (all.places_->take(point)) tbb::task::resume(point);
      });
    }
    ~Place() {
      if (!all.places_) return;
      if (const auto next = all.places_->give_back()) tbb::task::resume(*next);
    }
    SuspendedTasks& all;
  };

  /// The worker goes on with another stack, until the task is resumed.
  void suspend(auto&& body) {
    if (++suspended_ > most_stacks_) {
      throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                              "a stack for one more suspended task");
    }
    tbb::task::suspend(body);
    --suspended_;
    if (outside_.gave_up()) throw Abandoned();
  }

  /// Each takes two memory maps, itself and its guard page.  TBB crashes when there are no more.
  static std::int64_t most_stacks() {
    constexpr std::int64_t other_maps = 1000;
    std::int64_t maps = 65530;
    std::ifstream("/proc/sys/vm/max_map_count") >> maps;
    return (maps - other_maps) / 2;
  }

  static void resume(const std::vector<Point>& due) {
    for (const Point point : due) tbb::task::resume(point);
  }

  void run_turn(const Turn& turn) {
    try {
      Value v = ledger_.start(turn);
      for (const Step& step : turn.steps) v = run_step(step, v);
      ledger_.finish(turn, v);
    } catch (const TurnFailed& failure) {
      ledger_.fail(turn, failure);
    }
  }

  Value run_step(const Step& step, Value v) {
    switch (step.kind) {
      case StepKind::compute:
        return compute(step, v);
      case StepKind::wait:
        return wait(step, v);
      case StepKind::block:
        return ledger_.block(step, v);  // holds a worker
      case StepKind::call:
        return call(step, v);
    }
    return v;
  }

  void start(const Turn& turn) {
    group_.run([this, &turn] {
      try {
        run_turn(turn);
        plan_.for_each_ready_after(turn, [this](const Turn& next) { start(next); });
      } catch (const Abandoned&) {
      } catch (...) {  // TBB carries it out of the group, once all tasks have been resumed
        give_up();
        throw;
      }
    });
  }

  void give_up() noexcept {
    outside_.give_up();
    if (!places_) return;
    for (const Point point : places_->give_up()) tbb::task::resume(point);
  }

  Ledger& ledger_;
  Plan plan_;
  const bool has_bucket_;
  const std::int64_t most_stacks_ = most_stacks();
  std::atomic<std::int64_t> suspended_ = 0;
  std::optional<Places<Point>> places_;
  tbb::task_group group_;
  Outside<Point> outside_;
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  // Each task that waits keeps a stack like a worker's.  At the default of 4 MB each stands in a
  // page table of its own, which is as large as what the stack itself takes.
  const tbb::global_control stacks(tbb::global_control::thread_stack_size, std::size_t{128} << 10);
  tbb_family::Arena arena(resources.workers);
  arena.execute([&] { SuspendedTasks(workload, resources, ledger).run(resources.stop); });
}
