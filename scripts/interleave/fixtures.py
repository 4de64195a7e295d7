"""A made-up result folder for the tests: six models, skipped, invalid, late and crashed rows.

`python3 -m interleave.fixtures DIR` writes one, to look at; with ALL after it, of every model. The
numbers are shaped like real ones and come from a seeded generator, so that two calls write the same
bytes.
"""

import json
import random
import sys
from pathlib import Path

MODELS = {
    "asio": ("asio", "idiomatic", "workers"),
    "libuv": ("libuv", "idiomatic", "workers"),
    "sequential": ("sequential", "idiomatic", "sequential"),
    "tbb": ("tbb", "idiomatic", "workers"),
    "threads": ("threads", "idiomatic", "thread_per_turn"),
    "asyncio": ("asyncio", "reference", "workers"),
}
EVERY = MODELS | {
    "thread_pool": ("threads", "naive", "blocking_workers"),
    "threads_tuned": ("threads", "tuned", "thread_per_turn"),
    "libuv_inline": ("libuv", "naive", "one_loop"),
    "libuv_tuned": ("libuv", "tuned", "workers"),
    "asio_single": ("asio", "naive", "one_loop"),
    "asio_offload": ("asio", "idiomatic", "workers"),
    "asio_callbacks": ("asio", "idiomatic", "workers"),
    "asio_tuned": ("asio", "tuned", "workers"),
    "tbb_blocking": ("tbb", "naive", "blocking_workers"),
    "tbb_suspend": ("tbb", "idiomatic", "workers"),
    "tbb_tuned": ("tbb", "tuned", "workers"),
    "hybrid": ("hybrid", "tuned", "workers"),
    "fiber": ("fiber", "idiomatic", "workers"),
    "openmp": ("openmp", "idiomatic", "blocking_workers"),
    "std_async": ("std_async", "idiomatic", "thread_per_turn"),
}
LADDER = [(name, family, rung) for name, (family, rung, _) in EVERY.items()]
LIMIT_NS = 8_000_000_000
MS = 1_000_000

# scenario, agents, workers, mean wait of one agent, its CPU share, and how many agents in a row
CELLS = [
    ("fanout", 10, 2, 80 * MS, 0.01), ("fanout", 100, 2, 80 * MS, 0.01),
    ("fanout", 1000, 2, 80 * MS, 0.01), ("fanout", 10000, 2, 80 * MS, 0.01),
    ("fanout", 1000, 1, 80 * MS, 0.01),
    ("layers", 16, 2, 60 * MS, 0.01), ("layers", 64, 2, 60 * MS, 0.01),
    ("layers", 256, 2, 60 * MS, 0.01),
    ("react", 10, 2, 150 * MS, 0.1), ("react", 100, 2, 150 * MS, 0.1),
    ("compute", 64, 1, 0, 0.0), ("compute", 64, 2, 0, 0.0),
    ("parked", 1000, 2, 1500 * MS, 0.0), ("parked", 10000, 2, 1500 * MS, 0.0),
    ("parked", 100000, 2, 1500 * MS, 0.0), ("empty", 10000, 1, 0, 0.0),
]
OVERHEAD = {"asio": 1.012, "libuv": 1.02, "tbb": 1.03, "threads": 1.08, "sequential": 1.002,
            "asyncio": 1.06}
COST_NS = {"asio": 900, "libuv": 600, "tbb": 1500, "threads": 16000, "sequential": 10,
           "asyncio": 45000}
BYTES = {"asio": 850, "libuv": 420, "tbb": 1400, "threads": 13200, "sequential": 60,
         "asyncio": 1900}
# Of a family's other rungs: its figures times these.
RUNG_FACTOR = {"naive": 1.6, "idiomatic": 1.15, "tuned": 0.6}


def bounds(scenario, agents, workers, wait, share):
    """T1, the longest path, and the bound: close enough to the harness's own to look right."""
    if scenario == "empty":
        return 0, 0, 0
    if scenario == "compute":
        t1 = agents * 15 * MS
        return t1, 15 * MS, t1 // workers
    cpu = int(agents * wait * share)
    path = wait * 3 if scenario != "parked" else wait
    return agents * wait + cpu, path, max(path, cpu // workers)


def model_bound(structure, t1, path, lb, scenario, agents, wait, share):
    cpu = t1 if scenario == "compute" else t1 - agents * wait
    if structure == "sequential":
        return t1
    if structure == "one_loop":
        return max(lb, cpu)
    if structure == "blocking_workers":
        return max(lb, t1 // 2)
    return lb


def own(table, model, family, rung, otherwise):
    """A model's figure in a table: its own, or its family's moved by its rung."""
    if model in table:
        return table[model]
    return table.get(family, otherwise) * RUNG_FACTOR.get(rung, 1)


def write_result(path, seed=1, profile="quick", blocks=6, models=None, slower=None):
    """Writes a whole result folder; `slower` = {model: factor} makes other data of it."""
    path = Path(path)
    (path / "trace").mkdir(parents=True, exist_ok=True)
    noise = random.Random(seed)
    models = models or MODELS
    slower = slower or {}
    plan, samples = [], []
    for number, (scenario, agents, workers, wait, share) in enumerate(CELLS):
        t1, longest, lb = bounds(scenario, agents, workers, wait, share)
        params = {"agents": agents, "workers": workers, "cpu_share": share, "time_scale": 0.01,
                  "seed": 1, "io": "timer"}
        cell = scenario + "/" + "/".join(f"{k}={v}" for k, v in params.items())
        greedy = int(lb * 1.01)
        for block in range(blocks):
            order = sorted(models)
            noise.shuffle(order)
            for position, model in enumerate(order):
                family, rung, structure = models[model]
                bound = model_bound(structure, t1, longest, lb, scenario, agents, wait, share)
                reason = None
                if bound > LIMIT_NS:
                    reason = f"its bound of {bound / 1e9:.1f} s exceeds the profile's limit of 8 s"
                row = {"exec_id": f"{number:02d}-{model}-b{block}", "cell_id": cell,
                       "model": model, "scenario": scenario, "params": params, "mode": "timed",
                       "block": block, "position": position}
                plan.append(row | {"expect": "0:0", "predicted_s": 1.0, "timeout_s": 30.0,
                                   "skip_reason": reason, "lb_model_ns": bound, "lb_ns": lb,
                                   "greedy_ns": greedy})
                sample = row | {"schema": "interleave.sample/1", "family": family, "rung": rung,
                                "structure": structure, "cpus": workers, "status": "ok",
                                "reason": None, "lb_ns": lb, "lb_model_ns": bound,
                                "critical_path_ns": longest,
                                "greedy_ns": greedy, "t1_ns": t1, "makespan_ns": None}
                if reason:
                    if block == 0:
                        samples.append(sample | {"status": "skipped", "reason": reason})
                    continue
                if model == "threads" and (scenario, agents) == ("parked", 100000):
                    samples.append(sample | {
                        "status": "skipped", "lb_model_ns": None,
                        "reason": "100,000 threads exceed this machine's limit of 31,500"})
                    continue
                more = own({m: x - 1 for m, x in OVERHEAD.items()}, model, family, rung, 0.15)
                factor = (1 + more) * slower.get(model, 1.0)
                factor *= 1 + abs(noise.gauss(0, 0.012))
                turns = agents + 1
                cost = int(turns * own(COST_NS, model, family, rung, 5000))
                makespan = int(max(bound, greedy) * factor + cost)
                memory = 300_000 + int(agents * own(BYTES, model, family, rung, 3000)
                                       * (1 + noise.gauss(0, 0.01)))
                cpu = int(agents * wait * share) + cost if scenario != "compute" else t1
                sample |= {"makespan_ns": makespan, "startup_ns": cost // 10,
                           "cpu_user_ns": cpu, "cpu_sys_ns": cost, "harness_cpu_ns": cost // 100,
                           "turns": turns, "threads_peak": {"threads": agents + 1, "tbb": 3,
                                                            "sequential": 1}.get(model, 2),
                           "vmhwm_bytes": 9_000_000 + memory, "rss_before_bytes": 9_000_000,
                           "page_tables_peak_bytes": 90_000 + agents * 4,
                           "page_tables_before_bytes": 90_000,
                           "kernel_stacks_peak_bytes": 3_000_000,
                           "kernel_stacks_before_bytes": 3_000_000,
                           "slab_peak_bytes": 50_000_000, "slab_before_bytes": 50_000_000}
                if (model, scenario, agents, block) == ("libuv", "react", 100, 3):
                    # An impossibly good time: it would be seen at once if it reached a chart.
                    sample |= {"status": "invalid", "reason": "turn 17 ran twice",
                               "makespan_ns": 1_234_567}
                if (model, scenario, agents, block) == ("threads", "fanout", 10000, 2):
                    sample |= {"status": "timeout", "reason": "no end after 30 s",
                               "makespan_ns": None}
                if (model, scenario, agents, block) == ("tbb", "layers", 256, 1):
                    sample |= {"status": "crash", "reason": "killed by signal 11 (SIGSEGV)",
                               "makespan_ns": None}
                samples.append(sample)
        if (scenario, agents) == ("layers", 16):
            for model in sorted(models):
                family, rung, structure = models[model]
                row = {"exec_id": f"{number:02d}-{model}-trace", "cell_id": cell, "model": model,
                       "scenario": scenario, "params": params, "mode": "trace", "block": None,
                       "position": None}
                plan.append(row | {"skip_reason": None, "lb_ns": lb, "lb_model_ns": lb,
                                   "greedy_ns": greedy})
                trace = make_trace(model, scenario, agents, workers)
                end = trace["otherData"]["makespan_ns"]
                samples.append(row | {
                    "schema": "interleave.sample/1", "family": family, "rung": rung,
                    "structure": structure, "cpus": workers, "status": "ok", "reason": None,
                    "lb_ns": lb, "lb_model_ns": lb, "greedy_ns": greedy, "makespan_ns": end})
                (path / "trace" / f"{row['exec_id']}.json").write_text(json.dumps(trace))
    libraries = {m: "made up 1.0" for m in models}
    manifest = {
        "schema": "interleave.manifest/1", "result_id": f"20250102T030405Z_abc1234_{profile}",
        "workload_version": 1, "profile": profile, "blocks": blocks, "commit": "abc1234",
        "dirty": False, "created_utc": "2025-01-02T03:04:05Z",
        "finished_utc": "2025-01-02T03:08:00Z",
        "machine": {"name": "madeup-2x-1a2b", "cpu_model": "Made-up CPU", "cpus": 2,
                    "memory_bytes": 8_000_000_000, "hypervisor": "kvm"},
        "environment": {"before": {"load": {"value": 0.2, "state": "ok"},
                                   "governor": {"value": None, "state": "unknown"},
                                   "steal": {"value": "1.5 %", "state": "warn"}}, "after": None},
        "compiler": "GCC 12.2.0", "flags": "-O2", "libraries": libraries,
        "models": [dict(zip(("model", "family", "rung", "structure"), (m, *models[m])))
                   for m in sorted(models)],
        "command": ["./scripts/bench", "--profile", profile], "trimmed": [], "sha256": {}}
    (path / "manifest.json").write_text(json.dumps(manifest, indent=1))
    (path / "plan.jsonl").write_text("".join(json.dumps(r) + "\n" for r in plan))
    (path / "samples.jsonl").write_text("".join(json.dumps(r) + "\n" for r in samples))
    return path


def make_trace(model, scenario, agents, workers):
    """Agents that wait, compute, wait and compute; only `sequential` takes them one by one."""
    dice = random.Random(7)
    events, end, cores = [], 0.0, [0.0] * workers
    clock = 0.0
    for agent in range(agents):
        at = clock if model == "sequential" else 0.0
        for turn in range(2):
            wait, work = dice.uniform(8e3, 60e3), dice.uniform(500, 4000)
            events.append({"name": "wait", "cat": "step", "ph": "X", "ts": round(at, 3),
                           "dur": round(wait, 3), "pid": 1, "tid": agent, "args": {"turn": turn}})
            at += wait
            core = min(range(workers), key=cores.__getitem__)
            at = max(at, cores[core])
            events.append({"name": "compute", "cat": "step", "ph": "X", "ts": round(at, 3),
                           "dur": round(work, 3), "pid": 1, "tid": agent, "args": {"turn": turn}})
            at += work
            cores[core] = at
        clock = at
        end = max(end, at)
    events += [{"ph": "M", "name": "thread_name", "pid": 1, "tid": a,
                "args": {"name": f"agent {a}"}} for a in range(agents)]
    return {"traceEvents": events, "displayTimeUnit": "ms",
            "otherData": {"model": model, "scenario": scenario, "makespan_ns": int(end * 1000),
                          "cpus": workers, "agents": agents}}


if __name__ == "__main__":
    print(write_result(sys.argv[1], models=EVERY if sys.argv[2:] == ["ALL"] else MODELS))
