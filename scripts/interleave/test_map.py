"""Does the map show who wins where, and where that changes, whoever it is?"""

import hashlib
import io
from math import inf

import pytest

from interleave import fixtures, races_fixture
from interleave.chart_data import ChartData
from interleave.chart_map import where_does_the_winner_change as draw
from interleave.races_fixture import data_of, map_of, race, summary_of
from interleave.records import read_result
from interleave.sheet import COLUMN, PAGE, NothingToDraw, settings
from interleave.summary import summarise
from interleave.test_charts import boxes, check_texts
from interleave.winner_map import plainest_first, standing, state, winner_map, winners


def usual(share, count):
    """Sequential code for one agent, threads up to a hundred, then only what waits without them;
    and where all compute, one loop is not enough."""
    if (share, count) == (0.5, 1000):
        return None
    wall = 100 if share else 300
    return {"rook": wall if count == 1 else f"≥ {wall * count * 3}" if count > 10 else wall * count,
            "owl": wall * (1.001 if count < 1000 else 1.2), "owl_best": wall * 1.002,
            "wren_plain": wall * (1 if share and share < 0.1 else 1.9),
            "wren": wall * 1.003, "crow": wall * 1.001, "loon": wall * 1.09}


def less_of_threads(share, count):
    found = usual(share, count)
    if found and count == 1000:
        found |= {"owl_best": found["owl"]}
    return found


@pytest.fixture(scope="module")
def data():
    return data_of(map_of(less_of_threads))


@pytest.fixture(scope="module", params=[PAGE, COLUMN], ids=["page", "column"])
def drawing(request, data):
    return drawn(data, request.param)


def drawn(data, width=PAGE):
    with settings():
        return draw(data, width)


def chosen(data):
    """(share, agents) -> the plainest of the fastest."""
    order = plainest_first(data.summary)
    return {key: min(winners(tier), key=order.index)
            for key, (_, tier) in winner_map(data.summary).squares.items()}


def test_the_plainest_that_keeps_up_stands_in_each_square(data):
    found = chosen(data)
    assert len(found) == 19
    assert {found[s, 1] for s in (0.001, 0.01, 0.1, 0.5, inf)} == {"rook"}
    assert {found[s, n] for s in (0.001, 0.01, 0.1, 0.5, inf) for n in (10, 100)} == {"owl"}
    assert found[0.001, 1000] == found[0.01, 1000] == "wren_plain"
    assert found[0.1, 1000] in ("crow", "wren") and found[inf, 1000] in ("crow", "wren")


def test_other_data_gives_another_map():
    def opposite(share, count):
        return {"rook": 10, "owl": 30, "crow": 20 if count < 1000 else 5}

    found = chosen(data_of(map_of(opposite)))
    assert {v for (_, n), v in found.items() if n < 1000} == {"rook"}
    assert {v for (_, n), v in found.items() if n == 1000} == {"crow"}


def test_the_rows_of_the_csv_hold_every_verdict_with_its_ratio(data, drawing):
    rows = {(r["panel"], r["x"], r["model"]): r for r in drawing.rows}
    assert len(rows) == 19 * len(races_fixture.FAMILY)
    lost = rows["1 %", 1000, "owl"]
    assert lost["kind"] == "slower" and lost["y"] == pytest.approx(1.2, rel=0.01)
    assert 1.18 < lost["low"] < 1.2 < lost["high"] < 1.22 and lost["n"] == 8
    ruled_out = rows["1 %", 1000, "rook"]
    assert (ruled_out["kind"], ruled_out["at_least"]) == ("slower", "yes")
    assert ruled_out["y"] > 2000 and ruled_out["low"] is None
    assert rows["compute only", 1, "rook"]["plainest"] == "yes"
    assert sum(r["plainest"] == "yes" for r in drawing.rows) == 19


def texts(ax):
    return [t.get_text() for t in ax.texts]


def test_squares_say_how_many_tie_and_what_plain_code_loses(drawing):
    [ax] = drawing.axes
    said = " ".join(texts(ax))
    assert "5 of 7 tie" in said or "6 of 7 tie" in said
    assert "rook" in said and ("10×" in said or "10.0×" in said)
    assert texts(ax).count("not") == texts(ax).count("measured") == 1


def heavy_lines(ax):
    return [line for line in ax.lines if line.get_linewidth() > 2]


def test_a_heavy_line_stands_where_another_kind_begins_and_nowhere_else(drawing):
    [ax] = drawing.axes
    upright = {(line.get_xdata()[0], min(line.get_ydata())) for line in heavy_lines(ax)
               if line.get_xdata()[0] == line.get_xdata()[1]}
    # After one agent on each of five rows; after a hundred on each row but the one with the gap.
    assert upright == {(1, y) for y in range(5)} | {(3, y) for y in (0, 1, 2, 4)}
    level = {(min(line.get_xdata()), line.get_ydata()[0]) for line in heavy_lines(ax)
             if line.get_ydata()[0] == line.get_ydata()[1]}
    assert level == {(3, 2)}  # from one loop to all CPUs


def fills(ax):
    return {patch.get_facecolor() for patch in ax.patches}


def test_a_lone_winner_has_its_full_colour_and_a_tie_a_pale_one():
    alone = drawn(data_of(map_of(lambda s, n: {"rook": 10, "owl": 20})))
    tie = drawn(data_of(map_of(lambda s, n: {"rook": 10, "owl": 10})))
    [full], [pale] = (fills(d.axes[0]) for d in (alone, tie))
    assert sum(full[:3]) < 2 and sum(pale[:3]) > 2.4
    assert "it alone is fastest" in alone.reading and "equally fast" not in alone.reading
    assert "equally fast" in tie.reading and "alone" not in tie.reading


def test_what_is_not_resolved_is_hatched_and_no_line_stands_beside_it():
    noisy = tuple(10 * x for x in (1, 1.4, 0.8, 1.3, 0.7, 1.2, 0.9, 1.5))
    drawing = drawn(data_of(map_of(lambda s, n: {"rook": 10, "owl": noisy})))
    [ax] = drawing.axes
    assert any(patch.get_hatch() for patch in ax.patches)
    assert heavy_lines(ax) == []
    assert "Hatched: not resolved." in drawing.reading
    assert "or 1 other" in texts(ax)


def test_five_blocks_leave_the_whole_map_unresolved():
    chart = winner_map(summary_of(map_of(usual, blocks=5)))
    assert {state(tier) for _, tier in chart.squares.values()} == {"open"}


def test_squares_of_few_blocks_are_said_to_be_hints():
    few, many, mixed = (drawn(data_of(map_of(lambda s, n: {"rook": 10, "owl": 20}, blocks=b)
                                      + extra))
                        for b, extra in ((8, []), (15, []), (15, [
                            race("fanout", 5, share, {"rook": 10, "owl": 20})
                            for share in (0.01, 0.1)])))
    assert "Hints, no verdicts: all squares, with fewer than 15 blocks." in few.reading
    assert "Hints" not in many.reading
    assert "Hints, no verdicts: 2 of 22 squares" in mixed.reading
    assert "Holm" in many.note


def test_the_map_says_within_how_much_times_count_as_alike():
    data = data_of(map_of(lambda s, n: {"rook": 10, "owl": 10}))
    assert "(within 3 %)" in drawn(data).reading
    noisy = data.summary | {"winning_tiers": [tier | {"margin": 0.045} for tier in
                                              data.summary["winning_tiers"]]}
    assert "(within 4.5 %)" in drawn(ChartData(data.result, noisy)).reading


def test_the_map_is_of_the_default_workers_without_heartbeats_and_of_one_time_scale():
    races = map_of(usual)
    races += [race("fanout", n, 0.01, {"rook": 1, "owl": 90}, **more) for n in (1, 10, 100)
              for more in ({"workers": 1}, {"heartbeat_us": 1000}, {"time_scale": 0.001})]
    summary = summary_of(races)
    assert not any("heartbeat" in tier["cell_id"] for tier in summary["winning_tiers"])
    shown = winner_map(summary).squares
    assert shown == winner_map(summary_of(map_of(usual))).squares


def test_a_size_or_a_share_of_its_own_is_no_row_and_no_column():
    races = map_of(usual, shares=(0.01,), agents=(1, 10))
    races += [race("fanout", 4000, 0.01, {"rook": 9, "owl": 1}),
              race("fanout", 1, 0.7, {"rook": 9, "owl": 9})]
    chart = winner_map(summary_of(races))
    assert (chart.shares, chart.agents) == ([0.01, inf], [1, 10])


def test_with_less_than_two_rows_and_columns_there_is_no_map_and_a_reason():
    for races in ([race("fanout", 10, 0.01, {"rook": 9, "owl": 9})],
                  [race("fanout", n, 0.01, {"rook": 9, "owl": 9}) for n in (1, 10)],
                  [race("fanout", n, 0.01, {"rook": 9}) for n in (1, 10)], []):
        with pytest.raises(NothingToDraw, match="two CPU shares"):
            drawn(data_of(races or [race("react", 3, 0.1, {"rook": 5})]))


def test_a_result_from_before_this_map_is_read(data):
    old = {k: v for k, v in data.summary.items() if k != "winning_tiers"}
    with pytest.raises(NothingToDraw):
        drawn(ChartData(data.result, old))


def test_a_model_that_crashed_is_named_and_wins_nothing():
    tier = summary_of([race("fanout", 1, 0.01, {"rook": 5, "owl": 6, "crow": None})])[
        "winning_tiers"][0]
    assert tier["no_result"] == ["crow"] and winners(tier) == ["rook"]
    assert standing(tier, ["crow"]) is None and standing(tier, ["crow", "owl"]) == "out"


def test_plain_is_by_structure_then_rung_then_how_often_it_wins(data):
    order = plainest_first(data.summary)
    assert order[0] == "rook" and order[1:3] == ["owl", "owl_best"] and order[3] == "wren_plain"
    assert order[-1] == "loon"
    often = summary_of([race("fanout", n, 0.01, {"crow": 50 if n == 1 else 5, "wren": 5})
                        for n in (1, 2, 3)])
    assert plainest_first(often) == ["wren", "crow"]


def test_the_alt_text_tells_the_map(drawing):
    assert drawing.alt.startswith("A map of the plainest")
    assert "CPU share 0.1 %: 1 agent rook (tie of " in drawing.alt
    assert "Computing only: 1 agent rook" in drawing.alt


def test_the_note_counts_the_squares_of_plain_code(drawing):
    assert ("Plain sequential code is as fast as anything measured in 5 of 19 squares, the largest "
            "of 1 agent.") in drawing.note
    assert "A thread for each turn is as fast as anything measured in 15 of 19 squares" \
        in drawing.note


def bytes_of(data, width):
    out = io.BytesIO()
    with settings():
        draw(data, width).figure.savefig(out, format="svg", metadata={"Date": None,
                                                                      "Creator": None})
    return hashlib.sha256(out.getvalue()).hexdigest()


def test_identical_data_gives_identical_bytes():
    assert bytes_of(data_of(map_of(usual)), COLUMN) == bytes_of(data_of(map_of(usual)), COLUMN)


MAP_CELLS = [("fanout", n, 2, 80_000_000, share) for share in (0.001, 0.01, 0.05, 0.1, 0.5)
             for n in (1, 10, 100, 1000)] + [("compute", n, 2, 0, 0.0) for n in (1, 10, 100, 1000)]


@pytest.mark.parametrize("width", [PAGE, COLUMN], ids=["page", "column"])
@pytest.mark.parametrize("models", [fixtures.MODELS, fixtures.EVERY], ids=["six", "all"])
def test_no_text_lies_on_another_or_leaves_the_figure(models, width, tmp_path, monkeypatch):
    monkeypatch.setattr(fixtures, "CELLS", MAP_CELLS)
    result = read_result(fixtures.write_result(tmp_path, models=models))
    drawing = drawn(ChartData(result, summarise(result)), width)
    check_texts(drawing)
    assert min(t.get_fontsize() for t in drawing.axes[0].texts) >= 7


def test_long_names_and_many_sizes_fit_into_a_column():
    models = {"a_very_long_name_of_a_model": ("a", "idiomatic", "workers"),
              "unbrokenlongnameofamodel": ("b", "idiomatic", "workers")}
    sizes = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
    drawing = drawn(data_of(map_of(
        lambda s, n: {m: 10 + i for i, m in enumerate(sorted(models, key=len))},
        agents=sizes, models=models), models), COLUMN)
    assert "only in the wide figure" in drawing.reading
    assert {r["x"] for r in drawing.rows} == set(sizes)
    edge = drawing.axes[0].get_window_extent()
    shown = [b for text, b in boxes(drawing) if text.endswith("…")]
    assert shown and all(b.width <= edge.width / 4 for b in shown)
    assert [t.get_text() for t in drawing.axes[0].get_xticklabels()][::3] == ["1", "1,000"]
