// Asio with callbacks: a completion handler per wait on an io_context that `workers` threads run.
//
// The idea      A turn is an object that passes from handler to handler; each begins the next step.
// A wait        costs the turn's object with its timer, and one operation in the timer queue.
// Computing     happens in the handler: on whichever thread of the io_context runs it.
// Next turn     posted by the handler that finished the last turn it waited for.
// Rung          idiomatic: what Asio looked like before coroutines; shows what those cost.
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/version.hpp>
#include <memory>
#include <utility>

#include "bench/model.hpp"
#include "bench/plan.hpp"
#include "models/asio_family.hpp"

const bench::Model bench::model{"asio", Rung::idiomatic, Structure::workers,
                                "Boost " BOOST_LIB_VERSION, "asio_post_shared"};

namespace {

using namespace bench;
using namespace bench::asio_family;

/// A turn on its way.  Whichever handler is to go on with it owns it.
struct RunningTurn {
  const Turn& turn;
  Value value;
  Timer timer;
  std::size_t position = 0;  // of the step under way

  const Step& step() const { return turn.steps[position]; }
};
using Owner = std::unique_ptr<RunningTurn>;

class HandlerPerWait {
 public:
  HandlerPerWait(const Workload& workload, Ledger& ledger, unsigned workers)
      : ledger_(ledger), plan_(workload), workers_(workers), io_(static_cast<int>(workers)) {}

  void run() {
    plan_.for_each_root([this](const Turn& turn) { start(turn); });
    run_on_threads(io_, workers_);
  }

 private:
  /// Posted, so that any thread can take it, and a chain of turns does not nest.
  void start(const Turn& turn) {
    asio::post(io_, [this, &turn] {
      go_on(Owner(new RunningTurn{turn, ledger_.start(turn), Timer(io_)}));
    });
  }

  /// Works until the turn's next wait, or to its end.
  void go_on(Owner running) {
    for (; running->position < running->turn.steps.size(); ++running->position) {
      if (running->step().kind == StepKind::wait) return begin_wait(std::move(running));
      running->value = work(ledger_, running->step(), running->value);
    }
    finish(*running);
  }

  void begin_wait(Owner running) {
    Timer& timer = running->timer;
    timer.expires_at(ledger_.begin_wait(running->step()));
    timer.async_wait([this, running = std::move(running)](const auto& /*error*/) mutable {
      on_waited(std::move(running));
    });
  }

  void on_waited(Owner running) {
    running->value = ledger_.end_wait(running->step(), running->value);
    ++running->position;
    go_on(std::move(running));
  }

  void finish(const RunningTurn& running) {
    ledger_.finish(running.turn, running.value);
    plan_.for_each_ready_after(running.turn, [this](const Turn& next) { start(next); });
  }

  Ledger& ledger_;
  Plan plan_;
  unsigned workers_;
  asio::io_context io_;  // last: its destructor ends turns that use all of the above
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  HandlerPerWait(workload, ledger, resources.workers).run();
}
