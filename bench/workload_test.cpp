// Is the work the same everywhere?  Randomness, durations, kernels, presets, files.
#include "workload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  };
  for (const Preset& preset : presets()) {
    const Workload workload = preset.make({.scenario = preset.name,
                                           .agents = preset.agents,
                                           .cpu_share = preset.cpu_share,
                                           .grain_us = preset.grain_us});
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

TEST(WorkloadBuilder, a_turn_cannot_wait_for_itself_or_a_later_one) {
  WorkloadBuilder builder("wrong", 1);
  builder.add_agent("agent");
  EXPECT_THROW(builder.add_turn(0, {0}), std::invalid_argument);
}

TEST(WorkloadFile, a_workload_survives_the_round_trip) {
  for (const Preset& preset : presets()) {
    const std::string text = to_json(small(preset.name));
    EXPECT_EQ(to_json(parse_workload(text, "text")), text) << preset.name;
  }
  const Workload original = random_graph(5, 40);
  EXPECT_EQ(reference(parse_workload(to_json(original), "text")), reference(original));
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
  };
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
