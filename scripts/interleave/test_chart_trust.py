"""Does the figure about trust show what moved the times, and does the page say the same?"""

import json
import re

import pytest

from . import canary, fixtures, trust_fixture
from .chart_data import ChartData
from .chart_trust import _marks, _signed, can_i_trust_this_run
from .records import read_result
from .sheet import COLUMN, PAGE, NothingToDraw, settings
from .summary import summarise
from .trust_fixture import DISTURBED, cell_id
from .trust_table import trust_table


def of(folder):
    result = read_result(folder)
    return ChartData(result, summarise(result))


def drawn(data, width=PAGE):
    with settings():
        return can_i_trust_this_run(data, width)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return of(trust_fixture.write_result(tmp_path_factory.mktemp("trust")))


@pytest.fixture(scope="module")
def drawing(data):
    return drawn(data)


def change(folder, file, edit):
    rows = [json.loads(line) for line in (folder / file).read_text().splitlines()]
    (folder / file).write_text("".join(json.dumps(edit(row)) + "\n" for row in rows))


def rows_of(drawing, panel, kind=""):
    return [r for r in drawing.rows if r["panel"] == panel and r["kind"].startswith(kind)]


@pytest.mark.parametrize("width", [PAGE, COLUMN])
def test_all_that_was_watched_has_a_panel(data, width):
    drawing = drawn(data, width)
    assert len(drawing.axes) == 4
    assert {r["panel"] for r in drawing.rows} == {"A/A", "canary", "order", "all samples"}


def test_each_pair_of_a_model_with_itself_is_there_with_its_interval(data, drawing):
    pairs = rows_of(drawing, "A/A", "second")
    assert {(r["model"], r["x"]) for r in pairs} == {
        ("asio", cell_id(*cell)) for cell in trust_fixture.CELLS}
    assert all(r["low"] <= r["y"] <= r["high"] for r in pairs)
    floor = data.summary["noise"]["floor"]
    assert max(abs(r["y"] - 1) for r in pairs) == pytest.approx(floor)
    assert len(rows_of(drawing, "A/A", "raw")) == sum(r["n"] for r in pairs)


def test_every_sample_is_there_and_those_of_disturbed_blocks_are_hollow(data, drawing):
    points = rows_of(drawing, "all samples")
    timed = [s for s in data.result.samples if s["mode"] == "timed"]
    assert len(points) == len(timed)
    hollow = [r for r in points if r["kind"] == "disturbed"]
    assert len(hollow) == len(DISTURBED) * len(trust_fixture.MODELS)
    assert min(r["y"] for r in hollow) > 1.2 > max(r["y"] for r in points if r not in hollow)
    marks = [line for line in drawing.axes[3].lines if line.get_marker() == "o"]
    assert {line.get_markerfacecolor() == "none" for line in marks} == {True, False}


def test_a_canary_that_was_off_is_told_apart(data, drawing):
    assert len(rows_of(drawing, "canary", "kernel")) == len(data.result.canaries)
    off = rows_of(drawing, "canary", "kernel, disturbed")
    assert len(off) == len(DISTURBED)
    assert all(abs(r["y"] - 1) > canary.TOLERANCE for r in off)
    assert "2 of 60 blocks" in drawing.reading and "2 of 60 blocks" in drawing.alt


def test_a_night_between_run_and_resumption_is_no_measuring(drawing):
    assert max(r["x"] for r in rows_of(drawing, "all samples")) < 10  # minutes
    assert "Dotted: the run was resumed." in drawing.reading
    dotted = [[line for line in ax.lines if line.is_dashed()] for ax in drawing.axes]
    assert [len(lines) for lines in dotted] == [0, 1, 0, 1]
    starts = [r["x"] for r in rows_of(drawing, "canary", "kernel")]
    assert list(dotted[1][0].get_xdata()) == [pytest.approx(sorted(starts)[35], abs=1e-3)] * 2


def test_a_place_in_the_block_that_is_slower_is_seen(tmp_path):
    folder = trust_fixture.write_result(tmp_path)
    change(folder, "samples.jsonl", lambda s: s | {
        "makespan_ns": int(s["makespan_ns"] * (1.08 if s["position"] == 0 else 1))})
    found = {r["x"]: r for r in rows_of(drawn(of(folder)), "order")}
    assert found[1]["low"] > 1.05 and all(found[x]["y"] < 1.02 for x in range(2, 6))


def test_without_canary_and_pair_the_other_panels_remain_and_the_words_say_so(tmp_path):
    folder = trust_fixture.write_result(tmp_path, again=None)
    (folder / "canary.jsonl").unlink()
    drawing = drawn(of(folder))
    assert {r["panel"] for r in drawing.rows} == {"order", "all samples"}
    assert "No A/A pair and no canary was recorded." in drawing.reading
    assert not any(r["kind"] == "disturbed" for r in drawing.rows)


def test_a_result_that_does_not_say_when_samples_ran_has_no_panel_over_time(data, tmp_path):
    drawing = drawn(of(fixtures.write_result(tmp_path)))
    assert {r["panel"] for r in drawing.rows} == {"order"}


def test_a_run_of_one_block_has_nothing_to_compare(tmp_path):
    folder = fixtures.write_result(tmp_path, profile="smoke", blocks=1)
    with pytest.raises(NothingToDraw, match="compared with itself"):
        drawn(of(folder))


def test_a_canary_that_failed_each_time_is_no_panel(tmp_path):
    folder = trust_fixture.write_result(tmp_path)
    change(folder, "canary.jsonl", lambda row: row | dict.fromkeys(canary.MEASURED))
    assert "canary" not in {r["panel"] for r in drawn(of(folder)).rows}


def test_many_pairs_are_drawn_with_the_names_of_the_farthest(data):
    pair = data.summary["noise"]["pairs"][0]
    many = [pair | {"ratio": {"median": 1 + i / 100, "low": None, "high": None}}
            for i in range(-20, 21)]
    fuller = ChartData(data.result, data.summary | {
        "noise": data.summary["noise"] | {"pairs": many}})
    drawing = drawn(fuller)
    assert len(rows_of(drawing, "A/A", "second")) == 41
    assert len([t for t in drawing.axes[0].get_yticklabels() if t.get_text()]) == 2
    table = trust_table(fuller.summary)
    assert table.count("A/A: `asio`") == 10 and "31 other cells, all within | 15 %" in table


def test_what_belongs_to_a_model_can_be_hidden(drawing, data):
    named = {artist.get_gid() for artist in drawing.figure.findobj() if artist.get_gid()}
    for model in trust_fixture.MODELS:
        assert any(re.fullmatch(rf"model-{model}-\d+", gid) for gid in named), model


@pytest.mark.parametrize("low, high", [(0.97, 1.03), (0.97, 1.4), (0.5, 1.03), (0.1, 40),
                                       (0.96, 1.06)])
def test_an_axis_has_few_marks_and_1_among_them(low, high):
    marks = _marks(low, high)
    assert 1 in marks and 2 <= len(marks) <= 5
    assert all(low * 0.999 <= m <= high * 1.001 for m in marks)


@pytest.mark.parametrize("ratio, words", [(1, "0 %"), (1.012, "+1.2 %"), (0.97, "−3 %"),
                                          (2, "2 ×"), (0.5, "0.5 ×"), (12.34, "12 ×")])
def test_a_ratio_is_told_in_per_cent_until_it_is_twice(ratio, words):
    assert _signed(ratio) == words


def test_the_page_has_a_row_for_all_that_was_watched(data):
    table = trust_table(data.summary)
    assert "A/A: `asio` in fanout of 1,000 agents, n = 14" in table
    assert "disturbed of 60 blocks | 2 (3.3 %) | 10 %" in table
    assert "host took while samples ran | none | 0.5 %" in table


def test_an_older_result_has_no_such_table(tmp_path):
    summary = summarise(read_result(fixtures.write_result(tmp_path)))
    assert trust_table(summary) == ""
    del summary["noise"], summary["trust"]["guards"]
    assert trust_table(summary) == ""


def test_a_canary_that_never_told_anything_has_no_row_of_how_far_it_was_off(data):
    noise = data.summary["noise"]
    silent = noise | {"canary": noise["canary"] | {"kernel_off": [None, None],
                                                   "sleep_off": [None, None]}}
    table = trust_table(data.summary | {"noise": silent})
    assert "disturbed of 60 blocks" in table and "canary: " not in table
