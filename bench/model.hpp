// What must a concurrency model provide?  One function that runs a workload, and a few facts.
#pragma once

#include "ledger.hpp"
#include "workload.hpp"

namespace bench {

struct Resources {
  unsigned workers;  // how many threads may compute at once; the process has no more CPUs than that
};

/// How good a use of its library a model file is.
enum class Rung {
  naive,      // what its documentation warns against
  idiomatic,  // what the library's authors would show
  tuned,      // what they would ship
  reference,  // another language, for comparison
};

/// What a model can do at once.  Sets its structural bound (bounds.hpp).
enum class Structure {
  sequential,        // one thing at a time
  one_loop,          // waits overlap; one thread computes and runs blocking tools
  blocking_workers,  // `workers` threads, each held by waits as well
  workers,           // waits overlap; `workers` threads compute and run blocking tools
  thread_per_turn,   // everything overlaps
};

inline constexpr int structure_count = 5;

const char* name_of(Rung rung);
const char* name_of(Structure structure);

struct Model {
  const char* family;
  Rung rung;
  Structure structure;
  const char* library;  // its version, as loaded where the library can tell
  // What a turn without steps is made of: names of raw primitives in models/micro, joined by "+";
  // empty if it takes none of the library's.  Read on one worker, where nothing is shared.
  const char* primitives = "";
};

// One file models/<name>.cpp defines both; the linker joins it with the harness.

extern const Model model;

/// Runs every turn of the workload once, each after all it waits for, through the ledger's verbs.
/// Threads, loops and pools are set up inside.  When it returns nothing of it is left, except pools
/// that a library keeps for the process.  Throws what went wrong; std::system_error with
/// resource_unavailable_try_again and std::bad_alloc mean "this machine cannot do it".
void run(const Workload& workload, const Resources& resources, Ledger& ledger);

}  // namespace bench
