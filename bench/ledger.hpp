// Was the work really done, and when?  The verbs that a model runs a turn with, and their proof.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

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

/// A model calls, for each turn once, when all turns in `turn.before` have finished:
///
///   Value v = ledger.start(turn);
///   for each step, in order:
///     compute   v = ledger.compute(step, v);
///     wait      deadline = ledger.begin_wait(step);  ... until then ...  v = ledger.end_wait(step,
///     v); block     v = ledger.block(step, v);
///   ledger.finish(turn, v);
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
  /// Publishes the turn's value, once.
  void finish(const Turn& turn, Value v);

  // ---- What follows is for the harness; models do not call it. ----

  /// Nanoseconds on the steady clock; 0 where it never happened.
  struct TurnRecord {
    std::int64_t started = 0, finished = 0;
    Value value = 0;
    std::atomic<std::uint32_t> executions = 0;  // two threads may run a turn by mistake
    std::uint32_t publications = 0;
  };
  struct StepRecord {
    std::int64_t begun = 0, ended = 0;
  };

  void open();   // the clock starts: `run` is about to be called
  void close();  // `run` has returned

  /// When a wait or block step that has begun may end, on the steady clock.
  std::int64_t due_at(std::size_t step) const;
  std::int64_t opened_at() const { return opened_; }
  std::int64_t closed_at() const { return closed_; }
  const std::vector<TurnRecord>& turns() const { return turns_; }
  const std::vector<StepRecord>& steps() const { return steps_; }
  const Workload& workload() const { return workload_; }

  /// What the records say was done.
  Receipts receipts() const;
  Answer answer() const;

  /// Empty if the run is proved to have done all the work, in order; else what is wrong, naming
  /// the turn.  Checked: each turn ran once; none started before all that it waits for had
  /// finished; each step ran once, after the one before it, and no wait ended early; receipts equal
  /// the plan's; digest and sum equal the reference's.
  std::string fault(const Answer& reference) const;

 private:
  enum class Breach : std::uint8_t { none, early_wait, unbegun_wait, repeated_step, not_a_wait };
  void report(Breach breach, std::size_t step);
  Clock::time_point begin(std::size_t index);
  Value end(std::size_t index, Value v);
  std::string fault_in(const Turn& turn) const;

  const Workload& workload_;
  Observer* observer_;
  std::vector<TurnRecord> turns_;
  std::vector<StepRecord> steps_;
  std::int64_t opened_ = 0, closed_ = 0;
  std::atomic<std::uint64_t> breach_ = 0;  // the first one: what, and at which step
};

}  // namespace bench
