// What do the primitives of Boost.Fiber cost?  On one thread, with the default scheduler.
#include <boost/fiber/all.hpp>
#include <vector>

#include "micro.hpp"

namespace {

namespace fibers = boost::fibers;

/// A fiber started and joined, one at a time: its stack comes from the allocator by default.
void fiber_create_join(benchmark::State& state) {
  const micro::PerOperation fiber(state, 1);
  for (auto _ : state) fibers::fiber([] {}).join();
}
BENCHMARK(fiber_create_join)->Apply(micro::primitive);

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
