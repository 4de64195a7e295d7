// Are the figures right?  Bounds, metrics, and what becomes of a run that goes wrong.
#include "harness.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <latch>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>
#include <vector>

#include "options.hpp"
#include "report.hpp"
#include "testing.hpp"

namespace bench::testing {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

/// One unit costs 1 us, whatever this machine.
const UnitCosts one_us(1000);

/// Three turns side by side that wait 10 ms and compute 4 ms each, then one that computes 1 ms.
Workload three_and_one() {
  WorkloadBuilder builder("three-and-one", 1);
  builder.add_agent("agent");
  for (int i = 0; i < 3; ++i) {
    builder.add_turn(0);
    builder.wait(milliseconds(10));
    builder.compute(Kernel::mix, 4000);
  }
  builder.add_turn(0, {0, 1, 2});
  builder.compute(Kernel::mix, 1000);
  return std::move(builder).build();
}

TEST(Bounds, are_right_for_a_graph_worked_out_by_hand) {
  const Bounds b = bounds(three_and_one(), one_us, 2);
  EXPECT_EQ(b.total, milliseconds(43));
  EXPECT_EQ(b.cpu, milliseconds(13));
  EXPECT_EQ(b.critical_path, milliseconds(15));
  EXPECT_EQ(b.waits_path, milliseconds(10));
  EXPECT_EQ(b.lower, milliseconds(15));
  EXPECT_EQ(b.greedy, milliseconds(19));  // 10 waiting, 4 for two of three, 4 for the third, 1
  EXPECT_EQ(bounds(three_and_one(), one_us, 3).greedy, milliseconds(15));
  EXPECT_EQ(bounds(three_and_one(), one_us, 1).greedy, milliseconds(23));
}

TEST(Bounds, each_structure_has_its_own) {
  const Bounds b = bounds(three_and_one(), one_us, 2);
  EXPECT_EQ(structural_bound(b, Structure::sequential, 2), milliseconds(43));
  EXPECT_EQ(structural_bound(b, Structure::blocking_workers, 2), microseconds(21'500));
  EXPECT_EQ(structural_bound(b, Structure::one_loop, 2), milliseconds(15));
  EXPECT_EQ(structural_bound(b, Structure::workers, 2), milliseconds(15));
  EXPECT_EQ(structural_bound(b, Structure::thread_per_turn, 2), milliseconds(15));
}

TEST(Bounds, tools_that_block_hold_a_worker_but_no_thread_of_its_own) {
  WorkloadBuilder builder("tools", 1);
  builder.add_agent("agent");
  for (int i = 0; i < 4; ++i) {
    builder.add_turn(0);
    builder.block(milliseconds(10));
  }
  const Bounds b = bounds(std::move(builder).build(), one_us, 2);
  EXPECT_EQ(structural_bound(b, Structure::workers, 2), milliseconds(20));
  EXPECT_EQ(structural_bound(b, Structure::one_loop, 2), milliseconds(40));
  EXPECT_EQ(structural_bound(b, Structure::thread_per_turn, 2), milliseconds(10));
}

TEST(Bounds, greedy_lies_between_the_lower_bound_and_twice_it) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const Workload workload = random_graph(seed, 80);
    for (unsigned cpus : {1U, 2U, 7U}) {
      const Bounds b = bounds(workload, one_us, cpus);
      EXPECT_GE(b.greedy, b.lower);
      EXPECT_LE(b.greedy, b.lower * 2);  // Graham: at most 2 - 1 / P
      EXPECT_LE(b.greedy, b.total);
    }
  }
}

/// Four calls of 10, 20, 30 and 40 ms side by side.
Workload four_calls(const Limit& limit, std::size_t enough = 0) {
  WorkloadBuilder builder("four", 1);
  builder.add_agent("agent");
  builder.limit_calls(limit);
  for (int i = 1; i <= 4; ++i) {
    const Attempt answer{Outcome::answered, milliseconds(10 * i), {}};
    builder.add_turn(0);
    builder.call({.limit = milliseconds(100)}, std::vector{answer});
    builder.result(milliseconds(0));
  }
  builder.enough(enough);
  return std::move(builder).build();
}

TEST(Bounds, calls_that_share_a_limit_take_turns_and_tokens) {
  const auto lower = [](const Limit& limit) { return bounds(four_calls(limit), one_us, 2).lower; };
  EXPECT_EQ(lower({}), milliseconds(40));
  EXPECT_EQ(lower({.in_flight = 1}), milliseconds(100));
  EXPECT_EQ(lower({.in_flight = 2}), milliseconds(50));
  EXPECT_EQ(lower({.in_flight = 4}), milliseconds(40));
  // One of four is in the bucket; the others come one by one.
  const Limit slow{.in_flight = 4, .burst = 1, .interval = milliseconds(25)};
  EXPECT_EQ(lower(slow), milliseconds(75));
  EXPECT_EQ(bounds(four_calls(slow), one_us, 2).greedy, milliseconds(75));
  EXPECT_EQ(nominal_bound(four_calls(slow), 2), milliseconds(75));
  EXPECT_EQ(lower({.in_flight = 4, .burst = 9, .interval = milliseconds(25)}), milliseconds(40));
}

TEST(Bounds, where_some_results_are_enough_are_until_they_are_there) {
  const Bounds b = bounds(four_calls({}, 2), one_us, 2);
  for (const nanoseconds bound : {b.critical_path, b.waits_path, b.lower, b.greedy}) {
    EXPECT_EQ(bound, milliseconds(20));
  }
  // The other two need not be made: no sum over all calls is a bound.
  EXPECT_EQ(structural_bound(b, Structure::sequential, 1), milliseconds(20));
  EXPECT_EQ(bounds(four_calls({.in_flight = 1}, 2), one_us, 2).lower, milliseconds(20));
  EXPECT_EQ(nominal_bound(four_calls({.in_flight = 1}, 2), 2), milliseconds(20));
}

TEST(Bounds, are_of_the_work_as_it_goes_by_script) {
  const Attempt no{Outcome::cut, milliseconds(1), milliseconds(2)};
  WorkloadBuilder builder("failing", 1);
  builder.add_agent("agent");
  builder.limit_calls({.in_flight = 1});
  builder.add_turn(0);
  builder.call({.limit = milliseconds(9)}, std::vector{no, no, no});
  builder.compute(Kernel::mix, 50'000);
  builder.add_turn(0, {0});
  builder.call({.limit = milliseconds(900)},
               std::vector<Attempt>{{Outcome::answered, milliseconds(500), {}}});
  const Workload workload = std::move(builder).build();
  const Bounds b = bounds(workload, one_us, 1);
  for (const nanoseconds bound : {b.total, b.critical_path, b.waits_path, b.lower, b.greedy}) {
    EXPECT_EQ(bound, milliseconds(7));
  }
  EXPECT_EQ(b.cpu, milliseconds(0));
}

TEST(Bounds, a_chain_of_a_million_empty_turns_is_no_trouble) {
  WorkloadBuilder builder("chain", 1);
  builder.add_agent("agent");
  TurnId last = builder.add_turn(0);
  for (int i = 0; i < 1'000'000; ++i) last = builder.add_turn(0, {last});
  EXPECT_EQ(bounds(std::move(builder).build(), one_us, 1).greedy.count(), 0);
}

TEST(Metrics, intervals_that_touch_do_not_overlap) {
  const Interval touching[] = {{0, 10}, {10, 20}};
  EXPECT_EQ(most_at_once(touching), 1U);
  const Interval nested[] = {{0, 10}, {2, 9}, {3, 4}, {5, 6}};
  EXPECT_EQ(most_at_once(nested), 3U);
  const Interval empty[] = {{5, 5}, {5, 5}};
  EXPECT_EQ(most_at_once(empty), 0U);
  EXPECT_EQ(most_at_once({}), 0U);
}

TEST(Metrics, percentiles_are_given_only_where_there_are_enough_samples) {
  auto percentiles_of_first = [](int n) {
    std::vector<nanoseconds> durations;
    for (int i = n; i > 0; --i) durations.emplace_back(i);
    return percentiles_of(std::move(durations));
  };
  EXPECT_FALSE(percentiles_of_first(0).p50);
  EXPECT_EQ(percentiles_of_first(3).p50->count(), 2);
  EXPECT_FALSE(percentiles_of_first(63).p90);
  EXPECT_EQ(percentiles_of_first(100).p90->count(), 90);
  EXPECT_FALSE(percentiles_of_first(661).p99);
  EXPECT_EQ(percentiles_of_first(1000).p99->count(), 990);
  EXPECT_EQ(percentiles_of_first(1000).max->count(), 1000);
}

const Model planted{"planted", Rung::naive, Structure::sequential, ""};

void correct(const Workload& workload, const Resources&, Ledger& ledger) {
  for (const Turn& turn : workload.turns) run_turn(ledger, turn);
}

/// What the harness makes of a model; the sample's line as well.
std::pair<Measurement, nlohmann::json> measured(RunFunction run,
                                                const Workload& workload = small("fanout", 70),
                                                Cell cell = {}, const MockLlm* llm = nullptr) {
  cell.scenario = workload.name;
  Ledger ledger(workload);
  Measurement m = measure(run, planted, cell, usable_cpus(), reference(workload), ledger, llm);
  auto line = nlohmann::json::parse(sample_json(planted, "planted", cell, workload, m));
  return {std::move(m), std::move(line)};
}

TEST(Harness, a_correct_run_has_all_its_figures) {
  const auto [m, line] = measured(correct);
  EXPECT_EQ(m.status, Status::ok) << m.reason;
  EXPECT_EQ(line["status"], "ok");
  EXPECT_TRUE(line["reason"].is_null());
  for (const char* key :
       {"makespan_ns", "startup_ns", "first_finish_ns", "lb_ns", "lb_model_ns", "greedy_ns",
        "cpu_user_ns", "cpu_sys_ns", "turns", "waits", "calls", "units", "threads_peak",
        "vmhwm_bytes", "nvcsw", "nivcsw", "most_waiting", "most_computing"}) {
    EXPECT_TRUE(line[key].is_number_integer()) << key;
  }
  EXPECT_EQ(line["turns"], 72);
  EXPECT_EQ(line["most_waiting"], 1);
  EXPECT_EQ(line["most_computing"], 1);
  EXPECT_EQ(line["latency"]["n"], 72);
  EXPECT_TRUE(line["latency"]["p90"].is_number_integer());
  EXPECT_TRUE(line["latency"]["p99"].is_null());
  std::int64_t in_buckets = 0;
  for (const auto& bucket : line["latency"]["histogram"]) in_buckets += bucket[1].get<int>();
  EXPECT_EQ(in_buckets, 72);
  EXPECT_GE(m.metrics.makespan, m.structural_bound * 9 / 10);
}

TEST(Harness, the_time_on_the_path_adds_up_to_the_makespan) {
  const auto [m, line] = measured(correct);
  std::int64_t total = 0;
  for (const char* part : {"starting_ns", "waiting_ns", "blocked_ns", "late_ns", "queued_ns",
                           "computing_ns", "held_up_ns", "ending_ns"}) {
    total += line["time_on_path"][part].get<std::int64_t>();
  }
  EXPECT_EQ(total, line["makespan_ns"]);
  EXPECT_EQ(line["time_on_path"].size(), 8U);
  EXPECT_EQ(line["time_of_turns"].size(), 6U);
  EXPECT_EQ(line["lateness"]["n"], 70);
  for (const char* key : {"heartbeat", "results", "idle_cpu"}) {
    EXPECT_TRUE(line.contains(key) && line[key].is_null()) << key;
  }
}

TEST(Harness, heartbeats_and_results_have_their_figures_where_there_are_any) {
  WorkloadBuilder builder("answers", 1);
  builder.add_agent("agent");
  for (int i = 0; i < 3; ++i) {
    builder.add_turn(0);
    builder.wait(milliseconds(1));
    builder.result(milliseconds(i));
  }
  builder.arrivals_within(milliseconds(3));
  const Workload work = std::move(builder).build();
  const auto [m, line] = measured(correct, with_heartbeats(work, milliseconds(1), 2));
  ASSERT_EQ(line["status"], "ok") << line["reason"];
  for (const auto& n :
       {line["turns"], line["waits"], line["latency"]["n"], line["lateness"]["n"]}) {
    EXPECT_EQ(n, 3);
  }
  EXPECT_TRUE(line["latency"]["histogram"].is_null());  // three turns are too few for one
  EXPECT_EQ(line["heartbeat"]["n"], 2);
  EXPECT_EQ(line["heartbeat"]["over_100ms"], m.metrics.heartbeat->over_100ms);
  EXPECT_TRUE(line["heartbeat"]["p90"].is_null());
  const auto& results = line["results"];
  EXPECT_EQ(results["n"], 3);
  EXPECT_EQ(results["arrivals_ns"], 3'000'000);
  EXPECT_GE(results["first_ns"], results["ideal_first_ns"]);
  EXPECT_TRUE(results["out_of_order"].is_number_float());
  EXPECT_NEAR(results["in_system"].get<double>(),
              3 * results["mean_ns"].get<double>() / results["span_ns"].get<double>(), 1e-6);
  std::uint64_t counted = 0;
  for (const auto& bucket : results["histogram"]) counted += bucket[1].get<std::uint64_t>();
  EXPECT_EQ(counted, 3U);
  EXPECT_EQ(results.size(), 13U);
}

TEST(Harness, knows_what_a_run_costs_while_all_of_it_waits) {
  WorkloadBuilder builder("wait", 1);
  builder.add_agent("agent");
  for (int i = 0; i < 3; ++i) {
    builder.add_turn(0);
    builder.wait(milliseconds(400));
  }
  const auto [m, line] = measured(
      [](const Workload& workload, const Resources&, Ledger& ledger) {
        std::vector<Value> values;
        Ledger::Clock::time_point due;
        for (const Turn& turn : workload.turns) {
          values.push_back(ledger.start(turn));
          due = ledger.begin_wait(turn.steps[0]);
        }
        std::this_thread::sleep_until(due);
        for (const Turn& turn : workload.turns) {
          ledger.finish(turn, ledger.end_wait(turn.steps[0], values[turn.id]));
        }
      },
      std::move(builder).build());
  ASSERT_EQ(line["status"], "ok") << line["reason"];
  ASSERT_TRUE(line["idle_cpu"].is_object());
  EXPECT_GT(line["idle_cpu"]["wall_ns"], 0);
  EXPECT_LE(line["idle_cpu"]["wall_ns"], 400'000'000);
  EXPECT_GE(line["idle_cpu"]["cpu_ns"], 0);
  EXPECT_LE(line["idle_cpu"]["cpu_ns"], line["idle_cpu"]["wall_ns"]);
}

TEST(Harness, a_run_whose_proof_fails_is_invalid_and_has_no_figures) {
  const auto [m, line] = measured([](const Workload& w, const Resources&, Ledger& ledger) {
    for (const Turn& turn : w.turns) {
      if (turn.id != 5) run_turn(ledger, turn);
    }
  });
  EXPECT_EQ(m.status, Status::invalid);
  EXPECT_EQ(line["reason"], "turn 5 never ran");
  EXPECT_TRUE(line["makespan_ns"].is_null());
}

TEST(Harness, a_model_that_throws_is_a_crash_with_its_reason) {
  const auto [m, line] = measured([](const Workload&, const Resources&, Ledger&) {
    throw std::runtime_error("the loop broke \xff");
  });
  EXPECT_EQ(line["status"], "crash");
  EXPECT_THAT(line["reason"].get<std::string>(), HasSubstr("the loop broke"));
}

TEST(Harness, a_model_that_throws_something_strange_is_a_crash) {
  const auto [m, line] = measured([](const Workload&, const Resources&, Ledger&) { throw 42; });
  EXPECT_EQ(line["status"], "crash");
}

int lack = 0;

TEST(Harness, what_the_machine_cannot_do_is_skipped) {
  for (const int error : {EAGAIN, ENOMEM, EMFILE, ENFILE, ENOBUFS, EADDRNOTAVAIL}) {
    lack = error;
    const auto [m, line] = measured([](const Workload&, const Resources&, Ledger&) {
      throw std::system_error(lack, std::generic_category());
    });
    EXPECT_EQ(line["status"], "skipped") << error;
    EXPECT_THAT(m.reason, HasSubstr("limits")) << error;
  }
  const auto [n, other] =
      measured([](const Workload&, const Resources&, Ledger&) { throw std::bad_alloc(); });
  EXPECT_EQ(other["status"], "skipped");
}

TEST(Harness, figures_that_no_machine_could_produce_are_noticed) {
  Bounds b = bounds(three_and_one(), one_us, 2);
  EXPECT_EQ(impossible(b, milliseconds(20), milliseconds(13), 2), "");
  EXPECT_THAT(impossible(b, milliseconds(9), milliseconds(1), 2), HasSubstr("chain of waits"));
  EXPECT_THAT(impossible(b, milliseconds(20), milliseconds(45), 2), HasSubstr("CPU time"));
}

// ---- trouble ----

const char* const only_of_whole_runs[] = {
    "startup_ns",    "first_finish_ns", "most_waiting", "most_computing", "latency",
    "lateness",      "time_on_path",    "idle_cpu",     "heartbeat",      "results",
    "time_of_turns", "healthy",         "fairness",     "digest",         "sum"};

TEST(Harness, counts_what_came_of_calls_and_turns) {
  const auto [m, line] = measured(correct, small("storm", 30));
  ASSERT_EQ(line["status"], "ok") << line["reason"];
  const Receipts plan = planned(small("storm", 30));
  EXPECT_EQ(line["calls"], plan.calls);
  EXPECT_EQ(line["attempts"], plan.attempts);
  EXPECT_EQ(line["retries"], plan.attempts - plan.calls);
  EXPECT_EQ(line["failed"], plan.failed);
  EXPECT_EQ(line["skipped"], plan.skipped);
  EXPECT_GT(plan.failed, 0U);
  EXPECT_EQ(line["unexpected"], 0);
  EXPECT_EQ(line["events"], 0);
  EXPECT_GT(line["first_error_ns"], 0);
  EXPECT_LT(line["first_error_ns"], line["makespan_ns"]);
  EXPECT_EQ(line["params"]["on_error"], "isolate");
  EXPECT_EQ(line["params"]["io"], "timer");
  EXPECT_LT(line["healthy"]["n"], plan.turns - plan.failed - plan.skipped);
  EXPECT_TRUE(line["fairness"].is_null());
  EXPECT_TRUE(line["stop"].is_null());
  EXPECT_TRUE(line["endpoint"].is_null());
}

TEST(Harness, where_nothing_fails_there_is_no_policy_and_no_first_error) {
  const auto [m, line] = measured(correct, small("rate-limit", 3));
  ASSERT_EQ(line["status"], "ok") << line["reason"];
  EXPECT_FALSE(line["params"].contains("on_error"));
  EXPECT_FALSE(line["params"].contains("tokens"));
  EXPECT_FALSE(line["params"].contains("stop_after_us"));
  EXPECT_TRUE(line["first_error_ns"].is_null());
  EXPECT_EQ(line["retries"], 0);
  EXPECT_EQ(line["healthy"]["n"], line["turns"]);
  // One after another, agent by agent: by half of all calls the first half of them has all.
  EXPECT_DOUBLE_EQ(line["fairness"].get<double>(), 6.0 * 6 / (3 * (16 + 4)));
}

TEST(Harness, calls_that_went_otherwise_than_scripted_are_counted_in_a_void_run) {
  const auto [m, line] = measured(
      [](const Workload& workload, const Resources&, Ledger& ledger) {
        for (const Turn& turn : workload.turns) {
          try {
            const Value v = ledger.start(turn);
            for (;;) {
              Exchange exchange;
              ledger.begin_attempt(turn.steps[0], exchange);
              exchange.on_refused();
              ledger.end_attempt(turn.steps[0], v, exchange);
            }
          } catch (const TurnFailed& failure) {
            ledger.fail(turn, failure);
          }
        }
      },
      four_calls({}));
  EXPECT_EQ(line["status"], "invalid");
  EXPECT_THAT(m.reason, HasSubstr("4 of 4 calls had another outcome"));
  EXPECT_EQ(line["unexpected"], 4);
  EXPECT_EQ(line["attempts"], 12);
  EXPECT_EQ(line["retries"], 8);
  EXPECT_EQ(line["failed"], 4);
  EXPECT_TRUE(line["makespan_ns"].is_null());
}

/// One turn that is over at once, and one that waits for an hour.
Workload short_and_long() {
  WorkloadBuilder builder("hours", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.add_turn(0);
  builder.wait(std::chrono::hours(1));
  return std::move(builder).build();
}

/// Waits as long as it is let, and no longer.
void waits_for_the_stop(const Workload& workload, const Resources& resources, Ledger& ledger) {
  run_turn(ledger, workload.turns[0]);
  const Value v = ledger.start(workload.turns[1]);
  ledger.begin_wait(workload.turns[1].steps[0]);
  std::latch asked(1);
  const std::stop_callback callback(resources.stop, [&] { asked.count_down(); });
  asked.wait();
  ledger.end_wait(workload.turns[1].steps[0], v);
}

TEST(Harness, a_run_that_was_stopped_says_how_it_took_it_and_nothing_of_the_whole) {
  const auto [m, line] =
      measured(waits_for_the_stop, short_and_long(), {.scenario = "", .stop_after_us = 20'000});
  ASSERT_EQ(line["status"], "ok") << line["reason"];
  EXPECT_EQ(line["params"]["stop_after_us"], 20'000);
  const auto& stop = line["stop"];
  EXPECT_EQ(stop["why"], "outside");
  EXPECT_GE(stop["asked_ns"], 20'000'000);
  EXPECT_GT(stop["acknowledged_ns"], 0);
  EXPECT_EQ(line["makespan_ns"],
            stop["asked_ns"].get<std::int64_t>() + stop["acknowledged_ns"].get<std::int64_t>());
  EXPECT_EQ(stop["finished"], 1);
  EXPECT_EQ(stop["started_after"], 0);
  EXPECT_GE(stop["cpu_after_ns"], 0);
  EXPECT_EQ(stop["threads_left"], 0);
  EXPECT_EQ(stop["descriptors_left"], 0);
  EXPECT_TRUE(stop["heap_left_bytes"].is_number_integer());
  EXPECT_EQ(stop.size(), 9U);
  for (const char* key : only_of_whole_runs) {
    EXPECT_TRUE(line.contains(key) && line[key].is_null()) << key;
  }
  for (const char* key : {"cpu_user_ns", "threads_peak", "vmhwm_bytes", "attempts"}) {
    EXPECT_TRUE(line[key].is_number_integer()) << key;
  }
}

TEST(Harness, a_run_that_is_stopped_before_its_start_does_nothing) {
  const auto [m, line] = measured(correct, small("tree", 1), {.scenario = "", .stop_after_us = 0});
  EXPECT_EQ(line["status"], "ok") << line["reason"];
  EXPECT_EQ(line["stop"]["finished"], 0);
  EXPECT_LT(line["makespan_ns"], line["lb_ns"]);  // a bound on the whole does not void it
}

TEST(Harness, a_run_that_is_over_before_its_stop_is_whole) {
  const auto [m, line] =
      measured(correct, small("pizza", 1), {.scenario = "", .stop_after_us = 1'000'000'000});
  EXPECT_EQ(line["status"], "ok") << line["reason"];
  EXPECT_TRUE(line["stop"].is_null());
  EXPECT_EQ(line["latency"]["n"], 1);
}

TEST(Harness, a_run_that_stops_when_it_has_enough_is_bounded_by_what_it_had_to_wait_for) {
  const auto [m, line] = measured(correct, four_calls({}, 2));
  ASSERT_EQ(line["status"], "ok") << line["reason"];
  EXPECT_EQ(line["stop"]["why"], "enough");
  EXPECT_EQ(line["stop"]["finished"], 2);
  EXPECT_GE(line["makespan_ns"], line["longest_wait_path_ns"]);
  const auto [n, other] = measured(
      [](const Workload&, const Resources&, Ledger& ledger) {
        ledger.ask_to_stop(Ledger::Stop::Why::enough);  // a lie
      },
      four_calls({}, 2));
  EXPECT_EQ(other["status"], "invalid");
  EXPECT_THAT(n.reason, HasSubstr("longest chain of waits"));
}

TEST(Harness, failing_fast_is_a_stop_for_a_failure) {
  WorkloadBuilder builder("fails", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.raise();
  builder.add_turn(0);
  builder.wait(std::chrono::hours(1));
  const auto [m, line] = measured(correct, std::move(builder).build(),
                                  {.scenario = "", .on_error = OnError::fail_fast});
  ASSERT_EQ(line["status"], "ok") << line["reason"];
  EXPECT_EQ(line["params"]["on_error"], "fail-fast");
  EXPECT_EQ(line["stop"]["why"], "failure");
  EXPECT_EQ(line["stop"]["finished"], 0);
  EXPECT_EQ(line["failed"], 1);
  EXPECT_GT(line["first_error_ns"], 0);
}

TEST(Harness, a_prefix_that_is_wrong_is_invalid) {
  const auto [m, line] = measured(
      [](const Workload& workload, const Resources&, Ledger& ledger) {
        ledger.start(workload.turns[1]);
        ledger.finish(workload.turns[0], ledger.start(workload.turns[0]) + 1);
        ledger.ask_to_stop(Ledger::Stop::Why::outside);
      },
      short_and_long());
  EXPECT_EQ(line["status"], "invalid");
  EXPECT_THAT(m.reason, HasSubstr("turn 0 has the value"));
  EXPECT_TRUE(line["stop"].is_null());
  EXPECT_TRUE(line["digest"].is_null());
}

TEST(Harness, a_model_that_says_it_was_stopped_when_nobody_asked_is_a_crash) {
  const auto [m, line] =
      measured([](const Workload&, const Resources&, Ledger&) { throw Stopped(); });
  EXPECT_EQ(line["status"], "crash");
}

std::latch* leave = nullptr;
std::vector<std::jthread> left_behind;
std::unique_ptr<char[]> lost;

TEST(Harness, what_a_model_leaves_behind_is_reported) {
  std::latch latch(1);
  leave = &latch;
  const auto [m, line] = measured(
      [](const Workload& workload, const Resources& resources, Ledger& ledger) {
        for (int i = 0; i < 2; ++i) left_behind.emplace_back([] { leave->wait(); });
        for (int i = 0; i < 3; ++i) open("/dev/null", O_RDONLY | O_CLOEXEC);
        lost = std::make_unique<char[]>(1 << 20);
        waits_for_the_stop(workload, resources, ledger);
      },
      short_and_long(), {.scenario = "", .stop_after_us = 1000});
  latch.count_down();
  left_behind.clear();
  ASSERT_EQ(line["status"], "ok") << line["reason"];
  EXPECT_EQ(line["stop"]["threads_left"], 2);
  EXPECT_EQ(line["stop"]["descriptors_left"], 3);
#ifndef INTERLEAVE_SANITIZED  // which has a heap of its own
  EXPECT_NEAR(line["stop"]["heap_left_bytes"].get<double>(), 1 << 20, 1 << 17);
#endif
}

// ---- over TCP ----

TEST(Harness, who_writes_to_a_peer_that_is_gone_is_not_ended_by_a_signal) {
  const auto write_to_nobody = [] {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    close(ends[0]);
    EXPECT_EQ(write(ends[1], "?", 1), -1);
    EXPECT_EQ(errno, EPIPE);
    close(ends[1]);
  };
  {
    const MockLlm llm;
    write_to_nobody();
  }
  EXPECT_EXIT(write_to_nobody(), ::testing::KilledBySignal(SIGPIPE), "");
}

/// A client as simple as can be: a connection for each attempt.
void talk(Exchange& exchange) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(exchange.port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    exchange.on_refused();
  } else if (send(fd, exchange.request().data(), exchange.request().size(), MSG_NOSIGNAL) < 0) {
    exchange.on_closed();
  }
  char buffer[4096];
  while (!exchange.over()) {
    const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0) {
      exchange.on_closed();
    } else {
      exchange.receive({buffer, static_cast<std::size_t>(got)});
    }
  }
  close(fd);
}

const MockLlm* victim = nullptr;  // that is to end before the second call

void calls_over_tcp(const Workload& workload, const Resources& resources, Ledger& ledger) {
  EXPECT_NE(resources.endpoint.port, 0);
  Exchange exchange;
  bool called = false;
  for (const Turn& turn : workload.turns) {
    try {
      Value v = ledger.start(turn);
      for (const Step& step : turn.steps) {
        if (step.kind != StepKind::call) {
          v = perform(ledger, step, v);
          continue;
        }
        if (victim && called) kill(victim->pid(), SIGKILL);
        called = true;
        for (;;) {
          ledger.begin_attempt(step, exchange);
          talk(exchange);
          const Ledger::Next next = ledger.end_attempt(step, v, exchange);
          v = next.value;
          if (!next.again) break;
          std::this_thread::sleep_until(next.at);
        }
      }
      ledger.finish(turn, v);
    } catch (const TurnFailed& failure) {
      ledger.fail(turn, failure);
    }
  }
}

TEST(OverTcp, a_run_is_proved_and_says_what_the_endpoint_took) {
  const MockLlm llm;
  const auto [m, line] =
      measured(calls_over_tcp, small("stream", 2), {.scenario = "", .tcp = true}, &llm);
  ASSERT_EQ(line["status"], "ok") << line["reason"];
  EXPECT_EQ(line["params"]["io"], "tcp");
  EXPECT_EQ(line["calls"], 8);
  EXPECT_EQ(line["attempts"], 8);
  EXPECT_EQ(line["events"], 8 * 200);
  const auto& endpoint = line["endpoint"];
  EXPECT_EQ(endpoint["requests"], 8);
  EXPECT_EQ(endpoint["connections"], 8);
  EXPECT_EQ(endpoint["own_cpu"], false);
  EXPECT_GT(endpoint["cpu_ns"], 0);
  EXPECT_GT(endpoint["peak_resident_bytes"], 1 << 20);
  EXPECT_GE(endpoint["lateness_p99_ns"], 0);
  EXPECT_EQ(endpoint.size(), 6U);
  EXPECT_EQ(line["digest"], measured(correct, small("stream", 2)).second["digest"]);
}

TEST(OverTcp, where_the_endpoint_is_killed_in_the_middle_the_run_fails_and_the_reason_names_it) {
  const MockLlm llm;
  victim = &llm;
  const auto [m, line] =
      measured(calls_over_tcp, with_calls(small("pizza", 5)), {.scenario = "", .tcp = true}, &llm);
  victim = nullptr;
  EXPECT_EQ(line["status"], "invalid");
  EXPECT_TRUE(m.reason.starts_with(fmt::format("the mock LLM (process {})", llm.pid())))
      << m.reason;
  EXPECT_THAT(m.reason, HasSubstr("4 of 5 calls had another outcome than the script's"));
  EXPECT_TRUE(line["makespan_ns"].is_null());
}

TEST(OverTcp, a_model_that_throws_for_want_of_the_endpoint_is_a_crash_that_names_it) {
  const MockLlm llm;
  victim = &llm;
  const auto [m, line] = measured(
      [](const Workload&, const Resources&, Ledger&) {
        kill(victim->pid(), SIGKILL);
        throw std::runtime_error("connection reset by peer");
      },
      with_calls(small("pizza", 2)), {.scenario = "", .tcp = true}, &llm);
  victim = nullptr;
  EXPECT_EQ(line["status"], "crash");
  EXPECT_THAT(m.reason, HasSubstr("the mock LLM (process"));
  EXPECT_THAT(m.reason, HasSubstr("connection reset by peer"));
}

// ---- what else is handed on ----

TEST(Describe, tells_what_comes_of_calls_by_script) {
  const Workload workload = small("storm", 30);
  const Receipts plan = planned(workload);
  const Cell cell{.scenario = "storm", .tcp = true, .on_error = OnError::first_error};
  const auto told =
      nlohmann::json::parse(description_json(cell, workload, reference(workload), one_us, 2));
  EXPECT_EQ(told["calls"], plan.calls);
  EXPECT_EQ(told["attempts"], plan.attempts);
  EXPECT_EQ(told["retries"], plan.attempts - plan.calls);
  EXPECT_EQ(told["failed"], plan.failed);
  EXPECT_EQ(told["skipped"], plan.skipped);
  EXPECT_EQ(told["params"]["io"], "tcp");
  EXPECT_EQ(told["params"]["on_error"], "first-error");
  EXPECT_TRUE(told["enough"].is_null());
  const Workload first = small("first-k", 8);
  EXPECT_EQ(nlohmann::json::parse(description_json({}, first, {}, one_us, 2))["enough"], 2);
}

TEST(Describe, lists_what_each_preset_takes) {
  const auto list = nlohmann::json::parse(presets_json())["presets"];
  ASSERT_EQ(list.size(), presets().size());
  for (const auto& preset : list) {
    EXPECT_EQ(preset["tokens"].is_null(), preset["name"] != "stream") << preset["name"];
  }
}

TEST(Trace, steps_that_never_began_have_no_bar_and_those_that_were_left_end_with_the_run) {
  const Workload workload = short_and_long();
  Ledger ledger(workload);
  ledger.open();
  run_turn(ledger, workload.turns[0]);
  ledger.start(workload.turns[1]);
  EXPECT_EQ(nlohmann::json::parse(trace_json("planted", {}, ledger, 1))["traceEvents"].size(), 1U);
  ledger.begin_wait(workload.turns[1].steps[0]);
  ledger.close();
  const auto trace = nlohmann::json::parse(trace_json("planted", {}, ledger, 1));
  const auto& bar = trace["traceEvents"].back();
  EXPECT_EQ(bar["name"], "wait");
  EXPECT_GE(bar["dur"], 0);
  EXPECT_LT(bar["dur"], 1e9);
}

TEST(Trace, bars_on_one_row_do_not_overlap) {
  const Workload workload = small("react", 3);
  Ledger ledger(workload);
  ledger.open();
  // All turns of a session at once, but for their order: every tool of a round overlaps another.
  std::vector<Value> values;
  for (const Turn& turn : workload.turns) values.push_back(ledger.start(turn));
  for (const Turn& turn : workload.turns) {
    for (const Step& step : turn.steps) {
      if (step.kind == StepKind::wait) ledger.begin_wait(step);
    }
  }
  for (const Turn& turn : workload.turns) {
    for (const Step& step : turn.steps) {
      if (step.kind == StepKind::wait) ledger.end_wait(step, values[turn.id]);
    }
    ledger.finish(turn, values[turn.id]);
  }
  ledger.close();
  const auto trace = nlohmann::json::parse(trace_json("planted", {}, ledger, 1));
  std::map<int, double> busy_until;
  std::size_t bars = 0;
  for (const auto& event : trace["traceEvents"]) {
    if (event["ph"] != "X" || event["name"] != "wait") continue;
    ++bars;
    double& end = busy_until[event["tid"]];
    EXPECT_GE(event["ts"].get<double>() + 1e-3, end);
    end = event["ts"].get<double>() + event["dur"].get<double>();
  }
  EXPECT_EQ(bars, planned(workload).waits);
  EXPECT_GT(busy_until.size(), 3U);
}

TEST(PeakWatch, memory_that_the_kernel_keeps_for_waiting_threads_is_seen) {
  const std::int64_t before = kernel_memory().stack_bytes;
  if (before < 0) GTEST_SKIP() << "this kernel does not tell";
  constexpr int threads = 400;
  PeakWatch watch;
  std::latch all_there(threads + 1), leave(1);
  std::vector<std::jthread> waiting;
  for (int i = 0; i < threads; ++i) {
    waiting.emplace_back([&] {
      all_there.count_down();
      leave.wait();
    });
  }
  all_there.arrive_and_wait();
  const PeakWatch::Peaks peaks = watch.stop();  // it looks once more before it ends
  leave.count_down();
  EXPECT_GE(peaks.threads, threads);
  EXPECT_GE(peaks.kernel.stack_bytes - before, threads * 8192);  // 16 KiB on x86-64
  EXPECT_GT(process_status().resident_bytes, 0);
}

std::int64_t process_cpu_ns() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

TEST(PeakWatch, sees_the_cpu_time_of_all_threads_but_its_own) {
  constexpr std::int64_t spun_ns = 200'000'000;
  PeakWatch watch;
  for (const std::int64_t begin = process_cpu_ns(); process_cpu_ns() < begin + spun_ns;) {
  }
  const PeakWatch::Peaks peaks = watch.stop();  // it looks once more before it ends
  const auto& looks = peaks.cpu_looks;
  ASSERT_GE(looks.size(), 2U);
  EXPECT_TRUE(std::ranges::is_sorted(looks, {}, &CpuLook::at_ns));
  EXPECT_TRUE(std::ranges::is_sorted(looks, {}, &CpuLook::cpu_ns));
  EXPECT_GE(looks.back().cpu_ns - looks.front().cpu_ns, spun_ns / 2);
  EXPECT_LE(looks.back().cpu_ns, process_cpu_ns() - peaks.cpu_ns);
}

TEST(CpuHistory, keeps_looks_over_the_whole_time_in_bounded_memory) {
  CpuHistory history(64);
  std::size_t next = 0;
  for (std::size_t i = 0; i < 10'000; ++i) {
    if (i != next) continue;
    history.add({.at_ns = static_cast<std::int64_t>(i), .cpu_ns = 0});
    next = i + history.every();
    ASSERT_LE(history.looks().size(), 64U);
  }
  EXPECT_EQ(history.every(), 256U);
  EXPECT_EQ(history.looks().front().at_ns, 0);
  EXPECT_GE(history.looks().back().at_ns, 10'000 - 256);
  for (std::size_t i = 1; i < history.looks().size(); ++i) {
    EXPECT_EQ(history.looks()[i].at_ns - history.looks()[i - 1].at_ns, 256);
  }
}

TEST(CpuUse, counts_from_the_first_look_inside_to_the_last) {
  const CpuLook looks[] = {{0, 5}, {10, 7}, {20, 20}, {30, 21}, {40, 90}};
  const auto use = cpu_use_within(looks, 5, 35);
  ASSERT_TRUE(use);
  EXPECT_EQ(use->wall_ns, 20);
  EXPECT_EQ(use->cpu_ns, 14);
  EXPECT_EQ(cpu_use_within(looks, 10, 30)->wall_ns, 20);
  EXPECT_FALSE(cpu_use_within(looks, 11, 29));
  EXPECT_FALSE(cpu_use_within(looks, 50, 60));
  EXPECT_FALSE(cpu_use_within({}, 0, 100));
}

struct BadFlags {
  std::vector<const char*> flags;
  const char* message;
};

TEST(Options, bad_flags_are_refused_in_one_line_that_names_them) {
  const BadFlags bad[] = {
      {{"--scenario", "nope"}, "no preset is called 'nope'"},
      {{}, "give either --scenario"},
      {{"--scenario", "fanout", "--agents", "0"}, "--agents"},
      {{"--scenario", "fanout", "--agents", "1000000000000"}, "--agents"},
      {{"--scenario", "fanout", "--agents", "many"}, "--agents"},
      {{"--scenario", "tree", "--agents", "1000000"}, "--agents"},
      {{"--scenario", "fanout", "--workers", "0"}, "--workers"},
      {{"--scenario", "fanout", "--workers", "1025"}, "--workers"},
      {{"--scenario", "fanout", "--cpu-share", "-1"}, "--cpu-share"},
      {{"--scenario", "fanout", "--cpu-share", "nan"}, "--cpu-share"},
      {{"--scenario", "fanout", "--time-scale", "-0.5"}, "--time-scale"},
      {{"--scenario", "fanout", "--time-scale", "0"}, "--time-scale"},
      {{"--scenario", "fanout", "--seed", "-1"}, "--seed"},
      {{"--scenario", "fanout", "--expect", "12"}, "--expect"},
      {{"--scenario", "fanout", "--sample", "/nowhere/file"}, "--sample"},
      {{"--scenario", "fanout", "--trace", "/nowhere/file"}, "--trace"},
      {{"--scenario", "fanout", "--benchmark_out=/nowhere/file"}, "--benchmark_out"},
      {{"--scenario", "fanout", "--benchmark_format=bogus"}, "--benchmark_format"},
      {{"--scenario", "fanout", "--benchmark_repetitions=2"}, "--benchmark_repetitions"},
      {{"--scenario", "fanout", "--frobnicate"}, "--frobnicate"},
      {{"--scenario", "fanout", "--io", "udp"}, "--io"},
      {{"--scenario", "fanout", "--on-error", "hope"}, "--on-error"},
      {{"--scenario", "fanout", "--stop-after-us", "-1"}, "--stop-after-us"},
      {{"--scenario", "fanout", "--stop-after-us", "soon"}, "--stop-after-us"},
      {{"--scenario", "fanout", "--tokens", "5"}, "--tokens: the answers of fanout do not stream"},
      {{"--scenario", "stream", "--tokens", "0"}, "--tokens"},
      {{"--workload", "file.json", "--tokens", "3"}, "--tokens does not go with --workload"},
      {{"--scenario", "fanout", "stray"}, "stray"},
      {{"--scenario", "fanout", "--workload", "file.json"}, "either"},
      {{"--workload", "file.json", "--agents", "3"}, "--agents does not go with --workload"},
  };
  for (const BadFlags& line : bad) {
    std::vector<const char*> argv = {"model"};
    argv.insert(argv.end(), line.flags.begin(), line.flags.end());
    try {
      parse_options(static_cast<int>(argv.size()), argv.data(), Program::model);
      ADD_FAILURE() << "accepted: " << line.message;
    } catch (const UsageError& error) {
      EXPECT_THAT(error.what(), HasSubstr(line.message));
      EXPECT_THAT(std::string(error.what()), ::testing::Not(HasSubstr("\n")));
    }
  }
}

TEST(Options, the_help_fits_a_terminal_of_80_columns) {
  const char* argv[] = {"program", "--help"};
  for (const Program program : {Program::model, Program::describe}) {
    std::istringstream help(parse_options(2, argv, program).help);
    for (std::string line; std::getline(help, line);) EXPECT_LE(line.size(), 80U) << line;
  }
}

TEST(Options, an_absurd_amount_of_work_is_refused) {
  Options options;
  options.cell = {.scenario = "fanout", .agents = 100'000, .cpu_share = 1, .time_scale = 1};
  EXPECT_THROW(load_workload(options), UsageError);
}

TEST(Options, heartbeats_end_before_the_work_can) {
  Options options;
  options.cell = {.scenario = "cpu-heavy", .agents = 30, .cpu_share = 0.5, .heartbeat_us = 1000};
  const Workload workload = load_workload(options);
  nanoseconds computing{0};  // on one CPU that takes 0.6 us for a unit
  for (const Step& step : workload.steps()) computing += nanoseconds(600) * step.units;
  EXPECT_LT(workload.beats().back().steps.front().duration, computing);
  EXPECT_GT(workload.beats().back().steps.front().duration, computing / 2);
}

TEST(Options, more_heartbeats_than_memory_holds_are_refused) {
  Options options;
  options.cell = {.scenario = "pizza-chain", .agents = 100, .time_scale = 1, .heartbeat_us = 100};
  EXPECT_THROW(load_workload(options), UsageError);
  options.cell.heartbeat_us = 1000;
  EXPECT_EQ(load_workload(options).beats().size(), 300'000U);
}

TEST(Options, a_forecast_is_of_the_work_alone) {
  const char* argv[] = {"describe", "--scenario",     "react", "--forecast",
                        "{}",       "--heartbeat-us", "1000"};
  EXPECT_THROW(parse_options(7, argv, Program::describe), UsageError);
}

TEST(Options, say_how_to_call_what_to_do_about_errors_and_when_to_stop) {
  const char* argv[] = {"model",     "--scenario",      "stream", "--io",      "tcp", "--on-error",
                        "fail-fast", "--stop-after-us", "0",      "--workers", "2"};
  Options options = parse_options(11, argv, Program::model);
  EXPECT_TRUE(options.cell.tcp);
  EXPECT_EQ(options.cell.on_error, OnError::fail_fast);
  EXPECT_EQ(options.cell.stop_after_us, 0U);
  EXPECT_EQ(options.cell.tokens, 200U);
  const char* plain[] = {"model", "--scenario", "react"};
  Options react = parse_options(3, plain, Program::model);
  EXPECT_FALSE(react.cell.tcp);
  EXPECT_EQ(react.cell.on_error, OnError::isolate);
  EXPECT_FALSE(react.cell.stop_after_us);
  EXPECT_TRUE(load_workload(react).calls().empty());
  react.cell.tcp = true;
  EXPECT_EQ(load_workload(react).calls().size(), 622U);
}

TEST(Options, a_scenario_brings_its_own_defaults) {
  const char* argv[] = {"model", "--scenario", "react", "--benchmark_min_time=1"};
  const Options options = parse_options(4, argv, Program::model);
  EXPECT_EQ(options.cell.agents, find_preset("react")->agents);
  EXPECT_EQ(options.cell.cpu_share, find_preset("react")->cpu_share);
  EXPECT_THAT(options.benchmark_flags, ::testing::ElementsAre("--benchmark_min_time=1"));
}

}  // namespace
}  // namespace bench::testing
