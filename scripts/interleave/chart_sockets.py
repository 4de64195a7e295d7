"""What do real sockets cost? Each model's time by timers and over TCP, and CPU time for a call."""

from . import style, units
from .chart_data import plotted
from .endpoint_use import sharing_words
from .groups import belongs_to, panel_of
from .row_panels import ROW, band, beside, mark, name_rows, rows_axis, say
from .sheet import COLUMN, MARGIN, Drawing, NothingToDraw, make_sheet, panel_title, widest
from .sockets import times, told_of
from .stacked import axis, bars_for, end_of, stack

PANELS = 2  # cells that are drawn at most


def what_do_real_sockets_cost(data, width):
    cells = shown_cells(data)
    if not cells:
        raise NothingToDraw("no cell was measured both by timers and over TCP")
    models, others = bars_for(data, [c["models"] for c in cells], lambda r: r["tcp_ns"]["median"])
    question = "What do real sockets cost?"
    reading = ("The same work twice: its waits as timers (hollow) and as calls to a mock LLM over "
               "TCP (filled). Further left is faster; ×: times as long. "
               f"{'Below' if width == COLUMN else 'Right'}: the model's CPU time for a call, "
               "beyond that for a timer; shorter is better. "
               f"{torn_words([costs_of(c, models) for c in cells])}{_sharing(data)}{others}")
    left = widest([data.styles[m].label for m in models], 7.5) + 0.12
    counts = [row["ratio"]["n"] for c in cells for row in c["models"]]
    figure, axes = make_sheet(width, question, reading, data.footer(counts), 2 * len(cells),
                              ROW * len(models) + 0.06, columns=1 if width == COLUMN else 2,
                              left=left, right=0.14, below=0.44)
    rows = []
    for i, cell in enumerate(cells):
        found = {r["model"]: r for r in cell["models"] if r["model"] in models}
        rows += _times(data, axes[2 * i], cell, models, found)
        rows += _calls(data, axes[2 * i + 1], cell, models)
        for ax, name, words in ((axes[2 * i], cell["scenario"], told_of(cell)),
                                (axes[2 * i + 1], "a call", f"{cell['scenario']}, "
                                 f"{cell['calls']:,} of them")):
            panel_of(ax, cell["scenario"])
            panel_title(ax, name, words, left=left - MARGIN / 2)
    alt = ("Each model's time by timers and over TCP, and the CPU time of a call. "
           + " ".join(_in_words(cell, models) for cell in cells))
    return Drawing("sockets", question, reading, alt, figure, rows, NOTE, axes)


NOTE = ("Both runs have the same graph, durations and answers. What a call takes is the CPU time "
        "of the run over TCP less that of the run by timers, of one block, over the number of "
        "requests. The mock LLM is a process of its own: its CPU time is in no model's.")


def shown_cells(data):
    """Those in which most models were measured, without faults before with, with most calls; of two
    scenarios."""
    section = data.summary.get("sockets")
    default = data.summary["default_workers"]

    def telling(cell):
        return (cell["params"].get("workers") == default, len(cell["models"]),
                any(row["cpu_of_a_call_ns"] for row in cell["models"]),
                not cell["troubled"], cell["calls"], cell["cell_id"])

    chosen = {}
    for cell in sorted(section["cells"] if section else [], key=telling, reverse=True):
        chosen.setdefault(cell["scenario"], cell)
    return list(chosen.values())[:PANELS]


def _sharing(data):
    section = data.summary.get("endpoint")
    own = {c["own_cpu"] for c in section["cells"]} if section else {None}
    return sharing_words(section["cells"]) + " " if len(own) == 1 and None not in own else ""


def _times(data, ax, cell, models, found):
    rows, values, texts = [], [], {m: times(r["ratio"]["median"]) for m, r in found.items()}
    raw = {model: [[s["makespan_ns"] for s in data.raw({"cell_id": cell[key]}, model)]
                   for key in ("timer_cell_id", "cell_id")] for model in found}
    for runs in raw.values():
        values += runs[0] + runs[1]
    rows_axis(ax, values, "time to finish everything", texts.values())
    name_rows(data, ax, models)
    for y, model in enumerate(models):
        if model not in found:
            say(ax, y, "not run in both ways", model)
            continue
        row, look = found[model], data.styles[model]
        band(ax, look, y, row["timer_ns"]["median"], row["tcp_ns"]["median"])
        mark(ax, look, y, row["timer_ns"], True, raw[model][0])
        mark(ax, look, y, row["tcp_ns"], False, raw[model][1])
        beside(ax, y, max(raw[model][0] + raw[model][1]), texts[model], model)
        for kind, key in (("by timers", "timer_ns"), ("over TCP", "tcp_ns"),
                          ("times as long", "ratio")):
            e = row[key]
            rows.append(plotted(cell["scenario"], model, kind, e["median"], "", e["low"], e["high"],
                                e["n"]))
    return rows


def _calls(data, ax, cell, models):
    costs = costs_of(cell, models)
    if not costs:
        ax.axis("off")
        ax.text(0, 0.5, "not known", transform=ax.transAxes, size=7.5)
        return []
    return cost_bars(data, ax, cell["scenario"], models, costs,
                     "CPU time of a call beyond a timer ({unit})", "cpu of a call")


def costs_of(cell, models, key="cpu_of_a_call_ns"):
    return {r["model"]: r[key] for r in cell["models"] if r["model"] in models and r[key]}


def torn_words(panels):
    """Explains the mark of a bar that is longer than its panel, where there is one."""
    medians = [[max(e["median"], 0) for e in costs.values()] for costs in panels if costs]
    return "▶: longer than shown. " if any(max(m) > end_of(m) for m in medians) else ""


def cost_words(ns):
    """Less than nothing is no cost: it is lost in what else differs between two runs."""
    return units.duration(ns) if ns > 0 else "none to be seen"


def cost_bars(data, ax, panel, models, costs, label, kind):
    """A bar from nothing for each model's cost, with its interval. Less than nothing, which chance
    can make of a difference, has none."""
    medians = {m: max(e["median"], 0) for m, e in costs.items()}
    texts = {m: cost_words(e["median"]) for m, e in costs.items()}
    reaches = [costs[m]["high"] or 0 for m in medians]
    end = axis(ax, len(models), list(medians.values()), label, texts=texts.values(),
               reaches=reaches)
    name_rows(data, ax, models)
    rows = []
    for y, model in enumerate(models):
        if model not in costs:
            say(ax, y, "not measured", model)
            continue
        e, look = costs[model], data.styles[model]
        with belongs_to(ax, model):
            stack(ax, y, [(medians[model], {"color": look.tint(0.15), "lw": 0})], end, texts[model],
                  e["high"] or 0)
            if e["low"] is not None and medians[model] <= end:
                for colour, thick in (("white", 2.6), (style.INK, 1.1)):  # seen on a dark bar too
                    ax.plot([max(e["low"], 0), min(e["high"], ax.get_xlim()[1])], [y, y],
                            color=colour, lw=thick, zorder=6, solid_capstyle="butt")
        rows.append(plotted(panel, model, kind, e["median"], "", e["low"], e["high"], e["n"]))
    return rows


def _in_words(cell, models):
    ranked = sorted((r for r in cell["models"] if r["model"] in models),
                    key=lambda r: r["ratio"]["median"])
    told = [f"{r['model']} {times(r['ratio']['median'])}"
            + (f", {cost_words(r['cpu_of_a_call_ns']['median'])} a call"
               if r["cpu_of_a_call_ns"] else "") for r in ranked]
    return f"{cell['scenario']}, {told_of(cell)}, times as long over TCP: {'; '.join(told)}."
