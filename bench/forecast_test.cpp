// Does the simulation keep the rules of a machine, of a structure, and of what a model costs?
#include "forecast.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "bounds.hpp"
#include "testing.hpp"

namespace bench::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

const StepLength one_us_a_unit{{1000, 1000, 1000}};

/// Turns that wait for nothing, each with a wait and then computing.
Workload side_by_side(int turns, milliseconds wait, milliseconds compute) {
  WorkloadBuilder builder("test", 1);
  builder.add_agent("agent");
  for (int i = 0; i < turns; ++i) {
    builder.add_turn(0);
    if (wait.count() > 0) builder.wait(wait);
    builder.compute(Kernel::mix, static_cast<std::uint32_t>(compute.count() * 1000));
  }
  return std::move(builder).build();
}

nanoseconds makespan(const Workload& workload, const Lanes& lanes, const OwnCosts& costs = {}) {
  return Schedule(workload, one_us_a_unit, lanes, costs).makespan();
}

// ---- what a model takes for itself ----

TEST(Schedule, starting_turns_takes_cpu_time_one_after_another_on_one_cpu) {
  const Workload four = side_by_side(4, milliseconds(10), milliseconds(0));
  // They start at 1, 2, 3, 4 and sleep for 10.
  EXPECT_EQ(makespan(four, {.count = 1}, {.turn = milliseconds(1)}), milliseconds(14));
  EXPECT_EQ(makespan(four, {.count = 2}, {.turn = milliseconds(1)}), milliseconds(12));
}

TEST(Schedule, beginning_a_wait_counts_before_it_and_ending_it_after_it) {
  const Workload four = side_by_side(4, milliseconds(10), milliseconds(0));
  const OwnCosts costs{.begin_wait = milliseconds(1), .end_wait = milliseconds(2)};
  // Asleep from 1, 2, 3, 4; over at 11, 12, 13, 14; awake at 13, 15, 17, 19.
  EXPECT_EQ(makespan(four, {.count = 1}, costs), milliseconds(19));
  // Asleep from 1, 1, 2, 2; over at 11, 11, 12, 12; awake at 13, 13, 15, 15.
  EXPECT_EQ(makespan(four, {.count = 2}, costs), milliseconds(15));
}

TEST(Schedule, a_turn_costs_more_the_more_turns_it_comes_after) {
  WorkloadBuilder builder("join", 1);
  builder.add_agent("agent");
  for (int i = 0; i < 3; ++i) builder.add_turn(0);
  builder.add_turn(0, {0, 1, 2});
  const Workload join = std::move(builder).build();
  EXPECT_EQ(makespan(join, {.count = 1}, {.turn = milliseconds(10), .edge = milliseconds(1)}),
            milliseconds(4 * 10 + 3));
}

TEST(Schedule, setting_up_comes_first_and_once) {
  const Workload four = side_by_side(4, milliseconds(10), milliseconds(0));
  EXPECT_EQ(makespan(four, {.count = 2}, {.setup = milliseconds(7)}), milliseconds(17));
}

TEST(Schedule, a_late_wake_up_delays_its_turn_and_takes_no_cpu) {
  const Workload four = side_by_side(4, milliseconds(10), milliseconds(0));
  EXPECT_EQ(makespan(four, {.count = 1}, {.late = milliseconds(3)}), milliseconds(13));
}

TEST(Schedule, a_wait_until_a_moment_does_not_last_longer_for_a_late_start) {
  WorkloadBuilder builder("until", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.wait_until(milliseconds(10));
  const Workload workload = std::move(builder).build();
  EXPECT_EQ(makespan(workload, {.count = 1}, {.setup = milliseconds(4)}), milliseconds(10));
  EXPECT_EQ(makespan(workload, {.count = 1}, {.setup = milliseconds(14)}), milliseconds(14));
}

TEST(Schedule, who_wakes_goes_on_to_compute_on_the_same_cpu) {
  const Workload two = side_by_side(2, milliseconds(10), milliseconds(5));
  // Both are over at 10: one wakes until 11 and computes until 16, then the other until 22.
  const OwnCosts costs{.end_wait = milliseconds(1)};
  EXPECT_EQ(makespan(two, {.count = 1}, costs), milliseconds(22));
  Schedule schedule(two, one_us_a_unit, {.count = 1}, costs);
  schedule.makespan();
  EXPECT_EQ(schedule.finished()[0], milliseconds(16));
}

TEST(Schedule, costs_that_do_not_divide_are_had_by_one_cpu_at_a_time) {
  const Workload four = side_by_side(4, milliseconds(10), milliseconds(0));
  Lanes lanes{.count = 64, .serial_costs = true};
  EXPECT_EQ(makespan(four, lanes, {.turn = milliseconds(1)}), milliseconds(14));
  lanes.serial_costs = false;
  EXPECT_EQ(makespan(four, lanes, {.turn = milliseconds(1)}), milliseconds(11));
}

TEST(Schedule, computing_divides_even_where_costs_do_not) {
  const Workload four = side_by_side(4, milliseconds(0), milliseconds(10));
  // Started until 1 and 2, then until 12 and 13; the other two compute until 22 and 23.
  const Lanes lanes{.count = 2, .serial_costs = true};
  EXPECT_EQ(makespan(four, lanes, {.turn = milliseconds(1)}), milliseconds(23));
  EXPECT_EQ(makespan(four, {.count = 4, .serial_costs = true}, {.turn = milliseconds(1)}),
            milliseconds(14));
}

TEST(Forecast, calls_cost_what_waits_do_and_what_is_skipped_costs_nothing_but_its_turn) {
  const Attempt cut{Outcome::cut, milliseconds(4), milliseconds(1)};
  WorkloadBuilder builder("trouble", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.call({.limit = milliseconds(9)}, std::vector{cut, cut, cut});  // 14 ms in all
  builder.compute(Kernel::mix, 50'000);
  builder.add_turn(0, {0});
  builder.wait(milliseconds(1000));
  const Workload workload = std::move(builder).build();
  const OwnCosts costs{
      .turn = milliseconds(1), .begin_wait = milliseconds(2), .end_wait = milliseconds(3)};
  const ModelCosts model{"model", Structure::one_loop, costs};
  EXPECT_EQ(forecast(workload, one_us_a_unit, model, 1).divided, milliseconds(1 + 2 + 14 + 3 + 1));
}

TEST(Forecast, where_some_results_are_enough_it_ends_with_them_and_limits_are_kept) {
  const ModelCosts model{"model", Structure::workers, {}};
  const auto three = [](std::size_t enough, const Limit& limit) {
    WorkloadBuilder builder("three", 1);
    builder.add_agent("agent");
    for (int i = 1; i <= 3; ++i) {
      const Attempt answer{Outcome::answered, milliseconds(10 * i), {}};
      builder.add_turn(0);
      builder.call({.limit = milliseconds(99)}, std::vector{answer});
      builder.result(milliseconds(0));
    }
    builder.enough(enough);
    builder.limit_calls(limit);
    return std::move(builder).build();
  };
  EXPECT_EQ(forecast(three(0, {}), one_us_a_unit, model, 2).divided, milliseconds(30));
  EXPECT_EQ(forecast(three(2, {}), one_us_a_unit, model, 2).divided, milliseconds(20));
  EXPECT_EQ(forecast(three(0, {.in_flight = 1}), one_us_a_unit, model, 2).divided,
            milliseconds(60));
}

TEST(Schedule, who_asked_for_the_cpu_first_gets_it_first) {
  WorkloadBuilder builder("queue", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.compute(Kernel::mix, 10'000);
  builder.add_turn(0);  // asks at 3, to be woken
  builder.wait(milliseconds(3));
  builder.compute(Kernel::mix, 1000);
  builder.add_turn(0);  // asks at 5, to compute
  builder.block(milliseconds(5));
  builder.compute(Kernel::mix, 1000);
  const Workload workload = std::move(builder).build();
  Schedule schedule(workload, one_us_a_unit, {.count = 1}, {.end_wait = milliseconds(1)});
  EXPECT_EQ(schedule.makespan(), milliseconds(13));
  EXPECT_EQ(schedule.finished()[1], milliseconds(12));
}

TEST(Schedule, a_chain_of_turns_without_steps_costs_what_its_turns_cost) {
  WorkloadBuilder builder("chain", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  for (TurnId id = 1; id < 100'000; ++id) builder.add_turn(0, {id - 1});
  const Workload chain = std::move(builder).build();
  for (const bool serial : {false, true}) {
    EXPECT_EQ(makespan(chain, {.count = 8, .serial_costs = serial}, {.turn = nanoseconds(50)}),
              milliseconds(5));
  }
  EXPECT_EQ(makespan(chain, {.count = 1, .whole_turns = true}), nanoseconds(0));
}

// ---- what a structure allows at once ----

/// Four turns that each wait 10, compute 5, and hold a thread for 3.
Workload mixed() {
  WorkloadBuilder builder("mixed", 1);
  builder.add_agent("agent");
  for (int i = 0; i < 4; ++i) {
    builder.add_turn(0);
    builder.wait(milliseconds(10));
    builder.compute(Kernel::mix, 5000);
    builder.block(milliseconds(3));
  }
  return std::move(builder).build();
}

nanoseconds on_two_cpus(Structure structure) { return makespan(mixed(), lanes_of(structure, 2)); }

TEST(Structure, sequential_does_one_thing_at_a_time) {
  EXPECT_EQ(on_two_cpus(Structure::sequential), milliseconds(4 * 18));
}

TEST(Structure, one_loop_waits_for_all_at_once_and_is_held_up_by_tools) {
  EXPECT_EQ(on_two_cpus(Structure::one_loop), milliseconds(10 + 4 * 8));
}

TEST(Structure, blocking_workers_are_held_by_waits) {
  EXPECT_EQ(on_two_cpus(Structure::blocking_workers), milliseconds(2 * 18));
}

TEST(Structure, workers_are_held_by_computing_and_tools) {
  EXPECT_EQ(on_two_cpus(Structure::workers), milliseconds(10 + 2 * 8));
}

TEST(Structure, threads_are_held_up_by_nothing_but_the_cpus) {
  // Computing until 15, 15, 20, 20, and then a tool each.
  EXPECT_EQ(on_two_cpus(Structure::thread_per_turn), milliseconds(10 + 2 * 5 + 3));
}

TEST(Structure, a_thread_that_keeps_its_lane_goes_to_sleep_at_no_others_cost) {
  Lanes lanes = lanes_of(Structure::blocking_workers, 4);
  lanes.serial_costs = true;
  const Workload four = side_by_side(4, milliseconds(10), milliseconds(0));
  EXPECT_EQ(makespan(four, lanes, {.end_wait = milliseconds(1)}), milliseconds(11));
}

void expect_between_bound_and_sum(const Workload& workload, Structure structure, unsigned cpus,
                                  bool serial, const OwnCosts& costs) {
  const Bounds b = bounds(workload, UnitCosts(1000), cpus);
  Lanes lanes = lanes_of(structure, cpus);
  lanes.serial_costs = serial;
  Schedule schedule(workload, one_us_a_unit, lanes, costs);
  const nanoseconds made = schedule.makespan();
  const Receipts plan = planned(workload);
  EXPECT_GE(made, structural_bound(b, structure, cpus));
  EXPECT_LE(made, b.total + costs.turn * plan.turns + costs.edge * workload.edge_count() +
                      (costs.begin_wait + costs.end_wait + costs.late) * plan.waits);
  EXPECT_EQ(made, *std::ranges::max_element(schedule.finished()));
  // At 0 only where nothing costs anything: a turn that was forgotten, else.
  EXPECT_TRUE(costs.turn.count() == 0 ||
              *std::ranges::min_element(schedule.finished()) >= costs.turn);
}

TEST(Structure, and_holds_up_no_other_ones_start) {
  WorkloadBuilder builder("three", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.compute(Kernel::mix, 10'000);
  builder.add_turn(0);
  builder.wait(milliseconds(8));
  builder.add_turn(0);
  builder.compute(Kernel::mix, 10'000);
  const Workload three = std::move(builder).build();
  Lanes lanes = lanes_of(Structure::blocking_workers, 2);
  lanes.serial_costs = true;
  // The first until 11; the second, started at 1, wakes from 10 to 15; the third starts at 11.
  EXPECT_EQ(makespan(three, lanes, {.turn = milliseconds(1), .end_wait = milliseconds(5)}),
            milliseconds(11 + 1 + 10));
}

TEST(Structure, every_turn_finishes_between_the_bound_and_the_sum_of_everything) {
  const OwnCosts own{.turn = microseconds(3),
                     .edge = microseconds(1),
                     .begin_wait = microseconds(2),
                     .end_wait = microseconds(5),
                     .late = microseconds(60)};
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const Workload workload = as_played(random_graph(seed, 150));
    for (int s = 0; s < structure_count; ++s) {
      const auto structure = static_cast<Structure>(s);
      for (const unsigned cpus : {1U, 3U}) {
        SCOPED_TRACE(std::string(name_of(structure)) + ", seed " + std::to_string(seed));
        for (const bool serial : {false, true}) {
          expect_between_bound_and_sum(workload, structure, cpus, serial, {});
          expect_between_bound_and_sum(workload, structure, cpus, serial, own);
        }
      }
    }
  }
}

// ---- the forecast ----

TEST(Forecast, tells_both_cases_of_every_model) {
  const ForecastRequest request = read_forecast_request(
      R"({"unit_ns": {"mix": 2000}, "models": [
          {"model": "a", "structure": "workers", "turn_ns": 1000000},
          {"model": "b", "structure": "one_loop", "setup_ns": 5e6, "late_ns": 1e6}]})");
  const Workload four = side_by_side(4, milliseconds(10), milliseconds(1));
  const auto told = nlohmann::json::parse(
      forecast_json({.scenario = "test", .agents = 4, .workers = 4}, four, request));
  EXPECT_EQ(told["kind"], "forecast");
  EXPECT_EQ(told["cores"], 4);
  EXPECT_EQ(told["computing_ns"], 8'000'000);
  EXPECT_EQ(told["greedy_ns"], 12'000'000);
  EXPECT_EQ(told["models"][0]["divided_ns"], 13'000'000);
  EXPECT_EQ(told["models"][0]["serial_ns"], 16'000'000);
  EXPECT_EQ(told["models"][1]["divided_ns"], 5'000'000 + 11'000'000 + 8'000'000);
  EXPECT_EQ(told["models"][1]["serial_ns"], told["models"][1]["divided_ns"]);
}

std::string complaint_about(const std::string& request) {
  try {
    forecast_json({.scenario = "test"}, side_by_side(1, milliseconds(1), milliseconds(1)),
                  read_forecast_request(request));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "none";
}

TEST(Forecast, a_bad_request_is_refused_with_the_reason) {
  EXPECT_THAT(complaint_about("{"), HasSubstr("parse error"));
  EXPECT_THAT(complaint_about("{}"), HasSubstr("models"));
  EXPECT_EQ(complaint_about(R"({"models": []})"), "none");  // asks whether the graph is all right
  EXPECT_THAT(complaint_about(R"({"models": [{"model": "a", "structure": "workers"}]})"),
              HasSubstr("unit_ns says nothing of 'mix'"));
  auto with = [](const std::string& facts) {
    return complaint_about(R"({"unit_ns": {"mix": 1}, "models": [{"model": "a", )" + facts + "}]}");
  };
  EXPECT_EQ(with(R"("structure": "workers")"), "none");
  EXPECT_THAT(with(R"("structure": "work")"), HasSubstr("no structure 'work'"));
  EXPECT_THAT(with(R"("structure": "workers", "turn_ns": -1)"), HasSubstr("turn_ns"));
  EXPECT_THAT(with(R"("structure": "workers", "late_ns": 1e300)"), HasSubstr("late_ns"));
  EXPECT_THAT(with(R"("structure": "workers", "late_ns": null)"), HasSubstr("late_ns"));
}

TEST(Forecast, a_graph_too_large_to_play_through_is_refused_before_it_is_built) {
  auto complaint = [](const char* name, std::uint32_t agents) {
    return too_many_turns(*find_preset(name), {.scenario = name, .agents = agents});
  };
  EXPECT_EQ(complaint("fanout", 1'000'000), "");
  EXPECT_THAT(complaint("react", 1'000'000), HasSubstr("million turns"));
  EXPECT_EQ(complaint("react", 10'000), "");
}

}  // namespace
}  // namespace bench::testing
