// Does a model do all the work, in order, and leave nothing behind?  Linked with each model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <thread>

#include "conformance.hpp"
#include "process.hpp"
#include "program.hpp"
#include "trial.hpp"

namespace bench::testing {

Resources resources{.workers = 1};

std::int64_t threads_left(std::int64_t allowed) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  auto threads = process_status().threads;
  while (threads > allowed && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
    threads = process_status().threads;
  }
  return threads;
}

namespace {

#ifdef INTERLEAVE_SANITIZED
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

std::string fault_of_model(const Workload& workload) {
  Ledger ledger(workload);
  return fault_of_trial(workload, ledger, resources.workers);
}

class Conformance : public ::testing::TestWithParam<const Preset*> {};

TEST_P(Conformance, the_preset_is_proved) {
  EXPECT_EQ(fault_of_model(small(GetParam()->name)), "");
  EXPECT_EQ(fault_of_model(small(GetParam()->name, 1)), "");
}

TEST_P(Conformance, the_preset_is_proved_with_heartbeats) {
  const Workload work = small(GetParam()->name);
  EXPECT_EQ(fault_of_model(with_heartbeats(work, microseconds(500), 10)), "");
}

std::vector<const Preset*> all_presets() {
  std::vector<const Preset*> all;
  for (const Preset& preset : presets()) all.push_back(&preset);
  return all;
}
INSTANTIATE_TEST_SUITE_P(Model, Conformance, ::testing::ValuesIn(all_presets()),
                         [](const auto& info) {
                           std::string name = info.param->name;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(Model, random_graphs_are_proved) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(fault_of_model(random_graph(seed, 60)), "") << "seed " << seed;
  }
}

TEST(Model, a_long_chain_of_empty_turns_does_not_exhaust_the_stack) {
  WorkloadBuilder builder("chain", 1);
  builder.add_agent("agent");
  TurnId last = builder.add_turn(0);
  for (int i = 0; i < 3000; ++i) last = builder.add_turn(0, {last});
  EXPECT_EQ(fault_of_model(std::move(builder).build()), "");
}

TEST(Model, a_turn_that_waits_for_hundreds_is_proved) {
  WorkloadBuilder builder("join", 1);
  builder.add_agent("agent");
  std::vector<TurnId> all;
  for (int i = 0; i < 200; ++i) {
    all.push_back(builder.add_turn(0));
    builder.compute(Kernel::mix, 1);
  }
  builder.add_turn(0, all);
  EXPECT_EQ(fault_of_model(std::move(builder).build()), "");
}

TEST(Model, turns_that_become_ready_together_run_together) {
  if (resources.workers == 1 || model.structure == Structure::sequential ||
      model.structure == Structure::one_loop) {
    GTEST_SKIP() << "this structure runs one turn at a time";
  }
  WorkloadBuilder builder("fork", 1);
  builder.add_agent("agent");
  const TurnId first = builder.add_turn(0);
  for (int i = 0; i < 2; ++i) {
    builder.add_turn(0, {first});
    builder.block(std::chrono::milliseconds(200));
  }
  const Workload workload = std::move(builder).build();
  // A stall of the machine may keep them apart; ten in a row are the model's fault.
  bool overlapped = false;
  for (int attempt = 0; attempt < 10 && !overlapped; ++attempt) {
    Ledger ledger(workload);
    run(workload, resources, ledger);
    overlapped = ledger.steps()[0].begun < ledger.steps()[1].ended &&
                 ledger.steps()[1].begun < ledger.steps()[0].ended;
  }
  EXPECT_TRUE(overlapped);
}

TEST(Model, heartbeats_have_absolute_times_so_a_stall_shows_in_full) {
  const Workload work = WorkloadBuilder("heart", 1).build();
  const Workload workload = with_heartbeats(work, std::chrono::milliseconds(1), 300);
  std::string fault = "not run";
  // A stall of the machine may add to it; ten in a row are the model's fault.
  for (int attempt = 0; attempt < 10 && !fault.empty(); ++attempt) {
    Stall stall(workload);
    Ledger ledger(workload, &stall);
    ledger.open();
    run(workload, resources, ledger);
    ledger.close();
    ASSERT_EQ(ledger.fault(reference(workload)), "");
    // A program that a sanitizer slows down may not keep up with a beat a millisecond.
    fault = sanitized ? "" : fault_of_lags(lags_of(ledger));
  }
  EXPECT_EQ(fault, "");
}

/// Throws from the ledger's verb, at the given turn: on whatever thread of the model's runs it.
struct Saboteur : Observer {
  TurnId at;
  bool at_finish;
  Saboteur(TurnId turn, bool finish) : at(turn), at_finish(finish) {}
  void on_start(const Turn& turn) override {
    if (turn.id == at && !at_finish) throw std::runtime_error("sabotage");
  }
  void on_finish(const Turn& turn) override {
    if (turn.id == at && at_finish) throw std::runtime_error("sabotage");
  }
};

TEST(Model, an_error_in_any_turn_comes_out_of_run_and_leaves_nothing_behind) {
  const Workload workload = random_graph(2, 60);
  const auto threads = process_status().threads;
  for (TurnId at = 0; at < workload.turns.size(); at += 7) {
    for (const bool at_finish : {false, true}) {
      Saboteur saboteur(at, at_finish);
      Ledger ledger(workload, &saboteur);
      EXPECT_THROW(run(workload, resources, ledger), std::runtime_error) << at;
    }
  }
  // But for the pools that libraries keep.
  EXPECT_LE(threads_left(threads + resources.workers), threads + resources.workers);
  EXPECT_EQ(fault_of_model(workload), "");
}

TEST(Model, an_empty_workload_returns_at_once) {
  EXPECT_EQ(fault_of_model(WorkloadBuilder("empty", 1).build()), "");
}

TEST(Model, nothing_is_left_when_a_run_has_returned) {
  auto open_files = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  // The first run may leave a pool that the library keeps for the process; the others add nothing.
  EXPECT_EQ(fault_of_model(random_graph(1, 60)), "");
  const auto files = open_files();
  const auto threads = process_status().threads;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(fault_of_model(random_graph(1, 60)), "");
  EXPECT_EQ(open_files(), files);
  EXPECT_LE(threads_left(threads), threads);
}

}  // namespace
}  // namespace bench::testing

int bench::run_program(int argc, char** argv, Prepare) {
  ::testing::InitGoogleTest(&argc, argv);
  const std::string_view text = argc == 2 ? argv[1] : "";
  auto& workers = testing::resources.workers;
  if (std::from_chars(text.data(), text.data() + text.size(), workers).ec != std::errc{}) {
    std::cerr << "usage: " << argv[0] << " WORKERS\n";
    return 2;
  }
  return RUN_ALL_TESTS();
}
