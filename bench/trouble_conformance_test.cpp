// Does a model call over TCP, bear failures, and stop when it is asked to?  Linked with each model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <semaphore>
#include <thread>

#include "conformance.hpp"
#include "mock_llm_process.hpp"
#include "process.hpp"
#include "trial.hpp"

namespace bench::testing {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

/// One for all tests of the process; it ends with it.
const MockLlm& mock_llm() {
  static const MockLlm llm;
  return llm;
}

enum class Io { timer, tcp };

std::string fault_of_run(const Workload& workload, Ledger& ledger, Io io) {
  return fault_of_trial(workload, ledger, resources.workers,
                        io == Io::tcp ? mock_llm().endpoint() : Endpoint{});
}

std::string fault_of_run(const Workload& workload, Io io, OnError policy = OnError::isolate) {
  Ledger ledger(workload);
  ledger.set_policy(policy);
  return fault_of_run(workload, ledger, io);
}

/// The same with so much patience that no reply comes too late, however slow the machine; what is
/// to time out is a server's error in its place.
Workload patient(const Workload& work) {
  WorkloadBuilder builder(work.name, work.seed);
  for (const std::string& name : work.agent_names) builder.add_agent(name);
  for (const Turn& turn : work.turns) {
    builder.add_turn(turn.agent, turn.before);
    for (const Step& step : turn.steps) {
      if (step.kind == StepKind::call) {
        Call call = work.call_of(step);
        call.limit = hours(1);
        const auto script = work.attempts_of(call);
        std::vector<Attempt> attempts(script.begin(), script.end());
        for (Attempt& attempt : attempts) {
          if (attempt.outcome != Outcome::timed_out) continue;
          attempt = {Outcome::server_error, milliseconds(1), attempt.back_off};
        }
        builder.call(call, attempts);
      } else if (step.raises) {
        builder.raise();
      } else {
        builder.compute(step.kernel, step.units);
      }
    }
  }
  return std::move(builder).build();
}

class OverTcp : public ::testing::TestWithParam<const Preset*> {};

TEST_P(OverTcp, the_preset_is_proved) {
  const Workload work = small(GetParam()->name);
  const bool hasty = std::ranges::any_of(
      work.calls(), [](const Call& call) { return call.limit < std::chrono::seconds(1); });
  EXPECT_EQ(fault_of_run(hasty ? patient(work) : with_calls(work), Io::tcp), "");
}

std::vector<const Preset*> presets_that_wait() {
  std::vector<const Preset*> found;
  for (const Preset& preset : presets()) {
    if (!with_calls(small(preset.name)).calls().empty()) found.push_back(&preset);
  }
  return found;
}
INSTANTIATE_TEST_SUITE_P(Model, OverTcp, ::testing::ValuesIn(presets_that_wait()),
                         [](const auto& info) {
                           std::string name = info.param->name;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

/// Both ways to call.
class Trouble : public ::testing::TestWithParam<Io> {};
INSTANTIATE_TEST_SUITE_P(Model, Trouble, ::testing::Values(Io::timer, Io::tcp),
                         [](const auto& info) { return info.param == Io::tcp ? "tcp" : "timer"; });

/// As many turns as given, side by side; `script` of each one's call.
Workload calls_with(std::vector<Attempt> script, std::uint32_t turns, Call call = {},
                    Limit limit = {}) {
  WorkloadBuilder builder("calls", 1);
  builder.add_agent("agent");
  builder.limit_calls(limit);
  call.limit = hours(2);
  for (std::uint32_t i = 0; i < turns; ++i) {
    builder.add_turn(0);
    builder.call(call, script);
  }
  return std::move(builder).build();
}

/// How many of turns that wait side by side this model starts before the first one ends.
std::uint32_t side_by_side(std::uint32_t turns) {
  switch (model.structure) {
    case Structure::sequential:
      return 1;
    case Structure::blocking_workers:
      return std::min(turns, resources.workers);
    default:
      return turns;
  }
}

TEST_P(Trouble, a_call_is_tried_again_after_each_sort_of_failure) {
  WorkloadBuilder builder("retries", 1);
  builder.add_agent("agent");
  for (int i = 0; i < outcome_count; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    if (outcome == Outcome::answered) continue;
    // Long enough for the answer that comes after a time-out, also on a slow machine.
    const nanoseconds limit = outcome != Outcome::timed_out ? nanoseconds(hours(1))
                              : GetParam() == Io::tcp       ? nanoseconds(milliseconds(1500))
                                                            : nanoseconds(milliseconds(100));
    const nanoseconds until = outcome == Outcome::timed_out ? limit
                              : outcome == Outcome::refused ? milliseconds(0)
                                                            : milliseconds(1);
    for (const std::uint32_t tokens : {0U, 5U}) {
      builder.add_turn(0);
      builder.call({.tokens = tokens, .first = milliseconds(1), .limit = limit},
                   std::vector<Attempt>{{outcome, until, milliseconds(2)},
                                        {Outcome::answered, milliseconds(2), {}}});
    }
  }
  EXPECT_EQ(fault_of_run(std::move(builder).build(), GetParam()), "");
}

TEST_P(Trouble, a_call_that_is_given_up_fails_its_turn_and_skips_those_after_it) {
  WorkloadBuilder builder("given up", 1);
  builder.add_agent("agent");
  const Attempt no{Outcome::server_error, milliseconds(1), milliseconds(1)};
  const TurnId first = builder.add_turn(0);
  builder.call({.limit = hours(1)}, std::vector<Attempt>(most_attempts, no));
  builder.compute(Kernel::mix, 10);  // never comes to it
  const TurnId second = builder.add_turn(0, {first});
  builder.wait(hours(1));
  builder.add_turn(0, {second});
  const TurnId healthy = builder.add_turn(0);
  builder.compute(Kernel::mix, 10);
  builder.add_turn(0, {second, healthy});
  builder.add_turn(0, {healthy});
  EXPECT_EQ(fault_of_run(std::move(builder).build(), GetParam()), "");
}

TEST_P(Trouble, an_agent_whose_code_throws_hurts_nobody_but_those_after_it) {
  WorkloadBuilder builder("raises", 1);
  builder.add_agent("agent");
  for (TurnId id = 0; id < 40; ++id) {
    if (id < 10) {
      builder.add_turn(0);
    } else {
      builder.add_turn(0, {id - 10});
    }
    builder.compute(Kernel::mix, 5);
    if (id % 10 == 3) builder.raise();
  }
  EXPECT_EQ(fault_of_run(std::move(builder).build(), GetParam()), "");
}

TEST_P(Trouble, failures_are_contained_under_each_policy) {
  const Workload workload = patient(small("storm"));
  ASSERT_TRUE(workload.has_failures());
  for (int policy = 0; policy < on_error_count; ++policy) {
    EXPECT_EQ(fault_of_run(workload, GetParam(), static_cast<OnError>(policy)), "")
        << name_of(static_cast<OnError>(policy));
  }
}

TEST_P(Trouble, fail_fast_cancels_waits_of_an_hour) {
  WorkloadBuilder builder("siblings", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.raise();
  // Whose workers wait needs one that is left for the turn that fails.
  const bool held = model.structure == Structure::blocking_workers;
  for (std::uint32_t i = 0; i < (held ? side_by_side(6) - 1 : 5); ++i) {
    builder.add_turn(0);
    builder.call({.first = hours(1), .limit = hours(2)},
                 std::vector<Attempt>{{Outcome::answered, hours(1), {}}});
  }
  const Workload workload = std::move(builder).build();
  Ledger ledger(workload);
  ledger.set_policy(OnError::fail_fast);
  EXPECT_EQ(fault_of_run(workload, ledger, GetParam()), "");
  ASSERT_TRUE(ledger.stop());
  EXPECT_EQ(ledger.stop()->why, Ledger::Stop::Why::failure);
}

TEST_P(Trouble, a_limit_on_calls_is_kept) {
  for (const std::uint32_t in_flight : {1U, 3U}) {
    const Limit limit{.in_flight = in_flight, .burst = 2, .interval = microseconds(500)};
    const Workload workload = calls_with({{Outcome::answered, milliseconds(2), {}}}, 12,
                                         {.first = milliseconds(2)}, limit);
    EXPECT_EQ(fault_of_run(workload, GetParam()), "") << in_flight;
  }
}

TEST_P(Trouble, a_limited_call_that_is_given_up_makes_room_for_the_next) {
  const Attempt no{Outcome::server_error, milliseconds(1), milliseconds(1)};
  const Workload workload =
      calls_with(std::vector<Attempt>(most_attempts, no), 6, {}, {.in_flight = 2});
  EXPECT_EQ(fault_of_run(workload, GetParam()), "");
}

// ---- stopped ----

/// Asks the run to stop when so many turns have started: on the thread that starts the last of
/// them, or on another one.
class Stopper : public Observer {
 public:
  enum class From { within, outside };
  Stopper(std::uint32_t starts, From from) : starts_(starts), from_(from) {
    if (from == From::outside) {
      thread_ = std::jthread([this] {
        reached_.acquire();
        if (Ledger* of_run = ledger) of_run->ask_to_stop(Ledger::Stop::Why::outside);
      });
    }
  }
  ~Stopper() override { end(); }
  /// Before the ledger goes: nobody asks any more.
  void end() {
    ledger = nullptr;
    if (!thread_.joinable()) return;
    reached_.release();
    thread_.join();
  }

  void on_start(const Turn&) override {
    if (started_.fetch_add(1) + 1 != starts_) return;
    if (from_ == From::within) {
      ledger.load()->ask_to_stop(Ledger::Stop::Why::outside);
    } else {
      reached_.release();
    }
  }
  void on_finish(const Turn&) override {}

  std::atomic<Ledger*> ledger = nullptr;

 private:
  const std::uint32_t starts_;
  const From from_;
  std::atomic<std::uint32_t> started_ = 0;
  std::counting_semaphore<> reached_{0};
  std::jthread thread_;
};

std::string fault_of_stopped(const Workload& workload, Io io, std::uint32_t starts,
                             Stopper::From from, std::uint64_t* finished = nullptr) {
  Stopper stopper(starts, from);
  Ledger ledger(workload, &stopper);
  stopper.ledger = &ledger;
  std::string fault = fault_of_run(workload, ledger, io);
  if (finished) {
    *finished = 0;
    for (const auto& record : ledger.turns()) *finished += record.publications;
  }
  stopper.end();
  return fault;
}

/// It would take hours, and the test's time-out is minutes.
void expect_to_stop(const Workload& workload, Io io, std::uint32_t starts) {
  for (const auto from : {Stopper::From::within, Stopper::From::outside}) {
    std::uint64_t finished = 0;
    EXPECT_EQ(fault_of_stopped(workload, io, starts, from, &finished), "");
    EXPECT_EQ(finished, 0U);
  }
}

TEST_P(Trouble, a_stop_ends_waits_of_an_hour) {
  WorkloadBuilder builder("hours", 1);
  builder.add_agent("agent");
  for (int i = 0; i < 6; ++i) {
    builder.add_turn(0);
    builder.wait(hours(1));
  }
  const Workload workload = std::move(builder).build();
  expect_to_stop(workload, GetParam(), side_by_side(6));
}

TEST_P(Trouble, a_stop_ends_calls_of_an_hour) {
  const auto workload = calls_with({{Outcome::answered, hours(1), {}}}, 6, {.first = hours(1)});
  expect_to_stop(workload, GetParam(), side_by_side(6));
}

/// Throws when so many turns have started.
class Thrower : public Observer {
 public:
  explicit Thrower(std::uint32_t starts) : starts_(starts) {}
  void on_start(const Turn&) override {
    if (started_.fetch_add(1) + 1 == starts_) throw std::runtime_error("this machine cannot");
  }
  void on_finish(const Turn&) override {}

 private:
  const std::uint32_t starts_;
  std::atomic<std::uint32_t> started_ = 0;
};

TEST_P(Trouble, an_error_ends_what_the_others_wait_for_and_is_thrown) {
  const std::vector<Attempt> hour{{Outcome::answered, hours(1), {}}};
  for (const Limit& limit : {Limit{}, Limit{.in_flight = 1}}) {
    const Workload workload = calls_with(hour, 6, {.first = hours(1)}, limit);
    Thrower thrower(side_by_side(6));
    Ledger ledger(workload, &thrower);
    try {
      fault_of_run(workload, ledger, GetParam());
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "this machine cannot");
    }
  }
}

TEST_P(Trouble, a_stop_ends_a_stream_in_its_middle) {
  const auto workload = calls_with({{Outcome::answered, hours(1), {}}}, 6, {.tokens = 100});
  expect_to_stop(workload, GetParam(), side_by_side(6));
}

TEST_P(Trouble, a_stop_ends_a_back_off_of_an_hour) {
  const auto workload = calls_with(
      {{Outcome::rate_limited, {}, hours(1)}, {Outcome::answered, milliseconds(1), {}}}, 6);
  expect_to_stop(workload, GetParam(), side_by_side(6));
}

TEST_P(Trouble, a_stop_ends_the_queue_for_a_place) {
  const auto workload =
      calls_with({{Outcome::answered, hours(1), {}}}, 6, {.first = hours(1)}, {.in_flight = 1});
  expect_to_stop(workload, GetParam(), side_by_side(6));
}

TEST_P(Trouble, a_stop_ends_the_wait_for_a_token) {
  const auto workload = calls_with({{Outcome::answered, hours(1), {}}}, 6, {.first = hours(1)},
                                   {.in_flight = 6, .burst = 1, .interval = hours(1)});
  expect_to_stop(workload, GetParam(), side_by_side(6));
}

TEST_P(Trouble, a_stop_between_compute_steps_is_heeded) {
  WorkloadBuilder builder("computing", 1);
  builder.add_agent("agent");
  for (TurnId id = 0; id < 400; ++id) {
    if (id < 4) {
      builder.add_turn(0);
    } else {
      builder.add_turn(0, {id - 4});
    }
    for (int i = 0; i < 5; ++i) builder.compute(Kernel::mix, 20);
  }
  const Workload workload = std::move(builder).build();
  for (const auto from : {Stopper::From::within, Stopper::From::outside}) {
    EXPECT_EQ(fault_of_stopped(workload, GetParam(), 20, from), "");
  }
  std::uint64_t finished = 0;
  EXPECT_EQ(fault_of_stopped(workload, GetParam(), 20, Stopper::From::within, &finished), "");
  EXPECT_LT(finished, 20U);
}

TEST_P(Trouble, a_stop_while_tools_block_waits_for_those_alone) {
  WorkloadBuilder builder("blocking", 1);
  builder.add_agent("agent");
  for (TurnId id = 0; id < 8; ++id) {
    if (id < 4) {
      builder.add_turn(0);
    } else {
      builder.add_turn(0, {id - 4});
    }
    builder.block(milliseconds(20));
  }
  const Workload workload = std::move(builder).build();
  for (const auto from : {Stopper::From::within, Stopper::From::outside}) {
    EXPECT_EQ(fault_of_stopped(workload, GetParam(), 1, from), "");
  }
}

TEST_P(Trouble, who_is_asked_before_the_start_starts_nothing) {
  const Workload workload = with_calls(small("tree", 1));
  Ledger ledger(workload);
  ledger.ask_to_stop(Ledger::Stop::Why::outside);
  EXPECT_EQ(fault_of_run(workload, ledger, GetParam()), "");
  EXPECT_EQ(ledger.receipts().turns, 0U);
}

TEST_P(Trouble, who_is_asked_when_all_is_done_is_not_touched) {
  const Workload workload = with_calls(small("fanout"));
  Ledger ledger(workload);
  EXPECT_EQ(fault_of_run(workload, ledger, GetParam()), "");
  ledger.ask_to_stop(Ledger::Stop::Why::outside);
}

TEST_P(Trouble, teams_within_teams_stop_anywhere) {
  const Workload work = small("tree", 1);
  const Workload workload = with_calls(work);
  for (std::uint32_t starts = 1; starts < workload.turns.size(); starts += 17) {
    for (const auto from : {Stopper::From::within, Stopper::From::outside}) {
      EXPECT_EQ(fault_of_stopped(workload, GetParam(), starts, from), "") << starts;
    }
  }
}

TEST_P(Trouble, when_enough_have_won_the_others_are_cancelled) {
  const Workload workload = with_calls(small("first-k", 8));
  Ledger ledger(workload);
  EXPECT_EQ(fault_of_run(workload, ledger, GetParam()), "");
  ASSERT_TRUE(ledger.stop());
  EXPECT_EQ(ledger.stop()->why, Ledger::Stop::Why::enough);
}

TEST_P(Trouble, nothing_is_left_of_a_run_that_was_stopped) {
  auto open_files = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  const Workload workload = with_calls(random_graph(1, 60));
  EXPECT_EQ(fault_of_run(workload, GetParam()), "");  // may leave a pool that the library keeps
  const auto files = open_files();
  const auto threads = process_status().threads;
  for (std::uint32_t starts = 1; starts < 60; starts += 10) {
    EXPECT_EQ(fault_of_stopped(workload, GetParam(), starts, Stopper::From::within), "");
  }
  EXPECT_EQ(open_files(), files);
  EXPECT_LE(threads_left(threads), threads);
}

}  // namespace
}  // namespace bench::testing
