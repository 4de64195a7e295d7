// What must a concurrency model provide?  One function that runs a workload, and a few facts.
#pragma once

#include <stop_token>

#include "exchange.hpp"
#include "ledger.hpp"
#include "workload.hpp"

namespace bench {

struct Resources {
  unsigned workers;  // how many threads may compute at once; the process has no more CPUs than that
  Endpoint endpoint = {};     // where calls go; port 0: they are timers
  std::stop_token stop = {};  // asked to stop: abandon what waits, return soon
};

// Over TCP all models keep to one policy.  A call takes the connection that became idle last; if
// none is idle it opens one.  There is no limit on their number.  A connection serves one call at a
// time, with TCP_NODELAY, and goes back when its reply is complete and keeps it alive
// (Exchange::connection_reusable); else it is closed.  All are closed when `run` returns.

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

/// What a model is held against, by their names in models/micro.
struct Primitives {
  // What a turn without steps is made of: raw primitives, joined by "+"; empty if it takes none of
  // the library's.  Read on one worker, where nothing is shared.
  const char* turn = "";
  // What calls over TCP: a bare client; empty if none is of its library.
  const char* calls = "";
};

struct Model {
  const char* family;
  Rung rung;
  Structure structure;
  const char* library;  // its version, as loaded where the library can tell
  Primitives primitives = {};
};

// One file models/<name>.cpp defines both; the linker joins it with the harness.

extern const Model model;

/// Runs every turn of the workload once, each after all it waits for, through the ledger's verbs.
/// Threads, loops and pools are set up inside.  When it returns nothing of it is left, except pools
/// that a library keeps for the process.  Throws what went wrong; std::bad_alloc, and
/// std::system_error with what says that threads, memory, descriptors, buffers or ports are used up
/// (EAGAIN, ENOMEM, EMFILE, ENFILE, ENOBUFS, EADDRNOTAVAIL), mean "this machine cannot do it".
/// Asked to stop it returns soon, or throws Stopped: it wakes what waits for a timer, a connection
/// or a place among limited calls, and sees what computes or blocks to the end of its step.
void run(const Workload& workload, const Resources& resources, Ledger& ledger);

}  // namespace bench
