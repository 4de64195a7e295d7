"""Does every process become exactly one row, whatever it does?"""

import errno
import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from . import cli, result_page
from .executables import Executables
from .fake_root import lines, make_root
from .lock import MachineLock, drawing_into
from .process import run_process
from .records import read_result
from .run import Runner, without_rows
from .trouble import Trouble


class NoDisplay:
    def __init__(self):
        self.notes = []

    def started(self, entry):
        pass

    def done(self, entry, row):
        pass

    def note(self, text):
        self.notes.append(text)

    def disturbed(self, count):
        pass

    def more(self, entries, disturbed):
        pass


def entry_of(model, **changes):
    params = {"agents": 3, "workers": 1, "cpu_share": 0.0, "time_scale": 0.01, "seed": 1,
              "io": "timer"}
    return {"exec_id": f"01-{model}-b00", "cell_id": "pizza", "model": model, "scenario": "pizza",
            "params": params, "mode": "timed", "block": 0, "position": 0,
            "expect": "00000000000000aa:00000000000000bb", "predicted_s": 0.1, "timeout_s": 60,
            "skip_reason": None, "padding": 7, "lb_model_ns": 1, "lb_ns": 1, "greedy_ns": 1
            } | changes


@pytest.fixture
def one_row(tmp_path):
    """Runs one fake model and returns its row, as it is on disk."""
    def run(model, **changes):
        root = make_root(tmp_path / "root", [model])
        result = tmp_path / "result"
        result.mkdir()
        executables = Executables(root / "build" / "release")
        about, _ = executables.about([model])
        list(Runner(result, executables, about).run_each([entry_of(model, **changes)], NoDisplay()))
        (row,) = lines(result / "samples.jsonl")
        return row
    return run


def test_a_good_process_becomes_an_ok_row_with_the_plans_own_fields(one_row):
    row = one_row("good")
    assert row["status"] == "ok" and row["makespan_ns"] == 1_100_000
    assert (row["exec_id"], row["block"], row["position"]) == ("01-good-b00", 0, 0)
    assert row["wall_ns"] > 0 and row["started_utc"].endswith("Z")


def test_a_process_that_dies_by_a_signal_is_a_crash_that_names_it(one_row):
    row = one_row("crashing")
    assert row["status"] == "crash"
    assert "SIGSEGV" in row["reason"] and "about to crash" in row["reason"]
    assert row["makespan_ns"] is None and row["family"] == "crashing"


def test_a_process_that_hangs_is_killed_and_becomes_a_timeout(one_row):
    row = one_row("hanging", timeout_s=0.2)
    assert row["status"] == "timeout" and "0.2 s" in row["reason"]


def test_an_invalid_sample_keeps_its_reason(one_row):
    row = one_row("invalid")
    assert (row["status"], row["reason"]) == ("invalid", "turn 17 ran twice")


def test_a_model_that_this_machine_cannot_run_is_skipped(one_row):
    row = one_row("skipping")
    assert (row["status"], row["reason"]) == ("skipped", "too many threads")


@pytest.mark.parametrize("model, reason", [
    ("silent", "it wrote no sample"),
    ("doubling", "2 benchmarks ran instead of one"),
    ("failing_late", "exit status 3; after a good sample"),
    ("not_a_number", "NaN is not a number"),
    ("skipping_with_a_good_sample", "exit status 77; after a good sample"),
    ("garbage", "UnicodeDecodeError"),
    ("deeply_nested", "its output cannot be read"),
    ("infinite", "1e999 is too large a number"),
    ("listed_params", "no params"),
    ("no_params", "no params"),
    ("listed_benchmarks", "no list of benchmarks"),
    ("true_makespan", "makespan_ns is no number"),
    ("negative", "makespan_ns is no number"),
    ("of_another_share", "cpu_share is not 0.0"),
])
def test_a_sample_that_the_process_contradicts_is_a_crash(one_row, model, reason):
    row = one_row(model)
    assert row["status"] == "crash" and reason in row["reason"]


def test_an_answer_other_than_the_reference_is_invalid(one_row):
    row = one_row("lying")
    assert row["status"] == "invalid" and "expected" in row["reason"]


def params_with(**more):
    return {"params": entry_of("x")["params"] | more}


def test_a_run_that_was_to_be_stopped_need_not_have_the_whole_answer(one_row):
    row = one_row("stopped", **params_with(stop_after_us=4))
    assert (row["status"], row["stop"]["why"], row["digest"]) == ("ok", "outside", None)


def test_a_run_that_nobody_stopped_does_not_get_by_with_a_part_of_the_answer(one_row):
    row = one_row("stopped")
    assert row["status"] == "crash" and "nothing in its cell asks for that" in row["reason"]


def test_a_run_whose_endpoint_dies_fails_with_the_reason(one_row):
    row = one_row("losing_its_endpoint", **params_with(io="tcp"))
    assert (row["status"], row["reason"]) == ("invalid", "the mock LLM ended during the run")


@pytest.mark.parametrize("more", [{"io": "tcp"}, {"io": "tcp", "tokens": 200},
                                  {"on_error": "fail-fast"}, {"stop_after_us": 0}], ids=str)
def test_the_program_is_asked_for_the_cells_own_outside_world(one_row, more):
    row = one_row("good", **params_with(**more))
    assert row["status"] == "ok", row["reason"]
    assert {key: row["params"].get(key) for key in more} == more


def test_a_time_far_below_the_bound_is_invalid(one_row):
    row = one_row("too_fast")
    assert row["status"] == "invalid" and "no schedule takes less" in row["reason"]


def test_a_sample_cannot_replace_the_runners_own_fields(one_row):
    row = one_row("usurping")
    assert [row[key] for key in ("exec_id", "mode", "cell_id", "block", "position")] == [
        "01-usurping-b00", "timed", "pizza", 0, 0]
    assert row["status"] == "ok" and row["wall_ns"] > 1


def test_what_a_process_left_running_is_ended_with_it(tmp_path):
    child = tmp_path / "pid"
    run_process(["sh", "-c", f"sleep 60 & echo $! > {child}"], 60, tmp_path / "stderr")
    assert has_ended(int(child.read_text()))


def has_ended(pid):
    """Killed, whether or not anybody has reaped it yet; it is given a moment for that."""
    for _ in range(200):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rpartition(")")[2].split()[0] in "ZX":
                    return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


def test_a_runner_that_is_killed_outright_takes_its_process_along(tmp_path):
    child = tmp_path / "pid"
    script = ("import sys; from interleave.process import run_process; "
              "run_process(['sh', '-c', sys.argv[1]], 60, sys.argv[2])")
    loop = f"echo $$ > {child}.new; mv {child}.new {child}; while :; do sleep 60; done"
    runner = subprocess.Popen([sys.executable, "-c", script, loop, tmp_path / "stderr"],
                              env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])})
    while not child.exists():
        assert runner.poll() is None
        time.sleep(0.02)
    runner.kill()
    runner.wait()
    assert has_ended(int(child.read_text()))


def test_a_disk_that_is_full_ends_the_run_without_a_crash_row(one_row, tmp_path, monkeypatch):
    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(Trouble, match="no space .* free some, then: ./scripts/bench resume"):
        one_row("silent")
    assert (tmp_path / "result" / "samples.jsonl").read_text() == ""


def test_a_model_with_too_long_a_bound_is_a_row_that_carries_the_bound(one_row):
    row = one_row("good", skip_reason="its bound is too long", lb_model_ns=10**12)
    assert (row["status"], row["lb_model_ns"]) == ("skipped", 10**12)
    assert row["wall_ns"] is None and row["makespan_ns"] is None


def test_a_trace_is_kept_under_the_name_of_its_process(one_row, tmp_path):
    one_row("good", mode="trace", block=None, position=None)
    assert (tmp_path / "result" / "trace" / "01-good-b00.json").is_file()


def test_what_has_a_row_does_not_run_again():
    plan = [entry_of("good"), entry_of("invalid")]
    assert without_rows(plan, {"01-good-b00"}) == [plan[1]]


def test_an_interruption_kills_the_child(tmp_path):
    """The child tells its process id through a file, then interrupts the runner and waits."""
    child = tmp_path / "pid"
    script = f"echo $$ > {child}; kill -INT {os.getpid()}; while :; do sleep 60; done"
    with pytest.raises(KeyboardInterrupt):
        run_process(["sh", "-c", script], 60, tmp_path / "stderr")
    with pytest.raises(ProcessLookupError):
        os.kill(int(child.read_text()), 0)


def test_a_second_run_on_the_machine_is_refused(tmp_path):
    with MachineLock(str(tmp_path / "lock")):
        with pytest.raises(Trouble, match=f"another run is measuring .*process {os.getpid()}"):
            with MachineLock(str(tmp_path / "lock")):
                pass
    with MachineLock(str(tmp_path / "lock")):
        pass


def test_everybody_may_open_the_lock_whatever_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        with MachineLock(str(tmp_path / "lock")):
            assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o666
    finally:
        os.umask(before)


@pytest.fixture
def bench(tmp_path, monkeypatch, signals_kept):
    """Calls ./scripts/bench's Python half in a fake checkout; returns status, result and text."""
    monkeypatch.setattr(result_page, "write_result", lambda result: {})
    monkeypatch.setattr(result_page, "print_table", lambda summary, console: None)
    monkeypatch.chdir(tmp_path)

    def call(root, *arguments):
        with open(tmp_path / "said", "w+") as said:
            status = cli.main(list(arguments), root, Console(file=said, width=200),
                              str(tmp_path / "lock"))
            said.seek(0)
            return status, said.read()
    return call


SMOKE = ("--profile", "smoke", "--scenarios", "pizza", "--out", "out")


def test_a_whole_run_writes_its_plan_samples_and_manifest(tmp_path, bench):
    root = make_root(tmp_path / "root", ["good", "also_good", "slow_by_bound"])
    status, said = bench(root, *SMOKE)
    rows = lines(tmp_path / "out" / "samples.jsonl")
    assert status == 0, said
    assert [row["status"] for row in rows].count("ok") == 2
    assert [row["model"] for row in rows if row["status"] == "skipped"] == ["slow_by_bound"]
    assert len(rows) == len(lines(tmp_path / "out" / "plan.jsonl"))
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["finished_utc"] and manifest["environment"]["after"]
    assert manifest["binaries"].keys() == {"good", "also_good", "slow_by_bound", "canary"}
    assert "slow_by_bound in pizza" in said


def test_a_run_goes_on_after_a_failure_and_ends_with_status_1(tmp_path, bench):
    root = make_root(tmp_path / "root", ["crashing", "good", "invalid"])
    status, said = bench(root, *SMOKE)
    rows = {row["model"]: row["status"] for row in lines(tmp_path / "out" / "samples.jsonl")}
    assert status == 1
    assert rows == {"crashing": "crash", "good": "ok", "invalid": "invalid"}
    assert "turn 17 ran twice" in said


QUICK = ("--profile", "quick", "--scenarios", "pizza", "--out", "out")


def test_a_disturbed_block_is_measured_again_and_enters_no_median(tmp_path, bench, monkeypatch):
    monkeypatch.setenv("INTERLEAVE_CANARIES", str(tmp_path / "out" / "canary.jsonl"))
    monkeypatch.setenv("INTERLEAVE_DISTURBED", "7")
    root = make_root(tmp_path / "root", ["good", "also_good"])
    status, said = bench(root, *QUICK)
    assert status == 0, said
    result = read_result(tmp_path / "out")
    ((cell, block),) = result.disturbed
    assert (block, len(result.canaries)) == (2, 5 + 7)
    assert sorted({s["block"] for s in result.measured()}) == [0, 1, 3, 4, 5, 6]
    assert {e["instead_of"] for e in result.plan if e["block"] == 6} == {2}
    assert len(result.samples) == len(result.plan) == 14  # what was disturbed is kept
    assert "1 block disturbed so far (a canary more than 5 % off): 1 block more instead" in said
    assert result.messages == []


def test_a_run_without_a_canary_goes_on_and_says_so(tmp_path, bench):
    root = make_root(tmp_path / "root", ["good"])
    (root / "build" / "release" / "canary").unlink()
    status, said = bench(root, *SMOKE)
    assert status == 0 and "canary is not built" in said
    assert not (tmp_path / "out" / "canary.jsonl").exists()
    status, said = bench(root, "resume", "out")
    assert status == 0 and read_result(tmp_path / "out").canaries == []


def test_a_canary_that_fails_is_said_once_and_costs_no_sample(tmp_path, bench, monkeypatch):
    monkeypatch.setenv("INTERLEAVE_CANARIES", str(tmp_path / "out" / "canary.jsonl"))
    monkeypatch.setenv("INTERLEAVE_FAILING", ",".join(map(str, range(50))))
    root = make_root(tmp_path / "root", ["good"])
    status, said = bench(root, *QUICK)
    assert status == 0 and said.count("the canary failed (no timer)") == 1
    result = read_result(tmp_path / "out")
    assert len(result.measured()) == 6 and result.disturbed == set()


def test_resume_refuses_another_canary_than_the_run_had(tmp_path, bench, capsys):
    root = make_root(tmp_path / "root", ["good"])
    bench(root, *SMOKE)
    with open(root / "build" / "release" / "canary", "a") as file:
        file.write("# changed\n")
    status, _ = bench(root, "resume", "out")
    assert status == 1 and "canary changed since" in capsys.readouterr().err


def test_a_result_that_was_begun_without_canaries_is_finished_without(tmp_path, bench):
    root = make_root(tmp_path / "root", ["good"])
    bench(root, *SMOKE)
    (tmp_path / "out" / "canary.jsonl").unlink()
    (tmp_path / "out" / "samples.jsonl").write_text("")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    del manifest["binaries"]["canary"]
    (tmp_path / "out" / "manifest.json").write_text(json.dumps(manifest))
    status, said = bench(root, "resume", "out")
    assert status == 0, said
    assert not (tmp_path / "out" / "canary.jsonl").exists()


def test_the_manifest_says_what_the_runner_itself_took(tmp_path, bench):
    root = make_root(tmp_path / "root", ["good"])
    status, said = bench(root, *SMOKE)
    runner = json.loads((tmp_path / "out" / "manifest.json").read_text())["runner"]
    assert 0 < runner["processes_ns"] + runner["canary_ns"] < runner["wall_ns"]
    assert 0 < runner["cpu_ns"] and 1e7 < runner["peak_rss_bytes"] < 1e9
    assert "the runner took" in said


def test_each_sample_says_what_else_went_on(one_row):
    guards = one_row("good")["guards"]
    assert guards.keys() == {"run_delay_ns", "steal_ns", "pressure_cpu_ns", "pressure_io_ns",
                             "pressure_memory_ns"}
    assert all(value is None or value >= 0 for value in guards.values())


def test_an_interrupted_run_says_how_to_go_on_and_resume_runs_the_rest(tmp_path, bench):
    root = make_root(tmp_path / "root", ["good", "interrupting"])
    status, said = bench(root, *SMOKE)
    before = (tmp_path / "out" / "samples.jsonl").read_text()
    assert status == 130
    assert "./scripts/bench resume out" in said
    make_good_under_name(root, tmp_path / "out", "interrupting")
    status, said = bench(root, "resume", "out")
    rows = lines(tmp_path / "out" / "samples.jsonl")
    assert status == 0, said
    assert (tmp_path / "out" / "samples.jsonl").read_text().startswith(before)
    assert sorted(row["model"] for row in rows) == ["good", "interrupting"]


def make_good_under_name(root, result, name):
    """Replaces a fake by one that behaves, and the manifest's hash of it by the new one's."""
    from .samples import sha256_of
    program = root / "build" / "release" / name
    text = (root / "build" / "release" / "good").read_text()
    program.write_text(text.replace('if name == "interrupting":', "if False:"))
    program.chmod(0o755)
    manifest = json.loads((result / "manifest.json").read_text())
    manifest["binaries"][name] = sha256_of(program)
    (result / "manifest.json").write_text(json.dumps(manifest))


def test_resume_cuts_a_half_written_line_and_measures_that_process_again(tmp_path, bench):
    root = make_root(tmp_path / "root", ["good", "also_good"])
    bench(root, *SMOKE)
    samples = tmp_path / "out" / "samples.jsonl"
    whole = samples.read_bytes()
    samples.write_bytes(whole[:-20])
    status, said = bench(root, "resume", "out")
    assert status == 0 and "half-written" in said
    assert len(lines(samples)) == whole.count(b"\n")


def test_resume_with_nothing_left_measures_nothing(tmp_path, bench):
    root = make_root(tmp_path / "root", ["good"])
    bench(root, *SMOKE)
    before = (tmp_path / "out" / "samples.jsonl").read_bytes()
    finished = json.loads((tmp_path / "out" / "manifest.json").read_text())["finished_utc"]
    status, said = bench(root, "resume", "out")
    assert status == 0 and "Nothing is left" in said
    assert (tmp_path / "out" / "samples.jsonl").read_bytes() == before
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["finished_utc"] == finished


def test_resume_refuses_programs_that_changed(tmp_path, bench, capsys):
    root = make_root(tmp_path / "root", ["good"])
    bench(root, *SMOKE)
    with open(root / "build" / "release" / "good", "a") as file:
        file.write("# changed\n")
    status, _ = bench(root, "resume", "out")
    assert status == 1
    assert "good changed since this result was begun" in capsys.readouterr().err


def change(path, number, old, new):
    text = path.read_text().split("\n")
    assert old in text[number - 1]
    text[number - 1] = text[number - 1].replace(old, new)
    path.write_text("\n".join(text))


@pytest.mark.parametrize("file, old, new, named", [
    ("samples.jsonl", '"params":{', '"params":[{', "samples.jsonl, line 1"),
    ("samples.jsonl", '"model":"', '"model":5,"x":"', "samples.jsonl, line 1"),
    ("samples.jsonl", '"exec_id":"', '"exec_id":"../', "samples.jsonl, line 1"),
    ("samples.jsonl", "interleave.sample/1", "interleave.sample/9", "interleave.sample/9"),
    ("plan.jsonl", '"timeout_s"', '"timeout"', "plan.jsonl, line 1"),
    ("plan.jsonl", '"exec_id":"', '"exec_id":["x"],"y":"', "plan.jsonl, line 1"),
])
def test_resume_names_the_damaged_line(tmp_path, bench, capsys, file, old, new, named):
    root = make_root(tmp_path / "root", ["good"])
    bench(root, *SMOKE)
    change(tmp_path / "out" / file, 1, old, new)
    status, _ = bench(root, "resume", "out")
    said = capsys.readouterr().err
    assert status == 1 and said.count("\n") == 1 and named in said


@pytest.mark.parametrize("text", ['{"schema": "interleave.manifest/1"', "[" * 100_000,
                                  '{"schema": "interleave.manifest/1"}',
                                  '{"schema": "interleave.manifest/9"}'],
                         ids=["torn", "deep", "bare", "of another version"])
def test_a_damaged_manifest_is_one_line(tmp_path, bench, capsys, text):
    root = make_root(tmp_path / "root", ["good"])
    bench(root, *SMOKE)
    (tmp_path / "out" / "manifest.json").write_text(text)
    status, _ = bench(root, "resume", "out")
    said = capsys.readouterr().err
    assert status == 2 and said.count("\n") == 1
    assert "manifest.json" in said or "is of another version" in said


def test_a_plan_without_a_line_is_no_result_to_go_on_with(tmp_path, bench, capsys):
    root = make_root(tmp_path / "root", ["good"])
    bench(root, *SMOKE)
    for text in ("", "\n"):
        (tmp_path / "out" / "plan.jsonl").write_text(text)
        status, _ = bench(root, "resume", "out")
        said = capsys.readouterr().err
        assert status == 2 and said.count("\n") == 1 and "plan.jsonl" in said


def test_a_result_that_could_not_be_begun_leaves_no_folder(tmp_path, bench, monkeypatch):
    def full(path, value):
        raise Trouble(f"cannot write {path}: No space left on device")
    monkeypatch.setattr(cli, "write_json", full)
    root = make_root(tmp_path / "root", ["good"])
    status, _ = bench(root, *SMOKE)
    assert status == 1 and not (tmp_path / "out").exists()


def test_a_fault_in_the_drawing_does_not_cost_the_samples(tmp_path, bench, capsys, monkeypatch):
    def fault(result):
        raise ValueError("no such colour")
    monkeypatch.setattr(result_page, "write_result", fault)
    root = make_root(tmp_path / "root", ["good"])
    status, _ = bench(root, *SMOKE)
    assert status == 1
    assert "./scripts/bench plot out" in capsys.readouterr().err
    assert len(lines(tmp_path / "out" / "samples.jsonl")) == 1


@pytest.mark.parametrize("error", [
    PermissionError(13, "Permission denied", "out/figures"), OSError(28, "No space left on device")])
def test_what_cannot_be_drawn_into_is_told_in_one_line(tmp_path, bench, capsys, monkeypatch, error):
    def refuse(result):
        raise error
    monkeypatch.setattr(result_page, "write_result", refuse)
    status, _ = bench(make_root(tmp_path / "root", ["good"]), *SMOKE)
    told = capsys.readouterr().err
    assert status == 1 and told.count("\n") == 1
    assert error.strerror in told and "out" in told and "./scripts/bench plot out" in told


def test_two_that_draw_into_one_result_take_turns(tmp_path):
    other = os.open(tmp_path, os.O_RDONLY)
    with drawing_into(tmp_path):
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)


def test_a_dry_run_leaves_nothing_behind(tmp_path, bench):
    root = make_root(tmp_path / "root", ["good"])
    status, said = bench(root, *SMOKE, "--dry-run")
    assert status == 0 and "of measuring" in said
    assert not (tmp_path / "out").exists()
