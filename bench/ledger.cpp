// Was the work really done, and when?
#include "ledger.hpp"

#include <fmt/format.h>

#include <thread>

namespace bench {
namespace {

std::int64_t now_ns() {
  return std::chrono::nanoseconds(Ledger::Clock::now().time_since_epoch()).count();
}

}  // namespace

Ledger::Ledger(const Workload& workload, Observer* observer)
    : workload_(workload),
      observer_(observer),
      turns_(workload.turns.size()),
      steps_(workload.steps().size()) {
  prepare_kernels(workload);
}

Value Ledger::start(const Turn& turn) {
  TurnRecord& record = turns_[turn.id];
  record.executions.fetch_add(1, std::memory_order_relaxed);
  // The stamp comes before the reads, and `finish` writes before it stamps: a start that is not
  // earlier than a predecessor's finish has read what that predecessor published.
  record.started = now_ns();
  if (observer_) observer_->on_start(turn);
  return value_in(workload_, turn, [this](TurnId id) { return turns_[id].value; });
}

Value Ledger::compute(const Step& step, Value v) {
  const std::size_t index = workload_.index_of(step);
  StepRecord& record = steps_[index];
  if (record.begun != 0) report(Breach::repeated_step, index);
  record.begun = now_ns();
  v = computed(workload_, step, v);
  record.ended = now_ns();
  return v;
}

Ledger::Clock::time_point Ledger::begin(std::size_t index) {
  StepRecord& record = steps_[index];
  if (record.begun != 0) report(Breach::repeated_step, index);
  record.begun = now_ns();
  return Clock::time_point(std::chrono::nanoseconds(due_at(index)));
}

std::int64_t Ledger::due_at(std::size_t step) const {
  const Step& s = workload_.steps()[step];
  return (s.from_start ? opened_ : steps_[step].begun) + s.duration.count();
}

Value Ledger::end(std::size_t index, Value v) {
  const Step& step = workload_.steps()[index];
  StepRecord& record = steps_[index];
  record.ended = now_ns();
  if (record.begun == 0) {
    report(Breach::unbegun_wait, index);
    return ~v;
  }
  if (record.ended < due_at(index)) {
    report(Breach::early_wait, index);
    return ~v;
  }
  return answered(workload_, step, v);
}

Ledger::Clock::time_point Ledger::begin_wait(const Step& step) {
  const std::size_t index = workload_.index_of(step);
  // A blocking tool holds its thread: that is the point of it, and no timer may stand in.
  if (step.kind != StepKind::wait) report(Breach::not_a_wait, index);
  return begin(index);
}

std::chrono::nanoseconds Ledger::time_left(const Step& step) const {
  return std::chrono::nanoseconds(due_at(workload_.index_of(step)) - now_ns());
}

Value Ledger::end_wait(const Step& step, Value v) { return end(workload_.index_of(step), v); }

Value Ledger::block(const Step& step, Value v) {
  const std::size_t index = workload_.index_of(step);
  std::this_thread::sleep_until(begin(index));
  return end(index, v);
}

void Ledger::finish(const Turn& turn, Value v) {
  TurnRecord& record = turns_[turn.id];
  record.value = v;
  ++record.publications;
  record.finished = now_ns();
  if (observer_) observer_->on_finish(turn);
}

void Ledger::open() { opened_ = now_ns(); }
void Ledger::close() { closed_ = now_ns(); }

void Ledger::report(Breach breach, std::size_t step) {
  std::uint64_t none = 0;
  breach_.compare_exchange_strong(none,
                                  std::uint64_t{step} << 8 | static_cast<std::uint64_t>(breach),
                                  std::memory_order_relaxed);
}

Receipts Ledger::receipts() const {
  Receipts done;
  for (const TurnRecord& record : turns_) {
    done.turns += record.publications;
  }
  for (const Step& step : workload_.steps()) {
    if (steps_[workload_.index_of(step)].ended == 0) continue;
    done.waits += step.kind == StepKind::wait;
    done.blocks += step.kind == StepKind::block;
    done.units += step.units;
  }
  return done;
}

Answer Ledger::answer() const {
  return answer_of(workload_, [this](TurnId id) { return turns_[id].value; });
}

std::string Ledger::fault_in(const Turn& turn) const {
  const TurnRecord& record = turns_[turn.id];
  const auto executions = record.executions.load(std::memory_order_relaxed);
  if (executions == 0) return fmt::format("turn {} never ran", turn.id);
  if (executions > 1) return fmt::format("turn {} ran {} times", turn.id, executions);
  if (record.publications == 0) {
    return fmt::format("turn {} had not finished when the model returned", turn.id);
  }
  if (record.publications > 1) {
    return fmt::format("turn {} finished {} times", turn.id, record.publications);
  }
  if (record.finished > closed_) {
    return fmt::format("turn {} finished after the model had returned", turn.id);
  }
  for (const TurnId before : turn.before) {
    const std::int64_t finished = turns_[before].finished;
    if (finished == 0 || record.started < finished) {
      return fmt::format("turn {} started before turn {} had finished", turn.id, before);
    }
  }
  std::int64_t earliest = record.started;
  for (const Step& step : turn.steps) {
    const StepRecord& done = steps_[workload_.index_of(step)];
    if (done.begun == 0 || done.ended == 0) {
      return fmt::format("turn {} skipped its step {} ({})", turn.id, &step - turn.steps.data(),
                         name_of(step.kind));
    }
    if (done.begun < earliest || done.ended > record.finished) {
      return fmt::format("turn {} ran its step {} ({}) out of order", turn.id,
                         &step - turn.steps.data(), name_of(step.kind));
    }
    earliest = done.ended;
  }
  return {};
}

std::string Ledger::fault(const Answer& reference) const {
  for (const Turn& turn : workload_.turns) {
    if (std::string fault = fault_in(turn); !fault.empty()) return fault;
  }
  if (const std::uint64_t breach = breach_.load(std::memory_order_relaxed); breach != 0) {
    const std::size_t step = breach >> 8;
    switch (static_cast<Breach>(breach & 0xff)) {
      case Breach::early_wait:
        return fmt::format("the wait of step {} ended {} us early", step,
                           static_cast<double>(due_at(step) - steps_[step].ended) / 1000);
      case Breach::unbegun_wait:
        return fmt::format("the wait of step {} ended without having begun", step);
      case Breach::repeated_step:
        return fmt::format("step {} ran twice", step);
      case Breach::not_a_wait:
        return fmt::format("step {} ({}) was run as a wait", step,
                           name_of(workload_.steps()[step].kind));
      case Breach::none:
        break;
    }
  }
  const Receipts done = receipts(), plan = planned(workload_);
  if (done != plan) {
    return fmt::format(
        "receipts differ from the plan: {} of {} turns, {} of {} waits, {} of {} "
        "blocking tools, {} of {} compute units",
        done.turns, plan.turns, done.waits, plan.waits, done.blocks, plan.blocks, done.units,
        plan.units);
  }
  const Answer mine = answer();
  if (mine.sum != reference.sum) {
    return fmt::format("the sum over all turns is {:016x}, not {:016x}", mine.sum, reference.sum);
  }
  if (mine.digest != reference.digest) {
    return fmt::format("the digest is {:016x}, not {:016x}", mine.digest, reference.digest);
  }
  return {};
}

}  // namespace bench
