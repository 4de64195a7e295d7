// Asio: a C++20 coroutine per turn on an io_context that `workers` threads run.
//
// The idea      A turn reads like plain blocking code; `co_await` gives the thread back meanwhile.
// A wait        costs a coroutine frame and an entry in the timer queue, and holds no thread.
// Computing     happens where the coroutine runs: on whichever thread of the io_context resumed it.
// Next turn     spawned by the coroutine that finished the last turn it waited for.
// Rung          idiomatic: the library's defaults, awaitable<> and co_spawn on one io_context.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/version.hpp>

#include "bench/model.hpp"
#include "bench/plan.hpp"
#include "models/asio_family.hpp"

const bench::Model bench::model{"asio", Rung::idiomatic, Structure::workers,
                                "Boost " BOOST_LIB_VERSION, "asio_post+asio_co_spawn+plan_turn"};

namespace {

using namespace bench;
using namespace bench::asio_family;

class CoroutinePerTurn {
 public:
  CoroutinePerTurn(const Workload& workload, Ledger& ledger, unsigned workers)
      : ledger_(ledger), plan_(workload), workers_(workers), io_(static_cast<int>(workers)) {}

  void run() {
    plan_.for_each_root([this](const Turn& turn) { start(turn); });
    run_on_threads(io_, workers_);
  }

 private:
  asio::awaitable<void> run_turn(const Turn& turn) {
    Value v = ledger_.start(turn);
    for (const Step& step : turn.steps) {
      if (step.kind == StepKind::wait) {
        v = co_await wait(io_, ledger_, step, v);
      } else {
        v = work(ledger_, step, v);  // holds a thread of the io_context
      }
    }
    ledger_.finish(turn, v);
    plan_.for_each_ready_after(turn, [this](const Turn& next) { start(next); });
  }

  void start(const Turn& turn) {
    // On a thread of the io_context co_spawn would run the turn at once, inside the one that has
    // just finished, and up to its first wait.  Posted, any thread can take it.
    asio::post(io_, [this, &turn] { asio::co_spawn(io_, run_turn(turn), rethrow); });
  }

  Ledger& ledger_;
  Plan plan_;
  unsigned workers_;
  asio::io_context io_;  // last: its destructor ends coroutines that use all of the above
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  CoroutinePerTurn(workload, ledger, resources.workers).run();
}
