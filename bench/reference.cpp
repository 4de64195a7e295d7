// What is the right answer?
#include "reference.hpp"

#include <fmt/format.h>

#include <charconv>

namespace bench {

Answer reference(const Workload& workload) {
  prepare_kernels(workload);
  std::vector<Value> values(workload.turns.size());
  auto value_of = [&](TurnId id) { return values[id]; };
  for (const Turn& turn : workload.turns) {
    Value v = value_in(workload, turn, value_of);
    for (const Step& step : turn.steps) {
      v = step.kind == StepKind::compute ? computed(workload, step, v)
                                         : answered(workload, step, v);
    }
    values[turn.id] = v;
  }
  return answer_of(workload, value_of);
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
