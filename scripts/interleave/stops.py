"""How soon does a stop take effect? From the moment it was asked for until the run had returned.

A run is stopped from outside, by its own first failure, or because enough results are there. After
that no turn may start, and nothing may be left of it: no thread, no open descriptor, no memory.
"""

from . import units
from .chart_data import describe
from .twins import by_block, over_runs, with_interval

WHY = {"outside": "stopped from outside", "enough": "enough results were there",
       "failure": "stopped by its first failure"}
LEFT = ("threads_left", "descriptors_left", "heap_left_bytes")


def stops(result, cells):
    """A row for each model of each cell in which runs were stopped; None without any."""
    samples, found = by_block(result), []
    for cell in cells:
        measured = {r["model"]: [s for s in samples[cell["cell_id"], r["model"]].values()
                                 if s.get("stop")] for r in cell["models"]}
        rows = [_row(model, runs) for model, runs in measured.items() if runs]
        if rows:
            whys = {s["stop"]["why"] for runs in measured.values() for s in runs}
            found.append({"cell_id": cell["cell_id"], "scenario": cell["scenario"],
                          "params": cell["params"], "why": sorted(whys), "models": rows})
    return {"cells": found} if found else None


def _row(model, runs):
    def over(key, whole=True):
        return over_runs(runs, lambda s: s["stop"].get(key), whole)

    def most(key):
        known = [s["stop"][key] for s in runs if s["stop"].get(key) is not None]
        return max(known, default=None)

    return {"model": model, "runs": len(runs), "acknowledged_ns": over("acknowledged_ns"),
            "cpu_after_ns": over("cpu_after_ns"), "finished": over("finished"),
            "started_after": most("started_after"), **{key: most(key) for key in LEFT}}


def situation(cell):
    """In words: why, and how far the run was."""
    why = WHY[cell["why"][0]] if len(cell["why"]) == 1 else "stopped"
    after = cell["params"].get("stop_after_us")
    return f"{why} after {units.duration(after * 1000)}" if after is not None else why


def offences(cells):
    """What no stop may leave behind and some did, a sentence each. Not what a library keeps for the
    process: a pool has no more threads than workers, and about as many descriptors. Memory is told
    beside it: libraries and interpreters keep what they may need again."""
    told = []
    for words, key, least in (
            ("started turns after a stop", "started_after", lambda cell: 1),
            ("left threads behind", "threads_left", lambda cell: _pool(cell) + 1),
            ("left descriptors open", "descriptors_left", lambda cell: 2 * _pool(cell) + 1)):
        models = sorted({row["model"] for cell in cells for row in cell["models"]
                         if (row[key] or 0) >= least(cell)})
        if models:
            told.append(f"{', '.join(models)} {words}")
    return told


def _pool(cell):
    return cell["params"].get("workers") or 1


def clean_words(cells):
    """What was found of all of these, in a sentence or two."""
    told = offences(cells)
    if told:
        return "; ".join(told) + "."
    rows = [row for cell in cells for row in cell["models"]]
    if any(row[key] is None for row in rows
           for key in ("started_after", "threads_left", "descriptors_left")):
        return ""
    pools = sorted({row["model"] for row in rows
                    if row["threads_left"] > 0 or row["descriptors_left"] > 0})
    kept = f" but the pools that the libraries of {', '.join(pools)} keep" if pools else ""
    return f"No turn started after a stop, and no thread or open descriptor was left{kept}."


def stops_table(summary):
    """For the page: how soon, what it cost, and what was left."""
    section = summary.get("stops")
    if not section:
        return ""
    parts = ["## What a stop takes and leaves\n",
             "From the moment a stop is asked for until `run` has returned; medians over the runs "
             f"with 95 % intervals. {clean_words(section['cells'])} Left behind: the most of any "
             "run; as many threads as workers, and some memory, are what libraries keep for the "
             "next time.\n"]
    for cell in section["cells"]:
        told = ", ".join(filter(None, (describe(k, cell["params"].get(k))
                                       for k in ("agents", "workers", "io"))))
        parts.append(f"| **{cell['scenario']}** {told}: {situation(cell)} | until it ended | CPU "
                     "time after | turns finished | started after | threads left | descriptors "
                     "left | memory left |\n|---|" + "---:|" * 7)
        parts += ["| " + " | ".join([
            f"`{row['model']}`", with_interval(row["acknowledged_ns"], units.duration),
            with_interval(row["cpu_after_ns"], units.duration),
            with_interval(row["finished"], lambda n: f"{round(n):,}"),
            *(_count(row[k]) for k in ("started_after", "threads_left", "descriptors_left")),
            _bytes(row["heap_left_bytes"])]) + " |" for row in cell["models"]]
        parts.append("")
    return "\n".join(parts)


def _count(value):
    return "–" if value is None else f"{value:,}"


def _bytes(value):
    return "–" if value is None else units.size(value) if value > 0 else "none"
