"""For tests of what sets two results side by side: results with made-up times, and a tiny
repository whose commits differ in speed."""

import json
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from . import cli
from .fake_root import make_root
from .lock import LOCK
from .samples import MEASUREMENTS

MS = 1_000_000
MACHINE = {"name": "fast-8cpu-16g-abcdef", "cpu_model": "Fast", "cpus": 8, "usable_cpus": 8,
           "memory_bytes": 2**34, "architecture": "x86_64", "kernel": "6.1", "system": "Debian",
           "hypervisor": "none"}
CHECKS = {"governor": {"value": "performance", "state": "ok"},
          "load": {"value": 0.1, "state": "ok"}}
ANSWER = "00000000000000aa:00000000000000bb"


def write_result(folder, times, answer=ANSWER, pair_id=None, **changes):
    """times: (agents, model) -> list of times in ms, one a block; None: that process crashed."""
    blocks = max(map(len, times.values()))
    models = list(dict.fromkeys(model for _, model in times))
    manifest = {
        "schema": "interleave.manifest/1", "result_id": folder.name, "workload_version": 1,
        "profile": "standard", "blocks": blocks, "commit": "1234567", "dirty": False,
        "created_utc": "2026-01-01T00:00:00Z", "finished_utc": "2026-01-01T01:00:00Z",
        "machine": MACHINE, "environment": {"before": CHECKS, "after": CHECKS},
        "compiler": "GNU 12.2.0", "flags": "Release", "libraries": {m: "1.0" for m in models},
        "models": [{"model": m, "family": m, "rung": "idiomatic", "structure": "workers"}
                   for m in models],
        "command": [], "order_seed": 1, "predicted_s": 1.0, "trimmed": [], "resumed_utc": [],
        "binaries": {m: "0" * 64 for m in models}, "sha256": {}}
    manifest |= {"pair_id": pair_id} if pair_id else {}
    plan = [entry(agents, model, block, time, answer) for (agents, model), row in times.items()
            for block, time in enumerate(row)]
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(manifest | changes))
    for name, rows in (("plan", plan), ("samples", map(sample, plan))):
        (folder / f"{name}.jsonl").write_text("".join(
            json.dumps({k: v for k, v in row.items() if k != "time"}) + "\n" for row in rows))
    return folder


def cell_id(agents):
    return f"fanout/agents={agents}/workers=2/cpu_share=0.01/time_scale=0.01/seed=1/io=timer"


def entry(agents, model, block, time, answer):
    params = {"agents": agents, "workers": 2, "cpu_share": 0.01, "time_scale": 0.01, "seed": 1,
              "io": "timer"}
    return {"exec_id": f"{agents:02d}-{model}-b{block:02d}", "cell_id": cell_id(agents),
            "model": model, "scenario": "fanout", "params": params, "mode": "timed",
            "block": block, "position": 0, "expect": answer, "predicted_s": 0.1,
            "timeout_s": 20.0, "skip_reason": None, "padding": 7, "lb_model_ns": 1, "lb_ns": 1,
            "greedy_ns": 1, "time": time}


def sample(row):
    time = row["time"]
    status = {"status": "crash", "reason": "killed by SIGSEGV"} if time is None else {
        "status": "ok", "reason": None, "makespan_ns": round(time * MS)}
    return {"schema": "interleave.sample/1", "family": row["model"], "rung": "idiomatic",
            "structure": "workers", "started_utc": "2026-01-01T00:00:00Z", "wall_ns": 1, "cpus": 2,
            **dict.fromkeys(MEASUREMENTS), **row, **status}


CMAKE = """cmake_minimum_required(VERSION 3.21)
project(tiny NONE)
file(GLOB fakes RELATIVE ${CMAKE_SOURCE_DIR}/fakes ${CMAKE_SOURCE_DIR}/fakes/*)
foreach(name ${fakes})
  add_custom_target(${name} COMMAND ${CMAKE_COMMAND} -E copy ${CMAKE_SOURCE_DIR}/fakes/${name}
                    ${CMAKE_BINARY_DIR}/${name})
endforeach()
"""
PRESETS = {"version": 3, "configurePresets": [
    {"name": "release", "generator": "Ninja", "binaryDir": "${sourceDir}/build/${presetName}"}],
    "buildPresets": [{"name": "release", "configurePreset": "release"}]}
# A few per cent about the base, the same whenever the runner pads the environment alike.
SCATTER = ('int({base} * (1 + 0.02 * (len(os.environ.get("INTERLEAVE_PADDING", "")) * 7919 '
           '% 1000 / 1000 - 0.5)))')


def fake_program(base_ns, changes=()):
    """The text of a fake model that takes about so long; changes: (old, new) of its text."""
    text = (Path(__file__).parent / "fake_model.py").read_text()
    scattered = SCATTER.format(base=base_ns)
    for old, new in [('"makespan_ns": 1_100_000', f'"makespan_ns": {scattered}'), *changes]:
        assert old in text
        text = text.replace(old, new)
    return f"#!{sys.executable} -SE\n{text}"


def git(root, *arguments):
    identity = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.org",
                "-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main")
    return subprocess.run(["git", *identity, "-C", str(root), *arguments], check=True,
                          capture_output=True, text=True).stdout.strip()


class Repository:
    """A checkout of fakes that CMake builds by copying them."""

    def __init__(self, folder, models=("good", "also_good")):
        self.root = make_root(folder, list(models))
        self.models = models
        (self.root / "CMakeLists.txt").write_text(CMAKE)
        (self.root / "CMakePresets.json").write_text(json.dumps(PRESETS))
        (self.root / ".gitignore").write_text("build/\nresults/*\n")
        (self.root / "fakes").mkdir()
        git(self.root, "init")

    def commit(self, message, programs, remove=()):
        """programs: name -> text. Returns the commit."""
        for name, text in programs.items():
            path = self.root / "fakes" / name
            path.write_text(text)
            path.chmod(0o755)
        for name in remove:
            (self.root / name).unlink()
        git(self.root, "add", "-A")
        git(self.root, "commit", "--allow-empty", "-m", message)
        return git(self.root, "rev-parse", "HEAD")


def said_by(arguments, root, folder, captured, width=100, lock=LOCK):
    """(status, text, standard error) of ./scripts/bench's Python half; captured: capsys or capfd."""
    with open(folder / "said", "w+") as said:
        status = cli.main(list(map(str, arguments)), root, Console(file=said, width=width), lock)
        said.seek(0)
        printed = captured.readouterr()
        return status, said.read() + printed.out, printed.err
