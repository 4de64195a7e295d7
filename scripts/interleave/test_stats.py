from math import comb

import pytest

from interleave import stats


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


def test_one_odd_size_does_not_move_the_slope():
    points = [(n, n * 500) for n in (10_000, 50_000, 100_000, 500_000, 1_000_000)]
    assert stats.theil_sen(points) == 500
    odd = [(n, y * (1.3 if n == 100_000 else 1)) for n, y in points]
    assert stats.theil_sen(odd) == 500


def test_two_sizes_that_lie_close_do_not_outweigh_one_far_away():
    """Without weights the three short pairs, which are mostly noise, would win."""
    points = [(1000, 600_000), (2000, 500_000), (3000, 400_000), (1_000_000, 500_000_000)]
    assert 499 < stats.theil_sen(points) < 501
