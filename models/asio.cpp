// Asio: a C++20 coroutine per turn on an io_context that `workers` threads run.
//
// The idea      A turn reads like plain blocking code; `co_await` gives the thread back meanwhile.
// A wait        costs a coroutine frame and an entry in the timer queue, and holds no thread.
// A call        is a coroutine on a strand, and beside it a timer that cancels it when time is up.
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
#include "models/asio_client.hpp"
#include "models/asio_family.hpp"

const bench::Model bench::model{"asio", Rung::idiomatic, Structure::workers,
                                "Boost " BOOST_LIB_VERSION,
                                Primitives{"asio_post+asio_co_spawn+plan_turn", "asio"}};

namespace {

using namespace bench;
using namespace bench::asio_family;

class CoroutinePerTurn {
 public:
  CoroutinePerTurn(const Workload& workload, const Resources& resources, Ledger& ledger)
      : ledger_(ledger),
        plan_(workload),
        resources_(resources),
        io_(static_cast<int>(resources.workers)),
        client_(io_, resources.workers, workload, resources, ledger) {}

  void run() {
    plan_.for_each_root([this](const Turn& turn) { start(turn); });
    run_on_threads(io_, resources_.workers, resources_.stop);
  }

 private:
  asio::awaitable<void> run_turn(const Turn& turn) {
    try {
      Value v = ledger_.start(turn);
      for (const Step& step : turn.steps) {
        if (step.kind == StepKind::wait) {
          v = co_await wait(io_, ledger_, step, v);
        } else if (step.kind == StepKind::call) {
          v = co_await client_.call(step, v);
        } else {
          v = work(ledger_, step, v);  // holds a thread of the io_context
        }
      }
      ledger_.finish(turn, v);
    } catch (const TurnFailed& failure) {
      ledger_.fail(turn, failure);
    }
    plan_.for_each_ready_after(turn, [this](const Turn& next) { start(next); });
  }

  void start(const Turn& turn) {
    // On a thread of the io_context co_spawn would run the turn at once, inside the one that has
    // just finished, and up to its first wait.  Posted, any thread can take it.
    asio::post(io_, [this, &turn] { asio::co_spawn(io_, run_turn(turn), rethrow); });
  }

  Ledger& ledger_;
  Plan plan_;
  const Resources& resources_;
  asio::io_context io_;  // its destructor ends coroutines that use all of the above
  Client client_;        // its sockets are the io_context's, and go first
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  CoroutinePerTurn(workload, resources, ledger).run();
}
