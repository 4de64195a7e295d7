"""Do the intervals and verdicts keep their promises? By simulation, where the truth is known.

    cd scripts && python3 -m pytest interleave/test_stats_simulation.py -q -s -p no:cacheprovider

prints each figure. All seeds are fixed: a figure changes where the statistics do, and only there.
"""

import random
from collections import Counter
from math import exp, log
from statistics import NormalDist

import pytest

from interleave import stats
from interleave.stats import FASTER, SLOWER
from interleave.verdicts import winning_tier

RUNS = 2000
NOISE = 0.03  # from run to run: the standard deviation of the logarithm of a time
SLOWDOWN = 1.05
MODELS = "abcdef"


def skewed(dice):
    """Like a time: never below a floor, skewed, and one in twenty far out. Its median is known."""
    return 0.9 + 0.1 * dice.lognormvariate(0, 1) * (1 if dice.random() < 0.95 else 8)


def median_of_skewed():
    """By bisection of its distribution: P(lognormal <= x) mixed of the two scales."""
    normal = NormalDist().cdf

    def below(x):
        return 0.95 * normal(log((x - 0.9) / 0.1)) + 0.05 * normal(log((x - 0.9) / 0.8))

    low, high = 0.9001, 2.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < 0.5 else (low, middle)
    return low


def weather(dice, blocks):
    """What a block does to all that run in it: half of them slow the machine by up to a third."""
    return [1 + max(0.0, dice.uniform(-1, 1)) / 3 for _ in range(blocks)]


def race(dice, blocks, noise=NOISE, **slower):
    """model -> block -> time, of models that are alike but for those named."""
    days = weather(dice, blocks)
    return {m: {b: days[b] * slower.get(m, 1.0) * dice.lognormvariate(0, noise)
                for b in range(blocks)} for m in MODELS}


def told(what, share):
    print(f"\n  {what}: {share * 100:.1f} %", end="")
    return share


@pytest.mark.parametrize("n", [6, 15, 30])
def test_the_interval_of_a_median_covers_it_in_94_of_100_runs(n):
    dice, truth = random.Random(n), median_of_skewed()
    inside = 0
    for _ in range(RUNS):
        e = stats.estimate([skewed(dice) for _ in range(n)])
        inside += e.low <= truth <= e.high
    share = told(f"median, skewed noise, n = {n}: covered", inside / RUNS)
    assert 0.94 <= share <= stats.interval_rank(n)[1] + 0.015


@pytest.mark.parametrize("n", [6, 15, 30])
def test_the_interval_of_a_paired_ratio_covers_it_in_94_of_100_runs(n):
    dice = random.Random(100 + n)
    inside = 0
    for _ in range(RUNS):
        days = weather(dice, n)
        ours, theirs = ({b: days[b] * level * skewed(dice) for b in range(n)}
                        for level in (1.1, 1.0))
        found = stats.compare_paired(ours, theirs)
        inside += found.low <= 1.1 <= found.high
    share = told(f"paired ratio, skewed noise, n = {n}: covered", inside / RUNS)
    assert 0.94 <= share <= stats.interval_rank(n)[1] + 0.015


@pytest.mark.parametrize("n", [6, 15, 30])
def test_the_interval_of_an_unpaired_ratio_covers_it_in_94_of_100_runs(n):
    dice = random.Random(200 + n)
    inside = 0
    for _ in range(RUNS):
        ours = [1.1 * skewed(dice) for _ in range(n)]
        found = stats.compare_unpaired(ours, [skewed(dice) for _ in range(n)])
        inside += found.low <= 1.1 <= found.high
    share = told(f"unpaired ratio, skewed noise, n = {n}: covered", inside / RUNS)
    assert 0.94 <= share <= stats._shift_rank(n, n)[1] + 0.02


@pytest.mark.parametrize("n", [6, 15, 30])
def test_a_model_compared_with_itself_is_called_different_in_at_most_5_of_100_runs(n):
    dice, said = random.Random(300 + n), Counter()
    for _ in range(RUNS):
        # So much noise that hardly anything is equivalent, which would be too easy.
        same = race(dice, n, noise=0.1)
        said["paired", stats.verdict(stats.compare_paired(same["a"], same["b"]))] += 1
        ours, theirs = ([dice.lognormvariate(0, 0.1) for _ in range(n)] for _ in "ab")
        said["unpaired", stats.verdict(stats.compare_unpaired(ours, theirs))] += 1
    for kind in ("paired", "unpaired"):
        different = (said[kind, SLOWER] + said[kind, FASTER]) / RUNS
        told(f"A/A, {kind}, n = {n}: called different", different)
        assert different <= 0.05
        assert different > 0.005  # or the test would be deaf


@pytest.mark.parametrize("n", [15, 30])
def test_of_a_cell_of_equal_models_any_is_called_different_in_at_most_5_of_100_runs(n):
    dice = random.Random(400 + n)
    corrected = alone = 0
    for _ in range(RUNS):
        found = stats.cell_comparisons(race(dice, n, noise=0.1))
        corrected += any(c.verdict in (SLOWER, FASTER) for c in found)
        alone += any(stats.verdict(c.ratio) in (SLOWER, FASTER) for c in found)
    told(f"A/A, {len(MODELS)} models, n = {n}: any of 15 pairs called different, without Holm",
         alone / RUNS)
    assert told("with Holm", corrected / RUNS) <= 0.05
    assert alone > 4 * corrected  # what Holm is for


def test_one_predeclared_comparison_finds_a_slowdown_of_5_per_cent_in_80_of_100_runs():
    dice, seen = random.Random(500), Counter()
    for _ in range(RUNS):
        times = race(dice, 15, a=SLOWDOWN)
        seen["paired"] += stats.compare_paired(times["a"], times["b"]).low > 1
        ours, theirs = ([level * dice.lognormvariate(0, NOISE) for _ in range(15)]
                        for level in (SLOWDOWN, 1.0))
        seen["unpaired"] += stats.compare_unpaired(ours, theirs).low > 1
    for kind in ("paired", "unpaired"):
        assert told(f"slowdown of 5 %, noise of 3 %, n = 15, {kind}: found",
                    seen[kind] / RUNS) >= 0.8


def test_the_corrected_report_of_a_cell_finds_it_in_80_of_100_runs():
    dice = random.Random(600)
    pairs = first = 0
    for _ in range(RUNS):
        times = race(dice, 30, a=SLOWDOWN)
        found = stats.cell_comparisons(times)
        pairs += sum(c.one == "a" and c.verdict == SLOWER for c in found)
        first += "a" in winning_tier(times).slower
    told("slowdown of 5 %, noise of 3 %, 6 models, n = 30: beside the fastest",
         first / RUNS)
    assert first >= 0.8 * RUNS
    assert told("beside each other model", pairs / 5 / RUNS) >= 0.8


def test_who_is_within_the_margin_is_called_equivalent_and_who_is_at_its_edge_hardly_ever():
    dice, said = random.Random(700), Counter()
    for _ in range(RUNS):
        times = race(dice, 30, noise=0.015, a=1.005, b=1.03)
        for m in "ab":
            said[m] += stats.verdict(stats.compare_paired(times[m], times["c"])) == stats.EQUIVALENT
    assert told("0.5 % apart, noise of 1.5 %, n = 30: called equivalent", said["a"] / RUNS) > 0.8
    assert told("3 % apart: called equivalent", said["b"] / RUNS) <= 0.05


def test_a_bootstrap_of_blocks_covers_roughly_as_often_as_it_says():
    dice, inside, runs = random.Random(800), 0, 1000
    truth = exp(NOISE**2 / 2)  # the mean of a lognormal
    for seed in range(runs):
        blocks = [dice.lognormvariate(0, NOISE) for _ in range(30)]
        _, low, high = stats.block_bootstrap(blocks, lambda drawn: sum(drawn) / 30, seed, 200)
        inside += low <= truth <= high
    assert 0.9 <= told("mean by bootstrap, n = 30: covered", inside / runs) <= 0.98
