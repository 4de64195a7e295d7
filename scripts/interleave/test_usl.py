"""Does the fit find the law behind the numbers, and does it stay silent where it cannot know?"""

import random

import pytest

from interleave.usl import Law, fit

COUNTS = (1, 2, 4, 8, 16)


@pytest.mark.parametrize("law", [Law(100.0, 0.05, 0.002), Law(3e-3, 0.2, 0.0), Law(7.0, 0.0, 0.01),
                                 Law(1.0, 0.0, 0.0)])
def test_the_law_behind_exact_numbers_is_recovered(law):
    found, why = fit([(n, law.speed(n)) for n in COUNTS])
    assert why is None
    assert found.l == pytest.approx(law.l, rel=1e-9)
    assert (found.s, found.k) == pytest.approx((law.s, law.k), abs=1e-9)


def test_the_law_behind_noisy_numbers_is_recovered_within_the_noise():
    dice, law = random.Random(3), Law(50.0, 0.08, 0.004)
    found, _ = fit([(n, law.speed(n) * (1 + dice.gauss(0, 0.01))) for n in COUNTS * 6])
    assert found.l == pytest.approx(law.l, rel=0.02)
    assert found.s == pytest.approx(law.s, abs=0.02)
    assert found.k == pytest.approx(law.k, abs=0.001)


def test_a_speed_beyond_linear_gives_no_negative_share():
    found, _ = fit([(1, 1.0), (2, 2.1), (4, 4.5), (8, 9.8)])
    assert found.s == 0 and found.k == 0
    assert 1.0 < found.l < 1.25


def test_one_parameter_at_zero_does_not_stop_the_other_from_fitting():
    law = Law(1.0, -0.01, 0.02)  # not allowed: the best with s = 0 is wanted
    found, _ = fit([(n, law.speed(n)) for n in COUNTS])
    assert found.s == 0 and 0.015 < found.k < 0.02


@pytest.mark.parametrize("counts", [(), (1,), (1, 2), (1, 2, 4), (2, 2, 2, 2), (1, 1, 2, 2, 3, 3)])
def test_fewer_than_four_different_numbers_of_workers_give_no_law_but_the_reason(counts):
    found, why = fit([(n, float(n)) for n in counts])
    assert found is None
    assert why == "a scaling law is fitted from four numbers of workers on"


def test_four_are_enough():
    found, why = fit([(n, float(n)) for n in (1, 2, 3, 4)])
    assert found is not None and why is None


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan")])
def test_a_speed_that_is_none_gives_no_law(bad):
    found, why = fit([(1, 1.0), (2, 2.0), (4, bad), (8, 8.0)])
    assert found is None and "not positive" in why


def test_where_agreeing_costs_there_is_a_number_of_workers_beyond_which_more_are_slower():
    law = Law(1.0, 0.1, 0.01)
    best = law.best_count()
    assert best == pytest.approx(90 ** 0.5)
    assert law.speed(best) > law.speed(best * 1.1) and law.speed(best) > law.speed(best / 1.1)
    assert Law(1.0, 0.1, 0.0).best_count() is None
