"""Is the CPU time of a model what was measured, and is what the work asks for told apart?"""

import json

import pytest

from interleave import fixtures, times_fixture
from interleave.chart_cpu import what_does_it_cost_in_cpu_time
from interleave.chart_data import ChartData
from interleave.cpu_cost import computing_asked_ns, cpu_cost, cpu_ns, cpu_table, shown_cells
from interleave.records import read_result
from interleave.sheet import COLUMN, PAGE, NothingToDraw, save, settings
from interleave.stacked import end_of
from interleave.summary import summarise
from interleave.test_charts import check_texts

MS = 1_000_000


@pytest.fixture(scope="module")
def all_models(tmp_path_factory):
    folder = times_fixture.write_result(tmp_path_factory.mktemp("all"), fixtures.EVERY)
    result = read_result(folder)
    return ChartData(result, summarise(result))


@pytest.fixture(scope="module", params=[PAGE, COLUMN], ids=["page", "column"])
def drawing(request, all_models):
    with settings():
        return what_does_it_cost_in_cpu_time(all_models, request.param)


def sample(model="a", **more):
    return {"cell_id": "c", "model": model, "turns": 500, "cpu_user_ns": 60 * MS,
            "cpu_sys_ns": 20 * MS, "harness_cpu_ns": 4 * MS, "nvcsw": 100, "nivcsw": 10,
            "units": 1000, "unit_cost_ns": {"mix": 650.0, "json": None}, "waits": 499,
            "blocks": 0, "t1_ns": 1000 * MS} | more


class Measured:
    def __init__(self, *samples):
        self.samples = samples

    def measured(self):
        return self.samples


def section(*samples, params=None):
    models = list(dict.fromkeys(s["model"] for s in samples))
    return cpu_cost(Measured(*samples), [{"cell_id": "c", "params": params or {},
                                          "models": [{"model": m} for m in models]}])


def medians(row):
    return {key: e["median"] for key, e in row.items() if isinstance(e, dict)}


def test_costs_are_of_1000_turns_and_without_the_watching_thread():
    [cell] = section(sample())
    assert medians(cell["models"][0]) == {
        "cpu_s_per_1000_turns": 0.152, "user_s_per_1000_turns": 0.114,
        "system_s_per_1000_turns": 0.038, "voluntary_switches_per_1000_turns": 200,
        "involuntary_switches_per_1000_turns": 20}


def test_user_and_system_add_up_to_the_cpu_time_of_the_table(all_models):
    cells = {c["cell_id"]: c for c in all_models.summary["cells"]}
    for cost in all_models.summary["cpu_cost"]:
        table = {r["model"]: r["cpu_s_per_1000_turns"] for r in cells[cost["cell_id"]]["models"]}
        for row in cost["models"]:
            assert row["cpu_s_per_1000_turns"] == table[row["model"]]
    for s in all_models.result.measured():
        total = s["cpu_user_ns"] + s["cpu_sys_ns"]
        assert cpu_ns(s) == total - s["harness_cpu_ns"]


def test_a_watching_thread_that_took_more_than_was_counted_leaves_nothing_below_zero():
    [cell] = section(sample(harness_cpu_ns=100 * MS), sample("b", cpu_user_ns=0, cpu_sys_ns=0))
    assert set(medians(cell["models"][0]).values()) == {0, 200, 20}
    assert medians(cell["models"][1])["cpu_s_per_1000_turns"] == 0


def test_runs_with_heartbeats_are_left_out():
    assert section(sample(), params={"heartbeat_us": 1000}) == []


def test_computing_that_is_asked_for_is_told_only_where_it_is_known():
    assert computing_asked_ns(sample()) == 650_000
    assert computing_asked_ns(sample(units=0, unit_cost_ns=None)) == 0
    two = {"mix": 650.0, "json": 700.0}
    assert computing_asked_ns(sample(unit_cost_ns=two)) is None
    assert computing_asked_ns(sample(unit_cost_ns=two, waits=0)) == 1000 * MS
    assert computing_asked_ns(sample(unit_cost_ns=two, waits=0, blocks=3)) is None
    assert computing_asked_ns({}) is None
    told = sample(unit_cost_ns=two, time_of_turns={"computing_ns": 670_000, "queued_ns": 9})
    assert computing_asked_ns(told) == 670_000  # several kernels: only the turns know


def test_what_is_asked_for_is_of_the_least_cost_seen_so_that_nobody_takes_less():
    [cell] = section(sample(), sample("b", unit_cost_ns={"mix": 640.0}))
    assert cell["asked_s_per_1000_turns"] == pytest.approx(640 * 1000 / 500 / 1e6)
    assert cell["asked_share"] == pytest.approx(0.000645)


def pair(name, costs, asked=0.5, share=0.05, workers=2, turns=1000):
    rows = [{"model": m, "cpu_s_per_1000_turns": {"median": x},
             "voluntary_switches_per_1000_turns": {"median": 1}} for m, x in costs.items()]
    return ({"cell_id": name, "params": {"workers": workers},
             "models": [{"model": m} for m in costs]},
            {"cell_id": name, "turns": turns, "asked_s_per_1000_turns": asked,
             "asked_share": share, "models": rows})


def choice(*pairs):
    return [c["cell_id"] for c, _ in shown_cells({
        "cells": [c for c, _ in pairs], "cpu_cost": [cost for _, cost in pairs],
        "default_workers": 2})]


def test_one_cell_that_mostly_waits_is_shown_and_one_whose_turns_do_nothing():
    computing = pair("computing", dict(a=1, b=9), share=1.0)
    near = pair("near", dict(a=1, b=1.1))
    far = pair("far", dict(a=1, b=2))
    parked = pair("parked", dict(a=1, b=9), asked=0, share=0)
    unknown = pair("unknown", dict(a=1, b=9), asked=None, share=None)
    empty = pair("empty", dict(a=1, b=2), asked=0, share=None)
    assert choice(computing, near, far, parked, unknown, empty) == ["far", "empty"]
    assert choice(computing, parked) == ["parked"]
    assert choice(computing, unknown) == []


def test_cells_of_the_study_of_grain_are_shown_only_where_there_are_no_others():
    agents, grain = pair("agents", dict(a=1, b=1.1)), pair("grain", dict(a=1, b=9, c=1))
    grain[0]["params"]["grain_us"] = 3
    assert choice(grain, agents) == ["agents"]
    assert choice(grain) == ["grain"]


def test_a_run_that_took_hardly_any_cpu_time_is_not_shown():
    assert choice(pair("tiny", dict(a=1, b=9), turns=0.0001)) == []
    short = pair("short", dict(a=0.001, b=0.009))  # its split is a guess
    assert choice(short) == ["short"]
    assert choice(short, pair("long", dict(a=1, b=1.2))) == ["long"]


def test_the_bars_are_user_then_system_and_switches_stand_beside_them(drawing, all_models):
    cell, cost = shown_cells(all_models.summary)[0]
    rows = {r["model"]: r for r in cost["models"]}
    models = [m for m in all_models.about if m in {r["model"] for r in drawing.rows}]
    kinds = [("user_s_per_1000_turns", "system_s_per_1000_turns", 1e9),
             ("voluntary_switches_per_1000_turns", "involuntary_switches_per_1000_turns", 1)]
    for ax, (dark, light, unit) in zip(drawing.axes, kinds):
        end = end_of([(rows[m][dark]["median"] + rows[m][light]["median"]) * unit
                      for m in models if m in rows])
        for y, model in enumerate(models):
            bars = [b for group in ax.containers for b in group
                    if round(b.get_y() + b.get_height() / 2) == y]
            if model not in rows or (rows[model][dark]["median"]
                                     + rows[model][light]["median"]) * unit > end:
                continue
            widths = [rows[model][key]["median"] * unit for key in (dark, light)]
            assert [b.get_width() for b in bars] == pytest.approx(widths, rel=0.01)


def test_what_the_work_asks_for_is_marked_and_explained(drawing, all_models):
    _, cost = shown_cells(all_models.summary)[0]
    asked = cost["asked_s_per_1000_turns"] * 1e9
    lines = [line.get_xdata()[0] for line in drawing.axes[0].lines if len(line.get_xdata()) == 2]
    assert pytest.approx(asked) in lines
    assert "Grey: the computing that the work itself asks for" in drawing.reading
    [row] = [r for r in drawing.rows if r["kind"] == "asked for"]
    assert row["y"] == cost["asked_s_per_1000_turns"]


def test_the_cheapest_and_the_dearest_are_drawn_whatever_their_rung(drawing, all_models):
    drawn = {r["model"] for r in drawing.rows} - {""}
    assert len(drawn) <= 14
    for _, cost in shown_cells(all_models.summary):
        ranked = sorted(cost["models"], key=lambda r: r["cpu_s_per_1000_turns"]["median"])
        assert {ranked[0]["model"], ranked[-1]["model"]} <= drawn


def test_a_model_that_was_not_run_in_a_cell_says_so_in_place_of_a_bar(drawing):
    assert "not run: ≥ 808 s" in [t.get_text() for t in drawing.axes[0].texts]


def test_with_every_model_no_text_lies_on_another(drawing):
    check_texts(drawing)


def test_the_table_tells_every_model_that_was_measured(all_models):
    text = cpu_table(all_models.summary)
    for name in fixtures.EVERY:
        assert f"| `{name}` | " in text
    assert "the work itself asks for 800 ms of computing" in text


def test_a_result_without_switches_has_no_figure_and_no_table(data):
    with pytest.raises(NothingToDraw, match="switches"):
        what_does_it_cost_in_cpu_time(data, PAGE)
    assert cpu_table(data.summary) == ""
    older = {k: v for k, v in data.summary.items() if k != "cpu_cost"}
    assert shown_cells(older) == []


def test_identical_data_gives_identical_bytes(all_models, tmp_path):
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        with settings():
            save(what_does_it_cost_in_cpu_time(all_models, COLUMN), folder, "cpu-cost")
    first, second = ([p.read_bytes() for p in sorted(f.iterdir())] for f in folders)
    assert len(first) == 3 and first == second


def test_a_run_too_short_to_be_sampled_has_a_sum_and_no_split():
    [cell] = section(sample(cpu_user_ns=9 * MS, cpu_sys_ns=10 * MS, harness_cpu_ns=0))
    [row] = cell["models"]
    assert row["cpu_s_per_1000_turns"]["median"] == 0.038
    assert row["user_s_per_1000_turns"] is row["system_s_per_1000_turns"] is None


def test_a_bar_without_a_split_has_a_look_of_its_own_and_says_so(all_models):
    summary = json.loads(json.dumps(all_models.summary))
    for cost in summary["cpu_cost"]:
        for row in cost["models"]:
            if row["model"] == "asio":
                row |= {"user_s_per_1000_turns": None, "system_s_per_1000_turns": None}
    with settings():
        drawn = what_does_it_cost_in_cpu_time(ChartData(all_models.result, summary), PAGE)
    bars = [b for group in drawn.axes[0].containers for b in group]
    models = [t.get_text() for t in drawn.axes[0].get_yticklabels()]
    rows = [models[round(b.get_y() + b.get_height() / 2)] for b in bars]
    assert rows.count("asio") == 1 and rows.count("tbb") == 2
    assert "too short to tell" in [t.get_text() for t in drawn.axes[0].texts]
    assert "| – | – |" in cpu_table(summary)


def test_a_wide_interval_has_room_and_the_text_stands_behind_it(all_models):
    summary = json.loads(json.dumps(all_models.summary))
    [(_, shown), *_] = shown_cells(summary)
    [row] = [r for r in shown["models"] if r["model"] == "asio"]
    row["cpu_s_per_1000_turns"]["high"] *= 3
    with settings():
        drawn = what_does_it_cost_in_cpu_time(ChartData(all_models.result, summary), PAGE)
    high = row["cpu_s_per_1000_turns"]["high"] * 1e9
    ax = drawn.axes[0]
    assert high < ax.get_xlim()[1]
    assert any(text.xy[0] == high for text in ax.texts if hasattr(text, "xy"))
