"""A model, or `describe`, as the tests need it: what it does is its file's name.

Copied into a made-up build folder under the names of BEHAVIOURS. It measures nothing.
"""

import argparse
import json
import os
import signal
import sys
from pathlib import Path

BEHAVIOURS = ("good", "also_good", "invalid", "crashing", "hanging", "skipping", "silent",
              "lying", "doubling", "failing_late", "not_a_number", "slow_by_bound", "interrupting")
ANSWER = {"digest": "00000000000000aa", "sum": "00000000000000bb"}
STRUCTURES = {"slow_by_bound": "sequential"}


def about(name):
    return {"model": name, "family": name, "rung": "idiomatic",
            "structure": STRUCTURES.get(name, "workers"), "library": "none", "compiler": "python",
            "build": "fake"}


def bounds(flags):
    """One hour for what runs one after another, a millisecond for the others."""
    return {"scenario": flags.scenario, "workload_version": 1, **ANSWER, "greedy_ns": 1_000_000,
            "lb_ns": 1_000_000, "lb_model_ns": {"sequential": 3_600_000_000_000,
                                                "workers": 1_000_000}}


def sample(name, flags):
    return {"schema": "interleave.sample/1", "model": name, "family": name, "rung": "idiomatic",
            "structure": "workers", "scenario": flags.scenario,
            "params": {"agents": int(flags.agents), "workers": int(flags.workers),
                       "cpu_share": float(flags.cpu_share), "time_scale": float(flags.time_scale),
                       "seed": int(flags.seed), "io": "timer"},
            "status": "ok", "reason": None, "makespan_ns": 1_100_000, "lb_ns": 1_000_000,
            "lb_model_ns": 1_000_000, "greedy_ns": 1_000_000, **ANSWER}


def flags_of(arguments):
    parser = argparse.ArgumentParser()
    for name in ("scenario", "agents", "workers", "cpu-share", "time-scale", "seed", "expect",
                 "sample", "trace", "benchmark_out", "benchmark_out_format"):
        parser.add_argument("--" + name)
    for name in ("about", "list"):
        parser.add_argument("--" + name, action="store_true")
    return parser.parse_args(arguments)


def run(name, flags):
    row = sample(name, flags)
    benchmark = {"benchmarks": [{"name": name}]}
    if name == "crashing":
        print("about to crash", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)
    if name == "hanging":
        signal.pause()
    if name == "interrupting":
        os.kill(os.getppid(), signal.SIGINT)
        signal.pause()
    if name == "silent":
        return 0
    if name == "invalid":
        row |= {"status": "invalid", "reason": "turn 17 ran twice"}
    if name == "skipping":
        row |= {"status": "skipped", "reason": "too many threads", "makespan_ns": None}
    if name == "lying":
        row["digest"] = "0" * 16
    if name == "not_a_number":
        row["makespan_ns"] = float("nan")
    if name == "doubling":
        benchmark["benchmarks"] *= 2
    with open(flags.sample, "a") as file:
        file.write(json.dumps(row) + "\n")
    Path(flags.benchmark_out).write_text(json.dumps(benchmark))
    if flags.trace:
        Path(flags.trace).write_text('{"traceEvents":[]}')
    return {"invalid": 1, "skipping": 77, "failing_late": 3}.get(name, 0)


def main():
    name, flags = Path(sys.argv[0]).name, flags_of(sys.argv[1:])
    if flags.about:
        print(json.dumps(about(name)))
        return 0
    if name == "describe":
        print(json.dumps(bounds(flags)))
        return 0
    return run(name, flags)


if __name__ == "__main__":
    sys.exit(main())
