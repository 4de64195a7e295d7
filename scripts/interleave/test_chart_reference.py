"""Is the reference compared with all others, pair by pair, and named as the data names it?"""

import json

import pytest

from interleave import chart_reference, fixtures, units
from interleave.chart_data import ChartData
from interleave.chart_reference import _times
from interleave.chart_reference import what_would_porting_buy as draw
from interleave.records import read_result
from interleave.sheet import COLUMN, PAGE, NothingToDraw, settings
from interleave.stats import Estimate, median
from interleave.summary import summarise

NAME = "porting-from-the-reference"


@pytest.fixture(params=[PAGE, COLUMN], ids=["page", "column"])
def porting(request, drawings):
    return drawings[NAME, request.param]


def drawn(data, **changes):
    with settings():
        return draw(ChartData(data.result, dict(data.summary, **changes)), PAGE)


def test_each_scenario_is_shown_at_its_largest_size_with_all_models(porting, data):
    assert {r["panel"] for r in porting.rows} == {"fanout", "layers", "react", "compute", "empty"}
    assert {r["model"] for r in porting.rows} == {"", *fixtures.MODELS}
    assert titles(porting) == [
        "10,000 agents, 2 workers, CPU share 1 %", "256 agents, 2 workers, CPU share 1 %",
        "100 agents, 2 workers, CPU share 10 %", "64 agents, 2 workers", "10,000 agents, 1 worker"]


def titles(drawing):
    return [t.get_text() for ax in drawing.axes for t in ax.texts if "agents, " in t.get_text()]


def test_how_many_times_as_fast_is_taken_within_blocks(porting, data):
    times = {}
    for s in data.result.measured():
        if s["scenario"] == "fanout" and s["params"]["agents"] == 10000:
            times[s["model"], s["block"]] = s["makespan_ns"]
    blocks = [b for m, b in times if m == "threads"]
    assert len(blocks) == 5  # one of its six was late
    [row] = [r for r in porting.rows
             if (r["panel"], r["model"], r["kind"]) == ("fanout", "threads", "times as fast")]
    ratios = [times["asyncio", b] / times["threads", b] for b in blocks]
    assert row["y"] == pytest.approx(median(ratios)) and row["n"] == 5


def test_a_slower_reference_makes_the_others_more_times_as_fast(data, tmp_path):
    result = read_result(fixtures.write_result(tmp_path, slower={"asyncio": 3.0}))
    slower = drawn(ChartData(result, summarise(result)))

    def ratio(drawing):
        return {(r["panel"], r["model"]): r["y"] for r in drawing.rows
                if r["kind"] == "times as fast"}

    before, after = ratio(drawn(data)), ratio(slower)
    assert before.keys() == after.keys()
    # In `empty` the made-up time is a cost that the factor leaves alone.
    assert all(after[key] > 2.4 * before[key] for key in before if key[0] != "empty")


def test_the_reference_comes_first_and_is_marked(porting):
    for ax in porting.axes:
        assert ax.get_yticklabels()[0].get_text() == "asyncio (reference)"


def test_the_question_names_the_reference_of_the_data(data):
    text = json.dumps(data.summary).replace("asyncio", "goroutines")
    told = ChartData(data.result, json.loads(text))
    told._raw = {(cell, "goroutines" if model == "asyncio" else model): samples
                 for (cell, model), samples in ChartData(data.result, data.summary)._raw.items()}
    told.raw = lambda cell, model: told._raw.get(
        (cell["cell_id"].replace("goroutines", "asyncio"), model), [])
    with settings():
        drawing = draw(told, PAGE)
    assert drawing.question == "What would porting from goroutines to C++ buy?"
    assert "asyncio" not in drawing.reading + drawing.alt


def test_the_bound_the_ideal_and_what_was_not_run_are_shown(porting):
    kinds = {(r["panel"], r["kind"]) for r in porting.rows}
    for panel in ("fanout", "compute", "layers"):
        assert {(panel, "bound"), (panel, "greedy")} <= kinds
    assert ("fanout", "sequential") in {(r["panel"], r["model"]) for r in porting.rows
                                        if r["kind"] == "not run"}


def test_without_a_reference_there_is_no_comparison_and_the_reason_says_so(data):
    with pytest.raises(NothingToDraw, match="no reference"):
        drawn(data, models=[m for m in data.summary["models"] if m["rung"] != "reference"])


def test_a_reference_alone_is_no_comparison(data):
    alone = json.loads(json.dumps(data.summary))
    for cell in alone["cells"]:
        cell["models"] = [r for r in cell["models"] if r["rung"] == "reference"]
    with pytest.raises(NothingToDraw, match="beside asyncio"):
        drawn(data, cells=alone["cells"])


def test_cells_at_other_workers_are_shown_and_named_where_there_is_none_at_the_default(data):
    drawing = drawn(data, default_workers=64)
    assert "64 agents, 2 workers" in titles(drawing)
    assert titles(drawing)[-1] == "10,000 agents, 1 worker"


def test_a_reference_measured_in_nothing_but_waits_is_no_comparison_of_time(data):
    with pytest.raises(NothingToDraw, match="its wait alone"):
        drawn(data, cells=[c for c in data.summary["cells"] if c["scenario"] == "parked"])


def test_with_every_model_each_family_is_drawn_at_its_best(of_every_model):
    drawing = of_every_model[NAME, PAGE]
    assert {r["model"] for r in drawing.rows} - {""} == {
        "sequential", "threads_tuned", "libuv_tuned", "asio_tuned", "tbb_tuned", "hybrid", "fiber",
        "openmp", "std_async", "asyncio"}
    assert "10 of 21 models: of each family the fastest that is not naive." in drawing.reading


def test_naive_uses_take_no_place_from_others(every):
    # Thirteen models, nine of them no naive use: all of these have room.
    kept = {*fixtures.MODELS, "thread_pool", "libuv_inline", "asio_single", "tbb_blocking",
            "asio_tuned", "tbb_tuned", "threads_tuned"}
    models = [m for m in every.summary["models"] if m["model"] in kept]
    cells = json.loads(json.dumps(every.summary["cells"]))
    for cell in cells:
        cell["models"] = [r for r in cell["models"] if r["model"] in kept]
    drawing = drawn(every, models=models, cells=cells)
    shown = {r["model"] for r in drawing.rows} - {""}
    assert shown == {*fixtures.MODELS, "asio_tuned", "tbb_tuned", "threads_tuned"}
    assert "13 models" not in drawing.reading and "Without naive uses" in drawing.reading


def test_naive_uses_are_no_choice_for_who_ports(data):
    models = [m | {"rung": "naive"} if m["model"] == "libuv" else m for m in data.summary["models"]]
    drawing = drawn(data, models=models)
    assert {r["model"] for r in drawing.rows} - {""} == set(fixtures.MODELS) - {"libuv"}
    assert "Without naive uses" in drawing.reading


def test_memory_and_cpu_time_stand_beside_the_time(porting, data):
    [slope] = [m["bytes_per_agent"]["median"] for m in data.summary["memory_per_agent"]
               if (m["scenario"], m["model"]) == ("parked", "asyncio")]
    head, rule, asyncio, *others = [line.strip("| ").split(" | ")
                                    for line in porting.note.splitlines()]
    assert asyncio[:2] == ["asyncio", f"{slope / 1000:.2f} kB"]
    assert len(head) == len(rule) == len(asyncio) and len(others) == len(fixtures.MODELS) - 1
    [cell] = [c for c in data.summary["cells"] if c["scenario"] == "empty"]
    cost = next(r for r in cell["models"] if r["model"] == "asyncio")["cpu_s_per_1000_turns"]
    assert asyncio[head.index("CPU time of 1,000 turns, empty")] == \
        units.duration(cost["median"] * 1e9)


def test_cpu_times_that_are_alike_are_left_out(porting):
    assert "CPU time of 1,000 turns, empty" in porting.note
    assert "CPU time of 1,000 turns, compute" not in porting.note


def test_a_run_with_hardly_any_cpu_time_tells_nothing_of_its_turns(data, monkeypatch):
    monkeypatch.setattr(chart_reference, "LEAST_CPU_NS", 1e15)
    assert "CPU time" not in drawn(data).note


def test_the_words_tell_how_many_times_as_fast(porting):
    assert ("Times as fast as asyncio in fanout, 10,000 agents, 2 workers, CPU share 1 %: "
            "asio 1.1") in porting.alt
    assert "×: times as fast as asyncio." in porting.reading
    assert "dots: each run" in porting.reading and "block" not in porting.reading


@pytest.mark.parametrize("estimate, words", [
    (Estimate(6, 1.02, 0.98, 1.1, 0.96), "about 1×"), (Estimate(6, 1.02, 1.01, 1.1, 0.96), "1.02×"),
    (Estimate(2, 1.02, None, None, None), "1.02×"), (Estimate(6, 0.004, 0.003, 0.005, 0.96),
                                                     "0.00400×"),
    (Estimate(6, 4500.2, 4400, 4600, 0.96), "4,500×")])
def test_a_ratio_has_three_digits_and_none_that_are_not_borne_out(estimate, words):
    assert _times(estimate) == words


def test_the_grey_names_the_cpus_of_the_panels_that_have_it(porting):
    assert "no machine with 2 CPUs can be faster" in porting.reading
