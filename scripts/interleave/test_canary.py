"""Is a disturbance seen, is nothing else taken for one, and what follows from it?"""

import json
import random
import subprocess
from pathlib import Path

import pytest

from . import guards
from .canary import (
    FILE, Canaries, deviations, disturbed_blocks, fault_of_canary, read_canaries)
from .extra_blocks import extra_entries
from .fake_root import make_root
from .noise import noise, noise_words
from .own_cost import own_cost_words, peak_rss_bytes, share
from .plan import AGAIN, latin_order
from .records import Result

BUILD = Path(__file__).resolve().parents[2] / "build" / "release"


def canary(block, kernel_ns=1000, sleep_ns=5_000_000, cell_id="cell", number=0):
    return {"schema": "interleave.canary/1", "canary_id": f"canary-{number:04d}",
            "cell_id": None if block is None else cell_id, "block": block,
            "started_utc": "2026-01-01T00:00:00.000Z", "kernel_ns": kernel_ns,
            "sleep_ns": sleep_ns, "asked_sleep_ns": 5_000_000}


UNKNOWN = {"kernel_ns": None, "sleep_ns": None, "asked_sleep_ns": None}


@pytest.mark.parametrize("kernel_ns, is_disturbed", [
    (1051, True), (949, True), (1050, False), (950, False)])
def test_a_kernel_more_than_5_percent_from_the_median_so_far_disturbs(kernel_ns, is_disturbed):
    canaries = [*(canary(None) for _ in range(5)), canary(0, kernel_ns)]
    assert disturbed_blocks(canaries) == ({("cell", 0)} if is_disturbed else set())


@pytest.mark.parametrize("sleep_ns, is_disturbed", [
    (5_250_001, True), (5_250_000, False), (5_000_000, False)])
def test_a_sleep_more_than_5_percent_longer_than_asked_disturbs(sleep_ns, is_disturbed):
    assert bool(disturbed_blocks([canary(0, sleep_ns=sleep_ns)])) == is_disturbed


def test_the_median_is_of_all_canaries_up_to_and_with_this_one():
    times = [1000, 1200, 1000, 1100, 1100, 1100, 1100]
    kernels = [kernel for kernel, _ in deviations([canary(n, t) for n, t in enumerate(times)])]
    medians = [1000, 1100, 1000, 1050, 1100, 1100, 1100]
    assert kernels == [(time - median) / median for time, median in zip(times, medians)]


def test_what_comes_later_does_not_change_what_an_earlier_canary_said():
    dice = random.Random(3)
    canaries = [canary(n, dice.randrange(900, 1100)) for n in range(60)]
    for count in range(60):
        assert deviations(canaries)[:count] == deviations(canaries[:count])


def test_a_canary_that_failed_counts_as_not_disturbed_and_enters_no_median():
    canaries = [canary(None), canary(0) | UNKNOWN, canary(1)]
    assert disturbed_blocks(canaries) == set()
    assert deviations(canaries)[1] == (None, None)


def test_one_canary_that_is_off_disturbs_a_block_that_has_two():
    assert disturbed_blocks([canary(None), canary(None), canary(0, 2000), canary(0)]) == {
        ("cell", 0)}


# ---- the program ----

@pytest.fixture
def canaries(tmp_path):
    program = make_root(tmp_path / "root", ["good"]) / "build" / "release" / "canary"
    (tmp_path / "out").mkdir()
    return Canaries(tmp_path / "out", program)


def test_each_canary_is_a_line_on_disk_that_its_schema_knows(canaries):
    told = []
    canaries.at_the_start(told.append)
    canaries.run("cell", 3, told.append)
    rows = [json.loads(line) for line in (canaries.result / FILE).read_text().splitlines()]
    assert rows == canaries.rows == read_canaries(canaries.result) and told == []
    assert [row["block"] for row in rows] == [None] * 5 + [3]
    assert [fault_of_canary(row) for row in rows] == [None] * 6
    assert canaries.took_ns > 0 and len({row["canary_id"] for row in rows}) == 6
    assert [path.name for path in canaries.result.iterdir()] == [FILE]


def test_after_an_interruption_only_what_is_missing_of_the_start_is_run(canaries):
    canaries.at_the_start(print)
    again = Canaries(canaries.result, canaries.program)
    again.at_the_start(print)
    assert len(again.rows) == 5


@pytest.mark.parametrize("program", [
    "#!/bin/sh\necho 'no timer' >&2\nexit 1\n", "#!/bin/sh\necho '{}'\n", "#!/bin/sh\n",
    '#!/bin/sh\necho \'{"kernel_ns":0,"sleep_ns":1,"asked_sleep_ns":1}\'\n', None],
    ids=["fails", "says nothing", "is silent", "has no time", "is gone"])
def test_a_canary_that_fails_leaves_a_row_of_nulls_and_one_note(canaries, program):
    canaries.program.unlink()
    if program:
        canaries.program.write_text(program)
        canaries.program.chmod(0o755)
    told = []
    for block in range(3):
        canaries.run("cell", block, told.append)
    assert all(row | UNKNOWN == row and fault_of_canary(row) is None for row in canaries.rows)
    assert len(told) == 1 and "unknown" in told[0]
    assert canaries.disturbed() == set()


@pytest.mark.skipif(not (BUILD / "canary").is_file(), reason="canary is not built in build/release")
def test_the_real_canary_computes_and_sleeps_for_some_milliseconds():
    answer = json.loads(subprocess.run([BUILD / "canary"], capture_output=True, check=True,
                                       timeout=60).stdout)
    assert answer.keys() == set(UNKNOWN)
    assert answer["sleep_ns"] >= answer["asked_sleep_ns"] >= 1_000_000
    assert answer["kernel_ns"] > 100_000


# ---- what is measured again ----

def entry(model, block, cell_id="cell", mode="timed", **more):
    again = "aa-" if mode == "aa" else ""
    return {"exec_id": f"01-{model}-{again}b{block:02d}", "cell_id": cell_id, "model": model,
            "mode": mode, "block": block, "position": 0, "padding": 1, "predicted_s": 1.0,
            "skip_reason": None} | more


def plan_of(blocks, cell_id="cell"):
    return [entry(model, block, cell_id, mode) for block in range(blocks)
            for model, mode in (("a", "timed"), ("b", "timed"), ("a", "aa"))]


def replaced(plan):
    return {e["block"]: e["instead_of"] for e in plan if e.get("instead_of") is not None}


def test_a_disturbed_block_has_another_in_its_place_with_the_same_processes():
    plan = plan_of(6)
    extra = extra_entries(plan, {("cell", 2)}, 1)
    assert sorted(e["exec_id"] for e in extra) == ["01-a-aa-b06", "01-a-b06", "01-b-b06"]
    assert {(e["block"], e["instead_of"]) for e in extra} == {(6, 2)}
    assert [e["position"] for e in extra] == [0, 1, 2]
    order = [e["model"] + (AGAIN if e["mode"] == "aa" else "") for e in extra]
    assert order == latin_order(["a", "b", "a" + AGAIN], "cell", 6, 1)


def test_nothing_is_measured_again_where_nothing_was_disturbed():
    assert extra_entries(plan_of(6), {("another", 1)}, 1) == []


@pytest.mark.parametrize("blocks, most", [(1, 0), (6, 3), (15, 7)])
def test_at_most_half_as_many_blocks_again_are_measured(blocks, most):
    plan = plan_of(blocks)
    plan += extra_entries(plan, {("cell", block) for block in range(blocks)}, 1)
    assert replaced(plan) == {blocks + n: n for n in range(most)}
    everything = {("cell", block) for block in range(2 * blocks)}
    assert extra_entries(plan, everything, 1) == []


def test_an_extra_block_that_is_disturbed_too_is_replaced_as_far_as_there_is_room():
    plan, disturbed = plan_of(6), {("cell", 1), ("cell", 6), ("cell", 7), ("cell", 8)}
    for expected in ({6: 1}, {6: 1, 7: 6}, {6: 1, 7: 6, 8: 7}, {6: 1, 7: 6, 8: 7}):
        plan += extra_entries(plan, disturbed & {("cell", e["block"]) for e in plan}, 1)
        assert replaced(plan) == expected


def test_a_plan_that_breaks_off_within_an_extra_block_gets_the_same_rest():
    plan, disturbed = plan_of(6), {("cell", 1), ("cell", 4)}
    extra = extra_entries(plan, disturbed, 1)
    for count in range(len(extra) + 1):
        rest = extra_entries(plan + extra[:count], disturbed, 1)
        assert sorted(e["exec_id"] for e in rest) == sorted(e["exec_id"] for e in extra[count:])
        assert all(e in extra for e in rest)


def test_the_extra_blocks_of_cells_are_measured_in_turns():
    plan = plan_of(6) + plan_of(6, "other")
    extra = extra_entries(plan, {(cell, n) for cell in ("cell", "other") for n in (0, 1)}, 1)
    seen = list(dict.fromkeys((e["cell_id"], e["block"]) for e in extra))
    assert seen == [("cell", 6), ("other", 6), ("cell", 7), ("other", 7)]


def test_what_is_not_run_in_blocks_is_not_run_again():
    plan = plan_of(6) + [entry("slow", 0, skip_reason="too long"),
                         entry("a", 0, mode="trace") | {"block": None}]
    extra = extra_entries(plan, {("cell", 0)}, 1)
    assert {e["model"] for e in extra} == {"a", "b"} and len(extra) == 3


# ---- what enters a number, and what is said of it ----

def sample(model, block, makespan_ns, mode="timed", status="ok", cell_id="cell"):
    return entry(model, block, cell_id, mode) | {"status": status, "makespan_ns": makespan_ns}


def result_of(samples, canaries=(), plan=()):
    return Result(Path(), {}, list(plan), samples, [], list(canaries))


def test_disturbed_blocks_and_second_runs_enter_no_median():
    result = result_of(
        [sample("a", 0, 10), sample("a", 1, 99), sample("a", 0, 11, "aa"), sample("a", 1, 98, "aa"),
         sample("a", 2, 12, status="invalid")],
        [canary(None), canary(None), canary(0), canary(1, 2000), canary(2)])
    assert result.disturbed == {("cell", 1)}
    assert [s["makespan_ns"] for s in result.measured()] == [10]
    assert [s["makespan_ns"] for s in result.again()] == [11]


def test_a_cell_all_of_whose_blocks_were_disturbed_is_still_shown():
    samples = [sample("a", 0, 10), sample("a", 0, 20, cell_id="other")]
    result = result_of(samples, [canary(None), canary(None), canary(0, 2000),
                                 canary(0, cell_id="other")])
    assert result.disturbed == {("cell", 0)} and result.measured() == samples


def test_a_block_that_was_measured_again_counts_as_the_first_where_cells_are_put_together():
    """Else a curve over cells would lose a block for each that was disturbed in one of them."""
    plan = plan_of(3) + [entry("a", 3, instead_of=1), entry("a", 4, instead_of=3)]
    samples = [sample("a", block, 10) for block in range(5)]
    calm = [canary(None), canary(None), canary(0), canary(2), canary(4)]
    result = result_of(samples, [*calm, canary(1, 2000), canary(3, 2000)], plan)
    assert [(s["block"], result.round_of(s)) for s in result.measured()] == [
        (0, 0), (2, 2), (4, 1)]
    # Of a cell that has no other the disturbed ones stay, and so each is itself.
    result = result_of(samples, [canary(None), canary(None),
                                 *(canary(block, sleep_ns=20_000_000) for block in range(5))], plan)
    assert [result.round_of(s) for s in result.measured()] == [0, 1, 2, 3, 4]


def test_an_older_result_without_canaries_is_as_it_was():
    result = result_of([sample("a", 0, 10)])
    assert len(result.measured()) == 1 and result.again() == [] and result.disturbed == set()
    assert noise(result) is None and noise_words(None) == ""


def test_the_noise_floor_is_the_greatest_distance_of_a_model_from_itself():
    samples = []
    for block in range(6):
        samples += [sample("a", block, 1000), sample("a", block, 1010 + block, "aa"),
                    sample("b", block, 1000, cell_id="other"),
                    sample("b", block, 980, "aa", cell_id="other")]
    section = noise(result_of(samples, [canary(n) for n in range(6)]))
    assert section["floor"] == pytest.approx(0.02)
    assert [(p["cell_id"], p["model"], p["n"]) for p in section["pairs"]] == [
        ("cell", "a", 6), ("other", "b", 6)]
    ratio = section["pairs"][0]["ratio"]
    assert ratio["low"] == pytest.approx(1.010) and ratio["high"] == pytest.approx(1.015)
    assert "Noise floor 2.0 %" in noise_words(section) and "6 blocks" in noise_words(section)


def test_disturbed_and_extra_blocks_are_counted_and_by_how_much_canaries_were_off():
    canaries = [canary(None), canary(None), canary(0, 1100), canary(1), canary(2)]
    plan = plan_of(2)
    plan += extra_entries(plan, {("cell", 0)}, 1)
    told = noise(result_of([], canaries, plan))
    assert told["floor"] is None and told["pairs"] == []
    assert told["canary"] == {"n": 5, "failed": 0, "off": 1, "blocks": 3, "disturbed": 1,
                              "appended": 1, "kernel_off": [0, 0.1], "sleep_off": [0, 0]}
    assert noise_words(told) == ("1 of 3 blocks were disturbed by something else; 1 more were "
                                 "measured in their place.")


# ---- guards, and what the runner costs ----

SCHEDSTAT = """version 15
timestamp 4295
cpu0 0 0 0 0 0 0 500 70 9
domain0 3 0 0
cpu1 0 0 0 0 0 0 500 5 9
"""


def test_guards_are_read_as_the_kernel_writes_them():
    assert guards.run_delay_ns(SCHEDSTAT) == 75
    assert guards.steal_ns("cpu  1 2 3 4 5 6 7 8 9 0\ncpu0 1\n") == 8 * guards.TICK_NS
    assert guards.pressure_ns("some avg10=0.00 avg60=1.00 avg300=0.00 total=12\nfull total=3") \
        == 12_000


def test_what_the_kernel_does_not_tell_is_unknown_and_never_0():
    assert guards.run_delay_ns("") is guards.steal_ns("") is guards.pressure_ns("") is None
    assert guards.run_delay_ns("version 17\ncpu0 0 0\n") is None
    assert guards.between({"a": None, "b": 3}, {"a": 5, "b": 4}) == {"a": None, "b": 1}


def test_the_runner_tells_its_own_share_of_the_time_and_its_memory():
    runner = {"wall_ns": 1000, "processes_ns": 970, "canary_ns": 20, "cpu_ns": 5,
              "peak_rss_bytes": 45_000_000}
    assert share(runner) == pytest.approx(0.01)
    assert own_cost_words({"runner": runner}) == (
        "Beside what it measured the runner took 1.0 % of the time, 45 MB at most; the canaries "
        "2.0 %.")
    assert own_cost_words({}) == own_cost_words({"runner": None}) == ""
    assert 1e6 < peak_rss_bytes() < 1e10
