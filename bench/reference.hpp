// What is the right answer?  The values that turns hand on, and what they add up to.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernels.hpp"
#include "random.hpp"
#include "workload.hpp"

namespace bench {

/// A turn's input: the outputs of all it waits for, in ascending order of their ids.
inline Value value_in(const Workload& workload, const Turn& turn, auto&& value_of) {
  Value v = mix64(workload.seed ^ turn.id);
  for (const TurnId before : turn.before) v = mix64(v ^ value_of(before));
  return v;
}

/// What a compute step makes of a value.
inline Value computed(const Workload& workload, const Step& step, Value v) {
  return mix64(run_kernel(step.kernel, step.units, v) ^ workload.index_of(step));
}

/// What a wait or a blocking tool makes of a value: it mixes in the response, which is a function
/// of seed and step.
inline Value answered(const Workload& workload, const Step& step, Value v) {
  return mix64(v ^ workload.response(workload.index_of(step)));
}

/// What an answered call makes of a value: as a wait, but the number of attempts counts, too.
inline Value called(Value v, Value response, std::uint32_t attempts) {
  v = mix64(v ^ response);
  return attempts == 1 ? v : mix64(v ^ attempts);
}

/// What a turn hands on that fails with this value at hand: because a call was given up with that
/// outcome, or, `answered`, because the agent's code threw.
inline Value failed(Value v, Outcome outcome) {
  return mix64(~v ^ static_cast<std::uint64_t>(outcome));
}

/// What a turn hands on that is skipped.
inline Value skipped(const Workload& workload, const Turn& turn) {
  return mix64(~(workload.seed ^ turn.id));
}

/// Fingerprint of a run's outcome.
struct Answer {
  Value digest = 0;  // over the values of all turns that nobody waits for, in ascending order
  Value sum = 0;     // over all turns, whatever the order: a lost, doubled or orphaned turn shows
  bool operator==(const Answer&) const = default;
};

/// The fingerprint of these values, one per turn.
Answer answer_of(const Workload& workload, auto&& value_of) {
  Answer answer{.digest = mix64(workload.seed), .sum = 0};
  for (const Turn& turn : workload.turns) {
    const Value v = value_of(turn.id);
    if (turn.after.empty()) answer.digest = mix64(answer.digest ^ v);
    answer.sum += mix64(v ^ turn.id);
  }
  return answer;
}

/// The right value of each turn: a `for` loop that computes everything and waits for nothing.
std::vector<Value> reference_values(const Workload& workload);

/// The right answer.
Answer reference(const Workload& workload);

/// As two hexadecimal numbers, `0123456789abcdef:0123456789abcdef`.
std::string to_text(const Answer& answer);
std::optional<Answer> answer_from(const std::string& text);

}  // namespace bench
