"""How long does the suite take to draw, to write the page of, and to verify a large result?

`python3 -m interleave.pipeline_cost [RESULT] [SAMPLES]` multiplies the rows of a real result to ten
thousand, block by block, in a folder of its own, and prints seconds beside what is allowed.
"""

import argparse
import json
import math
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from itertools import count
from pathlib import Path
from types import SimpleNamespace

from rich.console import Console

from . import cli, report, verify
from .samples import to_line
from .sums import record_measured

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = 10_000
ALLOWED_S = {"plot": 20.0, "report": 20.0, "verify": 5.0}  # plot: all figures and the page
TIMES = ("wall_ns", "makespan_ns", "first_finish_ns", "startup_ns", "cpu_user_ns", "cpu_sys_ns")


def rows_of(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def most_samples(published):
    return max(published.glob("*/samples.jsonl"), key=lambda path: path.stat().st_size).parent


def write_large(source, folder, samples=SAMPLES, seed=1):
    """Blocks of a real result once more, with other numbers and times a few percent off, until
    there are so many samples; with all that a run writes today. Returns how many there are."""
    dice = random.Random(seed)
    rows = {row["exec_id"]: row for row in rows_of(source / "samples.jsonl")}
    # Without what stood in for disturbed blocks: these canaries are never off.
    plan = [e for e in rows_of(source / "plan.jsonl") if e.get("instead_of") is None]
    timed = [e for e in plan if e["mode"] == "timed" and e["position"] is not None]
    timed += twins_of(timed, plan)
    if (source / "trace").is_dir():
        shutil.copytree(source / "trace", folder / "trace")
    entries = [entry for entry in plan if entry["exec_id"] in rows]
    made = [rows[entry["exec_id"]] for entry in entries]
    blocks = 1 + max(entry["block"] for entry in timed)
    for repeat in count(1):
        if len(made) >= samples:
            break
        for entry in timed[:samples - len(made)]:
            block = entry["block"] + repeat * blocks
            own = {"exec_id": f"{entry['exec_id'].rpartition('-')[0]}-b{block:03d}",
                   "block": block, "mode": entry["mode"], "position": entry["position"]}
            entries.append({k: v for k, v in entry.items() if k != "like"} | own)
            made.append(varied(rows[entry.get("like", entry["exec_id"])], dice) | own)
    canaries = [canary(number, e, dice) for number, e in
                enumerate({(e["cell_id"], e["block"]): e for e in entries}.values())]
    for name, lines in (("plan.jsonl", entries), ("samples.jsonl", made),
                        ("canary.jsonl", canaries)):
        (folder / name).write_text("".join(map(to_line, lines)), encoding="utf-8")
    manifest = json.loads((source / "manifest.json").read_text())
    manifest["blocks"] = 1 + max(entry["block"] for entry in entries if entry["block"] is not None)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    record_measured(folder)
    return len(made)


def twins_of(timed, plan):
    """The A/A pair: in one cell the first model once more, with whose samples."""
    if any(entry["mode"] == "aa" for entry in plan):
        return []
    first = timed[0]
    return [entry | {"exec_id": f"{name}-aa-{block}", "mode": "aa", "position": 99,
                     "like": entry["exec_id"]}
            for entry in timed if (entry["cell_id"], entry["model"]) == (
                first["cell_id"], first["model"])
            for name, _, block in [entry["exec_id"].rpartition("-")]]


def varied(row, dice):
    """Another sample of the same process, with what is not in older rows."""
    factor = 1 + abs(dice.gauss(0, 0.02))
    row = row | {key: round(row[key] * factor) for key in TIMES if row.get(key)}
    row.setdefault("guards", {
        "run_delay_ns": dice.randrange(10**7), "steal_ns": 0, "pressure_io_ns": 0,
        "pressure_cpu_ns": dice.randrange(10**7), "pressure_memory_ns": 0})
    latency = row.get("latency")
    if latency and "histogram" not in latency and latency["p90"]:
        row["latency"] = latency | {"histogram": histogram(latency, dice)}
    return row


def histogram(latency, dice):
    """Buckets a sixty-fourth wide, as the harness has them."""
    found = Counter()
    for _ in range(min(latency["n"], 1000)):
        exponent, within = divmod(int(64 * math.log2(
            max(1.0, dice.gauss(latency["p50"], latency["p50"] / 50)))), 64)
        found[(64 + within + 1) << max(0, exponent - 6)] += 1
    return sorted(found.items())


def canary(number, entry, dice):
    return {"schema": "interleave.canary/1", "canary_id": f"c{number:05d}",
            "cell_id": entry["cell_id"], "block": entry["block"],
            "started_utc": "2026-01-02T03:04:05.678Z",
            "kernel_ns": round(5e6 * (1 + abs(dice.gauss(0, 0.01)))),
            "sleep_ns": round(1.01e7 * (1 + abs(dice.gauss(0, 0.01)))),
            "asked_sleep_ns": 10_000_000}


def seconds_of(action, *arguments):
    """By the clock, and of CPU time: where the clock tells much more, the machine was busy."""
    start, cpu = time.monotonic(), time.process_time()
    with open(os.devnull, "w") as nowhere:
        session = cli.Session(ROOT, Console(file=nowhere))
        action(session, *arguments)
    return time.monotonic() - start, time.process_time() - cpu


def measure(source, samples, say=print):
    with tempfile.TemporaryDirectory(prefix="interleave-cost-") as scratch:
        folder = Path(scratch)
        made = write_large(source, folder, samples)
        options = SimpleNamespace(dir=folder, json=False)
        say(f"{made:,} samples, from {source.name}")
        seconds = {"plot": seconds_of(cli.draw, folder),
                   "report": seconds_of(report.main, options),
                   "verify": seconds_of(verify.main, options)}
        for verb, (taken, cpu) in seconds.items():
            allowed = ALLOWED_S[verb]
            say(f"{verb:8}{taken:6.2f} s of {allowed:g} s allowed: {taken / allowed:.0%} "
                f"({cpu:.2f} s of CPU time)")
        faults = verify.findings_of(folder, ROOT).faults
        if faults:
            say(f"verify does not take it for whole: {faults[0]}")
    return faults or any(seconds[verb][0] > allowed for verb, allowed in ALLOWED_S.items())


def main():
    parser = argparse.ArgumentParser(prog="python3 -m interleave.pipeline_cost")
    parser.add_argument("result", nargs="?", type=Path, help="whose rows are multiplied")
    parser.add_argument("samples", nargs="?", type=int, default=SAMPLES)
    options = parser.parse_args()
    source = options.result or most_samples(ROOT / "results" / "published")
    return 1 if measure(source, options.samples) else 0


if __name__ == "__main__":
    sys.exit(main())
