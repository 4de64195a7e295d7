"""Does the gate stop what is slower for certain, let pass what is not, and else say neither?"""

import json
import math
import os
import random
import subprocess
from pathlib import Path

import pytest

from . import gate, stats
from .fake_root import make_root
from .pairs_fixture import MACHINE, cell_id, said_by, write_result

HERE = Path(__file__).resolve().parents[2]
RUNS = 2000


def ratio(low, high, median=None, n=15):
    return stats.Ratio(n, median or math.sqrt(low * high), low, high, 0.04, 1.02)


@pytest.mark.parametrize("low, high, status", [
    (0.90, 0.95, 0),    # faster
    (0.98, 1.02, 0),    # as fast
    (1.01, 1.04, 0),    # slower for certain, and for certain by less than is accepted
    (1.001, 1.05, 0),   # up to the limit itself
    (1.02, 1.08, 1),    # slower for certain, by how much is open
    (1.06, 1.09, 1),    # slower than is accepted
    (0.99, 1.08, 3),    # may be either
    (0.60, 1.06, 3),
])
def test_a_regression_is_only_what_is_certain(low, high, status):
    assert gate.decide(ratio(low, high), 0.05).status == status


@pytest.mark.parametrize("low, high, failed, status", [
    (0.98, 1.02, ("", "5 timeout"), 3), (0.98, 1.02, ("5 timeout", ""), 0),
    (1.06, 1.09, ("5 timeout", ""), 3), (1.06, 1.09, ("", "5 timeout"), 1),
    (0.99, 1.08, ("1 crash", "1 crash"), 3)])
def test_nobody_passes_or_fails_by_the_processes_that_are_left(low, high, failed, status):
    assert gate.decide(ratio(low, high), 0.05, failed).status == status


def test_no_slowdown_at_all_may_be_accepted():
    assert gate.decide(ratio(0.97, 0.99), 0).status == 0
    assert gate.decide(ratio(0.99, 1.01), 0).status == 3
    assert gate.decide(ratio(1.001, 1.01), 0).status == 1


def test_too_few_blocks_resolve_nothing_and_enough_are_named():
    decision = gate.decide(stats.Ratio(5, 2.0, None, None, 0.06), 0.05)
    assert decision.status == 3 and decision.blocks == stats.ENOUGH_BLOCKS


def test_twice_as_wide_an_interval_needs_four_times_the_blocks():
    narrow = gate.decide(ratio(0.95, 1.06, median=1.0), 0.05).blocks
    wide = gate.decide(ratio(1 / 1.06**2, 1.06**2, median=1.0), 0.05).blocks
    assert 15 < narrow < wide and wide == pytest.approx(4 * narrow, rel=0.2)


def test_where_no_number_of_blocks_would_do_none_is_promised():
    assert gate.decide(ratio(0.5, 2.0, median=1.0), 0).blocks is None
    assert "no number of blocks" in gate.meaning(gate.decide(ratio(0.5, 2.0, median=1.0), 0))


def simulated(slowdown, noise, n, runs=RUNS, limit=0.05, seed=1):
    """How often each exit status comes out, with times that are skewed as real ones are."""
    dice, counts = random.Random(f"{seed}/{slowdown}/{noise}/{n}"), {}
    for _ in range(runs):
        shared = [dice.expovariate(5) for _ in range(n)]  # what disturbs both sides of a block
        a = {b: math.exp(x + dice.gauss(0, noise)) for b, x in enumerate(shared)}
        b = {b: math.exp(x + dice.gauss(0, noise)) * (1 + slowdown) for b, x in enumerate(shared)}
        status = gate.decide(stats.compare_paired(b, a), limit).status
        counts[status] = counts.get(status, 0) + 1
    return {status: count / runs for status, count in counts.items()}


def test_a_planted_slowdown_of_5_percent_is_found_in_at_least_80_percent():
    """With a noise of 3 % from run to run, on either side."""
    found = simulated(0.05, 0.03, 15)
    assert found[1] >= 0.80
    assert found.get(0, 0) <= 0.05  # at the limit itself a pass is luck


@pytest.mark.parametrize("noise", [0.01, 0.03, 0.1])
@pytest.mark.parametrize("n", [6, 15, 30])
def test_an_a_a_is_called_slower_in_at_most_5_percent(noise, n):
    assert simulated(0.0, noise, n).get(1, 0) <= 0.05


def test_half_of_what_is_accepted_rarely_fails_and_is_passed_with_enough_blocks():
    assert simulated(0.02, 0.01, 30)[0] >= 0.95


def test_the_blocks_that_are_advised_would_mostly_do():
    """Of runs that resolve nothing, again with the advised number of blocks."""
    dice, resolved, tried = random.Random(5), 0, 0
    while tried < 200:
        advised = first_advice(dice, 0.0, 0.08)
        if advised is None or advised > 300:
            continue
        tried += 1
        resolved += paired_gate(dice, 0.0, 0.08, advised).status != 3
    assert resolved / tried >= 0.5


def paired_gate(dice, slowdown, noise, n):
    a = {b: math.exp(dice.gauss(0, noise)) for b in range(n)}
    b = {b: math.exp(dice.gauss(0, noise)) * (1 + slowdown) for b in range(n)}
    return gate.decide(stats.compare_paired(b, a), 0.05)


def first_advice(dice, slowdown, noise):
    decision = paired_gate(dice, slowdown, noise, 10)
    return decision.blocks if decision.status == 3 else None


# ---- as a user types it ----

DICE = random.Random(7)
SPREAD = [DICE.gauss(1, 0.01) for _ in range(100)]


def noisy(base, count=15, shift=0):
    return [base * SPREAD[shift + i] for i in range(count)]


@pytest.fixture
def results(tmp_path):
    """asio a tenth slower in B, tbb as it was; in two cells."""
    return [write_result(tmp_path / name, {
        (8, "asio"): noisy(base, shift=shift), (80, "asio"): noisy(base, shift=shift + 10),
        (8, "tbb"): noisy(50, shift=shift + 20), (80, "libuv"): noisy(50)})
        for name, base, shift in (("a", 100, 0), ("b", 110, 50))]


@pytest.fixture
def run_gate(results, tmp_path, capsys):
    def call(*flags, pair=None):
        return said_by(["gate", *(pair or results), *flags], HERE, tmp_path, capsys)
    return call


EIGHT = ("--cell", "agents=8/")


def test_the_exit_status_and_one_sentence_say_it_all(run_gate):
    status, said, _ = run_gate("--model", "asio", *EIGHT)
    last = said.strip().splitlines()[-1]
    assert status == 1 and last.startswith(f"SLOWER: asio in {cell_id(8)} takes 1.")
    for words in ("95 % interval", "15 samples a side, unpaired", "accepted is up to 1.050",
                  "slower for certain, and by more", "smallest change it could have seen: ",
                  "at different times: some of it may be the machine's"):
        assert words in last
    assert run_gate("--model", "tbb", *EIGHT)[0] == 0
    assert run_gate("--model", "asio", *EIGHT, "--max-slowdown", "25%")[0] == 0


def test_what_is_not_resolved_is_neither_a_pass_nor_a_failure(run_gate, tmp_path):
    wide = [write_result(tmp_path / name, {(8, "asio"): [
        DICE.uniform(50, 150) for _ in range(15)]}) for name in "cd"]
    status, said, _ = run_gate("--model", "asio", *EIGHT, pair=wide)
    assert status == 3 and "NOT RESOLVED" in said and "Neither is shown" in said


def test_what_fails_in_b_alone_is_no_pass(run_gate, tmp_path):
    a = write_result(tmp_path / "c", {(8, "asio"): noisy(100)})
    b = write_result(tmp_path / "d", {(8, "asio"): noisy(100, 10, 20) + [None] * 5})
    status, said, _ = run_gate("--model", "asio", *EIGHT, pair=(a, b))
    assert status == 3 and "(5 crash) nobody knows" in said
    assert run_gate("--model", "asio", *EIGHT, pair=(b, a))[0] == 0


def test_pairs_of_blocks_are_used_where_both_were_measured_in_turns(run_gate, tmp_path):
    dice = random.Random(3)
    shaken = [dice.uniform(1, 1.5) for _ in range(15)]
    pair = [write_result(tmp_path / name, {(8, "asio"): [
        time * shake for time, shake in zip(noisy(base, shift=shift), shaken)]}, pair_id="x")
        for name, base, shift in (("c", 100, 0), ("d", 110, 40))]
    status, said, _ = run_gate("--model", "asio", *EIGHT, pair=pair)
    assert status == 1 and "15 blocks" in said and "unpaired" not in said
    assert "different times" not in said


def test_the_answer_as_json_has_the_status_and_the_sentence(run_gate):
    status, text, _ = run_gate("--model", "asio", *EIGHT, "--json")
    document = json.loads(text)
    assert document["exit_status"] == status == 1 and document["verdict"] == "slower"
    assert document["ratio"]["low"] > 1.05 and document["limit"] == 1.05
    assert document["sentence"].startswith("SLOWER: asio")


@pytest.mark.parametrize("flags, words", [
    (("--model", "asio", "--cell", "fanout"), "is in 2 cells: write more of one of"),
    (("--model", "asio", "--cell", "pizza"), "is in no cell: choose from"),
    (("--model", "asoi", "--cell", "agents=8/"), "choose a --model of asio, libuv, tbb"),
    (("--model", "libuv", "--cell", "agents=8/"), "is in no cell: choose from"),
    (("--cell", "agents=8/"), "gate needs --model"),
    (("--model", "asio"), "gate needs --cell"),
    (("--model", "asio", "--cell", "agents=8/", "--max-slowdown", "five"), "is no percentage"),
])
def test_bad_usage_is_status_2_and_one_line_that_names_what_there_is(run_gate, flags, words):
    status, _, errors = run_gate(*flags)
    assert status == 2 and words in errors and errors.count("\n") == 1


def test_an_ambiguous_cell_lists_the_candidates(run_gate):
    _, _, errors = run_gate("--model", "asio", "--cell", "fanout")
    assert cell_id(8) in errors and cell_id(80) in errors


@pytest.mark.parametrize("changes, words", [
    ({"workload_version": 2}, "workload version"),
    ({"machine": MACHINE | {"name": "another"}}, "two machines"),
])
def test_results_that_cannot_be_compared_are_status_2(run_gate, tmp_path, changes, words):
    pair = [write_result(tmp_path / name, {(8, "asio"): noisy(100)}, **more)
            for name, more in (("c", {}), ("d", changes))]
    status, _, errors = run_gate("--model", "asio", *EIGHT, pair=pair)
    assert status == 2 and words in errors


def test_a_damaged_result_is_status_2_not_slower(run_gate, results):
    (results[1] / "samples.jsonl").write_text('{"schema": "interleave.sample/9"}\n')
    status, _, errors = run_gate("--model", "asio", *EIGHT)
    assert status == 2 and "interleave.sample/9" in errors


def test_a_fault_of_the_gate_itself_is_status_2_not_slower(run_gate, monkeypatch):
    def fault(*_):
        raise ZeroDivisionError
    monkeypatch.setattr(gate, "decide", fault)
    assert run_gate("--model", "asio", *EIGHT)[0] == 2


@pytest.mark.parametrize("verb, more, status", [
    ("gate", ("--model", "asio", "--cell", "agents=8/"), 2), ("compare", (), 1)])
def test_what_fails_before_python_runs_is_not_called_slower_either(
        results, tmp_path, verb, more, status):
    """The shell cannot prepare: for every other verb that is status 1."""
    root = make_root(tmp_path / "root", ["good"])
    answer = subprocess.run(
        ["bash", root / "scripts" / "bench", verb, *results, *more], capture_output=True, text=True,
        env=os.environ | {"INTERLEAVE_PYTHON": "/bin/false"})
    assert answer.returncode == status, answer.stderr
    assert "INTERLEAVE_PYTHON" in answer.stderr


def test_the_status_of_the_gate_reaches_the_shell(results):
    """Through scripts/bench, whose own failures have another status."""
    for limit, status in (("5%", 1), ("25%", 0)):
        answer = subprocess.run(
            ["bash", HERE / "scripts" / "bench", "gate", *results, "--model", "asio", "--cell",
             "agents=8/", "--max-slowdown", limit, "--json"], capture_output=True, text=True)
        assert answer.returncode == status, answer.stderr
        assert json.loads(answer.stdout)["exit_status"] == status
