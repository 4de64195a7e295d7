"""Does the soak see what is wrong?"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .soak import faults_of, lines_of, title
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


def test_a_soak_that_is_left_early_leaves_no_process(tmp_path):
    command = program(tmp_path, "print('{}', flush=True)\ntime.sleep(1000)")
    lines = lines_of(command, tmp_path)
    next(lines)
    lines.close()
    found = subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True).stdout
    for number in found.split():
        os.kill(int(number), signal.SIGKILL)
    assert not found.split()


SOAK = Path(__file__).resolve().parents[2] / "build" / "release" / "sequential_soak"


@pytest.mark.skipif(not SOAK.is_file(), reason="no soak is built")
def test_a_real_soak_of_two_runs_is_right(tmp_path):
    rows = list(lines_of([str(SOAK), "2", "1"], tmp_path))
    assert {row["io"] for row in rows} == {"timer", "tcp"}
    assert all(row["proved"] == 2 and row["fault"] is None for row in rows)
    assert all(row["failures"] > 0 for row in rows if row["scenario"] == "storm")
