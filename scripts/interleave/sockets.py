"""What do real sockets cost? Each cell whose waits are calls over TCP beside its twin of timers.

The same graph, the same durations and the same answers: what a run takes longer over TCP, and what
CPU time it takes more, is what calling costs the model. Both of one block are compared. The mock
LLM is another process, whose CPU time is not in it; but where it has no CPU of its own it takes
turns with the model on those that there are.
"""

from . import stats, units
from .chart_data import describe
from .cpu_cost import cpu_ns
from .twins import by_block, over_runs, paired, twins, with_interval


def sockets(result, cells):
    """A row for each model of each cell that has a twin; None where there is none."""
    samples, found = by_block(result), []
    for group in twins([c for c in cells if not c["stopped"]], "io"):
        if not {"timer", "tcp"} <= set(group):
            continue
        timer, tcp = group["timer"], group["tcp"]
        rows = [row for r in tcp["models"] if (row := _row(
            r["model"], samples[timer["cell_id"], r["model"]],
            samples[tcp["cell_id"], r["model"]]))]
        if rows:
            found.append({"cell_id": tcp["cell_id"], "timer_cell_id": timer["cell_id"],
                          "scenario": tcp["scenario"], "params": tcp["params"],
                          "calls": max(row["calls"] for row in rows),
                          "troubled": tcp["troubled"], "models": rows})
    return {"cells": found} if found else None


def _row(model, by_timer, by_tcp):
    ratio = paired(by_tcp, by_timer, lambda t, s: t["makespan_ns"] / s["makespan_ns"])
    if ratio is None:
        return None
    calls = stats.median([_attempts(s) or 0 for s in by_tcp.values()])
    return {"model": model, "ratio": ratio, "calls": round(calls),
            "timer_ns": over_runs(by_timer.values(), lambda s: s["makespan_ns"], whole=True),
            "tcp_ns": over_runs(by_tcp.values(), lambda s: s["makespan_ns"], whole=True),
            "cpu_of_a_call_ns": paired(by_tcp, by_timer, _cpu_of_a_call)}


def _attempts(sample):
    """Each is a request of its own."""
    return sample.get("attempts") or sample.get("calls")


def _cpu_of_a_call(tcp, timer):
    if not _attempts(tcp) or None in (tcp.get("cpu_user_ns"), timer.get("cpu_user_ns")):
        return None
    return (cpu_ns(tcp) - cpu_ns(timer)) / _attempts(tcp)


def told_of(cell):
    """What tells a cell from others, but for its sockets."""
    params = cell["params"]
    return ", ".join(filter(None, (describe(k, params.get(k)) for k in (
        "agents", "workers", "cpu_share", "tokens") if params.get(k))))


def sockets_table(summary):
    """For the page: what a run takes longer over TCP, and what a call costs."""
    section = summary.get("sockets")
    if not section:
        return ""
    parts = ["## What sockets cost\n",
             "The same work twice: its waits as timers, and as calls to the mock LLM over TCP. "
             "Times as long, and the model's CPU time for a call beyond that for a timer, are "
             "medians over the blocks that have both, with 95 % intervals.\n"]
    for cell in section["cells"]:
        parts.append(f"| **{cell['scenario']}** {told_of(cell)}, {cell['calls']:,} calls "
                     "| by timers | over TCP | times as long | CPU time of a call beyond a timer "
                     "|\n|---|" + "---:|" * 4)
        parts += ["| " + " | ".join([
            f"`{row['model']}`", with_interval(row["timer_ns"], units.duration),
            with_interval(row["tcp_ns"], units.duration), with_interval(row["ratio"], times),
            with_interval(row["cpu_of_a_call_ns"], units.duration)]) + " |"
            for row in cell["models"]]
        parts.append("")
    return "\n".join(parts)


def times(ratio):
    return f"{ratio:.2f}×" if ratio < 9.95 else f"{ratio:,.0f}×"
