// oneTBB: the workload as a flow graph, which the library schedules by itself.
//
// The idea      Say what depends on what, and let the library find out what can run at once.
// A wait        is an async_node: it hands its gateway to one timer thread and holds no worker.
// Computing     is the body of a continue_node, on whichever of the `workers` threads is free.
// Next turn     follows along the graph's edges; a turn is a chain of nodes, cut at its waits.
// Rung          idiomatic: the library's own words for dependencies, and for work done elsewhere.
#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/version.h>

#include <deque>
#include <vector>

#include "bench/model.hpp"
#include "models/tbb_family.hpp"

const bench::Model bench::model{"tbb", Rung::idiomatic, Structure::workers, TBB_runtime_version(),
                                "tbb_flow_make+tbb_flow_node"};

namespace {

using namespace bench;
using namespace bench::tbb_family;
namespace flow = tbb::flow;
using Done = flow::continue_msg;
using WorkNode = flow::continue_node<Done>;
using WaitNode = flow::async_node<Done, Done, flow::lightweight>;  // runs inline if noexcept
using Gateway = WaitNode::gateway_type;

class FlowGraph {
 public:
  FlowGraph(const Workload& workload, Ledger& ledger)
      : ledger_(ledger), values_(workload.turns.size()), timer_(workload.turns.size(), wake) {
    timer_.start();  // now: the body of a wait must not throw
    std::vector<WorkNode*> last(workload.turns.size());
    for (const Turn& turn : workload.turns) {
      WorkNode* node = add_work(turn, 0);
      if (turn.before.empty()) make_edge(start_, *node);
      for (const TurnId before : turn.before) make_edge(*last[before], *node);
      for (std::size_t i = 0; i < turn.steps.size(); ++i) {
        if (turn.steps[i].kind == StepKind::wait) node = add_wait(turn, i, *node);
      }
      last[turn.id] = node;
    }
  }

  ~FlowGraph() {  // whatever happens, the nodes outlive their tasks
    graph_.cancel();
    graph_.wait_for_all();
  }

  void run() {
    start_.try_put(Done{});
    graph_.wait_for_all();
  }

 private:
  /// The steps from `first` up to the turn's next wait, or to its end.
  WorkNode* add_work(const Turn& turn, std::size_t first) {
    return &work_nodes_.emplace_back(graph_, [this, &turn, first](Done) { work(turn, first); });
  }

  /// The wait that is step `i`, after `node`, and then the steps after it.
  WorkNode* add_wait(const Turn& turn, std::size_t i, WorkNode& node) {
    auto begin_wait = [this, &step = turn.steps[i]](Done, Gateway& gateway) noexcept {
      gateway.reserve_wait();  // the graph is not finished while a node waits
      timer_.wake_at(ledger_.begin_wait(step), &gateway);
    };
    make_edge(node, wait_nodes_.emplace_back(graph_, flow::unlimited, begin_wait));
    WorkNode* next = add_work(turn, i + 1);
    make_edge(wait_nodes_.back(), *next);
    return next;
  }

  static void wake(std::vector<Gateway*> due) {
    for (Gateway* gateway : due) {
      gateway->try_put(Done{});  // spawns a task for the node behind the wait
      gateway->release_wait();
    }
  }

  void work(const Turn& turn, std::size_t first) {
    Value& v = values_[turn.id];
    v = first == 0 ? ledger_.start(turn) : ledger_.end_wait(turn.steps[first - 1], v);
    for (const Step& step : turn.steps.subspan(first)) {
      if (step.kind == StepKind::wait) return;
      v = step.kind == StepKind::compute ? ledger_.compute(step, v) : ledger_.block(step, v);
    }
    ledger_.finish(turn, v);
  }

  Ledger& ledger_;
  std::vector<Value> values_;  // of each turn on its way
  flow::graph graph_;
  flow::broadcast_node<Done> start_{graph_};
  std::deque<WorkNode> work_nodes_;  // nodes do not move
  std::deque<WaitNode> wait_nodes_;
  Timer<Gateway*> timer_;  // last: its thread ends before the nodes do
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  Arena arena(resources.workers);
  arena.execute([&] { FlowGraph(workload, ledger).run(); });
}
