// Does the ledger catch a model that cheats?  Each test plants one bug in a small model.
#include "ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST(Ledger, finds_no_fault_in_a_correct_model) {
  for (const Preset& preset : presets()) {
    EXPECT_THAT(fault_of(small(preset.name, 3), run_all), IsEmpty()) << preset.name;
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

}  // namespace
}  // namespace bench::testing
