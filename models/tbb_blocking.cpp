// oneTBB, blocking: a flow graph of one node per turn, which sleeps where the turn waits.
//
// The idea      The shortest way to write it: a turn is plain code in the body of a continue_node.
// A wait        holds one of the `workers` threads, as a call does: no more turns wait at once than
//               there are.
// Computing     has to queue behind the waits of others, though the CPUs are idle.
// Next turn     follows along the graph's edges.
// Rung          naive: the library's guide warns against tasks that block.
#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/version.h>

#include <deque>

#include "bench/model.hpp"
#include "models/tbb_family.hpp"
#include "models/threads_family.hpp"

const bench::Model bench::model{"tbb", Rung::naive, Structure::blocking_workers,
                                TBB_runtime_version(),
                                Primitives{"tbb_flow_make+tbb_flow_node", "blocking_one"}};

namespace {

using namespace bench;
using namespace bench::tbb_family;
namespace flow = tbb::flow;
using Done = flow::continue_msg;
using TurnNode = flow::continue_node<Done>;

class NodePerTurn {
 public:
  NodePerTurn(const Workload& workload, const Resources& resources, Ledger& ledger)
      : turns_(workload, resources, ledger) {
    for (const Turn& turn : workload.turns) {
      TurnNode& node = nodes_.emplace_back(graph_, [this, &turn](Done) { turns_.run(turn); });
      if (turn.before.empty()) make_edge(start_, node);
      for (const TurnId before : turn.before) make_edge(nodes_[before], node);
    }
  }

  void run() {
    start_.try_put(Done{});
    graph_.wait_for_all();
  }

 private:
  BlockingTurns turns_;
  flow::graph graph_;
  flow::broadcast_node<Done> start_{graph_};
  std::deque<TurnNode> nodes_;  // nodes do not move
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  tbb_family::Arena arena(resources.workers);
  arena.execute([&] { NodePerTurn(workload, resources, ledger).run(); });
}
