"""Does a run that is interrupted at any moment leave nothing behind, and can it be gone on with?"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .fake_root import lines, make_root
from .samples import cut_torn_line

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
SCRIPT = ("import sys; from pathlib import Path; from interleave import cli; "
          "cli.draw = lambda *_: None; "
          "sys.exit(cli.main(sys.argv[3:], Path(sys.argv[1]), lock=sys.argv[2]))")
MODELS = ["good", "calling", "also_good"]
RUN = ("--profile", "smoke", "--scenarios", "pizza,fanout,compute,parked", "--out", "out")
LASTS_S = 0.5  # about; what matters is that moments are spread over all of a run


def start(tmp_path, root, *arguments):
    """A run of fake models, each process of which carries a mark by which it is found."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]),
                                "INTERLEAVE_MARK": str(tmp_path)}
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(root), str(tmp_path / "lock"), *arguments],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def marked(tmp_path):
    """The processes that carry the mark and still run."""
    mark, found = f"INTERLEAVE_MARK={tmp_path}\0".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def soon(condition):
    """Killed is not yet gone: it is given a moment."""
    for _ in range(500):
        if condition():
            return True
        time.sleep(0.02)
    return False


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
# Moments of a seeded generator: spread over the run, and the same in every test run.
DICE = random.Random(7)
MOMENTS = [(number, round(DICE.uniform(0, LASTS_S), 3)) for number in SIGNALS for _ in range(2)]


@pytest.mark.parametrize("number, moment", MOMENTS, ids=str)
def test_a_signal_at_any_moment_leaves_no_process_and_no_torn_sample(tmp_path, number, moment):
    root = make_root(tmp_path / "root", MODELS)
    run = start(tmp_path, root, *RUN)
    for line in run.stdout:
        if line.startswith("Into "):
            break  # it has begun
    time.sleep(moment)
    run.send_signal(number)
    said, complaint = run.communicate(timeout=30)
    assert run.returncode in (130, 0, -signal.SIGKILL), complaint
    assert "Traceback" not in complaint
    assert soon(lambda: not marked(tmp_path)), marked(tmp_path)
    result = tmp_path / "out"
    if number == signal.SIGKILL:
        cut_torn_line(result / "samples.jsonl")  # what resume does, too
    rows, plan = (lines(result / name) for name in ("samples.jsonl", "plan.jsonl"))
    assert {row["status"] for row in rows} <= {"ok"}
    assert [r["exec_id"] for r in rows] == [e["exec_id"] for e in plan[: len(rows)]]

    again = start(tmp_path, root, "resume", "out")
    said, complaint = again.communicate(timeout=60)
    assert again.returncode == 0, said + complaint
    rows = lines(result / "samples.jsonl")
    assert [r["exec_id"] for r in rows] == [e["exec_id"] for e in plan]
    assert not marked(tmp_path)


@pytest.mark.parametrize("number", SIGNALS, ids=str)
def test_a_model_in_the_middle_of_a_call_ends_with_its_run_and_so_does_its_endpoint(
        tmp_path, number):
    root = make_root(tmp_path / "root", ["calling_for_ever"])
    run = start(tmp_path, root, *RUN)
    assert soon(lambda: sum("calling_for_ever" in line for line in marked(tmp_path)) == 2)
    run.send_signal(number)
    run.communicate(timeout=30)
    assert soon(lambda: not marked(tmp_path)), marked(tmp_path)
    assert (tmp_path / "out" / "samples.jsonl").read_text() == ""


def test_an_endpoint_that_dies_costs_its_sample_and_no_other(tmp_path):
    root = make_root(tmp_path / "root", ["good", "losing_its_endpoint"])
    run = start(tmp_path, root, "--profile", "smoke", "--scenarios", "pizza,compute", "--out",
                "out")
    said, complaint = run.communicate(timeout=60)
    assert run.returncode == 1, complaint
    rows = lines(tmp_path / "out" / "samples.jsonl")
    assert len(rows) == len(lines(tmp_path / "out" / "plan.jsonl"))
    assert {r["status"] for r in rows if r["model"] == "good"} == {"ok"}
    assert {(r["status"], r["reason"]) for r in rows if r["model"] != "good"} == {
        ("invalid", "the mock LLM ended during the run")}
    assert "the mock LLM ended during the run" in said


# ---- the real programs ----

CALLING = [name for name in ("threads", "asio", "libuv", "tbb", "asyncio")
           if (BUILD / name).is_file() and (BUILD / "mock_llm").is_file()]
LONG = ["--scenario", "fanout", "--agents", "8", "--time-scale", "0.1", "--io", "tcp"]


def children_of(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def endpoint_of(pid):
    """The mock LLM that the program has started, once somebody has called it."""
    for child in children_of(pid):
        try:
            name = Path(f"/proc/{child}/comm").read_text().strip()
            sockets = [os.readlink(fd) for fd in Path(f"/proc/{child}/fd").iterdir()]
        except OSError:
            continue
        # Listening, refusing, and at least one connection.
        if name == "mock_llm" and sum(link.startswith("socket:") for link in sockets) >= 3:
            return child
    return None


def begun(process):
    found = []
    assert soon(lambda: process.poll() is not None or found.append(
        endpoint_of(process.pid)) or found[-1])
    assert found and found[-1], process.stderr.read()
    return found[-1]


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def calling(model, tmp_path):
    return subprocess.Popen([BUILD / model, *LONG, "--workers", "2", "--sample",
                             str(tmp_path / "sample.jsonl")], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


@pytest.mark.skipif(not CALLING, reason="no model or no mock_llm is built in build/release")
@pytest.mark.parametrize("model", CALLING)
def test_a_model_whose_endpoint_is_killed_says_so_and_ends(model, tmp_path):
    process = calling(model, tmp_path)
    os.kill(begun(process), signal.SIGKILL)
    _, complaint = process.communicate(timeout=60)
    sample = json.loads((tmp_path / "sample.jsonl").read_text())
    assert process.returncode == 1 and sample["status"] == "invalid"
    assert sample["reason"] and complaint


@pytest.mark.skipif(not CALLING, reason="no model or no mock_llm is built in build/release")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=str)
def test_a_model_that_is_killed_takes_its_endpoint_along(number, tmp_path):
    process = calling(CALLING[0], tmp_path)
    endpoint = begun(process)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == -number
    assert soon(lambda: gone(endpoint))
    sample = tmp_path / "sample.jsonl"
    assert not sample.exists() or sample.read_text() == ""
