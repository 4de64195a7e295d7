// How is a workload put together?  Into three flat arrays that the turns' spans look into.
#include "workload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace bench {

const char* name_of(StepKind kind) {
  static constexpr std::array names = {"compute", "wait", "block", "call"};
  return names[static_cast<std::size_t>(kind)];
}

const char* name_of(Outcome outcome) {
  static constexpr std::array<const char*, outcome_count> names = {
      "answered", "rate limited", "server error", "timed out", "refused", "cut", "garbage"};
  return names[static_cast<std::size_t>(outcome)];
}

WorkloadBuilder::WorkloadBuilder(std::string name, std::uint64_t seed)
    : name_(std::move(name)), seed_(seed) {}

AgentId WorkloadBuilder::add_agent(std::string name) {
  agent_names_.push_back(std::move(name));
  return static_cast<AgentId>(agent_names_.size() - 1);
}

TurnId WorkloadBuilder::add_turn(AgentId agent, std::span<const TurnId> before) {
  const auto id = static_cast<TurnId>(drafts_.size());
  drafts_.push_back({agent, steps_.size(), before_.size()});
  before_.insert(before_.end(), before.begin(), before.end());
  const auto mine = std::span(before_).subspan(drafts_.back().first_before);
  std::ranges::sort(mine);
  for (std::size_t i = 0; i < mine.size(); ++i) {
    if (mine[i] >= id) {
      throw std::invalid_argument(fmt::format(
          "turn {} waits for turn {}, which does not come before it: number turns so that each "
          "waits for lower numbers only",
          id, mine[i]));
    }
    if (i > 0 && mine[i] == mine[i - 1]) {
      throw std::invalid_argument(
          fmt::format("turn {} waits twice for turn {}: name it once", id, mine[i]));
    }
  }
  return id;
}

void WorkloadBuilder::compute(Kernel kernel, std::uint32_t units) {
  if (units > 0) steps_.push_back({.kind = StepKind::compute, .kernel = kernel, .units = units});
}

void WorkloadBuilder::wait(std::chrono::nanoseconds duration) {
  steps_.push_back({.kind = StepKind::wait, .duration = duration});
}

void WorkloadBuilder::wait_until(std::chrono::nanoseconds since_start) {
  steps_.push_back({.kind = StepKind::wait, .from_start = true, .duration = since_start});
}

void WorkloadBuilder::block(std::chrono::nanoseconds duration) {
  steps_.push_back({.kind = StepKind::block, .duration = duration});
}

void WorkloadBuilder::call(Call call, std::span<const Attempt> script) {
  if (script.empty() || script.size() > most_attempts) {
    throw std::invalid_argument(
        fmt::format("a call has {} attempts: give 1 to {}", script.size(), most_attempts));
  }
  call.first_attempt = static_cast<std::uint32_t>(attempts_.size());
  call.attempt_count = static_cast<std::uint32_t>(script.size());
  std::chrono::nanoseconds duration{0};
  for (const Attempt& attempt : script) {
    if (attempt.outcome == Outcome::answered && &attempt != &script.back()) {
      throw std::invalid_argument("a call is tried again after an answer: make that the last");
    }
    duration += attempt.duration + attempt.back_off;
  }
  duration -= script.back().back_off;  // nothing comes after it
  if (script.back().outcome != Outcome::answered && script.size() < most_attempts) {
    throw std::invalid_argument(
        fmt::format("a call is given up after {} attempts: give {}, or one that is answered",
                    script.size(), most_attempts));
  }
  attempts_.insert(attempts_.end(), script.begin(), script.end());
  attempts_.back().back_off = std::chrono::nanoseconds(0);
  steps_.push_back({.kind = StepKind::call,
                    .call = static_cast<std::uint32_t>(calls_.size()),
                    .duration = duration});
  calls_.push_back(call);
}

void WorkloadBuilder::raise() {
  steps_.push_back({.kind = StepKind::compute, .raises = true, .units = 1});
}

void WorkloadBuilder::result(std::chrono::nanoseconds since_start) {
  results_.push_back({static_cast<TurnId>(drafts_.size() - 1), since_start});
}

Workload WorkloadBuilder::build() && {
  if (enough_ > results_.size()) {
    throw std::invalid_argument(fmt::format(
        "{} results are enough, but only {} come: ask for no more", enough_, results_.size()));
  }
  Workload w;
  w.name = std::move(name_);
  w.seed = seed_;
  w.response_key_ = stream_key(seed_, Stream::response);
  w.agent_names = std::move(agent_names_);
  w.steps_ = std::move(steps_);
  w.before_ = std::move(before_);
  w.results = std::move(results_);
  w.arrivals = arrivals_;
  w.limit = limit_;
  w.enough = enough_;
  w.calls_ = std::move(calls_);
  w.attempts_ = std::move(attempts_);
  w.has_failures_ = std::ranges::any_of(w.steps_, [&](const Step& step) { return w.fails(step); });
  w.beat_count_ = beat_count_;
  w.after_.resize(w.before_.size());

  const std::size_t n = drafts_.size();
  auto first_before = [&](std::size_t id) {
    return id < n ? drafts_[id].first_before : w.before_.size();
  };
  auto first_step = [&](std::size_t id) {
    return id < n ? drafts_[id].first_step : w.steps_.size();
  };

  // Successors by counting sort: how many each turn has, where its block starts, then fill.
  std::vector<std::size_t> first_after(n + 1, 0);
  for (TurnId b : w.before_) ++first_after[b + 1];
  for (std::size_t id = 0; id < n; ++id) first_after[id + 1] += first_after[id];
  std::vector<std::size_t> next = first_after;
  for (std::size_t id = 0; id < n; ++id) {
    for (std::size_t i = first_before(id); i < first_before(id + 1); ++i) {
      w.after_[next[w.before_[i]]++] = static_cast<TurnId>(id);
    }
  }

  w.turns.reserve(n);
  for (std::size_t id = 0; id < n; ++id) {
    auto part = [id](const auto& all, auto first) {
      return std::span(all).subspan(first(id), first(id + 1) - first(id));
    };
    w.turns.push_back({static_cast<TurnId>(id), drafts_[id].agent, part(w.steps_, first_step),
                       part(w.before_, first_before),
                       part(w.after_, [&](std::size_t i) { return first_after[i]; })});
  }
  return w;
}

/// Everything but the steps, which `add_step(turn, step)` adds one by one.
void WorkloadBuilder::copy(const Workload& work, auto&& add_step) {
  for (const std::string& name : work.agent_names) add_agent(name);
  for (const Turn& turn : work.turns) {
    add_turn(turn.agent, turn.before);
    for (const Step& step : turn.steps) add_step(turn, step);
  }
  results_ = work.results;
  arrivals_ = work.arrivals;
  limit_ = work.limit;
  enough_ = work.enough;
  beat_count_ = work.beat_count_;
}

Workload with_heartbeats(const Workload& work, std::chrono::nanoseconds period, std::size_t count) {
  WorkloadBuilder builder(work.name, work.seed);
  builder.copy(work, [&](const Turn&, const Step& step) {
    if (step.kind == StepKind::call) {
      builder.call(work.call_of(step), work.attempts_of(work.call_of(step)));
    } else {
      builder.steps_.push_back(step);
    }
  });
  builder.beat_count_ = count;
  const AgentId heart = builder.add_agent("heart");
  for (std::size_t beat = 1; beat <= count; ++beat) {
    if (beat == 1) {
      builder.add_turn(heart);
    } else {
      builder.add_turn(heart, {static_cast<TurnId>(builder.drafts_.size() - 1)});
    }
    builder.wait_until(period * beat);
  }
  return std::move(builder).build();
}

Workload with_calls(const Workload& work) {
  // No wait of a workload is so much behind that it would be given up.
  constexpr std::chrono::seconds patience(30);
  WorkloadBuilder builder(work.name, work.seed);
  builder.copy(work, [&](const Turn&, const Step& step) {
    if (step.kind == StepKind::call) {
      builder.call(work.call_of(step), work.attempts_of(work.call_of(step)));
    } else if (step.kind == StepKind::wait && !step.from_start) {
      const Attempt answered{.duration = step.duration};
      builder.call({.first = step.duration, .limit = step.duration + patience}, {&answered, 1});
    } else {
      builder.steps_.push_back(step);
    }
  });
  return std::move(builder).build();
}

Workload as_played(const Workload& work) {
  const std::vector<Ending> endings = scripted_endings(work);
  WorkloadBuilder builder(work.name, work.seed);
  bool over = false;  // the turn has failed
  builder.copy(work, [&](const Turn& turn, const Step& step) {
    if (&step == &turn.steps.front()) over = endings[turn.id] == Ending::skipped;
    if (over) return;
    if (step.kind == StepKind::call) {
      builder.wait(step.duration);
    } else {
      builder.steps_.push_back(step);
      builder.steps_.back().raises = false;
    }
    over = work.fails(step);
  });
  return std::move(builder).build();
}

std::vector<Ending> scripted_endings(const Workload& workload) {
  std::vector<Ending> endings(workload.turns.size(), Ending::finished);
  if (!workload.has_failures()) return endings;
  for (const Turn& turn : workload.turns) {
    const auto finished = [&](TurnId id) { return endings[id] == Ending::finished; };
    if (!std::ranges::all_of(turn.before, finished)) {
      endings[turn.id] = Ending::skipped;
    } else if (std::ranges::any_of(turn.steps, [&](auto& step) { return workload.fails(step); })) {
      endings[turn.id] = Ending::failed;
    }
  }
  return endings;
}

Receipts planned(const Workload& workload) {
  const std::vector<Ending> endings = scripted_endings(workload);
  Receipts receipts;
  receipts.turns = workload.turns.size();
  for (const Turn& turn : workload.turns) {
    receipts.failed += endings[turn.id] == Ending::failed;
    receipts.skipped += endings[turn.id] == Ending::skipped;
    if (endings[turn.id] == Ending::skipped) continue;
    for (const Step& step : turn.steps) {
      receipts.waits += step.kind == StepKind::wait;
      receipts.blocks += step.kind == StepKind::block;
      receipts.units += step.units;
      if (step.kind == StepKind::call) {
        ++receipts.calls;
        receipts.attempts += workload.call_of(step).attempt_count;
      }
      if (workload.fails(step)) break;
    }
  }
  return receipts;
}

}  // namespace bench
