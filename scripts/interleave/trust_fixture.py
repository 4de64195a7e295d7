"""A made-up result for the tests of trust: a run that was disturbed twice and resumed once, with
canaries and with a model that was run twice under two names.

`python3 -m interleave.trust_fixture DIR` writes one, to look at.
"""

import json
import random
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from . import fixtures

MODELS = {name: fixtures.MODELS[name] for name in ("asio", "libuv", "tbb", "threads")}
CELLS = [("fanout", 16), ("fanout", 1000), ("layers", 8), ("layers", 80)]
START = datetime(2025, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
DISTURBED = {("fanout", 1000, 3), ("layers", 8, 7)}
MS = 1_000_000


def cell_id(scenario, agents):
    return f"{scenario}/agents={agents}/workers=2/cpu_share=0.01/time_scale=0.01/seed=1/io=timer"


def utc(seconds):
    return (START + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def write_result(path, seed=1, blocks=15, noise=0.008, again="asio"):
    """`noise`: of one time; `again`: the model that runs twice, None: none does."""
    path, dice = fixtures.write_result(path), random.Random(seed)
    plan, samples, canaries, now = [], [], [], 0.0

    def add_canary(cell, block, slow):
        nonlocal now
        canaries.append({
            "schema": "interleave.canary/1", "canary_id": f"canary-{len(canaries):04d}",
            "cell_id": cell, "block": block, "started_utc": utc(now),
            "kernel_ns": int(3 * MS * (1.3 if slow else 1) * (1 + abs(dice.gauss(0, 0.008)))),
            "sleep_ns": int(5 * MS * (1.02 + (0.4 if slow else abs(dice.gauss(0, 0.003))))),
            "asked_sleep_ns": 5 * MS})
        now += 0.05

    for _ in range(5):
        add_canary(None, None, False)
    todo = [(block, *cell) for block in range(blocks) for cell in CELLS]
    for number, (block, scenario, agents) in enumerate(todo):
        if number == len(todo) // 2:
            now += 9 * 3600  # a night
            resumed = utc(now)
        slow = (scenario, agents, block) in DISTURBED
        cell = cell_id(scenario, agents)
        add_canary(cell, block, slow)
        order = [(model, "timed") for model in MODELS] + ([(again, "aa")] if again else [])
        dice.shuffle(order)
        for position, (model, mode) in enumerate(order):
            family, rung, structure = MODELS[model]
            name = f"{model}-aa" if mode == "aa" else model
            usual = 300 * MS * fixtures.OVERHEAD[model]
            makespan = int(usual * (1.25 if slow else 1) * (1 + abs(dice.gauss(0, noise))))
            row = {"exec_id": f"{CELLS.index((scenario, agents)):02d}-{name}-b{block:02d}",
                   "cell_id": cell, "model": model, "scenario": scenario,
                   "params": {"agents": agents, "workers": 2, "cpu_share": 0.01, "time_scale": 0.01,
                              "seed": 1, "io": "timer"},
                   "mode": mode, "block": block, "position": position}
            bounds = {"lb_ns": 299 * MS, "lb_model_ns": 299 * MS, "greedy_ns": 299 * MS}
            plan.append(row | bounds | {"expect": "0:0", "predicted_s": 0.4, "timeout_s": 20.0,
                                        "skip_reason": None, "padding": 0})
            samples.append(row | bounds | {
                "schema": "interleave.sample/1", "family": family, "rung": rung,
                "structure": structure, "cpus": 2, "status": "ok", "reason": None,
                "started_utc": utc(now), "wall_ns": makespan + 60 * MS, "makespan_ns": makespan,
                "guards": {"run_delay_ns": 5 * MS, "steal_ns": 0, "pressure_cpu_ns": 9 * MS,
                           "pressure_io_ns": 0, "pressure_memory_ns": 0}})
            now += (makespan + 70 * MS) * 1e-9
    manifest = json.loads((path / "manifest.json").read_text())
    manifest |= {"profile": "standard", "blocks": blocks, "flags": "Release",
                 "resumed_utc": [resumed],
                 "models": [m for m in manifest["models"] if m["model"] in MODELS]}
    (path / "manifest.json").write_text(json.dumps(manifest, indent=1))
    for file, rows in (("plan", plan), ("samples", samples), ("canary", canaries)):
        (path / f"{file}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


if __name__ == "__main__":
    print(write_result(Path(sys.argv[1])))
