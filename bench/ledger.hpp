// Was the work really done, and when?  The verbs that a model runs a turn with, and their proof.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "exchange.hpp"
#include "reference.hpp"
#include "workload.hpp"

namespace bench {

/// Is told what happens, on the thread on which it happens.  For demos; never in a timed run.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_start(const Turn& turn) = 0;
  virtual void on_finish(const Turn& turn) = 0;
};

/// The turn cannot go on: a call of its was given up, its own code threw, or a turn that it waits
/// for has not finished.  The model catches it where it runs the turn, and hands it to `fail`.
class TurnFailed : public std::exception {
 public:
  TurnFailed(Ending e, Value v, const char* w) : ending(e), value(v), why_(w) {}
  const char* what() const noexcept override { return why_; }
  Ending ending;  // failed or skipped
  Value value;    // that the turn hands on

 private:
  const char* why_;
};

/// The run has been asked to stop, so no turn and no step begins any more.  What a model does with
/// any error that is no TurnFailed is right for it: abandon everything, and leave `run` with it.
class Stopped : public std::exception {
 public:
  const char* what() const noexcept override { return "the run was asked to stop"; }
};

/// What becomes of the others when a turn fails, in the terms of Python's asyncio.
enum class OnError : std::uint8_t {
  isolate,      // gather with return_exceptions: its followers are skipped, all others run on
  fail_fast,    // TaskGroup: all others are cancelled
  first_error,  // gather: the caller gets the error at once, all others run on
};
inline constexpr int on_error_count = 3;
const char* name_of(OnError policy);

/// A model calls, for each turn once, when all turns in `turn.before` have ended:
///
///   try {
///     Value v = ledger.start(turn);
///     for each step, in order:
///       compute   v = ledger.compute(step, v);
///       wait      deadline = ledger.begin_wait(step);  ... until then ...
///                 v = ledger.end_wait(step, v);
///       block     v = ledger.block(step, v);
///       call      see below
///     ledger.finish(turn, v);
///   } catch (const TurnFailed& failure) {
///     ledger.fail(turn, failure);  // for those after it the turn has ended: they start, and throw
///   }
///
/// A call is tried until it is answered or given up, which `end_attempt` decides:
///
///   for (;;) {
///     by timer   deadline = ledger.begin_attempt(step);  ... until then ...
///                next = ledger.end_attempt(step, v);
///     over TCP   deadline = ledger.begin_attempt(step, exchange);
///                ... connect to exchange.port(), or take a connection that is idle; send
///                exchange.request(), receive until exchange.over(); but at `deadline` no longer:
///                exchange.on_timed_out(), and the connection is closed ...
///                next = ledger.end_attempt(step, v, exchange);
///     if (!next.again) { v = next.value; break; }
///     ... until next.at ...
///   }
///
/// Which of both: over TCP if the model was given an endpoint.  Where the workload limits calls, no
/// more than so many may be between their first `begin_attempt` and their end at once; how they
/// queue is the model's own affair.  With a token bucket: before the first `begin_attempt`, once
/// the call has its place, `at = ledger.reserve(step)`, and until then it waits.
///
/// To stop is asked for from any thread, also from within a verb.  Then `start`, `compute`,
/// `begin_wait`, `block`, `begin_attempt` and `reserve` throw Stopped, and so do `end_wait` and
/// `end_attempt` before their time.  A model has to wake its own waits, in a std::stop_callback on
/// the stop token that it was given.
///
/// The ledger takes no locks.  Different turns may be run from different threads at once, but what
/// one turn writes must be visible to the turns after it: ordering is the model's job, and tested.
/// Storage is allocated and touched by the constructor.  Clock reads per turn: 2, plus 2 per step,
/// plus 1 per `time_left`.
class Ledger {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Ledger(const Workload& workload, Observer* observer = nullptr);
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  /// Folds in the values of the turns before this one.
  Value start(const Turn& turn);
  /// Runs the kernel on this thread.
  Value compute(const Step& step, Value v);
  /// The moment before which the wait must not end.  Of a wait that counts from the start of the
  /// run it may lie in the past.
  Clock::time_point begin_wait(const Step& step);
  /// For timers that are coarser than the deadline: at most zero when the wait may end.  Known
  /// before it has begun, where the wait counts from the start of the run.
  std::chrono::nanoseconds time_left(const Step& step) const;
  /// Refuses to end early: the run is then void, and the value wrong.
  Value end_wait(const Step& step, Value v);
  /// Holds this thread for the step's duration.
  Value block(const Step& step, Value v);
  /// What comes after an attempt.
  struct Next {
    bool again;  // the next attempt may begin at `at`
    Clock::time_point at;
    Value value;  // of an answered call
  };
  /// Begins the next attempt, by timer: the moment at which its outcome is there.
  Clock::time_point begin_attempt(const Step& step);
  /// The same over TCP: puts the request into the exchange.  The moment at which it is given up.
  Clock::time_point begin_attempt(const Step& step, Exchange& exchange);
  /// Throws TurnFailed when it was the last one, and not answered.  `time_left` tells before it how
  /// long until the deadline, and after it how long until the next attempt.
  Next end_attempt(const Step& step, Value v);
  Next end_attempt(const Step& step, Value v, const Exchange& exchange);
  /// Takes a token out of the bucket: the moment from which it is there.
  Clock::time_point reserve(const Step& step);

  /// Publishes the turn's value, once.
  void finish(const Turn& turn, Value v);
  /// The turn ends without having finished, once.
  void fail(const Turn& turn, const TurnFailed& failure);

  // ---- What follows is for the harness; models do not call it. ----

  /// Nanoseconds on the steady clock; 0 where it never happened.
  struct TurnRecord {
    std::int64_t started = 0, finished = 0;  // finished: or failed, or skipped
    Value value = 0;
    std::atomic<std::uint32_t> executions = 0;  // two threads may run a turn by mistake
    std::uint16_t publications = 0;
    Ending ending = Ending::none;
  };
  struct StepRecord {
    std::int64_t begun = 0, ended = 0;
  };
  struct CallRecord {
    std::int64_t attempt_begun = 0;
    std::int64_t due = 0;  // when the attempt may end at most, or the next one begin
    std::uint32_t attempts = 0;
    std::uint32_t events = 0;          // of its streams
    Outcome last = Outcome::answered;  // of the attempt that ended last
    bool waits_for_next = false;
    bool unexpected = false;  // an attempt had another outcome than by script
  };
  /// That the run was to stop.
  struct Stop {
    enum class Why : std::uint8_t { outside, enough, failure };
    Why why;
    std::int64_t asked = 0;        // on the steady clock
    std::int64_t process_cpu = 0;  // that the process had used by then
  };

  void set_endpoint(const Endpoint& endpoint) { endpoint_ = endpoint; }
  void set_policy(OnError policy) { policy_ = policy; }
  /// For the model.
  std::stop_token stop_token() const { return stop_source_.get_token(); }
  /// From any thread.  Only the first time counts.
  void ask_to_stop(Stop::Why why);

  void open();   // the clock starts: `run` is about to be called
  void close();  // `run` has returned

  /// Once `run` has returned.
  std::optional<Stop> stop() const;
  /// When the first turn failed; 0: none did.
  std::int64_t first_error_at() const { return first_error_.load(); }
  std::uint32_t most_in_flight() const { return most_in_flight_.load(); }

  /// When a wait or block step that has begun may end, on the steady clock.
  std::int64_t due_at(std::size_t step) const;
  std::int64_t opened_at() const { return opened_; }
  std::int64_t closed_at() const { return closed_; }
  const std::vector<TurnRecord>& turns() const { return turns_; }
  const std::vector<StepRecord>& steps() const { return steps_; }
  const std::vector<CallRecord>& calls() const { return calls_; }
  const Workload& workload() const { return workload_; }

  /// What the records say was done.
  Receipts receipts() const;
  Answer answer() const;

  /// Empty if the run is proved to have done all the work, in order; else what is wrong, naming
  /// the turn.  Checked: each turn ran once; none started before all that it waits for had
  /// finished; each step ran once, after the one before it, and no wait ended early; receipts equal
  /// the plan's; digest and sum equal the reference's.
  std::string fault(const Answer& reference) const;

  /// The same of a run that was stopped, by the right value of each turn: every turn that ended
  /// did so as it should have, with the right value, after all that it waits for; none started
  /// after the run was to stop.
  std::string prefix_fault(const std::vector<Value>& reference) const;

 private:
  enum class Breach : std::uint8_t {
    none,
    early_wait,
    unbegun_wait,
    repeated_step,
    not_a_wait,
    early_attempt,
    too_many_in_flight,
    early_token,
  };
  void report(Breach breach, std::size_t step);
  std::string breach() const;
  void heed_stop() const;
  Clock::time_point begin(std::size_t index);
  Value end(std::size_t index, Value v);
  CallRecord& call_record(const Step& step);
  CallRecord& begin_try(const Step& step);
  Next end_try(const Step& step, Value v, Outcome outcome, Value response,
               std::optional<std::chrono::nanoseconds> retry_after);
  const Attempt& scripted(const Step& step) const;
  void enter_call(std::size_t index);
  void publish(const Turn& turn, Value v, Ending ending);
  std::string fault_in(const Turn& turn, Ending expected) const;
  std::string fault_in_order(const Turn& turn) const;
  std::string fault_in_open(const Turn& turn) const;  // it has not ended
  std::string fault_in_steps(const Turn& turn) const;
  std::string fault_in_calls() const;

  const Workload& workload_;
  Observer* observer_;
  Endpoint endpoint_;
  OnError policy_ = OnError::isolate;
  std::vector<TurnRecord> turns_;
  std::vector<StepRecord> steps_;
  std::vector<CallRecord> calls_;
  std::vector<bool> is_result_;  // of each turn, where some are enough
  std::int64_t opened_ = 0, closed_ = 0;
  std::stop_source stop_source_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> stop_claimed_ = false;
  std::atomic<bool> stop_known_ = false;  // stop_ is written
  Stop stop_{};
  std::atomic<std::int64_t> first_error_ = 0;
  std::atomic<std::size_t> results_ = 0;
  std::atomic<std::uint32_t> in_flight_ = 0, most_in_flight_ = 0;
  std::atomic<std::int64_t> bucket_full_at_ = 0;  // on the steady clock
  std::atomic<std::uint64_t> breach_ = 0;         // the first one: what, and at which step
};

}  // namespace bench
