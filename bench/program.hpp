// What runs around a model?  The program of a model, and that of its conformance test.
#pragma once

#include "workload.hpp"

namespace bench {

extern const char* const model_name;  // the file's name, from CMake

/// Is shown the workload before memory and time are looked at, so that a model in another language
/// has it in its own terms by then, as a model in C++ has.
using Prepare = void (*)(const Workload&);

/// Does what the command line asks for and returns the exit status.  There are two of them to link
/// with: program.cpp measures one cell; conformance_test.cpp tests, and prepares nothing, for it
/// runs many workloads.
int run_program(int argc, char** argv, Prepare prepare = nullptr);

}  // namespace bench
