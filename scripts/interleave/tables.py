"""How is a summary written as a table? For the terminal, and for the page of a result."""

import re

from rich import box
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from . import style, units
from .chart_data import describe

PARAMETERS = ["agents", "workers", "cpu_share", "time_scale", "seed", "io"]


def cell_names(summary):
    """(scenario, what tells the cell from others) per cell: its agents, and what is not usual."""
    names = {}
    for cell in summary["cells"]:
        params = cell["params"]
        rivals = [c["params"] for c in summary["cells"] if c["scenario"] == cell["scenario"]]
        told = []
        if params.get("agents") is not None:
            told.append(describe("agents", params["agents"]))
        if params.get("workers") and params["workers"] != summary["default_workers"]:
            told.append(describe("workers", params["workers"]))
        told += [describe(k, params.get(k)) for k in PARAMETERS[2:]
                 if k in params and len({r.get(k) for r in rivals}) > 1]
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
    return sorted({r["model"] for c in summary["cells"] for r in c["models"]},
                  key=style.model_order)


def terminal_table(summary, console):
    """The widest shape that fits: one column per model, else one row per cell and model."""
    wide = console.options.update(width=10_000)
    for lines in (2, 3):
        table = _by_columns(summary, lines)
        if Measurement.get(console, wide, table).maximum <= console.width:
            return table
    return _by_rows(summary)


def _by_columns(summary, lines):
    models, names = models_in(summary), cell_names(summary)
    looks = style.styles({m["model"]: m.get("family") for m in summary["models"]})
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True,
                  padding=(0, 1) if lines == 2 else 0, show_edge=lines == 2)
    table.add_column("", no_wrap=True)
    for model in models:
        table.add_column(Text(model, f"bold {_readable(looks[model])}"), justify="right",
                         no_wrap=True)
    for i, cell in enumerate(summary["cells"]):
        scenario, told = names[cell["cell_id"]]
        last = i + 1 == len(summary["cells"]) or \
            summary["cells"][i + 1]["scenario"] != scenario
        if lines == 3:
            told = told.replace(", ", "\n")
        found = {r["model"]: r for r in cell["models"]}
        texts = [Text.assemble((scenario, "bold"), "\n", (told, "dim"))]
        texts += [_stacked(entry(found[m]), lines) if m in found else Text("") for m in models]
        table.add_row(*texts, end_section=last)
    return table


def _stacked(parts, lines):
    """The parts of an entry in two or three lines, as narrow as they go."""
    main, interval, share, remark = parts
    below = Text(interval or remark, "dim")
    if interval and remark:
        below.append(f"\n{remark}")
    rows = [Text("  ".join(filter(None, (main, share)))), below] if lines == 2 else \
        [Text(main), below, Text(share)]
    return Text("\n").join(row for row in rows if row)


def _by_rows(summary):
    names = cell_names(summary)
    looks = style.styles({m["model"]: m.get("family") for m in summary["models"]})
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), collapse_padding=True)
    table.add_column("model")
    for name in ("median", "interval", "efficiency"):
        table.add_column(name, justify="right", no_wrap=True)
    for cell in summary["cells"]:
        table.add_row(Text(" ".join(names[cell["cell_id"]]), "bold"))
        for i, row in enumerate(cell["models"]):
            main, interval, share, remark = entry(row)
            table.add_row(Text("  " + row["model"], _readable(looks[row["model"]])), Text(main),
                          Text(interval or remark, "dim"), Text(share),
                          end_section=i + 1 == len(cell["models"]))
    return table


def _readable(look):
    """Black on a dark terminal is nothing to read: the default colour stands in for it."""
    return "default" if look.colour == style.BLACK else look.colour


def markdown_table(summary):
    models, names = models_in(summary), cell_names(summary)
    lines = ["| scenario | " + " | ".join(f"`{m}`" for m in models) + " |",
             "|---|" + "---:|" * len(models)]
    for cell in summary["cells"]:
        scenario, told = names[cell["cell_id"]]
        found = {r["model"]: r for r in cell["models"]}
        texts = [_plain(entry(found[m])) if m in found else "" for m in models]
        lines.append(f"| **{scenario.replace('|', '/')}** {told} | " + " | ".join(texts) + " |")
    return "\n".join(lines) + "\n"


def _plain(parts):
    main, interval, share, remark = parts
    text = " ".join(filter(None, (main, interval)))
    return ", ".join(filter(None, (text, share, remark)))


def what_is_missing(summary):
    """One line per model and kind of reason that is not ok, with the cells it concerns."""
    names, found = cell_names(summary), {}
    for cell in summary["cells"]:
        for row in cell["models"]:
            for r in row["reasons"]:
                place = " ".join(names[cell["cell_id"]])
                found.setdefault((row["model"], r["status"], _general(r["reason"])), []).append(
                    (place, r["count"], r["reason"]))
    lines = []
    for (model, status, _), places in sorted(
            found.items(), key=lambda kv: (style.model_order(kv[0][0]), kv[0])):
        told = [(p if n == 1 else f"{p} ({n} times)", reason) for p, n, reason in places]
        if len({reason for _, reason in told}) == 1:
            where = "; ".join(place for place, _ in told)
            lines.append(f"`{model}` {status}: {told[0][1]} ({where})")
        else:
            each = "; ".join(f"{place}: {reason}" for place, reason in told)
            lines.append(f"`{model}` {status}: {each}")
    return lines


def _general(reason):
    """The reason without its numbers, so that reasons of one kind stand in one line."""
    return re.sub(r"\d[\d,.]*", "N", reason)
