"""Is it told right how long turns take, from the histograms of all runs, and how sure that is?"""

import json
import random

import pytest

from interleave import fixtures
from interleave.chart_data import ChartData
from interleave.chart_latency import how_long_does_a_turn_take as draw
from interleave.records import read_result
from interleave.responsiveness_fixture import MS, bucket
from interleave.sheet import COLUMN, PAGE, NothingToDraw, settings
from interleave.summary import summarise
from interleave.test_charts import check_texts
from interleave.turn_latency import curve, percentiles

SLOW = {"threads": 3.0, "asyncio": 1.5, "libuv": 1.2}


def latency(values):
    counts = {}
    for value in values:
        counts[bucket(value)] = counts.get(bucket(value), 0) + 1
    return {"n": len(values), "p50": None, "p90": None, "p99": None, "max": max(values),
            "histogram": [[upper, counts[upper]] for upper in sorted(counts)]}


def runs(*values_of_blocks):
    return [{"block": i, "latency": latency(values)} for i, values in enumerate(values_of_blocks)]


def of_a_run(dice, sample):
    slow = SLOW.get(sample["family"], 1) ** (0.3 if sample["scenario"] == "layers" else 1)
    luck = dice.lognormvariate(0, 0.05)
    return latency([int(20 * MS * slow * luck * dice.lognormvariate(0, 0.8)) for _ in range(300)])


def write_result(folder, models=None, blocks=6, make=of_a_run):
    """A result of fixtures.write_result in which turns that wait have kept their latencies."""
    path = fixtures.write_result(folder, models=models, blocks=blocks)
    dice, lines = random.Random(3), []
    for line in (path / "samples.jsonl").read_text().splitlines():
        sample = json.loads(line)
        if sample["scenario"] in ("fanout", "layers", "react") and sample.get("makespan_ns"):
            sample["latency"] = make(dice, sample)
        lines.append(json.dumps(sample) + "\n")
    (path / "samples.jsonl").write_text("".join(lines))
    return path


def known(path):
    result = read_result(path)
    return ChartData(result, summarise(result))


@pytest.fixture(scope="module")
def six(tmp_path_factory):
    return known(write_result(tmp_path_factory.mktemp("six")))


@pytest.fixture(scope="module")
def all_models(tmp_path_factory):
    return known(write_result(tmp_path_factory.mktemp("all"), models=fixtures.EVERY))


@pytest.fixture(params=[(which, width) for which in ("six", "all_models")
                        for width in (PAGE, COLUMN)], ids=str)
def drawing(request):
    which, width = request.param
    with settings():
        return draw(request.getfixturevalue(which), width)


def test_a_percentile_is_that_of_all_turns_together_and_no_average():
    early, late = [1 * MS] * 90 + [2 * MS] * 10, [9 * MS] * 100
    found = {q: ns for q, ns, *_ in percentiles(runs(early, late), seed=1)}
    assert found[50] == bucket(2 * MS)  # 90 and 10 of 200 turns; the mean of two medians is 5 ms
    assert found[90] == 9 * MS  # nothing exceeds the longest that was seen


def test_a_percentile_needs_turns_enough():
    def told(n):
        return [q for q, *_ in percentiles(runs([1 * MS] * n), seed=1)]

    assert told(63) == [50] and told(64) == [50, 90]
    assert told(662) == [50, 90, 99] and told(6636) == [50, 90, 99, 99.9]
    assert curve(runs([1 * MS] * 63)) == [] and curve(runs([1 * MS] * 64))[-1][0] < 97


def test_an_interval_is_as_wide_as_blocks_differ_and_of_few_there_is_none():
    alike = percentiles(runs(*[[5 * MS] * 100] * 6), seed=1)[0]
    apart = percentiles(runs(*[[i * MS] * 100 for i in range(1, 7)]), seed=1)[0]
    assert alike[1] == alike[2] == alike[3]
    assert apart[2] < 3 * MS and 4 * MS < apart[3]
    assert percentiles(runs(*[[i * MS] * 100 for i in range(1, 6)]), seed=1)[0][2:] == (None, None)


def test_one_seed_gives_one_interval():
    made = runs(*[[i * MS, 2 * i * MS] * 50 for i in range(1, 8)])
    assert percentiles(made, seed=4) == percentiles(made, seed=4)


def test_the_scenarios_are_drawn_in_which_models_lie_furthest_apart(six):
    with settings():
        page, column = draw(six, PAGE), draw(six, COLUMN)
    assert {row["panel"] for row in page.rows} == {"fanout", "layers", "react"}
    assert page.rows == column.rows  # the CSV is of both
    shown = {ax.get_gid().split("-")[1] for ax in column.axes}
    assert shown == {"fanout", "react"} and len(page.axes) == 6


def test_the_rows_hold_percentiles_with_intervals(six):
    with settings():
        rows = draw(six, PAGE).rows
    asio, threads = ([r for r in rows if (r["panel"], r["model"], r["kind"]) ==
                      ("react", model, "percentile")] for model in ("asio", "threads"))
    assert [r["x"] for r in asio] == [50, 90, 99]
    for one, other in zip(asio, threads):
        assert one["low"] <= one["y"] <= one["high"] < other["low"]


def test_every_line_lies_within_its_panel(drawing):
    for ax in drawing.axes:
        low, high = ax.get_ylim()
        for line in ax.lines:
            if line.get_transform() != ax.transAxes:
                assert low <= min(line.get_ydata()) and max(line.get_ydata()) <= high


def test_no_text_lies_on_another_or_leaves_the_figure(drawing):
    check_texts(drawing)


def test_without_histograms_there_is_a_reason(data):
    with pytest.raises(NothingToDraw, match="kept how long its turns took"):
        draw(data, PAGE)
