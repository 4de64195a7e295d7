// How does a model in another language take part?  The suite's program and its ledger, through C.
//
// A shared library holds the program (program.cpp, or the conformance test) and this interface.
// The other language loads it and calls interleave_program, which calls back: first `prepare`, then
// `run`.  In `run`, and from any thread it starts, the verbs are those of ledger.hpp, with turns
// and steps named by their numbers.  One run at a time.
#pragma once

#include <cstddef>
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
  const std::uint32_t* before;        // turns that must have ended
  std::uint32_t most_in_flight;       // as bench::Limit: calls at once; 0: no limit of any sort
  std::uint32_t has_bucket;           // not 0: a call reserves a token before its first attempt
};

/// As bench::Resources.
struct InterleaveResources {
  std::uint32_t workers;
  std::uint32_t over_tcp;  // not 0: attempts are begun with an exchange; else they are timers
};

/// What the other language provides.  `prepare` and `run` return 0, or 1 after interleave_fail.
struct InterleaveModel {
  const char* version;  // of the language, or of its library
  int (*prepare)(const InterleaveWorkload* workload);
  int (*run)(const InterleaveResources* resources);  // bench::run, on the workload prepared last
  void (*on_stop)();  // the run is to stop: once at most, on any thread, also from within a verb
};

/// bench::run_program: returns the exit status.
int interleave_program(int argc, char** argv, const InterleaveModel* model);

/// For a callback: what went wrong there.  An error number that says "this machine cannot do it"
/// (EAGAIN, ENOMEM, EMFILE) makes the run a skipped one; 0 if there is none.
void interleave_fail(int error_number, const char* text);

/// Not 0: a verb has thrown.  It then returned 0, and interleave_why says more.
extern int interleave_failed;

/// As bench::TurnFailed.
struct InterleaveTurnFailed {
  std::uint64_t value;
  std::uint32_t ending;
};

enum InterleaveWhy {
  interleave_nothing,  // nothing that concerns this thread
  interleave_turn,     // the turn is to be ended by interleave_fail_turn
  interleave_run,      // `run` should end soon: the program goes on with what was thrown
};

/// What the verb threw that this thread called last.  Says it once.
int interleave_why(InterleaveTurnFailed* failure);

std::uint64_t interleave_start(std::uint32_t turn);
std::uint64_t interleave_compute(std::uint64_t step, std::uint64_t value);
void interleave_begin_wait(std::uint64_t step);
double interleave_time_left(std::uint64_t step);  // in seconds
std::uint64_t interleave_end_wait(std::uint64_t step, std::uint64_t value);
std::uint64_t interleave_block(std::uint64_t step, std::uint64_t value);
void interleave_finish(std::uint32_t turn, std::uint64_t value);
void interleave_fail_turn(std::uint32_t turn, std::uint64_t value, std::uint32_t ending);

/// bench::Exchange, with the same members.
struct InterleaveExchange;
InterleaveExchange* interleave_exchange_new();
void interleave_exchange_delete(InterleaveExchange* exchange);
std::uint16_t interleave_exchange_port(const InterleaveExchange* exchange);
int interleave_exchange_keep_alive(const InterleaveExchange* exchange);
const char* interleave_exchange_request(const InterleaveExchange* exchange, std::size_t* size);
int interleave_exchange_receive(InterleaveExchange* exchange, const char* bytes, std::size_t size);
void interleave_exchange_on_closed(InterleaveExchange* exchange);
void interleave_exchange_on_refused(InterleaveExchange* exchange);
void interleave_exchange_on_timed_out(InterleaveExchange* exchange);
int interleave_exchange_over(const InterleaveExchange* exchange);
int interleave_exchange_connection_reusable(const InterleaveExchange* exchange);

/// Without an exchange: by timer.  interleave_time_left tells how long the attempt has.
void interleave_begin_attempt(std::uint64_t step, InterleaveExchange* exchange);
/// Not 0: there is another attempt, after interleave_time_left.  `value` is handed on.
int interleave_end_attempt(std::uint64_t step, std::uint64_t* value,
                           const InterleaveExchange* exchange);
void interleave_reserve(std::uint64_t step);  // the token is there after interleave_time_left

}  // extern "C"
#pragma GCC visibility pop
