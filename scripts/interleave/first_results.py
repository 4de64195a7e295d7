"""How soon is there a first result, where each is used as it arrives? And in which order they come.

Of each run the moments at which the first, the middle and the last result were there, since `run`
was called; then their medians over the runs. The ideal is the first result of the greedy schedule.
"""

from . import units
from .chart_data import describe
from .estimates import estimated

SCENARIO = "as-completed"
ORDERLY, RANDOM = 0.0005, 0.4  # of pairs: less is the ideal order, more is no order any more


def first_results(result, cells):
    """A row for each cell and model; None where nobody waited for results one by one."""
    found = {}
    for sample in result.measured():
        told = sample.get("results") or {}
        if told.get("first_ns") is not None and not told.get("arrivals_ns"):
            found.setdefault((sample["cell_id"], sample["model"]), []).append(told)
    rows = []
    for cell in cells:
        if cell["scenario"] != SCENARIO or cell["params"].get("heartbeat_us"):
            continue
        models = [_row(row["model"], found[cell["cell_id"], row["model"]])
                  for row in cell["models"] if (cell["cell_id"], row["model"]) in found]
        if models:
            rows.append({"cell_id": cell["cell_id"], "params": cell["params"], "models": models})
    return {"cells": rows} if rows else None


def _row(model, results):
    def over(key, whole=True):
        return estimated([r[key] for r in results if r.get(key) is not None], whole)

    return {"model": model, "first_ns": over("first_ns"), "middle_ns": over("p50"),
            "last_ns": over("max"), "ideal_first_ns": over("ideal_first_ns"),
            "out_of_order": over("out_of_order", whole=False)}


def order_words(row):
    """How the results came, against the ideal schedule's order."""
    if row["out_of_order"] is None:
        return "order not known"
    share = row["out_of_order"]["median"]
    if share < ORDERLY:
        return "in ideal order"
    words = f"{units.percent(share)} of pairs swapped"
    return f"{words}: no order" if share >= RANDOM else words


def first_results_table(summary):
    """For the page."""
    section = summary.get("first_results")
    if not section:
        return ""
    parts = ["## Results as they come\n\nTime from the start to the first, the middle and the last "
             "result, each used as it arrives; medians with 95 % intervals. Swapped: the share of "
             "all pairs of results that came in another order than in the ideal schedule.\n"]
    for cell in section["cells"]:
        told = ", ".join(filter(None, (describe(key, cell["params"].get(key))
                                       for key in ("agents", "workers"))))
        lines = [f"| {told} | first | middle | last | pairs swapped |", "|---|---:|---:|---:|---:|"]
        for row in cell["models"]:
            share = row["out_of_order"]
            lines.append(f"| `{row['model']}` | " + " | ".join(
                _time(row[key]) for key in ("first_ns", "middle_ns", "last_ns"))
                + f" | {units.percent(share['median']) if share else '–'} |")
        ideal = [r["ideal_first_ns"]["median"] for r in cell["models"] if r["ideal_first_ns"]]
        if ideal:
            lines.append(f"| *ideal schedule* | {units.duration(min(ideal))} | | | |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _time(e):
    if e is None:
        return "–"
    if e["low"] is None or not e["median"]:
        return units.duration(e["median"])
    value, unit = units.scaled(e["median"], units.DURATIONS)
    low, high = (units.three_digits(e[k] * value / e["median"]) for k in ("low", "high"))
    return f"{units.three_digits(value)} {unit} [{low}–{high}]"
