"""Does the ladder show every rung, at the right place, and only where there is a ladder?"""

import json
import math

import pytest

from interleave import fixtures
from interleave.chart_data import ChartData
from interleave.chart_ladder import how_much_does_the_use_of_a_library_matter as draw
from interleave.chart_ladder import log_ticks
from interleave.sheet import COLUMN, PAGE, NothingToDraw, settings


@pytest.fixture(params=[PAGE, COLUMN], ids=["page", "column"])
def ladder(request, of_every_model):
    return of_every_model["ladder", request.param]


def drawn(data, summary):
    with settings():
        return draw(ChartData(data.result, summary), PAGE)


def shown_cell(drawing, data):
    [panel] = {row["panel"] for row in drawing.rows}
    [cell] = [c for c in data.summary["cells"] if drawing.alt.startswith(
        f"Times of {panel}, {c['params']['agents']:,} agents, {c['params']['workers']} workers, ")
        and c["scenario"] == panel]
    return cell


def without(summary, keep):
    """The summary of a result in which only the models were measured that `keep` takes."""
    told = json.loads(json.dumps(summary))
    told["models"] = [m for m in told["models"] if keep(m)]
    names = {m["model"] for m in told["models"]}
    for cell in told["cells"]:
        cell["models"] = [row for row in cell["models"] if row["model"] in names]
    return told


def test_every_model_has_its_median_or_its_bound_with_its_rung(ladder, every):
    cell = shown_cell(ladder, every)
    rungs = {name: rung for name, _, rung in fixtures.LADDER}
    for row in cell["models"]:
        plotted = [r for r in ladder.rows if r["model"] == row["model"] and r["kind"] != "raw"]
        assert [r["x"] for r in plotted] == [rungs[row["model"]]]
        if row["makespan_ns"]:
            assert [(r["kind"], r["y"]) for r in plotted] == [
                ("median", row["makespan_ns"]["median"])]
        else:
            assert [(r["kind"], r["y"]) for r in plotted] == [("not run", row["lb_model_ns"])]
    assert {"median", "not run", "raw", "bound", "greedy"} == {r["kind"] for r in ladder.rows}
    assert len(cell["models"]) == len(fixtures.EVERY)


def test_the_markers_stand_where_the_numbers_say_and_what_was_not_run_is_hollow(ladder, every):
    [ax] = ladder.axes
    markers = {}
    for line in ax.lines:
        if line.get_marker() not in (".", "None", None):
            markers[round(line.get_xdata()[0])] = line.get_markerfacecolor()
    for row in ladder.rows:
        if row["kind"] in ("median", "not run"):
            assert (markers[round(row["y"])] == "white") == (row["kind"] == "not run"), row
            assert ax.get_xlim()[0] < row["y"] < ax.get_xlim()[1]


def test_families_follow_each_other_and_rungs_climb_within_them(ladder, every):
    [ax] = ladder.axes
    heights = {t.get_text(): t.get_position()[1] for t in ax.texts if t.get_text() in every.about}
    in_order = sorted(fixtures.EVERY, key=lambda name: heights[name])
    families = [fixtures.EVERY[name][0] for name in in_order]
    assert len(list(dict.fromkeys(families))) == len(
        [f for i, f in enumerate(families) if i == 0 or f != families[i - 1]])
    rungs = ["naive", "idiomatic", "tuned"]
    asio = [fixtures.EVERY[name][1] for name in in_order if fixtures.EVERY[name][0] == "asio"]
    assert len(asio) == 5 and asio == sorted(asio, key=rungs.index)
    assert families[-1] == "asyncio"


def fanout(every, keep=lambda m: True):
    """The largest fanout alone: two families have a naive use that was not run there."""
    told = without(every.summary, keep)
    told["cells"] = [c for c in told["cells"] if c["scenario"] == "fanout"
                     and c["params"]["agents"] == 10000]
    return told


def test_what_never_ran_does_not_stretch_the_axis_and_runs_off_it(every):
    drawing = drawn(every, fanout(every))
    [ax] = drawing.axes
    medians = [r["y"] for r in drawing.rows if r["kind"] == "median"]
    assert max(medians) < ax.get_xlim()[1] <= 3 * max(medians)
    assert [r["y"] for r in drawing.rows if r["model"] == "sequential"] == [808_000_000_000]
    [text] = [t for t in ax.texts if "808 s" in t.get_text()]
    assert text.get_text() == "not run: ≥ 808 s  ▶" and text.xy[0] == 1


def test_a_model_that_is_alone_in_its_family_does_not_stretch_the_axis(every):
    summary = fanout(every)
    for row in summary["cells"][0]["models"]:
        if row["model"] == "openmp":
            row["makespan_ns"] = {"median": 500_000_000_000, "low": None, "high": None, "n": 6}
            row["efficiency"] = None
    [ax] = drawn(every, summary).axes
    assert ax.get_xlim()[1] < 50_000_000_000
    assert "500 s  ▶" in [t.get_text() for t in ax.texts]


def test_the_bound_of_what_never_ran_makes_no_ladder(every):
    rungs = ("thread_pool", "threads")  # the first was not run
    with pytest.raises(NothingToDraw):
        drawn(every, fanout(every, lambda m: m["model"] in rungs))


def test_the_cell_is_the_one_in_which_measured_rungs_lie_furthest_apart(of_every_model, every):
    cell = shown_cell(of_every_model["ladder", PAGE], every)
    times = {r["model"]: r["makespan_ns"]["median"] for r in cell["models"] if r["makespan_ns"]}
    assert times["thread_pool"] > 10 * times["threads_tuned"]


@pytest.mark.parametrize("inches", [1.9, 3.0, 5.0])
def test_every_axis_has_ticks_enough_to_read_a_factor_and_none_on_another(inches):
    for step in range(40):
        for factor in (3, 5, 9, 30, 300, 3000):
            low = 1e5 * 10 ** (step / 10)
            apart = inches / math.log10(factor)
            ticks = log_ticks(low, low * factor, apart)
            assert len(ticks) >= 2, (low, factor)
            assert low <= ticks[0] and ticks[-1] <= low * factor
            for a, b in zip(ticks, ticks[1:]):
                assert math.log10(b / a) * apart > 0.3


def test_the_reading_is_short_and_the_rule_stands_in_the_note(ladder):
    assert len(ladder.reading.split(". ")) <= 5
    assert "Shown: where use matters most." in ladder.reading
    assert "furthest apart" in ladder.note and "interval" in ladder.note


def test_each_family_is_named_in_bold_at_either_width(ladder):
    [ax] = ladder.axes
    bold = {t.get_text() for t in ax.texts if t.get_weight() == "bold"}
    assert {"threads", "libuv", "asio", "tbb"} <= bold


def test_without_a_family_on_two_rungs_there_is_no_ladder_and_the_reason_says_so(data):
    with pytest.raises(NothingToDraw, match="two rungs"):
        drawn(data, data.summary)


def test_two_models_on_one_rung_are_no_ladder(every):
    with pytest.raises(NothingToDraw):
        drawn(every, without(every.summary, lambda m: m["model"] in ("asio", "asio_offload")))


def test_one_family_on_two_rungs_is_enough(every):
    drawing = drawn(every, without(every.summary, lambda m: m["model"] in ("tbb", "tbb_tuned")))
    assert {r["model"] for r in drawing.rows} == {"", "tbb", "tbb_tuned"}


def test_the_cell_has_waits_and_computing_and_most_models(of_every_model, every):
    cell = shown_cell(of_every_model["ladder", PAGE], every)
    assert cell["params"]["cpu_share"] > 0
    summary = json.loads(json.dumps(every.summary))
    for other in summary["cells"]:
        if other["cell_id"] == cell["cell_id"]:
            other["models"] = [r for r in other["models"] if r["model"] != "fiber"]
    assert shown_cell(drawn(every, summary), every)["cell_id"] != cell["cell_id"]


def test_cells_without_waits_are_shown_where_there_are_no_others(every):
    summary = dict(every.summary, cells=[c for c in every.summary["cells"]
                                         if c["scenario"] == "compute"])
    assert {r["panel"] for r in drawn(every, summary).rows} == {"compute"}


def test_turns_with_nothing_to_do_have_a_ladder_without_a_bound(every):
    summary = dict(every.summary, cells=[c for c in every.summary["cells"]
                                         if c["scenario"] == "empty"])
    drawing = drawn(every, summary)
    assert {r["kind"] for r in drawing.rows} == {"median", "raw"}


def test_the_words_name_every_model_with_its_rung_by_family(ladder):
    for name, family, rung in fixtures.LADDER:
        assert f"{rung} {name} " in ladder.alt and f"{family}: " in ladder.alt
