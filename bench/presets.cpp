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
    const TurnId id = builder.add_turn(agent, before);
    call_llm(id);
    return id;
  }
  /// A tool answers, then the agent reads the result.
  TurnId tool_turn(AgentId agent, std::span<const TurnId> before) {
    const TurnId id = builder.add_turn(agent, before);
    const auto duration = tool_duration(id);
    builder.wait(duration);
    compute_after(duration, Kernel::json);
    return id;
  }

  /// The steps of a turn that has been added.
  void call_llm(TurnId id) {
    const auto duration = scaled(draw_us(llm_call, draw(Stream::llm, id)));
    builder.wait(duration);
    compute_after(duration, Kernel::mix);
  }
  std::chrono::nanoseconds tool_duration(TurnId id) const {
    return scaled(draw_us(tool_call, draw(Stream::tool, id)));
  }
  void compute_after(std::chrono::nanoseconds waited, Kernel kernel) {
    builder.compute(kernel, units_for(waited, cpu_share_));
  }
  std::chrono::nanoseconds scaled(std::int64_t unscaled_us) const {
    return bench::scaled(unscaled_us, time_scale_);
  }
  std::uint64_t draw(Stream stream, std::uint64_t id) const {
    return bench::draw(seed_, stream, id);
  }

 private:
  std::uint64_t seed_;
  PerMillion time_scale_, cpu_share_;
};

/// Shares of calls that meet trouble, in millionths, and of turns whose code throws.
struct FaultRates {
  std::uint32_t rate_limited, server_error, timed_out, raises;
  bool all_sorts;  // a server error in four is one; the others: refused, cut, garbage
};

/// How an API is called that now and then fails.  All times are unscaled.
class FaultyCalls {
 public:
  FaultyCalls(Author& author, const FaultRates& rates) : author_(author), rates_(rates) {}

  /// Adds a call that takes so long when it is answered.
  void add(TurnId id, std::int64_t duration_us) {
    const std::vector<Attempt> script = script_of(id, duration_us);
    author_.builder.call(
        {.first = script.back().outcome == Outcome::answered ? script.back().duration
                                                             : std::chrono::nanoseconds(0),
         .limit = author_.scaled(limit_us)},
        script);
  }

  bool raises(TurnId id) const {
    return below(mix64(author_.draw(Stream::fault, id)), million) < rates_.raises;
  }

 private:
  static constexpr std::uint32_t million = 1'000'000;
  static constexpr std::int64_t limit_us = 60'000'000;  // twice the longest call that is drawn
  static constexpr std::int64_t refusal_us = 50'000;    // a server that says no says so at once

  std::vector<Attempt> script_of(TurnId id, std::int64_t duration_us) const {
    const std::uint64_t bits = author_.draw(Stream::fault, id);
    const Outcome outcome = outcome_of(below(bits, million), bits);
    // Trouble comes in rows: one call in ten that meets it is given up in the end.
    const std::uint32_t percent = below(mix64(bits ^ 1), 100);
    const std::size_t failures = outcome == Outcome::answered ? 0
                                 : percent < 75               ? 1
                                 : percent < 90               ? 2
                                                              : most_attempts;
    std::vector<Attempt> script;
    for (std::size_t attempt = 0; attempt < failures; ++attempt) {
      const bool last = attempt + 1 == most_attempts;
      script.push_back(
          {outcome, author_.scaled(until(outcome, duration_us)),
           last ? std::chrono::nanoseconds(0) : author_.scaled(back_off_us(outcome, id, attempt))});
    }
    if (failures < most_attempts) {
      script.push_back({Outcome::answered, author_.scaled(duration_us), {}});
    }
    return script;
  }

  Outcome outcome_of(std::uint32_t drawn, std::uint64_t bits) const {
    if (drawn < rates_.rate_limited) return Outcome::rate_limited;
    drawn -= rates_.rate_limited;
    if (drawn < rates_.server_error) {
      static constexpr std::array sorts = {Outcome::server_error, Outcome::refused, Outcome::cut,
                                           Outcome::garbage};
      return rates_.all_sorts ? sorts[below(mix64(bits ^ 2), sorts.size())] : Outcome::server_error;
    }
    drawn -= rates_.server_error;
    return drawn < rates_.timed_out ? Outcome::timed_out : Outcome::answered;
  }

  static std::int64_t until(Outcome outcome, std::int64_t duration_us) {
    switch (outcome) {
      case Outcome::answered:
      case Outcome::garbage:
        return duration_us;
      case Outcome::cut:
      case Outcome::server_error:
        return duration_us / 2;
      case Outcome::rate_limited:
        return refusal_us;
      case Outcome::refused:
        return 0;
      case Outcome::timed_out:
        return limit_us;
    }
    return duration_us;
  }

  /// As OpenAI's clients do: min(0.5 s * 2^k, 8 s), of which a jitter of up to a quarter is taken
  /// off; or what Retry-After says, here one to three seconds.
  std::int64_t back_off_us(Outcome outcome, TurnId id, std::size_t attempt) const {
    const std::uint64_t bits = author_.draw(Stream::jitter, std::uint64_t{id} * 8 + attempt);
    if (outcome == Outcome::rate_limited) return 1'000'000 + below(bits, 2'000'001);
    const std::int64_t full = std::min<std::int64_t>(500'000LL << attempt, 8'000'000);
    return full - below(bits, static_cast<std::uint32_t>(full / 4 + 1));
  }

  Author& author_;
  FaultRates rates_;
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

Workload as_completed(const Cell& cell) {
  constexpr std::uint32_t units = 20;  // to read one result
  Author author(cell);
  const AgentId orchestrator = author.builder.add_agent("orchestrator");
  const TurnId dispatch = author.builder.add_turn(orchestrator);
  std::vector<TurnId> used;
  for (std::uint32_t i = 0; i < cell.agents; ++i) {
    const TurnId answer =
        author.llm_turn(author.builder.add_agent(fmt::format("agent {}", i)), std::array{dispatch});
    used.push_back(author.builder.add_turn(orchestrator, {answer}));
    author.builder.compute(Kernel::json, units);
    author.builder.result(std::chrono::nanoseconds(0));
  }
  author.builder.add_turn(orchestrator, used);
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

/// Sessions that think and use tools.  `think(agent, before)` and `use_tool(agent, before)` each
/// add a turn.
void add_sessions(Author& author, const Cell& cell, auto&& think, auto&& use_tool) {
  // A session goes on for another round with probability 1 - 1 / 8.8, so that it has 8.8 rounds on
  // average if it were not cut off at 20; a round calls 1.23 tools on average (TraceLab: 8.8 steps
  // and 10.8 tool calls per request).
  constexpr std::uint32_t most_rounds = 20;
  for (std::uint32_t session = 0; session < cell.agents; ++session) {
    const AgentId agent = author.builder.add_agent(fmt::format("session {}", session));
    std::vector<TurnId> before;
    for (std::uint32_t round = 0; round < most_rounds; ++round) {
      const std::uint64_t id = std::uint64_t{session} * most_rounds + round;
      const TurnId thought = think(agent, before);
      if (below(author.draw(Stream::rounds, id), 880) < 100) break;
      const std::uint32_t percent = below(author.draw(Stream::tools, id), 100);
      const int tools = percent < 80 ? 1 : percent < 97 ? 2 : 3;
      before.clear();
      for (int i = 0; i < tools; ++i) {
        before.push_back(use_tool(agent, std::array{thought}));
      }
    }
  }
}

Workload react(const Cell& cell) {
  Author author(cell);
  add_sessions(
      author, cell, [&](AgentId agent, auto&& before) { return author.llm_turn(agent, before); },
      [&](AgentId agent, auto&& before) { return author.tool_turn(agent, before); });
  return std::move(author.builder).build();
}

Workload blocking_tool(const Cell& cell) {
  constexpr std::uint32_t percent = 3;  // of all tools hold the thread that called them
  Author author(cell);
  add_sessions(
      author, cell, [&](AgentId agent, auto&& before) { return author.llm_turn(agent, before); },
      [&](AgentId agent, auto&& before) {
        const TurnId id = author.builder.add_turn(agent, before);
        const auto duration = author.tool_duration(id);
        if (below(author.draw(Stream::blocking, id), 100) < percent) {
          author.builder.block(duration);
        } else {
          author.builder.wait(duration);
        }
        author.compute_after(duration, Kernel::json);
        return id;
      });
  return std::move(author.builder).build();
}

Workload cpu_heavy(const Cell& cell) {
  constexpr std::uint32_t percent =
      1;  // of all turns compute for about 5 to 50 ms, whatever the scale
  Author author(cell);
  auto maybe_compute_for_long = [&](TurnId id) {
    const std::uint64_t bits = author.draw(Stream::heavy, id);
    if (below(bits, 100) >= percent) return;
    author.builder.compute(Kernel::mix, 5'000 + below(mix64(bits), 45'001));
  };
  add_sessions(
      author, cell,
      [&](AgentId agent, auto&& before) {
        const TurnId id = author.llm_turn(agent, before);
        maybe_compute_for_long(id);
        return id;
      },
      [&](AgentId agent, auto&& before) {
        const TurnId id = author.tool_turn(agent, before);
        maybe_compute_for_long(id);
        return id;
      });
  return std::move(author.builder).build();
}

Workload with_faults(const Cell& cell, const FaultRates& rates) {
  Author author(cell);
  FaultyCalls calls(author, rates);
  auto add = [&](TurnId id, std::int64_t duration_us, Kernel kernel) {
    calls.add(id, duration_us);
    author.compute_after(author.scaled(duration_us), kernel);
    if (calls.raises(id)) author.builder.raise();
    return id;
  };
  add_sessions(
      author, cell,
      [&](AgentId agent, auto&& before) {
        const TurnId id = author.builder.add_turn(agent, before);
        return add(id, draw_us(llm_call, author.draw(Stream::llm, id)), Kernel::mix);
      },
      [&](AgentId agent, auto&& before) {
        const TurnId id = author.builder.add_turn(agent, before);
        return add(id, draw_us(tool_call, author.draw(Stream::tool, id)), Kernel::json);
      });
  return std::move(author.builder).build();
}

/// Rates as BurstGPT has them for hosted models (arXiv 2401.17644: 1.8 to 7.3 % of requests fail).
Workload faulty(const Cell& cell) {
  return with_faults(cell, {.rate_limited = 20'000,
                            .server_error = 5'000,
                            .timed_out = 2'000,
                            .raises = 3'000,
                            .all_sorts = false});
}

Workload storm(const Cell& cell) {
  return with_faults(cell, {.rate_limited = 46'000,
                            .server_error = 12'000,
                            .timed_out = 5'000,
                            .raises = 7'000,
                            .all_sorts = true});
}

/// Calls of one agent, one after another, all alike but for their duration.
void add_calls(Author& author, AgentId agent, std::uint32_t count, Call call, auto&& duration_of) {
  TurnId last = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    last = i == 0 ? author.builder.add_turn(agent) : author.builder.add_turn(agent, {last});
    const Attempt answered{.duration = duration_of(last)};
    if (call.tokens == 0) call.first = answered.duration;
    author.builder.call(call, {&answered, 1});
  }
}

constexpr std::chrono::seconds patience(30);  // with a call that nothing is wrong with

Workload rate_limit(const Cell& cell) {
  // A quarter of the agents may call at once.  The bucket gives tokens a little faster than those
  // are done with them on average, so that now the one limit is felt and now the other.
  constexpr std::uint32_t calls_each = 4;
  constexpr std::int64_t shortest_us = 500'000, longest_us = 3'500'000;
  Author author(cell);
  const std::uint32_t in_flight = std::max(1U, cell.agents / 4);
  author.builder.limit_calls(
      {.in_flight = in_flight,
       .burst = in_flight,
       .interval = author.scaled((shortest_us + longest_us) / 2 * 9 / 10) / in_flight});
  for (std::uint32_t i = 0; i < cell.agents; ++i) {
    add_calls(author, author.builder.add_agent(fmt::format("agent {}", i)), calls_each,
              {.limit = patience}, [&](TurnId id) {
                const auto drawn = below(author.draw(Stream::llm, id),
                                         static_cast<std::uint32_t>(longest_us - shortest_us));
                return author.scaled(shortest_us + drawn);
              });
  }
  return std::move(author.builder).build();
}

Workload first_k(const Cell& cell) {
  constexpr std::uint32_t team_size = 4;
  Author author(cell);
  for (std::uint32_t team = 0; team < cell.agents; ++team) {
    const AgentId lead = author.builder.add_agent(fmt::format("lead {}", team));
    const TurnId task = author.llm_turn(lead, {});
    std::vector<TurnId> drafts;
    for (std::uint32_t i = 0; i < team_size; ++i) {
      drafts.push_back(author.llm_turn(
          author.builder.add_agent(fmt::format("helper {}.{}", team, i)), std::array{task}));
    }
    author.llm_turn(lead, drafts);
    author.builder.result(std::chrono::nanoseconds(0));
  }
  author.builder.enough(std::max(1U, cell.agents / 4));
  return std::move(author.builder).build();
}

Workload stream(const Cell& cell) {
  constexpr std::uint32_t calls_each = 4;
  constexpr std::int64_t first_us = 500'000, gap_us = 25'000;
  Author author(cell);
  const std::uint32_t tokens = std::max(1U, cell.tokens);
  const auto first = author.scaled(first_us);
  for (std::uint32_t i = 0; i < cell.agents; ++i) {
    add_calls(author, author.builder.add_agent(fmt::format("agent {}", i)), calls_each,
              {.tokens = tokens, .first = first, .limit = patience},
              [&](TurnId) { return first + author.scaled(gap_us) * (tokens - 1); });
  }
  return std::move(author.builder).build();
}

/// Calls that are answered at once, all of an agent in one turn: what calling itself costs, and not
/// what a turn does.
Workload calls_at_once(const Cell& cell, bool keep_alive) {
  constexpr int calls_each = 200;
  Author author(cell);
  for (std::uint32_t i = 0; i < cell.agents; ++i) {
    author.builder.add_turn(author.builder.add_agent(fmt::format("agent {}", i)));
    for (int call = 0; call < calls_each; ++call) {
      const Attempt answered;
      author.builder.call({.keep_alive = keep_alive, .limit = patience}, {&answered, 1});
    }
  }
  return std::move(author.builder).build();
}
Workload calls(const Cell& cell) { return calls_at_once(cell, true); }
Workload connect(const Cell& cell) { return calls_at_once(cell, false); }

Workload open_loop(const Cell& cell) {
  // N moments drawn evenly from a window and put in order are a Poisson process that had N arrivals
  // in it.
  constexpr std::uint32_t window_us = 100'000'000;
  Author author(cell);
  std::vector<std::uint32_t> arrivals_us;
  for (std::uint32_t session = 0; session < cell.agents; ++session) {
    arrivals_us.push_back(below(author.draw(Stream::arrival, session), window_us));
  }
  std::ranges::sort(arrivals_us);
  author.builder.arrivals_within(author.scaled(window_us));
  const AgentId door = author.builder.add_agent("door");
  TurnId last = 0;
  for (std::uint32_t session = 0; session < cell.agents; ++session) {
    const auto arrival = author.scaled(arrivals_us[session]);
    last = session == 0 ? author.builder.add_turn(door) : author.builder.add_turn(door, {last});
    author.builder.wait_until(arrival);
    const AgentId agent = author.builder.add_agent(fmt::format("session {}", session));
    const TurnId thought = author.llm_turn(agent, std::array{last});
    const TurnId tool = author.tool_turn(agent, std::array{thought});
    author.llm_turn(agent, std::array{tool});
    author.builder.result(arrival);
  }
  return std::move(author.builder).build();
}

/// A team: who leads it asks `sizes.front()` others, each of whom leads a team of the rest of
/// `sizes`, and joins what they say.  The innermost are tools.  Returns the turn that joins.
TurnId add_team(Author& author, const std::string& name, std::span<const TurnId> before,
                std::span<const std::uint32_t> sizes) {
  const AgentId lead = author.builder.add_agent(name);
  const TurnId task = author.llm_turn(lead, before);
  std::vector<TurnId> reports;
  for (std::uint32_t i = 0; i < sizes.front(); ++i) {
    reports.push_back(sizes.size() == 1 ? author.tool_turn(lead, std::array{task})
                                        : add_team(author, fmt::format("{}.{}", name, i),
                                                   std::array{task}, sizes.subspan(1)));
  }
  return author.llm_turn(lead, reports);
}

Workload tree(const Cell& cell) {
  Author author(cell);
  for (std::uint32_t i = 0; i < cell.agents; ++i) {
    add_team(author, fmt::format("lead {}", i), {}, std::array{4U, 4U, 3U});
  }
  return std::move(author.builder).build();
}

Workload cascade(const Cell& cell) {
  // One message to each agent; whoever gets one sends it to all others, twice over.
  constexpr int depth = 2;
  Author author(cell);
  for (std::uint32_t i = 0; i < cell.agents; ++i) {
    author.builder.add_turn(author.builder.add_agent(fmt::format("agent {}", i)));
  }
  std::vector<AgentId> receivers(cell.agents);
  for (AgentId i = 0; i < cell.agents; ++i) receivers[i] = i;
  TurnId first = 0;
  for (int d = 0; d < depth; ++d) {
    std::vector<AgentId> next;
    for (std::size_t i = 0; i < receivers.size(); ++i) {
      for (AgentId other = 0; other < cell.agents; ++other) {
        if (other == receivers[i]) continue;
        author.builder.add_turn(other, {static_cast<TurnId>(first + i)});
        next.push_back(other);
      }
    }
    first += static_cast<TurnId>(receivers.size());
    receivers = std::move(next);
  }
  return std::move(author.builder).build();
}

/// All turns together compute 5 s, unscaled, unless the grain is so large that one turn of each
/// agent is more.  A grain itself is not scaled.
std::int64_t grain_rounds(const Author& author, const Cell& cell) {
  constexpr std::int64_t total_us = 5'000'000;
  const std::int64_t round_us = std::int64_t{cell.agents} * std::max(cell.grain_us, 1U);
  return std::max<std::int64_t>(1, author.scaled(total_us).count() / 1000 / round_us);
}

Workload grain(const Cell& cell) {
  Author author(cell);
  const AgentId orchestrator = author.builder.add_agent("orchestrator");
  for (std::uint32_t i = 0; i < cell.agents; ++i) {
    author.builder.add_agent(fmt::format("agent {}", i));
  }
  TurnId join = author.builder.add_turn(orchestrator);
  for (std::int64_t round = grain_rounds(author, cell); round > 0; --round) {
    for (std::uint32_t i = 0; i < cell.agents; ++i) {
      author.builder.add_turn(i + 1, {join});
      author.builder.compute(Kernel::mix, cell.grain_us);
    }
    join = author.builder.add_turn(orchestrator, range(join + 1, join + 1 + cell.agents));
  }
  return std::move(author.builder).build();
}

Workload grain_waits(const Cell& cell) {
  Author author(cell);
  const std::int64_t rounds = grain_rounds(author, cell);
  for (std::uint32_t i = 0; i < cell.agents; ++i) {
    const AgentId agent = author.builder.add_agent(fmt::format("agent {}", i));
    TurnId last = 0;
    for (std::int64_t round = 0; round < rounds; ++round) {
      last = round == 0 ? author.builder.add_turn(agent) : author.builder.add_turn(agent, {last});
      author.builder.wait(std::chrono::milliseconds(1));
      author.builder.compute(Kernel::mix, cell.grain_us);
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
    {"as-completed", "as fanout, but each result is used on its own as soon as it is there", 64,
     0.01, as_completed},
    {"layers", "N agents in teams of 4, three layers of LLM calls, an aggregator after each", 32,
     0.05, layers},
    {"react", "N sessions that alternate LLM calls with tools, up to 20 rounds each", 32, 0.05,
     react},
    {"debate", "N agents on rings of 8, four rounds, each waits for its neighbours only", 32, 0.05,
     debate},
    {"chat", "N speakers in groups of 4, twelve LLM calls of each group strictly in turn", 32, 0.05,
     chat},
    {"tree", "N leads with 4 helpers, who have 4 each, who use 3 tools each; all report upwards", 4,
     0.05, tree, 0, 100'000},
    {"blocking-tool", "as react, but 3 % of the tools hold the thread that called them", 32, 0.05,
     blocking_tool},
    {"cpu-heavy", "as react, but 1 % of the turns compute for about 5 to 50 ms besides", 32, 0.05,
     cpu_heavy},
    {"open-loop", "N sessions of LLM, tool, LLM that arrive at random within 100 s, unscaled", 100,
     0.05, open_loop},
    {"compute", "N agents that compute and never wait, a join", 64, 0, compute},
    {"parked", "N agents that all wait at the same time, and do nothing else", 1000, 0, parked},
    {"empty", "one orchestrator, N agents with nothing to do, a join: what starting a turn costs",
     10'000, 0, empty},
    {"cascade", "each of N agents gets a message and sends it to all others, who do so once more",
     24, 0, cascade, 0, 200},
    {"grain", "an orchestrator, N agents that compute one grain each, a join, over and over", 64, 0,
     grain, 10, 10'000},
    {"grain-waits", "N agents that wait for 1 ms and then compute one grain, over and over", 1000,
     0, grain_waits, 10, 100'000},
    {"faulty", "as react, but 3 % of the calls and turns meet trouble, as on an ordinary day", 32,
     0.05, faulty},
    {"storm", "as react, but 7 % of the calls and turns meet trouble of every sort", 32, 0.05,
     storm},
    {"rate-limit", "N agents, four calls each, of which N / 4 may be under way, by a token bucket",
     32, 0, rate_limit},
    {"first-k", "N teams of 5 with the same task; when N / 4 are done the others are cancelled", 32,
     0.05, first_k, 0, 100'000},
    {"stream", "N agents, four calls each, whose answers come token by token", 64, 0, stream, 0,
     100'000, 200},
    {"calls", "N agents, 200 calls each, answered at once: what calling costs", 64, 0, calls, 0,
     100'000},
    {"connect", "as calls, but with a connection of its own for each", 64, 0, connect, 0, 100'000},
});
// clang-format on

}  // namespace

std::span<const Preset> presets() { return table; }

const Preset* find_preset(const std::string& name) {
  const auto found = std::ranges::find(table, name, &Preset::name);
  return found == table.end() ? nullptr : &*found;
}

}  // namespace bench
