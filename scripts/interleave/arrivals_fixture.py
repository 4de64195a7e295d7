"""A made-up result of sessions that arrive, results used as they come, and messages.

`python3 -m interleave.arrivals_fixture DIR` draws the three figures of it, to look at; with ALL
after it, of every model. A seeded generator makes two calls give the same numbers.
"""

import random
import sys
from pathlib import Path

from . import fixtures
from .records import Result

MS = 1_000_000
WINDOW_NS = 1000 * MS  # within which all sessions arrive
AGENTS = (16, 64, 128, 256, 512)
CPU_NS, CPUS = 8 * MS, 2  # of a session, and of the machine
# How many messages one worker hands over in a second, and what the other worker adds.
MESSAGES = {"sequential": (9_000_000, 1.0), "asio": (2_100_000, 0.8), "libuv": (1_500_000, 0.55),
            "tbb": (2_400_000, 1.5), "threads": (31_000, 1.1), "asyncio": (52_000, 1.0)}


def upper_border(ns):
    """Of the bucket that ns falls into: as in bench/histogram.hpp."""
    shift = max(0, ns.bit_length() - 6)
    return ((ns >> shift) + 1) << shift


def histogram(latencies):
    counts = {}
    for ns in latencies:
        counts[upper_border(ns)] = counts.get(upper_border(ns), 0) + 1
    return [[upper, counts[upper]] for upper in sorted(counts)]


def results(latencies, arrivals, arrivals_ns=0, **more):
    """What a process says of results with these latencies, each waited for since its arrival."""
    span = max(a + x for a, x in zip(arrivals, latencies)) - min(arrivals)
    ordered = sorted(latencies)
    return {"n": len(ordered), "first_ns": min(a + x for a, x in zip(arrivals, latencies)),
            "ideal_first_ns": None, "mean_ns": sum(ordered) // len(ordered),
            "p50": ordered[(len(ordered) - 1) // 2], "p90": None, "p99": None, "max": ordered[-1],
            "out_of_order": None, "histogram": histogram(ordered),
            "in_system": sum(ordered) / span, "span_ns": span, "arrivals_ns": arrivals_ns} | more


def servers(structure):
    """How many sessions are served at once, and whether their waits keep a server busy."""
    return {"sequential": (1, True), "one_loop": (1, False),
            "blocking_workers": (CPUS, True)}.get(structure, (CPUS, False))


def sessions(dice, agents, structure, cpu_ns):
    """Arrivals within the window, and how long each session takes: first come, first served."""
    many, busy = servers(structure)
    arrivals = sorted(dice.randrange(WINDOW_NS) for _ in range(agents))
    free, latencies = [0] * many, []
    for arrival in arrivals:
        wait = int(dice.uniform(80, 300) * MS)
        server = min(range(many), key=free.__getitem__)
        begun = max(arrival, free[server])
        free[server] = begun + cpu_ns + (wait if busy else 0)
        latencies.append(begun + cpu_ns + wait - arrival)
    return arrivals, latencies


def in_turn(dice, agents, structure, turn_ns):
    """When each result is there if all are asked for at once: (ideal, real)."""
    waits = [int(dice.uniform(5, 300) * MS) for _ in range(agents)]
    if structure == "sequential":
        return waits, [sum(waits[:i + 1]) + turn_ns for i in range(agents)]
    if structure == "blocking_workers":
        free, ends = [0] * CPUS, []
        for wait in waits:
            server = min(range(CPUS), key=free.__getitem__)
            free[server] += wait
            ends.append(free[server] + turn_ns)
        return waits, ends
    return waits, [w + turn_ns + dice.randrange(2 * MS) for w in waits]


def swapped(ideal, real):
    pairs = [(i, j) for i in range(len(ideal)) for j in range(i)]
    return sum((ideal[i] - ideal[j]) * (real[i] - real[j]) < 0 for i, j in pairs) / len(pairs)


def made_up(models=None, blocks=6, slower=None, cost=None):
    """A result; `slower` = {model: factor} makes its sessions compute longer, `cost` = {model:
    factor} its messages dearer."""
    models = models or fixtures.MODELS
    samples, plan = [], []

    def add(scenario, agents, workers, model, block, **said):
        family, rung, structure = models[model]
        params = {"agents": agents, "workers": workers, "cpu_share": 0.0, "time_scale": 0.01,
                  "seed": 1, "io": "timer"}
        row = {"exec_id": f"{scenario}-{agents}-{workers}-{model}-b{block}", "model": model,
               "cell_id": f"{scenario}/agents={agents}/workers={workers}", "scenario": scenario,
               "params": params, "mode": "timed", "block": block}
        plan.append(row | {"skip_reason": None})
        samples.append(row | {"schema": "interleave.sample/1", "family": family, "rung": rung,
                              "structure": structure, "cpus": workers, "status": "ok"} | said)

    for model, (family, rung, structure) in sorted(models.items()):
        for block in range(blocks):
            dice = random.Random(block)  # all models of a block are given the same
            each = fixtures.own(fixtures.COST_NS, model, family, rung, 5000) * 5
            cpu = int((CPU_NS + each) * (slower or {}).get(model, 1))
            for agents in AGENTS:
                if structure == "sequential" and agents > 64:
                    continue  # its bound is too long for any profile
                arrivals, latencies = sessions(dice, agents, structure, cpu)
                told = results(latencies, arrivals, WINDOW_NS)
                add("open-loop", agents, CPUS, model, block, results=told, turns=4 * agents,
                    makespan_ns=told["span_ns"] + min(arrivals), cpu_user_ns=cpu * agents,
                    cpu_sys_ns=0, harness_cpu_ns=0)
            ideal, real = in_turn(dice, 64, structure, int(each))
            told = results(real, [0] * 64, ideal_first_ns=min(ideal),
                           out_of_order=swapped(ideal, real))
            add("as-completed", 64, CPUS, model, block, results=told, makespan_ns=max(real),
                turns=130)
            rate, more = MESSAGES.get(model) or MESSAGES.get(family) or (400_000, 1.2)
            rate /= fixtures.RUNG_FACTOR.get(rung, 1) if model not in MESSAGES else 1
            for workers, factor in ((1, 1), (CPUS, more)):
                time = 24 * (1 + 23 + 23**2) / (rate * factor * dice.uniform(0.97, 1.03))
                add("cascade", 24, workers, model, block, turns=24 * (1 + 23 + 23**2),
                    makespan_ns=int(time * (cost or {}).get(model, 1) * 1e9))
            add("empty", 10_000, 1, model, block, turns=10_002, makespan_ns=int(10_002e9 / rate))
    samples.sort(key=lambda s: (s["cell_id"], s["model"], s["exec_id"]))
    manifest = {"result_id": "20250102T030405Z_abc1234_quick", "workload_version": 1,
                "profile": "quick", "blocks": blocks, "commit": "abc1234", "dirty": False,
                "created_utc": "2025-01-02T03:04:05Z", "finished_utc": "2025-01-02T03:08:00Z",
                "machine": {"name": "madeup-2x-1a2b", "cpu_model": "Made-up CPU", "cpus": CPUS},
                "models": [dict(zip(("model", "family", "rung", "structure"), (m, *models[m])))
                           for m in sorted(models)]}
    return Result(Path("made-up"), manifest, plan, samples)


def draw(folder, models=None):
    from .charts import draw_all
    from .summary import summarise
    result = made_up(models)
    return draw_all(result, summarise(result), folder, only=("open-loop", "first-result",
                                                            "messages"))


if __name__ == "__main__":
    print(draw(Path(sys.argv[1]), fixtures.EVERY if sys.argv[2:] == ["ALL"] else None))
