"""How small may the work be? METG(50 %): the least grain at which efficiency is still half.

Slaughter et al., "Task Bench: A Parameterized Benchmark for Evaluating Parallel Runtime
Performance", SC'20. A grain here is what a turn computes: its units at their usual cost in that
process. Task Bench counts what a task takes with all overhead, at half efficiency twice as much.
"""

import json
import math
from collections import defaultdict

from . import stats
from .estimates import six_digits

HALF = 0.5
# Values of their own, where no number is known: all measured grains are large enough; none is; the
# structure of the model allows hardly more than half, however large the grain.
BELOW, ABOVE, NEVER = "below", "above", "never"
HARDLY_MORE = 1.1  # times half: a model's ceiling is known to within a few per cent


def grain(result, cells):
    """A row per scenario, other parameters and model: its METG in ns, or one of the values above,
    with an interval over the blocks; and the least and the largest grain that it was measured at.
    """
    samples = defaultdict(list)
    for s in result.measured():
        if s["params"].get("grain_us"):
            samples[s["cell_id"], s["model"]].append(s)
    rows = []
    for group in curves(cells):
        for model in dict.fromkeys(r["model"] for c in group for r in c["models"]):
            row = _row(group, model, samples, result.round_of)
            if row:
                rows.append({"scenario": group[0]["scenario"], "params": common_params(group),
                             "model": model} | row)
    return rows


def curves(cells):
    """Lists of cells that differ in the grain, sorted along it, one cell for each grain. Agents may
    follow the grain: the smaller it is, the more of them keep all CPUs busy. Of several at one
    grain it is the number that all grains have, or else the largest."""
    groups = defaultdict(lambda: defaultdict(list))
    for cell in cells:
        if cell["params"].get("grain_us"):
            rest = {k: v for k, v in cell["params"].items() if k not in ("grain_us", "agents")}
            key = cell["scenario"], json.dumps(rest, sort_keys=True)
            groups[key][cell["params"]["grain_us"]].append(cell)
    found = []
    for by_grain in groups.values():
        everywhere = set.intersection(*({c["params"].get("agents") for c in rivals}
                                        for rivals in by_grain.values()))

        def rank(cell, everywhere=everywhere):
            agents = cell["params"].get("agents")
            return agents in everywhere, agents or 0

        found.append([max(by_grain[g], key=rank) for g in sorted(by_grain)])
    return found


def common_params(cells):
    """What all cells of a curve have in common."""
    return {k: v for k, v in cells[0]["params"].items()
            if all(c["params"].get(k) == v for c in cells) and k != "grain_us"}


def grain_ns(sample):
    """What one turn computes, in time; None where the cost of a unit is not known."""
    costs = [c for c in (sample.get("unit_cost_usual_ns") or {}).values() if c]
    if len(costs) != 1 or not sample["params"].get("grain_us"):
        return None  # turns of one grain use one kernel
    return sample["params"]["grain_us"] * costs[0]


def _row(cells, model, samples, round_of):
    blocks, times = defaultdict(dict), defaultdict(list)
    for cell in cells:
        for s in samples[cell["cell_id"], model]:
            e, ns = stats.efficiency(s.get("greedy_ns"), s["makespan_ns"]), grain_ns(s)
            if e is not None and ns is not None:
                blocks[round_of(s)][cell["params"]["grain_us"]] = (ns, e)
                times[cell["params"]["grain_us"]].append(ns)
    if len(times) < 2:
        return None
    known = {r["model"]: r for r in cells[-1]["models"]}.get(model) or {}
    ceilings = {c["params"]["grain_us"]: r["ceiling"] for c in cells for r in c["models"]
                if r["model"] == model and r["ceiling"]}
    ends = {"smallest_ns": six_digits(stats.median(times[min(times)])),
            "largest_ns": six_digits(stats.median(times[max(times)]))}
    if (known.get("ceiling") or 1) < HALF * HARDLY_MORE:
        n = max(map(len, times.values()))
        return ends | {"metg_ns": {"n": n, "median": NEVER, "low": None, "high": None,
                                   "coverage": None}}
    least = min(times)
    hopeless = [(g * ends["smallest_ns"] / least, c) for g, c in ceilings.items()
                if g not in times and c < HALF]
    # A block that lacks a grain would look for the crossing elsewhere.
    found = [metg(hopeless + list(points.values())) for points in blocks.values()
             if len(points) == len(times)]
    return ends | {"metg_ns": middle(found)} if found else None


def metg(points):
    """points: (grain in ns, efficiency); see stats.py. In words where no number is known."""
    found = stats.metg(points, HALF)
    return found if math.isfinite(found) else ABOVE if found > 0 else BELOW


def middle(values):
    """Median and order-statistic interval of values of which some are no numbers but have their
    place in the order. Between a number and none the median is the larger, the less flattering."""
    ordered = sorted(values, key=place)
    n, rank = len(ordered), stats.interval_rank(len(ordered))
    a, b = ordered[(n - 1) // 2], ordered[n // 2]
    median = (a + b) / 2 if is_number(a) and is_number(b) else b
    k, coverage = rank or (None, None)
    return {"n": n, "median": _written(median), "low": _written(ordered[k - 1]) if k else None,
            "high": _written(ordered[n - k]) if k else None,
            "coverage": round(coverage, 4) if k else None}


def place(value):
    """Where it stands among others: numbers between the two that are none."""
    return {BELOW: -math.inf, ABOVE: math.inf, NEVER: math.inf}.get(value, value)


def is_number(value):
    return isinstance(value, (int, float))


def _written(value):
    return six_digits(value) if is_number(value) else value
