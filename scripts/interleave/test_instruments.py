"""Is what heartbeats cost told pair by pair, and only where it was measured?"""

import json

import pytest

from interleave.instruments import instruments_table, longer
from interleave.records import read_result
from interleave.responsiveness_fixture import write_result
from interleave.stats import median
from interleave.summary import summarise

ONE = {"cpu-heavy": 50}


def summary_of(path, **more):
    return summarise(read_result(write_result(path, scenarios=ONE, beats=70, **more)))


def test_the_cost_is_a_ratio_within_blocks(tmp_path):
    # Blocks differ by up to a tenth; within a block both runs have the same weather.
    [cell] = summary_of(tmp_path, cost=1.02)["instruments"]["heartbeats"]
    assert cell["overall"] == {"n": 6, "median": 1.02, "low": 1.02, "high": 1.02,
                               "coverage": 0.9688}
    assert {r["model"] for r in cell["models"]} == {"asio", "asyncio", "libuv", "sequential",
                                                    "tbb", "threads"}
    assert all(r["ratio"]["median"] == 1.02 for r in cell["models"])
    assert "heartbeat_us" in cell["cell_id"] and "heartbeat_us" not in cell["without"]


def test_the_words_follow_from_the_numbers(tmp_path):
    longer_runs = instruments_table(summary_of(tmp_path / "a", cost=1.02))
    shorter_runs = instruments_table(summary_of(tmp_path / "b", cost=0.97))
    assert "took 2.0 % longer [+2.0 % to +2.0 %]. Least:" in longer_runs
    assert "took 3.0 % shorter [-3.0 % to -3.0 %]" in shorter_runs
    assert "**cpu-heavy** 64 agents, 2 workers, CPU share 5 %" in longer_runs


def changed(path, change):
    """The summary of a made-up result whose samples were changed one by one."""
    write_result(path, scenarios=ONE, beats=70)
    rows = [json.loads(line) for line in (path / "samples.jsonl").read_text().splitlines()]
    for row in rows:
        change(row)
    (path / "samples.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return summarise(read_result(path))


def test_the_models_that_it_costs_least_and_most_are_named(tmp_path):
    def change(row):
        factor = {"tbb": 1.5, "libuv": 0.9}.get(row["model"], 1)
        if row.get("heartbeat"):
            row["makespan_ns"] = int(row["makespan_ns"] * factor)
    summary = changed(tmp_path, change)
    [cell] = summary["instruments"]["heartbeats"]
    assert cell["overall"]["median"] == 1.004  # what one model has does not move the middle of six
    text = instruments_table(summary)
    assert "Least: `libuv` -9.6 %" in text and "most: `tbb` +51 %" in text


def test_a_run_without_its_partner_enters_nothing(tmp_path):
    def change(row):
        if row["model"] == "asio" and row["block"] == 2 and row["scenario"] == "cpu-heavy" \
                and not row["heartbeat"]:
            row["status"] = "invalid"
    [cell] = changed(tmp_path, change)["instruments"]["heartbeats"]
    counts = {r["model"]: r["ratio"]["n"] for r in cell["models"]}
    assert counts["asio"] == 5 and counts["tbb"] == 6 and cell["overall"]["n"] == 6


def test_without_a_twin_or_without_heartbeats_nothing_is_said(tmp_path, data):
    alone = summary_of(tmp_path, twins=False)
    assert alone["responsiveness"] is not None and alone["instruments"] is None
    assert data.summary["instruments"] is None
    assert instruments_table(alone) == instruments_table(data.summary) == ""


@pytest.mark.parametrize("ratio, words", [
    ({"n": 6, "median": 1.004, "low": 1.001, "high": 1.009}, "0.4 % longer [+0.1 % to +0.9 %]"),
    ({"n": 6, "median": 1.004, "low": 0.998, "high": 1.009},
     "0.4 % longer [-0.2 % to +0.9 %], which may be chance"),
    ({"n": 6, "median": 1.0001, "low": 0.99, "high": 1.02},
     "as long [-1.0 % to +2.0 %], which may be chance"),
    ({"n": 1, "median": 0.9, "low": None, "high": None},
     "10 % shorter (too few blocks for an interval: 1)")])
def test_a_ratio_in_words(ratio, words):
    assert longer(ratio) == words


def test_the_middle_of_models_is_taken_in_each_block_first(tmp_path):
    def change(row):
        if row.get("heartbeat") and row["block"] == 0:
            row["makespan_ns"] *= 2
    [cell] = changed(tmp_path, change)["instruments"]["heartbeats"]
    assert cell["overall"]["high"] == pytest.approx(2.008, abs=0.001)
    assert cell["overall"]["median"] == median([1.004] * 5 + [2.008])
