// Do the metrics say what really happened?  Worked out by hand on made-up stamps, and compared with
// slower ways to the same number.
#include "metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

#include "bounds.hpp"
#include "testing.hpp"

namespace bench::testing {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// One unit costs 1 us, whatever this machine.
const UnitCosts one_us(1000);

// ---- Histograms --------------------------------------------------------------------------------

using Counts = std::map<std::uint64_t, std::uint64_t>;  // by upper border

Counts counts_of(const std::vector<nanoseconds>& values) {
  Counts counts;
  for (const Bucket& bucket : histogram_of(values)) counts[bucket.upper_ns] += bucket.count;
  return counts;
}

/// As a reader of the exported buckets would: the greatest value of the bucket of nearest rank.
std::uint64_t percentile(const Counts& counts, std::size_t percent) {
  std::uint64_t n = 0, seen = 0;
  for (const auto& [upper, count] : counts) n += count;
  for (const auto& [upper, count] : counts) {
    seen += count;
    if (seen >= (n * percent + 99) / 100) return upper - 1;
  }
  return 0;
}

/// From a nanosecond to some minutes, as many of each magnitude.
std::vector<nanoseconds> spread_durations(std::uint64_t seed, std::size_t n) {
  std::vector<nanoseconds> durations;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t bits = mix64(seed << 32 | i);
    durations.emplace_back(static_cast<std::int64_t>(bits >> (27 + below(mix64(bits), 37))));
  }
  return durations;
}

TEST(Histogram, small_values_are_exact) {
  std::vector<nanoseconds> values;
  for (int i = 0; i < 64; ++i) values.emplace_back(i);
  const auto buckets = histogram_of(values);
  ASSERT_EQ(buckets.size(), 64U);
  for (std::uint64_t i = 0; i < 64; ++i) {
    EXPECT_EQ(buckets[i].upper_ns, i + 1);
    EXPECT_EQ(buckets[i].count, 1U);
  }
}

TEST(Histogram, a_value_is_in_a_bucket_that_is_at_most_a_32nd_of_it_wide) {
  for (const nanoseconds value : spread_durations(1, 20'000)) {
    const auto buckets = histogram_of(std::array{value});
    ASSERT_EQ(buckets.size(), 1U);
    const auto ns = static_cast<std::uint64_t>(value.count());
    EXPECT_GT(buckets[0].upper_ns, ns);
    EXPECT_LE(buckets[0].upper_ns - 1, ns + ns / 32) << ns;
  }
}

TEST(Histogram, the_borders_are_where_they_have_always_been) {
  // Histograms of different builds are merged: 63 | 64 65 | 66 ..., 126 127 | 128 ... 131 | ...
  EXPECT_THAT(counts_of({nanoseconds(63), nanoseconds(64), nanoseconds(65), nanoseconds(66),
                         nanoseconds(127), nanoseconds(128), nanoseconds(131), nanoseconds(1000)}),
              ElementsAre(std::pair(64, 1), std::pair(66, 2), std::pair(68, 1), std::pair(128, 1),
                          std::pair(132, 2), std::pair(1008, 1)));
}

TEST(Histogram, percentiles_read_off_it_are_at_most_a_32nd_above_the_exact_ones) {
  const auto durations = spread_durations(2, 5'000);
  const Percentiles exact = percentiles_of(durations);
  const Counts counts = counts_of(durations);
  for (const auto& [percent, is] :
       {std::pair(50, exact.p50), std::pair(90, exact.p90), std::pair(99, exact.p99)}) {
    const auto ns = static_cast<std::uint64_t>(is->count());
    EXPECT_GE(percentile(counts, static_cast<std::size_t>(percent)), ns);
    EXPECT_LE(percentile(counts, static_cast<std::size_t>(percent)), ns + ns / 32);
  }
}

TEST(Histogram, two_merged_by_their_borders_are_that_of_the_union) {
  auto some = spread_durations(3, 1'000);
  const auto others = spread_durations(4, 3'000);
  Counts merged = counts_of(some);
  for (const auto& [upper, count] : counts_of(others)) merged[upper] += count;
  some.insert(some.end(), others.begin(), others.end());
  EXPECT_EQ(merged, counts_of(some));
}

TEST(Histogram, whatever_there_is_goes_in) {
  EXPECT_THAT(histogram_of({}), IsEmpty());
  EXPECT_THAT(counts_of({nanoseconds(-5), nanoseconds(0)}), ElementsAre(std::pair(1, 2)));
  const auto longest = histogram_of(std::array{nanoseconds::max()});
  ASSERT_EQ(longest.size(), 1U);
  EXPECT_EQ(longest[0].upper_ns, 1ULL << 63);
}

// ---- Made-up runs ------------------------------------------------------------------------------

/// A run whose stamps are given by hand, in microseconds since `run` was called.
class MadeUp {
 public:
  explicit MadeUp(Workload workload, std::int64_t returned_us)
      : workload_(std::move(workload)),
        turns_(workload_.turns.size()),
        steps_(workload_.steps().size()),
        closed_(at(returned_us)) {}

  struct Span {
    std::int64_t begun_us = -1, ended_us = -1;
  };
  /// Steps without a span did not run.
  void turn(TurnId id, std::int64_t started_us, const std::vector<Span>& steps,
            std::int64_t finished_us, Ending ending = Ending::finished) {
    turns_[id].started = at(started_us);
    turns_[id].finished = at(finished_us);
    turns_[id].ending = ending;
    const Turn& turn = workload_.turns[id];
    ASSERT_EQ(turn.steps.size(), steps.size());
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (steps[i].begun_us < 0) continue;
      steps_[workload_.index_of(turn.steps[i])] = {at(steps[i].begun_us), at(steps[i].ended_us)};
    }
  }
  Stamps stamps() const {
    return {.workload = workload_,
            .opened = at(0),
            .closed = closed_,
            .turns = turns_,
            .steps = steps_};
  }
  Metrics metrics(unsigned cpus = 2) const { return metrics_of(stamps(), one_us, cpus); }

 private:
  static std::int64_t at(std::int64_t us) { return 5'000'000'000 + us * 1000; }
  Workload workload_;
  std::vector<Ledger::TurnRecord> turns_;
  std::vector<Ledger::StepRecord> steps_;
  std::int64_t closed_;
};

nanoseconds total(const TimeOnPath& path) {
  return path.starting + path.spent.total() + path.ending;
}

/// A turn that waits 100 us and computes 20; beside it one that computes 10; then one that holds
/// its thread for 50 us.
Workload two_and_one() {
  WorkloadBuilder builder("two-and-one", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.wait(microseconds(100));
  builder.compute(Kernel::mix, 20);
  builder.add_turn(0);
  builder.compute(Kernel::mix, 10);
  builder.add_turn(0, {0, 1});
  builder.block(microseconds(50));
  return std::move(builder).build();
}

/// What `two_and_one` with its turn 0 last to finish might look like.
void stamp_two_and_one(MadeUp& run) {
  run.turn(0, 7, {{8, 111}, {115, 145}}, 147);
  run.turn(1, 9, {{9, 14}}, 15);
  run.turn(2, 150, {{151, 205}}, 206);
}

void expect_time_of_two_and_one(const TimeSpent& spent) {
  EXPECT_EQ(spent.waiting, microseconds(100));
  EXPECT_EQ(spent.blocked, microseconds(50));
  EXPECT_EQ(spent.late, microseconds(3 + 4));
  EXPECT_EQ(spent.queued, microseconds(1 + 4 + 2 + 3 + 1 + 1));
  EXPECT_EQ(spent.computing, microseconds(20));
  EXPECT_EQ(spent.held_up, microseconds(10));
}

TEST(Breakdown, the_makespan_is_cut_along_the_turns_that_set_it) {
  MadeUp run(two_and_one(), 216);
  stamp_two_and_one(run);
  const TimeOnPath path = time_on_path(run.stamps(), one_us);
  EXPECT_EQ(path.starting, microseconds(7));
  EXPECT_EQ(path.ending, microseconds(10));
  expect_time_of_two_and_one(path.spent);
  EXPECT_EQ(total(path), microseconds(216));
}

TEST(Breakdown, the_path_goes_through_whoever_finished_last) {
  MadeUp run(two_and_one(), 216);
  stamp_two_and_one(run);
  run.turn(1, 140, {{140, 148}}, 149);
  const TimeOnPath path = time_on_path(run.stamps(), one_us);
  EXPECT_EQ(path.starting, microseconds(140));
  EXPECT_EQ(path.spent.waiting, microseconds(0));
  EXPECT_EQ(path.spent.computing, microseconds(8));  // never more than it took
  EXPECT_EQ(path.spent.held_up, microseconds(0));
  EXPECT_EQ(total(path), microseconds(216));
}

TEST(Breakdown, computing_counts_at_the_usual_cost_of_a_unit) {
  WorkloadBuilder builder("compute", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.compute(Kernel::mix, 20);
  MadeUp run(std::move(builder).build(), 60'000'000);  // a minute: surely held up
  run.turn(0, 0, {{0, 60'000'000}}, 60'000'000);
  UnitCosts costs;
  costs.probe(run.stamps().workload, 2);
  const nanoseconds usual(static_cast<std::int64_t>(costs.of(Kernel::mix).usual * 20));
  const TimeSpent spent = time_on_path(run.stamps(), costs).spent;
  EXPECT_EQ(spent.computing, usual);
  EXPECT_EQ(spent.held_up, std::chrono::minutes(1) - usual);
}

TEST(Breakdown, of_all_turns_it_counts_from_when_each_could_have_started) {
  MadeUp run(two_and_one(), 216);
  stamp_two_and_one(run);
  TimeSpent spent = time_of_turns(run.stamps(), one_us);
  EXPECT_EQ(spent.total(), microseconds(147 + 15 + (206 - 147)));
  spent.queued -= microseconds(7 + 9 + 1);  // turn 0 to start, turn 1 to start, turn 1 to finish
  spent.computing -= microseconds(5);
  expect_time_of_two_and_one(spent);
}

/// One turn that waits until 100 us after the start of the run.
Workload until_100() {
  WorkloadBuilder builder("until", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.wait_until(microseconds(100));
  return std::move(builder).build();
}

TEST(Breakdown, a_wait_from_the_start_of_the_run_counts_only_while_it_lasts) {
  MadeUp early(until_100(), 120);
  early.turn(0, 30, {{40, 105}}, 110);
  const TimeSpent before = time_on_path(early.stamps(), one_us).spent;
  EXPECT_EQ(before.waiting, microseconds(60));
  EXPECT_EQ(before.late, microseconds(5));
  EXPECT_EQ(early.metrics().lateness.max, microseconds(5));

  MadeUp overdue(until_100(), 170);
  overdue.turn(0, 130, {{140, 145}}, 150);
  const TimeSpent after = time_on_path(overdue.stamps(), one_us).spent;
  EXPECT_EQ(after.waiting, microseconds(0));
  EXPECT_EQ(after.late, microseconds(5));
  EXPECT_EQ(overdue.metrics().lateness.max, microseconds(45));  // it is still 45 behind its moment
}

TEST(Breakdown, adds_up_exactly_whatever_the_graph) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Workload workload = random_graph(seed, 40);
    Ledger ledger(workload);
    ledger.open();
    for (const Turn& turn : workload.turns) run_turn(ledger, turn);
    ledger.close();
    ASSERT_THAT(ledger.fault(reference(workload)), IsEmpty());
    const Stamps stamps = stamps_of(ledger);
    EXPECT_EQ(total(time_on_path(stamps, one_us)).count(), stamps.closed - stamps.opened);
    std::int64_t latencies = 0;
    for (const Turn& turn : workload.turns) {
      latencies += stamps.of(turn).finished - stamps.ready(turn);
    }
    EXPECT_EQ(time_of_turns(stamps, one_us).total().count(), latencies);
  }
}

TEST(Breakdown, turns_without_steps_and_runs_without_turns_add_up_too) {
  WorkloadBuilder one("one", 1), none("none", 1);
  one.add_agent("agent");
  one.add_turn(0);
  MadeUp empty_turn(std::move(one).build(), 10);
  empty_turn.turn(0, 2, {}, 5);
  const Metrics m = empty_turn.metrics();
  EXPECT_EQ(m.time_on_path.starting, microseconds(2));
  EXPECT_EQ(m.time_on_path.spent.queued, microseconds(3));
  EXPECT_EQ(m.time_on_path.ending, microseconds(5));
  EXPECT_EQ(m.lateness.n, 0U);
  EXPECT_FALSE(m.heartbeat);
  EXPECT_FALSE(m.results);

  const MadeUp no_turn(std::move(none).build(), 10);
  EXPECT_EQ(total(no_turn.metrics().time_on_path), microseconds(10));
  EXPECT_EQ(no_turn.metrics().time_of_turns.total(), microseconds(0));
  EXPECT_EQ(no_turn.metrics().startup, microseconds(10));
  EXPECT_FALSE(no_turn.metrics().lateness.max);
}

// ---- Heartbeats --------------------------------------------------------------------------------

TEST(Heartbeat, a_stall_makes_every_beat_late_that_fell_into_it) {
  // 300 beats, one a millisecond; nobody serves them from the 100th millisecond to the 250th.
  MadeUp run(with_heartbeats(until_100(), milliseconds(1), 300), 300'000);
  run.turn(0, 1, {{1, 100}}, 100);
  std::int64_t last = 0;
  for (std::int64_t beat = 1; beat <= 300; ++beat) {
    const std::int64_t ended = beat < 100 ? beat * 1000 : std::max<std::int64_t>(beat, 250) * 1000;
    run.turn(static_cast<TurnId>(beat), last, {{last, ended}}, ended);
    last = ended;
  }
  const Heartbeat heartbeat = run.metrics().heartbeat.value();
  EXPECT_EQ(heartbeat.lag.n, 300U);
  EXPECT_EQ(heartbeat.lag.p50, milliseconds(0));
  EXPECT_EQ(heartbeat.lag.p90, milliseconds(120));
  EXPECT_FALSE(heartbeat.lag.p99);  // of 300 beats it would be a guess
  EXPECT_EQ(heartbeat.lag.max, milliseconds(150));
  EXPECT_EQ(heartbeat.over_10ms, 140U);
  EXPECT_EQ(heartbeat.over_100ms, 50U);
  std::uint64_t counted = 0;
  for (const Bucket& bucket : heartbeat.histogram) counted += bucket.count;
  EXPECT_EQ(counted, 300U);
  EXPECT_GT(heartbeat.histogram.back().upper_ns, 150'000'000U);
}

TEST(Heartbeat, the_other_metrics_do_not_see_it) {
  MadeUp alone(two_and_one(), 900);
  stamp_two_and_one(alone);
  MadeUp watched(with_heartbeats(two_and_one(), microseconds(2), 2), 900);
  stamp_two_and_one(watched);
  watched.turn(3, 0, {{0, 2}}, 3);      // first to start, first to finish
  watched.turn(4, 4, {{5, 800}}, 801);  // last to finish, and late
  const Metrics a = alone.metrics(), w = watched.metrics();
  EXPECT_FALSE(a.heartbeat);
  EXPECT_EQ(w.heartbeat.value().lag.max, microseconds(796));
  EXPECT_EQ(w.makespan, a.makespan);
  EXPECT_EQ(w.startup, a.startup);
  EXPECT_EQ(w.first_finish, a.first_finish);
  EXPECT_EQ(w.most_waiting, a.most_waiting);
  EXPECT_EQ(w.latency.n, 3U);
  EXPECT_EQ(w.latency.max, a.latency.max);
  EXPECT_EQ(w.lateness.n, 1U);
  EXPECT_EQ(w.lateness.max, microseconds(3));
  EXPECT_EQ(w.time_on_path.ending, microseconds(900 - 206));
  EXPECT_EQ(total(w.time_on_path), w.makespan);
  EXPECT_EQ(w.time_of_turns.total(), a.time_of_turns.total());
}

// ---- Results -----------------------------------------------------------------------------------

/// Sessions that arrive after 0, 100 and 200 us, and compute 200, 20 and 20 us.
Workload arrivals() {
  WorkloadBuilder builder("arrivals", 1);
  builder.add_agent("agent");
  for (std::uint32_t i = 0; i < 3; ++i) {
    builder.add_turn(0);
    builder.wait_until(microseconds(100 * i));
    builder.compute(Kernel::mix, i == 0 ? 200 : 20);
    builder.result(microseconds(100 * i));
  }
  builder.arrivals_within(microseconds(300));
  return std::move(builder).build();
}

TEST(Results, are_waited_for_since_they_were_meant_to_arrive) {
  MadeUp run(arrivals(), 700);
  run.turn(0, 50, {{50, 50}, {50, 250}}, 260);
  run.turn(1, 160, {{160, 165}, {170, 200}}, 240);
  run.turn(2, 300, {{300, 300}, {300, 600}}, 600);
  const Results r = run.metrics(2).results.value();
  EXPECT_EQ(r.latency.n, 3U);
  EXPECT_EQ(r.first, microseconds(240));
  EXPECT_EQ(r.ideal_first, microseconds(120));  // the second has a CPU of its own
  EXPECT_EQ(r.latency.p50, microseconds(260));  // 260, 140, 400
  EXPECT_EQ(r.latency.max, microseconds(400));
  EXPECT_EQ(r.mean.count(), 800'000 / 3);
  EXPECT_EQ(r.span, microseconds(600));
  EXPECT_DOUBLE_EQ(r.in_system.value(), 800.0 / 600);
  EXPECT_DOUBLE_EQ(r.out_of_order.value(), 0);
  // On one CPU the first would have been there before the second: one of three pairs.
  EXPECT_DOUBLE_EQ(run.metrics(1).results.value().out_of_order.value(), 1.0 / 3);
}

TEST(Results, one_that_is_there_before_it_is_wanted_has_not_been_waited_for) {
  WorkloadBuilder builder("early", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.result(microseconds(500));
  MadeUp run(std::move(builder).build(), 600);
  run.turn(0, 10, {}, 20);
  const Results r = run.metrics().results.value();
  EXPECT_EQ(r.first, microseconds(20));
  EXPECT_EQ(r.latency.max, microseconds(0));
  EXPECT_FALSE(r.in_system);
  EXPECT_FALSE(r.out_of_order);  // there are no pairs
}

TEST(Results, out_of_order_is_the_share_of_pairs_that_swapped) {
  const auto us = [](std::initializer_list<int> list) {
    std::vector<nanoseconds> moments;
    for (const int i : list) moments.emplace_back(i);
    return moments;
  };
  EXPECT_EQ(out_of_order(us({1, 2, 3, 4}), us({10, 20, 30, 40})), 0.0);
  EXPECT_EQ(out_of_order(us({1, 2, 3, 4}), us({40, 30, 20, 10})), 1.0);
  EXPECT_EQ(out_of_order(us({2, 1, 3, 4}), us({10, 20, 30, 40})), 1.0 / 6);
  EXPECT_EQ(out_of_order(us({5, 5, 5}), us({30, 20, 10})), 0.0);
  EXPECT_EQ(out_of_order(us({1, 2, 3}), us({7, 7, 7})), 0.0);
  EXPECT_FALSE(out_of_order(us({1}), us({1})));

  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::vector<nanoseconds> ideal, real;
    for (std::uint64_t i = 0; i < 60; ++i) {
      ideal.emplace_back(below(mix64(seed << 32 | i), 40));
      real.emplace_back(below(mix64(seed << 32 | i | 1 << 16), 40));
    }
    int swapped = 0;
    for (std::size_t i = 0; i < ideal.size(); ++i) {
      for (std::size_t j = 0; j < ideal.size(); ++j) {
        swapped += ideal[i] < ideal[j] && real[i] > real[j];
      }
    }
    EXPECT_DOUBLE_EQ(out_of_order(ideal, real).value(), swapped / (60.0 * 59 / 2));
  }
}

TEST(Results, littles_law_holds_between_the_sweep_and_the_latencies) {
  std::vector<Interval> intervals;
  double latencies = 0;
  std::int64_t first = std::numeric_limits<std::int64_t>::max(), last = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const auto begin = static_cast<std::int64_t>(below(mix64(i), 1'000'000));
    const auto length = static_cast<std::int64_t>(below(mix64(i << 32), 50'000));
    intervals.push_back({begin, begin + length});
    latencies += static_cast<double>(length);
    first = std::min(first, begin);
    last = std::max(last, begin + length);
  }
  EXPECT_NEAR(mean_at_once(intervals).value(), latencies / static_cast<double>(last - first), 1e-9);
  EXPECT_FALSE(mean_at_once({}));
}

// ---- Trouble -----------------------------------------------------------------------------------

/// Turn 0 is answered at once, 1 at the second try, 2 is given up, 3 comes after 2, 4 computes 10
/// us, 5 throws, 6 waits for 0 and computes 10 us.
Workload with_trouble() {
  const Attempt cut{Outcome::cut, microseconds(10), microseconds(5)};
  const Attempt answer{Outcome::answered, microseconds(100), {}};
  const Call call{.limit = milliseconds(1)};
  WorkloadBuilder builder("trouble", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  builder.call(call, std::vector{answer});
  builder.add_turn(0);
  builder.call(call, std::vector{cut, answer});
  builder.add_turn(0);
  builder.call(call, std::vector{cut, cut, cut});
  builder.compute(Kernel::mix, 10);
  builder.add_turn(0, {2});
  builder.compute(Kernel::mix, 10);
  builder.add_turn(0);
  builder.compute(Kernel::mix, 10);
  builder.add_turn(0);
  builder.raise();
  builder.add_turn(0, {0});
  builder.compute(Kernel::mix, 10);
  return std::move(builder).build();
}

void stamp_with_trouble(MadeUp& run) {
  run.turn(0, 3, {{4, 109}}, 110);  // 3 to start, 1, 5 late, 1: 10
  run.turn(1, 0, {{0, 900}}, 900);
  run.turn(2, 0, {{0, 900}, {}}, 900, Ending::failed);
  run.turn(3, 901, {{}}, 901, Ending::skipped);
  run.turn(4, 0, {{0, 40}}, 41);  // held up by 30, 1
  run.turn(5, 0, {{0, 700}}, 700, Ending::failed);
  run.turn(6, 112, {{112, 120}}, 120);  // 2 to start; fewer than the usual 10 to compute
}

TEST(Healthy,
     turns_are_those_that_no_trouble_touches_and_their_delay_is_what_they_did_not_ask_for) {
  MadeUp run(with_trouble(), 1000);
  stamp_with_trouble(run);
  const Percentiles healthy = run.metrics().healthy.value();
  EXPECT_EQ(healthy.n, 3U);
  EXPECT_EQ(healthy.p50, microseconds(10));
  EXPECT_EQ(healthy.max, microseconds(31));
  EXPECT_FALSE(healthy.p90);
}

TEST(Healthy, where_nothing_goes_wrong_all_turns_are) {
  MadeUp run(two_and_one(), 216);
  stamp_two_and_one(run);
  const Metrics m = run.metrics();
  EXPECT_EQ(m.healthy.value().n, 3U);
  EXPECT_EQ(m.healthy.value().p50, microseconds(10));
  EXPECT_EQ(m.healthy.value().max, microseconds(7 + 1 + 3 + 4 + 10 + 2));
}

TEST(Metrics, of_a_turn_that_was_skipped_there_is_no_latency_and_of_one_that_failed_there_is) {
  MadeUp run(with_trouble(), 1000);
  stamp_with_trouble(run);
  const Metrics m = run.metrics();
  EXPECT_EQ(m.latency.n, 6U);
  EXPECT_EQ(m.lateness.n, 3U);  // the three calls
  EXPECT_EQ(m.most_waiting, 3U);
  EXPECT_EQ(m.time_on_path.spent.late, microseconds(900 - 3 * 10 - 2 * 5));  // along 2 and 3
  EXPECT_EQ(total(m.time_on_path), microseconds(1000));
}

TEST(Fairness, is_jains_index) {
  const auto index = [](std::initializer_list<std::uint64_t> shares) {
    return jains_index(std::vector(shares));
  };
  EXPECT_DOUBLE_EQ(index({3, 3, 3, 3}).value(), 1);
  EXPECT_DOUBLE_EQ(index({7, 0, 0, 0}).value(), 0.25);
  EXPECT_DOUBLE_EQ(index({1, 0, 1, 0}).value(), 0.5);
  // The paper's example: of 20 dollars to 100 people, 10 get two each.
  std::vector<std::uint64_t> paper(100, 0);
  std::fill_n(paper.begin(), 10, 2);
  EXPECT_DOUBLE_EQ(jains_index(paper).value(), 0.1);
  EXPECT_FALSE(index({0, 0}));
  EXPECT_FALSE(index({}));
}

/// Three agents, two calls each, and one agent that does not call.
Workload three_callers(const Limit& limit) {
  const Attempt answer{Outcome::answered, microseconds(10), {}};
  WorkloadBuilder builder("callers", 1);
  for (const char* name : {"a", "b", "c", "quiet"}) builder.add_agent(name);
  builder.limit_calls(limit);
  for (AgentId agent = 0; agent < 3; ++agent) {
    builder.add_turn(agent);
    for (int i = 0; i < 2; ++i) builder.call({.limit = milliseconds(1)}, std::vector{answer});
  }
  builder.add_turn(3);
  builder.compute(Kernel::mix, 1);
  return std::move(builder).build();
}

TEST(Fairness, is_over_agents_that_call_when_half_of_all_calls_have_ended) {
  const auto fairness = [](const std::vector<std::array<std::int64_t, 2>>& ends,
                           const Limit& limit) {
    MadeUp run(three_callers(limit), 1000);
    for (TurnId id = 0; id < 3; ++id) {
      run.turn(id, 0, {{0, ends[id][0]}, {ends[id][0], ends[id][1]}}, ends[id][1]);
    }
    run.turn(3, 0, {{0, 1}}, 1);
    return run.metrics().fairness;
  };
  const Limit one{.in_flight = 1};
  EXPECT_DOUBLE_EQ(fairness({{{10, 40}, {20, 50}, {30, 60}}}, one).value(), 1);
  // 2, 1 and 0 by then.
  EXPECT_DOUBLE_EQ(fairness({{{10, 20}, {30, 40}, {50, 60}}}, one).value(), 9.0 / 15);
  EXPECT_FALSE(fairness({{{10, 20}, {30, 40}, {50, 60}}}, {}));
}

// ---- Idle --------------------------------------------------------------------------------------

/// Three turns that wait 200 ms, and one after them.
Workload three_wait() {
  WorkloadBuilder builder("three-wait", 1);
  builder.add_agent("agent");
  for (int i = 0; i < 3; ++i) {
    builder.add_turn(0);
    builder.wait(milliseconds(200));
  }
  builder.add_turn(0, {0, 1, 2});
  return std::move(builder).build();
}

void stamp_three_wait(MadeUp& run) {
  run.turn(0, 0, {{10, 200'100}}, 200'200);
  run.turn(1, 20, {{30, 200'050}}, 200'100);
  run.turn(2, 40, {{50, 200'060}}, 200'300);
  run.turn(3, 200'300, {}, 200'310);
}

TEST(Idle, is_from_when_the_last_wait_began_until_the_first_was_due) {
  MadeUp run(three_wait(), 200'400);
  stamp_three_wait(run);
  const Interval phase = idle_phase(run.stamps()).value();
  EXPECT_EQ(phase.begin - run.stamps().opened, 50'000);
  EXPECT_EQ(phase.end - run.stamps().opened, 200'010'000);
}

TEST(Idle, is_not_while_a_turn_computes_or_could_or_a_tool_blocks) {
  const auto phase_with = [](auto&& add_step, std::int64_t started_us, std::int64_t ended_us) {
    WorkloadBuilder builder("idle", 1);
    builder.add_agent("agent");
    builder.add_turn(0);
    builder.wait(milliseconds(200));
    builder.add_turn(0);
    add_step(builder);
    MadeUp run(std::move(builder).build(), 400'000);
    run.turn(0, 0, {{10, 200'020}}, 200'030);
    run.turn(1, started_us, {{started_us, ended_us}}, ended_us);
    return idle_phase(run.stamps());
  };
  const auto compute = [](WorkloadBuilder& builder) { builder.compute(Kernel::mix, 1); };
  const auto block = [](WorkloadBuilder& builder) { builder.block(microseconds(1)); };
  EXPECT_TRUE(phase_with(compute, 1, 5));         // over before
  EXPECT_FALSE(phase_with(compute, 1, 100'000));  // computes
  EXPECT_FALSE(phase_with(compute, 50'000, 60'000));
  EXPECT_FALSE(phase_with(compute, 300'000, 300'001));  // could have computed
  EXPECT_FALSE(phase_with(block, 1, 250'000));
}

TEST(Idle, is_unknown_where_it_was_short_or_there_were_heartbeats_or_no_waits) {
  MadeUp late(three_wait(), 400'000);
  stamp_three_wait(late);
  late.turn(2, 110'000, {{110'000, 310'000}}, 310'000);
  late.turn(3, 310'300, {}, 310'310);
  EXPECT_FALSE(idle_phase(late.stamps()));
  MadeUp watched(with_heartbeats(three_wait(), milliseconds(300), 1), 400'000);
  stamp_three_wait(watched);
  watched.turn(4, 0, {{0, 300'000}}, 300'001);
  EXPECT_FALSE(idle_phase(watched.stamps()));
  WorkloadBuilder builder("empty", 1);
  builder.add_agent("agent");
  builder.add_turn(0);
  MadeUp empty(std::move(builder).build(), 400'000);
  empty.turn(0, 300'000, {}, 300'000);
  EXPECT_FALSE(idle_phase(empty.stamps()));
}

}  // namespace
}  // namespace bench::testing
