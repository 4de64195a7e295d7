// Does the ledger catch a model that cheats?  Each test plants one bug in a small model.
#include "ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <stop_token>
#include <thread>

#include "testing.hpp"

namespace bench::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

void run_all(Ledger& ledger) {
  for (const Turn& turn : ledger.workload().turns) run_turn(ledger, turn);
}

/// Runs everything correctly but for one turn, which is handed to `planted`.
auto with_bug_in(TurnId id, auto planted) {
  return [=](Ledger& ledger) {
    for (const Turn& turn : ledger.workload().turns) {
      if (turn.id == id) {
        planted(ledger, turn);
      } else {
        run_turn(ledger, turn);
      }
    }
  };
}

/// Two turns one after another; each waits 200 us, computes 5 units of mix, then 3 of json.
Workload pair() {
  WorkloadBuilder builder("pair", 7);
  builder.add_agent("agent");
  for (TurnId id = 0; id < 2; ++id) {
    if (id == 0) {
      builder.add_turn(0);
    } else {
      builder.add_turn(0, {0});
    }
    builder.wait(microseconds(200));
    builder.compute(Kernel::mix, 5);
    builder.compute(Kernel::json, 3);
  }
  return std::move(builder).build();
}

/// Of a run that was perhaps stopped.
std::string fault_of_stopped(const Workload& workload, Ledger& ledger, auto&& model) {
  ledger.open();
  try {
    model(ledger);
  } catch (const Stopped&) {
  }
  ledger.close();
  return ledger.stop() ? ledger.prefix_fault(reference_values(workload))
                       : ledger.fault(reference(workload));
}

TEST(Ledger, finds_no_fault_in_a_correct_model) {
  for (const Preset& preset : presets()) {
    const Workload workload = small(preset.name, 3);
    Ledger ledger(workload);
    EXPECT_THAT(fault_of_stopped(workload, ledger, run_all), IsEmpty()) << preset.name;
    EXPECT_EQ(ledger.stop().has_value(), workload.enough > 0) << preset.name;
  }
  EXPECT_THAT(fault_of(random_graph(1, 100), run_all), IsEmpty());
}

TEST(Ledger, an_ignored_dependency_is_caught) {
  const auto backwards = [](Ledger& ledger) {
    run_turn(ledger, ledger.workload().turns[1]);
    run_turn(ledger, ledger.workload().turns[0]);
  };
  EXPECT_EQ(fault_of(pair(), backwards), "turn 1 started before turn 0 had finished");
}

TEST(Ledger, one_lost_edge_of_a_thousand_is_caught) {
  WorkloadBuilder builder("join", 1);
  builder.add_agent("agent");
  std::vector<TurnId> all;
  for (int i = 0; i < 1000; ++i) all.push_back(builder.add_turn(0));
  builder.add_turn(0, all);
  const Workload workload = std::move(builder).build();
  const auto joins_too_early = [](Ledger& ledger) {
    const auto& turns = ledger.workload().turns;
    for (TurnId id = 0; id < 1001; ++id) {
      if (id != 637) run_turn(ledger, turns[id]);
    }
    run_turn(ledger, turns[637]);
  };
  EXPECT_EQ(fault_of(workload, joins_too_early), "turn 1000 started before turn 637 had finished");
}

TEST(Ledger, a_turn_that_runs_twice_is_caught) {
  EXPECT_EQ(fault_of(pair(), with_bug_in(1,
                                         [](Ledger& ledger, const Turn& turn) {
                                           run_turn(ledger, turn);
                                           run_turn(ledger, turn);
                                         })),
            "turn 1 ran 2 times");
}

TEST(Ledger, a_turn_that_two_threads_run_at_once_is_caught) {
  WorkloadBuilder builder("alone", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  const Workload workload = std::move(builder).build();
  Ledger ledger(workload);
  ledger.open();
  // Only the counting is concurrent: what else a turn writes may not be written by two threads.
  ledger.start(workload.turns[0]);
  std::jthread([&] { ledger.start(workload.turns[0]); }).join();
  ledger.finish(workload.turns[0], 0);
  ledger.close();
  EXPECT_EQ(ledger.fault(reference(workload)), "turn 0 ran 2 times");
}

TEST(Ledger, a_lost_turn_is_caught) {
  EXPECT_EQ(fault_of(pair(), with_bug_in(1, [](Ledger&, const Turn&) {})), "turn 1 never ran");
}

TEST(Ledger, a_skipped_wait_is_caught) {
  EXPECT_EQ(fault_of(pair(), with_bug_in(0,
                                         [](Ledger& ledger, const Turn& turn) {
                                           Value v = ledger.start(turn);
                                           v = ledger.compute(turn.steps[1], v);
                                           v = ledger.compute(turn.steps[2], v);
                                           ledger.finish(turn, v);
                                         })),
            "turn 0 skipped its step 0 (wait)");
}

TEST(Ledger, a_wait_cut_short_is_caught) {
  const auto cut_short = [](Ledger& ledger, const Turn& turn) {
    Value v = ledger.start(turn);
    ledger.begin_wait(turn.steps[0]);
    v = ledger.end_wait(turn.steps[0], v);
    v = ledger.compute(turn.steps[1], v);
    ledger.finish(turn, ledger.compute(turn.steps[2], v));
  };
  // An hour, so that no machine is slow enough to make the wait come true.
  WorkloadBuilder builder("hour", 7);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.wait(std::chrono::hours(1));
  builder.compute(Kernel::mix, 1);
  builder.compute(Kernel::json, 1);
  const std::string fault = fault_of(std::move(builder).build(), with_bug_in(0, cut_short));
  EXPECT_THAT(fault, HasSubstr("the wait of step 0 ended"));
  EXPECT_THAT(fault, HasSubstr("early"));
}

TEST(Ledger, a_wait_that_ends_without_having_begun_is_caught) {
  EXPECT_EQ(fault_of(pair(), with_bug_in(0,
                                         [](Ledger& ledger, const Turn& turn) {
                                           Value v = ledger.start(turn);
                                           v = ledger.end_wait(turn.steps[0], v);
                                           v = ledger.compute(turn.steps[1], v);
                                           ledger.finish(turn, ledger.compute(turn.steps[2], v));
                                         })),
            "turn 0 skipped its step 0 (wait)");
}

TEST(Ledger, a_skipped_compute_step_is_caught) {
  EXPECT_EQ(fault_of(pair(), with_bug_in(1,
                                         [](Ledger& ledger, const Turn& turn) {
                                           Value v = ledger.start(turn);
                                           v = perform(ledger, turn.steps[0], v);
                                           v = ledger.compute(turn.steps[1], v);
                                           ledger.finish(turn, v);
                                         })),
            "turn 1 skipped its step 2 (compute)");
}

TEST(Ledger, an_input_read_before_it_was_published_is_caught) {
  const auto reads_too_early = [](Ledger& ledger) {
    const Turn &first = ledger.workload().turns[0], &second = ledger.workload().turns[1];
    Value a = ledger.start(first);
    for (const Step& step : first.steps) a = perform(ledger, step, a);
    Value b = ledger.start(second);
    ledger.finish(first, a);
    for (const Step& step : second.steps) b = perform(ledger, step, b);
    ledger.finish(second, b);
  };
  EXPECT_EQ(fault_of(pair(), reads_too_early), "turn 1 started before turn 0 had finished");
}

TEST(Ledger, a_forged_receipt_is_caught) {
  // The right values, without the work: only the receipts can tell.
  const Workload workload = pair();
  std::vector<Value> values(workload.turns.size());
  for (const Turn& turn : workload.turns) {
    Value v = value_in(workload, turn, [&](TurnId id) { return values[id]; });
    for (const Step& step : turn.steps) {
      v = step.kind == StepKind::compute ? computed(workload, step, v)
                                         : answered(workload, step, v);
    }
    values[turn.id] = v;
  }
  const auto knows_the_answer = [&](Ledger& ledger) {
    for (const Turn& turn : workload.turns) {
      ledger.start(turn);
      ledger.finish(turn, values[turn.id]);
    }
    EXPECT_EQ(ledger.answer(), reference(workload));
  };
  EXPECT_EQ(fault_of(workload, knows_the_answer), "turn 0 skipped its step 0 (wait)");
}

TEST(Ledger, a_step_of_another_turn_done_instead_is_caught) {
  const auto borrows = [](Ledger& ledger, const Turn& turn) {
    const Turn& other = ledger.workload().turns[0];
    Value v = ledger.start(turn);
    v = perform(ledger, turn.steps[0], v);
    v = ledger.compute(other.steps[1], v);
    v = ledger.compute(turn.steps[2], v);
    ledger.finish(turn, v);
  };
  EXPECT_EQ(fault_of(pair(), with_bug_in(1, borrows)),
            "turn 0 ran its step 1 (compute) out of order");
}

TEST(Ledger, a_step_that_runs_twice_is_caught) {
  const auto repeats = [](Ledger& ledger, const Turn& turn) {
    Value v = ledger.start(turn);
    v = perform(ledger, turn.steps[0], v);
    ledger.compute(turn.steps[1], v);
    v = ledger.compute(turn.steps[1], v);
    ledger.finish(turn, ledger.compute(turn.steps[2], v));
  };
  EXPECT_EQ(fault_of(pair(), with_bug_in(0, repeats)), "step 1 ran twice");
}

TEST(Ledger, steps_in_the_wrong_order_are_caught) {
  const auto swaps = [](Ledger& ledger, const Turn& turn) {
    Value v = ledger.start(turn);
    v = perform(ledger, turn.steps[0], v);
    v = ledger.compute(turn.steps[2], v);
    ledger.finish(turn, ledger.compute(turn.steps[1], v));
  };
  EXPECT_EQ(fault_of(pair(), with_bug_in(1, swaps)),
            "turn 1 ran its step 2 (compute) out of order");
}

TEST(Ledger, waits_of_one_turn_that_overlap_are_caught) {
  WorkloadBuilder builder("two-waits", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.wait(microseconds(100));
  builder.wait(microseconds(100));
  const auto both_at_once = [](Ledger& ledger, const Turn& turn) {
    Value v = ledger.start(turn);
    for (const Step& step : turn.steps) ledger.begin_wait(step);
    for (const Step& step : turn.steps) {
      while (ledger.time_left(step).count() > 0) {
      }
      v = ledger.end_wait(step, v);
    }
    ledger.finish(turn, v);
  };
  EXPECT_EQ(fault_of(std::move(builder).build(), with_bug_in(0, both_at_once)),
            "turn 0 ran its step 1 (wait) out of order");
}

TEST(Ledger, a_blocking_tool_run_as_a_timer_is_caught) {
  WorkloadBuilder builder("tool", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.block(microseconds(100));
  const auto uses_a_timer = [](Ledger& ledger, const Turn& turn) {
    Value v = ledger.start(turn);
    ledger.begin_wait(turn.steps[0]);
    while (ledger.time_left(turn.steps[0]).count() > 0) {
    }
    ledger.finish(turn, ledger.end_wait(turn.steps[0], v));
  };
  EXPECT_EQ(fault_of(std::move(builder).build(), with_bug_in(0, uses_a_timer)),
            "step 0 (block) was run as a wait");
}

TEST(Ledger, a_wrong_value_in_the_middle_is_caught) {
  const auto lies = [](Ledger& ledger, const Turn& turn) {
    Value v = ledger.start(turn);
    for (const Step& step : turn.steps) v = perform(ledger, step, v);
    ledger.finish(turn, v ^ 1);
  };
  EXPECT_THAT(fault_of(pair(), with_bug_in(0, lies)), HasSubstr("the sum over all turns is"));
}

TEST(Ledger, a_turn_that_finishes_twice_is_caught) {
  const auto repeats = [](Ledger& ledger, const Turn& turn) {
    run_turn(ledger, turn);
    ledger.finish(turn, 0);
  };
  EXPECT_EQ(fault_of(pair(), with_bug_in(1, repeats)), "turn 1 finished 2 times");
}

TEST(Ledger, returning_before_the_last_turn_has_finished_is_caught) {
  const Workload workload = pair();
  Ledger ledger(workload);
  ledger.open();
  run_turn(ledger, workload.turns[0]);
  const Value v = ledger.start(workload.turns[1]);
  ledger.close();  // as the harness does when `run` returns
  EXPECT_EQ(ledger.fault(reference(workload)), "turn 1 had not finished when the model returned");
  Value late = v;
  for (const Step& step : workload.turns[1].steps) late = perform(ledger, step, late);
  ledger.finish(workload.turns[1], late);
  EXPECT_EQ(ledger.fault(reference(workload)), "turn 1 finished after the model had returned");
}

TEST(Ledger, time_left_reaches_zero_when_the_wait_may_end) {
  const Workload workload = pair();
  Ledger ledger(workload);
  const Step& step = workload.turns[0].steps[0];
  const auto before = Ledger::Clock::now();
  const auto deadline = ledger.begin_wait(step);
  EXPECT_GE(deadline, before + step.duration);
  while (ledger.time_left(step).count() > 0) EXPECT_LT(ledger.time_left(step), step.duration);
  EXPECT_GE(Ledger::Clock::now(), deadline);
}

TEST(Ledger, receipts_count_what_was_done) {
  const Workload workload = random_graph(3, 50);
  Ledger ledger(workload);
  ledger.open();
  EXPECT_EQ(ledger.receipts(), Receipts{});
  run_all(ledger);
  ledger.close();
  EXPECT_EQ(ledger.receipts(), planned(workload));
}

// ---- heartbeats, and other waits that count from the start of the run ----

Workload heart() {
  return with_heartbeats(WorkloadBuilder("heart", 1).build(), std::chrono::milliseconds(1), 300);
}

TEST(Heartbeat, a_stall_shows_in_every_beat_that_was_due_meanwhile) {
  const Workload workload = heart();
  std::string fault = "not run";
  for (int attempt = 0; attempt < 3 && !fault.empty(); ++attempt) {
    Stall stall(workload);
    Ledger ledger(workload, &stall);
    ledger.open();
    for (const Turn& turn : workload.turns) run_turn(ledger, turn);
    ledger.close();
    fault = fault_of_lags(lags_of(ledger));
  }
  EXPECT_EQ(fault, "");
}

TEST(Heartbeat, a_schedule_relative_to_the_last_beat_would_hide_the_stall) {
  WorkloadBuilder builder("relative", 1);
  builder.add_agent("heart");
  for (TurnId beat = 0; beat < 300; ++beat) {
    builder.add_turn(0, beat == 0 ? std::vector<TurnId>{} : std::vector<TurnId>{beat - 1});
    builder.wait(std::chrono::milliseconds(1));
  }
  const Workload workload = std::move(builder).build();
  Stall stall(heart());
  stall.at = Stall::beat;
  Ledger ledger(workload, &stall);
  ledger.open();
  for (const Turn& turn : workload.turns) run_turn(ledger, turn);
  ledger.close();
  std::vector<std::chrono::nanoseconds> lags;
  for (std::size_t step = 0; step < 300; ++step) {
    lags.emplace_back(ledger.steps()[step].ended - ledger.due_at(step));
  }
  EXPECT_THAT(fault_of_lags(lags), HasSubstr("the absolute schedule implies"));
}

TEST(Heartbeat, the_work_beside_it_is_the_same_work) {
  const Workload work = small("react"), both = with_heartbeats(work, microseconds(500), 20);
  EXPECT_EQ(both.work().size(), work.turns.size());
  EXPECT_EQ(both.beats().size(), 20U);
  EXPECT_EQ(both.beats().front().id, work.turns.size());
  for (const Turn& beat : both.beats()) {
    EXPECT_TRUE(beat.steps.front().from_start);
    EXPECT_EQ(beat.before.size(), &beat == &both.beats().front() ? 0U : 1U);
  }
  for (const Turn& turn : work.turns) {
    const Turn& same = both.turns[turn.id];
    EXPECT_TRUE(std::ranges::equal(same.before, turn.before));
    EXPECT_TRUE(std::ranges::equal(same.steps, turn.steps, [](const Step& a, const Step& b) {
      return a.kind == b.kind && a.units == b.units && a.duration == b.duration;
    }));
  }
}

TEST(Wait, one_that_counts_from_the_start_may_be_over_when_it_begins_but_not_end_early) {
  WorkloadBuilder builder("until", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.wait_until(std::chrono::milliseconds(5));
  builder.wait_until(std::chrono::milliseconds(1));
  const Workload workload = std::move(builder).build();
  EXPECT_EQ(fault_of(workload, [&](Ledger& l) { run_turn(l, workload.turns[0]); }), "");
  EXPECT_THAT(fault_of(workload,
                       [&](Ledger& l) {
                         Value v = l.start(workload.turns[0]);
                         for (const Step& step : workload.turns[0].steps) {
                           l.begin_wait(step);
                           v = l.end_wait(step, v);
                         }
                         l.finish(workload.turns[0], v);
                       }),
              HasSubstr("the wait of step 0 ended"));
}

// ---- calls ----

using std::chrono::hours;
using std::chrono::nanoseconds;

constexpr Attempt at_once{Outcome::answered, {}, {}};
constexpr Attempt error{Outcome::server_error, {}, {}};

/// Turns side by side, with one call each.
Workload calls_with(const std::vector<Attempt>& script, int turns = 1, const Limit& limit = {},
                    Call call = {}) {
  WorkloadBuilder builder("calls", 3);
  builder.add_agent("agent");
  builder.limit_calls(limit);
  call.limit = hours(2);
  for (int i = 0; i < turns; ++i) {
    builder.add_turn(0);
    builder.call(call, script);
  }
  return std::move(builder).build();
}

/// As run_turn, but its one call is made by `calls(ledger, step, v)`.
auto calling(auto calls) {
  return [=](Ledger& ledger) {
    for (const Turn& turn : ledger.workload().turns) {
      try {
        const Value v = ledger.start(turn);
        ledger.finish(turn, calls(ledger, turn.steps[0], v));
      } catch (const TurnFailed& failure) {
        ledger.fail(turn, failure);
      }
    }
  };
}

TEST(Call, an_answer_is_worth_something_else_after_each_number_of_attempts) {
  std::vector<std::vector<Attempt>> scripts = {
      {at_once}, {error, at_once}, {error, error, at_once}, {error, error, error}};
  std::vector<Value> values;
  for (const auto& script : scripts) {
    const Workload workload = calls_with(script);
    Ledger ledger(workload);
    EXPECT_EQ(fault_of_stopped(workload, ledger, run_all), "");
    EXPECT_EQ(ledger.receipts().attempts, script.size());
    values.push_back(reference_values(workload)[0]);
    EXPECT_EQ(ledger.turns()[0].value, values.back());
  }
  std::ranges::sort(values);
  EXPECT_EQ(std::ranges::unique(values).begin(), values.end());
}

TEST(Call, an_answer_that_is_taken_early_is_caught) {
  const auto workload = calls_with({{Outcome::answered, hours(1), {}}});
  const std::string fault = fault_of(workload, calling([](Ledger& l, const Step& step, Value v) {
                                       l.begin_attempt(step);
                                       return l.end_attempt(step, v).value;
                                     }));
  EXPECT_THAT(fault, HasSubstr("the call of step 0 ended early"));
}

TEST(Call, trouble_that_is_taken_early_is_caught) {
  const auto workload = calls_with({{Outcome::cut, hours(1), {}}, at_once});
  const std::string fault = fault_of(workload, calling([](Ledger& l, const Step& step, Value v) {
                                       l.begin_attempt(step);
                                       l.end_attempt(step, v);
                                       l.begin_attempt(step);
                                       return l.end_attempt(step, v).value;
                                     }));
  EXPECT_THAT(fault, HasSubstr("the call of step 0 ended early"));
}

TEST(Call, a_back_off_that_is_cut_short_is_caught) {
  const auto workload = calls_with({{Outcome::rate_limited, {}, hours(1)}, at_once});
  EXPECT_EQ(fault_of(workload, calling([](Ledger& l, const Step& step, Value v) {
                       l.begin_attempt(step);
                       const Ledger::Next next = l.end_attempt(step, v);
                       EXPECT_TRUE(next.again);
                       EXPECT_GT(next.at, Ledger::Clock::now() + std::chrono::minutes(59));
                       EXPECT_GT(l.time_left(step), std::chrono::minutes(59));
                       l.begin_attempt(step);
                       return l.end_attempt(step, v).value;
                     })),
            "an attempt of the call of step 0 began early");
}

TEST(Call, an_attempt_after_the_answer_is_caught) {
  EXPECT_EQ(fault_of(calls_with({at_once}), calling([](Ledger& l, const Step& step, Value v) {
                       l.begin_attempt(step);
                       const Ledger::Next next = l.end_attempt(step, v);
                       EXPECT_FALSE(next.again);
                       l.begin_attempt(step);
                       return next.value;
                     })),
            "an attempt of the call of step 0 began early");
}

TEST(Call, one_that_is_not_tried_again_is_caught) {
  EXPECT_EQ(
      fault_of(calls_with({error, at_once}), calling([](Ledger& l, const Step& step, Value v) {
                 l.begin_attempt(step);
                 return l.end_attempt(step, v).value;
               })),
      "turn 0 skipped its step 0 (call)");
}

TEST(Call, one_that_ends_without_having_begun_is_caught) {
  EXPECT_EQ(fault_of(calls_with({at_once}), calling([](Ledger& l, const Step& step, Value v) {
                       return l.end_attempt(step, v).value;
                     })),
            "turn 0 skipped its step 0 (call)");
}

TEST(Call, a_call_run_as_a_wait_is_caught_and_so_is_a_wait_run_as_a_call) {
  EXPECT_EQ(fault_of(calls_with({at_once}), calling([](Ledger& l, const Step& step, Value v) {
                       l.begin_wait(step);
                       return l.end_wait(step, v);
                     })),
            "step 0 (call) was run as a wait");
  const Workload workload = pair();
  Ledger ledger(workload);
  const Step& wait = workload.turns[0].steps[0];
  EXPECT_THROW(ledger.begin_attempt(wait), std::logic_error);
  EXPECT_THROW(ledger.end_attempt(wait, 0), std::logic_error);
  EXPECT_THROW(ledger.reserve(wait), std::logic_error);
}

/// As a client that has had this outcome from its connection.
Ledger::Next have(Ledger& ledger, const Step& step, Value v, Outcome outcome) {
  Exchange exchange;
  ledger.begin_attempt(step, exchange);
  switch (outcome) {
    case Outcome::refused:
      exchange.on_refused();
      break;
    case Outcome::timed_out:
      exchange.on_timed_out();
      break;
    default:
      exchange.on_closed();
  }
  return ledger.end_attempt(step, v, exchange);
}

/// An answer in one piece, as the mock LLM sends it.
Ledger::Next hear(Ledger& ledger, const Step& step, Value v, Value response) {
  Exchange exchange;
  ledger.begin_attempt(step, exchange);
  const std::string body =
      fmt::format(R"({{"choices":[{{"index":0,"finish_reason":"stop","message":)"
                  R"({{"role":"assistant","content":"{:016x}"}}}}]}})",
                  response);
  exchange.receive(
      fmt::format("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                  "Content-Length: {}\r\n\r\n{}",
                  body.size(), body));
  return ledger.end_attempt(step, v, exchange);
}

TEST(Call, the_answer_that_came_over_tcp_counts_and_not_the_one_that_should_have) {
  const Workload workload = calls_with({at_once});
  const Value right = workload.response(0);
  EXPECT_EQ(fault_of(workload, calling([=](Ledger& l, const Step& step, Value v) {
                       return hear(l, step, v, right).value;
                     })),
            "");
  EXPECT_THAT(fault_of(workload, calling([=](Ledger& l, const Step& step, Value v) {
                         return hear(l, step, v, right ^ 1).value;
                       })),
              HasSubstr("the sum over all turns is"));
}

TEST(Call, another_outcome_than_scripted_is_named_and_counted) {
  const Workload workload = calls_with({at_once}, 3);
  EXPECT_EQ(
      fault_of(workload, calling([](Ledger& l, const Step& step, Value v) {
                 if (l.workload().index_of(step) != 1) {
                   return hear(l, step, v, l.workload().response(2)).value;
                 }
                 EXPECT_TRUE(have(l, step, v, Outcome::refused).again);
                 EXPECT_TRUE(have(l, step, v, Outcome::refused).again);
                 return have(l, step, v, Outcome::cut).value;  // throws
               })),
      "1 of 3 calls had another outcome than the script's; the first, of step 1, ended as cut "
      "after 3 attempts");
}

TEST(Call, an_answer_at_last_does_not_hide_an_outcome_that_was_not_scripted) {
  const Workload workload = calls_with({at_once});
  EXPECT_EQ(fault_of(workload, calling([](Ledger& l, const Step& step, Value v) {
                       have(l, step, v, Outcome::timed_out);
                       return hear(l, step, v, l.workload().response(0)).value;
                     })),
            "1 of 1 calls had another outcome than the script's; the first, of step 0, ended as "
            "answered after 2 attempts");
}

TEST(Call, the_request_asks_for_what_the_script_says) {
  const auto requested = [](const std::vector<Attempt>& script, const Call& call) {
    const Workload workload = calls_with(script, 1, {}, call);
    Ledger ledger(workload);
    Exchange exchange;
    ledger.begin_attempt(workload.steps()[0], exchange);
    return std::string(exchange.request());
  };
  // 8 ns for three gaps: rounded up, so that the last token is not early.
  const std::string stream =
      requested({{Outcome::answered, nanoseconds(11), {}}}, {.tokens = 4, .first = nanoseconds(3)});
  EXPECT_THAT(stream, HasSubstr(R"("first_ns":3,"gap_ns":3)"));
  EXPECT_THAT(stream, HasSubstr(R"("stream":true)"));
  // An answer in one piece comes at its end, whatever is said of a first token.
  EXPECT_THAT(requested({{Outcome::answered, nanoseconds(11), {}}}, {.first = nanoseconds(3)}),
              HasSubstr(R"("first_ns":11,"gap_ns":0)"));
  EXPECT_THAT(
      requested({{Outcome::answered, nanoseconds(11), {}}}, {.tokens = 1, .first = nanoseconds(3)}),
      HasSubstr(R"("first_ns":11,"gap_ns":0)"));
  const std::string busy = requested(
      {{Outcome::rate_limited, nanoseconds(7), nanoseconds(12'345'678)}, at_once}, {.tokens = 4});
  EXPECT_THAT(busy, HasSubstr(R"("first_ns":7,"gap_ns":0,"status":429)"));
  EXPECT_THAT(busy, HasSubstr(R"("retry_after_ms":12.345678)"));
}

// ---- limits on calls ----

TEST(Limit, more_calls_under_way_than_allowed_are_caught) {
  const Workload workload = calls_with({at_once}, 3, {.in_flight = 2});
  EXPECT_EQ(fault_of(workload, run_all), "");
  const auto all_at_once = [](Ledger& ledger) {
    std::vector<Value> values;
    for (const Turn& turn : ledger.workload().turns) {
      values.push_back(ledger.start(turn));
      ledger.begin_attempt(turn.steps[0]);
    }
    for (const Turn& turn : ledger.workload().turns) {
      ledger.finish(turn, ledger.end_attempt(turn.steps[0], values[turn.id]).value);
    }
  };
  EXPECT_EQ(fault_of(workload, all_at_once), "with the call of step 2 more than 2 were under way");
}

TEST(Limit, a_call_keeps_its_place_while_it_waits_for_its_next_attempt) {
  const Workload workload = calls_with({error, at_once}, 2, {.in_flight = 1});
  const auto gives_its_place_away = [](Ledger& ledger) {
    const Turn &first = ledger.workload().turns[0], &second = ledger.workload().turns[1];
    const Value v = ledger.start(first);
    ledger.begin_attempt(first.steps[0]);
    ledger.end_attempt(first.steps[0], v);
    run_turn(ledger, second);
    ledger.begin_attempt(first.steps[0]);
    ledger.finish(first, ledger.end_attempt(first.steps[0], v).value);
  };
  EXPECT_EQ(fault_of(workload, gives_its_place_away),
            "with the call of step 1 more than 1 were under way");
}

TEST(Limit, a_call_that_is_given_up_leaves_its_place) {
  const Workload workload = calls_with({error, error, error}, 3, {.in_flight = 1});
  Ledger ledger(workload);
  EXPECT_EQ(fault_of_stopped(workload, ledger, run_all), "");
  EXPECT_EQ(ledger.most_in_flight(), 1U);
}

TEST(Limit, a_call_without_a_token_is_caught) {
  const Workload workload =
      calls_with({at_once}, 1, {.in_flight = 1, .burst = 1, .interval = nanoseconds(1)});
  EXPECT_EQ(fault_of(workload, run_all), "");
  EXPECT_EQ(fault_of(workload, calling([](Ledger& l, const Step& step, Value v) {
                       l.begin_attempt(step);
                       return l.end_attempt(step, v).value;
                     })),
            "the call of step 0 began without a token");
}

TEST(Limit, a_token_is_there_when_the_bucket_says) {
  const Limit limit{.in_flight = 4, .burst = 2, .interval = hours(1)};
  const Workload workload = calls_with({at_once}, 4, limit);
  Ledger ledger(workload);
  ledger.open();
  const auto before = Ledger::Clock::now();
  std::vector<Ledger::Clock::time_point> there;
  for (const Step& step : workload.steps()) there.push_back(ledger.reserve(step));
  const auto after = Ledger::Clock::now();
  for (const int at : {0, 1}) EXPECT_LE(there[static_cast<std::size_t>(at)], after);
  for (const int at : {2, 3}) {
    EXPECT_GE(there[static_cast<std::size_t>(at)], before + hours(at - 1));
    EXPECT_LE(there[static_cast<std::size_t>(at)], after + hours(at - 1));
  }
}

TEST(Limit, a_token_that_is_used_before_its_time_is_caught) {
  const Workload workload =
      calls_with({at_once}, 2, {.in_flight = 2, .burst = 1, .interval = hours(1)});
  EXPECT_EQ(fault_of(workload, calling([](Ledger& l, const Step& step, Value v) {
                       l.reserve(step);
                       l.begin_attempt(step);
                       return l.end_attempt(step, v).value;
                     })),
            "an attempt of the call of step 1 began early");
}

// ---- failures ----

/// 0 is given up, 1 comes after it, 2 after that; 3 and 4 after 3 are healthy.
Workload given_up(Outcome outcome = Outcome::server_error) {
  WorkloadBuilder builder("given up", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.call({.limit = hours(1)}, std::vector<Attempt>(most_attempts, {outcome, {}, {}}));
  builder.compute(Kernel::mix, 1);
  builder.add_turn(0, {0});
  builder.compute(Kernel::mix, 1);
  builder.add_turn(0, {1});
  builder.add_turn(0);
  builder.compute(Kernel::mix, 1);
  builder.add_turn(0, {3});
  return std::move(builder).build();
}

TEST(Failure, a_turn_that_fails_and_those_that_it_skips_are_proved) {
  const Workload workload = given_up();
  Ledger ledger(workload);
  EXPECT_EQ(fault_of_stopped(workload, ledger, run_all), "");
  const Receipts done = ledger.receipts();
  EXPECT_EQ(done.failed, 1U);
  EXPECT_EQ(done.skipped, 2U);
  EXPECT_EQ(done.attempts, most_attempts);
  EXPECT_EQ(done.units, 1U);
}

TEST(Failure, what_a_call_was_given_up_for_shows_in_the_answer) {
  EXPECT_NE(reference(given_up(Outcome::server_error)), reference(given_up(Outcome::cut)));
  EXPECT_NE(reference_values(given_up(Outcome::cut))[0],
            reference_values(calls_with({at_once}))[0]);
}

TEST(Failure, a_failure_that_is_passed_over_is_caught) {
  const auto passes_over = [](Ledger& ledger, const Turn& turn) {
    const Value v = ledger.start(turn);
    try {
      perform(ledger, turn.steps[0], v);
    } catch (const TurnFailed&) {
    }
    ledger.finish(turn, ledger.compute(turn.steps[1], v));
  };
  EXPECT_EQ(fault_of(given_up(), with_bug_in(0, passes_over)),
            "turn 0 ended as finished, not as failed");
}

TEST(Failure, a_step_that_runs_after_the_failure_is_caught) {
  const auto goes_on = [](Ledger& ledger, const Turn& turn) {
    const Value v = ledger.start(turn);
    try {
      perform(ledger, turn.steps[0], v);
    } catch (const TurnFailed& failure) {
      ledger.compute(turn.steps[1], v);
      ledger.fail(turn, failure);
    }
  };
  EXPECT_EQ(fault_of(given_up(), with_bug_in(0, goes_on)),
            "turn 0 ran its step 1 (compute) after it had failed");
}

TEST(Failure, a_turn_that_runs_although_it_should_be_skipped_is_caught) {
  const auto runs = [](Ledger& ledger, const Turn& turn) {
    try {
      ledger.start(turn);
    } catch (const TurnFailed& failure) {
      EXPECT_EQ(failure.ending, Ending::skipped);
      ledger.finish(turn, ledger.compute(turn.steps[0], failure.value));
    }
  };
  EXPECT_EQ(fault_of(given_up(), with_bug_in(1, runs)), "turn 1 ended as finished, not as skipped");
}

TEST(Failure, one_that_is_not_contained_is_caught) {
  const auto drops_all = [](Ledger& ledger) {
    const Turn& first = ledger.workload().turns[0];
    run_turn(ledger, first);
  };
  EXPECT_EQ(fault_of(given_up(), drops_all), "turn 1 never ran");
  const auto fails_a_healthy_one = [](Ledger& ledger, const Turn& turn) {
    const Value v = ledger.start(turn);
    ledger.fail(turn, TurnFailed(Ending::failed, ledger.compute(turn.steps[0], v), "planted"));
  };
  EXPECT_EQ(fault_of(given_up(), with_bug_in(3, fails_a_healthy_one)),
            "turn 3 ended as failed, not as finished");
}

TEST(Failure, code_that_throws_fails_its_turn_when_the_step_is_done) {
  WorkloadBuilder builder("raises", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.raise();
  builder.wait(hours(1));
  builder.add_turn(0, {0});
  const Workload workload = std::move(builder).build();
  Ledger ledger(workload);
  EXPECT_EQ(fault_of_stopped(workload, ledger, run_all), "");
  EXPECT_EQ(ledger.receipts(), planned(workload));
  EXPECT_EQ(ledger.receipts().units, 1U);
}

/// What becomes of the healthy turns after a failure.
struct AfterFailure {
  std::optional<Ledger::Stop> stop;
  std::int64_t first_error, opened;
  std::uint64_t turns;
};
AfterFailure after_failure(OnError policy) {
  const Workload workload = given_up();
  Ledger ledger(workload);
  ledger.set_policy(policy);
  EXPECT_EQ(fault_of_stopped(workload, ledger, run_all), "");
  EXPECT_GE(ledger.first_error_at(), ledger.turns()[0].started);
  EXPECT_LE(ledger.first_error_at(), ledger.closed_at());
  return {ledger.stop(), ledger.first_error_at(), ledger.opened_at(), ledger.receipts().turns};
}

TEST(Failure, isolated_the_others_run_on) {
  const AfterFailure isolated = after_failure(OnError::isolate);
  EXPECT_FALSE(isolated.stop);
  EXPECT_EQ(isolated.turns, 5U);
  const AfterFailure first_wins = after_failure(OnError::first_error);
  EXPECT_FALSE(first_wins.stop);
  EXPECT_EQ(first_wins.turns, 5U);
}

TEST(Failure, failing_fast_the_others_are_cancelled) {
  const AfterFailure fast = after_failure(OnError::fail_fast);
  ASSERT_TRUE(fast.stop);
  EXPECT_EQ(fast.stop->why, Ledger::Stop::Why::failure);
  EXPECT_GE(fast.stop->asked, fast.first_error);
  EXPECT_EQ(fast.turns, 1U);
}

// ---- stops ----

TEST(Stop, from_then_on_no_verb_begins_anything) {
  WorkloadBuilder builder("verbs", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.wait(hours(1));
  builder.compute(Kernel::mix, 1);
  builder.block(hours(1));
  builder.call({.limit = hours(1)}, std::vector<Attempt>{{Outcome::answered, hours(1), {}}});
  const Workload workload = std::move(builder).build();
  const auto& steps = workload.turns[0].steps;
  Ledger ledger(workload);
  ledger.open();
  const Value v = ledger.start(workload.turns[0]);
  ledger.begin_wait(steps[0]);
  ledger.begin_attempt(steps[3]);
  EXPECT_FALSE(ledger.stop_token().stop_requested());
  ledger.ask_to_stop(Ledger::Stop::Why::outside);
  EXPECT_TRUE(ledger.stop_token().stop_requested());
  EXPECT_THROW(ledger.start(workload.turns[0]), Stopped);
  EXPECT_THROW(ledger.compute(steps[1], v), Stopped);
  EXPECT_THROW(ledger.begin_wait(steps[0]), Stopped);
  EXPECT_THROW(ledger.block(steps[2], v), Stopped);
  EXPECT_THROW(ledger.begin_attempt(steps[3]), Stopped);
  EXPECT_THROW(ledger.reserve(steps[3]), Stopped);
  EXPECT_THROW(ledger.end_wait(steps[0], v), Stopped);     // an hour early
  EXPECT_THROW(ledger.end_attempt(steps[3], v), Stopped);  // no breach: it was abandoned
  ledger.close();
  EXPECT_EQ(ledger.prefix_fault(reference_values(workload)), "");
}

TEST(Stop, what_is_over_by_then_may_be_ended_and_finished) {
  WorkloadBuilder builder("over", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.wait(nanoseconds(0));
  builder.add_turn(0);
  builder.call({.limit = hours(1)}, std::vector<Attempt>{at_once});
  const Workload workload = std::move(builder).build();
  Ledger ledger(workload);
  EXPECT_EQ(fault_of_stopped(workload, ledger,
                             [&](Ledger& l) {
                               const auto& turns = workload.turns;
                               const Value a = l.start(turns[0]), b = l.start(turns[1]);
                               l.begin_wait(turns[0].steps[0]);
                               l.begin_attempt(turns[1].steps[0]);
                               l.ask_to_stop(Ledger::Stop::Why::outside);
                               l.finish(turns[0], l.end_wait(turns[0].steps[0], a));
                               l.finish(turns[1], l.end_attempt(turns[1].steps[0], b).value);
                             }),
            "");
  EXPECT_EQ(ledger.receipts(), planned(workload));
}

TEST(Stop, a_call_whose_connection_is_cut_by_it_had_no_unexpected_outcome) {
  const Workload workload = calls_with({{Outcome::answered, hours(1), {}}});
  Ledger ledger(workload);
  EXPECT_EQ(fault_of_stopped(workload, ledger, calling([](Ledger& l, const Step& step, Value v) {
                               Exchange exchange;
                               l.begin_attempt(step, exchange);
                               l.ask_to_stop(Ledger::Stop::Why::outside);
                               exchange.on_closed();
                               return l.end_attempt(step, v, exchange).value;
                             })),
            "");
  EXPECT_FALSE(ledger.calls()[0].unexpected);
}

TEST(Stop, only_the_first_one_counts) {
  const Workload workload = pair();
  Ledger ledger(workload);
  EXPECT_FALSE(ledger.stop());
  ledger.open();
  int calls = 0;
  const std::stop_callback callback(ledger.stop_token(), [&] { ++calls; });
  ledger.ask_to_stop(Ledger::Stop::Why::failure);
  const auto asked = ledger.stop()->asked;
  ledger.ask_to_stop(Ledger::Stop::Why::outside);
  EXPECT_EQ(ledger.stop()->why, Ledger::Stop::Why::failure);
  EXPECT_EQ(ledger.stop()->asked, asked);
  EXPECT_GE(asked, ledger.opened_at());
  EXPECT_EQ(calls, 1);
}

TEST(Stop, when_it_was_asked_for_is_known_although_the_model_may_heed_it_first) {
  WorkloadBuilder builder("chain", 1);
  builder.add_agent("agent");
  for (TurnId id = 0; id < 3000; ++id) builder.add_turn(0);
  const Workload workload = std::move(builder).build();
  for (int i = 0; i < 100; ++i) {
    Ledger ledger(workload);
    std::jthread asker([&] { ledger.ask_to_stop(Ledger::Stop::Why::outside); });
    EXPECT_EQ(fault_of_stopped(workload, ledger, run_all), "");
    if (ledger.stop()) {
      EXPECT_GT(ledger.stop()->asked, 0);
    }
  }
}

/// A run that is stopped after the model has done its worst.
std::string fault_of_prefix(const Workload& workload, auto&& model) {
  Ledger ledger(workload);
  return fault_of_stopped(workload, ledger, [&](Ledger& l) {
    model(l);
    l.ask_to_stop(Ledger::Stop::Why::outside);
  });
}

TEST(Prefix, every_part_of_a_run_is_one) {
  const Workload workload = random_graph(4, 40);
  for (TurnId turns = 0; turns <= 40; turns += 5) {
    EXPECT_EQ(fault_of_prefix(workload,
                              [=](Ledger& ledger) {
                                const auto& all = ledger.workload().turns;
                                for (TurnId id = 0; id < turns; ++id) run_turn(ledger, all[id]);
                              }),
              "");
  }
}

TEST(Prefix, a_turn_that_was_begun_may_be_left) {
  EXPECT_EQ(fault_of_prefix(pair(),
                            [](Ledger& ledger) {
                              const Turn& turn = ledger.workload().turns[0];
                              ledger.start(turn);
                              ledger.begin_wait(turn.steps[0]);
                            }),
            "");
}

TEST(Prefix, a_wrong_value_is_caught) {
  EXPECT_THAT(fault_of_prefix(pair(),
                              [](Ledger& ledger) {
                                const Turn& turn = ledger.workload().turns[0];
                                Value v = ledger.start(turn);
                                for (const Step& s : turn.steps) v = perform(ledger, s, v);
                                ledger.finish(turn, v ^ 1);
                              }),
              HasSubstr("turn 0 has the value"));
}

TEST(Prefix, a_finished_turn_before_which_another_is_open_is_caught) {
  EXPECT_EQ(fault_of_prefix(pair(),
                            [](Ledger& ledger) {
                              ledger.start(ledger.workload().turns[0]);
                              run_turn(ledger, ledger.workload().turns[1]);
                            }),
            "turn 1 started before turn 0 had finished");
}

TEST(Prefix, an_open_turn_that_began_too_early_is_caught) {
  EXPECT_EQ(
      fault_of_prefix(pair(), [](Ledger& ledger) { ledger.start(ledger.workload().turns[1]); }),
      "turn 1 started before turn 0 had finished");
}

TEST(Prefix, a_turn_that_finishes_or_starts_twice_is_caught) {
  EXPECT_EQ(fault_of_prefix(pair(),
                            [](Ledger& ledger) {
                              const Turn& turn = ledger.workload().turns[0];
                              run_turn(ledger, turn);
                              ledger.finish(turn, ledger.turns()[0].value);
                            }),
            "turn 0 finished 2 times");
  EXPECT_EQ(fault_of_prefix(pair(),
                            [](Ledger& ledger) {
                              ledger.start(ledger.workload().turns[0]);
                              ledger.start(ledger.workload().turns[0]);
                            }),
            "turn 0 ran 2 times");
}

TEST(Prefix, steps_that_are_missing_or_belong_to_no_turn_are_caught) {
  EXPECT_EQ(fault_of_prefix(pair(),
                            [](Ledger& ledger) {
                              const Turn& turn = ledger.workload().turns[0];
                              Value v = perform(ledger, turn.steps[0], ledger.start(turn));
                              v = ledger.compute(turn.steps[1], v);
                              ledger.finish(turn, v);
                            }),
            "turn 0 skipped its step 2 (compute)");
  EXPECT_EQ(
      fault_of_prefix(
          pair(), [](Ledger& ledger) { ledger.compute(ledger.workload().turns[1].steps[1], 0); }),
      "turn 1 ran its step 1 (compute) without having started");
}

TEST(Prefix, a_turn_that_starts_after_the_stop_is_caught) {
  const Workload workload = pair();
  Ledger ledger(workload);
  ledger.open();
  ledger.ask_to_stop(Ledger::Stop::Why::outside);
  // The verb refuses, so the stamp is forged.
  auto& record = const_cast<Ledger::TurnRecord&>(ledger.turns()[0]);
  record.executions = 1;
  record.started = ledger.stop()->asked + 1;
  ledger.close();
  EXPECT_EQ(ledger.prefix_fault(reference_values(workload)),
            "turn 0 started after the run was to stop");
}

TEST(Prefix, waits_that_were_cut_short_before_the_stop_are_caught) {
  WorkloadBuilder builder("hour", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.wait(hours(1));
  EXPECT_THAT(fault_of_prefix(std::move(builder).build(),
                              [](Ledger& ledger) {
                                const Turn& turn = ledger.workload().turns[0];
                                const Value v = ledger.start(turn);
                                ledger.begin_wait(turn.steps[0]);
                                ledger.end_wait(turn.steps[0], v);
                              }),
              HasSubstr("the wait of step 0 ended early"));
}

TEST(Enough, results_stop_the_run_and_other_turns_do_not) {
  WorkloadBuilder builder("enough", 1);
  builder.add_agent("agent");
  for (int i = 0; i < 6; ++i) {
    builder.add_turn(0);
    if (i % 2 == 1) builder.result(nanoseconds(0));
  }
  builder.enough(2);
  const Workload workload = std::move(builder).build();
  Ledger ledger(workload);
  EXPECT_EQ(fault_of_stopped(workload, ledger, run_all), "");
  ASSERT_TRUE(ledger.stop());
  EXPECT_EQ(ledger.stop()->why, Ledger::Stop::Why::enough);
  EXPECT_EQ(ledger.receipts().turns, 4U);
}

}  // namespace
}  // namespace bench::testing
