"""Does a run that is killed outright, again and again, end as if nothing had happened?

    INTERLEAVE_KILLS=50 PYTHONPATH=scripts /usr/bin/python3 -m pytest -sq \\
        scripts/interleave/test_killed.py

kills fifty times instead of ten, and says at which moments.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from .canary import disturbed_blocks
from .extra_blocks import extra_entries
from .fake_root import lines, make_root

KILLS = int(os.environ.get("INTERLEAVE_KILLS", 6))
MODELS = ["good", "also_good", "calling"]  # three, so that one of them runs twice in a cell
RUN = ("--profile", "quick", "--scenarios", "pizza,compute", "--out", "out")
# Canaries that are off, by their number: of planned blocks, and of blocks in their place.
DISTURBED = "7,8,11,14,20,24,25,26,27"
START = """
import os, signal, sys
from pathlib import Path
from interleave import cli, samples
{prelude}
sys.exit(cli.main(sys.argv[3:], Path(sys.argv[1]), lock=sys.argv[2]))
"""
NO_FIGURES = "cli.draw = lambda *_: None"
APPENDED = ("samples.jsonl", "canary.jsonl", "plan.jsonl")


class Bench:
    """A checkout of fake models, and one result in it: `out`."""

    def __init__(self, folder):
        self.folder, self.result = folder, folder / "out"
        self.root = make_root(folder / "root", MODELS)
        self.said = []

    def start(self, *arguments, prelude=NO_FIGURES):
        environment = os.environ | {
            "PYTHONPATH": str(Path(__file__).parents[1]), "INTERLEAVE_MARK": str(self.folder),
            "INTERLEAVE_CANARIES": str(self.result / "canary.jsonl"),
            "INTERLEAVE_DISTURBED": DISTURBED}
        return subprocess.Popen(
            [sys.executable, "-c", START.format(prelude=prelude), str(self.root),
             str(self.folder / "lock"), *arguments],
            cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True)

    def go_on(self, *begin, **more):
        """A new run, or what a person does when that was killed."""
        if (self.result / "manifest.json").is_file():
            return self.start("resume", "out", **more)
        for path in self.result.glob("*"):  # killed before it was a result: begun anew
            path.unlink()
        return self.start(*(begin or RUN), **more)

    def rows_on_disk(self):
        return sum((self.result / name).read_bytes().count(b"\n")
                   for name in APPENDED[:2] if (self.result / name).is_file())

    def contents(self):
        return {name: (self.result / name).read_bytes() for name in APPENDED
                if (self.result / name).is_file() and (self.result / "manifest.json").is_file()}

    def whole(self, name):
        return lines(self.result / name)


def still_there(folder):
    """Whether a process of this test still runs, which would hold the machine's lock."""
    mark = f"INTERLEAVE_MARK={folder}\0".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in path.read_bytes():
                return True
        except OSError:
            continue
    return False


def soon(condition):
    for _ in range(2000):
        if condition():
            return True
        time.sleep(0.01)
    return False


def kill(process):
    process.kill()
    return process.communicate(timeout=60)


def kill_after(bench, dice, rows):
    """Kills the run once so many rows are on disk, and a random moment has passed; returns whether
    it was still running."""
    process = bench.go_on()
    soon(lambda: bench.rows_on_disk() >= rows or process.poll() is not None)
    time.sleep(dice.uniform(0, 0.04))
    running = process.poll() is None
    kill(process)
    assert soon(lambda: not still_there(bench.folder))
    return running


def ended(process):
    said, complaint = process.communicate(timeout=120)
    assert process.returncode == 0, said + complaint
    return said


def kept(before, after):
    """Each file still begins with all whole lines that it had."""
    return all(after[name].startswith(data[:data.rfind(b"\n") + 1])
               for name, data in before.items())


def check_complete(bench):
    plan, rows, canaries = (bench.whole(name) for name in
                            ("plan.jsonl", "samples.jsonl", "canary.jsonl"))
    assert Counter(row["exec_id"] for row in rows) == Counter(e["exec_id"] for e in plan)
    assert set(Counter(row["exec_id"] for row in rows).values()) == {1}
    assert {row["status"] for row in rows} == {"ok"}
    assert {(e["cell_id"], e["block"]) for e in plan if e["block"] is not None} == {
        (row["cell_id"], row["block"]) for row in canaries if row["cell_id"] is not None}
    names = [row["canary_id"] for row in canaries]
    assert len(names) == len(set(names)) and None not in [row["kernel_ns"] for row in canaries]
    assert sum(row["cell_id"] is None for row in canaries) == 5
    disturbed = disturbed_blocks(canaries)
    assert disturbed and [e for e in plan if e.get("instead_of") is not None]
    assert {e["mode"] for e in plan} >= {"timed", "aa"}
    assert extra_entries(plan, disturbed, 1) == []
    manifest = json.loads((bench.result / "manifest.json").read_text())
    assert manifest["finished_utc"] and manifest["environment"]["after"]
    assert {"wall_ns", "processes_ns", "canary_ns"} <= manifest["runner"].keys()
    left = {path.name for path in bench.result.iterdir()}
    assert not left & {"scratch", "canary.out", "canary.err"}


def test_killed_at_random_moments_a_run_ends_whole_with_no_sample_lost_or_doubled(tmp_path):
    bench, dice, before, told = Bench(tmp_path), random.Random(41), {}, []
    for number in range(KILLS):
        # Moments are spread over all that there is to do, the extra blocks as well.
        share = (number + dice.random()) / KILLS
        rows = round(share * 125) if dice.random() < 0.8 else 0
        running = kill_after(bench, dice, rows)
        after = bench.contents()
        assert kept(before, after)
        before = after
        told.append(f"{bench.rows_on_disk()}{'' if running else ' (ended)'}")
    ended(bench.go_on(prelude=""))
    assert kept(before, bench.contents())
    check_complete(bench)
    ended(bench.start("verify", "out"))
    print(f"\n{KILLS} kills; rows on disk at each: {', '.join(told)}; at the end "
          f"{bench.rows_on_disk()}")


SHORT = ("--profile", "quick", "--scenarios", "pizza", "--out", "out")
DIES_DRAWING = """
def draw(session, result):
    (result / "derived").mkdir()
    (result / "derived" / "summary.json").write_text('{"schema"')
    os.kill(os.getpid(), signal.SIGKILL)
cli.draw = draw
"""


def test_killed_while_it_draws_a_run_has_all_that_was_measured_and_is_drawn_again(tmp_path):
    bench = Bench(tmp_path)
    first = bench.go_on(*SHORT, prelude=DIES_DRAWING)
    first.communicate(timeout=60)
    assert first.returncode == -signal.SIGKILL
    before = bench.contents()
    assert "Nothing is left to measure" in ended(bench.go_on(prelude=""))
    assert bench.contents() == before
    check_complete(bench)
    ended(bench.start("verify", "out"))


# The n-th file that is written as a whole: plan, manifest, manifest when finished, its hashes.
DIES_WRITING = NO_FIGURES + """
left = [{number}]
replace = Path.replace
def dying(path, to):
    left[0] -= 1
    if {after} and left[0] == 0:
        replace(path, to)
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(path, to)
Path.replace = dying
"""


@pytest.mark.parametrize("number, after", [(1, False), (2, True), (3, False), (3, True), (4, True)])
def test_killed_while_it_writes_plan_or_manifest_a_run_can_be_gone_on_with(tmp_path, number, after):
    bench = Bench(tmp_path)
    first = bench.go_on(*SHORT, prelude=DIES_WRITING.format(number=number, after=after))
    first.communicate(timeout=60)
    assert first.returncode == -signal.SIGKILL
    before = bench.contents()
    ended(bench.go_on(*SHORT))
    assert kept(before, bench.contents())
    check_complete(bench)


def test_killed_while_it_plans_extra_blocks_a_run_plans_the_same_ones(tmp_path):
    bench = Bench(tmp_path)
    ended(bench.go_on(*SHORT))
    whole = bench.contents()
    plan = whole["plan.jsonl"].splitlines(keepends=True)
    extra = [n for n, line in enumerate(plan) if b'"instead_of"' in line]
    half = b"".join(plan[:extra[1]]) + plan[extra[1]][:50]  # in the middle of the first one
    kept_rows = {json.loads(line)["exec_id"] for line in plan[:extra[0]]}
    rows = [line for line in whole["samples.jsonl"].splitlines(keepends=True)
            if json.loads(line)["exec_id"] in kept_rows]
    numbers = {json.loads(plan[n])["block"] for n in extra}
    canaries = [line for line in whole["canary.jsonl"].splitlines(keepends=True)
                if json.loads(line)["block"] not in numbers]
    (bench.result / "plan.jsonl").write_bytes(half)
    (bench.result / "samples.jsonl").write_bytes(b"".join(rows))
    (bench.result / "canary.jsonl").write_bytes(b"".join(canaries) + canaries[0][:20])
    ended(bench.go_on())
    assert sorted(bench.contents()["plan.jsonl"].splitlines()) == sorted(
        whole["plan.jsonl"].splitlines())
    check_complete(bench)
