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
};

const char* name_of(StepKind kind);

/// See kernels.hpp.
enum class Kernel : std::uint8_t { mix, json, topk };
inline constexpr int kernel_count = 3;

struct Step {
  StepKind kind;
  Kernel kernel = Kernel::mix;           // of a compute step
  bool from_start = false;               // of a wait: its duration counts from the start of the run
  std::uint32_t units = 0;               // of a compute step; fixed work, about 1 us each
  std::chrono::nanoseconds duration{0};  // of a wait or block step
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

  /// Position of a step among all steps of the workload.
  std::size_t index_of(const Step& step) const {
    return static_cast<std::size_t>(&step - steps_.data());
  }
  std::span<const Step> steps() const { return steps_; }
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
  std::vector<Step> steps_;
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
  std::vector<Step> steps_;
  std::vector<TurnId> before_;
  std::vector<Result> results_;
  std::chrono::nanoseconds arrivals_{0};
  std::size_t beat_count_ = 0;
  friend Workload with_heartbeats(const Workload&, std::chrono::nanoseconds, std::size_t);
};

/// The same work, and beside it an agent whose turns are heartbeats: a chain of `count` turns, of
/// which the nth is due n periods after the start of the run.  The moments are absolute: one that
/// counted from the beat before it would hide the very stall that made that beat late.  A model
/// serves them with its own scheduler, as it serves all turns.
Workload with_heartbeats(const Workload& work, std::chrono::nanoseconds period, std::size_t count);

/// What a run has to have done when it is over: a plain count over the workload.
struct Receipts {
  std::uint64_t turns = 0, waits = 0, blocks = 0, units = 0;
  bool operator==(const Receipts&) const = default;
};
Receipts planned(const Workload& workload);

}  // namespace bench
