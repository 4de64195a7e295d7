// How is a workload put together?  Into three flat arrays that the turns' spans look into.
#include "workload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace bench {

const char* name_of(StepKind kind) {
  static constexpr std::array names = {"compute", "wait", "block"};
  return names[static_cast<std::size_t>(kind)];
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

void WorkloadBuilder::result(std::chrono::nanoseconds since_start) {
  results_.push_back({static_cast<TurnId>(drafts_.size() - 1), since_start});
}

Workload WorkloadBuilder::build() && {
  Workload w;
  w.name = std::move(name_);
  w.seed = seed_;
  w.response_key_ = stream_key(seed_, Stream::response);
  w.agent_names = std::move(agent_names_);
  w.steps_ = std::move(steps_);
  w.before_ = std::move(before_);
  w.results = std::move(results_);
  w.arrivals = arrivals_;
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

Workload with_heartbeats(const Workload& work, std::chrono::nanoseconds period, std::size_t count) {
  WorkloadBuilder builder(work.name, work.seed);
  for (const std::string& name : work.agent_names) builder.add_agent(name);
  for (const Turn& turn : work.turns) {
    builder.add_turn(turn.agent, turn.before);
    builder.steps_.insert(builder.steps_.end(), turn.steps.begin(), turn.steps.end());
  }
  builder.results_ = work.results;
  builder.arrivals_ = work.arrivals;
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

Receipts planned(const Workload& workload) {
  Receipts receipts;
  receipts.turns = workload.turns.size();
  for (const Step& step : workload.steps()) {
    receipts.waits += step.kind == StepKind::wait;
    receipts.blocks += step.kind == StepKind::block;
    receipts.units += step.units;
  }
  return receipts;
}

}  // namespace bench
