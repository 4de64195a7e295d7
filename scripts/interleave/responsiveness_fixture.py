"""Made-up runs with heartbeats, added to a made-up result: for the tests, and to look at.

`python3 -m interleave.responsiveness_fixture DIR [ALL]` writes one.
"""

import json
import math
import random
import sys
from pathlib import Path

from . import fixtures

MS = 1_000_000
BEATS = 1100  # of each run
# What a stall of a scenario is: how long at most, in ms.
STALLS = {"blocking-tool": 150, "cpu-heavy": 50}
# How often a model is held up, of its heartbeats, by its rung; and how late the others are.
HELD_UP = {"naive": 0.2, "idiomatic": 0.004, "tuned": 0.0005, "reference": 0.05}
USUAL_NS = {"asio": 90_000, "libuv": 700_000, "tbb": 150_000, "threads": 70_000,
            "sequential": 400_000, "asyncio": 1_300_000}


def bucket(ns):
    """The upper border of the bucket of this duration, as in bench/histogram.hpp."""
    shift = max(0, ns.bit_length() - 6)
    return ((ns >> shift) + 1) << shift


def heartbeat(lags):
    counts = {}
    for lag in lags:
        counts[bucket(lag)] = counts.get(bucket(lag), 0) + 1
    return {"n": len(lags), "p50": sorted(lags)[len(lags) // 2], "p90": None, "p99": None,
            "max": max(lags), "over_10ms": sum(lag > 10 * MS for lag in lags),
            "over_100ms": sum(lag > 100 * MS for lag in lags),
            "histogram": [[upper, counts[upper]] for upper in sorted(counts)]}


def made_up_lags(dice, family, rung, structure, stall_ms, beats=BEATS):
    usual = USUAL_NS.get(family, 200_000)
    held_up = 0.6 if structure == "sequential" else HELD_UP[rung]
    lags = []
    while len(lags) < beats:
        if dice.random() < held_up / 20:  # each holds up about twenty beats, the first the longest
            longest = dice.uniform(stall_ms / 10, stall_ms)
            lags += [int((longest - k) * MS) for k in range(math.ceil(longest))]
        else:
            lags.append(int(usual * dice.lognormvariate(0, 0.6)))
    return lags[:beats]


def write_result(path, models=None, blocks=6, twins=True, seed=1, cost=1.004, beats=BEATS,
                 lags_of=made_up_lags, scenarios=STALLS):
    """A result of fixtures.write_result with cells that have heartbeats, and their twins without.
    `cost`: how many times as long a run with heartbeats takes."""
    models = models or fixtures.MODELS
    path = fixtures.write_result(path, models=models, blocks=blocks)
    dice = random.Random(seed)
    plan, samples = [], []
    for scenario, instrumented in [(s, i) for s in scenarios for i in (False, True)]:
        if not instrumented and not twins:
            continue
        params = {"agents": 64, "workers": 2, "cpu_share": 0.05, "time_scale": 0.01, "seed": 1,
                  "io": "timer"} | ({"heartbeat_us": 1000} if instrumented else {})
        cell = scenario + "/" + "/".join(f"{k}={v}" for k, v in params.items())
        for block in range(blocks):
            for position, model in enumerate(sorted(models)):
                family, rung, structure = models[model]
                row = {"exec_id": f"{scenario}-{model}-{instrumented:d}-b{block}", "model": model,
                       "cell_id": cell, "scenario": scenario, "params": params, "mode": "timed",
                       "block": block, "position": position}
                known = {"lb_ns": 900 * MS, "lb_model_ns": 900 * MS, "greedy_ns": 910 * MS}
                plan.append(row | known | {"expect": "0:0", "predicted_s": 1.0, "timeout_s": 30.0,
                                           "skip_reason": None})
                # The same weather for both twins of one block, so that a ratio is their cost alone.
                weather = 1 + random.Random(f"{scenario} {model} {block}").random() / 10
                makespan = int(1000 * MS * weather * (cost if instrumented else 1))
                beat = heartbeat(lags_of(dice, family, rung, structure, scenarios[scenario],
                                         beats)) if instrumented else None
                samples.append(row | known | {
                    "schema": "interleave.sample/1", "family": family, "rung": rung,
                    "structure": structure, "cpus": 2, "status": "ok", "reason": None,
                    "makespan_ns": makespan, "heartbeat": beat})
    for name, rows in (("plan.jsonl", plan), ("samples.jsonl", samples)):
        with (path / name).open("a") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    return path


if __name__ == "__main__":
    print(write_result(Path(sys.argv[1]),
                       models=fixtures.EVERY if sys.argv[2:] == ["ALL"] else None))
