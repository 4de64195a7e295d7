"""Is the reference compared with all others, pair by pair, and named as the data names it?"""

import json

import pytest

from interleave import fixtures
from interleave.chart_data import ChartData
from interleave.chart_reference import what_would_porting_buy as draw
from interleave.records import read_result
from interleave.sheet import COLUMN, PAGE, NothingToDraw, settings
from interleave.stats import median
from interleave.summary import summarise

NAME = "porting-from-the-reference"


@pytest.fixture(params=[PAGE, COLUMN], ids=["page", "column"])
def porting(request, drawings):
    return drawings[NAME, request.param]


def drawn(data, **changes):
    with settings():
        return draw(ChartData(data.result, dict(data.summary, **changes)), PAGE)


def test_each_scenario_is_shown_at_its_largest_size_with_all_models(porting, data):
    assert {r["panel"] for r in porting.rows} == {"fanout", "layers", "react", "compute", "parked"}
    assert {r["model"] for r in porting.rows} == {"", *fixtures.MODELS}
    [agents] = [t.get_text() for ax in porting.axes[:1] for t in ax.texts
                if "agents" in t.get_text()]
    assert agents == "10,000 agents"


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
    assert all(after[key] > 2.4 * before[key] for key in before if key[0] != "parked")


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
    for panel in ("fanout", "compute", "parked"):
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


def test_a_reference_measured_at_other_workers_only_is_said_to_be_so(data):
    with pytest.raises(NothingToDraw, match="default number of workers"):
        drawn(data, default_workers=64)


def test_with_every_model_one_of_each_family_is_drawn(of_every_model):
    drawing = of_every_model[NAME, PAGE]
    assert {r["model"] for r in drawing.rows} - {""} == {f for f, _, _ in fixtures.EVERY.values()}
    assert "10 of 21 models" in drawing.reading and "naive" not in drawing.reading


def test_naive_uses_are_no_choice_for_who_ports(data):
    models = [m | {"rung": "naive"} if m["model"] == "libuv" else m for m in data.summary["models"]]
    drawing = drawn(data, models=models)
    assert {r["model"] for r in drawing.rows} - {""} == set(fixtures.MODELS) - {"libuv"}
    assert "Without naive uses" in drawing.reading


def test_memory_and_cpu_time_stand_beside_the_time(porting, data):
    [slope] = [m["bytes_per_agent"]["median"] for m in data.summary["memory_per_agent"]
               if (m["scenario"], m["model"]) == ("parked", "asyncio")]
    assert f"waiting agent adds: asyncio {slope / 1000:.2f} kB, " in porting.note
    [cell] = [c for c in data.summary["cells"] if c["cell_id"].startswith("compute/agents=64/")
              and c["params"]["workers"] == 2]
    cost = next(r for r in cell["models"] if r["model"] == "asyncio")["cpu_s_per_1000_turns"]
    assert f"CPU time of 1,000 turns in compute, 64 agents: asyncio {cost['median']:.1f} s, " in \
        porting.note


def test_the_words_tell_how_many_times_as_fast(porting):
    assert "As fast as asyncio in fanout, 10,000 agents: asio 1.1" in porting.alt
