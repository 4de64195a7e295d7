"""Does the soak see what is wrong?"""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from .cli import Session
from .soak import faults_of, lines_of, soak, title
from .trouble import Trouble

GOOD = {"model": "asio", "scenario": "storm", "io": "tcp", "on_error": "isolate", "stopped": False,
        "runs": 200, "proved": 200, "fault": None, "failures": 3, "threads_left": 0,
        "descriptors_left": 0, "heap_left_bytes_per_run": 3.5}


def program(folder, body):
    path = folder / "asio_soak"
    path.write_text(f"#!{sys.executable} -SE\nimport sys, time, json\n{body}\n")
    path.chmod(0o755)
    return [str(path), "200", "2"]


def test_a_kind_of_trouble_without_fault_has_none():
    assert faults_of(GOOD) == []
    assert faults_of(GOOD | {"threads_left": -1, "heap_left_bytes_per_run": -100.0}) == []


@pytest.mark.parametrize("change, word", [
    ({"proved": 199, "fault": "turn 3 ran 2 times"}, "1 of 200 runs are not proved: turn 3 ran"),
    ({"threads_left": 1}, "1 threads are left"),
    ({"descriptors_left": 2}, "2 descriptors are left"),
    ({"heap_left_bytes_per_run": 1024.0}, "each run leaves 1024 bytes"),
])
def test_what_is_wrong_is_said(change, word):
    assert word in "; ".join(faults_of(GOOD | change))


def test_memory_is_not_judged_where_caches_may_still_fill():
    assert faults_of(GOOD | {"runs": 10, "proved": 10, "heap_left_bytes_per_run": 9000.0}) == []


def test_a_title_names_policy_and_way():
    assert title(GOOD) == "storm, tcp"
    assert title(GOOD | {"on_error": "fail-fast", "io": "timer"}) == "storm fail-fast, timer"
    assert title(GOOD | {"scenario": "tree", "stopped": True}) == "tree stopped, tcp"


def test_lines_come_as_they_are_told(tmp_path):
    command = program(tmp_path, f"print({json.dumps(json.dumps(GOOD))})\nsys.exit(1)")
    assert list(lines_of(command, tmp_path)) == [GOOD]


def test_a_program_that_crashes_is_trouble_with_its_complaint(tmp_path):
    command = program(tmp_path, "print('the mock LLM has gone', file=sys.stderr)\nsys.exit(3)")
    with pytest.raises(Trouble, match="the mock LLM has gone"):
        list(lines_of(command, tmp_path))


def soaked(tmp_path, body, models=("asio",)):
    """(exit status, what is said) of a soak of a made-up program."""
    folder = tmp_path / "build" / "release"
    folder.mkdir(parents=True)
    program(folder, body)
    (folder / "asio").write_text("#!/bin/sh\necho '{}'\n")
    (folder / "asio").chmod(0o755)
    console = Console(file=io.StringIO(), width=80)
    status = soak(Session(tmp_path, console, tmp_path / "lock"), models, 200)
    return status, console.file.getvalue()


def test_a_soak_says_of_each_kind_how_it_went_in_80_columns(tmp_path):
    rows = [GOOD, GOOD | {"on_error": "first-error", "io": "timer"}]
    status, said = soaked(tmp_path, "\n".join(f"print({json.dumps(json.dumps(r))})" for r in rows))
    assert status == 0 and said.count("all proved, nothing left") == 2
    assert max(map(len, said.splitlines())) <= 80


def test_a_soak_with_a_fault_ends_with_1(tmp_path):
    row = GOOD | {"descriptors_left": 2}
    status, said = soaked(tmp_path, f"print({json.dumps(json.dumps(row))})")
    assert status == 1 and "2 descriptors are left" in said and "1 kind of trouble" in said


def test_a_soak_of_nothing_is_no_success(tmp_path):
    with pytest.raises(Trouble, match="told nothing"):
        soaked(tmp_path, "pass")
    with pytest.raises(Trouble, match="none of these models is built"):
        soak(Session(tmp_path, Console(file=io.StringIO()), tmp_path / "lock"), ["gone"], 200)


def test_a_soak_that_is_left_early_leaves_no_process(tmp_path):
    command = program(tmp_path, "print('{}', flush=True)\ntime.sleep(1000)")
    lines = lines_of(command, tmp_path)
    next(lines)
    lines.close()
    found = subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True).stdout
    for number in found.split():
        os.kill(int(number), signal.SIGKILL)
    assert not found.split()


# One that has waits overlap: `sequential` would take 20 seconds.
BUILT = [path for name in ("asio", "threads") if
         (path := Path(__file__).resolve().parents[2] / f"build/release/{name}_soak").is_file()]


@pytest.mark.skipif(not BUILT, reason="no soak is built")
def test_a_real_soak_of_two_runs_is_right(tmp_path):
    rows = list(lines_of([str(BUILT[0]), "2", "2"], tmp_path))
    assert {row["io"] for row in rows} == {"timer", "tcp"}
    assert all(row["proved"] == 2 and row["fault"] is None for row in rows)
    assert all(row["failures"] > 0 for row in rows if row["scenario"] == "storm")
