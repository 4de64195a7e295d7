// How is a model measured?  One run between two clock reads, and everything that is known about it.
#pragma once

#include <optional>
#include <string>

#include "bounds.hpp"
#include "ledger.hpp"
#include "metrics.hpp"
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

struct Measurement {
  Status status = Status::ok;
  std::string reason;  // why not ok
  unsigned cpus = 0;   // that the process is pinned to: P in the bounds
  UnitCosts costs;
  Bounds bounds{};
  nanoseconds structural_bound{};
  Answer answer;
  // Of a run that is ok; otherwise without meaning.
  Metrics metrics{};
  Usage usage{};
  ProcessStatus before, after;
  KernelMemory kernel_before;
  PeakWatch::Peaks peaks{};
  std::optional<CpuUse> idle_cpu;  // while every turn was waiting
};

using RunFunction = void (*)(const Workload&, const Resources&, Ledger&);

/// Runs the model once.  `ledger` must be fresh; its stamps stay readable.
Measurement measure(RunFunction run, const Model& model, const Cell& cell, unsigned cpus,
                    const Answer& expected, Ledger& ledger);

/// What no machine could do, although the proof holds; empty if nothing.
std::string impossible(const Bounds& bounds, nanoseconds makespan, nanoseconds cpu_time,
                       unsigned cpus);

}  // namespace bench
