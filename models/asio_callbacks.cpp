// Asio with callbacks: a completion handler per wait on an io_context that `workers` threads run.
//
// The idea      A turn is cut at its waits; each handler remembers where to go on.
// A wait        costs a timer and one operation in the timer queue, with the handler inside.
// A call        is a handler per operation, on one strand with that of the timer that ends it.
// Computing     happens in the handler: on whichever thread of the io_context runs it.
// Next turn     posted by the handler that finished the last turn it waited for.
// Rung          idiomatic: what Asio looked like before coroutines; shows what those cost.
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/defer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <boost/version.hpp>
#include <memory>
#include <utility>

#include "bench/model.hpp"
#include "bench/plan.hpp"
#include "models/asio_connections.hpp"
#include "models/asio_family.hpp"

const bench::Model bench::model{"asio", Rung::idiomatic, Structure::workers,
                                "Boost " BOOST_LIB_VERSION,
                                Primitives{"asio_post+plan_turn", "asio_callbacks"}};

namespace {

using namespace bench;
using namespace bench::asio_family;

/// One exchange over a connection, and the timer that ends it when its time is up.  Several threads
/// run the io_context, so the handlers of both share a strand.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(asio::io_context& io, Connection& c)
      : connection(c), strand_(asio::make_strand(io)), timer_(io) {}

  /// Calls `on_over(error)` on the io_context.
  void start(Ledger::Clock::time_point deadline, auto on_over) {
    asio::dispatch(strand_, [=, this, self = shared_from_this()] {
      timer_.expires_at(deadline);
      timer_.async_wait(handler([this](const error_code& error) { on_deadline(error); }));
      if (!connection.has_to_connect()) return send(on_over);
      connection.socket.async_connect(connection.peer(),
                                      handler([=, this](const error_code& error) {
                                        error ? end(error, on_over) : send(on_over);
                                      }));
    });
  }

  Connection& connection;

 private:
  /// Whichever handler is to come keeps the session.
  auto handler(auto body) {
    return asio::bind_executor(
        strand_, [body, self = shared_from_this()](const auto&... result) { body(result...); });
  }

  void send(auto on_over) {
    asio::async_write(connection.socket, asio::buffer(connection.exchange.request()),
                      handler([=, this](const error_code& error, std::size_t) {
                        error ? end(error, on_over) : receive(on_over);
                      }));
  }

  void receive(auto on_over) {
    connection.socket.async_read_some(
        asio::buffer(connection.buffer),
        handler([=, this](const error_code& error, std::size_t bytes) {
          connection.received(bytes);
          error || connection.exchange.over() ? end(error, on_over) : receive(on_over);
        }));
  }

  void on_deadline(const error_code& error) {
    if (error || ended_) return;
    connection.on_timed_out();  // closed: the handler of what it does comes
  }

  void end(const error_code& error, auto on_over) {
    ended_ = true;
    timer_.cancel();
    // Not in the strand any more, but on this thread.
    asio::defer(timer_.get_executor(), [=, self = shared_from_this()] { on_over(error); });
  }

  asio::strand<asio::io_context::executor_type> strand_;
  Timer timer_;
  bool ended_ = false;
};

class HandlerPerWait {
 public:
  HandlerPerWait(const Workload& workload, const Resources& resources, Ledger& ledger)
      : ledger_(ledger),
        plan_(workload),
        limit_(workload.limit),
        resources_(resources),
        io_(static_cast<int>(resources.workers)),
        connections_(io_),
        places_(io_, limit_) {}

  void run() {
    plan_.for_each_root([this](const Turn& turn) { start(turn); });
    run_on_threads(io_, resources_.workers, resources_.stop);
  }

 private:
  /// Where a turn goes on when what it waits for has come.
  struct Position {
    const Turn& turn;
    std::size_t step;
    Value v;
    const Step& operator*() const { return turn.steps[step]; }
  };

  /// Posted, so that any thread can take it, and a chain of turns does not nest.
  void start(const Turn& turn) {
    asio::post(io_, [this, &turn] { go_on(turn, 0, [&] { return ledger_.start(turn); }); });
  }

  /// Runs the turn's steps from `position` on with this value, up to its next wait or to its end.
  void go_on(const Turn& turn, std::size_t position, auto&& value) {
    try {
      Value v = value();
      for (; position < turn.steps.size(); ++position) {
        const Step& step = turn.steps[position];
        if (step.kind == StepKind::wait) return wait({turn, position, v});
        if (step.kind == StepKind::call) return call({turn, position, v});
        v = work(ledger_, step, v);
      }
      ledger_.finish(turn, v);
    } catch (const TurnFailed& failure) {
      ledger_.fail(turn, failure);
    }
    plan_.for_each_ready_after(turn, [this](const Turn& next) { start(next); });
  }

  void go_on_after(const Position& at, auto&& value) { go_on(at.turn, at.step + 1, value); }

  void after(Ledger::Clock::time_point moment, auto&& handler) {
    auto owner = std::make_unique<Timer>(io_, moment);
    Timer& timer = *owner;
    timer.async_wait([handler, owner = std::move(owner)](const auto& /*error*/) { handler(); });
  }

  void wait(const Position& at) {
    after(ledger_.begin_wait(*at),
          [=, this] { go_on_after(at, [&] { return ledger_.end_wait(*at, at.v); }); });
  }

  void call(const Position& at) {
    if (limit_.in_flight == 0) return attempt(at);
    places_.async_take([=, this](const error_code& /*error*/) {
      if (limit_.interval.count() == 0) return attempt(at);
      after(ledger_.reserve(*at), [=, this] { attempt(at); });
    });
  }

  void attempt(const Position& at) {
    if (resources_.endpoint.port != 0) return attempt_over_tcp(at);
    after(ledger_.begin_attempt(*at),
          [=, this] { end_attempt(at, [&] { return ledger_.end_attempt(*at, at.v); }); });
  }

  void attempt_over_tcp(const Position& at) {
    Connection& idle = connections_.take();
    const auto deadline = ledger_.begin_attempt(*at, idle.exchange);
    const auto session = std::make_shared<Session>(io_, connections_.suited(idle));
    session->start(deadline, [=, this](const error_code& error) {
      if (error) session->connection.on_error(error);
      session->connection.settle();
      end_attempt(at, [&] {
        const Pool<Connection>::GiveBack finally{connections_, session->connection};
        return ledger_.end_attempt(*at, at.v, session->connection.exchange);
      });
    });
  }

  /// `next()` says what comes after the attempt, or throws.
  void end_attempt(const Position& at, auto&& next) {
    std::exception_ptr failure;
    Ledger::Next ended{};
    try {
      ended = next();
    } catch (const TurnFailed&) {
      failure = std::current_exception();
    }
    if (ended.again) return after(ended.at, [=, this] { attempt(at); });
    if (limit_.in_flight > 0) places_.give_back();
    go_on_after(at, [&] {
      if (failure) std::rethrow_exception(failure);
      return ended.value;
    });
  }

  Ledger& ledger_;
  Plan plan_;
  const Limit limit_;
  const Resources& resources_;
  asio::io_context io_;           // its destructor ends turns that use all of the above
  Pool<Connection> connections_;  // its sockets are the io_context's, and go first
  Places places_;
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  HandlerPerWait(workload, resources, ledger).run();
}
