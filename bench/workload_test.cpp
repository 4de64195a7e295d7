// Is the work the same everywhere?  Randomness, durations, kernels, presets, files.
#include "workload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "kernels.hpp"
#include "testing.hpp"
#include "workload_file.hpp"

namespace bench::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Random, mix64_is_the_published_function) {
  // First outputs of SplitMix64 seeded with 0, as in the reference implementation (Vigna).
  EXPECT_EQ(mix64(0), 0xe220a8397b1dcdaf);
  EXPECT_EQ(mix64(0x9e3779b97f4a7c15), 0x6e789e6aa1b965f4);
}

TEST(Random, draws_depend_on_seed_stream_and_id) {
  const auto base = draw(1, Stream::llm, 1);
  EXPECT_NE(base, draw(2, Stream::llm, 1));
  EXPECT_NE(base, draw(1, Stream::tool, 1));
  EXPECT_NE(base, draw(1, Stream::llm, 2));
}

TEST(Durations, the_tables_have_the_quantiles_of_their_source) {
  EXPECT_EQ(quantile_us(llm_call, 32768ULL << 16), 5'700'000);
  EXPECT_EQ(quantile_us(llm_call, 58982ULL << 16), 24'256'247);
  EXPECT_EQ(quantile_us(tool_call, 32768ULL << 16), 300'000);
  EXPECT_EQ(quantile_us(llm_call, 0), 301'938);
  EXPECT_EQ(quantile_us(llm_call, 65536ULL << 16), 120'000'000);
}

TEST(Durations, interpolation_is_linear_between_knots) {
  EXPECT_EQ(quantile_us(llm_call, (16384ULL + 8192) << 16), (2'659'880 + 5'700'000) / 2);
}

TEST(Durations, calls_are_truncated_and_not_clamped_at_the_limit) {
  for (const QuantileTable* table : {&llm_call, &tool_call}) {
    int near_the_limit = 0;
    for (std::uint64_t id = 0; id < 10'000; ++id) {
      const auto us = draw_us(*table, draw(1, Stream::llm, id));
      EXPECT_LE(us, longest_call_us);
      near_the_limit += us > longest_call_us * 99 / 100;
    }
    EXPECT_LT(near_the_limit, 100);  // clamped, it would be 800 of the LLM calls
    EXPECT_GT(draw_us(*table, ~std::uint64_t{0}), longest_call_us * 99 / 100);
  }
}

TEST(Durations, scaling_is_exact) {
  EXPECT_EQ(scaled(5'700'000, PerMillion::from(0.01)), std::chrono::milliseconds(57));
  EXPECT_EQ(units_for(std::chrono::milliseconds(57), PerMillion::from(0.05)), 2850U);
  EXPECT_EQ(units_for(std::chrono::milliseconds(57), PerMillion::from(0)), 0U);
}

TEST(Kernels, results_are_the_committed_ones) {
  prepare_kernels(small("compute", 20));  // uses all three
  EXPECT_EQ(run_kernel(Kernel::mix, 3, 42), 0x38ce02eff57a216bULL);
  EXPECT_EQ(run_kernel(Kernel::json, 3, 42), 0xce5d7c4d44b24ef8ULL);
  EXPECT_EQ(run_kernel(Kernel::topk, 3, 42), 0xa297fa58b3a0d0f3ULL);
}

TEST(Kernels, every_unit_depends_on_the_one_before) {
  prepare_kernels(small("compute", 20));  // uses all three
  for (const Kernel kernel : {Kernel::mix, Kernel::json, Kernel::topk}) {
    EXPECT_EQ(run_kernel(kernel, 5, 1), run_kernel(kernel, 2, run_kernel(kernel, 3, 1)));
    EXPECT_NE(run_kernel(kernel, 5, 1), run_kernel(kernel, 5, 2));
  }
}

TEST(Presets, answers_are_the_committed_ones) {
  // Of the default cells.  They change only with workload_version.
  const std::map<std::string, std::string> golden = {
      {"pizza", "24c7951be1817326:3e96bd8245d83b44"},
      {"pizza-chain", "8d60bc8ae943c96d:d5138765c81c0272"},
      {"fanout", "5e173a924ba02cc2:88cd521877eae985"},
      {"layers", "9bfe5ccff9c0a07f:994bf7de56376e88"},
      {"react", "73d0bbb8965427ad:58bc4dc4a61f68f2"},
      {"debate", "7e958a60c8dbb8c3:cd55298d01e232c5"},
      {"chat", "861a50c3de20392d:cff7f75cb2bfc24c"},
      {"compute", "7a5ce6823f6b40c3:fedc0500acde9090"},
      {"parked", "662f9b5ae19c2ec8:338d8287bee4005f"},
      {"empty", "66d5061ecdeedc84:33e37259ae86875e"},
      {"as-completed", "f729ee331d18b888:e41b8e09582e5cdd"},
      {"tree", "4ae290ac2fc1842e:52852d8523ae3fc0"},
      {"blocking-tool", "73d0bbb8965427ad:58bc4dc4a61f68f2"},
      {"cpu-heavy", "bb8a0bd8de562a80:b966e294215da42f"},
      {"open-loop", "4f601b78517795ab:31752c253affbcd5"},
      {"cascade", "36b2759e0e306894:16746f15e5b0ee89"},
      {"grain", "278b82f617f27f44:82108bbde3d641e8"},
      {"grain-waits", "b495a6c0de04f661:901b207385d8145d"},
      {"faulty", "47a524abfe211eb2:d2c03b78948460db"},
      {"storm", "10bab026aa3ff398:7958293a1df1b8c1"},
      {"rate-limit", "3d96d60f22256cb1:1103bc276c4785ed"},
      {"first-k", "182e783b52a4410b:ae4fbc21254f161e"},
      {"stream", "111142d64594322d:ed4e101bba7f2b94"},
      {"calls", "1cc0ab39e5ef1b3b:996118c8179c3716"},
      {"connect", "1cc0ab39e5ef1b3b:996118c8179c3716"},
  };
  for (const Preset& preset : presets()) {
    const Workload workload = preset.make({.scenario = preset.name,
                                           .agents = preset.agents,
                                           .cpu_share = preset.cpu_share,
                                           .grain_us = preset.grain_us,
                                           .tokens = preset.tokens});
    ASSERT_TRUE(golden.contains(preset.name)) << preset.name;
    EXPECT_EQ(to_text(reference(workload)), golden.at(preset.name)) << preset.name;
  }
}

TEST(Presets, another_seed_is_other_work) {
  for (const char* name : {"fanout", "layers", "react", "compute"}) {
    const Cell one{.scenario = name, .agents = 4, .cpu_share = 0.01, .seed = 1};
    Cell two = one;
    two.seed = 2;
    const auto make = find_preset(name)->make;
    EXPECT_NE(to_json(make(one)), to_json(make(two))) << name;
  }
}

TEST(Presets, the_cpu_share_does_not_change_the_waits) {
  const auto make = find_preset("react")->make;
  auto waits = [&](double share) {
    std::vector<std::int64_t> waits;
    const Workload workload = make({.scenario = "react", .agents = 8, .cpu_share = share});
    for (const Step& s : workload.steps()) {
      if (s.kind == StepKind::wait) waits.push_back(s.duration.count());
    }
    return waits;
  };
  EXPECT_EQ(waits(0), waits(0.5));
}

TEST(Presets, shapes_are_as_described) {
  const Workload layers = small("layers", 8);  // two teams of 4, three layers, an aggregator each
  EXPECT_EQ(layers.turns.size(), 2U * 3 * 5);
  EXPECT_EQ(layers.turns[4].before.size(), 4U);
  EXPECT_THAT(layers.turns[5].before, ElementsAre(4U));
  const Workload debate = small("debate", 8);
  EXPECT_THAT(debate.turns[8].before, ElementsAre(0U, 1U, 7U));
  const Workload chain = small("pizza-chain", 3);
  EXPECT_THAT(chain.turns[2].before, ElementsAre(1U));
  EXPECT_THAT(chain.turns[0].after, ElementsAre(1U));
  // A session has 8.8 rounds less what is cut off at 20, each with one LLM call and 1.23 tools.
  const Workload react = small("react", 2000);
  const double turns_each = static_cast<double>(react.turns.size()) / 2000;
  EXPECT_GT(turns_each, 15);
  EXPECT_LT(turns_each, 19);
  EXPECT_EQ(small("tree", 3).turns.size(), 3U * (1 + 4 + 16 + 48 + 16 + 4 + 1));
  // Each of A agents gets one message of its own, A - 1 of the others, and (A - 1)^2 more.
  EXPECT_EQ(small("cascade", 7).turns.size(), 7U * (1 + 6 + 36));
  EXPECT_EQ(small("cascade", 1).turns.size(), 1U);
}

TEST(Presets, a_result_is_named_for_each_agent_that_somebody_waits_for) {
  const Workload fanout = small("as-completed", 5);
  EXPECT_EQ(fanout.results.size(), 5U);
  for (const Result& result : fanout.results) {
    EXPECT_EQ(fanout.turns[result.turn].before.size(), 1U);
    EXPECT_EQ(result.since.count(), 0);
  }
  const Workload sessions = small("open-loop", 5);
  EXPECT_EQ(sessions.results.size(), 5U);
  EXPECT_EQ(sessions.arrivals, std::chrono::milliseconds(10));
  std::chrono::nanoseconds last{0};
  for (const Result& result : sessions.results) {
    EXPECT_GE(result.since, last);
    EXPECT_LT(result.since, sessions.arrivals);
    last = result.since;
    // The door opens when the session arrives, whatever became of the ones before.
    const Step& arrival = sessions.turns[result.turn - 3].steps.front();
    EXPECT_TRUE(arrival.from_start);
    EXPECT_EQ(arrival.duration, result.since);
  }
}

TEST(Presets, some_tools_block_and_some_turns_compute_for_long) {
  auto count = [](const Workload& workload, auto&& is_one) {
    return static_cast<double>(std::ranges::count_if(workload.steps(), is_one));
  };
  const Workload react = small("react", 500);
  const Workload blocking = small("blocking-tool", 500);
  const Workload heavy = small("cpu-heavy", 500);
  const double blocks = count(blocking, [](const Step& s) { return s.kind == StepKind::block; });
  // Of a round's 2.23 turns 1.23 are tools, but for the last round, which has none.
  EXPECT_NEAR(blocks / static_cast<double>(react.turns.size()), 0.03 * 0.53, 0.004);
  const double longs =
      count(heavy, [](const Step& s) { return s.units >= 5000 && s.units <= 50'000; });
  EXPECT_NEAR(longs / static_cast<double>(heavy.turns.size()), 0.01, 0.004);
  EXPECT_EQ(blocking.turns.size(), react.turns.size());
  EXPECT_EQ(heavy.turns.size(), react.turns.size());
}

TEST(Presets, grains_of_any_size_add_up_to_the_same_work) {
  for (const char* name : {"grain", "grain-waits"}) {
    for (const std::uint32_t grain_us : {1U, 10U, 100U}) {
      const Workload workload =
          find_preset(name)->make({.scenario = name, .agents = 50, .grain_us = grain_us});
      EXPECT_EQ(planned(workload).units, 50'000U) << name << " " << grain_us;
    }
  }
}

// ---- calls and their trouble ----

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

Workload default_cell(const char* name, std::uint32_t agents = 0) {
  const Preset& preset = *find_preset(name);
  return preset.make({.scenario = name,
                      .agents = agents > 0 ? agents : preset.agents,
                      .cpu_share = preset.cpu_share,
                      .tokens = preset.tokens});
}

/// How many calls meet each outcome at their first attempt.
std::map<Outcome, std::uint64_t> first_outcomes(const Workload& workload) {
  std::map<Outcome, std::uint64_t> counts;
  for (const Call& call : workload.calls()) ++counts[workload.attempts_of(call).front().outcome];
  return counts;
}

/// In millionths of all calls; of raises, of all turns.
struct Rates {
  std::map<Outcome, double> of_calls;
  double raises;
};

void expect_rates(const char* preset, const Rates& rates) {
  const Workload workload = default_cell(preset, 5000);
  const auto all = static_cast<double>(workload.calls().size());
  const auto expect_share = [&](double count, double rate, const char* of) {
    // Five standard deviations of a count of so many independent draws.
    EXPECT_NEAR(count, rate * all, 5 * std::sqrt(rate * all)) << preset << ": " << of;
  };
  const auto counts = first_outcomes(workload);
  for (const auto& [outcome, count] : counts) {
    if (outcome == Outcome::answered) continue;
    ASSERT_TRUE(rates.of_calls.contains(outcome)) << name_of(outcome);
    expect_share(static_cast<double>(count), rates.of_calls.at(outcome), name_of(outcome));
  }
  EXPECT_EQ(counts.size(), rates.of_calls.size() + 1);
  expect_share(static_cast<double>(std::ranges::count(workload.steps(), true, &Step::raises)),
               rates.raises, "raises");
}

TEST(Presets, trouble_is_as_frequent_as_documented) {
  expect_rates(
      "faulty",
      {{{Outcome::rate_limited, 0.02}, {Outcome::server_error, 0.005}, {Outcome::timed_out, 0.002}},
       0.003});
  expect_rates("storm", {{{Outcome::rate_limited, 0.046},
                          {Outcome::server_error, 0.003},
                          {Outcome::refused, 0.003},
                          {Outcome::cut, 0.003},
                          {Outcome::garbage, 0.003},
                          {Outcome::timed_out, 0.005}},
                         0.007});
}

TEST(Presets, what_comes_of_trouble_is_known_from_the_seed) {
  const Receipts faulty = planned(default_cell("faulty")), storm = planned(default_cell("storm"));
  EXPECT_EQ(faulty.turns, 622U);
  EXPECT_EQ(faulty.calls, 564U);
  EXPECT_EQ(faulty.attempts, 573U);
  EXPECT_EQ(faulty.failed, 3U);
  EXPECT_EQ(faulty.skipped, 58U);
  EXPECT_EQ(storm.turns, 622U);
  EXPECT_EQ(storm.calls, 508U);
  EXPECT_EQ(storm.attempts, 553U);
  EXPECT_EQ(storm.failed, 7U);
  EXPECT_EQ(storm.skipped, 114U);
}

TEST(Presets, of_calls_that_meet_trouble_one_in_ten_is_given_up) {
  const Workload workload = default_cell("storm", 5000);
  std::map<std::size_t, double> answered_after;
  double given_up = 0;
  for (const Call& call : workload.calls()) {
    const auto script = workload.attempts_of(call);
    if (script.back().outcome != Outcome::answered) {
      EXPECT_EQ(script.size(), most_attempts);
      ++given_up;
    } else {
      ++answered_after[script.size()];
    }
  }
  const double trouble = answered_after[2] + answered_after[3] + given_up;
  EXPECT_NEAR(answered_after[2] / trouble, 0.75, 0.03);
  EXPECT_NEAR(answered_after[3] / trouble, 0.15, 0.02);
  EXPECT_NEAR(given_up / trouble, 0.10, 0.02);
}

TEST(Presets, back_offs_are_those_of_openais_clients_or_what_the_reply_says) {
  const Workload workload = default_cell("storm", 2000);  // at a hundredth of real time
  nanoseconds least[2] = {std::chrono::hours(1), std::chrono::hours(1)}, most[2] = {};
  for (const Call& call : workload.calls()) {
    const auto script = workload.attempts_of(call);
    EXPECT_EQ(script.back().back_off.count(), 0);
    for (std::size_t i = 0; i + 1 < script.size(); ++i) {
      const nanoseconds back_off = script[i].back_off;
      if (script[i].outcome == Outcome::rate_limited) {  // one to three seconds
        EXPECT_GE(back_off, milliseconds(10));
        EXPECT_LE(back_off, milliseconds(30));
        continue;
      }
      least[i] = std::min(least[i], back_off);
      most[i] = std::max(most[i], back_off);
    }
  }
  // Half a second, then a whole one, of which up to a quarter is taken off.
  EXPECT_GE(least[0], microseconds(3750));
  EXPECT_LE(least[0], microseconds(3850));
  EXPECT_LE(most[0], milliseconds(5));
  EXPECT_GE(most[0], microseconds(4900));
  EXPECT_GE(least[1], microseconds(7500));
  EXPECT_LE(most[1], milliseconds(10));
}

TEST(Presets, a_reply_comes_in_half_the_limit_or_never) {
  for (const char* preset : {"faulty", "storm"}) {
    const Workload workload = default_cell(preset, 2000);
    std::size_t timed_out = 0;
    for (const Call& call : workload.calls()) {
      for (const Attempt& attempt : workload.attempts_of(call)) {
        if (attempt.outcome == Outcome::timed_out) {
          EXPECT_EQ(attempt.duration, call.limit);
          ++timed_out;
        } else {
          EXPECT_LE(attempt.duration, call.limit / 2);
        }
      }
    }
    EXPECT_GT(timed_out, 10U);
  }
}

TEST(Presets, trouble_is_all_that_faulty_has_over_react) {
  const Workload react = default_cell("react"), faulty = default_cell("faulty");
  ASSERT_EQ(react.turns.size(), faulty.turns.size());
  for (const Turn& turn : faulty.turns) {
    const Turn& same = react.turns[turn.id];
    EXPECT_TRUE(std::ranges::equal(turn.before, same.before));
    const auto script = faulty.attempts_of(faulty.call_of(turn.steps[0]));
    if (script.size() == 1) {
      EXPECT_EQ(turn.steps[0].duration, same.steps[0].duration);
    }
    EXPECT_EQ(turn.steps[1].units, same.steps[1].units);
  }
}

TEST(Presets, those_of_calls_have_the_shapes_described) {
  const Workload limited = default_cell("rate-limit", 32);
  EXPECT_EQ(limited.limit.in_flight, 8U);
  EXPECT_EQ(limited.limit.burst, 8U);
  EXPECT_EQ(limited.limit.interval, microseconds(18'000) / 8);
  EXPECT_EQ(planned(limited).calls, 32U * 4);
  EXPECT_EQ(default_cell("rate-limit", 1).limit.in_flight, 1U);

  const Workload first = default_cell("first-k", 32);
  EXPECT_EQ(first.enough, 8U);
  EXPECT_EQ(first.results.size(), 32U);
  EXPECT_EQ(first.turns.size(), 32U * 6);
  for (const Result& result : first.results) {
    EXPECT_EQ(first.turns[result.turn].before.size(), 4U);
  }

  const Workload stream = default_cell("stream", 3);
  EXPECT_EQ(planned(stream).calls, 3U * 4);
  for (const Call& call : stream.calls()) {
    EXPECT_EQ(call.tokens, 200U);
    EXPECT_EQ(call.first, milliseconds(5));
    EXPECT_EQ(stream.attempts_of(call)[0].duration, milliseconds(5) + 199 * microseconds(250));
  }

  const Workload calls = default_cell("calls", 3), connect = default_cell("connect", 3);
  EXPECT_EQ(planned(calls).calls, 3U * 200);
  EXPECT_EQ(reference(calls), reference(connect));
  for (const Call& call : calls.calls()) EXPECT_TRUE(call.keep_alive);
  for (const Call& call : connect.calls()) EXPECT_FALSE(call.keep_alive);
}

TEST(Calls, in_the_place_of_waits_leave_the_answer_as_it_is) {
  for (const Preset& preset : presets()) {
    const Workload work = small(preset.name), called = with_calls(work);
    EXPECT_EQ(reference(called), reference(work)) << preset.name;
    const Receipts before = planned(work), after = planned(called);
    EXPECT_EQ(after.calls + after.waits, before.calls + before.waits) << preset.name;
    EXPECT_EQ(after.units, before.units);
    EXPECT_EQ(called.results.size(), work.results.size());
    EXPECT_EQ(called.enough, work.enough);
    EXPECT_EQ(called.limit.in_flight, work.limit.in_flight);
    for (const Step& step : called.steps()) {
      EXPECT_FALSE(step.kind == StepKind::wait && !step.from_start) << preset.name;
      EXPECT_EQ(step.duration, work.steps()[called.index_of(step)].duration);
      if (step.kind == StepKind::call) {
        EXPECT_GE(called.call_of(step).limit, nanoseconds(1));
      }
    }
  }
  const Workload heart = with_heartbeats(small("storm"), microseconds(500), 3);
  EXPECT_EQ(reference(with_calls(heart)), reference(heart));
  EXPECT_EQ(with_calls(heart).beats().size(), 3U);
}

constexpr Attempt cut{Outcome::cut, milliseconds(1), milliseconds(2)};
constexpr Attempt answer{Outcome::answered, milliseconds(4), {}};

/// 0 fails after its first step, 1 is skipped, 2 retries, 3 throws, 4 comes after 2, 5 after all.
Workload with_trouble() {
  WorkloadBuilder builder("trouble", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.wait(milliseconds(1));
  builder.call({.limit = milliseconds(9)}, std::vector<Attempt>(most_attempts, cut));
  builder.compute(Kernel::mix, 100);
  builder.add_turn(0, {0});
  builder.wait(milliseconds(1));
  builder.compute(Kernel::mix, 100);
  builder.add_turn(0);
  builder.call({.limit = milliseconds(9)}, std::vector<Attempt>{cut, answer});
  builder.add_turn(0);
  builder.compute(Kernel::mix, 10);
  builder.raise();
  builder.block(milliseconds(1));
  builder.add_turn(0, {2});
  builder.block(milliseconds(1));
  builder.add_turn(0, {1, 4});
  return std::move(builder).build();
}

TEST(Calls, how_each_turn_ends_follows_from_the_script) {
  EXPECT_THAT(scripted_endings(with_trouble()),
              ElementsAre(Ending::failed, Ending::skipped, Ending::finished, Ending::failed,
                          Ending::finished, Ending::skipped));
  EXPECT_TRUE(with_trouble().has_failures());
  EXPECT_FALSE(small("rate-limit").has_failures());
}

TEST(Calls, the_plan_counts_what_is_done_before_a_failure_and_nothing_after_it) {
  const Receipts plan = planned(with_trouble());
  EXPECT_EQ(plan.turns, 6U);
  EXPECT_EQ(plan.waits, 1U);
  EXPECT_EQ(plan.blocks, 1U);
  EXPECT_EQ(plan.units, 11U);
  EXPECT_EQ(plan.calls, 2U);
  EXPECT_EQ(plan.attempts, 5U);
  EXPECT_EQ(plan.failed, 2U);
  EXPECT_EQ(plan.skipped, 2U);
}

TEST(Calls, as_played_a_call_is_a_wait_and_failures_end_their_turns) {
  const Workload played = as_played(with_trouble());
  const auto steps_of = [&](TurnId id) {
    std::vector<nanoseconds> durations;
    for (const Step& step : played.turns[id].steps) {
      EXPECT_FALSE(step.raises);
      durations.push_back(step.kind == StepKind::compute ? nanoseconds(step.units) : step.duration);
    }
    return durations;
  };
  EXPECT_THAT(steps_of(0), ElementsAre(milliseconds(1), milliseconds(3 * 1 + 2 * 2)));
  EXPECT_THAT(steps_of(1), ElementsAre());
  EXPECT_THAT(steps_of(2), ElementsAre(milliseconds(3 + 4)));
  EXPECT_THAT(steps_of(3), ElementsAre(nanoseconds(10), nanoseconds(1)));
  EXPECT_THAT(steps_of(4), ElementsAre(milliseconds(1)));
  EXPECT_TRUE(played.calls().empty());
  EXPECT_FALSE(played.has_failures());
  for (const Turn& turn : played.turns) {
    EXPECT_TRUE(std::ranges::equal(turn.before, with_trouble().turns[turn.id].before));
  }
}

TEST(WorkloadBuilder, a_turn_cannot_wait_for_itself_or_a_later_one) {
  WorkloadBuilder builder("wrong", 1);
  builder.add_agent("agent");
  EXPECT_THROW(builder.add_turn(0, {0}), std::invalid_argument);
}

TEST(WorkloadBuilder, a_call_ends_with_its_answer_or_with_its_last_attempt) {
  WorkloadBuilder builder("wrong", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  EXPECT_THROW(builder.call({}, {}), std::invalid_argument);
  EXPECT_THROW(builder.call({}, std::vector<Attempt>{answer, answer}), std::invalid_argument);
  EXPECT_THROW(builder.call({}, std::vector<Attempt>{cut, cut}), std::invalid_argument);
  EXPECT_THROW(builder.call({}, std::vector<Attempt>(most_attempts + 1, cut)),
               std::invalid_argument);
}

TEST(WorkloadBuilder, more_results_than_there_are_cannot_be_enough) {
  WorkloadBuilder builder("wrong", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.result(nanoseconds(0));
  builder.enough(2);
  EXPECT_THROW(std::move(builder).build(), std::invalid_argument);
}

void expect_round_trip(const Workload& original) {
  const std::string text = to_json(original);
  const Workload read = parse_workload(text, "text");
  EXPECT_EQ(to_json(read), text) << original.name;
  EXPECT_EQ(reference(read), reference(original)) << original.name;
  EXPECT_EQ(planned(read), planned(original)) << original.name;
  EXPECT_EQ(read.limit.in_flight, original.limit.in_flight);
  EXPECT_EQ(read.limit.burst, original.limit.burst);
  EXPECT_EQ(read.limit.interval, original.limit.interval);
  EXPECT_EQ(read.enough, original.enough);
  ASSERT_EQ(read.calls().size(), original.calls().size());
  for (std::size_t i = 0; i < read.calls().size(); ++i) {
    const Call &a = read.calls()[i], &b = original.calls()[i];
    EXPECT_EQ(a.tokens, b.tokens);
    EXPECT_EQ(a.limit, b.limit);
    EXPECT_EQ(a.keep_alive, b.keep_alive);
    if (a.tokens > 1) {
      EXPECT_EQ(a.first, b.first);
    }
    EXPECT_TRUE(std::ranges::equal(
        read.attempts_of(a), original.attempts_of(b), [](const Attempt& x, const Attempt& y) {
          return x.outcome == y.outcome && x.duration == y.duration && x.back_off == y.back_off;
        }));
  }
}

TEST(WorkloadFile, a_workload_survives_the_round_trip) {
  for (const Preset& preset : presets()) {
    expect_round_trip(small(preset.name));
    expect_round_trip(with_calls(small(preset.name)));
  }
  for (std::uint64_t seed = 0; seed < 10; ++seed) expect_round_trip(random_graph(seed, 40));
  expect_round_trip(with_trouble());
}

TEST(WorkloadFile, what_a_call_may_leave_out_has_its_usual_value) {
  const Workload workload = parse_workload(
      R"({"schema":"interleave.workload/1","name":"n","seed":1,"agents":["a"],"turns":[
          {"agent":0,"steps":[
            {"call_ns":1000},
            {"call_ns":1000,"tokens":4},
            {"attempts":[{"outcome":"timed out","back_off_ns":7},{"outcome":"refused"},
                         {"outcome":"answered","ns":500}],
             "limit_ns":2000,"keep_alive":false,"tokens":5,"first_ns":20},
            {"raises":true}]}]})",
      "text");
  const auto calls = workload.calls();
  ASSERT_EQ(calls.size(), 3U);
  EXPECT_EQ(calls[0].first, nanoseconds(1000));
  EXPECT_EQ(calls[0].limit, nanoseconds(1000) + std::chrono::seconds(30));
  EXPECT_EQ(calls[0].tokens, 0U);
  EXPECT_TRUE(calls[0].keep_alive);
  EXPECT_EQ(calls[1].first, nanoseconds(250));
  EXPECT_EQ(calls[2].first, nanoseconds(20));
  EXPECT_EQ(calls[2].limit, nanoseconds(2000));
  EXPECT_FALSE(calls[2].keep_alive);
  const auto script = workload.attempts_of(calls[2]);
  EXPECT_EQ(script[0].duration, nanoseconds(2000));
  EXPECT_EQ(script[0].back_off, nanoseconds(7));
  EXPECT_EQ(script[1].outcome, Outcome::refused);
  EXPECT_EQ(script[1].duration, nanoseconds(0));
  EXPECT_EQ(workload.steps()[2].duration, nanoseconds(2000 + 7 + 500));
  EXPECT_TRUE(workload.steps()[3].raises);
}

TEST(WorkloadFile, a_file_that_is_cut_off_anywhere_is_refused_in_one_line) {
  const std::string text = to_json(with_trouble());
  for (std::size_t length = 0; length + 1 < text.size(); length += 7) {
    try {
      parse_workload(text.substr(0, length), "file.json");
      ADD_FAILURE() << "accepted: " << text.substr(0, length);
    } catch (const std::invalid_argument& error) {
      EXPECT_THAT(std::string(error.what()), ::testing::Not(HasSubstr("\n")));
    }
  }
}

TEST(WorkloadFile, a_file_with_any_character_changed_is_read_or_refused_in_one_line) {
  const std::string text = to_json(with_trouble());
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = "0-\"[}x\xff"[mix64(at) % 7];
    try {
      parse_workload(changed, "file.json");
    } catch (const std::invalid_argument& error) {
      EXPECT_THAT(std::string(error.what()), ::testing::Not(HasSubstr("\n"))) << changed;
    }
  }
}

struct BadFile {
  const char* text;
  const char* message;
};

TEST(WorkloadFile, a_broken_file_is_refused_with_the_place_and_the_reason) {
  const std::string head =
      R"({"schema":"interleave.workload/1","name":"n","seed":1,"agents":["a"],)";
  const BadFile bad[] = {
      {"", "not JSON"},
      {"[]", "expected an object, found array"},
      {"[1e400]", "too large"},
      {R"({"new\nline":1})", R"(unknown key "new\nline")"},
      {R"({"schema":"interleave.workload/9"})", "expected \"interleave.workload/1\""},
      {R"({"schema":"interleave.workload/1"})", "\"seed\" is missing"},
      {R"("turns":[]})", "turns: the list is empty"},
      {R"("turns":3})", "turns: expected a list"},
      {R"("turns":[{"agent":1,"steps":[]}]})", "turns[0].agent: expected a whole number"},
      {R"("turns":[{"agent":0}]})", "turns[0]: \"steps\" is missing"},
      {R"("turns":[{"agent":0,"steps":[],"extra":1}]})", "unknown key \"extra\""},
      {R"("turns":[{"agent":0,"before":[0],"steps":[]}]})", "turn 0 waits for turn 0"},
      {R"("turns":[{"agent":0,"before":[7],"steps":[]}]})", "turn 0 waits for turn 7"},
      {R"("turns":[{"agent":0,"steps":[]},{"agent":0,"before":[0,0],"steps":[]}]})", "twice"},
      {R"("turns":[{"agent":0,"steps":[{"wait_ns":-1}]}]})", "steps[0].wait_ns"},
      {R"("turns":[{"agent":0,"steps":[{"wait_ns":1e99}]}]})", "steps[0].wait_ns"},
      {R"("turns":[{"agent":0,"steps":[{"wait_ns":18446744073709551615}]}]})", "steps[0].wait_ns"},
      {R"("turns":[{"agent":0,"steps":[{"compute":"magic","units":1}]}]})", "mix, json or topk"},
      {R"("turns":[{"agent":0,"steps":[{"compute":"mix"}]}]})", "a step is one of"},
      {R"("turns":[{"agent":0,"steps":[{}]}]})", "a step is one of"},
      {R"("turns":[{"agent":0,"steps":[{"raises":1}]}]})", "steps[0].raises: expected true"},
      {R"("turns":[{"agent":0,"steps":[{"raises":false}]}]})", "steps[0].raises"},
      {R"("turns":[{"agent":0,"steps":[{"raises":true,"wait_ns":1}]}]})", "a step is one of"},
      {R"("limit":3,"turns":[]})", "limit: expected an object"},
      {R"("limit":{},"turns":[]})", "limit: \"in_flight\" is missing"},
      {R"("limit":{"in_flight":0},"turns":[]})", "limit.in_flight"},
      {R"("limit":{"in_flight":1,"rate":2},"turns":[]})", "unknown key \"rate\""},
      {R"("limit":{"in_flight":1,"burst":2},"turns":[]})", "both \"burst\" and \"interval_ns\""},
      {R"("limit":{"in_flight":1,"burst":0,"interval_ns":1},"turns":[]})", "limit.burst"},
      {R"("limit":{"in_flight":1,"burst":1,"interval_ns":0},"turns":[]})", "limit.interval_ns"},
      {R"("enough":1,"turns":[{"agent":0,"steps":[]}]})", "enough: no turn has"},
      {R"("enough":2,"turns":[{"agent":0,"steps":[],"result_since_ns":0}]})",
       "enough: expected a whole number from 1 to 1"},
      {R"("enough":0,"turns":[{"agent":0,"steps":[],"result_since_ns":0}]})", "enough: expected"},
  };
  // What is wrong with a call, and the place in it.
  const BadFile bad_calls[] = {
      {R"({"call_ns":-1})", ".call_ns: expected"},
      {R"({"call_ns":1e3})", ".call_ns: expected"},
      {R"({"call_ns":1,"attempts":[]})", ": a call has either"},
      {R"({"call_ns":1,"wait_ns":1})", ": unknown key \"wait_ns\""},
      {R"({"call_ns":1,"tokens":0})", ".tokens: expected"},
      {R"({"call_ns":1,"tokens":1000000000})", ".tokens: expected"},
      {R"({"call_ns":1,"first_ns":1})", ".first_ns: only an answer with \"tokens\""},
      {R"({"call_ns":1,"tokens":2,"first_ns":2})", ".first_ns: the first token comes after"},
      {R"({"call_ns":9,"limit_ns":8})", ".call_ns: longer than"},
      {R"({"call_ns":9,"limit_ns":0})", ".limit_ns: expected"},
      {R"({"call_ns":9,"keep_alive":"no"})", ".keep_alive: expected true or false"},
      {R"({"attempts":[]})", ".attempts: a call has 0 attempts"},
      {R"({"attempts":{}})", ".attempts: expected a list"},
      {R"({"attempts":[3]})", ".attempts[0]: expected an object"},
      {R"({"attempts":[{"ns":3}]})", ".attempts[0]: \"outcome\" is missing"},
      {R"({"attempts":[{"outcome":"lost"}]})",
       ".attempts[0].outcome: no outcome is called \"lost\""},
      {R"({"attempts":[{"outcome":"lost\nline"}]})", ".attempts[0].outcome: no outcome"},
      {R"({"attempts":[{"outcome":"answered"}]})", ".attempts[0]: \"ns\" is missing"},
      {R"({"attempts":[{"outcome":"answered","ns":1.5}]})", ".attempts[0].ns: expected"},
      {R"({"attempts":[{"outcome":"answered","ns":1,"back_off_ns":1}]})",
       ".attempts[0].back_off_ns: no attempt comes after"},
      {R"({"attempts":[{"outcome":"cut","ns":1}]})", ".attempts: a call is given up after 1"},
      {R"({"attempts":[{"outcome":"answered","ns":1},{"outcome":"answered","ns":1}]})",
       ".attempts: a call is tried again after an answer"},
      {R"({"attempts":[{"outcome":"timed out"},{"outcome":"answered","ns":1}]})",
       ".attempts[0]: it times out when"},
      {R"({"attempts":[{"outcome":"timed out","ns":4},{"outcome":"answered","ns":1}],"limit_ns":5})",
       ".attempts[0].ns: it times out at"},
      {R"({"attempts":[{"outcome":"refused","ns":4},{"outcome":"answered","ns":1}]})",
       ".attempts[0].ns: a connection is refused at once"},
      {R"({"attempts":[{"outcome":"garbage","ns":6},{"outcome":"answered","ns":1}],"limit_ns":5})",
       ".attempts[0].ns: longer than"},
  };
  for (const BadFile& call : bad_calls) {
    const std::string text =
        head + R"("turns":[{"agent":0,"steps":[{"wait_ns":1},)" + call.text + "]}]}";
    try {
      parse_workload(text, "file.json");
      ADD_FAILURE() << "accepted: " << text;
    } catch (const std::invalid_argument& error) {
      EXPECT_THAT(error.what(),
                  HasSubstr(std::string("file.json: turns[0].steps[1]") + call.message));
      EXPECT_THAT(std::string(error.what()), ::testing::Not(HasSubstr("\n")));
    }
  }
  const std::string deep = head + R"("turns":[{"agent":0,"steps":[{"wait_ns":)" +
                           std::string(200'000, '[') + std::string(200'000, ']') + "}]}]}";
  EXPECT_THROW(parse_workload(deep, "deep.json"), std::invalid_argument);
  for (const BadFile& file : bad) {
    const std::string text = (file.text[0] == '"' ? head : "") + file.text;
    try {
      parse_workload(text, "file.json");
      ADD_FAILURE() << "accepted: " << text;
    } catch (const std::invalid_argument& error) {
      EXPECT_THAT(error.what(), HasSubstr(file.message)) << text;
      EXPECT_THAT(error.what(), HasSubstr("file.json")) << text;
      EXPECT_THAT(std::string(error.what()), ::testing::Not(HasSubstr("\n")));
    }
  }
}

}  // namespace
}  // namespace bench::testing
