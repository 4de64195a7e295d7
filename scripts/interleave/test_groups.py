"""Can a page find in each figure what is of one model, and what of one scenario?"""

import re
import xml.etree.ElementTree as tree

import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Annotation

from interleave import fixtures, outside_fixture, responsiveness_fixture, times_fixture
from interleave.arrivals_fixture import made_up
from interleave.chart_data import ChartData
from interleave.conftest import all_drawings
from interleave.records import read_result
from interleave.sheet import PAGE, save
from interleave.summary import summarise

MODEL = re.compile(r"model-(.+)-\d+")
PANEL = re.compile(r"panel-(.+)-\d+")
OF_NOBODY = ("winner-map",)  # a square is of all models that were measured in it
OF_ALL = "trust"  # its panels go over the whole run
TABLED = ("capacity", "bytes_per_agent")  # rows of the CSV that also tell of models not drawn


def known(result):
    return ChartData(result, summarise(result))


def of(path):
    return known(read_result(path))


@pytest.fixture(scope="module")
def pictures(every, tmp_path_factory):
    """(name, width) -> data and drawing, of every figure for which there are made-up results."""
    from interleave import test_latency
    from interleave.test_grain import write
    new = tmp_path_factory.mktemp
    found = {}
    for data in (every, of(times_fixture.write_result(new("times"))),
                 of(responsiveness_fixture.write_result(new("beats"))),
                 of(test_latency.write_result(new("latencies"))),
                 *map(known, (outside_fixture.everything(), made_up())),
                 of(write(new("grain"), fixtures.EVERY, workers=(1, 2)))):
        for key, drawing in all_drawings(data).items():
            found.setdefault(key, (data, drawing))
    return found


def names(pattern, ids):
    return {m.group(1) for gid in ids if gid and (m := pattern.fullmatch(gid))}


def groups(figure):
    return [gid for artist in figure.findobj() if (gid := artist.get_gid())]


def drawn(drawing):
    """Every mark of the panels that has a colour: lines, areas, words, leader lines."""
    for ax in drawing.axes:
        yield from ax.lines
        yield from ax.patches
        yield from ax.collections
        for text in [*ax.texts, *ax.get_yticklabels()]:
            yield text
            if isinstance(text, Annotation) and text.arrow_patch is not None:
                yield text.arrow_patch


def colours(artist):
    found = []
    for name in ("get_color", "get_markeredgecolor", "get_facecolor", "get_edgecolor"):
        value = getattr(artist, name, lambda: None)()
        if value is not None:
            several = [value] if isinstance(value, (str, tuple)) else value
            found += [to_hex(colour).upper() for colour in several]
    return found


def test_there_is_a_figure_for_each_question(pictures):
    from interleave.charts import FIGURES
    elsewhere = {"timeline", "winner-map", "who-wins", "trust"}
    assert {name for name, _ in FIGURES} - elsewhere <= {name for name, _ in pictures}


def test_no_id_is_twice_in_a_figure(pictures):
    for (name, width), (_, drawing) in pictures.items():
        ids = groups(drawing.figure)
        assert ids or name == OF_ALL, (name, width)
        assert len(ids) == len(set(ids)), (name, width)


def test_each_model_that_is_shown_has_a_group(pictures):
    for (name, width), (_, drawing) in pictures.items():
        if name not in OF_NOBODY:
            shown = {row["model"] for row in drawing.rows if row["kind"] not in TABLED} - {""}
            assert names(MODEL, groups(drawing.figure)) >= shown, (name, width)


def test_nothing_in_a_models_colour_is_outside_of_its_group(pictures):
    for (name, width), (data, drawing) in pictures.items():
        ours = {c for look in data.styles.values() for c in (look.colour, look.ink)} - {"#000000"}
        looks = {model: {look.colour, look.ink, *(look.tint(i / 20).upper() for i in range(20))}
                 for model, look in data.styles.items()}
        if name in OF_NOBODY:
            continue
        for artist in drawn(drawing):
            shown = {c for c in colours(artist) if c in ours}
            if not shown:
                continue
            found = MODEL.fullmatch(artist.get_gid() or "")
            assert found, (name, width, artist)
            assert shown <= looks[found.group(1)], (name, width, artist)


def test_a_panel_of_one_scenario_says_which(pictures):
    for (name, width), (_, drawing) in pictures.items():
        if name not in (*OF_NOBODY, OF_ALL, "healthy-turns"):  # whose panels go over several
            scenarios = [names(PANEL, [ax.get_gid()]) for ax in drawing.axes]
            assert all(scenarios), (name, width)


def test_the_groups_are_in_the_file_and_hold_what_they_say(drawings, tmp_path):
    save(drawings["makespan-over-agents", PAGE], tmp_path, "picture")
    root = tree.parse(tmp_path / "picture.svg").getroot()
    ids = {node.get("id"): node for node in root.iter() if node.get("id")}
    panels = [node for gid, node in ids.items() if PANEL.fullmatch(gid)]
    assert len(panels) == len(drawings["makespan-over-agents", PAGE].axes)
    for panel in panels:
        inside = [node for node in panel.iter() if (node.get("id") or "").startswith("model-asio-")]
        assert len(inside) >= 4  # single runs, line, intervals, leader, name
        assert "asio" in ["".join(node.itertext()).strip() for node in inside]
