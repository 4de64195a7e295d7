"""Does everything else stay responsive while agents work? How late heartbeats were, per model.

A run with heartbeats (`heartbeat_us` of its parameters) has one due each so many microseconds since
its start, and the model's own scheduler serves them. Percentiles are those of the merged histograms
of all runs; how much one run differs from the next is told by intervals over the runs.
"""

from collections import defaultdict

from . import histograms, units
from .chart_data import describe
from .estimates import estimated, six_digits

THRESHOLDS = ("over_10ms", "over_100ms")  # of which a sample has exact counts
PERCENTILES = {"p50_ns": 50, "p90_ns": 90, "p99_ns": 99, "p999_ns": 99.9}


def responsiveness(result, cells):
    """A row for each model of each cell with heartbeats, the best first; None without any."""
    beating = defaultdict(list)
    for sample in result.measured():
        if (sample.get("heartbeat") or {}).get("histogram"):
            beating[sample["cell_id"], sample["model"]].append(sample)
    found = []
    for cell in cells:
        rows = [_row(r["model"], beating[cell["cell_id"], r["model"]]) for r in cell["models"]
                if beating[cell["cell_id"], r["model"]]]
        if rows:
            found.append({"cell_id": cell["cell_id"], "scenario": cell["scenario"],
                          "params": cell["params"], "models": sorted(rows, key=best_first)})
    return {"cells": found} if found else None


def merged(samples):
    """All heartbeats of these runs: their histogram, and the longest lag of all."""
    beats = [s["heartbeat"] for s in samples if (s.get("heartbeat") or {}).get("histogram")]
    longest = [b["max"] for b in beats if b.get("max") is not None]
    return (histograms.merge(b["histogram"] for b in beats),
            max(longest) if longest and len(longest) == len(beats) else None)


def _row(model, samples):
    lags, longest = merged(samples)
    n = histograms.count(lags)
    beats = [s["heartbeat"] for s in samples]
    counts = {key: sum(b[key] for b in beats) if all(b.get(key) is not None for b in beats)
              else None for key in THRESHOLDS}
    own = [b["over_10ms"] / histograms.count(b["histogram"]) for b in beats
           if b.get("over_10ms") is not None]
    return {
        "model": model, "samples": len(samples), "beats": n, "max_ns": longest, **counts,
        **{key: histograms.percentile(lags, q, longest) for key, q in PERCENTILES.items()},
        **{f"share_{key}": None if c is None else six_digits(c / n) for key, c in counts.items()},
        "of_a_run": {"share_over_10ms": estimated(own),
                     "max_ns": estimated([b["max"] for b in beats if b.get("max") is not None],
                                         whole=True)}}


def usual_worst(row):
    """The lag that tells models apart: the highest of p99, p90, p50 that enough heartbeats bear
    out."""
    return next((row[key] for key in ("p99_ns", "p90_ns", "p50_ns") if row[key] is not None), 0)


def best_first(row):
    return row["p99_ns"] is None, usual_worst(row), row["max_ns"] or 0, row["model"]


def responsiveness_table(summary):
    """For the page: who is late, how often, and by how much; nothing without heartbeats."""
    section = summary.get("responsiveness")
    if not section:
        return ""
    parts = ["## How late everything else is\n",
             f"While the agents work, a heartbeat is due each {_periods(section['cells'])}; the "
             "model's own scheduler serves it. How late it comes, anything else in the same "
             "process would come. Half come at most as late as p50, 99 of 100 at most as late as "
             "p99; all runs are counted together. In brackets: the runs one by one, the 95 % "
             "interval of their median. The best p99 is first.\n"]
    about = {m["model"]: m for m in summary["models"]}
    holding = sorted({row["model"] for cell in section["cells"] for row in cell["models"]
                      if about[row["model"]].get("structure") == "blocking_workers"})
    if holding:
        parts.append(f"In {', '.join(f'`{m}`' for m in holding)} a wait holds a worker, and so do "
                     "heartbeats: where they are in time, the agents have a worker less.\n")
    for cell in section["cells"]:
        parts.append(f"| **{cell['scenario'].replace('|', '/')}** {_told(cell)} | rung | p50 | p99 "
                     "| longest | above 10 ms | above 100 ms | heartbeats |\n"
                     "|---|---|" + "---:|" * 6)
        for row in cell["models"]:
            shown = [_lag(row["p50_ns"]), _lag(row["p99_ns"]),
                     _lag(row["max_ns"]) + _between(row["of_a_run"]["max_ns"], units.duration),
                     share_words(row["share_over_10ms"])
                     + _between(row["of_a_run"]["share_over_10ms"], share_words),
                     share_words(row["share_over_100ms"]), f"{row['beats']:,}"]
            rung = (about.get(row["model"]) or {}).get("rung") or "–"
            parts.append(f"| `{row['model']}` | {rung} | " + " | ".join(shown) + " |")
        parts.append("")
    return "\n".join(parts)


def _told(cell):
    told = {k: cell["params"].get(k) for k in ("agents", "workers", "cpu_share")}
    return ", ".join(filter(None, (describe(k, v) for k, v in told.items() if v)))


def _periods(cells):
    return " or ".join(period_words(us) for us in
                       sorted({c["params"]["heartbeat_us"] for c in cells}))


def period_words(heartbeat_us):
    value, unit = units.scaled(heartbeat_us * 1000, units.DURATIONS)
    return f"{value:g} {unit}"


def _lag(ns):
    return "–" if ns is None else units.duration(ns)


def share_words(share):
    """A share in which few is not none."""
    if share is None:
        return "–"
    return "none" if share == 0 else "< 0.1 %" if share < 0.001 else units.percent(share)


def _between(e, words):
    if e is None or e["low"] is None:
        return ""
    low, high = words(e["low"]), words(e["high"])
    return f" [{low}]" if low == high else f" [{low}–{high}]"
