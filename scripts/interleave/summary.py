"""What came out? One row per cell and model, from the samples, the plan and the manifest alone.

Identical data gives identical bytes: keys are sorted, floats are rounded, and the only dates are
those of the data.
"""

import json
from collections import Counter, defaultdict
from dataclasses import replace

from . import stats, style
from .comparisons import comparisons
from .cpu_cost import cpu_cost, cpu_ns
from .endpoint_use import endpoint_use
from .estimates import estimated as _estimate
from .events import events
from .faults import fairness, faults
from .first_results import first_results
from .instruments import instruments
from .grain import grain
from .memory import own_memory
from .memory_slope import memory_per_agent
from .messages import messages
from .noise import noise
from .open_loop import open_loop
from .responsiveness import responsiveness
from .sockets import sockets
from .stops import stops
from .time_spent import time_spent
from .trust import trust
from .waiting import waiting
from .winner_map import winning_tiers

SCHEMA = "interleave.summary/1"
NO_MEASURE = dict.fromkeys(("efficiency", "lb_efficiency", "overhead"))

# What is known beside one row per cell and model, by name: each a function of the result and of
# cells, in a module of its own. These never see a cell whose outside world is another one: over TCP
# or stopped, its times compare with no others.
SECTIONS = {
    "comparisons": comparisons,
    "winning_tiers": winning_tiers,
    "responsiveness": responsiveness,
    "instruments": instruments,
    "grain": grain,
    "waiting_agent": waiting,
    "open_loop": open_loop,
    "first_results": first_results,
    "messages_per_second": messages,
    "time_spent": time_spent,
    "cpu_cost": cpu_cost,
    "noise": noise,
}
# These are about the outside world, and see all cells.
OUTSIDE_SECTIONS = {
    "sockets": sockets,
    "events": events,
    "stops": stops,
    "faults": faults,
    "fairness": fairness,
    "endpoint": endpoint_use,
}


def summarise(result):
    measured = defaultdict(list)
    for sample in result.measured():
        measured[sample["cell_id"], sample["model"]].append(sample)
    timed = [s for s in result.samples if s.get("mode") == "timed"]
    by_pair = defaultdict(list)
    for sample in timed:
        by_pair[sample["cell_id"], sample["model"]].append(sample)
    planned = defaultdict(list)
    for row in result.plan:
        if row.get("mode") == "timed":
            planned[row["cell_id"], row["model"]].append(row)

    about = _models(result)
    order = [m["model"] for m in sorted(about.values(), key=style.model_order)]
    cells = []
    for cell_id in sorted({c for c, _ in [*by_pair, *planned]}, key=lambda c: _order(
            _any_row(c, by_pair, planned))):
        pairs = sorted({m for c, m in [*by_pair, *planned] if c == cell_id}, key=order.index)
        rows = [_row(model, about, measured[cell_id, model], by_pair[cell_id, model],
                     planned[cell_id, model]) for model in pairs]
        cells.append(_cell(cell_id, _any_row(cell_id, by_pair, planned), rows,
                           [s for m in pairs for s in measured[cell_id, m]],
                           [p for m in pairs for p in planned[cell_id, m]]))
    alike, inside = _without_outside(result, cells)
    efficiencies = (stats.efficiency(s.get("greedy_ns"), s["makespan_ns"])
                    for s in inside.measured())
    # Beyond rounding: drift within one process of less than 1 % says nothing.
    above_one = sum(e is not None and e > 1.01 for e in efficiencies)
    absent = sum(row["missing"] for cell in cells for row in cell["models"])
    manifest = result.manifest
    # An instrument costs something: what it was in is compared with nothing else.
    plain = [cell for cell in alike if not is_instrumented(cell)]
    instrumented = [cell for cell in alike if is_instrumented(cell)]
    sections = {name: section(inside, alike) for name, section in SECTIONS.items()}
    sections |= {name: section(result, cells) for name, section in OUTSIDE_SECTIONS.items()}
    return sections | {
        "schema": SCHEMA,
        "result_id": manifest.get("result_id") or result.path.name,
        "workload_version": manifest.get("workload_version"),
        "profile": manifest.get("profile"), "blocks": manifest.get("blocks"),
        "commit": manifest.get("commit"), "created_utc": manifest.get("created_utc"),
        "machine": manifest.get("machine") or {},
        "default_workers": default_workers(plain or cells),
        "trust": trust(manifest, result.samples, len(result.samples) + absent, above_one,
                       len(result.messages), sections.get("noise"),
                       result.disturbed),
        "messages": result.messages,
        "models": [about[m] for m in order],
        "cells": plain,
        "instrumented_cells": instrumented,
        "outside_cells": [cell for cell in cells if is_outside(cell)],
        "memory_per_agent": memory_per_agent(inside.measured(), inside.round_of),
    }


def is_instrumented(cell):
    return bool(cell["params"].get("heartbeat_us"))


def is_outside(cell):
    """Whether its times compare with no other cell's: its calls go over TCP, meet trouble or share
    a limit, or it ends before its end, by a stop, a first failure or as soon as enough is there."""
    params = cell["params"]
    return (params.get("io", "timer") != "timer" or cell["troubled"] or cell["limited"]
            or cell["stopped"] or params.get("stop_after_us") is not None
            or params.get("on_error", "isolate") != "isolate")


def _without_outside(result, cells):
    """The cells that compare with others, and a result that has no sample of any other."""
    alike = [cell for cell in cells if not is_outside(cell)]
    known = {cell["cell_id"] for cell in alike}
    return alike, replace(result, samples=[s for s in result.samples if s["cell_id"] in known])


def _any_row(cell_id, *sources):
    return next(rows[0] for source in sources for (c, _), rows in source.items()
                if c == cell_id and rows)


def _order(row):
    p = row["params"]
    return (style.scenario_order(row["scenario"]), p.get("cpu_share") or 0, p.get("grain_us") or 0,
            p.get("agents") or 0, p.get("workers") or 0, p.get("io") == "tcp", row["cell_id"])


def _models(result):
    about = {m["model"]: m for m in result.manifest.get("models") or []}
    for row in [*result.samples, *result.plan]:
        known = about.setdefault(row["model"], {"model": row["model"]})
        for key in ("family", "rung", "structure"):
            if known.get(key) is None:
                known[key] = row.get(key)
    return about


def _cell(cell_id, row, rows, measured, planned):
    known = [*measured, *planned]
    stopped = any(s.get("stop") is not None for s in measured)
    return {
        "cell_id": cell_id, "scenario": row["scenario"], "params": row["params"],
        "cpus": _first([*known, row], "cpus") or row["params"].get("workers"),
        # The least of all samples: a unit of computing was that cheap once, so no point of a chart
        # may lie below it.
        "lb_ns": _least(measured, "lb_ns") or _least(planned, "lb_ns"),
        "greedy_ns": _median(measured, "greedy_ns") or _median(planned, "greedy_ns"),
        "stopped": stopped,
        "troubled": any(s.get("retries") or s.get("failed") for s in measured),
        "limited": any(s.get("fairness") is not None for s in measured),
        # The ideal of all the work is no measure of a part of it.
        "models": [row | NO_MEASURE for row in rows] if stopped else rows,
    }


def _row(model, about, measured, samples, planned):
    turns = [s for s in measured if s.get("turns") and s.get("cpu_user_ns") is not None
             and s.get("cpu_sys_ns") is not None]
    status = Counter(s.get("status") or "?" for s in samples)
    skip_reason = next((p["skip_reason"] for p in planned if p.get("skip_reason")), None)
    expected = (1 if samples else len(planned[:1])) if skip_reason else len(planned)
    known = [*measured, *samples, *planned]
    return {
        "model": model, "family": about[model].get("family"), "rung": about[model].get("rung"),
        "n": len(measured),
        "planned": sum(p.get("instead_of") is None for p in planned),
        "status": {s: status[s] for s in sorted(status)},
        "missing": max(0, expected - len(samples)),
        "skipped_by_bound": skip_reason is not None and not measured,
        "reasons": _reasons(samples, skip_reason),
        "lb_model_ns": _least(known, "lb_model_ns"),
        "makespan_ns": _estimate([s["makespan_ns"] for s in measured], whole=True),
        "efficiency": _estimate(_ratios(measured, "greedy_ns", "makespan_ns")),
        "lb_efficiency": _estimate(_ratios(measured, "lb_ns", "makespan_ns")),
        "overhead": _estimate(_ratios(measured, "makespan_ns", "lb_model_ns")),
        "ceiling": _ceiling(known),
        "first_finish_ns": _estimate(_values(measured, "first_finish_ns"), whole=True),
        "startup_ns": _estimate(_values(measured, "startup_ns"), whole=True),
        "threads_peak": max(_values(measured, "threads_peak"), default=None),
        "own_memory_bytes": _estimate([m for m in map(own_memory, measured) if m is not None],
                                      whole=True),
        "cpu_s_per_1000_turns": _estimate(
            [cpu_ns(s) / s["turns"] / 1e6 for s in turns]),
    }


def default_workers(cells):
    """What most cells use; the larger where two are equally common."""
    counts = Counter(c["params"].get("workers") for c in cells)
    counts.pop(None, None)
    return max(counts, key=lambda w: (counts[w], w), default=None)


def _reasons(samples, skip_reason):
    """Why rows are not ok, each reason once, with how often."""
    counts = Counter((s.get("status") or "?", s.get("reason") or "no reason given")
                     for s in samples if s.get("status") != "ok")
    if skip_reason and not counts:
        counts["skipped", skip_reason] = 1
    return [{"status": status, "reason": reason, "count": count}
            for (status, reason), count in sorted(counts.items())]


def _ceiling(rows):
    """The best efficiency that the model's structure allows; 1 where it costs nothing."""
    ratios = [r["greedy_ns"] / max(r["lb_model_ns"], r["greedy_ns"]) for r in rows
              if r.get("greedy_ns") and r.get("lb_model_ns")]
    return round(stats.median(ratios), 6) if ratios else None


def _values(rows, key):
    return [r[key] for r in rows if r.get(key) is not None]


def _ratios(rows, over, under):
    return [r[over] / r[under] for r in rows if r.get(over) and r.get(under)]


def _first(rows, key):
    return next(iter(_values(rows, key)), None)


def _least(rows, key):
    return min(_values(rows, key), default=None)


def _median(rows, key):
    values = _values(rows, key)
    return round(stats.median(values)) if values else None


def as_json(summary):
    return json.dumps(summary, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
