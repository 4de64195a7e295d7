// Asio with callbacks: a completion handler per wait on an io_context that `workers` threads run.
//
// The idea      A turn is cut at its waits; each handler remembers where to go on.
// A wait        costs a timer and one operation in the timer queue, with the handler inside.
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
                                "Boost " BOOST_LIB_VERSION, "asio_post+plan_turn"};

namespace {

using namespace bench;
using namespace bench::asio_family;

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
    asio::post(io_, [this, &turn] { go_on(turn, 0, ledger_.start(turn)); });
  }

  /// Runs the turn's steps from `position` on, up to its next wait or to its end.
  void go_on(const Turn& turn, std::size_t position, Value v) {
    for (; position < turn.steps.size(); ++position) {
      const Step& step = turn.steps[position];
      if (step.kind == StepKind::wait) return wait(turn, position, v);
      v = work(ledger_, step, v);
    }
    ledger_.finish(turn, v);
    plan_.for_each_ready_after(turn, [this](const Turn& next) { start(next); });
  }

  void wait(const Turn& turn, std::size_t position, Value v) {
    auto owner = std::make_unique<Timer>(io_, ledger_.begin_wait(turn.steps[position]));
    Timer& timer = *owner;
    timer.async_wait([=, this, &turn, owner = std::move(owner)](const auto& /*error*/) {
      go_on(turn, position + 1, ledger_.end_wait(turn.steps[position], v));
    });
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
