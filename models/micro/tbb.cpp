// What do the primitives of oneTBB cost?  In an arena of one thread, as with one worker.
#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <deque>

#include "micro.hpp"

namespace {

namespace flow = tbb::flow;
using Message = flow::continue_msg;
using micro::batch;

/// Runs `work` where a model with one worker runs.
void in_arena(auto&& work) {
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, 1);
  tbb::task_arena arena(1);
  arena.execute([&] { work(arena); });
}

/// A task spawned by task_group::run and run by the thread that waits for the group; a batch of
/// them spawned at once.
void tbb_task(benchmark::State& state) {
  in_arena([&](auto&) {
    tbb::task_group group;
    int done = 0;
    const micro::PerOperation task(state, batch);
    for (auto _ : state) {
      for (int i = 0; i < batch; ++i) group.run([&done] { ++done; });
      group.wait();
      benchmark::DoNotOptimize(done);
    }
  });
}
BENCHMARK(tbb_task)->Apply(micro::primitive);

/// A task of a group enqueued in the arena, first in first out; a batch of them at once.
void tbb_enqueue(benchmark::State& state) {
  in_arena([&](tbb::task_arena& arena) {
    tbb::task_group group;
    std::atomic<int> done = 0;
    const micro::PerOperation task(state, batch);
    for (auto _ : state) {
      for (int i = 0; i < batch; ++i) {
        arena.enqueue(group.defer([&done] { done.fetch_add(1, std::memory_order_relaxed); }));
      }
      group.wait();
    }
  });
}
BENCHMARK(tbb_enqueue)->Apply(micro::primitive);

/// A flow graph in the shape of the scenario `empty`: one node, a batch of nodes after it, and one
/// after all of them.
struct Graph {
  Graph() {
    for (int i = 0; i < batch; ++i) {
      auto& node = nodes.emplace_back(graph, [this](Message) { ++done; });
      flow::make_edge(first, node);
      flow::make_edge(node, last);
    }
  }
  int done = 0;
  flow::graph graph;
  flow::broadcast_node<Message> first{graph};
  flow::continue_node<Message> last{graph, [](Message) {}};
  std::deque<flow::continue_node<Message>> nodes;
};

/// A message through a continue_node that stands: in, its body run, and on along its edge.
void tbb_flow_node(benchmark::State& state) {
  in_arena([&](auto&) {
    Graph graph;
    const micro::PerOperation node(state, batch);
    for (auto _ : state) {
      graph.first.try_put({});
      graph.graph.wait_for_all();
    }
  });
}
BENCHMARK(tbb_flow_node)->Apply(micro::primitive);

/// A continue_node made, joined by an edge to the node before it and to the one after it, and in
/// the end taken down.
void tbb_flow_make(benchmark::State& state) {
  in_arena([&](auto&) {
    const micro::PerOperation node(state, batch);
    for (auto _ : state) Graph();
  });
}
BENCHMARK(tbb_flow_make)->Apply(micro::primitive);

/// A message through an async_node that is answered at once through its gateway, and on to the body
/// of a continue_node.
void tbb_async_node(benchmark::State& state) {
  in_arena([&](auto&) {
    using Node = flow::async_node<Message, Message>;
    int done = 0;
    flow::graph graph;
    Node node(graph, flow::unlimited, [](Message, Node::gateway_type& gateway) {
      gateway.reserve_wait();
      gateway.try_put({});
      gateway.release_wait();
    });
    flow::continue_node<Message> next(graph, [&done](Message) { ++done; });
    flow::make_edge(node, next);
    const micro::PerOperation message(state, batch);
    for (auto _ : state) {
      for (int i = 0; i < batch; ++i) node.try_put({});
      graph.wait_for_all();
    }
  });
}
BENCHMARK(tbb_async_node)->Apply(micro::primitive);

/// A task suspended and at once resumed, one at a time: two switches of stack.
void tbb_suspend_resume(benchmark::State& state) {
  in_arena([&](auto&) {
    const micro::PerOperation suspension(state, 1);
    for (auto _ : state) {
      tbb::task::suspend([](tbb::task::suspend_point point) { tbb::task::resume(point); });
    }
  });
}
BENCHMARK(tbb_suspend_resume)->Apply(micro::primitive);

}  // namespace
