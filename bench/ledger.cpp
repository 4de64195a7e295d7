// Was the work really done, and when?
#include "ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <thread>

#include "process.hpp"

namespace bench {
namespace {

using std::chrono::nanoseconds;

std::int64_t now_ns() {
  return std::chrono::nanoseconds(Ledger::Clock::now().time_since_epoch()).count();
}

const char* name_of(Ending ending) {
  static constexpr std::array names = {"not at all", "finished", "failed", "skipped"};
  return names[static_cast<std::size_t>(ending)];
}

}  // namespace

const char* name_of(OnError policy) {
  static constexpr std::array<const char*, on_error_count> names = {"isolate", "fail-fast",
                                                                    "first-error"};
  return names[static_cast<std::size_t>(policy)];
}

Ledger::Ledger(const Workload& workload, Observer* observer)
    : workload_(workload),
      observer_(observer),
      turns_(workload.turns.size()),
      steps_(workload.steps().size()),
      calls_(workload.calls().size()) {
  prepare_kernels(workload);
  if (workload.enough == 0) return;
  is_result_.resize(turns_.size());
  for (const Result& result : workload.results) is_result_[result.turn] = true;
}

Value Ledger::start(const Turn& turn) {
  TurnRecord& record = turns_[turn.id];
  // The stamp comes before all reads.  `finish` writes before it stamps: a start that is not
  // earlier than a predecessor's finish has read what that predecessor published.  A stop is
  // stamped after it shows: no start that does not see it is later.
  const std::int64_t now = now_ns();
  heed_stop();
  record.executions.fetch_add(1, std::memory_order_relaxed);
  record.started = now;
  if (observer_) observer_->on_start(turn);
  if (workload_.has_failures() || !calls_.empty()) {
    for (const TurnId before : turn.before) {
      if (turns_[before].ending != Ending::finished) {
        throw TurnFailed(Ending::skipped, skipped(workload_, turn), "a turn before it failed");
      }
    }
  }
  return value_in(workload_, turn, [this](TurnId id) { return turns_[id].value; });
}

Value Ledger::compute(const Step& step, Value v) {
  heed_stop();
  const std::size_t index = workload_.index_of(step);
  StepRecord& record = steps_[index];
  if (record.begun != 0) report(Breach::repeated_step, index);
  record.begun = now_ns();
  v = computed(workload_, step, v);
  record.ended = now_ns();
  if (step.raises) {
    throw TurnFailed(Ending::failed, failed(v, Outcome::answered), "the agent's own code threw");
  }
  return v;
}

Ledger::Clock::time_point Ledger::begin(std::size_t index) {
  heed_stop();
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
  const std::int64_t now = now_ns();
  if (record.begun == 0 || now < due_at(index)) {
    heed_stop();
    record.ended = now;
    report(record.begun == 0 ? Breach::unbegun_wait : Breach::early_wait, index);
    return ~v;
  }
  record.ended = now;
  return answered(workload_, step, v);
}

Ledger::Clock::time_point Ledger::begin_wait(const Step& step) {
  const std::size_t index = workload_.index_of(step);
  // A blocking tool holds its thread: that is the point of it, and no timer may stand in.
  if (step.kind != StepKind::wait) report(Breach::not_a_wait, index);
  return begin(index);
}

std::chrono::nanoseconds Ledger::time_left(const Step& step) const {
  const std::int64_t due =
      step.kind == StepKind::call ? calls_[step.call].due : due_at(workload_.index_of(step));
  return std::chrono::nanoseconds(due - now_ns());
}

Value Ledger::end_wait(const Step& step, Value v) { return end(workload_.index_of(step), v); }

Value Ledger::block(const Step& step, Value v) {
  const std::size_t index = workload_.index_of(step);
  std::this_thread::sleep_until(begin(index));
  return end(index, v);
}

// ---- calls ----

Ledger::CallRecord& Ledger::call_record(const Step& step) {
  if (step.kind != StepKind::call) {
    throw std::logic_error(fmt::format("the model ran step {} ({}) as a call",
                                       workload_.index_of(step), name_of(step.kind)));
  }
  return calls_[step.call];
}

const Attempt& Ledger::scripted(const Step& step) const {
  const auto script = workload_.attempts_of(workload_.call_of(step));
  // There are more attempts than that only if one had another outcome than it should.
  return script[std::min<std::size_t>(calls_[step.call].attempts, script.size()) - 1];
}

void Ledger::enter_call(std::size_t index) {
  if (workload_.limit.in_flight == 0) return;
  const std::uint32_t now = in_flight_.fetch_add(1) + 1;
  if (now > workload_.limit.in_flight) report(Breach::too_many_in_flight, index);
  std::uint32_t most = most_in_flight_.load();
  while (now > most && !most_in_flight_.compare_exchange_weak(most, now)) {
  }
}

Ledger::CallRecord& Ledger::begin_try(const Step& step) {
  heed_stop();
  const std::size_t index = workload_.index_of(step);
  CallRecord& record = call_record(step);
  const std::int64_t now = now_ns();
  if (record.waits_for_next ? now < record.due : record.attempts > 0) {
    report(Breach::early_attempt, index);
  }
  if (record.attempts == 0) {
    if (workload_.limit.interval.count() > 0 && !record.waits_for_next) {
      report(Breach::early_token, index);
    }
    enter_call(index);
    steps_[index].begun = now;
  }
  ++record.attempts;
  record.waits_for_next = false;
  record.attempt_begun = now;
  return record;
}

Ledger::Clock::time_point Ledger::begin_attempt(const Step& step) {
  CallRecord& record = begin_try(step);
  record.due = record.attempt_begun + scripted(step).duration.count();
  return Clock::time_point(std::chrono::nanoseconds(record.due));
}

Ledger::Clock::time_point Ledger::begin_attempt(const Step& step, Exchange& exchange) {
  CallRecord& record = begin_try(step);
  const Call& call = workload_.call_of(step);
  const Attempt& attempt = scripted(step);
  // The last token ends the answer, and not before its time, so gaps are rounded up.  An answer in
  // one piece comes when its time has come, and so does trouble, but for a reply that never ends.
  const std::int64_t gaps = std::int64_t{call.tokens} - 1;
  const bool streams = attempt.outcome == Outcome::answered && gaps > 0;
  const bool begins_early = streams || attempt.outcome == Outcome::timed_out;
  const nanoseconds spread = attempt.duration - call.first;
  exchange.begin(
      {.seed = workload_.seed,
       .number = workload_.index_of(step),
       .first = begins_early ? call.first : attempt.duration,
       .gap = streams ? (spread + nanoseconds(gaps - 1)) / gaps : nanoseconds(0),
       .tokens = call.tokens,
       .keep_alive = call.keep_alive,
       .outcome = attempt.outcome,
       .retry_after = attempt.outcome == Outcome::rate_limited ? attempt.back_off : nanoseconds(0)},
      endpoint_);
  record.due = record.attempt_begun + call.limit.count();
  return Clock::time_point(std::chrono::nanoseconds(record.due));
}

Ledger::Next Ledger::end_try(const Step& step, Value v, Outcome outcome, Value response,
                             std::optional<std::chrono::nanoseconds> retry_after) {
  const std::size_t index = workload_.index_of(step);
  CallRecord& record = call_record(step);
  const std::int64_t now = now_ns();
  if (record.attempts == 0) {
    report(Breach::unbegun_wait, index);
    return {.again = false, .at = {}, .value = ~v};
  }
  const Attempt& attempt = scripted(step);
  record.last = outcome;
  if (outcome != attempt.outcome) {
    heed_stop();  // who abandons a call may well find its connection cut
    record.unexpected = true;
  } else if (outcome != Outcome::refused && now < record.attempt_begun + attempt.duration.count()) {
    heed_stop();
    report(Breach::early_wait, index);
    v = ~v;
  }
  if (outcome != Outcome::answered && record.attempts < most_attempts) {
    record.due = now + retry_after.value_or(attempt.back_off).count();
    record.waits_for_next = true;
    return {
        .again = true, .at = Clock::time_point(std::chrono::nanoseconds(record.due)), .value = v};
  }
  steps_[index].ended = now;
  if (workload_.limit.in_flight > 0) in_flight_.fetch_sub(1);
  if (outcome != Outcome::answered) {
    throw TurnFailed(Ending::failed, failed(v, outcome), "a call was given up");
  }
  return {.again = false, .at = {}, .value = called(v, response, record.attempts)};
}

Ledger::Next Ledger::end_attempt(const Step& step, Value v) {
  const bool begun = call_record(step).attempts > 0;
  return end_try(step, v, begun ? scripted(step).outcome : Outcome::answered,
                 workload_.response(workload_.index_of(step)), std::nullopt);
}

Ledger::Next Ledger::end_attempt(const Step& step, Value v, const Exchange& exchange) {
  if (!exchange.over()) heed_stop();
  call_record(step).events += exchange.events();
  const Outcome outcome = exchange.outcome();
  return end_try(step, v, outcome, outcome == Outcome::answered ? exchange.answer() : 0,
                 exchange.retry_after());
}

Ledger::Clock::time_point Ledger::reserve(const Step& step) {
  heed_stop();
  // The generic cell rate algorithm (ITU-T I.371): the moment from which a full bucket would have
  // been emptied so far, one interval for each token.
  const std::int64_t interval = workload_.limit.interval.count();
  const std::int64_t now = now_ns();
  std::int64_t full = bucket_full_at_.load(), next;
  do {
    next = std::max(full, now) + interval;
  } while (!bucket_full_at_.compare_exchange_weak(full, next));
  CallRecord& record = call_record(step);
  record.due = std::max(now, next - interval * workload_.limit.burst);
  record.waits_for_next = true;
  return Clock::time_point(std::chrono::nanoseconds(record.due));
}

// ---- ends ----

void Ledger::publish(const Turn& turn, Value v, Ending ending) {
  TurnRecord& record = turns_[turn.id];
  record.value = v;
  record.ending = ending;
  ++record.publications;
  record.finished = now_ns();
  if (observer_) observer_->on_finish(turn);
}

void Ledger::finish(const Turn& turn, Value v) {
  publish(turn, v, Ending::finished);
  if (workload_.enough == 0 || !is_result_[turn.id]) return;
  if (results_.fetch_add(1) + 1 == workload_.enough) ask_to_stop(Stop::Why::enough);
}

void Ledger::fail(const Turn& turn, const TurnFailed& failure) {
  publish(turn, failure.value, failure.ending);
  if (failure.ending != Ending::failed) return;
  std::int64_t none = 0;
  first_error_.compare_exchange_strong(none, turns_[turn.id].finished);
  if (policy_ == OnError::fail_fast) ask_to_stop(Stop::Why::failure);
}

void Ledger::heed_stop() const {
  if (stopping_.load()) throw Stopped();
}

void Ledger::ask_to_stop(Stop::Why why) {
  if (stop_claimed_.exchange(true)) return;
  stopping_.store(true);
  stop_ = {.why = why, .asked = now_ns(), .process_cpu = process_cpu_ns()};
  stop_known_.store(true);
  stop_known_.notify_all();
  stop_source_.request_stop();
}

std::optional<Ledger::Stop> Ledger::stop() const {
  if (!stop_claimed_.load()) return std::nullopt;
  stop_known_.wait(false);  // who asked may be a moment behind a model that heeded it
  return stop_;
}

void Ledger::open() { opened_ = now_ns(); }
void Ledger::close() { closed_ = now_ns(); }

void Ledger::report(Breach breach, std::size_t step) {
  std::uint64_t none = 0;
  breach_.compare_exchange_strong(none,
                                  std::uint64_t{step} << 8 | static_cast<std::uint64_t>(breach),
                                  std::memory_order_relaxed);
}

// ---- proof ----

Receipts Ledger::receipts() const {
  Receipts done;
  for (const TurnRecord& record : turns_) {
    done.turns += record.publications;
    done.failed += record.ending == Ending::failed;
    done.skipped += record.ending == Ending::skipped;
  }
  for (const Step& step : workload_.steps()) {
    if (steps_[workload_.index_of(step)].ended == 0) continue;
    done.waits += step.kind == StepKind::wait;
    done.blocks += step.kind == StepKind::block;
    done.calls += step.kind == StepKind::call;
    done.units += step.units;
  }
  for (const CallRecord& record : calls_) done.attempts += record.attempts;
  return done;
}

Answer Ledger::answer() const {
  return answer_of(workload_, [this](TurnId id) { return turns_[id].value; });
}

std::string Ledger::fault_in(const Turn& turn, Ending expected) const {
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
  if (std::string fault = fault_in_order(turn); !fault.empty()) return fault;
  if (record.ending != expected) {
    return fmt::format("turn {} ended as {}, not as {}", turn.id, name_of(record.ending),
                       name_of(expected));
  }
  return fault_in_steps(turn);
}

std::string Ledger::fault_in_order(const Turn& turn) const {
  for (const TurnId before : turn.before) {
    const std::int64_t finished = turns_[before].finished;
    if (finished == 0 || turns_[turn.id].started < finished) {
      return fmt::format("turn {} started before turn {} had finished", turn.id, before);
    }
  }
  return {};
}

std::string Ledger::fault_in_open(const Turn& turn) const {
  const std::uint32_t executions = turns_[turn.id].executions.load();
  if (executions > 1) return fmt::format("turn {} ran {} times", turn.id, executions);
  if (executions == 1) return fault_in_order(turn);
  for (const Step& step : turn.steps) {
    if (steps_[workload_.index_of(step)].begun == 0) continue;
    return fmt::format("turn {} ran its step {} ({}) without having started", turn.id,
                       &step - turn.steps.data(), name_of(step.kind));
  }
  return {};
}

std::string Ledger::fault_in_steps(const Turn& turn) const {
  const TurnRecord& record = turns_[turn.id];
  std::int64_t earliest = record.started;
  bool over = record.ending == Ending::skipped;
  for (const Step& step : turn.steps) {
    const StepRecord& done = steps_[workload_.index_of(step)];
    const auto position = &step - turn.steps.data();
    if (over) {
      if (done.begun == 0) continue;
      return fmt::format("turn {} ran its step {} ({}) after it had failed", turn.id, position,
                         name_of(step.kind));
    }
    if (done.begun == 0 || done.ended == 0) {
      return fmt::format("turn {} skipped its step {} ({})", turn.id, position, name_of(step.kind));
    }
    if (done.begun < earliest || done.ended > record.finished) {
      return fmt::format("turn {} ran its step {} ({}) out of order", turn.id, position,
                         name_of(step.kind));
    }
    earliest = done.ended;
    over = workload_.fails(step);
  }
  return {};
}

std::string Ledger::breach() const {
  const std::uint64_t breach = breach_.load(std::memory_order_relaxed);
  const std::size_t step = breach >> 8;
  switch (static_cast<Breach>(breach & 0xff)) {
    case Breach::none:
      return {};
    case Breach::early_wait:
      return fmt::format("the {} of step {} ended early, after {} us",
                         name_of(workload_.steps()[step].kind), step,
                         static_cast<double>(steps_[step].ended - steps_[step].begun) / 1000);
    case Breach::unbegun_wait:
      return fmt::format("the wait of step {} ended without having begun", step);
    case Breach::repeated_step:
      return fmt::format("step {} ran twice", step);
    case Breach::not_a_wait:
      return fmt::format("step {} ({}) was run as a wait", step,
                         name_of(workload_.steps()[step].kind));
    case Breach::early_attempt:
      return fmt::format("an attempt of the call of step {} began early", step);
    case Breach::too_many_in_flight:
      return fmt::format("with the call of step {} more than {} were under way", step,
                         workload_.limit.in_flight);
    case Breach::early_token:
      return fmt::format("the call of step {} began without a token", step);
  }
  return {};
}

std::string Ledger::fault_in_calls() const {
  std::size_t unexpected = 0;
  const Step* first = nullptr;
  for (const Step& step : workload_.steps()) {
    if (step.kind != StepKind::call || !calls_[step.call].unexpected) continue;
    if (unexpected++ == 0) first = &step;
  }
  if (!first) return {};
  const CallRecord& record = calls_[first->call];
  return fmt::format(
      "{} of {} calls had another outcome than the script's; the first, of step {}, "
      "ended as {} after {} attempts",
      unexpected, calls_.size(), workload_.index_of(*first), name_of(record.last), record.attempts);
}

std::string Ledger::fault(const Answer& reference) const {
  if (std::string fault = fault_in_calls(); !fault.empty()) return fault;
  const std::vector<Ending> endings = scripted_endings(workload_);
  for (const Turn& turn : workload_.turns) {
    if (std::string fault = fault_in(turn, endings[turn.id]); !fault.empty()) return fault;
  }
  if (std::string fault = breach(); !fault.empty()) return fault;
  const Receipts done = receipts(), plan = planned(workload_);
  if (done != plan) {
    return fmt::format(
        "receipts differ from the plan: {} of {} turns, {} of {} waits, {} of {} blocking tools, "
        "{} of {} compute units, {} of {} calls, {} of {} attempts",
        done.turns, plan.turns, done.waits, plan.waits, done.blocks, plan.blocks, done.units,
        plan.units, done.calls, plan.calls, done.attempts, plan.attempts);
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

std::string Ledger::prefix_fault(const std::vector<Value>& reference) const {
  if (std::string fault = fault_in_calls(); !fault.empty()) return fault;
  const std::vector<Ending> endings = scripted_endings(workload_);
  const std::optional<Stop> stopped = stop();
  for (const Turn& turn : workload_.turns) {
    const TurnRecord& record = turns_[turn.id];
    if (stopped && record.started > stopped->asked) {
      return fmt::format("turn {} started after the run was to stop", turn.id);
    }
    if (record.publications == 0) {
      if (std::string fault = fault_in_open(turn); !fault.empty()) return fault;
      continue;
    }
    if (std::string fault = fault_in(turn, endings[turn.id]); !fault.empty()) return fault;
    if (record.value != reference[turn.id]) {
      return fmt::format("turn {} has the value {:016x}, not {:016x}", turn.id, record.value,
                         reference[turn.id]);
    }
  }
  return breach();
}

}  // namespace bench
