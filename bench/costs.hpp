// What does a compute unit cost on this machine, now?
#pragma once

#include <array>
#include <vector>

#include "workload.hpp"

namespace bench {

/// Nanoseconds per unit of one kernel.
struct UnitCost {
  double least;  // for bounds: nothing that really happened may be faster
  double usual;  // on average while all CPUs compute: what a scheduler can count on
};

/// The readings of every kernel that a workload uses; none of the others.
class UnitCosts {
 public:
  UnitCosts() = default;
  /// The same cost for every kernel, for worked examples.
  explicit UnitCosts(double ns) { alone_.fill({ns}); }

  bool has(Kernel kernel) const { return !alone_[index(kernel)].empty(); }
  UnitCost of(Kernel kernel) const;

  /// Runs each kernel that `workload` uses for about 2 ms on this thread alone.  Then runs all of
  /// them, in the workload's proportion and in random order, for about 15 ms on `cpus` threads at
  /// once: CPUs share caches, memory, power, often a whole core, so a unit costs more when all
  /// compute.  Called before and after a run, for the cost drifts with what else the host does.
  void probe(const Workload& workload, unsigned cpus);

 private:
  static std::size_t index(Kernel kernel) { return static_cast<std::size_t>(kernel); }
  using Readings = std::array<std::vector<double>, kernel_count>;
  Readings alone_, together_;
};

}  // namespace bench
