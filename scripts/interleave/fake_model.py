"""A model, `describe` or `canary`, as the tests need it: what it does is its file's name.

Copied into a made-up build folder under the names of BEHAVIOURS. It measures nothing.
"""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path

BEHAVIOURS = ("good", "also_good", "invalid", "crashing", "hanging", "skipping", "silent",
              "lying", "doubling", "failing_late", "not_a_number", "slow_by_bound", "interrupting",
              "garbage", "listed_params", "no_params", "listed_benchmarks", "deeply_nested",
              "infinite", "true_makespan", "negative", "too_fast", "of_another_share",
              "usurping", "skipping_with_a_good_sample", "leaving_a_child", "stopped",
              "calling", "losing_its_endpoint", "calling_for_ever")
ANSWER = {"digest": "00000000000000aa", "sum": "00000000000000bb"}
STRUCTURES = {"slow_by_bound": "sequential"}
OPTIONAL = {"tokens": int, "on_error": str, "stop_after_us": int}


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
                       "seed": int(flags.seed), "io": flags.io or "timer",
                       **{name: kind(value) for name, kind in OPTIONAL.items()
                          if (value := getattr(flags, name)) is not None}},
            "status": "ok", "reason": None, "makespan_ns": 1_100_000, "lb_ns": 1_000_000,
            "lb_model_ns": 1_000_000, "greedy_ns": 1_000_000, **ANSWER}


def flags_of(arguments):
    parser = argparse.ArgumentParser()
    for name in ("scenario", "agents", "workers", "cpu-share", "time-scale", "seed", "expect",
                 "sample", "trace", "benchmark_out", "benchmark_out_format", "io", "tokens",
                 "on-error", "stop-after-us"):
        parser.add_argument("--" + name)
    for name in ("about", "list"):
        parser.add_argument("--" + name, action="store_true")
    return parser.parse_args(arguments)


def start_endpoint():
    """A child that ends when its standard input does, as the mock LLM; and what it hangs by."""
    ends, ours = os.pipe()
    child = os.fork()
    if not child:
        os.close(ours)
        os.read(ends, 1)
        os._exit(0)
    os.close(ends)
    return child, ours


def run(name, flags):
    row = sample(name, flags)
    if name in ("calling", "losing_its_endpoint", "calling_for_ever"):
        child, _ = start_endpoint()
        if name == "calling_for_ever":
            signal.pause()
        time.sleep(0.03)  # its work
        if name == "losing_its_endpoint":
            os.kill(child, signal.SIGKILL)
            row |= {"status": "invalid", "reason": "the mock LLM ended during the run"}
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
    if name == "leaving_a_child":
        if not os.fork():
            signal.pause()
    row |= {"not_a_number": {"makespan_ns": float("nan")}, "listed_params": {"params": [1]},
            "true_makespan": {"makespan_ns": True}, "negative": {"makespan_ns": -5},
            "too_fast": {"makespan_ns": 700_000}, "infinite": {"units": float("inf")},
            "of_another_share": {"params": row["params"] | {"cpu_share": 0.5}},
            "usurping": {"exec_id": "mine", "mode": "trace", "cell_id": "x", "block": 9,
                         "position": 9, "wall_ns": 1}}.get(name, {})
    if name == "stopped":
        row |= {"digest": None, "sum": None, "makespan_ns": 5000, "stop": {
            "asked_ns": 4000, "why": "outside", "acknowledged_ns": 1000, "started_after": 0,
            "finished": 1, "cpu_after_ns": 10, "threads_left": 0, "descriptors_left": 0,
            "heap_left_bytes": -16}}
    if name == "no_params":
        del row["params"]
    if name == "listed_benchmarks":
        benchmark = {"benchmarks": [1]}
    if name == "doubling":
        benchmark["benchmarks"] *= 2
    text = json.dumps(row).replace("Infinity", "1e999") + "\n"
    data = {"garbage": b"\xff\xfe\0\n", "deeply_nested": b"[" * 200_000 + b"\n"}.get(name)
    with open(flags.sample, "ab") as file:
        file.write(data or text.encode())
    Path(flags.benchmark_out).write_text(json.dumps(benchmark))
    if flags.trace:
        Path(flags.trace).write_text('{"traceEvents":[]}')
    return {"invalid": 1, "losing_its_endpoint": 1, "skipping": 77, "failing_late": 3,
            "skipping_with_a_good_sample": 77}.get(name, 0)


def canary():
    """Always the same, but off where the environment says so: by how many lines the file of the
    canaries has already."""
    file = Path(os.environ.get("INTERLEAVE_CANARIES", "none"))
    number = file.read_bytes().count(b"\n") if file.is_file() else 0
    if str(number) in os.environ.get("INTERLEAVE_FAILING", "").split(","):
        print("no timer", file=sys.stderr)
        return 1
    off = str(number) in os.environ.get("INTERLEAVE_DISTURBED", "").split(",")
    print(json.dumps({"kernel_ns": 2_200_000 if off else 2_000_000, "sleep_ns": 5_060_000,
                      "asked_sleep_ns": 5_000_000}))
    return 0


def main():
    name, flags = Path(sys.argv[0]).name, flags_of(sys.argv[1:])
    if flags.about:
        print(json.dumps(about(name)))
        return 0
    if name == "canary":
        return canary()
    if name == "describe":
        print(json.dumps(bounds(flags)))
        return 0
    return run(name, flags)


if __name__ == "__main__":
    sys.exit(main())
