"""Does the fit find the law behind the numbers, and does it stay silent where it cannot know?"""

import random

import pytest

from interleave.chart_data import ChartData
from interleave.chart_makespan import what_does_one_more_worker_buy
from interleave.records import Result
from interleave.sheet import COLUMN, PAGE, settings
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


def over_workers(counts, law):
    """One summary of `compute` at these numbers of workers, in which one model follows the law."""
    rows = [{"model": "asio", "n": 6, "makespan_ns": {
        "n": 6, "median": round(1e9 / law.speed(n)), "low": None, "high": None, "coverage": None},
        "efficiency": None, "skipped_by_bound": False, "lb_model_ns": None} for n in counts]
    cells = [{"cell_id": f"compute/{n}", "scenario": "compute", "cpus": n, "lb_ns": None,
              "greedy_ns": None, "models": [row], "params": {"agents": 64, "workers": n}}
             for n, row in zip(counts, rows)]
    summary = {"models": [{"model": "asio", "family": "asio", "rung": "idiomatic"}],
               "cells": cells, "default_workers": counts[-1], "machine": {}, "result_id": "made up",
               "created_utc": None, "trust": {"level": "with caution"}}
    return ChartData(Result(None, {}, [], samples_of(cells)), summary)


def samples_of(cells):
    return [{"cell_id": c["cell_id"], "model": "asio", "status": "ok", "mode": "timed",
             "makespan_ns": c["models"][0]["makespan_ns"]["median"]} for c in cells]


def test_the_figure_draws_the_fitted_law_and_has_its_numbers():
    law = Law(1.0, 0.08, 0.006)
    with settings():
        drawing = what_does_one_more_worker_buy(over_workers((1, 2, 4, 8), law), PAGE)
    rows = {(r["kind"], r["x"]): r["y"] for r in drawing.rows}
    assert rows["scaling law: queueing share", ""] == pytest.approx(0.08, rel=1e-3)
    assert rows["scaling law: cost of agreeing", ""] == pytest.approx(0.006, rel=1e-3)
    assert rows["scaling law", 8] == pytest.approx(1e9 / law.speed(8), rel=1e-6)
    assert "Gunther's scaling law" in drawing.reading
    [curve] = [line for line in drawing.axes[0].lines if len(line.get_xdata()) > 20]
    for x, y in zip(curve.get_xdata(), curve.get_ydata()):
        assert y == pytest.approx(1e9 / law.speed(x), rel=1e-3)


def test_with_too_few_numbers_of_workers_the_figure_says_why_there_is_no_law():
    for width in (PAGE, COLUMN):
        with settings():
            drawing = what_does_one_more_worker_buy(over_workers((1, 2), Law(1.0, 0.1, 0.0)), width)
        assert "a scaling law is fitted from four numbers of workers on" in drawing.reading
        assert not [r for r in drawing.rows if r["kind"].startswith("scaling law")]


def test_other_figures_of_makespan_say_nothing_of_the_law(drawings):
    assert "scaling law" not in drawings["makespan-over-agents", PAGE].reading
    assert "scaling law is fitted from" in drawings["makespan-over-workers", PAGE].reading
