"""Is a waiting agent's cost the slope that the data has, and does what stands beside it show?"""

import hashlib
import json
import random

import pytest

from interleave import fixtures
from interleave.chart_data import ChartData
from interleave.chart_memory import what_does_an_agent_cost
from interleave.charts import draw_all
from interleave.markdown_tables import memory_table, memory_words
from interleave.memory_slope import memory_per_agent
from interleave.records import read_result
from interleave.sheet import COLUMN, PAGE, settings
from interleave.summary import summarise
from interleave.test_charts import check_texts
from interleave.waiting import waiting

SIZES = (1000, 10_000, 100_000, 1_000_000)
LATE = {"asio": 90_000, "libuv": 550_000, "tbb": 200_000, "threads": 70_000, "asyncio": 4_000_000}


def write(folder, models=None, change=lambda s: s):
    """`parked` alone, with lateness and idle CPU; threads stop at 10,000."""
    before, fixtures.CELLS = fixtures.CELLS, [
        ("parked", size, 2, 1500 * fixtures.MS, 0.0) for size in SIZES]
    try:
        fixtures.write_result(folder, models=models)
    finally:
        fixtures.CELLS = before
    noise, out = random.Random(3), []
    for line in (folder / "samples.jsonl").read_text().splitlines():
        s = json.loads(line)
        if s["status"] == "ok" and s["mode"] == "timed":
            if s["structure"] == "thread_per_turn" and s["params"]["agents"] > 10_000:
                s |= {"status": "skipped", "reason": "too many threads", "makespan_ns": None}
            else:
                s |= waits_of(s, noise)
        out.append(json.dumps(change(s)) + "\n")
    (folder / "samples.jsonl").write_text("".join(out))
    return folder


def waits_of(s, noise):
    agents, late = s["params"]["agents"], LATE.get(s["model"], 150_000)
    late *= (agents / 1000) ** 0.5 * (1 + noise.gauss(0, 0.05))
    p99 = int(late * 6) if agents >= 662 else None
    return {"lateness": {"n": agents, "p50": int(late), "p90": int(late * 3), "p99": p99,
                         "max": int(late * 9)},
            "idle_cpu": {"wall_ns": 1_000_000_000, "cpu_ns": int(2e5 + late / 30)}}


def read(folder):
    result = read_result(folder)
    return ChartData(result, summarise(result))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return read(write(tmp_path_factory.mktemp("small")))


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return read(write(tmp_path_factory.mktemp("large"), fixtures.EVERY))


def drawn(data, width=PAGE):
    with settings():
        return what_does_an_agent_cost(data, width)


def sample(agents, block, memory, **more):
    return {"scenario": "parked", "model": "asio", "block": block, "vmhwm_bytes": int(memory),
            "rss_before_bytes": 0, "params": {"agents": agents, "workers": 2}} | more


def slope_of(samples):
    found, = memory_per_agent(samples)
    return found


def test_a_straight_line_has_its_slope_over_all_its_sizes():
    found = slope_of([sample(n, b, 300_000 + n * 512) for n in SIZES for b in range(6)])
    assert found["bytes_per_agent"] == {"n": 6, "median": 512, "low": 512, "high": 512,
                                        "coverage": 0.9688}
    assert (found["from_agents"], found["to_agents"]) == (1000, 1_000_000)
    assert found["sizes"] == list(SIZES)


def test_a_size_at_which_set_up_is_most_of_the_memory_has_no_say():
    """Up to 1,000 agents a pool grows: a slope of its own, which is not the agents'."""
    def memory(n):
        return 2_000_000 + min(n, 1000) * 4000 + n * 500

    found = slope_of([sample(n, b, memory(n)) for n in (100, *SIZES) for b in range(6)])
    assert found["sizes"] == [100_000, 1_000_000]  # at 10,000 it is 5 MB of 11 MB
    assert found["bytes_per_agent"]["median"] == 500


def test_two_sizes_are_used_whatever_their_memory():
    found = slope_of([sample(n, 0, 9_000_000 + n) for n in (10, 100)])
    assert found["sizes"] == [10, 100] and found["bytes_per_agent"]["median"] == 1
    assert memory_per_agent([sample(10, b, 9_000_000) for b in range(6)]) == []


def test_blocks_that_stop_at_a_smaller_size_do_not_mix_in_another_range():
    few = [sample(n, b, n * 500 if n > 10_000 else n * 500 + 1e6) for n in SIZES[1:]
           for b in range(6 if n > 10_000 else 30)]
    found = slope_of(few)
    assert found["bytes_per_agent"]["n"] == 6 and found["to_agents"] == 1_000_000


def test_a_size_that_hardly_any_block_reached_is_not_the_end_of_the_slope():
    samples = [sample(n, b, n * 500) for n in SIZES for b in range(6)
               if n < 1_000_000 or b == 3]
    found = slope_of(samples)
    assert found["to_agents"] == 100_000 and found["bytes_per_agent"]["n"] == 6


def test_one_block_of_each_size_has_a_slope_without_an_interval():
    found = slope_of([sample(n, 0, n * 500) for n in SIZES])
    assert found["to_agents"] == 1_000_000
    assert found["bytes_per_agent"]["low"] is None and found["bytes_per_agent"]["n"] == 1


def test_all_sizes_of_a_slope_count_what_the_kernel_keeps_for_threads():
    kernel = {"kernel_stacks_before_bytes": 0, "slab_before_bytes": 0}
    samples = [sample(n, b, n * 100, threads_peak=n, kernel_stacks_peak_bytes=n * 1000,
                      slab_peak_bytes=n * 2000, **kernel) for n in (400, 2400, 9600)
               for b in range(6)]
    assert slope_of(samples)["bytes_per_agent"]["median"] == 3100


def test_how_well_a_process_waits_is_told_at_the_most_agents_it_ran_with(small):
    rows = {r["model"]: r for r in small.summary["waiting_agent"]}
    assert rows["threads"]["agents"] == 10_000 and rows["asio"]["agents"] == 1_000_000
    assert "sequential" not in rows
    samples = [s for s in small.result.measured() if s["model"] == "asio"
               and s["params"]["agents"] == 1_000_000]
    p99 = sorted(s["lateness"]["p99"] for s in samples)
    e = rows["asio"]["lateness_p99_ns"]
    assert (e["low"], e["high"], e["n"]) == (p99[0], p99[-1], 6)
    shares = sorted(s["idle_cpu"]["cpu_ns"] / 1e9 for s in samples)
    assert rows["asio"]["idle_cpu"]["low"] == pytest.approx(shares[0], rel=1e-5)


def test_an_old_result_has_the_lines_alone(data):
    assert waiting(data.result, data.summary["cells"]) == []
    drawing = drawn(data)
    assert len(drawing.axes) == 1 and "Below" not in drawing.reading
    assert "late" not in memory_table(data.summary)
    assert "Late" not in memory_words(data.summary)


@pytest.mark.parametrize("lost, left", [("lateness", "of one CPU"),
                                        ("idle_cpu", "late by (log scale)")])
def test_of_the_two_one_may_be_unknown(tmp_path, lost, left):
    data = read(write(tmp_path, change=lambda s: s | {lost: None}))
    drawing = drawn(data)
    assert [ax.get_xlabel() for ax in drawing.axes[1:]] == [left]
    assert "–" in memory_table(data.summary)


def test_the_strip_shows_the_numbers_of_the_section(small):
    drawing = drawn(small)
    _, late, idle = drawing.axes
    rows = {r["model"]: r for r in small.summary["waiting_agent"]}
    bars = sorted(bar.get_width() for group in idle.containers for bar in group)
    assert bars == sorted(r["idle_cpu"]["median"] for r in rows.values())
    marks = sorted(line.get_xdata()[0] for line in late.lines if line.get_marker() != "None")
    assert marks == sorted(r[k]["median"] for r in rows.values()
                           for k in ("lateness_p50_ns", "lateness_p99_ns"))
    kinds = {r["kind"] for r in drawing.rows}
    assert {"lateness p50 in ns", "lateness p99 in ns", "idle CPU, share of one"} < kinds
    assert "at 1,000,000 agents (threads: 10,000)" in drawing.reading


def test_where_too_few_wait_for_a_percentile_it_is_not_there(tmp_path):
    def few(s):
        return s | {"lateness": s["lateness"] | {"p99": None}} if s.get("lateness") else s

    data = read(write(tmp_path, change=few))
    assert all(r["lateness_p99_ns"] is None for r in data.summary["waiting_agent"])
    assert "lateness p99 in ns" not in {r["kind"] for r in drawn(data).rows}


def test_the_table_has_the_columns_and_every_model(large):
    table = memory_table(large.summary)
    head, _, *lines = table.splitlines()
    assert head.endswith("| from | to | late by (p50) | late by (p99) | idle, of one CPU | at |")
    assert {len(line.split("|")) for line in table.splitlines()} == {12}
    assert len(lines) == len([m for m in fixtures.EVERY if fixtures.EVERY[m][2] not in (
        "sequential", "blocking_workers")])


@pytest.mark.parametrize("which", ["small", "large"])
@pytest.mark.parametrize("width", [PAGE, COLUMN])
def test_no_text_lies_on_another_or_leaves_the_figure(which, width, request):
    drawing = drawn(request.getfixturevalue(which), width)
    check_texts(drawing)


def test_identical_data_gives_identical_bytes(small, tmp_path):
    hashes = []
    for name in ("a", "b"):
        again = read_result(small.result.path)
        draw_all(again, summarise(again), tmp_path / name, only=("memory-of-parked",))
        hashes.append({p.name: hashlib.sha256(p.read_bytes()).hexdigest()
                       for p in sorted((tmp_path / name).iterdir())})
    assert hashes[0] == hashes[1] and len(hashes[0]) == 7
