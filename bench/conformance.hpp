// What do the conformance tests of a model share?
#pragma once

#include "model.hpp"
#include "testing.hpp"

namespace bench::testing {

extern Resources resources;  // from the command line: a process has one count of workers

/// The threads of this process, once they are as few as allowed, or after ten seconds.  A runtime
/// that detaches its threads, as Python does, has joined one a moment before the kernel forgets it.
std::int64_t threads_left(std::int64_t allowed);

}  // namespace bench::testing
