"""Is damage to a result noticed wherever it is, said in one line each, and is nothing written?"""

import contextlib
import io
import json
import os
import random
import shutil
import stat
from pathlib import Path

import pytest
from rich.console import Console

from . import cli, fixtures, verify
from .records import read_result
from .summary import summarise
from .sums import SUMS, plain_files, record_measured, seal, write_sums

ROOT = Path(__file__).resolve().parents[2]
HERE = ("abc1234", False)
CANARY = {"schema": "interleave.canary/1", "canary_id": "start-0", "cell_id": None, "block": None,
          "started_utc": "2025-01-02T03:04:05.678Z", "kernel_ns": 5_000_000,
          "sleep_ns": 10_100_000, "asked_sleep_ns": 10_000_000}
OF_A_PLAN = {"expect": "0:0", "predicted_s": 1.0, "timeout_s": 30.0, "padding": 7}


def rows_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def drawn(folder):
    """As drawing leaves it, without the pictures."""
    result = read_result(folder)
    (folder / "derived").mkdir(exist_ok=True)
    for name, text in verify.derived_texts(result, summarise(result)).items():
        (folder / name).write_text(text)
    (folder / "README.md").write_text("what was drawn\n")
    record_measured(folder)
    seal(folder, *HERE)
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A result as a run leaves it: its plan has a line for each row, and the other way round."""
    models = {name: fixtures.MODELS[name] for name in ("asio", "threads")}
    folder = fixtures.write_result(tmp_path_factory.mktemp("whole") / "result", models=models)
    cells = ("layers", "parked")
    rows = [row for row in rows_of(folder / "samples.jsonl") if row["scenario"] in cells]
    names = {row["exec_id"] for row in rows}
    plan = [OF_A_PLAN | row for row in rows_of(folder / "plan.jsonl") if row["exec_id"] in names]
    rows = [row | ({"digest": "0", "sum": "0"} if row["status"] == "ok" else {}) for row in rows]
    write_rows(folder / "samples.jsonl", rows)
    write_rows(folder / "plan.jsonl", plan)
    write_rows(folder / "canary.jsonl", [CANARY])
    return drawn(folder)


@pytest.fixture
def result(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(verify, "commit_of", lambda root: HERE)
    return Path(shutil.copytree(whole, tmp_path / "result"))


def faults(folder):
    found = verify.findings_of(folder, ROOT)
    assert all("\n" not in text and len(text) < 600 for _, text in found.faults)
    return [f"{file}: {text}" for file, text in found.faults]


def only_fault(folder):
    (fault,) = faults(folder)
    return fault


def renewed(folder):
    """All check sums as if the files had always been so: whoever damaged them took pains."""
    record_measured(folder)
    write_sums(folder)
    return folder


def change_manifest(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_whole_result_is_verified_byte_for_byte(result):
    found = verify.findings_of(result, ROOT)
    assert (found.faults, found.notes, found.summary) == ([], [], "same")
    assert found.planned == found.rows == len(rows_of(result / "plan.jsonl")) > 40
    assert found.files == len(plain_files(result)) + 1


FILES = ["manifest.json", "plan.jsonl", "samples.jsonl", "canary.jsonl", "README.md", SUMS,
         "derived/summary.json", "derived/summary.csv", "derived/summary.md",
         "derived/comparisons.csv", "derived/summary.tex", "citation.bib", "HOW_TO_CITE.md",
         "trace/05-asio-trace.json"]


def test_those_are_all_kinds_of_files(whole):
    assert {name for name in plain_files(whole) if "threads" not in name} == set(FILES) - {SUMS}


@pytest.mark.parametrize("name", FILES)
def test_a_changed_byte_anywhere_is_noticed(result, name):
    dice = random.Random(name)
    data = (result / name).read_bytes()
    places = {0, len(data) - 1, *(dice.randrange(len(data)) for _ in range(4))}
    for place in places:
        other = bytearray(data)
        other[place] ^= 1 << dice.randrange(8)
        (result / name).write_bytes(other)
        assert any(name in fault for fault in faults(result)) or name == SUMS and faults(result)
    (result / name).write_bytes(data)
    assert faults(result) == []


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(result, name):
    (result / name).unlink()
    assert f"{name}: is missing" in " ".join(faults(result))


@pytest.mark.parametrize("name", [*FILES, "derived/summary.json"])
def test_a_file_cut_short_at_any_byte_is_named(result, name):
    data = (result / name).read_bytes()
    dice = random.Random(name)
    for length in (0, 1, dice.randrange(len(data)), len(data) - 1):
        (result / name).write_bytes(data[:length])
        assert any(name in fault for fault in faults(result)) or name == SUMS and faults(result)


@pytest.mark.parametrize("name", ["plan.jsonl", "samples.jsonl", "canary.jsonl"])
@pytest.mark.parametrize("line, words", [
    (b'{"a":', "not JSON"), (b"\xff\xfe", "not JSON"), (b'{"a":NaN}', "NaN is not a number"),
    (b"[" * 100_000, "not JSON"), (b"7", "it is of the wrong type"), (b"", "not JSON")])
def test_a_damaged_line_is_named_even_if_the_sums_agree(result, name, line, words):
    lines = (result / name).read_bytes().splitlines()
    lines[0] = line
    (result / name).write_bytes(b"\n".join(lines) + b"\n")
    told = " ".join(faults(renewed(result)))
    assert f"{name}: line 1" in told and words in told


def test_a_last_line_that_an_interruption_cut_is_told_apart_from_damage(result):
    with open(result / "samples.jsonl", "ab") as file:
        file.write(b'{"exec_id":"half')
    assert "samples.jsonl: ends with 16 bytes of a line that is not whole" in only_fault(
        renewed(result))


@pytest.mark.parametrize("name", ["manifest.json", "samples.jsonl", "canary.jsonl",
                                  "derived/summary.json"])
def test_another_version_of_the_format_is_one_message(result, name):
    text = (result / name).read_text()
    for kind in ("manifest", "sample", "canary", "summary"):
        text = text.replace(f"interleave.{kind}/1", f"interleave.{kind}/2")
    (result / name).write_text(text)
    if name != "manifest.json":
        renewed(result)
    versions = [fault for fault in faults(result) if "use the version of the suite" in fault]
    assert len(versions) == 1 and versions[0].startswith(f"{name}: ")


def test_many_faults_of_a_kind_are_counted(result):
    rows = rows_of(result / "samples.jsonl")
    write_rows(result / "samples.jsonl", [row | {"turns": -1} for row in rows])
    told = faults(renewed(result))
    assert "samples.jsonl: line 1: turns is no number of at least 0" in told
    assert f"samples.jsonl: and {len(rows) - verify.MOST_TOLD} more of that kind" in told


# ---- what does not belong there ----

@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "derived/more.json", "new/file",
                                  "manifest.json.new"])
def test_a_foreign_file_is_named(result, name):
    (result / name).parent.mkdir(exist_ok=True)
    (result / name).write_text("x")
    assert only_fault(result) == f"{name}: is no file of this result: remove it"


@pytest.mark.parametrize("name", [b"\xff", b"two\nlines", b"\x1b[31mred", b"-c", b" "])
def test_a_name_that_is_hardly_one_is_told_on_one_line(result, name):
    with open(os.path.join(os.fsencode(result), name), "w"):
        pass
    assert only_fault(result).isprintable()
    write_sums(result)
    told = faults(result)
    assert told == [] if name != b"\xff" else "no UTF-8" in told[0]


def test_many_missing_files_of_a_folder_are_counted(result):
    (result / "figures").mkdir()
    for number in range(20):
        (result / "figures" / f"{number:02d}.png").write_text("x")
    write_sums(result)
    shutil.rmtree(result / "figures")
    told = faults(result)
    assert told[0] == "figures/00.png: is missing" and len(told) == verify.MOST_TOLD + 1
    assert told[-1] == f"figures/: and {20 - verify.MOST_TOLD} more of that kind"


def test_a_timeline_of_no_process_is_named_even_if_the_sums_agree(result):
    (result / "trace" / "99-asio-trace.json").write_text("{}")
    assert only_fault(renewed(result)).startswith("trace/99-asio-trace.json: is the timeline of no")


def test_a_timeline_that_was_never_there_is_missed_even_if_the_sums_agree(result):
    (result / "trace" / "05-asio-trace.json").unlink()
    assert "trace/05-asio-trace.json: is missing: samples.jsonl says" in only_fault(renewed(result))


@pytest.mark.parametrize("name", ["README.md", "samples.jsonl", "derived", "more"])
def test_a_symbolic_link_is_not_followed(result, tmp_path, name):
    if (result / name).exists():
        (result / name).rename(tmp_path / "elsewhere")
    (result / name).symlink_to(tmp_path / "elsewhere")
    assert f"{name}: is a symbolic link" in " ".join(faults(result))


def test_a_pipe_is_not_waited_for(result):
    (result / "samples.jsonl").unlink()
    os.mkfifo(result / "samples.jsonl")
    assert "samples.jsonl: is no file" in " ".join(faults(result))


def test_a_huge_file_is_not_read(result):
    with open(result / "samples.jsonl", "ab") as file:
        file.truncate(1 << 40)  # a hole, which takes no space
    assert "samples.jsonl: has 1,099,511,627,776 bytes" in " ".join(faults(result))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(result):
    (result / "README.md").chmod(0)
    assert only_fault(result) == "README.md: cannot be read: mend its permissions"


# ---- what the check sums alone would not see ----

def edit_rows(result, edit):
    rows = rows_of(result / "samples.jsonl")
    write_rows(result / "samples.jsonl", edit(rows))
    return renewed(result)


def test_a_lost_row_is_missed(result):
    told = only_fault(edit_rows(result, lambda rows: rows[:3] + rows[4:]))
    assert " 1 of " in told and "planned processes have no row" in told


@pytest.mark.parametrize("edit, words", [
    (lambda rows: rows + rows[:1], "has two rows"),
    (lambda rows: rows + [rows[0] | {"exec_id": "99-asio-b00"}], "99-asio-b00 was not planned"),
    (lambda rows: [rows[0] | {"cell_id": "x"}] + rows[1:], "its cell_id is not the planned one"),
    (lambda rows: [rows[0] | {"block": 4}] + rows[1:], "its block is not the planned one"),
    (lambda rows: [rows[0] | {"params": rows[0]["params"] | {"seed": 2}}] + rows[1:],
     "its params are not the planned ones"),
    (lambda rows: [rows[0] | {"wall_ns": rows[0]["makespan_ns"] - 1}] + rows[1:],
     "it took longer than its process ran"),
    (lambda rows: [rows[0] | {"makespan_ns": rows[0]["lb_ns"] // 2}] + rows[1:],
     "it took less time than any schedule"),
    (lambda rows: [rows[0] | {"digest": None, "sum": None}] + rows[1:],
     "its answer is not the right one"),
    (lambda rows: [rows[0] | {"digest": "1", "sum": "1"}] + rows[1:],
     "its answer is not the right one")])
def test_a_row_that_is_not_of_its_planned_process_is_named(result, edit, words):
    assert any(fault.startswith("samples.jsonl: ") and words in fault
               for fault in faults(edit_rows(result, edit)))


def edit_plan(result, edit):
    """What is added to the plan, each with the row that its own is to be like."""
    plan, rows = rows_of(result / "plan.jsonl"), rows_of(result / "samples.jsonl")
    measured, added = {row["exec_id"]: row for row in rows}, edit(plan)
    write_rows(result / "plan.jsonl", plan + [entry for entry, _ in added])
    write_rows(result / "samples.jsonl", rows + [
        measured[like] | {key: entry[key] for key in ("exec_id", "block", "position")}
        for entry, like in added])
    return drawn(renewed(result))


def again(entry, block, **more):
    name = f"{entry['exec_id'].rpartition('-')[0]}-b{block:02d}"
    return entry | {"exec_id": name, "block": block} | more, entry["exec_id"]


def first_cell(plan):
    of_block = [entry for entry in plan if entry["block"] == 0 and not entry["skip_reason"]]
    return [entry for entry in of_block if entry["cell_id"] == of_block[0]["cell_id"]]


def test_blocks_that_no_canary_asked_for_are_named(result):
    """More of them, until they say what one likes, would be another way to choose a result."""
    (told,) = faults(edit_plan(result, lambda plan: [
        again(entry, 6, instead_of=0) for entry in first_cell(plan)]))
    assert told.startswith("plan.jsonl: block 6 of ")
    assert told.endswith("stands in for block 0, which no canary found disturbed")


def disturbed(result, *blocks):
    """By a canary before each of these blocks of the first cell."""
    cell = first_cell(rows_of(result / "plan.jsonl"))[0]["cell_id"]
    write_rows(result / "canary.jsonl", [CANARY, *(
        CANARY | {"canary_id": f"c-{block}", "cell_id": cell, "block": block,
                  "sleep_ns": 20_000_000} for block in blocks)])


def test_blocks_that_a_canary_asked_for_are_in_order_and_missed_where_there_are_none(result):
    disturbed(result, 0)
    (told,) = faults(drawn(renewed(result)))
    assert "2 processes that the canaries ask for in place of disturbed ones were not planned" \
        in told and "bench resume" in told
    assert faults(edit_plan(result, lambda plan: [
        again(entry, 6, instead_of=0) for entry in first_cell(plan)])) == []


def test_more_blocks_than_may_be_added_are_named(result):
    disturbed(result, *range(6))
    (told,) = faults(edit_plan(result, lambda plan: [
        again(entry, 6 + n, instead_of=n) for n in range(4) for entry in first_cell(plan)]))
    assert told.endswith("has 4 blocks in place of disturbed ones, and may have 3")


def test_a_second_run_in_one_block_is_named(result):
    (told,) = faults(edit_plan(result, lambda plan: [
        again(first_cell(plan)[0], 0, exec_id="05-asio-once-more")]))
    assert "is planned 2 times in block 0 of" in told


def test_a_summary_of_other_samples_is_named_by_its_numbers(result):
    told = faults(edit_rows(result, lambda rows: [
        row | ({"threads_peak": 77} if row["exec_id"] == "05-asio-b0" else {}) for row in rows]))
    fault = told[0]
    assert told[1:] == ["derived/summary.csv: is not what the samples say: not byte for byte"]
    assert fault.startswith("derived/summary.json: is not what the samples say: 1 number differs")
    assert "layers/agents=16/" in fault and "threads_peak is 2 there, 77 here" in fault


def test_drawing_again_from_changed_samples_does_not_make_them_what_was_measured(result):
    samples = result / "samples.jsonl"
    samples.write_text(samples.read_text().replace('"turns": 17', '"turns": 18', 1))
    seal(result, *HERE)
    assert any(fault.startswith("samples.jsonl: is not what was measured")
               for fault in faults(result))


def test_a_summary_by_another_version_names_the_numbers_and_the_commit_to_check_out(result):
    summary = json.loads((result / "derived" / "summary.json").read_text())
    summary["cells"][0]["models"][0]["threads_peak"] = 5
    (result / "derived" / "summary.json").write_text(json.dumps(summary))
    seal(result, "1234567", False)
    fault = only_fault(result)
    assert "was drawn at commit 1234567, this is abc1234: 1 number differs" in fault
    assert "threads_peak is 5 there, 17 here" in fault and "check out 1234567" in fault


def test_a_summary_by_a_version_that_no_commit_holds_is_to_be_drawn_again(result):
    summary = json.loads((result / "derived" / "summary.json").read_text())
    summary["cells"][0]["models"][0]["threads_peak"] = 5
    (result / "derived" / "summary.json").write_text(json.dumps(summary))
    seal(result, "abc1234", True)
    fault = only_fault(result)
    assert "at commit abc1234 with changes that no commit holds" in fault
    assert fault.endswith("./scripts/bench plot draws it again")


def test_a_summary_by_another_version_with_the_same_numbers_is_verified(result):
    summary = json.loads((result / "derived" / "summary.json").read_text())
    del summary["cpu_cost"]
    summary["trust"]["reasons"] = ["In other words."]
    (result / "derived" / "summary.json").write_text(json.dumps(summary))
    seal(result, "1234567", False)
    found = verify.findings_of(result, ROOT)
    assert found.faults == [] and found.summary == "same numbers"
    assert "drawn at commit 1234567" in found.notes[0]


@pytest.mark.parametrize("edit, words", [
    (lambda s: s["trust"].update(level="citable"), "trust.level is citable there"),
    (lambda s: s["comparisons"][0]["pairs"][0].update(verdict="faster"), "verdict is faster there"),
    (lambda s: s["winning_tiers"][0].update(best="threads"), "best is threads there")])
def test_words_that_claim_something_are_compared_with_those_of_another_version_too(
        result, edit, words):
    summary = json.loads((result / "derived" / "summary.json").read_text())
    edit(summary)
    (result / "derived" / "summary.json").write_text(json.dumps(summary))
    seal(result, "1234567", False)
    fault = only_fault(result)
    assert "1 value differs" in fault and words in fault


def test_samples_of_which_no_summary_can_be_made_are_one_message(result, monkeypatch):
    def broken(_result):
        raise KeyError("histogram")
    monkeypatch.setattr("interleave.summary.summarise", broken)
    assert "no summary can be made of the samples: KeyError" in only_fault(result)


def test_a_run_that_is_not_finished_says_how_to_go_on(result):
    change_manifest(result, finished_utc=None)
    rows = rows_of(result / "samples.jsonl")
    write_rows(result / "samples.jsonl", rows[:-5])
    told = faults(drawn(result))
    assert any("5 of" in fault and "bench resume" in fault for fault in told)
    assert any("the run is not finished" in fault for fault in told)


def test_a_result_of_before_the_sums_is_held_against_its_manifest(result):
    manifest = json.loads((result / "manifest.json").read_text())
    sums = dict(reversed(line.split("  ")) for line in (result / SUMS).read_text().splitlines())
    del sums["manifest.json"], manifest["derived"]
    (result / "manifest.json").write_text(json.dumps(manifest | {"sha256": sums}))
    (result / SUMS).unlink()
    found = verify.findings_of(result, ROOT)
    assert found.faults == [] and "older version" in found.notes[0]
    (result / "README.md").write_text("drawn by somebody else\n")
    assert only_fault(result).startswith("README.md: was changed")


def test_a_field_of_a_newer_version_is_a_note(result):
    found = verify.findings_of(edit_rows(result, lambda rows: [
        row | {"phase_of_the_moon": "full"} for row in rows]), ROOT)
    assert found.faults == [] and "phase_of_the_moon" in found.notes[0]


# ---- the verb ----

def bench(*arguments):
    said, out = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out):
        status = cli.main([*map(str, arguments)], ROOT, Console(file=said, width=80))
    return status, said.getvalue(), out.getvalue()


def test_the_verb_says_verified_with_status_0_and_each_fault_with_status_1(result):
    status, said, _ = bench("verify", result)
    assert status == 0 and said.startswith("Verified: ") and "byte for byte" in said
    (result / "README.md").write_text("x")
    status, said, _ = bench("verify", result)
    assert status == 1 and said.splitlines()[0].startswith("README.md: was changed")
    assert said.splitlines()[-1] == f"Not verified: 1 fault in {result}."


def test_the_verb_gives_one_json_document(result):
    (result / "README.md").unlink()
    status, said, out = bench("verify", result, "--json")
    told = json.loads(out)
    assert status == 1 and said == "" and told["verified"] is False
    assert told["faults"] == [{"file": "README.md", "fault": "is missing"}]
    assert told["missing"] == 0 and told["planned"] == told["rows"] > 0


def test_what_is_no_result_is_bad_usage(tmp_path, capsys):
    status, _, _ = bench("verify", tmp_path)
    assert status == 2 and "is not a result" in capsys.readouterr().err


def state_of(folder):
    return {path: (path.lstat().st_mtime_ns, path.lstat().st_mode, path.read_bytes()
                   if path.is_file() else None) for path in [folder, *folder.rglob("*")]}


@pytest.mark.parametrize("damage", [None, "samples.jsonl", "manifest.json", SUMS])
def test_nothing_is_written(result, damage):
    if damage:
        (result / damage).write_bytes((result / damage).read_bytes()[:-7])
    before = state_of(result)
    for path in [result, *result.rglob("*")]:
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)
    faults(result)
    for path, (_, mode, _) in before.items():
        path.chmod(stat.S_IMODE(mode))
    assert state_of(result) == before
