// oneTBB: the workload as a flow graph, which the library schedules by itself.
//
// The idea      Say what depends on what, and let the library find out what can run at once.
// A wait        is an async_node: it hands its gateway to one thread outside and holds no worker.
// A call        is one as well; the thread outside goes on with it until it is answered or given
//               up.  Where calls are limited, a limiter_node lets them in.
// Computing     is the body of a continue_node, on whichever of the `workers` threads is free.
// Next turn     follows along the graph's edges; a turn is a chain of nodes, cut at its waits.
// Rung          idiomatic: the library's own words for dependencies, and for work done elsewhere.
#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/version.h>

#include <deque>
#include <exception>
#include <optional>
#include <stop_token>
#include <vector>

#include "bench/model.hpp"
#include "models/tbb_family.hpp"
#include "models/tbb_outside.hpp"

const bench::Model bench::model{"tbb", Rung::idiomatic, Structure::workers, TBB_runtime_version(),
                                Primitives{"tbb_flow_make+tbb_flow_node", "tbb"}};

namespace {

using namespace bench;
using namespace bench::tbb_family;
namespace flow = tbb::flow;
using Done = flow::continue_msg;
using WorkNode = flow::continue_node<Done>;
using WaitNode = flow::async_node<Done, Done, flow::lightweight>;  // runs inline if noexcept
using Gateway = WaitNode::gateway_type;

class FlowGraph {
  struct Call;

  /// What waits outside.
  struct Waiting {
    Gateway* gateway;
    Call* call = nullptr;
  };
  using Outside = tbb_family::Outside<Waiting>;

  struct Call {
    const Turn* turn;
    const Step* step;
    Gateway* gateway;
    Outside::Call state;
  };

 public:
  FlowGraph(const Workload& workload, const Resources& resources, Ledger& ledger)
      : ledger_(ledger),
        progress_(workload.turns.size()),
        calls_(workload.calls().size()),
        outside_(workload, resources, ledger, [this](auto due) { wake(due); }) {
    outside_.start();  // now: the body of a wait must not throw
    if (workload.limit.in_flight > 0) limiter_.emplace(*this, workload.limit.in_flight);
    for (const Turn& turn : workload.turns) {
      WorkNode& first = add_work(turn, 0);
      if (turn.before.empty()) make_edge(start_, first);
      for (const TurnId before : turn.before) make_edge(*last_[before], first);
      last_.push_back(&first);
      flow::sender<Done>* node = &first;
      for (std::size_t i = 0; i < turn.steps.size(); ++i) {
        if (is_outside(turn.steps[i])) node = add_outside(turn, i, *node);
      }
    }
  }

  ~FlowGraph() {  // whatever happens, the nodes outlive their tasks
    abandon();
    graph_.wait_for_all();
  }

  void run(const std::stop_token& stop) {
    const std::stop_callback abandon_all(stop, [this] { abandon(); });
    start_.try_put(Done{});
    graph_.wait_for_all();
    if (error_) std::rethrow_exception(error_);
  }

 private:
  static bool is_outside(const Step& step) {
    return step.kind == StepKind::wait || step.kind == StepKind::call;
  }

  /// The steps from `first` up to the turn's next wait, or to its end.
  WorkNode& add_work(const Turn& turn, std::size_t first) {
    return work_nodes_.emplace_back(graph_, [this, &turn, first](Done) { work(turn, first); });
  }

  /// The wait or call that is step `i`, after `node`, and then the steps after it.  A call is over
  /// when its node is: if another one follows, there is nothing to do in between.
  flow::sender<Done>* add_outside(const Turn& turn, std::size_t i, flow::sender<Done>& node) {
    const Step& step = turn.steps[i];
    const bool calls = step.kind == StepKind::call;
    WaitNode& waits = calls ? add_call(turn, step) : add_wait(turn, step);
    make_edge(node, waits);
    if (calls && i + 1 < turn.steps.size() && is_outside(turn.steps[i + 1])) {
      return &flow::output_port<0>(waits);
    }
    WorkNode& next = add_work(turn, i + 1);
    make_edge(waits, next);
    last_[turn.id] = &next;
    return &next;
  }

  WaitNode& add_wait(const Turn& turn, const Step& step) {
    auto begin_wait = [this, &turn, &step](Done, Gateway& gateway) noexcept {
      if (progress_[turn.id].failed) return pass_over_rest(turn);
      leave(gateway, [&] { outside_.wake_at(ledger_.begin_wait(step), {&gateway}); });
    };
    return wait_nodes_.emplace_back(graph_, flow::unlimited, begin_wait);
  }

  WaitNode& add_call(const Turn& turn, const Step& step) {
    auto begin_call = [this, &turn, &step](Done, Gateway& gateway) noexcept {
      if (progress_[turn.id].failed) return pass_over_rest(turn);
      Call& call = calls_[step.call] = {&turn, &step, &gateway, {}};
      if (limiter_) {
        limiter_->queue.try_put(&call);
      } else {
        begin(call);
      }
    };
    return wait_nodes_.emplace_back(graph_, flow::unlimited, begin_call);
  }

  void begin(Call& call) noexcept {
    leave(*call.gateway, [&] {
      outside_.begin_call(*call.step, call.state, {call.gateway, &call});
    });
  }

  /// Calls queue until one of the places is free.
  struct Limiter {
    Limiter(FlowGraph& all, std::size_t places)
        : queue(all.graph_),
          limiter(all.graph_, places),
          begin(all.graph_, flow::unlimited, [&all](Call* call) { all.begin(*call); }) {
      make_edge(queue, limiter);
      make_edge(limiter, begin);
    }
    flow::queue_node<Call*> queue;
    flow::limiter_node<Call*> limiter;
    flow::function_node<Call*> begin;
  };

  /// The graph is not finished while `body` has something wait outside.
  void leave(Gateway& gateway, auto&& body) noexcept {
    gateway.reserve_wait();
    try {
      body();
    } catch (...) {
      on_error();
      gateway.release_wait();
    }
  }

  static void pass_on(Gateway& gateway) {
    gateway.try_put(Done{});  // spawns a task for the node behind the wait
  }

  /// To its last node, at once: one by one would nest, for a wait's node runs inside the one
  /// before.
  void pass_over_rest(const Turn& turn) { last_[turn.id]->try_put(Done{}); }

  // ---- On the thread outside. ----

  void wake(const std::vector<Waiting>& due) {
    for (const Waiting& waiting : due) {
      if (!outside_.gave_up()) {
        if (waiting.call && !is_over(*waiting.call)) continue;
        pass_on(*waiting.gateway);
      }
      waiting.gateway->release_wait();
    }
  }

  /// Or the call waits on, for its next attempt or its outcome.
  bool is_over(Call& call) {
    Progress& at = progress_[call.turn->id];
    try {
      const auto value = outside_.go_on(*call.step, call.state, at.value, {call.gateway, &call});
      if (!value) return false;
      at.value = *value;
    } catch (const TurnFailed& failure) {
      fail(*call.turn, failure);
    } catch (...) {
      on_error();
    }
    if (limiter_) limiter_->limiter.decrementer().try_put(Done{});
    return true;
  }

  // ---- On a worker. ----

  void work(const Turn& turn, std::size_t first) {
    Progress& at = progress_[turn.id];
    if (at.failed) return;
    try {
      if (run_steps(turn, first, at.value)) ledger_.finish(turn, at.value);
    } catch (const TurnFailed& failure) {
      fail(turn, failure);
    } catch (...) {  // TBB carries it out of the graph, but does not know what waits outside
      outside_.give_up();
      throw;
    }
  }

  /// False if the turn goes on elsewhere.
  bool run_steps(const Turn& turn, std::size_t first, Value& v) {
    if (first == 0) {
      v = ledger_.start(turn);
    } else if (const Step& before = turn.steps[first - 1]; before.kind == StepKind::wait) {
      v = ledger_.end_wait(before, v);
    }
    for (const Step& step : turn.steps.subspan(first)) {
      if (is_outside(step)) return false;
      v = step.kind == StepKind::compute ? ledger_.compute(step, v) : ledger_.block(step, v);
    }
    return true;
  }

  /// The node after this one finds out, and passes over the rest.
  void fail(const Turn& turn, const TurnFailed& failure) {
    progress_[turn.id].failed = true;
    ledger_.fail(turn, failure);
  }

  /// From where no error can come out; the first one is kept.
  void on_error() noexcept {
    if (!has_error_.exchange(true)) error_ = std::current_exception();
    abandon();
  }

  void abandon() noexcept {
    graph_.cancel();
    outside_.give_up();
  }

  struct Progress {
    Value value = 0;
    bool failed = false;
  };

  Ledger& ledger_;
  std::vector<Progress> progress_;  // of each turn on its way
  std::vector<Call> calls_;
  std::atomic<bool> has_error_ = false;
  std::exception_ptr error_;
  flow::graph graph_;
  flow::broadcast_node<Done> start_{graph_};
  std::deque<WorkNode> work_nodes_;  // nodes do not move
  std::vector<WorkNode*> last_;      // of each turn
  std::deque<WaitNode> wait_nodes_;
  std::optional<Limiter> limiter_;
  Outside outside_;  // last: its thread ends before the nodes do
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  Arena arena(resources.workers);
  arena.execute([&] { FlowGraph(workload, resources, ledger).run(resources.stop); });
}
