// How does a model in another language take part?  The suite's program and its ledger, through C.
//
// A shared library holds the program (program.cpp, or the conformance test) and this interface.
// The other language loads it and calls interleave_program, which calls back: first `prepare`, then
// `run`.  In `run`, and from any thread it starts, the verbs are those of ledger.hpp, with turns
// and steps named by their numbers.  One run at a time.
#pragma once

#include <cstdint>

#pragma GCC visibility push(default)
extern "C" {

/// The graph, as in workload.hpp.  The arrays live until `run` has returned.
struct InterleaveWorkload {
  std::uint64_t turn_count;
  const std::uint64_t* first_step;    // of each turn, and one past the last: its steps are
                                      // first_step[turn] up to first_step[turn + 1]
  const std::uint8_t* step_kinds;     // of each step: bench::StepKind
  const std::uint64_t* first_before;  // of each turn, and one past the last, into `before`
  const std::uint32_t* before;        // turns that must have finished
};

/// What the other language provides.  The callbacks return 0, or 1 after interleave_fail.
struct InterleaveModel {
  const char* version;  // of the language, or of its library
  int (*prepare)(const InterleaveWorkload* workload);
  int (*run)(std::uint32_t workers);  // bench::run, on the workload prepared last
};

/// bench::run_program: returns the exit status.
int interleave_program(int argc, char** argv, const InterleaveModel* model);

/// For a callback: what went wrong there.  An error number that says "this machine cannot do it"
/// (EAGAIN, ENOMEM, EMFILE) makes the run a skipped one; 0 if there is none.
void interleave_fail(int error_number, const char* text);

/// Not 0 after a verb has thrown in this run; the verb then returned 0.  `run` should end soon, and
/// the program goes on with what was thrown.
extern int interleave_failed;

std::uint64_t interleave_start(std::uint32_t turn);
std::uint64_t interleave_compute(std::uint64_t step, std::uint64_t value);
void interleave_begin_wait(std::uint64_t step);
double interleave_time_left(std::uint64_t step);  // in seconds
std::uint64_t interleave_end_wait(std::uint64_t step, std::uint64_t value);
std::uint64_t interleave_block(std::uint64_t step, std::uint64_t value);
void interleave_finish(std::uint32_t turn, std::uint64_t value);

}  // extern "C"
#pragma GCC visibility pop
