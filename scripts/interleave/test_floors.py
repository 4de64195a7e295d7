"""Does the chart cut each turn where the numbers say, and hide nothing behind its axis?"""

import json
import re

import pytest
from matplotlib.colors import to_hex

from interleave import micro, style
from interleave.chart_floors import SUITES, what_is_a_turn_made_of
from interleave.micro_page import page, write_page
from interleave.sheet import COLUMN, PAGE, NothingToDraw, settings

COSTS = {"ledger_turn": 50.0, "plan_turn": 10.0, "std_mutex": 12.0, "asio_post": 40.0,
         "asio_timer": 150.0, "made_up_hop": 20.0}
SAID = {
    "zebra": ("zebra", "tuned", "made_up_hop+plan_turn", 120.0),       # 60 own, 20 parts, adds 40
    "asio": ("asio", "idiomatic", "asio_post+asio_post+plan_turn", 160.0),  # adds 20
    "asio_single": ("asio", "naive", "asio_post+asio_post+plan_turn", 130.0),  # less than its parts
    "sequential": ("sequential", "idiomatic", "", 51.0),
    "threads": ("threads", "idiomatic", "std_mutex+plan_turn", 90_000.0),
    "snake": ("snake", "reference", "", None)}


def figures(said=None, costs=None):
    """As micro.json holds them, of invented models: two rounds, 10 % apart."""
    said, costs = SAID if said is None else said, COSTS if costs is None else costs
    rounds = [{"primitive": {n: c * k for n, c in costs.items()},
               "turn": {m: s[3] and s[3] * k for m, s in said.items()},
               "first": {m: (s[3] or 2000.0) * k for m, s in said.items()}} for k in (0.95, 1.05)]
    rows = [micro.row_of(m, {"family": f, "rung": r, "primitives": p}, rounds)
            for m, (f, r, p, _) in said.items()]
    about = {"id": "20250102T030405Z_abc1234_micro", "created_utc": "2025-01-02T03:04:05Z",
             "commit": "abc1234", "dirty": False, "machine": {"name": "madeup", "cpus": 2,
             "cpu_model": "Made-up CPU"}, "trust": {"level": "with caution", "reasons": ["Small."]}}
    return json.loads(json.dumps(micro.figures_of(about, rounds, rows)))


@pytest.fixture(scope="module", params=[PAGE, COLUMN], ids=["page", "column"])
def drawing(request):
    with settings():
        return what_is_a_turn_made_of(figures(), request.param)


def names(ax):
    return [t.get_text().split(" ")[0] for t in ax.get_yticklabels()]


def pieces(ax, model):
    """(from, to, colour or None where hollow) of a bar, from the left."""
    y = names(ax).index(model)
    found = [p for p in ax.patches if abs(p.get_y() + p.get_height() / 2 - y) < 0.1]
    return sorted((p.get_x(), p.get_x() + p.get_width(),
                   to_hex(p.get_facecolor()).upper() if p.get_facecolor()[3] else None)
                  for p in found)


def texts(ax, model):
    y = names(ax).index(model)
    return [t for t in ax.texts if t.xy[1] == y]


def near(*values):
    return pytest.approx(values)


def test_a_bar_is_cut_into_the_suites_part_the_floor_and_what_the_model_adds(drawing):
    look = style.styles(figures()["models"])["zebra"]
    (a, b, grey), (c, d, pale), (e, f, full) = pieces(drawing.axes[0], "zebra")
    assert (a, b, c, d, e, f) == near(0, 60, 60, 80, 80, 120)
    assert (grey, pale, full) == (SUITES, look.tint(0.6), look.tint(0.1))


def test_a_primitive_that_a_turn_needs_twice_is_twice_in_its_floor(drawing):
    _, floor, added = pieces(drawing.axes[0], "asio")
    assert (*floor[:2], *added[:2]) == near(60, 140, 140, 160)


def test_a_turn_that_costs_less_than_its_parts_ends_where_it_ends_and_the_rest_is_hollow(drawing):
    _, floor, rest = pieces(drawing.axes[0], "asio_single")
    assert (*floor[:2], *rest[:2]) == near(60, 130, 130, 140) and rest[2] is None


def test_a_model_without_primitives_has_no_floor_and_no_ratio(drawing):
    own, added = pieces(drawing.axes[0], "sequential")
    assert (own[1], added[1]) == near(50, 51) and own[2] == SUITES
    assert [t.get_text() for t in texts(drawing.axes[0], "sequential")] == ["51.0 ns", "–"]


def test_a_bar_that_runs_off_says_so_and_leaves_room_for_the_others(drawing):
    ax = drawing.axes[0]
    assert ax.get_xlim()[1] < 3_000
    assert max(end for _, end, _ in pieces(ax, "threads")) == pytest.approx(ax.get_xlim()[1])
    assert texts(ax, "threads")[0].get_text() == "90.0 µs  ▶"


def test_a_turn_known_only_in_fresh_processes_is_hollow_and_named_as_such(drawing):
    [(_, _, colour)] = pieces(drawing.axes[0], "snake")
    assert colour == "#FFFFFF"
    assert texts(drawing.axes[0], "snake")[0].get_text().startswith("2.00 µs, fresh process")


def test_the_ratio_stands_at_the_right_and_is_bold_above_the_bar_of_the_rung(drawing):
    ratios = {m: texts(drawing.axes[0], m)[1] for m in SAID}
    assert {m: t.get_text() for m, t in ratios.items()} == {
        "zebra": "3.00", "asio": "1.25", "asio_single": "0.88", "sequential": "–",
        "threads": "7,495", "snake": "–"}
    assert {m for m, t in ratios.items() if t.get_weight() == "bold"} == {"zebra", "threads"}
    assert "idiomatic 1.5, tuned 1.25" in drawing.reading


def test_families_stand_in_the_order_of_every_table_and_references_last(drawing):
    assert names(drawing.axes[0]) == [
        "sequential", "threads", "asio_single", "asio", "zebra", "snake"]


def test_each_primitive_has_a_dot_at_its_cost_filled_where_a_turn_is_made_of_it(drawing):
    ax = drawing.axes[1]
    assert names(ax) == list(COSTS)
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [d.get_xdata()[0] for d in dots] == near(*COSTS.values())
    hollow = [n for n, d in zip(names(ax), dots) if d.get_markerfacecolor() == "white"]
    assert hollow == ["asio_timer"]


def test_a_primitive_has_the_colour_of_its_library(drawing):
    looks = style.styles(figures()["models"])
    dots = [line for line in drawing.axes[1].lines if line.get_marker() == "o"]
    colours = dict(zip(COSTS, (d.get_markeredgecolor() for d in dots)))
    assert colours["asio_timer"] == looks["asio"].colour
    assert colours["made_up_hop"] == looks["zebra"].colour  # the only family that is made of it
    assert colours["ledger_turn"] == colours["plan_turn"] == style.QUIET


def test_what_several_families_are_made_of_has_the_colour_of_none():
    said = {m: (m, "tuned", "std_mutex", 90.0) for m in ("threads", "asio")}
    with settings():
        drawn = what_is_a_turn_made_of(figures(said), PAGE)
    dots = [line for line in drawn.axes[1].lines if line.get_marker() == "o"]
    assert dots[list(COSTS).index("std_mutex")].get_markeredgecolor() == style.INK


def test_no_text_lies_on_another(drawing):
    for ax in drawing.axes:
        boxes = [(t.get_text(), t.get_window_extent()) for t in ax.texts if t.get_text()]
        for i, (one, a) in enumerate(boxes):
            for other, b in boxes[i + 1:]:
                assert not (a.x0 < b.x1 and b.x0 < a.x1 and a.y0 + 1 < b.y1 and b.y0 + 1 < a.y1), (
                    one, other)


def test_the_data_beside_the_chart_hold_every_piece(drawing):
    rows = [(r["kind"], r["x"], r["y"]) for r in drawing.rows if r["model"] == "zebra"]
    assert [(k, x) for k, x, _ in rows] == [
        ("in a fresh process", ""), ("turn", ""), ("suite", "ledger_turn"), ("suite", "plan_turn"),
        ("primitive", "made_up_hop"), ("added", ""), ("times the floor", "")]
    assert [y for _, _, y in rows] == near(120, 120, 50, 10, 20, 40, 3)
    dots = {r["x"]: r["y"] for r in drawing.rows if r["panel"] == "primitives"}
    assert dots == pytest.approx(COSTS)


def test_the_footer_says_machine_date_and_trust(drawing):
    texts = " ".join(t.get_text() for t in reversed(drawing.figure.texts))  # its last line first
    for part in ("20250102T030405Z_abc1234_micro", "madeup", "2 CPUs", "2 rounds", "2025-01-02",
                 "with caution"):
        assert part in texts
    assert "zebra 120 ns, 3.00 times its floor" in drawing.alt


def test_one_model_is_drawn_as_well():
    with settings():
        drawn = what_is_a_turn_made_of(figures({"zebra": SAID["zebra"]}), COLUMN)
    assert names(drawn.axes[0]) == ["zebra"]


def test_without_any_turn_there_is_nothing_to_draw():
    empty = figures() | {"models": []}
    with settings(), pytest.raises(NothingToDraw, match="turn"):
        what_is_a_turn_made_of(empty, PAGE)


def test_identical_figures_give_identical_bytes_at_both_widths(tmp_path):
    written = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_page(tmp_path / name, figures())
        written.append({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()})
    assert written[0] == written[1]
    assert set(written[0]) == {"README.md", "floors.csv"} | {
        f"floors{width}.{kind}" for width in ("", "-column") for kind in ("svg", "pdf", "png")}


def test_the_page_has_chart_trust_and_a_row_for_each_model_and_primitive(drawing):
    text = page(figures(), drawing)
    assert "](floors.png)" in text and "**With caution.**\n- Small." in text
    for name in [*SAID, *COSTS]:
        assert re.search(rf"^\| `{name}` \|", text, re.M)
    assert "| `zebra` | tuned | 120 ns | 60.0 ns | made_up_hop 20.0 ns | 40.0 ns | " \
           "3.00 (3.00–3.00) | 1.25: missed |" in text
