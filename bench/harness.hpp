// How is a model measured?  One run between two clock reads, and everything that is known about it.
#pragma once

#include <optional>
#include <string>

#include "bounds.hpp"
#include "ledger.hpp"
#include "metrics.hpp"
#include "mock_llm_process.hpp"
#include "model.hpp"
#include "presets.hpp"
#include "process.hpp"

namespace bench {

enum class Status {
  ok,
  invalid,  // the proof failed, or the figures are what no machine could do
  skipped,  // this machine cannot do it
  crash,    // the model threw
};
const char* name_of(Status status);

/// What came of turns and calls, whatever the script says.
struct Counts {
  std::uint64_t attempts = 0, retries = 0;  // of calls; retries: all but the first of each
  std::uint64_t failed = 0, skipped = 0;    // turns
  std::uint64_t unexpected = 0;             // calls with another outcome than by script
  std::uint64_t events = 0;                 // tokens of streams that came over TCP
};
Counts counts_of(const Ledger& ledger);

/// How a run that was asked to stop took it.
struct StopReport {
  Ledger::Stop::Why why;
  nanoseconds asked;         // after the start
  nanoseconds acknowledged;  // from then until `run` had returned
  nanoseconds cpu;           // that the process used meanwhile, the harness's own included
  std::uint64_t finished = 0, started_after = 0;  // turns
};

/// What the mock LLM took beside a run; none of it is charged to the model.
struct EndpointReport {
  bool own_cpu;  // that the run does not use
  nanoseconds cpu;
  std::int64_t peak_resident_bytes;  // 0: unknown
  std::string stats;                 // what it says of itself, as JSON; empty: nothing
};

/// What was not there before `run`.  Pools that libraries keep for the process are among it: what a
/// model leaves each time shows when it runs many times in one process (soak.cpp).
struct Left {
  std::int64_t threads = 0, descriptors = 0, heap_bytes = 0;
};

struct Measurement {
  Status status = Status::ok;
  std::string reason;  // why not ok
  unsigned cpus = 0;   // that the process is pinned to: P in the bounds
  UnitCosts costs;
  Bounds bounds{};
  nanoseconds structural_bound{};
  Answer answer;
  Counts counts;
  std::optional<nanoseconds> first_error;  // after the start, where a turn failed
  // Of a run that is ok; otherwise without meaning.
  Metrics metrics{};
  Usage usage{};
  ProcessStatus before, after;
  KernelMemory kernel_before;
  PeakWatch::Peaks peaks{};
  std::optional<CpuUse> idle_cpu;  // while every turn was waiting
  Left left;
  std::optional<StopReport> stop;  // of a run that was stopped; it has no metrics but its makespan
  std::optional<EndpointReport> endpoint;  // of a run over TCP
};

using RunFunction = void (*)(const Workload&, const Resources&, Ledger&);

/// Runs the model once.  `ledger` must be fresh; its stamps stay readable.  With a mock LLM, calls
/// go there.
Measurement measure(RunFunction run, const Model& model, const Cell& cell, unsigned cpus,
                    const Answer& expected, Ledger& ledger, const MockLlm* llm = nullptr);

/// What no machine could do, although the proof holds; empty if nothing.
std::string impossible(const Bounds& bounds, nanoseconds makespan, nanoseconds cpu_time,
                       unsigned cpus);

}  // namespace bench
