// Asio with a pool: one thread for all waits and bookkeeping, others for what takes long.
//
// The idea      The loop stays responsive, because nothing that holds a thread happens on it.
// A wait        costs a coroutine frame and an entry in the timer queue, and holds no thread.
// A call        is a coroutine of the loop, and beside it a timer that cancels it when time is up.
// Computing     moves the coroutine to a thread_pool of `workers` threads and back: two hand-overs.
// Next turn     spawned on the loop by the coroutine that finished the last turn it waited for.
// Rung          idiomatic: the usual shape of a server whose requests compute.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/version.hpp>

#include "bench/model.hpp"
#include "bench/plan.hpp"
#include "models/asio_client.hpp"
#include "models/asio_family.hpp"

const bench::Model bench::model{"asio", Rung::idiomatic, Structure::workers,
                                "Boost " BOOST_LIB_VERSION,
                                Primitives{"asio_post_shared+asio_co_spawn+plan_turn", "asio"}};

namespace {

using namespace bench;
using namespace bench::asio_family;

class LoopAndPool {
 public:
  LoopAndPool(const Workload& workload, const Resources& resources, Ledger& ledger)
      : ledger_(ledger),
        plan_(workload),
        client_(loop_, 1, workload, resources, ledger),
        pool_(resources.workers),
        on_stop_(resources.stop, Stop{loop_}) {}

  ~LoopAndPool() {  // after an error: no thread may touch a coroutine while the members go
    pool_.stop();
    pool_.join();
  }

  void run() {
    plan_.for_each_root([this](const Turn& turn) { start(turn); });
    loop_.run();
  }

 private:
  /// `post` runs its handler on the executor that is bound to it: the coroutine goes on there.
  asio::awaitable<void> move_to(auto& context) {
    co_await asio::post(asio::bind_executor(context, asio::use_awaitable));
  }

  asio::awaitable<Value> work_on_pool(const Step& step, Value v) {
    co_await move_to(pool_);
    std::exception_ptr failure;  // an agent's code may throw: that, too, goes on on the loop
    try {
      v = work(ledger_, step, v);
    } catch (...) {
      failure = std::current_exception();
    }
    co_await move_to(loop_);
    if (failure) std::rethrow_exception(failure);
    co_return v;
  }

  asio::awaitable<void> run_turn(const Turn& turn) {
    try {
      Value v = ledger_.start(turn);
      for (const Step& step : turn.steps) {
        switch (step.kind) {
          case StepKind::wait:
            v = co_await wait(loop_, ledger_, step, v);
            break;
          case StepKind::call:
            v = co_await client_.call(step, v);
            break;
          case StepKind::compute:
          case StepKind::block:
            v = co_await work_on_pool(step, v);
            break;
        }
      }
      ledger_.finish(turn, v);
    } catch (const TurnFailed& failure) {
      ledger_.fail(turn, failure);
    }
    plan_.for_each_ready_after(turn, [this](const Turn& next) { start(next); });
  }

  /// Posted, because on the loop co_spawn runs a coroutine at once: a chain of turns would nest.
  void start(const Turn& turn) {
    asio::post(loop_, [this, &turn] { asio::co_spawn(loop_, run_turn(turn), rethrow); });
  }

  /// For the pool's threads it is enough that they hand nothing over any more.
  struct Stop {
    void operator()() const { loop.stop(); }
    asio::io_context& loop;
  };

  Ledger& ledger_;
  Plan plan_;
  asio::io_context loop_;   // its destructor ends coroutines that use all of the above
  Client client_;           // its sockets are the loop's
  asio::thread_pool pool_;  // hands work to the loop
  std::stop_callback<Stop> on_stop_;
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  LoopAndPool(workload, resources, ledger).run();
}
