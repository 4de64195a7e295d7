// Asio on one thread: coroutines that compute where they are, on the only thread there is.
//
// The idea      No locks and no threads: whatever runs has the whole program to itself.
// A wait        costs a coroutine frame and an entry in the timer queue, and holds no thread.
// A call        is a coroutine, and beside it a timer that cancels it when time is up.
// Computing     holds the loop: until it is done no timer fires and no other agent moves.
// Next turn     posted to the loop by the coroutine that finished the last turn it waited for.
// Rung          naive: right for a program that only waits; one that computes uses one core.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/version.hpp>

#include "bench/model.hpp"
#include "bench/plan.hpp"
#include "models/asio_client.hpp"
#include "models/asio_family.hpp"

const bench::Model bench::model{"asio", Rung::naive, Structure::one_loop,
                                "Boost " BOOST_LIB_VERSION,
                                Primitives{"asio_post+asio_co_spawn+plan_turn", "asio"}};

namespace {

using namespace bench;
using namespace bench::asio_family;

/// What all turns share.
struct Loop {
  Loop(const Workload& workload, const Resources& resources, Ledger& l)
      : ledger(l), plan(workload), client(io, 1, workload, resources, ledger) {}

  Ledger& ledger;
  Plan plan;
  asio::io_context io{1};  // one thread; its destructor ends coroutines that use all of the above
  Client client;           // its sockets are the io_context's, and go first
};

void start(Loop& loop, const Turn& turn);

asio::awaitable<void> run_turn(Loop& loop, const Turn& turn) {
  try {
    Value v = loop.ledger.start(turn);
    for (const Step& step : turn.steps) {
      if (step.kind == StepKind::wait) {
        v = co_await wait(loop.io, loop.ledger, step, v);
      } else if (step.kind == StepKind::call) {
        v = co_await loop.client.call(step, v);
      } else {
        v = work(loop.ledger, step, v);  // until it is done, nothing else moves
      }
    }
    loop.ledger.finish(turn, v);
  } catch (const TurnFailed& failure) {
    loop.ledger.fail(turn, failure);
  }
  loop.plan.for_each_ready_after(turn, [&](const Turn& next) { start(loop, next); });
}

/// Posted, because co_spawn runs a coroutine at once: a chain of turns would nest.
void start(Loop& loop, const Turn& turn) {
  asio::post(loop.io, [&] { asio::co_spawn(loop.io, run_turn(loop, turn), rethrow); });
}

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  Loop loop(workload, resources, ledger);
  const std::stop_callback on_stop(resources.stop, [&] { loop.io.stop(); });
  loop.plan.for_each_root([&](const Turn& turn) { start(loop, turn); });
  loop.io.run();
}
