// What does the suite itself take of an empty turn?  Its proof, its countdown, and new memory.
#include "bench/ledger.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <new>

#include "bench/plan.hpp"
#include "bench/presets.hpp"
#include "micro.hpp"

namespace {

using namespace bench;

const Workload& empty_turns() {
  static const Workload workload =
      find_preset("empty")->make({.scenario = "empty", .agents = micro::batch, .cpu_share = 0});
  return workload;
}

/// Ledger::start and Ledger::finish of a turn, one after another over the whole scenario `empty`:
/// as many records as a model has there, and the same graph.
void ledger_turn(benchmark::State& state) {
  const Workload& workload = empty_turns();
  Ledger ledger(workload);
  const micro::PerOperation turn(state, static_cast<double>(workload.turns.size()));
  for (auto _ : state) {
    for (const Turn& turn : workload.turns) ledger.finish(turn, ledger.start(turn));
  }
}
BENCHMARK(ledger_turn)->Apply(micro::primitive);

/// A turn's share of a Plan over the scenario `empty`: made, counted down along the turn's two
/// edges, and the turn handed out when it is ready.
void plan_turn(benchmark::State& state) {
  const Workload& workload = empty_turns();
  std::size_t ready = 0;
  const micro::PerOperation turn(state, static_cast<double>(workload.turns.size()));
  for (auto _ : state) {
    Plan plan(workload);
    auto start = [&](const Turn& next) { ready += next.id; };
    plan.for_each_root(start);
    for (const Turn& turn : workload.turns) plan.for_each_ready_after(turn, start);
    benchmark::DoNotOptimize(ready);
  }
}
BENCHMARK(plan_turn)->Apply(micro::primitive);

/// The first write to a page of new memory, as a growing heap has it.  Taking the memory and giving
/// it back are not in it.
void page_first_touch(benchmark::State& state) {
  constexpr std::size_t pages = 2'000;
  const auto page_bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const micro::PerOperation page(state, static_cast<double>(pages));
  for (auto _ : state) {
    state.PauseTiming();
    void* memory = mmap(nullptr, pages * page_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    state.ResumeTiming();
    for (std::size_t i = 0; i < pages; ++i) {
      *(static_cast<volatile char*>(memory) + i * page_bytes) = 1;
    }
    state.PauseTiming();
    munmap(memory, pages * page_bytes);
    state.ResumeTiming();
  }
}
BENCHMARK(page_first_touch)->Apply(micro::primitive);

}  // namespace
