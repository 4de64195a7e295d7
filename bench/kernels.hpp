// What keeps a core busy?  Kernels that map a value to a value by a fixed amount of integer work.
#pragma once

#include "workload.hpp"

namespace bench {

/// Runs `units` of a kernel on this thread.  Each unit needs the value of the unit before it, so
/// the work can be neither skipped nor reordered.  A unit takes about 1 us on a 3 GHz machine; what
/// it really takes is measured (costs.hpp) and used for bounds only.
///   mix   a dependent chain of multiplications: arithmetic alone
///   json  parse a tool's result and write it again (nlohmann-json): branches and small allocations
///   topk  best dot products of int8 vectors in a table of 128 MiB: memory
Value run_kernel(Kernel kernel, std::uint32_t units, Value value);

/// Builds the table that `topk` reads, if the workload has a step that needs it.  Once per process,
/// before anything is timed; `reference` and the ledger's constructor call it.
void prepare_kernels(const Workload& workload);

const char* name_of(Kernel kernel);

}  // namespace bench
