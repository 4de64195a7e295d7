"""Is what differs between two results told, and are their times set side by side as they may be?"""

import json
import random
from pathlib import Path

import pytest

from .manifest import commit_of
from .pairs_fixture import MACHINE, cell_id, said_by, write_result
from .revisions import hash_without_path

DICE = random.Random(7)
NOISE = [DICE.gauss(1, 0.01) for _ in range(100)]
HERE = Path(__file__).resolve().parents[2]


def noisy(base, count=15, shift=0):
    return [base * NOISE[shift + i] for i in range(count)]


@pytest.fixture
def compare(tmp_path, capsys):
    """Calls ./scripts/bench's Python half; returns the status, the text and standard error."""
    def call(a, b, *flags, width=100):
        return said_by(["compare", a, b, *flags], HERE, tmp_path, capsys, width)
    return call


@pytest.fixture
def as_json(compare):
    def call(a, b):
        status, text, _ = compare(a, b, "--json")
        return status, json.loads(text)
    return call


def changes(document):
    return {(cell["params"]["agents"], model["model"]): model
            for cell in document["cells"] for model in cell["models"]}


def test_each_models_ratio_is_of_b_over_a_with_its_verdict(tmp_path, as_json):
    a = write_result(tmp_path / "a", {(8, "asio"): noisy(100), (8, "tbb"): noisy(50),
                                      (8, "libuv"): noisy(80)})
    b = write_result(tmp_path / "b", {(8, "asio"): noisy(120, shift=20),
                                      (8, "tbb"): noisy(40, shift=40),
                                      (8, "libuv"): noisy(80, shift=60)})
    status, document = as_json(a, b)
    found = changes(document)
    assert status == 0 and document["comparable"]
    assert {model: row["verdict"] for (_, model), row in found.items()} == {
        "asio": "slower", "tbb": "faster", "libuv": "equivalent"}
    assert found[8, "asio"]["ratio"]["median"] == pytest.approx(1.2, abs=0.02)
    assert found[8, "asio"]["ratio"]["low"] < 1.2 < found[8, "asio"]["ratio"]["high"]
    assert 1 < found[8, "libuv"]["detectable"] < 1.03


def test_what_differs_in_the_environment_comes_before_any_time(tmp_path, compare):
    times = {(8, "asio"): noisy(100)}
    a = write_result(tmp_path / "a", times)
    b = write_result(tmp_path / "b", times, compiler="Clang 19", libraries={"asio": "2.0"},
                     commit="7654321", dirty=True, binaries={"asio": "f" * 64})
    status, text, _ = compare(a, b)
    assert status == 0
    for words in ("compiler", "Clang 19", "library of asio", "7654321", "uncommitted changes",
                  "programs", "asio fffffff", "not citable"):
        assert words in text and text.index(words) < text.index("95 % interval"), words


def test_a_check_that_came_out_otherwise_is_told_and_a_load_that_wandered_is_not(tmp_path, as_json):
    times = {(8, "asio"): noisy(100)}
    checks = {"governor": {"value": "powersave", "state": "warn"},
              "load": {"value": 0.2, "state": "ok"}}
    a = write_result(tmp_path / "a", times)
    b = write_result(tmp_path / "b", times, environment={"before": checks, "after": checks})
    _, document = as_json(a, b)
    differs = {row["what"]: (row["a"], row["b"]) for row in document["differences"]}
    assert differs["frequency governor before and after the run"] == (
        "performance (ok)", "powersave (warn)")
    assert not any("load" in what for what in differs)


def test_results_alike_in_everything_say_so(tmp_path, compare):
    times = {(8, "asio"): noisy(100)}
    _, text, _ = compare(write_result(tmp_path / "a", times), write_result(tmp_path / "b", times))
    assert "all checks are the same" in text
    assert "The same program in both, byte for byte: asio" in text
    assert "measured at different times" in text


def shaken(blocks):
    """What disturbs a block disturbs both sides of it: by up to a half."""
    dice = random.Random(3)
    return [dice.uniform(1, 1.5) for _ in range(blocks)]


def disturbed(base, shift):
    return [each * shake for each, shake in zip(noisy(base, shift=shift), shaken(15))]


@pytest.mark.parametrize("b_changes, verdict", [
    ({"pair_id": "x"}, "slower"), ({}, "not resolved"), ({"pair_id": "y"}, "not resolved"),
    ({"pair_id": "x", "resumed_utc": ["2026-01-02T00:00:00Z"]}, "not resolved")], ids=str)
def test_only_what_was_measured_in_turns_is_paired_by_block(tmp_path, as_json, b_changes, verdict):
    a = write_result(tmp_path / "a", {(8, "asio"): disturbed(100, 0)}, pair_id="x")
    b = write_result(tmp_path / "b", {(8, "asio"): disturbed(104, 30)}, **b_changes)
    _, document = as_json(a, b)
    assert changes(document)[8, "asio"]["verdict"] == verdict
    assert document["paired"] == (verdict == "slower")


def test_the_models_of_a_cell_are_judged_together(tmp_path, as_json):
    """One of ten is a little slower: by itself it would pass, among ten it must not."""
    models = [f"m{i}" for i in range(10)]
    a = write_result(tmp_path / "a", {(8, m): noisy(100, shift=i) for i, m in enumerate(models)},
                     pair_id="x")
    slower = {m: noisy(100, shift=i) for i, m in enumerate(models)}
    # Slower in 12 of 15 blocks: p is 0.035.
    slower["m3"] = [t * (1.1 if i < 12 else 0.9) for i, t in enumerate(slower["m3"])]
    b = write_result(tmp_path / "b", {(8, m): times for m, times in slower.items()}, pair_id="x")
    row = changes(as_json(a, b)[1])[8, "m3"]
    assert row["p"] < 0.05 < row["p_holm"] and row["verdict"] == "not resolved"
    assert row["ratio"]["low"] > 1


def test_with_few_blocks_a_verdict_is_a_hint_and_says_so(tmp_path, compare, as_json):
    a = write_result(tmp_path / "a", {(8, "asio"): noisy(100, 6), (8, "tbb"): noisy(50, 6)})
    b = write_result(tmp_path / "b", {(8, "asio"): noisy(120, 6), (8, "tbb"): noisy(50, 6)})
    _, document = as_json(a, b)
    assert document["cells"][0]["hint"] and changes(document)[8, "asio"]["verdict"] == "slower"
    assert "is a hint" in compare(a, b)[1]


def test_one_block_gives_no_interval_and_no_verdict(tmp_path, as_json, compare):
    a = write_result(tmp_path / "a", {(8, "asio"): [100]})
    b = write_result(tmp_path / "b", {(8, "asio"): [200]})
    status, document = as_json(a, b)
    row = changes(document)[8, "asio"]
    assert status == 0 and row["ratio"]["median"] == pytest.approx(2)
    assert row["ratio"]["low"] is None and row["ratio"]["high"] is None
    assert row["verdict"] == "not resolved" and row["detectable"] is None
    assert "2.00" in compare(a, b)[1]


def test_another_workload_version_cannot_be_compared(tmp_path, compare, as_json):
    a = write_result(tmp_path / "a", {(8, "asio"): noisy(100)})
    b = write_result(tmp_path / "b", {(8, "asio"): noisy(100)}, workload_version=2)
    status, text, _ = compare(a, b)
    assert status == 1 and "Not comparable: A is of workload version 1 and B of 2" in text
    assert "95 % interval" not in text
    status, document = as_json(a, b)
    assert status == 1 and not document["comparable"] and document["cells"] == []


def test_a_cell_with_another_answer_is_left_out_by_name(tmp_path, compare):
    a = write_result(tmp_path / "a", {(8, "asio"): noisy(100), (9, "asio"): noisy(100)})
    b = write_result(tmp_path / "b", {(8, "asio"): noisy(100), (9, "asio"): noisy(100)})
    plan = (b / "plan.jsonl").read_text().splitlines()
    (b / "plan.jsonl").write_text("\n".join(
        line.replace("00000000000000aa", "00000000000000cc") if "agents=9" in line else line
        for line in plan) + "\n")
    status, text, _ = compare(a, b, width=400)
    assert status == 0 and f"Left out, {cell_id(9)}" in text
    assert "fanout, 9 agents" not in text and "fanout, 8 agents" in text


def test_what_is_in_one_of_the_two_alone_is_told(tmp_path, compare, as_json):
    a = write_result(tmp_path / "a", {(8, "asio"): noisy(100), (8, "tbb"): noisy(100),
                                      (9, "asio"): noisy(100)})
    b = write_result(tmp_path / "b", {(8, "asio"): noisy(100), (8, "libuv"): noisy(100)})
    _, text, _ = compare(a, b, width=400)
    assert "Only in A: 1 model: tbb" in text
    assert f"Only in A: 1 cell: {cell_id(9)}" in text
    assert "Only in B: 1 model: libuv" in text
    _, document = as_json(a, b)
    assert {"cell_id": cell_id(8), "model": "libuv"} in document["only_b"]


def test_results_that_share_no_cell_are_not_comparable(tmp_path, compare):
    a = write_result(tmp_path / "a", {(8, "asio"): noisy(100)})
    b = write_result(tmp_path / "b", {(9, "asio"): noisy(100)})
    status, text, _ = compare(a, b)
    assert status == 1 and "no cell is in both" in text


def test_two_machines_are_compared_with_a_word_of_warning(tmp_path, compare):
    a = write_result(tmp_path / "a", {(8, "asio"): noisy(100)})
    b = write_result(tmp_path / "b", {(8, "asio"): noisy(50)},
                     machine=MACHINE | {"name": "slow-2cpu-4g-fedcba"})
    status, text, _ = compare(a, b, width=400)
    assert status == 0 and "compares the machines as much as the code" in text


@pytest.mark.skipif(commit_of(HERE)[0] == "nogit", reason="no git checkout, so no revisions")
def test_a_result_and_a_revision_are_not_mixed(tmp_path, compare):
    a = write_result(tmp_path / "a", {(8, "asio"): noisy(100)})
    for pair in ((a, "HEAD"), ("HEAD", a)):
        status, _, said = compare(*pair)
        assert status == 2 and said.count("\n") == 1
        assert "is a result and HEAD a git revision" in said


def test_the_table_fits_a_narrow_terminal(tmp_path, compare):
    times = {(8, "a_model_of_long_name"): noisy(100), (8, "asio"): noisy(3)}
    a, b = (write_result(tmp_path / name, times) for name in "ab")
    _, text, _ = compare(a, b, width=80)
    table = text[text.index("95 % interval"):text.index("B/A below 1")]
    assert "…" not in table and "equivalent" in table


def test_a_crash_is_no_time_to_compare(tmp_path, as_json):
    a = write_result(tmp_path / "a", {(8, "asio"): noisy(100), (8, "tbb"): [None] * 15})
    b = write_result(tmp_path / "b", {(8, "asio"): noisy(100), (8, "tbb"): noisy(100)})
    _, document = as_json(a, b)
    assert list(changes(document)) == [(8, "asio")]
    assert document["only_b"] == [{"cell_id": cell_id(8), "model": "tbb"}]


def test_processes_that_failed_are_told_before_the_ratios_of_the_others(tmp_path, compare):
    a = write_result(tmp_path / "a", {(8, "asio"): noisy(100), (8, "tbb"): noisy(100)})
    b = write_result(tmp_path / "b", {(8, "asio"): noisy(100, 12) + [None] * 3,
                                      (8, "tbb"): noisy(100)})
    _, text, _ = compare(a, b, width=400)
    assert "Not every process of B ended well (asio 3 crash): the ratios are of those" in text
    assert "process of A" not in text


def test_a_program_built_in_two_places_is_the_same_apart_from_its_path(tmp_path):
    built = []
    for name in ("one", "another_place"):
        folder = tmp_path / name
        folder.mkdir()
        mark = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0" + name.encode().ljust(20, b".")
        (folder / "asio").write_bytes(b"code" + mark + str(folder).encode() + b"/mock_llm\0more")
        built.append(hash_without_path(folder / "asio", folder))
    assert built[0] == built[1]
    (folder / "asio").write_bytes((folder / "asio").read_bytes() + b"changed")
    assert hash_without_path(folder / "asio", folder) != built[0]


def test_programs_that_differ_by_their_path_alone_are_no_difference(tmp_path, as_json):
    times = {(8, "asio"): noisy(100)}
    a = write_result(tmp_path / "a", times, binaries_without_path={"asio": "1" * 64})
    for same, hashed in ((True, "1" * 64), (False, "2" * 64)):
        b = write_result(tmp_path / f"b{hashed[0]}", times, binaries={"asio": "f" * 64},
                         binaries_without_path={"asio": hashed})
        _, document = as_json(a, b)
        assert ("programs" in {row["what"] for row in document["differences"]}) != same
        assert any("The same program in both" in note for note in document["notes"]) == same
