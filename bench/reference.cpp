// What is the right answer?
#include "reference.hpp"

#include <fmt/format.h>

#include <charconv>

namespace bench {

namespace {

/// The value of a turn that runs: to its end, or to the step that fails.
Value value_of_turn(const Workload& workload, const Turn& turn, Value v) {
  for (const Step& step : turn.steps) {
    switch (step.kind) {
      case StepKind::compute:
        v = computed(workload, step, v);
        if (step.raises) return failed(v, Outcome::answered);
        break;
      case StepKind::wait:
      case StepKind::block:
        v = answered(workload, step, v);
        break;
      case StepKind::call: {
        const auto script = workload.attempts_of(workload.call_of(step));
        const Outcome last = script.back().outcome;
        if (last != Outcome::answered) return failed(v, last);
        v = called(v, workload.response(workload.index_of(step)),
                   static_cast<std::uint32_t>(script.size()));
        break;
      }
    }
  }
  return v;
}

}  // namespace

std::vector<Value> reference_values(const Workload& workload) {
  prepare_kernels(workload);
  const std::vector<Ending> endings = scripted_endings(workload);
  std::vector<Value> values(workload.turns.size());
  for (const Turn& turn : workload.turns) {
    const auto value_of = [&](TurnId id) { return values[id]; };
    values[turn.id] = endings[turn.id] == Ending::skipped
                          ? skipped(workload, turn)
                          : value_of_turn(workload, turn, value_in(workload, turn, value_of));
  }
  return values;
}

Answer reference(const Workload& workload) {
  const std::vector<Value> values = reference_values(workload);
  return answer_of(workload, [&](TurnId id) { return values[id]; });
}

std::string to_text(const Answer& answer) {
  return fmt::format("{:016x}:{:016x}", answer.digest, answer.sum);
}

std::optional<Answer> answer_from(const std::string& text) {
  if (text.size() != 33 || text[16] != ':') return std::nullopt;
  Answer answer;
  auto read = [&](std::size_t at, Value& v) {
    const char* first = text.data() + at;
    return std::from_chars(first, first + 16, v, 16).ptr == first + 16;
  };
  if (!read(0, answer.digest) || !read(17, answer.sum)) return std::nullopt;
  return answer;
}

}  // namespace bench
