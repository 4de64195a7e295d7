"""Is a result's own plan measured again, and is it said plainly whether the tiers are the same?"""

import json
import random

import pytest

from . import result_page
from .fake_root import lines, make_root
from .pairs_fixture import fake_program, said_by, write_result
from .records import read_result
from .reproduced import CONTRADICTED, DIFFERENT, OPEN, SAME, cells_again, sentence

DICE = random.Random()


def noisy(base, spread=0.01, count=15):
    return [base * DICE.gauss(1, spread) for _ in range(count)]


@pytest.fixture(autouse=True)
def same_noise():
    """In whichever order tests run."""
    DICE.seed(7)


@pytest.fixture
def again(tmp_path):
    """The cells of two results with these times (model -> list); a cell for each pair of dicts."""
    def call(*pairs):
        there, here = ({(agents, model): row for agents, pair in enumerate(pairs, 1)
                        for model, row in pair[i].items()} for i in (0, 1))
        count = len(list(tmp_path.iterdir()))
        return cells_again(read_result(write_result(tmp_path / f"there-{count}", there)),
                           read_result(write_result(tmp_path / f"here-{count}", here)))
    return call


def test_the_same_order_is_the_same_whatever_the_machines_speed(again):
    (cell,) = again(({"asio": noisy(100), "tbb": noisy(150)},
                     {"asio": noisy(900), "tbb": noisy(1300)}))
    assert cell.state == SAME and cell.winners == (["asio"], ["asio"])
    assert [model for model, *_ in cell.ratios()] == ["tbb"]
    (_, there, here), = cell.ratios()
    assert there.median == pytest.approx(1.5, abs=0.05)
    assert here.median == pytest.approx(1.44, abs=0.05)


def test_only_a_proof_of_the_opposite_contradicts(again):
    slow_asio, wide = noisy(150), [90, 112] * 7 + [112]
    cells = again(
        ({"asio": noisy(100), "tbb": noisy(150)}, {"asio": slow_asio, "tbb": noisy(100)}),
        # Faster there, not told apart here.
        ({"asio": noisy(100), "tbb": noisy(150), "libuv": noisy(300)},
         {"asio": noisy(100), "tbb": wide, "libuv": noisy(900)}),
        # Faster there, equivalent here: the opposite is not proved, and both are among the first.
        ({"asio": noisy(100), "tbb": noisy(110), "libuv": noisy(300)},
         {"asio": noisy(100), "tbb": noisy(100), "libuv": noisy(300)}))
    assert [cell.state for cell in cells] == [CONTRADICTED, SAME, SAME]
    assert cells[0].reversed == [("asio", "tbb")] and not cells[1].reversed


def test_hints_of_many_pairs_prove_nothing(again):
    """In six blocks each pair by itself is told apart where one is ahead in all of them, which
    among 15 pairs happens by chance."""
    models = {f"m{i}": noisy(100 + 20 * i, count=6) for i in range(6)}
    other = {f"m{i}": noisy(200 - 20 * i, count=6) for i in range(6)}
    (cell,) = again((models, other))
    assert all(c.verdict == "slower" for found in cell.comparisons for c in found)
    assert cell.reversed == [] and cell.state == DIFFERENT
    assert sentence([cell]).endswith(
        "no pair of models is proved the other way round. With fewer than 15 blocks the "
        "verdicts of 1 cell are hints.")
    (alone,) = again(({m: models[m] for m in ("m0", "m5")}, {m: other[m] for m in ("m0", "m5")}))
    assert alone.state == CONTRADICTED  # one comparison needs no correction


def test_another_winner_without_a_proof_of_the_opposite_is_different(again):
    """Not told apart there, the one ahead; told apart here, the other ahead."""
    wide = noisy(100, spread=0.2)
    (cell,) = again(({"asio": wide, "tbb": [1.02 * time for time in reversed(wide)],
                      "libuv": noisy(900)},
                     {"asio": noisy(150), "tbb": noisy(100), "libuv": noisy(900)}))
    assert cell.orders[0][0] == "asio" and cell.state == DIFFERENT


def test_where_nothing_is_resolved_nothing_is_said_to_be_the_same(again):
    (cell,) = again(({"asio": noisy(100, spread=0.3), "tbb": noisy(100, spread=0.3)},
                     {"asio": noisy(100, spread=0.3), "tbb": noisy(100, spread=0.3)}))
    assert cell.state == OPEN


def test_the_same_winner_is_the_same_where_the_others_change_places(again):
    """Of the two that are behind each is proved as fast as the first in one of the two only."""
    (cell,) = again(({"asio": noisy(100), "tbb": noisy(101, spread=0.001), "libuv": noisy(105)},
                     {"asio": noisy(100), "tbb": noisy(105), "libuv": noisy(101, spread=0.001)}))
    assert cell.winners == (["asio", "tbb"], ["asio", "libuv"])
    assert cell.reversed == [("tbb", "libuv")] and cell.state == CONTRADICTED
    (cell,) = again(({"asio": noisy(100), "tbb": noisy(100.5)},
                     {"asio": noisy(100), "tbb": noisy(105)}))
    assert cell.state == SAME


def test_a_model_that_is_in_one_of_them_only_does_not_count(again):
    (cell,) = again(({"asio": noisy(100), "tbb": noisy(150), "sequential": noisy(10)},
                     {"asio": noisy(100), "tbb": noisy(150)}))
    assert cell.state == SAME and cell.winners == (["asio"], ["asio"])


def test_one_sentence_sums_it_up(again):
    alike = ({"asio": noisy(100), "tbb": noisy(150)}, {"asio": noisy(100), "tbb": noisy(150)})
    assert sentence(again(alike, alike)) == (
        "2 of 2 cells have the same winners; no pair of models is proved the other way round.")


def test_a_contradiction_is_in_the_sentence(again):
    assert sentence(again(({"asio": noisy(100), "tbb": noisy(150)},
                           {"asio": noisy(150), "tbb": noisy(100)}))) == (
        "0 of 1 cells have the same winners; 1 contradicts: one pair of models is proved the other "
        "way round.")


# ---- as a user types it ----

@pytest.fixture
def bench(tmp_path, monkeypatch, capfd, signals_kept):
    """Calls ./scripts/bench's Python half in a fake checkout; drawing is not what is tested."""
    monkeypatch.setattr(result_page, "write_result", lambda result: {})
    monkeypatch.setattr(result_page, "print_table", lambda summary, console: None)
    monkeypatch.chdir(tmp_path)

    def call(root, *arguments):
        return said_by(arguments, root, tmp_path, capfd, 200, str(tmp_path / "lock"))
    return call


def program(root, name, text):
    path = root / "build" / "release" / name
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def measured(tmp_path, bench):
    """A checkout, and a result in it: `good` is faster than `also_good`."""
    root = make_root(tmp_path / "root", ["good", "also_good"])
    program(root, "good", fake_program(10_000_000))
    program(root, "also_good", fake_program(15_000_000))
    status, said, _ = bench(root, "--profile", "quick", "--scenarios", "pizza", "--out", "first")
    assert status == 0, said
    return root


AGAIN = ("reproduce", "first", "--out", "second")


def test_the_same_plan_is_measured_as_an_ordinary_result(measured, bench, tmp_path):
    status, said, _ = bench(measured, *AGAIN)
    assert status == 0, said
    assert "cells have the same winners; no pair of models is proved the other way round" in said
    assert "tiers there  good | also_good" in said and "tiers here   good | also_good" in said
    first, second = (lines(tmp_path / name / "plan.jsonl") for name in ("first", "second"))
    planned = ("exec_id", "cell_id", "model", "mode", "block", "position", "padding", "params")
    assert [[e[key] for key in planned] for e in second] == [
        [e[key] for key in planned] for e in first if e.get("instead_of") is None]
    manifests = [json.loads((tmp_path / name / "manifest.json").read_text())
                 for name in ("first", "second")]
    assert manifests[1]["reproduces"] == manifests[0]["result_id"]
    assert manifests[1]["finished_utc"] and manifests[1]["order_seed"] == manifests[0]["order_seed"]


def test_what_took_the_place_of_a_disturbed_block_there_is_not_planned_here(
        bench, tmp_path, monkeypatch):
    root = make_root(tmp_path / "root", ["good"])
    monkeypatch.setenv("INTERLEAVE_CANARIES", str(tmp_path / "first" / "canary.jsonl"))
    monkeypatch.setenv("INTERLEAVE_DISTURBED", "7")
    bench(root, "--profile", "quick", "--scenarios", "pizza", "--out", "first")
    monkeypatch.delenv("INTERLEAVE_DISTURBED")
    assert any("instead_of" in entry for entry in lines(tmp_path / "first" / "plan.jsonl"))
    status, said, _ = bench(root, *AGAIN)
    again = lines(tmp_path / "second" / "plan.jsonl")
    assert status == 0 and {entry["block"] for entry in again} == set(range(6))


def test_a_proof_of_the_opposite_is_status_1(measured, bench):
    program(measured, "good", fake_program(15_000_000))
    program(measured, "also_good", fake_program(10_000_000))
    status, said, _ = bench(measured, *AGAIN)
    assert status == 1 and "contradict" in said
    assert "good is faster than also_good there, and slower here." in said


def test_the_answer_as_json_is_all_there_is_on_standard_output(measured, bench):
    status, text, _ = bench(measured, *AGAIN, "--json")
    document = json.loads(text)
    assert status == 0 and document["same"] == document["of"] and not document["contradicted"]
    assert document["cells"][0]["tiers"]["here"] == [["good"], ["also_good"]]


def test_a_model_that_is_not_built_here_is_left_out(measured, bench, tmp_path):
    (measured / "build" / "release" / "also_good").unlink()
    status, said, _ = bench(measured, *AGAIN)
    assert status == 0 and "left out: also_good" in said and "no order to compare" in said
    assert {row["model"] for row in lines(tmp_path / "second" / "samples.jsonl")} == {"good"}


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_cells_with_more_workers_than_there_are_here_are_left_out(measured, bench, tmp_path):
    edit(tmp_path / "first" / "plan.jsonl", '"workers":1,', '"workers":4096,')
    status, _, errors = bench(measured, *AGAIN)
    assert status == 1 and errors.count("\n") == 1 and "more workers than the" in errors


@pytest.mark.parametrize("old, new, words", [
    ("00000000000000aa", "00000000000000cc", "reference answer is another one here"),
    ('"io":"timer"', '"io":"timer","colour":3', "does not know"),
])
def test_a_cell_that_is_other_work_here_is_left_out(measured, bench, tmp_path, old, new, words):
    edit(tmp_path / "first" / "plan.jsonl", old, new)
    status, _, errors = bench(measured, *AGAIN)
    assert status == 1 and errors.count("\n") == 1 and words in errors


def test_another_workload_version_names_the_commit_to_check_out(measured, bench, tmp_path):
    edit(tmp_path / "first" / "manifest.json", '"workload_version": 1', '"workload_version": 7')
    status, _, errors = bench(measured, *AGAIN)
    assert status == 1 and "check out commit" in errors and not (tmp_path / "second").exists()


def test_a_process_that_fails_here_is_told_by_the_status(measured, bench):
    text = fake_program(15_000_000).replace('name == "crashing"', "True")
    program(measured, "also_good", text)
    status, said, _ = bench(measured, *AGAIN)
    assert status == 1 and "SIGSEGV" in said
