// What do the primitives of Boost.Fiber cost?  On one thread.
#include <boost/fiber/all.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "micro.hpp"

namespace {

namespace fibers = boost::fibers;
using micro::batch;

/// A fiber launched, run when its turn comes, and joined; a batch of them launched before the first
/// is joined, on stacks of 32 KiB from a pool.
void fiber_create_join(benchmark::State& state) {
  fibers::pooled_fixedsize_stack stacks(32 * 1024);
  std::vector<fibers::fiber> all(batch);
  auto run_batch = [&] {
    for (fibers::fiber& fiber : all) {
      fiber = fibers::fiber(fibers::launch::post, std::allocator_arg, stacks, [] {});
    }
    for (fibers::fiber& fiber : all) fiber.join();
  };
  run_batch();  // one that touches the stacks for the first time takes all the time there is
  const micro::PerOperation fiber(state, batch);
  for (auto _ : state) run_batch();
}
BENCHMARK(fiber_create_join)->Apply(micro::primitive);

/// As fiber_create_join, from the queue that the threads of algo::shared_work share, and on stacks
/// from the heap, as they must be that any thread may free.  Each batch on a thread of its own,
/// which takes its scheduler along, so that a part of the stacks is touched for the first time.
void fiber_create_join_shared(benchmark::State& state) {
  auto run_batch = [] {
    std::jthread([] {
      fibers::use_scheduling_algorithm<fibers::algo::shared_work>();
      std::vector<fibers::fiber> all(batch);
      for (fibers::fiber& fiber : all) {
        fiber = fibers::fiber(fibers::launch::post, std::allocator_arg,
                              fibers::fixedsize_stack(32 * 1024), [] {});
      }
      for (fibers::fiber& fiber : all) fiber.join();
    });
  };
  run_batch();
  const micro::PerOperation fiber(state, batch);
  for (auto _ : state) run_batch();
}
BENCHMARK(fiber_create_join_shared)->Apply(micro::primitive);

/// As fiber_create_join, one at a time: its stack is the one before's.
void fiber_create_join_single(benchmark::State& state) {
  fibers::pooled_fixedsize_stack stacks(32 * 1024);
  const micro::PerOperation fiber(state, 1);
  for (auto _ : state) {
    fibers::fiber(fibers::launch::post, std::allocator_arg, stacks, [] {}).join();
  }
}
BENCHMARK(fiber_create_join_single)->Apply(micro::primitive);

/// A switch to the other one of two fibers that yield in turn.
void fiber_switch(benchmark::State& state) {
  bool over = false;
  fibers::fiber other([&over] {
    while (!over) boost::this_fiber::yield();
  });
  {
    const micro::PerOperation yield(state, 2);
    for (auto _ : state) boost::this_fiber::yield();
  }
  over = true;
  other.join();
}
BENCHMARK(fiber_switch)->Apply(micro::primitive);

}  // namespace
