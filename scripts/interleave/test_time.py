"""Do the parts of a run's time add up, do the charts show them, and does the sentence follow?"""

import json

import pytest

from interleave import fixtures, times_fixture
from interleave.chart_data import ChartData
from interleave.chart_time import COLOURS, where_did_the_time_go
from interleave.records import read_result
from interleave.sheet import COLUMN, PAGE, NothingToDraw, save, settings
from interleave.stacked import end_of
from interleave.style import FAMILIES, REFERENCE
from interleave.summary import as_json, summarise
from interleave.test_charts import check_texts
from interleave.time_spent import (CATEGORIES, IS_ASKED, IS_LOST, middle_runs, shown_cells,
                                   time_spent, took, whole_parts)
from interleave.time_table import time_table
from interleave.why_slower import why, why_the_slowest_lost

MS = 1_000_000


def known(folder):
    result = read_result(folder)
    return ChartData(result, summarise(result))


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    return known(times_fixture.write_result(tmp_path_factory.mktemp("times")))


@pytest.fixture(scope="module")
def all_models(tmp_path_factory):
    return known(times_fixture.write_result(tmp_path_factory.mktemp("all"), fixtures.EVERY))


@pytest.fixture(scope="module", params=[PAGE, COLUMN], ids=["page", "column"])
def drawing(request, all_models):
    with settings():
        return where_did_the_time_go(all_models, request.param)


def row(model, median, near=10, **more):
    """What is known of a model: all that is not named is waiting."""
    path = dict.fromkeys(CATEGORIES, 0) | {f"{key}_ns": ns for key, ns in more.items()}
    path["waiting_ns"] += median - sum(path.values())
    return {"model": model, "on_path": path,
            "makespan_ns": {"n": 6, "median": median, "low": median - near, "high": median + near}}


def sample(model, block, makespan, **more):
    path = row(model, makespan, **more)["on_path"]
    return {"cell_id": "c", "model": model, "exec_id": f"{model}-{block}", "block": block,
            "makespan_ns": makespan, "turns": 10, "time_on_path": path, "greedy_ns": 100,
            "critical_path_ns": 90,
            "time_of_turns": {key: ns * 20 for key, ns in path.items()
                              if key not in ("starting_ns", "ending_ns")}}


class Measured:
    def __init__(self, samples):
        self.samples = samples

    def measured(self):
        return self.samples


def section(samples, params=None):
    models = list(dict.fromkeys(s["model"] for s in samples))
    return time_spent(Measured(samples), [{"cell_id": "c", "params": params or {},
                                           "models": [{"model": m} for m in models]}])


def test_a_model_is_shown_by_the_run_with_the_median_time():
    [cell] = section([sample("a", b, makespan, late=late) for b, (makespan, late) in
                      enumerate([(300, 7), (500, 1), (400, 40)])])
    [found] = cell["models"]
    assert found["runs"] == ["a-2"] and found["makespan_ns"]["median"] == 400
    assert found["on_path"]["late_ns"] == 40 and found["on_path"]["waiting_ns"] == 360
    assert found["per_turn"]["late_ns"]["median"] == 14  # of all blocks: 7 * 20 / 10
    assert cell["ideal_loss_ns"] == 10


def test_of_an_even_number_of_runs_the_middle_two_are_averaged_and_still_add_up():
    [cell] = section([sample("a", b, makespan, late=late, queued=1) for b, (makespan, late) in
                      enumerate([(300, 7), (903, 1), (400, 40), (501, 21)])])
    [found] = cell["models"]
    assert found["runs"] == ["a-2", "a-3"]
    assert found["makespan_ns"]["median"] == round(450.5)
    assert sum(found["on_path"].values()) == round(450.5)
    assert abs(found["on_path"]["late_ns"] - 30.5) <= 1 >= abs(found["on_path"]["queued_ns"] - 1)


def test_halves_are_rounded_so_that_nothing_is_lost_or_won():
    for values in ([0.5, 0.5, 0.5, 0.5], [0.5] * 7, [1.5, 2.5, 3.5], [3, 0, 0.5]):
        parts = whole_parts(values, range(len(values)))
        assert sum(parts.values()) == round(sum(values))
        assert all(abs(parts[i] - value) <= 1 for i, value in enumerate(values))


def test_equal_times_are_ordered_by_name_so_that_bytes_stay_the_same():
    runs = [sample("a", b, 100) for b in (2, 0, 1)]
    assert [s["block"] for s in middle_runs(runs)] == [1]
    assert middle_runs(runs) == middle_runs(runs[::-1])


def test_in_a_whole_result_every_account_adds_up_to_the_median_of_the_table(all_models):
    cells = {c["cell_id"]: c for c in all_models.summary["cells"]}
    assert len(all_models.summary["time_spent"]) == len(cells)
    for spent in all_models.summary["time_spent"]:
        medians = {r["model"]: r["makespan_ns"] for r in cells[spent["cell_id"]]["models"]}
        for found in spent["models"]:
            assert sum(found["on_path"].values()) == medians[found["model"]]["median"]
            assert found["makespan_ns"] == medians[found["model"]]


def test_an_account_that_does_not_add_up_is_not_told():
    samples = [sample("a", 0, 300), sample("b", 0, 300)]
    samples[0]["time_on_path"]["late_ns"] += 1
    [cell] = section(samples)
    assert [found["model"] for found in cell["models"]] == ["b"]


def test_runs_with_heartbeats_and_runs_without_an_account_have_no_place():
    assert section([sample("a", 0, 300)], {"heartbeat_us": 1000}) == []
    assert section([sample("a", 0, 300) | {"time_on_path": None}]) == []
    old = {k: v for k, v in sample("a", 0, 300).items() if not k.startswith("time_of")}
    assert section([old])[0]["models"][0]["per_turn"]["late_ns"] is None


# Why the slower lost.

def test_the_slower_lost_by_what_it_spent_more_on():
    fast, slow = row("asio", 295 * MS), row("libuv", 304 * MS, late=8 * MS, queued=MS)
    assert why(slow, fast) == (
        "`libuv` took 9 ms longer than `asio` (304 against 295 ms): 8 ms more went to late "
        "wake-ups and 1 ms more to queueing.")


def test_with_the_data_swapped_the_sentence_is_the_opposite():
    rows = [row("libuv", 295 * MS, ending=MS), row("asio", 304 * MS, held_up=9 * MS, ending=MS)]
    assert why_the_slowest_lost(rows) == why_the_slowest_lost(rows[::-1]) == (
        "`asio` took 9 ms longer than `libuv` (304 against 295 ms): 9 ms more went to computing "
        "slowed by others.")


def test_what_was_gained_elsewhere_is_told_too_and_all_adds_up():
    fast = row("asio", 295 * MS, queued=3 * MS)
    slow = row("libuv", 304 * MS, late=14 * MS, queued=MS)
    assert why(slow, fast).endswith(
        ": 14 ms more went to late wake-ups, 3 ms less to waits and 2 ms less to queueing.")


def test_what_is_not_named_is_the_rest():
    fast = row("asio", 300 * MS)
    slow = row("libuv", 330 * MS, late=9 * MS, queued=8 * MS, held_up=7 * MS, ending=4 * MS,
               starting=2 * MS)
    assert why(slow, fast).endswith(
        ": 9 ms more went to late wake-ups, 8 ms more to queueing, 7 ms more to computing slowed "
        "by others and 6 ms more to the rest.")


@pytest.mark.parametrize("seed", range(40))
def test_the_parts_of_a_sentence_add_up_to_the_difference_it_names(seed):
    def some(i):
        return (seed * 7919 + i * 104729) % 10**(3 + (seed + i) % 6)

    fast = row("a", 10**9, late=some(1), queued=some(2), ending=some(3), computing=some(4))
    slow = row("b", 10**9 + 1000 + some(5) * 7, late=some(6), queued=some(7), held_up=some(8),
               blocked=some(9))
    sentence = why(slow, fast)
    head, parts = sentence.rstrip(".").split("): ")
    words = head.replace("(", "").replace(",", "").split()
    difference = float(words[words.index("took") + 1])
    more, less = (float(w.replace(",", "")) for w in (words[-4], words[-2]))
    assert more - less == pytest.approx(difference)
    tokens = parts.replace(", ", " ").split()
    told = sum(float(tokens[i - 2].replace(",", "")) * (1 if word == "more" else -1)
               for i, word in enumerate(tokens) if word in ("more", "less"))
    assert told == pytest.approx(difference), sentence


def test_noise_is_given_no_reason():
    sentence = why(row("libuv", 304 * MS, near=5 * MS, late=8 * MS), row("asio", 295 * MS, 5 * MS))
    assert sentence == ("`asio` and `libuv` are not told apart: 295 ms and 304 ms, and their "
                        "intervals overlap.")


def test_runs_too_few_for_an_interval_are_given_no_reason():
    one = row("asio", 295 * MS)
    one["makespan_ns"] |= {"low": None, "high": None}
    sentence = why(row("libuv", 304 * MS, late=8 * MS), one)
    assert "too few runs" in sentence and "late" not in sentence


def test_one_model_alone_lost_to_nobody():
    assert why_the_slowest_lost([row("asio", 100)]) == ""


# Which cells are shown.

def cell(name, spent, overheads, workers=2):
    """overheads: model -> its overhead in the cell."""
    return ({"cell_id": name, "params": {"workers": workers},
             "models": [{"model": m, "overhead": {"median": x}} for m, x in overheads.items()]},
            {"cell_id": name, "ideal_loss_ns": 0, "models": spent})


def choice(*pairs):
    return [c["cell_id"] for c, _ in shown_cells({
        "cells": [c for c, _ in pairs], "time_spent": [s for _, s in pairs],
        "default_workers": 2})]


def rows_with(loss, models="abcd", computing=5):
    return [row(m, 100, computing=computing, **{loss: 9}) for m in models]


def test_the_cell_in_which_models_lie_furthest_apart_is_shown_with_waits_and_computing():
    near = cell("near", rows_with("late"), dict(a=1, b=1.1, c=1, d=1))
    far = cell("far", rows_with("late"), dict(a=1, b=1.9, c=1, d=1))
    furthest = cell("only waits", rows_with("late", computing=0), dict(a=1, b=9, c=1, d=1))
    assert choice(near, far, furthest) == choice(furthest, far, near) == ["far"]


def test_a_cell_of_few_models_is_not_shown_where_others_have_many():
    many = cell("many", rows_with("late"), dict(a=1, b=1.1, c=1, d=1))
    two = cell("two", rows_with("late", "ab"), dict(a=1, b=5))
    assert choice(many, two) == ["many"]


def test_a_second_cell_is_shown_if_its_models_lose_in_another_way():
    first = cell("first", rows_with("late"), dict(a=1, b=1.9, c=1, d=1))
    same = cell("same", rows_with("late"), dict(a=1, b=1.5, c=1, d=1))
    other = cell("other", rows_with("held_up"), dict(a=1, b=1.2, c=1, d=1))
    tied = cell("tied", rows_with("queued"), dict(a=1, b=1.001, c=1, d=1))
    assert choice(first, same, other, tied) == ["first", "other"]
    assert choice(first, same, tied) == ["first"]


def of_a_grain(pair):
    pair[0]["params"]["grain_us"] = 3
    return pair


def test_cells_of_the_study_of_grain_are_shown_only_where_there_are_no_others():
    agents = cell("agents", rows_with("late", "ab", computing=0), dict(a=1, b=1.1))
    grain = of_a_grain(cell("grain", rows_with("late"), dict(a=1, b=9, c=1, d=1)))
    other = of_a_grain(cell("other", rows_with("held_up"), dict(a=1, b=5, c=1, d=1)))
    assert choice(grain, agents, other) == ["agents"]
    assert choice(other, grain) == ["grain", "other"]


def test_queueing_that_an_ideal_scheduler_has_too_is_no_loss_of_a_models_own():
    first = cell("first", rows_with("late"), dict(a=1, b=1.9, c=1, d=1))
    other = cell("other", rows_with("queued"), dict(a=1, b=1.2, c=1, d=1))
    assert choice(first, other) == ["first", "other"]
    for found in other[1]["models"]:
        found["on_path"]["late_ns"] = 1
    other[1]["ideal_loss_ns"] = 9
    assert choice(first, other) == ["first"]


# The chart.

def test_the_bars_are_cut_where_the_numbers_say(drawing, all_models):
    whole, losses = drawing.axes[:2]
    shown, spent = shown_cells(all_models.summary)[0]
    rows = {r["model"]: r for r in spent["models"]}
    models = list(dict.fromkeys(r["model"] for r in drawing.rows if r["model"]))
    for ax, words in ((whole, IS_ASKED | IS_LOST), (losses, IS_LOST)):
        totals = [sum(took(rows[m], keys) for keys in words.values()) for m in models]
        end = end_of(totals)
        for y, (model, total) in enumerate(zip(models, totals)):
            if total > end:
                continue
            bars = [b for group in ax.containers for b in group
                    if round(b.get_y() + b.get_height() / 2) == y]
            assert [round(b.get_width()) for b in bars] == [
                took(rows[model], keys) for keys in words.values() if took(rows[model], keys)]
            assert sum(b.get_width() for b in bars) == pytest.approx(total)
            assert len(bars) < 2 or all(
                a.get_x() + a.get_width() == pytest.approx(b.get_x())
                for a, b in zip(bars, bars[1:]))


def test_the_losses_are_enlarged_on_a_scale_of_their_own(drawing):
    whole, losses = drawing.axes[:2]
    assert losses.get_xlim()[1] < whole.get_xlim()[1] / 5


def test_the_rows_of_the_csv_add_up_to_the_median(drawing):
    for model in {r["model"] for r in drawing.rows} - {""}:
        rows = [r for r in drawing.rows if (r["model"], r["panel"]) == (
            model, drawing.rows[0]["panel"])]
        [median] = [r["y"] for r in rows if r["kind"] == "median"]
        assert sum(r["y"] for r in rows if r["kind"] != "median") == median


def test_a_colour_is_a_category_and_never_a_model(drawing):
    assert len(set(COLOURS.values())) == len(COLOURS) == len(IS_ASKED) + len(IS_LOST)
    assert not set(COLOURS.values()) & {look[0] for look in [*FAMILIES.values(), REFERENCE]}
    for ax in drawing.axes:
        assert len({tick.get_color() for tick in ax.get_yticklabels()}) == 1


def test_every_colour_drawn_is_named(drawing):
    from matplotlib.colors import to_hex
    texts = [t.get_text() for ax in drawing.axes for t in ax.texts]
    drawn = {to_hex(bar.get_facecolor()).upper() for ax in drawing.axes
             for group in ax.containers for bar in group}
    for word, colour in COLOURS.items():
        assert (colour in drawn) == (word in texts), word


def test_with_every_model_no_text_lies_on_another(drawing):
    check_texts(drawing)


def test_of_every_model_those_of_other_charts_are_drawn_and_both_ends(drawing, all_models):
    drawn = {r["model"] for r in drawing.rows} - {""}
    assert 10 <= len(drawn) <= 14 < len(fixtures.EVERY)
    for _, spent in shown_cells(all_models.summary):
        ranked = sorted(spent["models"], key=lambda r: r["makespan_ns"]["median"])
        assert {ranked[0]["model"], ranked[-1]["model"]} <= drawn
    assert f"{len(drawn)} of 21 models" in drawing.reading


def test_the_note_says_why_the_slowest_of_the_cell_lost(drawing, all_models):
    [(_, spent), *_] = shown_cells(all_models.summary)
    assert why_the_slowest_lost(spent["models"]) in drawing.note


def test_a_model_that_was_not_run_has_no_bar_and_is_named(few):
    summary = json.loads(json.dumps(few.summary))
    keep = [s for s in summary["time_spent"] if s["cell_id"].startswith("fanout/agents=10000/")]
    summary["time_spent"] = keep
    with settings():
        drawn = where_did_the_time_go(ChartData(few.result, summary), PAGE)
    assert "Not run: sequential." in drawn.reading
    assert "sequential" not in {r["model"] for r in drawn.rows}
    assert "sequential" not in [t.get_text() for t in drawn.axes[0].get_yticklabels()]


def test_the_table_tells_every_model_its_parts_and_leaves_the_reason_to_the_figure(all_models):
    text = time_table(all_models.summary)
    for name in fixtures.EVERY:
        assert f"| `{name}` | " in text
    [(_, spent), *_] = shown_cells(all_models.summary)
    sentence = why_the_slowest_lost(spent["models"])
    with settings():
        assert sentence and sentence in where_did_the_time_go(all_models, PAGE).note
    assert sentence not in text
    heads = next(line for line in text.splitlines() if line.startswith("| model"))
    assert "woke late" in heads and "blocked" not in heads  # no tool blocked anything


def test_a_result_without_accounts_has_no_figure_no_table_and_an_empty_section(data):
    assert data.summary["time_spent"] == []
    with pytest.raises(NothingToDraw, match="where its time went"):
        where_did_the_time_go(data, PAGE)
    assert time_table(data.summary) == ""
    older = {k: v for k, v in data.summary.items() if k != "time_spent"}
    assert shown_cells(older) == []


def test_identical_data_gives_identical_bytes(few, tmp_path):
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        with settings():
            save(where_did_the_time_go(few, COLUMN), folder, "time-spent")
    first, second = ([p.read_bytes() for p in sorted(f.iterdir())] for f in folders)
    assert len(first) == 3 and first == second
    again = summarise(read_result(few.result.path))
    assert as_json(again) == as_json(few.summary)
