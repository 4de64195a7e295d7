import csv
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from matplotlib.figure import Figure

from interleave import charts, fixtures, style, units
from interleave.chart_bars import waiting_or_computing
from interleave.chart_data import ChartData
from interleave.chart_lines import log_y
from interleave.chart_makespan import who_finishes_first_as_agents_grow
from interleave.chart_memory import what_does_an_agent_cost
from interleave.charts import FIGURES, draw_all, plans
from interleave.labels import spread
from interleave.model_files import model_files
from interleave.options import default_models
from interleave.records import read_result
from interleave.sheet import COLUMN, PAGE, NothingToDraw, settings
from interleave.summary import summarise
from interleave.markdown_tables import markdown_table

SCRIPTS = Path(__file__).resolve().parent.parent
FORBIDDEN = 1_234_567  # the makespan of the fixture's invalid sample


def test_every_question_has_its_figure(drawings):
    assert {name for name, _ in drawings} >= {
        "makespan-over-agents", "who-wins", "waiting-or-computing", "porting-from-the-reference",
        "timeline-layers-16", "efficiency-over-agents", "makespan-over-workers",
        "memory-of-parked", "trust"}


def test_with_every_model_there_is_the_ladder_too(of_every_model):
    assert {name for name, _ in of_every_model} >= {
        "makespan-over-agents", "who-wins", "waiting-or-computing", "ladder",
        "porting-from-the-reference",
        "timeline-layers-16", "efficiency-over-agents", "makespan-over-workers",
        "memory-of-parked", "trust"}


def test_an_invalid_sample_is_in_no_figure(drawings, data):
    assert any(s["makespan_ns"] == FORBIDDEN for s in data.result.samples)
    for drawing in drawings.values():
        for row in drawing.rows:
            assert row.get("y") != FORBIDDEN
            if row.get("panel") == "react" and row["model"] == "libuv" and row["x"] == 100:
                assert row["n"] in (None, 5)
    points = [r for r in drawings["makespan-over-agents", PAGE].rows if r["kind"] == "raw"
              and (r["panel"], r["model"], r["x"]) == ("react", "libuv", 100)]
    assert len(points) == 5


def test_a_skipped_model_is_hollow_at_its_bound_and_has_no_median(drawings):
    rows = [r for r in drawings["makespan-over-agents", PAGE].rows
            if (r["panel"], r["model"], r["x"]) == ("fanout", "sequential", 10000)]
    assert [(r["kind"], r["y"]) for r in rows] == [("not run", 808_000_000_000)]


def test_a_model_that_the_machine_could_not_run_is_not_drawn_at_its_bound(drawings):
    rows = [r for r in drawings["makespan-over-agents", PAGE].rows
            if (r["panel"], r["model"], r["x"]) == ("parked", "threads", 100000)]
    assert rows == []


def test_no_point_lies_below_the_bound(drawings):
    for name in ("makespan-over-agents", "makespan-over-workers"):
        rows = drawings[name, PAGE].rows
        bound = {(r["panel"], r["x"]): r["y"] for r in rows if r["kind"] == "bound"}
        for r in rows:
            assert r["y"] >= bound[r["panel"], r["x"]]


def test_other_data_gives_another_figure(data, drawings, tmp_path):
    result = read_result(fixtures.write_result(tmp_path, slower={"libuv": 2.0}))
    with settings():
        slower = next(draw for name, draw in plans(ChartData(result, summarise(result)))
                      if name == "makespan-over-agents")(PAGE)

    def medians(drawing, model):
        return [r["y"] for r in drawing.rows if (r["kind"], r["model"]) == ("median", model)]

    before = drawings["makespan-over-agents", PAGE]
    assert all(a > b * 1.5 for a, b in zip(medians(slower, "libuv"), medians(before, "libuv")))
    assert medians(slower, "sequential") == medians(before, "sequential")


def test_every_plotted_number_lies_within_its_panel(drawings):
    for name in ("memory-of-parked", "makespan-over-agents", "efficiency-over-agents"):
        for ax in drawings[name, PAGE].axes:
            low, high = ax.get_ylim()
            ys = [y for line in ax.lines for y in line.get_ydata()]
            assert ys and low <= min(ys) and max(ys) <= high, name


def test_an_interval_far_below_its_median_is_not_cut_off(data):
    summary = json.loads(json.dumps(data.summary))
    rows = [r for c in summary["cells"] if c["scenario"] == "parked" for r in c["models"]
            if r["own_memory_bytes"]]
    rows[0]["own_memory_bytes"]["low"] = 1000
    with settings():
        ax = what_does_an_agent_cost(ChartData(data.result, summary), PAGE).axes[0]
    assert ax.get_ylim()[0] < 1000


def test_three_decades_have_a_tick_at_every_third():
    with settings():
        ax = Figure().add_subplot()
        log_y(ax, [2e8, 76e9], units.duration)
        low, high = ax.get_ylim()
        shown = [y for y in ax.get_yticks() if low <= y <= high]
    assert shown == pytest.approx([3e8, 1e9, 3e9, 1e10, 3e10])


def test_the_grey_says_in_every_panel_what_it_is(drawings):
    for width in (PAGE, COLUMN):
        for name in ("makespan-over-agents", "makespan-over-workers"):
            for ax in drawings[name, width].axes:
                assert "faster than possible" in [t.get_text() for t in ax.texts], name


def test_the_ideal_scheduler_is_a_dashed_line_and_is_explained(drawings):
    for name in ("makespan-over-agents", "makespan-over-workers", "waiting-or-computing",
                 "efficiency-over-agents"):
        for width in (PAGE, COLUMN):
            drawing = drawings[name, width]
            assert "Dashed: an ideal scheduler without any overhead" in drawing.reading
            for ax in drawing.axes:
                assert style.IDEAL["color"] in [line.get_color() for line in ax.lines], name


def boxes(drawing):
    """Every text of a figure with the rectangle that it covers, in pixels."""
    figure = drawing.figure
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    texts = [t for t in figure.texts if t.get_text()]
    for ax in figure.axes:
        texts += [t for t in ax.texts if t.get_text()]
        texts += [ax.xaxis.label, ax.yaxis.label]
        texts += [t for t in ax.get_xticklabels() + ax.get_yticklabels() if t.get_text()
                  and _inside(ax, t)]
    return [(t.get_text(), t.get_window_extent(renderer)) for t in texts if t.get_text()]


def _inside(ax, tick):
    """Matplotlib keeps tick labels outside the limits, and does not draw them."""
    x, y = tick.get_position()
    is_x = tick in ax.get_xticklabels()
    low, high = sorted(ax.get_xlim() if is_x else ax.get_ylim())
    return low <= (x if is_x else y) <= high


def check_texts(drawing, where=""):
    """No text of the figure lies on another or leaves it."""
    found, edge = boxes(drawing), drawing.figure.bbox
    for i, (text, box) in enumerate(found):
        assert box.x0 >= edge.x0 and box.x1 <= edge.x1, f"{where} {text!r}"
        assert box.y0 >= edge.y0 and box.y1 <= edge.y1, f"{where} {text!r}"
        for other, rival in found[i + 1:]:
            across = min(box.x1, rival.x1) - max(box.x0, rival.x0)
            along = min(box.y1, rival.y1) - max(box.y0, rival.y0)
            # Boxes have room for the tails of letters: two pixels may be shared.
            assert across <= 1 or along <= 2, f"{where} {text!r} lies on {other!r}"


@pytest.mark.parametrize("which", ["drawings", "of_every_model"])
def test_no_text_lies_on_another_or_leaves_the_figure(which, request):
    for (name, width), drawing in request.getfixturevalue(which).items():
        check_texts(drawing, f"{name} at {width}:")


def test_no_text_is_smaller_than_seven_points(drawings, of_every_model):
    for drawing in [*drawings.values(), *of_every_model.values()]:
        texts = drawing.figure.findobj(lambda a: hasattr(a, "get_fontsize") and a.get_text())
        assert min(t.get_fontsize() for t in texts) >= 7


def draw_elsewhere(folder, out, seed, matplotlibrc):
    """Starts drawing two figures in a process of its own, with its own hashes, date and rc file."""
    code = ("import sys; from pathlib import Path\n"
            "from interleave import charts\n"
            "from interleave.records import read_result\n"
            "from interleave.summary import summarise\n"
            "r = read_result(sys.argv[1])\n"
            "charts.WIDTHS = ((7.2, ''),)\n"
            "charts.draw_all(r, summarise(r), Path(sys.argv[2]),"
            " only=('makespan-over-workers', 'timeline'))\n")
    return subprocess.Popen([sys.executable, "-c", code, folder, out], cwd=SCRIPTS,
                            env={**os.environ, "PYTHONHASHSEED": seed,
                                 "MATPLOTLIBRC": str(matplotlibrc),
                                 "SOURCE_DATE_EPOCH": f"{seed}00000000"})


def hashes(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


def test_identical_data_gives_identical_bytes_in_two_processes_of_two_users(data, tmp_path):
    outs = [tmp_path / "a", tmp_path / "b"]
    tastes = [tmp_path / "plain.rc", tmp_path / "dark.rc"]
    tastes[0].write_text("")
    tastes[1].write_text("axes.facecolor: black\nxtick.direction: in\nlines.markeredgewidth: 3\n"
                         "grid.linestyle: --\nsavefig.bbox: tight\n")
    running = [draw_elsewhere(data.result.path, out, str(i), taste)
               for i, (out, taste) in enumerate(zip(outs, tastes), 1)]
    assert [process.wait() for process in running] == [0, 0]
    first, second = map(hashes, outs)
    assert len(first) == 8  # two figures: SVG, PDF, PNG, CSV
    assert first == second


def test_a_figure_is_written_in_every_format_with_its_words_inside(data, tmp_path):
    drawn, left_out = draw_all(data.result, data.summary, tmp_path, only=("memory-of-parked",))
    assert left_out == []
    assert sorted(drawn[0]["files"]) == sorted(p.name for p in tmp_path.iterdir())
    svg = (tmp_path / "memory-of-parked.svg").read_text()
    assert "<title" in svg and "Bytes per further agent" in svg
    assert ">What does a waiting agent cost?</text>" in svg  # text is text, not outlines
    with (tmp_path / "memory-of-parked.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {r["model"] for r in rows} == {"asio", "asyncio", "libuv", "tbb", "threads"}


def test_a_result_without_data_gives_reasons_instead_of_figures(data, tmp_path):
    empty = data.summary | {"cells": [], "memory_per_agent": []}
    result = read_result(data.result.path)
    result.samples = []
    drawn, left_out = draw_all(result, empty, tmp_path)
    assert drawn == []
    assert len(left_out) == len(FIGURES) and all(f["why"] for f in left_out)


def said(name, family=None, rung="idiomatic"):
    return {"model": name, "family": family or name, "rung": rung}


def test_an_unknown_model_has_a_look_that_does_not_depend_on_its_company():
    alone = style.styles([said("crow")])["crow"]
    among = style.styles([said("asio"), said("crow"), said("tbb")])["crow"]
    assert alone == among
    assert alone.colour not in {colour for colour, _, _ in style.FAMILIES.values()}


def test_a_rung_has_the_same_mark_in_every_family_and_the_familys_colour():
    looks = style.styles([said(name, family, rung) for name, family, rung in fixtures.LADDER])
    for rung in ("naive", "tuned"):
        marked = [looks[name] for name, family, its in fixtures.LADDER
                  if its == rung and name != family]
        assert len(marked) > 2
        assert len({(look.marker, look.dash) for look in marked}) == 1
        assert len({look.colour for look in marked}) == len(marked)
    assert looks["tbb"].colour == looks["tbb_blocking"].colour


def test_no_two_of_the_suites_models_look_the_same():
    looks = style.styles([said(name, family, rung) for name, family, rung in fixtures.LADDER])
    assert len(looks) > 20
    assert len({(look.colour, look.marker) for look in looks.values()}) == len(looks)


def test_two_unknown_models_of_one_family_and_rung_are_told_apart():
    looks = style.styles([said("tbb"), said("tbb_a", "tbb"), said("tbb_b", "tbb"),
                          said("tbb_tuned", "tbb", "tuned"), said("tbb_best", "tbb", "tuned")])
    assert len({look.marker for look in looks.values()}) == 5


def test_a_reference_is_marked_as_one_and_stands_last():
    models = [said("zig", rung="reference"), said("asyncio", rung="reference"), said("zoo")]
    looks = style.styles(models)
    assert looks["asyncio"].label == "asyncio (reference)"
    assert looks["asyncio"].colour not in {look[0] for look in style.FAMILIES.values()}
    assert [m["model"] for m in sorted(models, key=style.model_order)] == ["zoo", "asyncio", "zig"]
    assert len({look.marker for look in looks.values()}) == 3


def test_a_rung_that_the_name_does_not_tell_is_written_beside_it():
    looks = style.styles([said("asio_single", "asio", "naive"), said("asio_tuned", "asio", "tuned"),
                          said("asio")])
    assert looks["asio_single"].label == "asio_single (naive)"
    assert looks["asio_tuned"].label == "asio_tuned" and looks["asio"].label == "asio"


def test_five_unknown_families_look_different():
    looks = style.styles([said(f"model_{i}") for i in range(5)])
    assert len({s.colour for s in looks.values()}) == 5


def test_labels_keep_their_distance_their_order_and_the_room():
    placed = spread([10, 10, 10, 50], gap=9, low=4, high=60)
    assert all(b - a >= 9 - 1e-9 for a, b in zip(placed, placed[1:]))
    assert min(placed) >= 4 and max(placed) <= 60
    assert placed[3] == 50


def test_labels_without_enough_room_share_it():
    assert spread([5, 5, 5], gap=9, low=0, high=10) == [0, 5, 10]


def test_a_cell_that_nothing_was_measured_in_is_not_drawn(data):
    with pytest.raises(NothingToDraw):
        nothing = ChartData(data.result, data.summary | {"cells": []})
        waiting_or_computing(nothing, PAGE)


def test_a_graph_from_a_file_without_a_number_of_agents_is_summarised_and_drawn(tmp_path):
    path = fixtures.write_result(tmp_path)
    for name in ("plan.jsonl", "samples.jsonl"):
        rows = [json.loads(line) for line in (path / name).read_text().splitlines()]
        rows = [r for r in rows if r["scenario"] == "layers" and r["params"]["agents"] == 16]
        for r in rows:
            r["scenario"] = r["cell_id"] = "my graph/v2"
            r["params"]["agents"] = None
        (path / name).write_text("".join(json.dumps(r) + "\n" for r in rows))
    result = read_result(path)
    summary = summarise(result)
    assert "**my graph/v2**" in markdown_table(summary)
    drawn, left_out = draw_all(result, summary, tmp_path / "figures")
    drawn = {d["name"] for d in drawn}
    assert {"porting-from-the-reference", "timeline-my-graph-v2-16"} <= drawn
    assert len(left_out) == len(FIGURES) - len(drawn)


def test_with_every_model_lines_show_each_librarys_plain_use_and_its_fastest(of_every_model, every):
    for name in ("makespan-over-agents", "efficiency-over-agents", "makespan-over-workers",
                 "timeline-layers-16"):
        drawing = of_every_model[name, PAGE]
        shown = {r["model"] for r in drawing.rows} - {""}
        assert shown == {*fixtures.MODELS, "threads_tuned", "libuv_tuned", "asio_tuned",
                         "tbb_tuned"}, name
        assert "10 of 21 models: libraries in plain use, then at their best." in drawing.reading
    for name in every.about:
        assert f"| `{name}` |" in markdown_table(every.summary)


def test_a_few_models_are_all_drawn_and_their_marks_explained(every):
    few = only(every, lambda m: m["family"] in ("asio", "tbb"))
    with settings():
        drawing = who_finishes_first_as_agents_grow(few, PAGE)
    assert len({r["model"] for r in drawing.rows} - {""}) == 9
    assert "cross: naive, star: tuned" in drawing.reading
    assert "models:" not in drawing.reading


def test_of_several_cpu_shares_the_one_measured_most_is_drawn_and_named(data):
    cells = json.loads(json.dumps(data.summary["cells"]))
    for cell in list(cells):
        if cell["scenario"] == "fanout" and cell["params"]["workers"] == 2:
            other = json.loads(json.dumps(cell))
            other["params"]["cpu_share"] = 0.1
            for row in other["models"]:
                row["n"] = row["n"] // 2
            cells.append(other)
    both = ChartData(data.result, dict(data.summary, cells=cells))
    shown = [series[0]["params"]["cpu_share"] for series in both.races()
             if series[0]["scenario"] == "fanout"]
    assert shown == [0.01]
    assert ("fanout", "CPU share 1 %") in both.titles(both.races(), "agents")
    assert ("fanout", "") in data.titles(data.races(), "agents")


def test_a_timeline_says_where_the_traces_are_that_it_does_not_draw(of_every_model):
    reading = of_every_model["timeline-layers-16", PAGE].reading
    assert "All traces are in trace/." in reading and "table" not in reading


def test_room_that_the_libraries_leave_is_for_the_fastest_and_no_naive_use(every):
    few = only(every, lambda m: m["family"] not in ("libuv", "threads", "fiber"))
    drawn = few.lines(few.summary["cells"])
    assert len(drawn) == 10 < len(few.about)
    assert {"sequential", "asio", "tbb", "asyncio", "asio_tuned", "tbb_tuned", "hybrid"} < {*drawn}
    assert not {"asio_single", "tbb_blocking"} & {*drawn}
    assert "openmp" not in drawn and "std_async" not in drawn  # one use of a library comes last


def test_the_fastest_of_a_family_is_what_was_measured_to_be_and_is_not_naive(every):
    def best(change):
        few = only(every, lambda m: m["family"] == "asio" or m["model"] == "tbb")
        for cell in few.summary["cells"]:
            for row in cell["models"]:
                change(row)
        return few.best_of_families(list(few.about))

    def slower(row):
        if row["model"] == "asio_tuned" and row["makespan_ns"]:
            row["makespan_ns"]["median"] *= 9

    def naive_is_fastest(row):
        if row["model"] == "asio_single" and row["makespan_ns"]:
            row["makespan_ns"]["median"] = 1

    assert best(lambda row: None) == ["asio_tuned", "tbb"]
    assert best(slower) != ["asio_tuned", "tbb"]
    assert "asio_single" not in best(naive_is_fastest)


@pytest.mark.parametrize("skipped", [True, False], ids=["not run", "failed"])
def test_a_model_does_not_seem_faster_for_the_cells_that_it_was_not_measured_in(every, skipped):
    few = only(every, lambda m: m["model"] in ("asio", "asio_tuned"))
    for i, cell in enumerate(few.summary["cells"]):
        for row in cell["models"]:
            if row["model"] == "asio_tuned" and i > 2:
                row.update(makespan_ns=None, skipped_by_bound=skipped, lb_model_ns=10**12)
    assert few.best_of_families(["asio", "asio_tuned"]) == ["asio"]


def test_one_slow_model_does_not_flatten_the_bars_of_the_others(data):
    slow = only(data, lambda m: True)
    for cell in slow.summary["cells"]:
        for row in cell["models"]:
            if row["model"] == "tbb" and row["makespan_ns"]:
                row["makespan_ns"] = {key: value and value * 40
                                      for key, value in row["makespan_ns"].items()}
    with settings():
        drawing = waiting_or_computing(slow, PAGE)
    for ax in drawing.axes:
        lengths = sorted(bar.get_width() for group in ax.containers for bar in group)
        assert lengths[-1] <= ax.get_xlim()[1] < 6 * lengths[0]
        [text] = [t.get_text() for t in ax.texts if t.get_text().endswith("s  ▶")
                  and "not run" not in t.get_text()]
        assert float(text.split(" ")[0]) > 9  # the words have it whole
        assert "▶: longer than shown" in drawing.reading


def test_the_fixtures_models_are_those_of_the_suite():
    files = model_files(SCRIPTS.parent)
    assert {m.name: (m.family, m.rung) for m in files} == {
        name: (family, rung) for name, (family, rung, _) in fixtures.EVERY.items()}
    for file in files:
        text = (SCRIPTS.parent / "models" / file.file).read_text()
        said = re.search(r"Structure::(\w+)|structure=.(\w+)", text)
        assert fixtures.EVERY[file.name][2] in said.groups(), file.name
    assert set(fixtures.MODELS) == set(default_models(SCRIPTS.parent))


def only(data, keep):
    summary = json.loads(json.dumps(data.summary))
    summary["models"] = [m for m in summary["models"] if keep(m)]
    names = {m["model"] for m in summary["models"]}
    for cell in summary["cells"]:
        cell["models"] = [row for row in cell["models"] if row["model"] in names]
    return ChartData(data.result, summary)


def test_turns_with_nothing_to_do_are_drawn_without_a_bound_and_without_efficiency(tmp_path,
                                                                                   monkeypatch):
    monkeypatch.setattr(fixtures, "CELLS", [("empty", 100, 2, 0, 0.0), ("empty", 10000, 2, 0, 0.0)])
    result = read_result(fixtures.write_result(tmp_path))
    drawn, left_out = draw_all(result, summarise(result), tmp_path / "figures")
    drawn = {d["name"] for d in drawn}
    assert {"makespan-over-agents", "porting-from-the-reference"} <= drawn
    assert not {"waiting-or-computing", "efficiency-over-agents"} & drawn
    assert "efficiency-over-agents" in {f["name"] for f in left_out}
    with (tmp_path / "figures" / "makespan-over-agents.csv").open() as file:
        assert {r["kind"] for r in csv.DictReader(file)} == {"raw", "median"}


def test_a_page_says_of_a_figure_what_is_on_the_wide_one(tmp_path, monkeypatch):
    def drawn(width):
        wide = width == charts.PAGE
        return SimpleNamespace(name="f", question="q", alt=f"alt {wide}", reading=f"reading {wide}",
                               note="")
    monkeypatch.setattr(charts, "plans", lambda _data: [("f", drawn)])
    monkeypatch.setattr(charts, "save", lambda _drawing, _folder, name, _kinds: [f"{name}.svg"])
    monkeypatch.setattr(charts, "save_rows", lambda drawing, _folder: drawing.alt)
    monkeypatch.setattr(charts, "ChartData", lambda *_: None)
    (figure,), _ = charts.draw_all(None, None, tmp_path)
    assert (figure["alt"], figure["reading"]) == ("alt True", "reading True")
    assert figure["files"] == ["f.svg", "f-column.svg", "alt True"]
