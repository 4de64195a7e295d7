"""Does the summary hold every comparison, and do page, CSV and figure say what it holds?"""

import csv
import hashlib
import io
import json
import random
import time
from dataclasses import replace

import pytest

from interleave import comparison_words, comparisons_table, fixtures, stats
from interleave.chart_data import ChartData
from interleave.chart_forest import who_wins_and_is_it_real
from interleave.comparisons import comparisons, told_in_full, with_best
from interleave.comparisons_table import comparisons_csv
from interleave.races_fixture import FAMILY, data_of, race, result_of, summary_of
from interleave.records import read_result
from interleave.sheet import COLUMN, PAGE, NothingToDraw, settings
from interleave.summary import summarise
from interleave.test_charts import check_texts

NOISY = tuple(100 * (1.02, 1.3, 0.85)[b % 3] for b in range(15))
TIMES = {"rook": 100, "owl": 101, "wren": 130, "crow": NOISY, "loon": "≥ 900"}


def judged(**more):
    return summary_of([race("fanout", 16, 0.01, TIMES, blocks=15, weather=(1,), **more)])


def test_a_row_of_the_summary_has_all_pairs_and_the_tiers():
    [row] = judged()["comparisons"]
    assert not row["hint"] and row["margin"] == 0.03
    assert {frozenset((p["one"], p["other"])) for p in row["pairs"]} == {
        frozenset(pair) for pair in (("rook", "owl"), ("rook", "wren"), ("rook", "crow"),
                                     ("owl", "wren"), ("owl", "crow"), ("wren", "crow"))}
    lost = next(p for p in row["pairs"] if (p["one"], p["other"]) == ("wren", "rook"))
    assert lost["verdict"] == stats.SLOWER and lost["n"] == 15
    assert lost["ratio"]["low"] <= lost["ratio"]["median"] == pytest.approx(1.3, abs=0.01)
    assert lost["p"] == pytest.approx(2 / 2**15, rel=1e-4) and lost["p_holm"] <= 6 * lost["p"]
    assert 1 < lost["detectable"] < 1.02
    first, second = row["tiers"]
    assert set(first) == {"rook", "owl", "crow"} and second == ["wren"]


def test_the_tiers_and_the_winning_tier_agree():
    summary = judged()
    [row], [tier] = summary["comparisons"], summary["winning_tiers"]
    assert row["tiers"][0][0] == tier["best"]
    assert set(row["tiers"][0]) == {tier["best"], *tier["tied"], *tier["unresolved"]}
    assert set(tier["slower"]) - set(tier["at_least"]) == {"wren"}
    for model, pair in with_best(row).items():
        assert tier["ratios"][model]["median"] == pair["ratio"]["median"]


def test_few_blocks_give_hints_and_fewer_give_nothing_but_ratios():
    hint = summary_of([race("fanout", 16, 0.01, {"rook": 100, "owl": 130})])["comparisons"][0]
    assert hint["hint"] and hint["pairs"][0]["p_holm"] is None
    assert hint["pairs"][0]["verdict"] == stats.SLOWER and len(hint["tiers"]) == 2
    one = summary_of([race("fanout", 16, 0.01, {"rook": 100, "owl": 130}, blocks=1)])
    [pair] = one["comparisons"][0]["pairs"]
    assert (pair["ratio"]["low"], pair["detectable"], pair["verdict"]) == (
        None, None, stats.NOT_RESOLVED)
    assert one["comparisons"][0]["tiers"] == [["rook", "owl"]]


def test_the_margin_is_twice_the_noise_where_the_machine_was_noisy(monkeypatch):
    monkeypatch.setattr("interleave.comparisons.noise", lambda result, cells: {"floor": 0.08})
    summary = summary_of([race("fanout", 16, 0.01, {"rook": 100, "owl": 110}, blocks=15)])
    assert summary["comparisons"][0]["margin"] == 0.16
    assert summary["comparisons"][0]["pairs"][0]["verdict"] == stats.EQUIVALENT
    assert summary["winning_tiers"][0]["tied"] == ["owl"]


def test_cells_with_an_instrument_or_one_model_or_no_sample_compare_nothing():
    assert summary_of([race("fanout", 16, 0.01, {"rook": 1, "owl": 2}, heartbeat_us=1000),
                       race("fanout", 9, 0.01, {"rook": 1}),
                       race("fanout", 8, 0.01, {"rook": None, "owl": None})])["comparisons"] == []


def test_the_page_tells_of_one_cell_of_each_scenario_with_most_blocks():
    times = {"rook": 10, "owl": 20}
    races = [race("fanout", 16, 0.01, times, blocks=15), race("fanout", 999, 0.01, times),
             race("react", 8, 0.1, times), race("parked", 8, 0.1, times, blocks=15),
             race("compute", 4, 0, times, blocks=15), race("compute", 8, 0, times, blocks=15),
             race("compute", 16, 0, times, blocks=15, workers=1)]
    shown = [(c["scenario"], c["params"]["agents"]) for c, _ in told_in_full(summary_of(races))]
    assert shown == [("fanout", 16), ("compute", 8)]


def test_each_comparison_of_the_table_has_ratio_interval_n_verdict_and_what_it_could_see():
    text = comparisons_table.comparisons_table(judged())
    line = next(x for x in text.splitlines() if x.startswith("| `wren` |"))
    cells = [c.strip() for c in line.strip("|").split("|")]
    assert cells[1].startswith("1.3") and "–" in cells[2] and cells[3] == "15"
    assert cells[4] == "< 0.001" and cells[5] == "slower" and cells[6].endswith("%")
    assert "corrected for all pairs of the cell (Holm)" in text and "hint" not in text
    assert "within 3 % of 1" in text
    assert "`wren` |" in text.splitlines()[-1] and " > `wren`" in text.splitlines()[-1]


def test_the_p_of_the_table_is_that_of_all_pairs_together():
    near = tuple(100 * (0.98 if b in (3, 9) else 1.05) for b in range(15))  # p = 0.007 by itself
    summary = summary_of([race("fanout", 16, 0.01, {"rook": 100, "owl": near, "wren": 100.1,
                                                    "crow": 100.2}, blocks=15, weather=(1,))])
    pair = with_best(summary["comparisons"][0])["owl"]
    assert comparison_words.p_words(pair["p"]) == "0.007" and pair["p_holm"] > 0.01
    line = next(x for x in comparisons_table.comparisons_table(summary).splitlines()
                if x.startswith("| `owl` |"))
    assert f"| {comparison_words.p_words(pair['p_holm'])} |" in line and "0.007" not in line


def test_the_table_of_few_blocks_calls_every_difference_a_hint():
    text = comparisons_table.comparisons_table(
        summary_of([race("fanout", 16, 0.01, {"rook": 100, "owl": 130})]))
    assert "(8 blocks: hints, no verdicts)" in text and "| hint: slower |" in text
    assert "each comparison by itself" in text and "Holm" not in text
    assert "| 8 (hint) |" in text
    assert comparisons_table.comparisons_table({"cells": [], "default_workers": None}) == ""


def test_the_csv_has_every_pair_of_every_cell():
    summary = summary_of([race("fanout", 16, 0.01, TIMES, blocks=15),
                          race("react", 8, 0.1, {"rook": 1, "owl": 2})])
    rows = list(csv.DictReader(io.StringIO(comparisons_csv(summary))))
    assert len(rows) == 6 + 1
    last = rows[-1]
    assert (last["scenario"], last["one"], last["other"], last["hint"], last["p_holm"]) == (
        "react", "owl", "rook", "yes", "")
    assert float(last["low"]) <= float(last["ratio"]) <= float(last["high"])


@pytest.mark.parametrize("detectable, words", [
    (None, "nothing"), (1.00001, "0.01 %"), (1.0123, "1.2 %"), (1.5, "50 %"), (3.0, "3.0×")])
def test_what_could_be_seen_is_told_in_per_cent_or_times(detectable, words):
    assert comparison_words.change_words(detectable) == words


def test_all_pairs_of_sixty_cells_of_21_models_take_no_time():
    dice = random.Random(1)
    models = {f"m{i}": ("m", "idiomatic", "workers") for i in range(21)}
    races = [race("fanout", n, 0.01, {m: 100 + i for i, m in enumerate(models)}, blocks=30)
             for n in range(60)]
    result = result_of(races, models)
    for s in result.samples:
        s["makespan_ns"] = int(s["makespan_ns"] * dice.lognormvariate(0, 0.03))
    cells = summarise(replace(result, samples=[]))["cells"]
    # CPU time of this thread, far above what it takes, and far below what a mistake would.
    begun = time.thread_time()
    rows = comparisons(result, cells)
    assert time.thread_time() - begun < 5
    assert sum(len(row["pairs"]) for row in rows) == 60 * 210


# ---- the figure ----

def drawn(data, width=PAGE):
    with settings():
        return who_wins_and_is_it_real(data, width)


def forest(**more):
    return data_of([race("fanout", 16, 0.01, TIMES, blocks=15, weather=(1,), **more)])


def test_the_figure_shows_each_model_with_its_verdict_and_tier():
    rows = {r["model"]: r for r in drawn(forest()).rows}
    assert [rows[m]["kind"] for m in ("rook", "owl", "crow", "wren", "loon")] == [
        "fastest", "equivalent", "not resolved", "slower", "not run"]
    assert [rows[m]["tier"] for m in ("rook", "wren", "loon")] == [1, 2, None]
    assert rows["wren"]["low"] < rows["wren"]["y"] < rows["wren"]["high"]
    assert rows["loon"]["y"] > 8 and rows["wren"]["detectable"] > 1


def test_what_is_not_resolved_is_hollow_and_what_is_known_is_filled():
    drawing = drawn(forest())
    faces = {line.get_gid().split("-")[1]: line.get_markerfacecolor()
             for line in drawing.axes[0].lines if line.get_gid() and line.get_marker() != "None"}
    assert faces["crow"] == "white" and "white" not in (faces["rook"], faces["owl"])
    assert "Hollow: not resolved." in drawing.reading


def test_a_line_stands_between_tiers_and_nowhere_else():
    [ax] = drawn(forest()).axes
    across = [line.get_ydata()[0] for line in ax.lines if line.get_xdata()[0] < 0]
    assert across == [2.5, 3.5]  # below the first tier, and above what was not run


def test_the_band_is_the_margin_of_the_result(monkeypatch):
    def edges(drawing):
        box = drawing.axes[0].patches[0].get_path().get_extents(
            drawing.axes[0].patches[0].get_patch_transform())
        return box.x0, box.x1

    assert edges(drawn(forest())) == pytest.approx((1 / 1.03, 1.03))
    monkeypatch.setattr("interleave.comparisons.noise", lambda result, cells: {"floor": 0.04})
    wide = drawn(forest())
    assert edges(wide) == pytest.approx((1 / 1.08, 1.08)) and "within 8 %" in wide.reading


def test_hints_are_said_to_be_hints():
    few = drawn(data_of([race("fanout", 16, 0.01, {"rook": 100, "owl": 130})]))
    assert "hints, no verdicts: 8 blocks are too few" in few.reading
    assert "hints only" in few.alt
    assert "hint" not in drawn(forest()).reading


def test_without_intervals_there_is_no_figure_and_a_reason():
    for races in ([race("fanout", 16, 0.01, {"rook": 100, "owl": 130}, blocks=5)],
                  [race("fanout", 16, 0.01, {"rook": 100})]):
        with pytest.raises(NothingToDraw, match="6 blocks"):
            drawn(data_of(races))
    old = forest()
    with pytest.raises(NothingToDraw):
        drawn(ChartData(old.result, {k: v for k, v in old.summary.items() if k != "comparisons"}))


def test_both_widths_have_the_same_rows_and_every_mark_says_whose_it_is():
    data = data_of([race(s, 16, 0.01, {m: 100 + i for i, m in enumerate(FAMILY)}, blocks=15)
                    for s in ("fanout", "react", "layers", "tree", "chat")], )
    page, column = drawn(data), drawn(data, COLUMN)
    assert page.rows == column.rows and page.alt == column.alt and len(page.axes) == 4
    ids = [a.get_gid() for ax in page.axes for a in ax.get_children() if a.get_gid()]
    assert len(ids) == len(set(ids))
    assert {i.split("-")[1] for i in ids} == set(FAMILY)


def test_of_many_models_a_column_draws_fewer_panels_and_says_so_and_the_csv_has_all():
    models = {f"m{i}": (f"m{i}", "idiomatic", "workers") for i in range(12)}
    data = data_of([race(s, 16, 0.01, {m: 100 + i for i, m in enumerate(models)}, blocks=15)
                    for s in ("fanout", "react", "layers", "tree")], models)
    page, column = drawn(data), drawn(data, COLUMN)
    assert (len(page.axes), len(column.axes)) == (4, 2)
    assert page.rows == column.rows and page.alt == column.alt
    assert "in the wide figure" in column.reading and "wide" not in page.reading


@pytest.mark.parametrize("width", [PAGE, COLUMN], ids=["page", "column"])
@pytest.mark.parametrize("models", [fixtures.MODELS, fixtures.EVERY], ids=["six", "all"])
@pytest.mark.parametrize("noise", [0, 0.06], ids=["quiet", "noisy"])
def test_no_text_lies_on_another_or_leaves_the_figure(noise, models, width, tmp_path):
    folder = fixtures.write_result(tmp_path, models=models, blocks=15, profile="standard")
    dice = random.Random(4)
    rows = [json.loads(line) for line in (folder / "samples.jsonl").open()]
    for row in rows:
        if row["makespan_ns"]:
            row["makespan_ns"] = int(row["makespan_ns"] * dice.lognormvariate(0, noise))
    (folder / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = read_result(folder)
    check_texts(drawn(ChartData(result, summarise(result)), width))


def test_identical_data_gives_identical_bytes():
    def digest():
        out = io.BytesIO()
        with settings():
            drawn(forest()).figure.savefig(out, format="svg",
                                           metadata={"Date": None, "Creator": None})
        return hashlib.sha256(out.getvalue()).hexdigest()

    assert digest() == digest()
