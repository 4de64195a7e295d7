"""What does a table say of a cell, a model, and of both together? For the terminal and the page."""

from . import style, units
from .chart_data import describe

PARAMETERS = ["agents", "workers", "cpu_share", "grain_us", "tokens", "time_scale", "seed", "io",
              "on_error", "stop_after_us"]
# Not told: what differs from it is.
USUAL = {"io": "timer", "on_error": "isolate", "time_scale": 0.01}


def table_cells(summary):
    """What a table of times has a row for; of a scenario first what compares with other cells."""
    cells = [*summary["cells"], *(summary.get("outside_cells") or [])]
    return sorted(cells, key=lambda cell: style.scenario_order(cell["scenario"]))


def cell_names(summary):
    """(scenario, what tells the cell from others) per cell: its agents, and what is not usual."""
    names, cells = {}, table_cells(summary)
    for cell in cells:
        params = cell["params"]
        rivals = [c["params"] for c in cells if c["scenario"] == cell["scenario"]]
        told = []
        if params.get("agents") is not None:
            told.append(describe("agents", params["agents"]))
        if params.get("workers") and params["workers"] != summary["default_workers"]:
            told.append(describe("workers", params["workers"]))
        told += [describe(k, params.get(k)) for k in PARAMETERS[2:]
                 if params.get(k) != USUAL.get(k) and len({r.get(k) for r in rivals}) > 1]
        names[cell["cell_id"]] = (cell["scenario"], ", ".join(told))
    return names


def entry(row):
    """What one model's place in the table says: (main, interval, efficiency, remark)."""
    if row["makespan_ns"]:
        e = row["makespan_ns"]
        value, unit = units.scaled(e["median"], units.DURATIONS)
        factor = value / e["median"]
        interval = "" if e["low"] is None else (
            f"[{units.three_digits(e['low'] * factor)}–{units.three_digits(e['high'] * factor)}]")
        share = units.percent(row["efficiency"]["median"]) if row["efficiency"] else ""
        remark = "" if row["n"] >= row["planned"] else f"n = {row['n']} of {row['planned']}"
        return f"{units.three_digits(value)} {unit}", interval, share, remark
    if row["skipped_by_bound"]:
        bound = row["lb_model_ns"]
        return (f"≥ {units.duration(bound)}" if bound else "not run"), "(bound)", "", ""
    states = sorted({r["status"] for r in row["reasons"]}) or ["not measured"]
    return "–", ", ".join(states), "", ""


def models_in(summary):
    """What each model says of itself, for those that have a row, in the order of every table."""
    present = {r["model"] for c in table_cells(summary) for r in c["models"]}
    return [said for said in summary["models"] if said["model"] in present]


def rung_of(said):
    rung = said.get("rung") or "–"
    return f"({rung})" if rung == "reference" else rung
