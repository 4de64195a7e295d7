"""Is the knee where the numbers put it, and is a breach of Little's law said aloud?"""

import copy
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from interleave import fixtures
from interleave.arrivals_fixture import MS, WINDOW_NS, made_up, results, upper_border
from interleave.chart_data import ChartData
from interleave.chart_open_loop import what_rate_can_it_keep_up_with as draw
from interleave.open_loop import knee, knee_words, little_words, open_loop, open_loop_table
from interleave.sheet import COLUMN, PAGE, NothingToDraw, settings
from interleave.summary import as_json, summarise
from interleave.test_charts import check_texts


@pytest.fixture(scope="module")
def result():
    return made_up()


@pytest.fixture(scope="module")
def summary(result):
    return summarise(result)


def drawn(result, width=PAGE):
    with settings():
        return draw(ChartData(result, summarise(result)), width)


def of(section, model):
    [series] = section["series"]
    return next(m for m in series["models"] if m["model"] == model)


def even(n, ms):
    """n sessions that arrive evenly within the window and take `ms` each."""
    arrivals = [i * WINDOW_NS // n for i in range(n)]
    return results([int(ms * MS)] * n, arrivals, WINDOW_NS)


def flat(models):
    """{model: {agents: ms}} as a result of one block."""
    made = made_up({m: fixtures.MODELS[m] for m in models}, blocks=1)
    made.samples = [s for s in made.samples if s["scenario"] == "open-loop"
                    and s["params"]["agents"] in models[s["model"]]]
    for s in made.samples:
        agents = s["params"]["agents"]
        s["results"] = even(agents, models[s["model"]][agents])
    return made


def section(made):
    return summarise(made)["open_loop"]


FAST = {64: 100, 128: 110, 256: 150, 512: 900}


def test_rate_throughput_and_percentiles_are_those_of_the_sessions():
    rates = of(section(flat({"asio": FAST})), "asio")["rates"]
    assert [r["rate_per_s"] for r in rates] == [64, 128, 256, 512]
    assert [r["n"] for r in rates] == [64, 128, 256, 512]
    assert [r["p90_ns"] for r in rates] == [100 * MS, 110 * MS, 150 * MS, 900 * MS]
    assert [r["p99_ns"] for r in rates] == [None] * 4  # needs 662
    span = WINDOW_NS * 63 / 64 + 100 * MS
    assert rates[0]["throughput_per_s"] == pytest.approx(64 / span * 1e9, rel=1e-5)


def test_runs_are_merged_before_a_percentile_is_read(result, summary):
    row = of(summary["open_loop"], "tbb")["rates"][0]
    assert row["runs"] == 6 and row["n"] == 6 * 16
    longest = max(s["results"]["max"] for s in result.samples if s["scenario"] == "open-loop"
                  and s["model"] == "tbb" and s["params"]["agents"] == 16)
    assert row["max_ns"] == longest and row["p90_ns"] <= longest


def test_no_percentile_is_cut_at_the_longest_of_some_runs_only():
    made = flat({"asio": {64: 100}})
    [one] = [s for s in made.samples if s["model"] == "asio"]
    slow = one | {"exec_id": "slow", "block": 1,
                  "results": even(64, 900) | {"max": None}}
    made.samples.append(slow)
    [rate] = of(section(made), "asio")["rates"]
    assert rate["max_ns"] is None and rate["p90_ns"] >= 900 * MS


def test_too_few_sessions_have_no_p90_and_no_knee():
    row = of(section(flat({"asio": {16: 100}})), "asio")
    assert row["rates"][0]["p90_ns"] is None
    assert (row["knee"], row["knee_per_s"]) == ("unknown", None)
    with pytest.raises(NothingToDraw, match="two rates"):
        drawn(flat({"asio": {16: 100}}))


def test_the_knee_is_the_last_rate_before_p90_doubles():
    found = of(section(flat({"asio": FAST})), "asio")
    assert (found["knee"], found["knee_per_s"]) == ("reached", 256)
    found = of(section(flat({"asio": FAST | {128: 250}})), "asio")
    assert (found["knee"], found["knee_per_s"]) == ("reached", 64)


def test_twice_the_least_is_kept_up_with_and_a_little_more_is_not():
    def rates(p90):
        return [{"rate_per_s": 10, "p90_ns": 100}, {"rate_per_s": 20, "p90_ns": p90}]

    assert knee(rates(200), 100) == {"knee": "not reached", "knee_per_s": 20}
    assert knee(rates(201), 100) == {"knee": "reached", "knee_per_s": 10}


def test_a_model_that_recovers_at_a_higher_rate_has_its_knee_where_it_first_failed():
    rates = [{"rate_per_s": r, "p90_ns": p} for r, p in ((10, 100), (20, 300), (30, 100))]
    assert knee(rates, 100) == {"knee": "reached", "knee_per_s": 10}


def test_a_model_that_is_swamped_at_the_lowest_rate_is_not_measured_against_itself():
    found = section(flat({"asio": FAST, "sequential": {64: 4000, 128: 5000}}))
    assert of(found, "sequential")["knee"] == "below"
    assert knee_words(of(found, "sequential"), 64) == "< 64/s"
    assert of(found, "asio")["knee_per_s"] == 256


def test_who_failed_at_the_lowest_rate_is_below_the_lowest_that_it_was_measured_at():
    found = section(flat({"asio": FAST, "libuv": {128: 5000}}))
    assert knee_words(of(found, "libuv"), 64) == "< 128/s"


def test_a_knee_beyond_what_was_measured_is_said_to_be_beyond():
    row = of(section(flat({"asio": {64: 100, 128: 100}})), "asio")
    assert (row["knee"], row["knee_per_s"]) == ("not reached", 128)
    assert knee_words(row, 64) == "≥ 128/s"


def test_slower_sessions_move_the_knee(summary):
    slower = made_up(slower={"libuv": 3.0})
    assert of(section(slower), "libuv")["knee_per_s"] < of(
        summary["open_loop"], "libuv")["knee_per_s"]
    assert of(section(slower), "asio") == of(summary["open_loop"], "asio")


def test_capacity_is_by_the_cpu_time_of_the_cheapest_model_where_most_sessions_were():
    made = flat({"asio": FAST, "tbb": FAST})
    for s in made.samples:
        n = s["params"]["agents"]
        each = 4 * MS if n < 512 else {"asio": 10 * MS, "tbb": 11 * MS}[s["model"]]
        s["cpu_user_ns"], s["cpu_sys_ns"], s["harness_cpu_ns"] = n * each, n * MS, n * MS
    [series] = section(made)["series"]
    assert series["capacity"] == {"rate_per_s": 200, "model": "asio",
                                  "cpu_ns_per_session": 10 * MS}


def test_littles_law_holds_for_what_was_counted_rightly(summary):
    law = summary["open_loop"]["littles_law"]
    assert law["holds"] and law["largest_difference"] < 0.001
    assert little_words(law).endswith("holds within 0.1 %.")


def test_a_breach_of_littles_law_is_said_in_the_figure_and_on_the_page():
    made = flat({"asio": FAST, "tbb": FAST})
    victim = next(s for s in made.samples if s["model"] == "tbb" and s["params"]["agents"] == 128)
    victim["results"]["in_system"] *= 0.9
    law = section(made)["littles_law"]
    assert not law["holds"] and law["model"] == "tbb"
    assert law["largest_difference"] == pytest.approx(0.1, rel=1e-3)
    for text in (drawn(made).reading, open_loop_table(summarise(made))):
        assert "WARNING" in text and "Little's law is broken" in text and "tbb" in text
    assert "WARNING" not in drawn(flat({"asio": FAST})).reading


def test_a_small_difference_is_rounded_up_and_never_to_nothing():
    assert "within 0.2 %" in little_words({"holds": True, "largest_difference": 0.0011})
    assert "within 0.1 %" in little_words({"holds": True, "largest_difference": 0.0})
    assert little_words(None) == ""


def test_runs_with_heartbeats_are_in_no_series():
    made = flat({"asio": FAST})
    for s in made.samples:
        if s["params"]["agents"] == 512:
            s["params"]["heartbeat_us"] = 1000
    assert [r["agents"] for r in of(section(made), "asio")["rates"]] == [64, 128, 256]


def test_a_result_without_arrivals_has_no_section_and_no_figure(every):
    assert open_loop(every.result, every.summary["cells"]) is None
    assert open_loop_table(every.summary) == ""
    with pytest.raises(NothingToDraw, match="open-loop"):
        draw(every, PAGE)


@pytest.mark.parametrize("width", [PAGE, COLUMN])
def test_the_figure_has_every_number_and_marks_the_knee(width, result, summary):
    drawing = drawn(result, width)
    [series] = summary["open_loop"]["series"]
    [ax] = drawing.axes
    rings = [line for line in ax.lines if line.get_markerfacecolor() == "none"]
    kept_up = [m for m in series["models"] if m["knee_per_s"]]
    assert len(rings) == len(kept_up) > 3
    for row in series["models"]:
        plotted = {(r["kind"], r["x"]): r["y"] for r in drawing.rows if r["model"] == row["model"]}
        for rate in row["rates"]:
            assert plotted["p90", rate["rate_per_s"]] == rate["p90_ns"]
            assert plotted["p50", rate["rate_per_s"]] == rate["p50_ns"]
            low, high = ax.get_ylim()
            assert low < rate["p50_ns"] <= rate["p90_ns"] < high
        if row["knee"] == "reached":
            assert (f"knee {row['knee']}", row["knee_per_s"]) in plotted
    assert "all CPUs busy" in [t.get_text() for t in ax.texts]
    assert "2 CPUs" in drawing.reading and "within 0.1 %" in drawing.reading


def test_on_a_page_each_name_has_the_rate_it_keeps_up_with(result):
    texts = [t.get_text() for t in drawn(result).axes[0].texts]
    assert "sequential: < 16/s" in texts and "libuv: 256/s" in texts


def test_a_model_that_was_not_run_is_named_with_what_its_structure_allows():
    made = flat({"asio": FAST, "sequential": {64: 1, 128: 1}})
    for s in made.samples:
        if s["model"] == "sequential":
            s.update(status="skipped", reason="its bound exceeds the limit", results=None,
                     makespan_ns=None, lb_model_ns=s["params"]["agents"] * 200 * MS)
    for row in made.plan:
        if row["model"] == "sequential":
            row["skip_reason"] = "its bound exceeds the limit"
    [series] = section(made)["series"]
    assert series["not_run"] == [{"model": "sequential", "at_most_per_s": 5}]
    assert "Not run: sequential (at most 5/s by its structure)." in drawn(made).reading
    assert "| `sequential` | ≤ 5/s (not run) |" in open_loop_table(summarise(made))
    assert "Not run" not in drawn(flat({"asio": FAST})).reading


def test_a_capacity_far_beyond_the_axis_is_told_and_not_drawn():
    made = flat({"asio": {64: 100, 128: 100}})
    for s in made.samples:
        s["cpu_user_ns"] = s["params"]["agents"] * MS  # 2,000 a second
    drawing = drawn(made)
    assert "above 2,000/s, beyond this axis" in drawing.reading
    assert "all CPUs busy" not in [t.get_text() for t in drawing.axes[0].texts]
    assert drawing.axes[0].get_xlim()[1] < 300


@pytest.mark.parametrize("models", [fixtures.MODELS, fixtures.EVERY], ids=["six", "all"])
@pytest.mark.parametrize("width", [PAGE, COLUMN])
def test_no_text_lies_on_another_or_leaves_the_figure(models, width):
    check_texts(drawn(made_up(models), width))


def test_the_order_of_the_samples_changes_no_byte(result, summary):
    other = copy.deepcopy(result)
    other.samples.reverse()
    assert as_json(summarise(other)) == as_json(summary)
    assert drawn(other).rows == drawn(result).rows


def test_identical_data_gives_identical_bytes_in_two_processes(tmp_path):
    outs = [tmp_path / "1", tmp_path / "2"]
    running = [subprocess.Popen([sys.executable, "-m", "interleave.arrivals_fixture", out],
                                cwd=Path(__file__).parent.parent, stdout=subprocess.DEVNULL,
                                env={**os.environ, "PYTHONHASHSEED": out.name}) for out in outs]
    assert [process.wait() for process in running] == [0, 0]
    first, second = ({p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in out.iterdir()}
                     for out in outs)
    assert len(first) == 21  # three figures, two widths in three formats each, and the data
    assert first == second


def test_the_table_has_a_row_for_each_model_and_a_column_for_each_rate(summary):
    text = open_loop_table(summary)
    assert "| model | keeps up with | 16/s | 64/s | 128/s | 256/s | 512/s |" in text
    for model in fixtures.MODELS:
        assert text.count(f"| `{model}` |") == 1
    assert upper_border(100) == 102
