"""Do merged histograms tell what all their durations together would?"""

import random

import pytest

from interleave.histograms import curve, share_above
from interleave.stats import count, highest_percentile, merge, percentile, percentile_allowed

MS = 1_000_000


def test_merging_adds_what_lies_between_the_same_borders():
    assert merge([[[10, 1], [30, 2]], [[20, 5], [30, 1]], None, []]) == [[10, 1], [20, 5], [30, 3]]
    assert merge([]) == [] and count([]) == 0 and count([[10, 1], [30, 2]]) == 3


def test_merging_leaves_the_histograms_as_they_were():
    first = [[10, 1]]
    merge([first, [[10, 4]]])
    assert first == [[10, 1]]


def test_a_percentile_of_a_merger_is_no_average_of_percentiles():
    quiet, stalled = [[1 * MS, 900]], [[100 * MS, 100]]
    assert percentile(quiet, 50) == 1 * MS and percentile(stalled, 50) == 100 * MS
    assert percentile(merge([quiet, stalled]), 50) == 1 * MS
    assert percentile(merge([quiet, stalled]), 90) == 1 * MS
    assert percentile(merge([quiet, stalled]), 99) == 100 * MS


@pytest.mark.parametrize("q, needed", [(50, 1), (90, 64), (99, 662), (99.9, 6636)])
def test_a_percentile_needs_enough_durations(q, needed):
    assert percentile([[5, needed]], q) == 5
    assert percentile_allowed(q, needed)
    assert highest_percentile(needed) == pytest.approx(q, abs=0.2 * (100 - q)) or q == 50
    assert needed == 1 or percentile([[5, needed - 1]], q) is None
    assert percentile([], q) is None


def test_the_rank_is_the_nearest_above():
    h = [[1, 990], [2, 9], [3, 1]]
    assert percentile(h, 99) == 1
    assert percentile([[1, 989], [2, 10], [3, 1]], 99) == 2
    assert percentile([[1, 9990], [2, 10]], 99.9) == 1  # a product of floats would be one too high


def test_percentiles_are_those_of_the_durations_themselves():
    dice = random.Random(3)
    parts = [[dice.randrange(1, 500) for _ in range(n)] for n in (1000, 50, 700)]
    merged = merge([[[v, part.count(v)] for v in sorted(set(part))] for part in parts])
    everything = sorted(v for part in parts for v in part)
    for q, rank in ((50, 875), (90, 1575), (99, 1733)):
        assert percentile(merged, q) == everything[rank - 1]


def test_nothing_exceeds_the_longest_where_that_is_known():
    assert percentile([[5, 10], [100, 10]], 50, longest=97) == 5
    assert percentile([[5, 10], [100, 80]], 90, longest=97) == 97
    assert curve([[100, 80]], longest=97)[-1][1] == 97


def test_the_share_above_a_threshold_counts_all_of_a_bucket_that_may_be_above():
    h = [[10, 6], [20, 3], [30, 1]]
    assert [share_above(h, ns) for ns in (0, 10, 19, 20, 30)] == [1, 0.4, 0.4, 0.1, 0]
    assert share_above([], 10) is None


def test_a_curve_rises_and_ends_where_the_durations_do():
    points = curve([[10, 600], [20, 55], [30, 7]])
    assert points[:2] == [(0.0, 10), (pytest.approx(600 / 6.62), 10)]
    assert points[-1] == (pytest.approx(99, abs=0.01), 30)
    assert points == sorted(points)
    assert curve([]) == []


def test_a_curve_does_not_reach_what_only_one_duration_shows():
    assert curve([[10, 660], [99, 2]])[-1][1] == 10  # 2 of 662 are beyond the 99th
    assert curve([[10, 3]]) == [(0.0, 10), (50.0, 10)]


def test_a_curve_and_percentiles_are_one_thing():
    h = [[10, 4000], [20, 2000], [30, 600], [40, 100]]
    points = curve(h)
    for q in (50, 75, 90, 99, 99.9):
        assert percentile(h, q) == next(ns for at, ns in points if at >= q)
