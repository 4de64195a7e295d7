"""How many messages a second? A mark for each model, with one worker and with all."""

import math

from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from . import style, units
from .bars import round_step
from .chart_data import describe, plotted
from .groups import belongs_to, give, panel_of
from .messages import CASCADE, rate_words
from .sheet import MARGIN, PAGE, Drawing, NothingToDraw, make_sheet, panel_title, widest

ROW, SIZE = 0.21, 7
FAR_APART = 8  # from here on differences are ratios: a logarithmic axis


def how_many_messages_a_second(data, width):
    cells = _cells(data)
    models = data.models_of(cells)
    question = "How many messages a second?"
    head, beside, right_of = _words(cells, models, width)
    left = widest([data.styles[m].label for m in models], 7.5) + 0.12
    figure, (ax,) = make_sheet(
        width, question, _reading(data, cells), data.footer(
            [r["per_s"]["n"] for c in cells for r in c["models"]]), 1, ROW * len(models) + 0.06,
        columns=1, left=left, right=widest([*right_of.values(), head], SIZE) + 0.16)
    _axis(ax, data, cells, models, widest(beside.values(), SIZE) + 0.14)
    ax.annotate(head, (1, 1), (8, 4), xycoords="axes fraction", textcoords="offset points",
                size=SIZE, color=style.QUIET, va="bottom", annotation_clip=False)
    rows = []
    for y, model in enumerate(models):
        with belongs_to(ax, model):
            rows += _model(data, ax, cells, model, y, beside[model])
            ax.annotate(right_of[model], (1, y), (8, 0), xycoords=ax.get_yaxis_transform(),
                        textcoords="offset points", size=SIZE, va="center", annotation_clip=False)
    ax.set_yticks(range(len(models)), [data.styles[m].label for m in models], size=7.5)
    for tick, model in zip(ax.get_yticklabels(), models):
        tick.set_color(data.styles[model].ink)
        give(model, tick)
    told = describe("agents", cells[0]["params"].get("agents"))
    panel_of(ax, CASCADE)
    panel_title(ax, CASCADE, told, left=left - MARGIN / 2)
    return Drawing("messages", question, _reading(data, cells), _alt(cells, models), figure, rows,
                   NOTE, [ax])


NOTE = ("Whoever gets a message sends it to all others, twice over; nobody waits or computes, so "
        "all of the time is what it costs to hand messages over. What each costs: the time of the "
        "run divided by its messages, with all workers.")


def _cells(data):
    """The cells of one cascade, at its fewest and at its most workers: of several that in which
    most models were measured, then that with most agents."""
    section = data.summary.get("messages_per_second")
    groups = {}
    for cell in section["cells"] if section else []:
        if cell["scenario"] == CASCADE:
            rest = sorted((k, str(v)) for k, v in cell["params"].items() if k != "workers")
            groups.setdefault(tuple(rest), []).append(cell)
    if not groups:
        raise NothingToDraw(f"`{CASCADE}` was not measured")
    group = max(groups.values(), key=lambda cells: (
        max(len(c["models"]) for c in cells), cells[0]["params"].get("agents") or 0,
        cells[0]["cell_id"]))
    ordered = sorted(group, key=lambda c: c["params"].get("workers") or 0)
    return ordered[:1] + ordered[-1:] if len(ordered) > 1 else ordered


def _reading(data, cells):
    few, many = (describe("workers", c["params"].get("workers")) for c in (cells[0], cells[-1]))
    known = any(r["per_s"]["low"] is not None for r in cells[-1]["models"])
    median = "median with 95 % interval" if known else "median"
    marks = (f"Large: {many}, {median}. Pale: {few}." if len(cells) > 1
             else f"With {many}: {median}.")
    warnings = data.summary["messages_per_second"]["warnings"]
    return " ".join(["Turns that do nothing: only handing them over takes time. Further right is "
                     "better.", marks, *(f"WARNING: {words}." for words in warnings)])


def _row(cell, model):
    return next((r for r in cell["models"] if r["model"] == model), None)


def _words(cells, models, width):
    """What stands at the right of all, and over it; and what beside each mark: on a page the number
    and what one message costs, in a column the number alone."""
    rows = {m: _row(cells[-1], m) or _row(cells[0], m) for m in models}
    rates = {m: rate_words(row["per_s"]["median"]) for m, row in rows.items()}
    if width != PAGE:
        return "a second", dict.fromkeys(models, ""), rates
    costs = {m: units.duration(row["cost_ns"]["median"]) for m, row in rows.items()}
    return "each costs", {m: f"{rate}/s" for m, rate in rates.items()}, costs


def _axis(ax, data, cells, models, room):
    """Linear from nothing, or logarithmic where the models lie far apart; with room for numbers."""
    known = [r["per_s"]["median"] for c in cells for r in c["models"]]
    known += [value for c in cells for m in models for value in _raw(data, c, m)]
    inches = ax.get_window_extent().width / ax.figure.dpi
    if max(known) / min(known) >= FAR_APART:
        decades = math.log10(max(known) / min(known))
        per_inch = decades / max(inches - room - 0.12, 0.5)
        low, high = min(known) / 10 ** (0.12 * per_inch), max(known) * 10 ** (room * per_inch)
        ax.set_xscale("log")
        ticks = _log_ticks(low, high, inches)
    else:
        low, high = 0, max(known) * inches / max(inches - room, 0.5)
        step = round_step(high)
        ticks = [i * step for i in range(int(high / step) + 1)]
    ax.set_xlim(low, high)
    ax.set_ylim(len(models) - 0.5, -0.5)
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: tick_words(x)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("messages a second" + (" (log scale)" if ax.get_xscale() == "log" else ""))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    for y in range(len(models)):
        ax.axhline(y, color="#E4E4E4", lw=0.4, zorder=0.5)


def tick_words(x):
    return f"{x / 1e6:,.6g} million" if x >= 999_999 else f"{x:,.6g}"


def _log_ticks(low, high, inches):
    """Round numbers, as many to a decade as their labels have room for."""
    per_decade = inches / math.log10(high / low)
    for subs, every in (((1, 2, 5), 1), ((1, 3), 1), ((1,), 1), ((1,), 2), ((1,), 3)):
        ticks = [sub * 10**k for k in range(0, 12, every) for sub in subs
                 if low <= sub * 10**k <= high]
        apart = (math.log10(b / a) * per_decade for a, b in zip(ticks, ticks[1:]))
        words = [widest([tick_words(t)], 7) for t in ticks]
        if all(gap > (a + b) / 2 + 0.08 for gap, a, b in zip(apart, words, words[1:])):
            break
    return ticks


def _raw(data, cell, model):
    return sorted(s["turns"] / s["makespan_ns"] * 1e9 for s in data.raw(cell, model)
                  if s.get("turns"))


def _model(data, ax, cells, model, y, text):
    look, rows = data.styles[model], []
    found = [(c, r) for c in cells if (r := _row(c, model))]
    if len(found) > 1:
        ax.plot([r["per_s"]["median"] for _, r in found], [y, y], color=look.tint(0.5), lw=1.2,
                zorder=2)
    for cell, row in found:
        main, e = cell is cells[-1], row["per_s"]
        if main:
            raw = _raw(data, cell, model)
            ax.plot(raw, [y] * len(raw), ls="none", marker=".", ms=2.5, mew=0, color=look.colour,
                    alpha=0.35, zorder=3)
            if e["low"] is not None:
                ax.plot([e["low"], e["high"]], [y, y], color=look.ink, lw=1.6, zorder=3,
                        solid_capstyle="butt")
        ax.plot([e["median"]], [y], ls="none", marker=look.marker, ms=5.5 if main else 4,
                color=look.colour if main else look.tint(0.55), zorder=5 if main else 4)
        rows += _rows(data, cell, model, row)
    rightmost = max([r["per_s"]["median"] for _, r in found]
                    + [v for c, _ in found[-1:] for v in _raw(data, c, model)])
    if text:
        ax.annotate(text, (rightmost, y), (5, 0), textcoords="offset points", size=SIZE,
                    va="center", ha="left", zorder=6,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4})
    return rows


def _rows(data, cell, model, row):
    key = describe("workers", cell["params"].get("workers"))
    e, cost = row["per_s"], row["cost_ns"]
    return [*(plotted(key, model, "raw", "", value) for value in _raw(data, cell, model)),
            plotted(key, model, "messages a second", "", e["median"], e["low"], e["high"], e["n"]),
            plotted(key, model, "ns a message", "", cost["median"], cost["low"], cost["high"],
                    cost["n"])]


def _alt(cells, models):
    words = []
    for model in models:
        told = [f"{rate_words(row['per_s']['median'])}/s with "
                + describe("workers", cell["params"].get("workers"))
                for cell in cells if (row := _row(cell, model))]
        words.append(f"{model} {', '.join(told)}")
    return f"Messages a second in {CASCADE}. " + "; ".join(words) + "."
