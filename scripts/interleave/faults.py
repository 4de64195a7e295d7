"""What does a storm of faults do to the turns that no fault touches? And do limits treat all alike?

The delay of a turn is what it took beyond its own waits and its own computing, from the moment it
was ready. The same sessions run without faults, with some and with many; turns that meet none are
looked at in each. A percentile is that of one run; over the runs its median is taken.
"""

import json
from collections import defaultdict

from . import stats, units
from .sockets import told_of
from .twins import by_block, over_runs, with_interval

COUNTS = ("calls", "attempts", "retries", "failed", "skipped", "unexpected")
PERCENTILES = ("p50", "p90", "p99", "max")


def faults(result, cells):
    """Groups of cells with the same parameters, from no trouble to most; None where nothing met
    trouble."""
    samples, groups = by_block(result), defaultdict(list)
    for cell in cells:
        plain = (cell["params"].get("on_error", "isolate") == "isolate" and not cell["stopped"]
                 and not cell["params"].get("heartbeat_us"))
        rows = [row for r in cell["models"] if plain and (row := _row(
            r["model"], list(samples[cell["cell_id"], r["model"]].values())))]
        if rows:
            # What meets no trouble names no policy.
            told = {k: v for k, v in cell["params"].items() if k != "on_error"}
            groups[json.dumps(told, sort_keys=True)].append({
                "cell_id": cell["cell_id"], "scenario": cell["scenario"],
                "params": cell["params"], "rate": _rate(rows), "models": rows})
    found = [sorted(group, key=lambda c: (c["rate"], c["cell_id"])) for group in groups.values()]
    found = [group for group in found if group[-1]["rate"] > 0]
    return {"groups": found} if found else None


def _row(model, runs):
    runs = [s for s in runs if (s.get("healthy") or {}).get("n")]
    if not runs:
        return None
    counts = {key: sorted({s[key] for s in runs if s.get(key) is not None}) for key in COUNTS}
    return {"model": model, "runs": len(runs), "turns": max(s.get("turns") or 0 for s in runs),
            "healthy": round(stats.median([s["healthy"]["n"] for s in runs])),
            "delay_ns": {p: over_runs(runs, lambda s, p=p: s["healthy"].get(p), whole=True)
                         for p in PERCENTILES},
            "counts": counts}


def _rate(rows):
    """Of all turns the share that a fault touched."""
    touched = [1 - row["healthy"] / row["turns"] for row in rows if row["turns"]]
    return max(0.0, round(stats.median(touched), 4)) if touched else 0.0


def contained_words(group):
    """What the runs prove of failures, in a sentence."""
    storm = group[-1]
    counts = {key: sorted({n for row in storm["models"] for n in row["counts"][key]})
              for key in COUNTS}
    runs = sum(row["runs"] for row in storm["models"])
    if len(counts["failed"]) != 1 or len(counts["skipped"]) != 1:
        return ""
    words = (f"In each of {runs:,} runs of {storm['scenario']} {counts['failed'][0]:,} turns "
             f"failed, {counts['skipped'][0]:,} after them were skipped, as planned, and all "
             "others were right.")
    if sum(counts["unexpected"]):
        words += " Some calls ended otherwise than planned: see the table."
    return words


def faults_table(summary):
    """For the page: the delay of healthy turns, and what became of the others."""
    section = summary.get("faults")
    if not section:
        return ""
    parts = ["## What faults do to other turns\n",
             "The delay of turns that no fault touches: what they take beyond their own waits and "
             "computing. Medians over the runs, with 95 % intervals. Failed: a call was given up, "
             "or the agent's code threw; skipped: a turn before it failed. Both are known "
             "beforehand: a run with other numbers is invalid. Unexpected: calls that ended "
             "otherwise than planned.\n"]
    for group in section["groups"]:
        if words := contained_words(group):
            parts.append(f"{words}\n")
        for cell in group:
            where = "over TCP" if cell["params"].get("io") == "tcp" else "by timers"
            parts.append(f"| **{cell['scenario']}** {told_of(cell)}, {where} | p50 | p99 | "
                         "retries | failed | skipped | unexpected |\n|---|" + "---:|" * 6)
            parts += ["| " + " | ".join([
                f"`{row['model']}`", *(with_interval(row["delay_ns"][p], units.duration)
                                       for p in ("p50", "p99")),
                *(_span(row["counts"][k]) for k in ("retries", "failed", "skipped",
                                                    "unexpected"))]) + " |"
                for row in cell["models"]]
            parts.append("")
    return "\n".join(parts)


def _span(counts):
    if not counts:
        return "–"
    return f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"


def fairness(result, cells):
    """Jain's index of each model where calls share a limit; None where they do not."""
    samples, found = by_block(result), []
    for cell in cells:
        rows = [{"model": r["model"], "jain": jain, "makespan_ns": r["makespan_ns"],
                 "efficiency": r["efficiency"]} for r in cell["models"] if (jain := over_runs(
                     samples[cell["cell_id"], r["model"]].values(), lambda s: s.get("fairness")))]
        if rows:
            found.append({"cell_id": cell["cell_id"], "scenario": cell["scenario"],
                          "params": cell["params"], "models": rows})
    return {"cells": found} if found else None


def fairness_table(summary):
    """For the page."""
    section = summary.get("fairness")
    if not section:
        return ""
    parts = ["## Who gets a turn under a limit\n",
             "Calls share a limit: so many at once, and so many in a time. Jain's index of "
             "fairness over the agents, when half of all calls were answered: 1 if each had as "
             "many as any other, 1/N if one had all. Share: of the speed that the limit allows.\n"]
    for cell in section["cells"]:
        where = "over TCP" if cell["params"].get("io") == "tcp" else "by timers"
        parts.append(f"| **{cell['scenario']}** {told_of(cell)}, {where} | Jain's index | time to "
                     "finish everything | share |\n|---|---:|---:|---:|")
        parts += ["| " + " | ".join([
            f"`{row['model']}`", with_interval(row["jain"], lambda x: f"{x:.3f}"),
            with_interval(row["makespan_ns"], units.duration),
            units.percent(row["efficiency"]["median"]) if row["efficiency"] else "–"]) + " |"
            for row in cell["models"]]
        parts.append("")
    return "\n".join(parts)
