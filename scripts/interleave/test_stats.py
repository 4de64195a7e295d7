"""Do the statistics say what textbooks, published tables and counting by hand say?"""

import random
from itertools import combinations, permutations
from math import comb, exp, inf, log

import pytest

from interleave import stats
from interleave.stats import EQUIVALENT, FASTER, NOT_RESOLVED, SLOWER


def test_the_median_of_an_even_number_of_values_is_the_mean_of_the_middle_two():
    assert stats.median([4, 1, 3, 2]) == 2.5
    assert stats.median([5, 1, 9]) == 5


def test_six_values_give_their_range_as_interval_with_96_9_percent():
    e = stats.estimate([12, 10, 11, 15, 13, 14])
    assert (e.n, e.median, e.low, e.high) == (6, 12.5, 10, 15)
    assert e.coverage == pytest.approx(0.96875)


def test_five_values_give_a_median_but_no_interval():
    e = stats.estimate([1, 2, 3, 4, 5])
    assert (e.median, e.low, e.high, e.coverage) == (3, None, None, None)


def test_no_values_give_no_estimate():
    assert stats.estimate([]) is None


@pytest.mark.parametrize("n, rank, coverage", [(8, 1, 0.992), (9, 2, 0.961), (15, 4, 0.965),
                                               (20, 6, 0.959), (30, 10, 0.957)])
def test_ranks_agree_with_the_published_table(n, rank, coverage):
    # Conover, Practical Nonparametric Statistics, the sign test's table for the median.
    k, actual = stats.interval_rank(n)
    assert k == rank
    assert actual == pytest.approx(coverage, abs=0.0005)


def test_the_interval_is_the_narrowest_that_still_covers():
    for n in range(6, 60):
        k, coverage = stats.interval_rank(n)
        narrower = 1 - 2 * sum(comb(n, i) for i in range(k + 1)) / 2**n
        assert coverage >= 0.95 > narrower


def test_efficiency_is_reference_over_makespan_and_unknown_where_either_is():
    assert stats.efficiency(50, 100) == 0.5
    assert stats.efficiency(None, 100) is None
    assert stats.efficiency(50, None) is None


# ---- one quantity of two models ----

@pytest.mark.parametrize("below, above, p", [
    (0, 6, 0.03125), (2, 12, 0.01294), (2, 8, 0.10938), (3, 14, 0.01273), (7, 7, 1.0), (0, 0, 1.0)])
def test_the_sign_test_agrees_with_the_tables_of_the_binomial(below, above, p):
    # Siegel & Castellan, Nonparametric Statistics, table D has the half: 14 pairs, 2 signs, 0.006.
    assert stats.sign_test(below, above) == stats.sign_test(above, below)
    assert stats.sign_test(below, above) == pytest.approx(p, abs=1e-5)


def test_the_sign_test_is_what_counting_all_outcomes_says():
    for n in range(1, 11):
        for few in range(n // 2 + 1):
            as_extreme = sum(min(k.bit_count(), n - k.bit_count()) <= few for k in range(2**n))
            assert stats.sign_test(few, n - few) == pytest.approx(as_extreme / 2**n)


def test_blocks_in_which_both_took_the_same_time_say_nothing_of_either_side():
    ours = dict(enumerate([1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]))
    found = stats.compare_paired(ours, dict.fromkeys(ours, 1.0))
    assert found.p == stats.sign_test(0, 6) and found.n == 8


def test_a_pair_has_p_up_to_five_per_cent_exactly_where_its_interval_lies_beside_one():
    dice = random.Random(3)
    for _ in range(500):
        n = dice.choice((6, 9, 15, 30))
        ours = {b: dice.lognormvariate(0.03, 0.06) for b in range(n)}
        found = stats.compare_paired(ours, dict.fromkeys(ours, 1.0))
        assert (found.p <= 0.05) == (found.low > 1 or found.high < 1)


@pytest.mark.parametrize("m, n, critical", [
    (3, 5, 0), (4, 4, 0), (5, 5, 2), (6, 8, 8), (7, 12, 18), (8, 8, 13), (10, 10, 23), (13, 16, 59),
    (15, 15, 64), (20, 20, 127)])
def test_mann_whitney_agrees_with_the_published_critical_values(m, n, critical):
    # Siegel & Castellan, or any book: two-sided, 5 %.
    assert stats.mann_whitney(critical, m, n) <= 0.05 < stats.mann_whitney(critical + 1, m, n)
    assert stats._shift_rank(m, n)[0] == critical + 1
    assert stats._shift_rank(m, n) == stats._shift_rank(n, m)


def test_mann_whitney_is_what_counting_all_orders_says():
    for m, n in ((1, 4), (2, 3), (3, 3), (4, 3)):
        counts = {}
        for places in combinations(range(m + n), m):
            u = sum(p < q for p in places for q in set(range(m + n)) - set(places))
            counts[u] = counts.get(u, 0) + 1
        for u in range(m * n + 1):
            few = sum(k for v, k in counts.items() if v <= min(u, m * n - u))
            assert stats.mann_whitney(u, m, n) == pytest.approx(
                min(1, 2 * few / comb(m + n, m)))


TERM = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
EARLIER = [1.15, 0.88, 0.90, 0.74, 1.21]


def test_an_unpaired_comparison_agrees_with_the_worked_example_of_hollander_and_wolfe():
    # Nonparametric Statistical Methods, 4.1: permeability of a membrane. R's wilcox.test gives
    # W = 35, one-sided p = 0.1272, a shift of 0.305, and -0.15 to 0.76 as its interval.
    found = stats.compare_unpaired(*([exp(x) for x in xs] for xs in (TERM, EARLIER)))
    assert found.p == pytest.approx(2 * 0.1272, abs=1e-4)
    assert log(found.median) == pytest.approx(0.305)
    assert (log(found.low), log(found.high)) == pytest.approx((-0.15, 0.76))


def test_an_unpaired_interval_holds_all_shifts_that_the_test_does_not_reject():
    dice = random.Random(8)
    for m, n in ((6, 6), (8, 15), (15, 15)):
        ours, theirs = ([dice.lognormvariate(0, 0.2) for _ in range(k)] for k in (m, n))
        found = stats.compare_unpaired(ours, theirs)
        for end, inside in ((found.low, 1), (found.high, -1)):
            for step, kept in ((1e-9, True), (-1e-9, False)):
                moved = [x / end * exp(-inside * step) for x in ours]
                assert (stats.compare_unpaired(moved, theirs).p > 0.05) == kept


def test_too_few_times_give_a_ratio_without_an_interval_and_none_give_nothing():
    few = stats.compare_unpaired([1.0, 2.0, 3.0], [1.0, 1.5, 2.0])
    assert (few.low, few.high, few.detectable) == (None, None, None) and few.p > 0.05
    assert stats.compare_unpaired([], [1.0]) is None
    assert stats.compare_paired({1: 2.0}, {2: 2.0}) is None
    assert stats.compare_paired({1: 2.0}, {1: 1.0}) == stats.Ratio(1, 2.0, None, None, 1.0, None)


def test_ties_count_against_a_difference():
    assert stats.compare_unpaired([2.0] * 5, [2.0] * 5).p == 1
    half = stats.mann_whitney(2.5, 5, 5)
    assert half == stats.mann_whitney(3, 5, 5) > stats.mann_whitney(2, 5, 5)


@pytest.mark.parametrize("compare", [
    stats.compare_paired, lambda a, b: stats.compare_unpaired([*a.values()], [*b.values()])],
    ids=["paired", "unpaired"])
def test_what_could_be_seen_is_where_a_shift_of_all_blocks_begins_to_be_told(compare):
    dice = random.Random(5)
    theirs = {b: dice.lognormvariate(0, 0.04) for b in range(15)}
    ours = {b: dice.lognormvariate(0, 0.05) for b in range(15)}
    level = compare(ours, theirs).median
    for wanted in (1.3, 0.7):  # the same scatter around another middle
        seen = compare({b: x / level * wanted for b, x in ours.items()}, theirs).detectable
        assert seen > 1
        for factor, told in ((1.0001, True), (0.9999, False)):
            shift = 1 + (seen - 1) * factor
            shift = shift if wanted > 1 else 1 / shift
            found = compare({b: x / level * shift for b, x in ours.items()}, theirs)
            assert (found.low > 1 or found.high < 1) == told


# ---- what may be said of many at once ----

def test_holm_agrees_with_the_worked_example():
    # Aickin & Gensler (1996) and many a textbook use the like; R: p.adjust(p, "holm").
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert stats.holm([]) == [] and stats.holm([0.4]) == [0.4] and stats.holm([0.6, 0.9]) == [1, 1]


def test_holm_does_not_depend_on_the_order():
    ps = [0.01, 0.04, 0.03, 0.005]
    for order in permutations(range(4)):
        moved = stats.holm([ps[i] for i in order])
        assert [moved[order.index(i)] for i in range(4)] == stats.holm(ps)


def test_a_share_is_the_level_at_which_holm_begins_to_call_a_comparison_real():
    dice = random.Random(2)
    for _ in range(300):
        ps = [dice.choice((1e-4, 0.002, 0.006, 0.02, 0.03, 0.5)) for _ in range(dice.randint(1, 8))]
        for i, share in enumerate(stats.holm_shares(ps)):
            for factor, real in ((0.999, True), (1.001, False)):
                tried = [*ps[:i], factor * 0.05 / share, *ps[i + 1:]]
                assert (stats.holm(tried)[i] <= 0.05) == real


def test_the_margin_is_three_per_cent_or_twice_the_noise():
    assert stats.margin(None) == stats.margin(0.0) == stats.margin(0.015) == 0.03
    assert stats.margin(0.02) == 0.04


def test_what_is_alike_is_equivalent_whatever_holm_says_and_a_difference_needs_it():
    slower, alike = stats.Ratio(15, 1.06, 1.04, 1.08), stats.Ratio(15, 1.01, 1.005, 1.02)
    assert stats.verdict(slower) == stats.verdict(slower, p=0.05) == SLOWER
    assert stats.verdict(slower, p=0.051) == NOT_RESOLVED
    assert stats.verdict(alike, p=1.0) == stats.verdict(alike, p=0.001) == EQUIVALENT
    assert stats.verdict(slower, margin=0.09) == EQUIVALENT
    assert stats.verdict(stats.Ratio(15, 0.9, 0.88, 0.92), p=0.01) == FASTER


def cell(blocks, noise=0.01, **levels):
    dice = random.Random(blocks)
    return {m: {b: level * dice.lognormvariate(0, noise) for b in range(blocks)}
            for m, level in levels.items()}


def test_every_pair_of_a_cell_is_compared_with_the_faster_as_its_measure():
    found = stats.cell_comparisons(cell(15, a=100, b=120, c=150))
    assert [(c.one, c.other, c.verdict) for c in found] == [
        ("b", "a", SLOWER), ("c", "a", SLOWER), ("c", "b", SLOWER)]
    alone = stats.compare_paired(*(cell(15, a=100, b=120, c=150)[m] for m in "ba"))
    assert (found[0].ratio.median, found[0].ratio.p) == pytest.approx((alone.median, alone.p))
    assert [c.p_holm for c in found] == stats.holm([c.ratio.p for c in found])


def test_of_many_models_a_difference_must_show_in_more_blocks_than_of_two():
    # Faster in 13 of 15 blocks: p = 0.007, enough for one comparison and not for the first of 10.
    rivals = {f"m{i}": {b: 100 + (i + 1) * (3 if b > 1 else -3) for b in range(15)}
              for i in range(5)}
    two = stats.cell_comparisons({m: rivals[m] for m in ("m0", "m4")})
    assert [c.verdict for c in two] == [SLOWER]
    many = stats.cell_comparisons(rivals)
    assert {c.verdict for c in many if {c.one, c.other} == {"m0", "m4"}} == {NOT_RESOLVED}
    assert all(c.p_holm == pytest.approx(10 * c.ratio.p) for c in many)


def test_fewer_than_fifteen_blocks_give_hints_each_by_itself():
    hints = stats.cell_comparisons(cell(14, a=100, b=120, c=150))
    assert all(c.p_holm is None and c.verdict == SLOWER for c in hints)
    judged = stats.cell_comparisons(cell(15, a=100, b=120, c=150))
    assert all(c.p_holm is not None for c in judged)


def test_a_pair_with_fewer_blocks_than_its_cell_is_judged_with_the_others():
    times = cell(15, a=100, b=120, c=150)
    times["c"] = {b: t for b, t in times["c"].items() if b < 4}
    found = {(c.one, c.other): c for c in stats.cell_comparisons(times)}
    assert found["c", "a"].ratio.n == 4 and found["c", "a"].verdict == NOT_RESOLVED
    assert found["b", "a"].verdict == SLOWER


def test_two_are_told_apart_exactly_where_they_differ_by_more_than_could_be_seen():
    kinds = set()
    for seed in range(20):
        dice = random.Random(seed)
        times = {f"m{i}": {b: (100 + 2 * i) * dice.lognormvariate(0, 0.03) for b in range(15)}
                 for i in range(7)}
        for c in stats.cell_comparisons(times):
            told = c.p_holm <= 0.05
            kinds.add(told)
            apart = max(c.ratio.median, 1 / c.ratio.median)
            assert c.ratio.detectable is None or told == (apart > c.ratio.detectable)
    assert kinds == {True, False}


def test_a_tier_ends_where_a_model_is_proved_slower_than_its_first():
    noisy = {b: 100 * (1.3 if b % 2 else 0.85) for b in range(15)}
    times = cell(15, a=100, b=101, d=130, e=131) | {"c": noisy}
    found = stats.cell_comparisons(times)
    order = stats.by_median(times)
    assert set(order) == set("abcde") and order[-2:] == ["d", "e"]
    first, second = stats.tiers(order, found)
    assert set(first) >= {"a", "b", "c"} and set(first) | set(second) == set(order)
    assert "e" in second and stats.tiers(["x"], []) == [["x"]] and stats.tiers([], []) == []


# ---- percentiles, slopes, crossings ----

def test_a_percentile_is_allowed_where_two_values_lie_beyond_it_in_99_of_100_samples():
    dice = random.Random(1)
    for q, n in ((90, 64), (99, 662)):
        assert stats.percentile_allowed(q, n) and not stats.percentile_allowed(q, n - 1)
        enough = sum(sum(dice.random() > q / 100 for _ in range(n)) >= 2 for _ in range(600))
        assert enough >= 0.98 * 600


def test_one_odd_size_does_not_move_the_slope():
    points = [(n, n * 500) for n in (10_000, 50_000, 100_000, 500_000, 1_000_000)]
    assert stats.theil_sen(points) == 500
    odd = [(n, y * (1.3 if n == 100_000 else 1)) for n, y in points]
    assert stats.theil_sen(odd) == 500


def test_two_sizes_that_lie_close_do_not_outweigh_one_far_away():
    """Without weights the three short pairs, which are mostly noise, would win."""
    points = [(1000, 600_000), (2000, 500_000), (3000, 400_000), (1_000_000, 500_000_000)]
    assert 499 < stats.theil_sen(points) < 501


def test_the_slope_agrees_with_sens_own_example():
    # Sen (1968), "Estimates of the regression coefficient based on Kendall's tau": 4. The weights
    # change nothing here, for half of all reach lies at slopes up to 4.
    points = zip((1, 2, 3, 4, 10, 12, 18), (9, 15, 19, 20, 45, 55, 78))
    assert stats.theil_sen(list(points)) == 4


def test_without_two_sizes_there_is_no_slope():
    with pytest.raises(ValueError):
        stats.theil_sen([(3, 1.0), (3, 2.0)])


@pytest.mark.parametrize("cost", [0.5, 7.0, 300.0])
def test_a_fixed_cost_of_a_turn_is_its_least_grain_at_half_efficiency(cost):
    points = [(g, g / (g + cost)) for g in (cost / 20, cost * 50)]
    assert stats.metg(points) == pytest.approx(cost)
    assert stats.metg(points, 0.75) == pytest.approx(3 * cost)  # s / (1 - s) at a share of s


def test_where_half_is_never_or_always_reached_the_crossing_lies_outside():
    assert stats.metg([(1, 0.1), (10, 0.4)]) == inf
    assert stats.metg([(1, 0.5), (10, 0.4), (100, 0.6)]) > 10
    assert stats.metg([(1, 0.5), (10, 0.9)]) == -inf


# ---- the bootstrap ----

def test_a_bootstrap_draws_whole_blocks_and_one_seed_gives_one_interval():
    blocks = [[i, i + 0.5] for i in range(12)]
    seen = []

    def mean(drawn):
        seen.extend(drawn)
        assert len(drawn) == 12
        return sum(map(sum, drawn)) / 24

    found = stats.block_bootstrap(blocks, mean, seed=4)
    assert found == stats.block_bootstrap(blocks, mean, seed=4)
    assert found != stats.block_bootstrap(blocks, mean, seed=5)
    assert all(block in blocks for block in seen[:200])
    value, low, high = found
    # The mean of blocks of even spread: about two standard errors on either side.
    error = (sum((i - 5.5) ** 2 for i in range(12)) / 12 / 12) ** 0.5
    assert value == 5.75
    assert low == pytest.approx(value - 1.96 * error, abs=0.12)
    assert high == pytest.approx(value + 1.96 * error, abs=0.12)


def test_a_bootstrap_of_few_blocks_or_of_nothing_defined_has_no_interval():
    assert stats.block_bootstrap([1, 2, 3, 4, 5], max, seed=1) == (5, None, None)
    assert stats.block_bootstrap(list(range(9)), lambda drawn: None, seed=1) == (None, None, None)
