"""Are two revisions built aside and measured in turns, as two ordinary results?"""

import json
import shutil
from collections import Counter

import pytest

from . import compare, result_page
from .fake_root import lines
from .pairs_fixture import Repository, fake_program, git, said_by

pytestmark = pytest.mark.skipif(not (shutil.which("cmake") and shutil.which("ninja")
                                     and shutil.which("git")),
                                reason="needs CMake, Ninja and git")
DRAW_BOTH = compare.draw_both
FAST, SLOW = fake_program(10_000_000), fake_program(11_000_000)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """Three commits: `good` becomes a tenth slower, then has another workload."""
    repository = Repository(tmp_path_factory.mktemp("repository") / "root")
    programs = {name: FAST for name in ("good", "also_good", "describe")}
    repository.commit("fast", programs)
    git(repository.root, "tag", "fast")
    repository.commit("slow", {"good": SLOW})
    git(repository.root, "tag", "slow")
    changed = fake_program(10_000_000, changes=[('"workload_version": 1', '"workload_version": 2')])
    repository.commit("other work", {"describe": changed})
    git(repository.root, "tag", "other-work")
    git(repository.root, "checkout", "--quiet", "slow")
    return repository


@pytest.fixture
def bench(tmp_path, monkeypatch, capfd, signals_kept):
    """Calls ./scripts/bench's Python half; returns status, text (with the build's), and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(compare, "draw_both", lambda session, results: None)

    def call(root, *arguments):
        return said_by(arguments, root, tmp_path, capfd, 200, str(tmp_path / "lock"))
    return call


PIZZA = ("--models", "good,also_good", "--scenarios", "pizza", "--out", "out")


def test_two_revisions_are_measured_in_turns_and_the_slower_one_is_found(
        repository, bench, tmp_path):
    status, said, _ = bench(repository.root, "compare", "fast", "slow", *PIZZA)
    assert status == 0, said
    plans = {side: lines(tmp_path / "out" / side / "plan.jsonl") for side in "AB"}
    manifests = {side: json.loads((tmp_path / "out" / side / "manifest.json").read_text())
                 for side in "AB"}
    assert manifests["A"]["pair_id"] == manifests["B"]["pair_id"]
    assert manifests["A"]["result_id"] != manifests["B"]["result_id"]
    assert manifests["A"]["commit"] == git(repository.root, "rev-parse", "--short=7", "fast")
    assert manifests["B"]["dirty"] is False and manifests["B"]["finished_utc"]
    for side in "AB":
        rows = lines(tmp_path / "out" / side / "samples.jsonl")
        assert Counter(row["status"] for row in rows) == {"ok": len(plans[side])}
        assert {row["exec_id"] for row in rows} == {row["exec_id"] for row in plans[side]}
    # Each block has both models of both sides, each in a place of its own.
    for block in range(6):
        places = {(side, row["model"]): row["position"] for side in "AB" for row in plans[side]
                  if row["block"] == block and row["cell_id"] == plans["A"][0]["cell_id"]
                  and row["mode"] == "timed"}
        assert len(places) == 4 and len(set(places.values())) == 4
    good, also_good = (next(line for line in said.splitlines() if line.split()[:1] == [name])
                       for name in ("good", "also_good"))
    assert "slower" in good and "equivalent" in also_good
    assert "measured in turns" in said


def test_both_are_ordinary_results_that_can_be_verified(repository, bench, monkeypatch):
    monkeypatch.setattr(compare, "draw_both", DRAW_BOTH)
    assert bench(repository.root, "compare", "fast", "slow", *PIZZA)[0] == 0
    for side in "AB":
        status, said, errors = bench(repository.root, "verify", f"out/{side}")
        assert status == 0, said + errors


@pytest.mark.full
def test_a_fault_in_the_drawing_does_not_cost_the_comparison(repository, bench, monkeypatch):
    def fault(result):
        raise ValueError("no such colour")
    monkeypatch.setattr(compare, "draw_both", DRAW_BOTH)
    monkeypatch.setattr(result_page, "write_result", fault)
    status, said, _ = bench(repository.root, "compare", "fast", "slow", *PIZZA)
    assert status == 0 and "./scripts/bench plot out/A" in said and "slower" in said


def test_both_sides_run_in_turns_not_one_after_the_other(repository, bench, tmp_path):
    bench(repository.root, "compare", "fast", "slow", *PIZZA)
    started = sorted((row["started_utc"], side) for side in "AB"
                     for row in lines(tmp_path / "out" / side / "samples.jsonl"))
    order = "".join(side for _, side in started)
    assert order.count("AB") + order.count("BA") > len(order) / 4


@pytest.mark.full
def test_the_same_revision_twice_is_an_a_a_that_is_built_once(repository, bench, tmp_path):
    status, said, _ = bench(repository.root, "compare", "fast", "fast", *PIZZA)
    assert status == 0 and said.count("Building A") == 1 and "Building B" not in said
    assert "slower" not in said and "faster" not in said
    ids = {json.loads((tmp_path / "out" / side / "manifest.json").read_text())["result_id"]
           for side in "AB"}
    assert len(ids) == 2


@pytest.mark.full
def test_what_is_built_is_used_again(repository, bench, tmp_path):
    bench(repository.root, "compare", "fast", "slow", *PIZZA)
    sha = git(repository.root, "rev-parse", "slow")
    built = repository.root / "build" / "revisions" / sha / "build" / "release" / "build.ninja"
    before = built.stat().st_mtime_ns
    shutil.rmtree(tmp_path / "out")
    assert bench(repository.root, "compare", "fast", "slow", *PIZZA)[0] == 0
    assert built.stat().st_mtime_ns == before


@pytest.mark.full
def test_a_checkout_that_somebody_changed_is_made_anew(repository, bench, tmp_path):
    bench(repository.root, "compare", "fast", "slow", *PIZZA)
    sha = git(repository.root, "rev-parse", "slow")
    (repository.root / "build" / "revisions" / sha / "fakes" / "good").write_text(FAST)
    shutil.rmtree(tmp_path / "out")
    status, said, _ = bench(repository.root, "compare", "fast", "slow", *PIZZA)
    assert status == 0 and "slower" in said
    manifest = json.loads((tmp_path / "out" / "B" / "manifest.json").read_text())
    assert manifest["dirty"] is False


@pytest.mark.full
def test_the_answer_as_json_is_all_there_is_on_standard_output(repository, bench):
    status, text, _ = bench(repository.root, "compare", "fast", "slow", *PIZZA, "--json")
    document = json.loads(text)
    assert status == 0 and document["paired"] and document["a"]["revision"] == "fast"


def test_other_work_is_left_out_with_a_line(repository, bench):
    status, said, errors = bench(repository.root, "compare", "fast", "other-work", *PIZZA)
    assert status == 1 and "workload version 1 and B 2" in said
    assert errors.count("bench:") == 1 and "no cell is the same work" in errors


def in_branch(repository, name, programs, remove=()):
    git(repository.root, "checkout", "--quiet", "-B", name, "fast")
    repository.commit(name, programs, remove)
    git(repository.root, "checkout", "--quiet", "slow")


def last_error(errors):
    return [line for line in errors.splitlines() if line.startswith("bench:")]


def test_a_revision_without_presets_is_one_clear_line(repository, bench):
    in_branch(repository, "old", {}, remove=["CMakePresets.json"])
    status, _, errors = bench(repository.root, "compare", "old", "slow", *PIZZA)
    assert status == 1 and "Traceback" not in errors
    (line,) = last_error(errors)
    assert "A (old, " in line and "has no CMakePresets.json" in line


def test_a_revision_that_does_not_build_is_named(repository, bench):
    in_branch(repository, "broken", {})
    git(repository.root, "checkout", "--quiet", "broken")
    (repository.root / "CMakeLists.txt").write_text("this is no CMake\n")
    repository.commit("broken", {})
    git(repository.root, "checkout", "--quiet", "slow")
    status, _, errors = bench(repository.root, "compare", "fast", "broken", *PIZZA)
    assert status == 1 and "Traceback" not in errors
    assert "B (broken, " in last_error(errors)[0] and "does not build" in last_error(errors)[0]


@pytest.mark.full
def test_a_revision_that_lacks_a_flag_stops_after_one_block_with_its_own_words(
        repository, bench, tmp_path):
    in_branch(repository, "flagless", {"good": fake_program(
        10_000_000, changes=[('"scenario", "agents"', '"scenarios", "agents"')])})
    status, _, errors = bench(repository.root, "compare", "flagless", "slow", "--models", "good",
                              "--scenarios", "pizza", "--out", "out")
    (line,) = last_error(errors)
    assert status == 1 and "no process of A (flagless, " in line
    assert len(lines(tmp_path / "out" / "A" / "samples.jsonl")) < 6


def test_a_model_that_one_revision_lacks_is_left_out(repository, bench):
    in_branch(repository, "fewer", {}, remove=["fakes/also_good"])
    status, said, _ = bench(repository.root, "compare", "fewer", "slow", *PIZZA)
    assert status == 0 and "Only in B (slow, " in said and "left out: also_good" in said


@pytest.mark.full
def test_a_disturbed_block_is_measured_again_in_both(repository, bench, tmp_path, monkeypatch):
    """By the canary before the third block: five run at the start."""
    with_canary = {"canary": fake_program(1)}
    in_branch(repository, "a-canary", with_canary)
    monkeypatch.setenv("INTERLEAVE_CANARIES", str(tmp_path / "out" / "A" / "canary.jsonl"))
    monkeypatch.setenv("INTERLEAVE_DISTURBED", "7")
    status, said, _ = bench(repository.root, "compare", "a-canary", "a-canary", "--models", "good",
                            "--scenarios", "pizza", "--out", "out")
    assert status == 0 and "1 block disturbed" in said
    canaries = [(tmp_path / "out" / side / "canary.jsonl").read_bytes() for side in "AB"]
    assert canaries[0] == canaries[1] and canaries[0].count(b"\n") == 12
    for side in "AB":
        rows = lines(tmp_path / "out" / side / "samples.jsonl")
        extra = [e for e in lines(tmp_path / "out" / side / "plan.jsonl") if "instead_of" in e]
        assert len(rows) == 7 and [e["instead_of"] for e in extra] == [2]
    text = bench(repository.root, "compare", "out/A", "out/B", "--json")[1]
    assert json.loads(text)["cells"][0]["models"][0]["n"] == 6


def test_an_interruption_keeps_what_is_measured_and_says_how_to_look_at_it(
        repository, bench, tmp_path):
    """The program of B interrupts the runner in its third block, by what it is called with."""
    stop = ('    row = sample(name, flags)\n',
            '    row = sample(name, flags)\n'
            '    count = Path(__file__).with_suffix(".count")\n'
            '    count.write_text((count.read_text() if count.exists() else "") + "x")\n'
            '    if len(count.read_text()) > 3:\n'
            '        os.kill(os.getppid(), signal.SIGINT)\n'
            '        signal.pause()\n')
    in_branch(repository, "stopping", {"good": fake_program(10_000_000, changes=[stop])})
    status, said, _ = bench(repository.root, "compare", "fast", "stopping", "--models", "good",
                            "--scenarios", "pizza", "--out", "out")
    assert status == 130 and "./scripts/bench compare out/A out/B" in said
    rows = {side: lines(tmp_path / "out" / side / "samples.jsonl") for side in "AB"}
    assert len(rows["B"]) == 3 and 2 <= len(rows["A"]) <= 4
    status, said, _ = bench(repository.root, "compare", "out/A", "out/B")
    assert status == 0 and "measured in turns" in said and "good" in said


def test_a_checkout_inside_another_repository_has_no_revisions(repository, bench, tmp_path):
    inner = repository.root / "results" / "copy"
    shutil.copytree(repository.root, inner, ignore=shutil.ignore_patterns(".git", "build", "copy"))
    status, _, errors = bench(inner, "compare", "fast", "slow", "--models", "good")
    shutil.rmtree(inner)
    assert status == 2 and "no git checkout of its own" in errors


GATE = ("gate", "fast", "slow", "--cell", "pizza/agents=3/", "--blocks", "8")


@pytest.mark.parametrize("model, limit, status, word", [
    ("good", "5%", 1, "SLOWER"), ("good", "20%", 0, "WITHIN THE LIMIT"),
    ("also_good", "5%", 0, "WITHIN THE LIMIT")])
def test_a_gate_on_revisions_measures_its_one_cell(repository, bench, model, limit, status, word):
    got, said, _ = bench(repository.root, *GATE, "--model", model, "--max-slowdown", limit)
    assert got == status and word in said and "8 blocks" in said
    (folder,) = (repository.root / "results").glob("*/gate_*_fast_slow")
    rows = lines(folder / "A" / "samples.jsonl")
    assert {(row["model"], row["mode"]) for row in rows if row["mode"] != "aa"} == {
        (model, "timed")} and len({row["cell_id"] for row in rows}) == 1
    shutil.rmtree(folder)


def test_a_gate_whose_revision_cannot_be_built_is_not_called_slower(repository, bench):
    in_branch(repository, "old", {}, remove=["CMakePresets.json"])
    status, _, errors = bench(repository.root, "gate", "old", "slow", "--model", "good", "--cell",
                              "pizza/agents=3/")
    assert status == 2 and "has no CMakePresets.json" in errors
