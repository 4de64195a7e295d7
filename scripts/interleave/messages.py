"""How many messages a second can each model carry? Turns do nothing, so that their cost is left.

In `cascade` every agent sends what it gets to all others, twice over: with N agents that makes
N * (1 + (N - 1) + (N - 1)^2) messages, a number known without counting. In `empty` an orchestrator
sends one to each agent and joins.
"""

from . import units
from .chart_data import describe
from .estimates import estimated

CASCADE, EMPTY = "cascade", "empty"


def messages_of_cascade(agents):
    return agents * (1 + (agents - 1) + (agents - 1) ** 2)


def messages(result, cells):
    """A row for each cell of messages and model; None where there is no such cell."""
    found, warnings = {}, []
    for sample in result.measured():
        if sample["scenario"] in (CASCADE, EMPTY) and sample.get("turns"):
            found.setdefault((sample["cell_id"], sample["model"]), []).append(sample)
    rows = []
    for cell in cells:
        if cell["scenario"] not in (CASCADE, EMPTY) or cell["params"].get("heartbeat_us"):
            continue
        models = [_row(row["model"], found[cell["cell_id"], row["model"]])
                  for row in cell["models"] if (cell["cell_id"], row["model"]) in found]
        if models:
            rows.append({"cell_id": cell["cell_id"], "scenario": cell["scenario"],
                         "params": cell["params"], "models": models})
            warnings += _miscounts(cell, found)
    return {"cells": rows, "warnings": warnings} if rows else None


def _row(model, samples):
    return {"model": model, "messages": sorted({s["turns"] for s in samples}),
            "per_s": estimated([s["turns"] / s["makespan_ns"] * 1e9 for s in samples]),
            "cost_ns": estimated([s["makespan_ns"] / s["turns"] for s in samples])}


def _miscounts(cell, found):
    """What other numbers of messages than the formula's were counted, in words."""
    agents = cell["params"].get("agents")
    if cell["scenario"] != CASCADE or not agents:
        return []
    expected, words = messages_of_cascade(agents), []
    for row in cell["models"]:
        samples = found.get((cell["cell_id"], row["model"]), [])
        wrong = sorted({s["turns"] for s in samples if s["turns"] != expected})
        if wrong:
            words.append(f"{row['model']} counted {', '.join(f'{n:,}' for n in wrong)} messages "
                         f"among {units.plural(agents, 'agent')}, where {expected:,} are due")
    return words


def rate_words(per_s):
    """Three significant digits: 12,300 or 1.23 million."""
    rounded = float(f"{per_s:.3g}")
    if rounded >= 1e6:
        return f"{units.three_digits(rounded / 1e6)} million"
    return f"{round(rounded):,}" if rounded >= 100 else units.three_digits(rounded)


def messages_table(summary):
    """For the page: a row for each model, a column for each cell. Nothing but `empty` is no table:
    that cell stands in the large one."""
    section = summary.get("messages_per_second")
    if not section or all(c["scenario"] != CASCADE for c in section["cells"]):
        return ""
    heads = [_head(cell) for cell in section["cells"]]
    lines = ["| model | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
    found = [{r["model"]: r for r in cell["models"]} for cell in section["cells"]]
    for said in summary["models"]:
        rows = [rows.get(said["model"]) for rows in found]
        if any(rows):
            lines.append(f"| `{said['model']}` | " + " | ".join(map(_entry, rows)) + " |")
    words = "".join(f"**{w[0].upper()}{w[1:]}.**\n\n" for w in section["warnings"])
    return ("## Messages a second\n\nTurns that do nothing: how many of them a second, median with "
            "95 % interval, and what each costs in time.\n\n" + words + "\n".join(lines) + "\n")


def _head(cell):
    told = [describe(key, cell["params"].get(key)) for key in ("agents", "workers")]
    return f"**{cell['scenario']}** {', '.join(filter(None, told))}"


def _entry(row):
    if row is None:
        return ""
    e = row["per_s"]
    interval = "" if e["low"] is None else f" [{rate_words(e['low'])}–{rate_words(e['high'])}]"
    return f"{rate_words(e['median'])}{interval}, {units.duration(row['cost_ns']['median'])} each"
