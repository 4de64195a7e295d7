// What is the work?  A graph of agent turns as plain data: the same for every model.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "random.hpp"

namespace bench {

/// Raised when the meaning of a workload changes, so that results of different work never mix.
inline constexpr int workload_version = 1;

using TurnId = std::uint32_t;
using AgentId = std::uint32_t;
using Value = std::uint64_t;

enum class StepKind : std::uint8_t {
  compute,  // keep one core busy with `units` of `kernel`
  wait,     // the outside world takes `duration`: any timer of the model's library
  block,    // a badly behaved tool: it holds the calling thread for `duration`
  call,     // the mock LLM is asked, attempt by attempt: by timer, or over TCP
};

const char* name_of(StepKind kind);

/// How an attempt of a call ends.
enum class Outcome : std::uint8_t {
  answered,
  rate_limited,  // HTTP 429
  server_error,  // HTTP 500 or 503
  timed_out,     // no reply, or only the beginning of one, within the call's limit
  refused,       // no connection
  cut,           // the connection was closed before the reply was complete
  garbage,       // a reply that is not what was asked for
};

inline constexpr int outcome_count = 7;
const char* name_of(Outcome outcome);

/// One try of a call, as the outside world will have it: it is known beforehand.
struct Attempt {
  Outcome outcome = Outcome::answered;
  std::chrono::nanoseconds duration{0};  // from the attempt's begin until its outcome is there
  std::chrono::nanoseconds back_off{0};  // from then to the next attempt; of the last one 0
};

/// A call is tried this often at most, as OpenAI's clients do by default: two retries.
inline constexpr std::uint32_t most_attempts = 3;

/// What a call step asks for.
struct Call {
  std::uint32_t first_attempt = 0, attempt_count = 1;  // see Workload::attempts_of
  std::uint32_t tokens = 0;  // that its answer streams; 0: an answer in one piece
  bool keep_alive = true;    // false: over TCP it has a connection of its own
  std::chrono::nanoseconds first{
      0};  // to the first token; the last one comes with the answer's end
  std::chrono::nanoseconds limit{0};  // an attempt that takes longer is given up
};

/// See kernels.hpp.
enum class Kernel : std::uint8_t { mix, json, topk };
inline constexpr int kernel_count = 3;

struct Step {
  StepKind kind;
  Kernel kernel = Kernel::mix;  // of a compute step
  bool from_start = false;      // of a wait: its duration counts from the start of the run
  bool raises = false;          // of a compute step: when it is done, the agent's code throws
  std::uint32_t units = 0;      // of a compute step; fixed work, about 1 us each
  std::uint32_t call = 0;       // of a call step: which of the workload's calls
  std::chrono::nanoseconds duration{0};  // of a wait or block step, or of a call with all attempts
};

/// When a wait or block step is over that begins `begun` after the start of the run.
inline std::chrono::nanoseconds due_after(const Step& step, std::chrono::nanoseconds begun) {
  return step.from_start ? std::max(begun, step.duration) : begun + step.duration;
}

/// What an agent does with one message: a straight script of steps.
struct Turn {
  TurnId id;
  AgentId agent;
  std::span<const Step> steps;
  std::span<const TurnId> before;  // turns that must have finished; ascending, all below id
  std::span<const TurnId> after;   // turns that wait for this one; ascending, all above id
};

/// Somebody waits for this turn's output, since that long after the start of the run.
struct Result {
  TurnId turn;
  std::chrono::nanoseconds since;
};

/// How many calls may be under way at once, and how many may begin per time: a token bucket that
/// holds `burst` tokens at first and at most, and gets one more each `interval`.
struct Limit {
  std::uint32_t in_flight = 0;  // 0: no limit of any sort
  std::uint32_t burst = 0;
  std::chrono::nanoseconds interval{0};  // 0: no bucket
};

/// Turns are numbered topologically, so a `for` loop over them is a valid order and a cycle
/// cannot be written down.  The spans point into the workload's own storage: move, never copy.
class Workload {
 public:
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;
  Workload(Workload&&) = default;
  Workload& operator=(Workload&&) = default;

  std::string name;
  std::uint64_t seed = 0;
  std::vector<Turn> turns;
  std::vector<std::string> agent_names;  // one per agent
  std::vector<Result> results;           // in the order of their turns; of most workloads none
  std::chrono::nanoseconds arrivals{0};  // within which sessions arrive; 0: all are there at once
  Limit limit;                           // on calls
  std::size_t enough = 0;  // so many results are wanted, then the run is stopped; 0: all

  /// Position of a step among all steps of the workload.
  std::size_t index_of(const Step& step) const {
    return static_cast<std::size_t>(&step - steps_.data());
  }
  std::span<const Step> steps() const { return steps_; }
  std::span<const Call> calls() const { return calls_; }
  const Call& call_of(const Step& step) const { return calls_[step.call]; }
  /// The script of a call: all but the last fail; the last is answered, or the call has failed.
  std::span<const Attempt> attempts_of(const Call& call) const {
    return std::span(attempts_).subspan(call.first_attempt, call.attempt_count);
  }
  /// By script, the turn ends with this step: its call is given up, or its code throws.
  bool fails(const Step& step) const {
    if (step.kind != StepKind::call) return step.raises;
    return attempts_of(call_of(step)).back().outcome != Outcome::answered;
  }
  /// Some turn fails by script: its followers are skipped.
  bool has_failures() const { return has_failures_; }
  std::size_t edge_count() const { return before_.size(); }

  /// All turns but the beats.
  std::span<const Turn> work() const { return std::span(turns).first(turns.size() - beat_count_); }
  /// Heartbeats, see with_heartbeats; of most workloads none.
  std::span<const Turn> beats() const { return std::span(turns).last(beat_count_); }

  /// What the outside world answers to the step at this index.
  Value response(std::size_t step_index) const { return mix64(response_key_ ^ step_index); }

 private:
  friend class WorkloadBuilder;
  Workload() = default;
  std::size_t beat_count_ = 0;
  bool has_failures_ = false;
  std::vector<Step> steps_;
  std::vector<Call> calls_;
  std::vector<Attempt> attempts_;
  std::vector<TurnId> before_, after_;
  std::uint64_t response_key_ =
      0;  // draws of Stream::response: worked out once, it is on the clock
};

/// Writes a workload turn by turn.  Throws std::invalid_argument, naming the turn, if a turn waits
/// for itself, for a later turn, or twice for the same one.
class WorkloadBuilder {
 public:
  WorkloadBuilder(std::string name, std::uint64_t seed);

  AgentId add_agent(std::string name);
  /// Opens a turn; the steps added next are its script.
  TurnId add_turn(AgentId agent, std::span<const TurnId> before);
  TurnId add_turn(AgentId agent, std::initializer_list<TurnId> before = {}) {
    return add_turn(agent, std::span(before.begin(), before.size()));
  }
  void compute(Kernel kernel, std::uint32_t units);  // no step for 0 units
  void wait(std::chrono::nanoseconds duration);
  void wait_until(std::chrono::nanoseconds since_start);
  void block(std::chrono::nanoseconds duration);
  /// `script` has 1 to most_attempts attempts, of which all but the last are not answered.  The
  /// call's place among the attempts is filled in.
  void call(Call call, std::span<const Attempt> script);
  /// A unit of computing, after which the agent's code throws.
  void raise();
  void limit_calls(const Limit& limit) { limit_ = limit; }
  void enough(std::size_t results) { enough_ = results; }

  /// Somebody waits for what the turn added last hands on.
  void result(std::chrono::nanoseconds since_start);
  void arrivals_within(std::chrono::nanoseconds window) { arrivals_ = window; }

  /// How many steps have been added so far: the index of the next one.
  std::uint64_t step_count() const { return steps_.size(); }
  std::uint64_t seed() const { return seed_; }

  Workload build() &&;

 private:
  struct Draft {
    AgentId agent;
    std::size_t first_step, first_before;
  };
  std::string name_;
  std::uint64_t seed_;
  std::vector<std::string> agent_names_;
  std::vector<Draft> drafts_;
  void copy(const Workload& work, auto&& add_step);

  std::vector<Step> steps_;
  std::vector<Call> calls_;
  std::vector<Attempt> attempts_;
  std::vector<TurnId> before_;
  std::vector<Result> results_;
  std::chrono::nanoseconds arrivals_{0};
  Limit limit_;
  std::size_t enough_ = 0;
  std::size_t beat_count_ = 0;
  friend Workload with_heartbeats(const Workload&, std::chrono::nanoseconds, std::size_t);
  friend Workload with_calls(const Workload&);
  friend Workload as_played(const Workload&);
};

/// The same work, and beside it an agent whose turns are heartbeats: a chain of `count` turns, of
/// which the nth is due n periods after the start of the run.  The moments are absolute: one that
/// counted from the beat before it would hide the very stall that made that beat late.  A model
/// serves them with its own scheduler, as it serves all turns.
Workload with_heartbeats(const Workload& work, std::chrono::nanoseconds period, std::size_t count);

/// The same work with the same answer, but each wait that counts from its own begin is a call that
/// takes as long: so that any workload can be run over TCP.
Workload with_calls(const Workload& work);

/// The same graph with the same durations, as it goes by script, in waits: a call is one wait of as
/// long, a turn that fails ends there, and one that is skipped is empty.  For bounds and schedules.
Workload as_played(const Workload& work);

/// How a turn ends.
enum class Ending : std::uint8_t {
  none,  // it has not
  finished,
  failed,   // a call of its was given up, or its own code threw
  skipped,  // a turn that it waits for failed or was skipped
};

/// How each turn ends by script.
std::vector<Ending> scripted_endings(const Workload& workload);

/// What a run has to have done when it is over: a plain count over the workload, as far as its
/// turns go by script.
struct Receipts {
  std::uint64_t turns = 0, waits = 0, blocks = 0, units = 0;
  std::uint64_t calls = 0, attempts = 0, failed = 0, skipped = 0;
  bool operator==(const Receipts&) const = default;
};
Receipts planned(const Workload& workload);

}  // namespace bench
