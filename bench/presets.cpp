// Which workloads come with the suite?
#include "presets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "durations.hpp"
#include "random.hpp"

namespace bench {
namespace {

/// What all presets are written with: a builder, and the cell's scaling.
class Author {
 public:
  explicit Author(const Cell& cell)
      : builder(cell.scenario, cell.seed),
        seed_(cell.seed),
        time_scale_(PerMillion::from(cell.time_scale)),
        cpu_share_(PerMillion::from(cell.cpu_share)) {}

  WorkloadBuilder builder;

  /// An LLM answers, then the agent works on the answer.
  TurnId llm_turn(AgentId agent, std::span<const TurnId> before) {
    return call_turn(agent, before, llm_call, Stream::llm, Kernel::mix);
  }
  /// A tool answers, then the agent reads the result.
  TurnId tool_turn(AgentId agent, std::span<const TurnId> before) {
    return call_turn(agent, before, tool_call, Stream::tool, Kernel::json);
  }
  std::chrono::nanoseconds scaled(std::int64_t unscaled_us) const {
    return bench::scaled(unscaled_us, time_scale_);
  }
  std::uint64_t draw(Stream stream, std::uint64_t id) const {
    return bench::draw(seed_, stream, id);
  }

 private:
  TurnId call_turn(AgentId agent, std::span<const TurnId> before, const QuantileTable& table,
                   Stream stream, Kernel kernel) {
    const TurnId id = builder.add_turn(agent, before);
    const auto duration = scaled(draw_us(table, draw(stream, id)));
    builder.wait(duration);
    builder.compute(kernel, units_for(duration, cpu_share_));
    return id;
  }

  std::uint64_t seed_;
  PerMillion time_scale_, cpu_share_;
};

std::vector<TurnId> range(TurnId first, TurnId last) {
  std::vector<TurnId> ids;
  for (TurnId id = first; id < last; ++id) ids.push_back(id);
  return ids;
}

constexpr std::array flavors = {"Cheese", "Pepperoni", "Veggie"};
constexpr std::int64_t pizza_us = 3'000'000;

Workload pizzas(const Cell& cell, bool one_after_another) {
  Author author(cell);
  for (std::uint32_t i = 0; i < cell.agents; ++i) {
    const AgentId cook =
        author.builder.add_agent(i < flavors.size() ? flavors[i] : fmt::format("Pizza {}", i + 1));
    if (one_after_another && i > 0) {
      author.builder.add_turn(cook, {i - 1});
    } else {
      author.builder.add_turn(cook);
    }
    author.builder.wait(author.scaled(pizza_us));
  }
  return std::move(author.builder).build();
}

Workload pizza(const Cell& cell) { return pizzas(cell, false); }
Workload pizza_chain(const Cell& cell) { return pizzas(cell, true); }

Workload fanout(const Cell& cell) {
  Author author(cell);
  const AgentId orchestrator = author.builder.add_agent("orchestrator");
  const TurnId dispatch = author.builder.add_turn(orchestrator);
  for (std::uint32_t i = 0; i < cell.agents; ++i) {
    author.llm_turn(author.builder.add_agent(fmt::format("agent {}", i)), std::array{dispatch});
  }
  author.builder.add_turn(orchestrator, range(dispatch + 1, dispatch + 1 + cell.agents));
  return std::move(author.builder).build();
}

Workload empty(const Cell& cell) {
  Author author(cell);
  const AgentId orchestrator = author.builder.add_agent("orchestrator");
  const TurnId dispatch = author.builder.add_turn(orchestrator);
  for (std::uint32_t i = 0; i < cell.agents; ++i) {
    author.builder.add_turn(author.builder.add_agent(fmt::format("agent {}", i)), {dispatch});
  }
  author.builder.add_turn(orchestrator, range(dispatch + 1, dispatch + 1 + cell.agents));
  return std::move(author.builder).build();
}

Workload layers(const Cell& cell) {
  constexpr std::uint32_t team_size = 4, layer_count = 3;
  Author author(cell);
  for (std::uint32_t first = 0; first < cell.agents; first += team_size) {
    const std::uint32_t size = std::min(team_size, cell.agents - first);
    const AgentId aggregator =
        author.builder.add_agent(fmt::format("aggregator {}", first / team_size));
    std::vector<AgentId> workers;
    for (std::uint32_t i = 0; i < size; ++i) {
      workers.push_back(author.builder.add_agent(fmt::format("worker {}", first + i)));
    }
    std::vector<TurnId> before;
    for (std::uint32_t layer = 0; layer < layer_count; ++layer) {
      std::vector<TurnId> drafts;
      for (const AgentId worker : workers) drafts.push_back(author.llm_turn(worker, before));
      before = {author.llm_turn(aggregator, drafts)};
    }
  }
  return std::move(author.builder).build();
}

Workload react(const Cell& cell) {
  // A session goes on for another round with probability 1 - 1 / 8.8, so that it has 8.8 rounds on
  // average if it were not cut off at 20; a round calls 1.23 tools on average (TraceLab: 8.8 steps
  // and 10.8 tool calls per request).
  constexpr std::uint32_t most_rounds = 20;
  Author author(cell);
  for (std::uint32_t session = 0; session < cell.agents; ++session) {
    const AgentId agent = author.builder.add_agent(fmt::format("session {}", session));
    std::vector<TurnId> before;
    for (std::uint32_t round = 0; round < most_rounds; ++round) {
      const std::uint64_t id = std::uint64_t{session} * most_rounds + round;
      const TurnId thought = author.llm_turn(agent, before);
      if (below(author.draw(Stream::rounds, id), 880) < 100) break;
      const std::uint32_t percent = below(author.draw(Stream::tools, id), 100);
      const int tools = percent < 80 ? 1 : percent < 97 ? 2 : 3;
      before.clear();
      for (int i = 0; i < tools; ++i) {
        before.push_back(author.tool_turn(agent, std::array{thought}));
      }
    }
  }
  return std::move(author.builder).build();
}

Workload debate(const Cell& cell) {
  constexpr std::uint32_t ring_size = 8, rounds = 4;
  Author author(cell);
  for (std::uint32_t first = 0; first < cell.agents; first += ring_size) {
    const std::uint32_t size = std::min(ring_size, cell.agents - first);
    std::vector<AgentId> ring;
    for (std::uint32_t i = 0; i < size; ++i) {
      ring.push_back(author.builder.add_agent(fmt::format("debater {}", first + i)));
    }
    std::vector<TurnId> said, heard;
    for (std::uint32_t round = 0; round < rounds; ++round) {
      heard = std::exchange(said, {});
      for (std::uint32_t i = 0; i < size; ++i) {
        std::vector<TurnId> before;
        if (round > 0) {
          before = {heard[(i + size - 1) % size], heard[i], heard[(i + 1) % size]};
          std::ranges::sort(before);  // rings of one or two hear the same agent more than once
          before.erase(std::unique(before.begin(), before.end()), before.end());
        }
        said.push_back(author.llm_turn(ring[i], before));
      }
    }
  }
  return std::move(author.builder).build();
}

Workload chat(const Cell& cell) {
  constexpr std::uint32_t group_size = 4, turns = 12;
  Author author(cell);
  for (std::uint32_t first = 0; first < cell.agents; first += group_size) {
    const std::uint32_t size = std::min(group_size, cell.agents - first);
    std::vector<AgentId> group;
    for (std::uint32_t i = 0; i < size; ++i) {
      group.push_back(author.builder.add_agent(fmt::format("speaker {}", first + i)));
    }
    std::vector<TurnId> before;
    for (std::uint32_t turn = 0; turn < turns; ++turn) {
      before = {author.llm_turn(group[turn % size], before)};
    }
  }
  return std::move(author.builder).build();
}

Workload compute(const Cell& cell) {
  Author author(cell);
  for (std::uint32_t i = 0; i < cell.agents; ++i) {
    author.builder.add_turn(author.builder.add_agent(fmt::format("agent {}", i)));
    const std::int64_t unscaled_us = 500'000 + below(author.draw(Stream::units, i), 1'000'000);
    const auto kernel = static_cast<Kernel>(below(author.draw(Stream::kernel, i), kernel_count));
    author.builder.compute(kernel,
                           static_cast<std::uint32_t>(author.scaled(unscaled_us).count() / 1000));
  }
  author.builder.add_turn(author.builder.add_agent("orchestrator"), range(0, cell.agents));
  return std::move(author.builder).build();
}

Workload parked(const Cell& cell) {
  // 15 ms unscaled per agent, so that at a time scale of 1/100 all are created long before the
  // first one wakes: 150 us each is over three times what the slowest model needs for one.
  const std::int64_t unscaled_us =
      std::clamp<std::int64_t>(std::int64_t{cell.agents} * 15'000, 30'000'000, 600'000'000);
  Author author(cell);
  for (std::uint32_t i = 0; i < cell.agents; ++i) {
    author.builder.add_turn(author.builder.add_agent(fmt::format("agent {}", i)));
    author.builder.wait(author.scaled(unscaled_us));
  }
  return std::move(author.builder).build();
}

// clang-format off: one row a line, for scripts/bench reads the names here before anything is built.
constexpr auto table = std::to_array<Preset>({
    {"pizza", "N pizzas side by side, one wait each", 3, 0, pizza},
    {"pizza-chain", "N pizzas one after another, one wait each", 3, 0, pizza_chain},
    {"fanout", "one orchestrator, N agents with one LLM call each, a join", 64, 0.01, fanout},
    {"layers", "N agents in teams of 4, three layers of LLM calls, an aggregator after each", 32,
     0.05, layers},
    {"react", "N sessions that alternate LLM calls with tools, up to 20 rounds each", 32, 0.05,
     react},
    {"debate", "N agents on rings of 8, four rounds, each waits for its neighbours only", 32, 0.05,
     debate},
    {"chat", "N speakers in groups of 4, twelve LLM calls of each group strictly in turn", 32, 0.05,
     chat},
    {"compute", "N agents that compute and never wait, a join", 64, 0, compute},
    {"parked", "N agents that all wait at the same time, and do nothing else", 1000, 0, parked},
    {"empty", "one orchestrator, N agents with nothing to do, a join: what starting a turn costs",
     10'000, 0, empty},
});
// clang-format on

}  // namespace

std::span<const Preset> presets() { return table; }

const Preset* find_preset(const std::string& name) {
  const auto found = std::ranges::find(table, name, &Preset::name);
  return found == table.end() ? nullptr : &*found;
}

}  // namespace bench
