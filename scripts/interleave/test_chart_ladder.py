"""Does the ladder show every rung, at the right place, and only where there is a ladder?"""

import json

import pytest

from interleave import fixtures
from interleave.chart_data import ChartData
from interleave.chart_ladder import how_much_does_the_use_of_a_library_matter as draw
from interleave.sheet import COLUMN, PAGE, NothingToDraw, settings


@pytest.fixture(params=[PAGE, COLUMN], ids=["page", "column"])
def ladder(request, of_every_model):
    return of_every_model["ladder", request.param]


def drawn(data, summary):
    with settings():
        return draw(ChartData(data.result, summary), PAGE)


def shown_cell(drawing, data):
    [panel] = {row["panel"] for row in drawing.rows}
    [bound] = [row["y"] for row in drawing.rows if row["kind"] == "bound"]
    return next(c for c in data.summary["cells"] if c["scenario"] == panel and c["lb_ns"] == bound
                and c["params"]["workers"] == data.summary["default_workers"])


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
