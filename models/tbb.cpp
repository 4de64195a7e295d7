// oneTBB: the workload as a flow graph, which the library schedules by itself.
//
// The idea      Say what depends on what, and let the library find out what can run at once.
// A wait        is an async_node: it hands its gateway to one timer thread and holds no worker.
// Computing     is the body of a continue_node, on whichever of the `workers` threads is free.
// Next turn     follows along the graph's edges; a turn is a chain of nodes, cut at its waits.
#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/version.h>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <queue>
#include <thread>

#include "bench/model.hpp"

const bench::Model bench::model{"tbb", Rung::idiomatic, Structure::workers, TBB_runtime_version()};

namespace {
using namespace bench;
namespace flow = tbb::flow;
using Done = flow::continue_msg;
using WorkNode = flow::continue_node<Done>;
using WaitNode = flow::async_node<Done, Done, flow::lightweight>;  // runs inline if noexcept
using Gateway = WaitNode::gateway_type;

/// One thread that sleeps until the next deadline and then wakes the node that waits for it.
class Timer {
 public:
  void wake_at(Ledger::Clock::time_point deadline, Gateway& gateway) {
    gateway.reserve_wait();  // the graph is not finished while a node waits
    std::lock_guard lock(mutex_);
    alarms_.emplace(deadline, &gateway);
    if (alarms_.top().second == &gateway) changed_.notify_one();
  }

 private:
  using Alarm = std::pair<Ledger::Clock::time_point, Gateway*>;
  void serve(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [this] { return !alarms_.empty(); })) {
      if (const Alarm next = alarms_.top(); next.first > Ledger::Clock::now()) {
        changed_.wait_until(lock, stop, next.first, [&] { return alarms_.top() < next; });
      } else {
        alarms_.pop();
        next.second->try_put(Done{});  // spawns a task for the node behind the wait
        next.second->release_wait();
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::priority_queue<Alarm, std::vector<Alarm>, std::greater<>> alarms_;
  std::jthread thread_{[this](std::stop_token stop) { serve(stop); }};
};

class FlowGraph {
 public:
  FlowGraph(const Workload& workload, Ledger& ledger)
      : ledger_(ledger), values_(workload.turns.size()) {
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
      timer_.wake_at(ledger_.begin_wait(step), gateway);
    };
    make_edge(node, wait_nodes_.emplace_back(graph_, flow::unlimited, begin_wait));
    WorkNode* next = add_work(turn, i + 1);
    make_edge(wait_nodes_.back(), *next);
    return next;
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
  Timer timer_;  // last: its thread ends before the nodes do
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  // Without the limit TBB takes no more workers than the machine has cores, and does not say so.
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, resources.workers);
  tbb::task_arena arena(static_cast<int>(resources.workers));
  arena.execute([&] { FlowGraph(workload, ledger).run(); });
}
