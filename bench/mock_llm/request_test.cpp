// Are requests understood, and is their fate a function of them?
#include "request.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "decision.hpp"
#include "exercise.hpp"
#include "flags.hpp"

namespace bench::mock_llm::testing {
namespace {

using ::testing::HasSubstr;

Completion read(const std::string& json) {
  Completion completion;
  const Problem problem = read_completion(json, completion);
  EXPECT_EQ(problem.status, 0) << problem.message;
  return completion;
}

Problem refused(const std::string& members) {
  Completion completion;
  return read_completion(R"({"messages":[{"role":"user","content":"7"}],)" + members + "}",
                         completion);
}

TEST(Completion, a_number_asks_for_itself_and_other_words_for_their_fnv_hash) {
  EXPECT_EQ(read(R"({"messages":[{"content":"18446744073709551615"}]})").number, UINT64_MAX);
  EXPECT_EQ(read(R"({"messages":[{"content":"1"},{"content":"7"}]})").number, 7U);
  // Published test vectors of FNV-1a, 64 bits.
  EXPECT_EQ(read(R"({"messages":[{"content":"a"}]})").number, 0xaf63dc4c8601ec8cU);
  EXPECT_EQ(read(R"({"messages":[{"content":"foobar"}]})").number, 0x85944171f73967e8U);
  EXPECT_EQ(read(R"({"messages":[{"content":null}]})").number, 0xcbf29ce484222325U);
  EXPECT_EQ(read(R"({"messages":[{"content":[{"text":"foo"},{"text":"bar"}]}]})").number,
            0x85944171f73967e8U);
  EXPECT_NE(read(R"({"messages":[{"content":"18446744073709551616"}]})").number, 0U);
}

TEST(Completion, the_plan_is_read_to_the_nanosecond) {
  const Completion asked = read(
      R"({"messages":[{"content":"7"}],"seed":3,"stream":true,"stream_options":{"include_usage":true},
          "max_tokens":200,"mock":{"first_ns":1500000001,"gap_ns":25000000,"fault":"stall",
          "status":429,"retry_after_ms":12.345}})");
  EXPECT_TRUE(asked.planned && asked.stream && asked.include_usage);
  EXPECT_EQ(asked.seed, 3U);
  EXPECT_EQ(asked.tokens, 200U);
  EXPECT_EQ(asked.first, nanoseconds(1'500'000'001));
  EXPECT_EQ(asked.gap, milliseconds(25));
  EXPECT_EQ(asked.fault, Fault::stall);
  EXPECT_EQ(asked.status, 429);
  EXPECT_EQ(asked.retry_after, nanoseconds(12'345'000));
}

TEST(Completion, what_makes_no_sense_is_refused_by_name) {
  for (const auto& [members, name] : std::initializer_list<std::pair<const char*, const char*>>{
           {R"("max_tokens":0)", "max_tokens"},
           {R"("max_tokens":100001)", "max_tokens"},
           {R"("max_tokens":"4")", "max_tokens"},
           {R"("max_tokens":1.5)", "max_tokens"},
           {R"("max_completion_tokens":-1)", "max_completion_tokens"},
           {R"("seed":"x")", "seed"},
           {R"("stream":1)", "stream"},
           {R"("model":7)", "model"},
           {R"("mock":[])", "mock"},
           {R"("mock":{"first_ns":-1})", "first_ns"},
           {R"("mock":{"gap_ns":3600000000001})", "gap_ns"},
           {R"("mock":{"fault":"none"})", "fault"},
           {R"("mock":{"fault":3})", "fault"},
           {R"("mock":{"status":404})", "status"},
           {R"("mock":{"retry_after_ms":-1})", "retry_after_ms"},
       }) {
    const Problem problem = refused(members);
    EXPECT_EQ(problem.status, 400) << members;
    EXPECT_THAT(problem.message, HasSubstr(name));
  }
  Completion completion;
  for (const char* body : {"", "hello", "[]", "{}", R"({"messages":[]})", R"({"messages":[1]})",
                           R"({"messages":[{"content":7}]})"}) {
    EXPECT_EQ(read_completion(body, completion).status, 400) << body;
  }
}

Request numbered(std::uint64_t number, std::uint32_t retry = 0) {
  Request request{.kind = Request::Kind::completion, .retry = retry};
  request.completion.number = number;
  return request;
}

TEST(Decision, drawn_latencies_lie_within_their_spread_and_are_the_same_each_time) {
  Settings settings;
  settings.seed = 5;
  settings.first = {milliseconds(100), milliseconds(20)};
  settings.gap = {milliseconds(10), milliseconds(10)};
  nanoseconds sum{0}, least = milliseconds(1000), most{0};
  constexpr int n = 2000;
  for (int i = 0; i < n; ++i) {
    const Decision decision = decide(numbered(i), settings);
    EXPECT_EQ(decide(numbered(i), settings).first, decision.first);
    EXPECT_GE(decision.gap, nanoseconds(0));
    EXPECT_LE(decision.gap, milliseconds(20));
    sum += decision.first;
    least = std::min(least, decision.first);
    most = std::max(most, decision.first);
  }
  EXPECT_GE(least, milliseconds(80));
  EXPECT_LT(least, milliseconds(81));
  EXPECT_LE(most, milliseconds(120));
  EXPECT_GT(most, milliseconds(119));
  EXPECT_NEAR(static_cast<double>((sum / n).count()), 100e6, 1e6);
}

TEST(Decision, faults_come_at_their_rates_and_a_retry_has_a_fate_of_its_own) {
  Settings settings;
  settings.troubles = {{.status = 429, .rate = 0.2}, {.fault = Fault::silent, .rate = 0.1}};
  int limited = 0, silent = 0, twice = 0;
  constexpr int n = 10'000;
  for (int i = 0; i < n; ++i) {
    const Decision decision = decide(numbered(i), settings);
    limited += decision.status == 429;
    silent += decision.fault == Fault::silent;
    EXPECT_EQ(decision.retry_after.has_value(), decision.status == 429);
    if (decision.status == 429) twice += decide(numbered(i, 1), settings).status == 429;
  }
  EXPECT_NEAR(limited, 0.2 * n, 200);  // five standard deviations
  EXPECT_NEAR(silent, 0.1 * n, 150);
  EXPECT_NEAR(twice, 0.04 * n, 100);
}

TEST(Decision, a_plan_is_followed_whatever_the_flags_say) {
  Settings settings;
  settings.first = {milliseconds(100), milliseconds(0)};
  settings.troubles = {{.status = 500, .rate = 1}};
  Request request = numbered(7);
  EXPECT_EQ(decide(request, settings).status, 500);
  request.completion.planned = true;
  request.completion.first = milliseconds(3);
  EXPECT_EQ(decide(request, settings).status, 200);
  EXPECT_EQ(decide(request, settings).first, milliseconds(3));
}

TEST(Decision, load_makes_latency_longer) {
  const Decision decision{.first = milliseconds(10), .gap = milliseconds(2), .retry_after = {}};
  EXPECT_EQ(under_load(decision, 0.5, 4).first, milliseconds(30));
  EXPECT_EQ(under_load(decision, 0.5, 4).gap, milliseconds(6));
  EXPECT_EQ(under_load(decision, 0, 4).first, milliseconds(10));
}

Settings flags(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "mock_llm");
  return parse_flags(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Flags, say_what_they_are_given) {
  const Settings settings =
      flags({"--first-ms", "5.5", "--first-spread", "1", "--faults", "429=0.02,stall=0.5",
             "--in-flight", "3", "--queue", "2", "--rate", "10", "--burst", "4"});
  EXPECT_EQ(settings.first.mean, nanoseconds(5'500'000));
  EXPECT_EQ(settings.first.spread, milliseconds(1));
  ASSERT_EQ(settings.troubles.size(), 2U);
  EXPECT_EQ(settings.troubles[0].status, 429);
  EXPECT_EQ(settings.troubles[1].fault, Fault::stall);
  EXPECT_EQ(settings.troubles[1].rate, 0.5);
  EXPECT_EQ(settings.in_flight, 3U);
  EXPECT_EQ(settings.queue, 2U);
  EXPECT_THAT(flags({"--help"}).help, HasSubstr("--until-stdin-closes"));
}

TEST(Flags, the_help_fits_a_terminal_of_80_columns) {
  std::istringstream help(flags({"--help"}).help);
  for (std::string line; std::getline(help, line);) EXPECT_LE(line.size(), 80U) << line;
}

TEST(Flags, bad_ones_are_one_line_that_names_them) {
  for (const auto& arguments : std::vector<std::vector<const char*>>{
           {"--port", "65536"},
           {"--threads", "0"},
           {"--first-ms", "nan"},
           {"--first-spread", "1"},
           {"--gap-ms", "1", "--gap-spread", "2"},
           {"--faults", "418=0.1"},
           {"--faults", "none=0.1"},
           {"--faults", "stall"},
           {"--faults", "stall=nan"},
           {"--faults", "stall=0.6,cut=0.6"},
           {"--rate", "0"},
           {"--burst", "0.5"},
           {"--nonsense"},
       }) {
    try {
      flags(arguments);
      ADD_FAILURE() << arguments.front() << " " << arguments.back() << " was taken";
    } catch (const UsageError& error) {
      const std::string text = error.what();
      EXPECT_EQ(text.find('\n'), text.npos) << text;
      EXPECT_THAT(text, HasSubstr(std::string(arguments.back()).starts_with("--")
                                      ? arguments.back()
                                      : arguments[arguments.size() - 2]));
    }
  }
}

// What is worth keeping of what the fuzzer (fuzz_request.cpp) tried.
TEST(RequestReader, the_corpus_is_survived_and_no_split_makes_a_difference) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(INTERLEAVE_CORPUS)) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    EXPECT_NO_THROW(exercise(bytes)) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 50U);
}

}  // namespace
}  // namespace bench::mock_llm::testing
