"""Is a difference told from a tie, and a tie from not knowing?"""

from math import exp, log

import pytest

from interleave.stats import EQUIVALENT, FASTER, NOT_RESOLVED, SLOWER, compare_paired, verdict
from interleave.verdicts import ratio_of_estimates, tier_of_estimates, winning_tier

WEATHER = [1.0, 2.0, 0.5, 1.5, 3.0, 0.7, 1.1, 0.9]  # what disturbs a block disturbs it for all


def times(level, blocks=8, spread=0.0):
    """One model's times by block: the machine changes much from block to block, it little."""
    return {b: level * WEATHER[b] * (1 + spread * (-1) ** b) for b in range(blocks)}


def test_pairs_within_blocks_show_a_difference_that_medians_would_hide():
    slow, fast = times(105), times(100)
    assert max(fast.values()) > 2 * min(slow.values())
    found = compare_paired(slow, fast)
    assert (found.median, found.low, found.high) == pytest.approx((1.05, 1.05, 1.05))
    assert verdict(found) == SLOWER
    assert verdict(compare_paired(fast, slow)) == FASTER


def test_the_median_and_the_interval_are_those_of_the_logarithms():
    ratios = [0.9, 1.0, 1.1, 1.2, 1.3, 1.5]
    found = compare_paired(dict(enumerate(ratios)), dict.fromkeys(range(6), 1))
    assert found.n == 6
    assert found.median == pytest.approx(exp((log(1.1) + log(1.2)) / 2))
    assert (found.low, found.high) == pytest.approx((0.9, 1.5))  # of six values: the whole range


def test_of_fifteen_blocks_the_interval_leaves_out_three_at_each_end():
    ratios = {b: 1.01 + b / 1000 for b in range(15)}
    found = compare_paired(ratios, dict.fromkeys(range(15), 1))
    assert (found.low, found.high) == pytest.approx((1.013, 1.021))


@pytest.mark.parametrize("low, high, said", [
    (1.0, 1.03, EQUIVALENT), (1 / 1.03, 1.03, EQUIVALENT), (1.01, 1.02, EQUIVALENT),
    (1.01, 1.031, SLOWER), (0.9, 0.99, FASTER), (0.99, 1.05, NOT_RESOLVED),
    (0.97, 1.02, NOT_RESOLVED), (1.0, 1.04, NOT_RESOLVED)])
def test_a_verdict_follows_from_where_the_interval_lies(low, high, said):
    log_ratios = [low, low, low, (low * high) ** 0.5, high, high, high]
    assert verdict(compare_paired(dict(enumerate(log_ratios)), dict.fromkeys(range(7), 1.0))) == said


def test_a_wide_interval_around_one_is_no_tie():
    noisy = {b: t * (1.2 if b % 2 else 0.85) for b, t in times(100).items()}
    assert verdict(compare_paired(noisy, times(100))) == NOT_RESOLVED


def test_five_blocks_resolve_nothing_and_six_do():
    assert verdict(compare_paired(times(300, 5), times(100, 5))) == NOT_RESOLVED
    assert verdict(compare_paired(times(300, 6), times(100, 6))) == SLOWER
    few = winning_tier({"a": times(100, 5), "b": times(300, 5)}, {"c": 10_000})
    assert (few.best, few.tied, few.unresolved, few.slower) == ("a", [], ["b", "c"], [])


def test_only_blocks_that_both_have_count():
    assert compare_paired({1: 5.0, 2: 7.0}, {3: 5.0}) is None
    assert verdict(None) == NOT_RESOLVED
    assert compare_paired({1: 5.0, 2: 8.0, 9: 1.0}, {1: 5.0, 2: 4.0}).n == 2


def test_a_tier_has_every_model_in_its_place():
    found = winning_tier(
        {"best": times(100), "alike": times(101, spread=0.002), "slow": times(130),
         "noisy": {b: t * (1.3 if b % 2 else 0.9) for b, t in times(100).items()}},
        {"ruled_out": 1_000.0, "may_yet": 150.0})
    assert found.best == "best" and found.tied == ["alike"] and found.winners == ["best", "alike"]
    assert found.unresolved == ["noisy", "may_yet"]
    assert found.slower == ["slow", "ruled_out"]
    assert found.ratios["slow"].median == pytest.approx(1.3)
    assert found.at_least == {"ruled_out": pytest.approx(1_000 / 300)}  # over the best's high end


def test_a_tier_of_fifteen_blocks_is_judged_as_a_whole_and_one_of_fewer_is_a_hint():
    for blocks, hint in ((14, True), (15, False)):
        found = winning_tier({m: {b: level * WEATHER[b % 8] for b in range(blocks)}
                              for m, level in (("a", 100), ("b", 120))})
        assert found.hint == hint and found.slower == ["b"]


def test_the_margin_decides_what_is_tied():
    pair = {"a": times(100), "b": times(105)}
    assert winning_tier(pair).slower == ["b"] and winning_tier(pair, margin=0.06).tied == ["b"]


def test_a_model_without_any_time_is_in_no_tier():
    assert winning_tier({"a": {}, "b": {}}) is None
    assert winning_tier({"a": times(1), "b": {}}).slower == []


def test_a_model_that_blocks_prefer_to_the_least_median_leaves_it_open():
    # Least median, but beaten by 5 % in each block that both have.
    lucky = {b: 100.0 for b in range(7)} | {b: 10.0 for b in range(7, 15)}
    rival = {b: 95.0 for b in range(7)}
    found = winning_tier({"lucky": lucky, "rival": rival})
    assert found.best == "lucky" and found.unresolved == ["rival"]


def estimate(median, low, high, n=8):
    return {"n": n, "median": median, "low": low, "high": high, "coverage": 0.99}


def test_estimates_without_pairs_are_compared_by_the_widest_ratio_that_they_allow():
    found = ratio_of_estimates(estimate(200, 190, 210), estimate(100, 95, 105))
    assert (found.median, found.low, found.high) == pytest.approx((2, 190 / 105, 210 / 95))
    assert verdict(ratio_of_estimates(estimate(100, 99, 101), estimate(100, 99, 101))) == EQUIVALENT
    wide = ratio_of_estimates(estimate(104, 98, 110), estimate(100, 97, 103))
    assert verdict(wide) == NOT_RESOLVED
    assert verdict(ratio_of_estimates(estimate(200, None, None), estimate(1, 1, 1))) == NOT_RESOLVED


def test_a_tier_of_estimates_is_like_one_of_times():
    found = tier_of_estimates({"a": estimate(160, 158, 161), "b": estimate(161, 160, 162),
                               "c": estimate(900, 800, 950), "d": None})
    assert (found.best, found.tied, found.slower) == ("a", ["b"], ["c"])
    assert tier_of_estimates({"d": None}) is None
