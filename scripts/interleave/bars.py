"""How is a bar chart of one cell built? A bar for each model, the bound, the ideal, the words."""

import math

from matplotlib.ticker import FuncFormatter

from . import stats, style, units
from .chart_data import known_time, plotted, row_of
from .groups import belongs_to, give, panel_of

TORN = 3.0  # a bar this many times the middle one runs off the axis, and says so
BEYOND = "  ▶"  # after the words of a bar that goes on where the axis ends


def bars(data, ax, cell, models, beside=lambda model: "", room=1.22):
    """Returns the plotted data. `beside`: what is written after a model's time; `room`: how much
    longer the axis is than the longest bar, for the text after it."""
    key, rows = cell["scenario"], []
    end, torn = _end(data, cell, models)
    ax.set_xlim(0, end * max(room, 1.6 if torn else 0))
    ax.set_ylim(len(models) - 0.5, -0.5)
    unit_ns, unit = next((u for u in units.DURATIONS if end >= u[0]), units.DURATIONS[-1])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: units.round_number(x / unit_ns)))
    step = round_step(ax.get_xlim()[1] / unit_ns) * unit_ns
    ax.set_xticks([i * step for i in range(int(ax.get_xlim()[1] / step) + 1)])
    ax.set_xlabel(f"time to finish everything ({unit})")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    if cell["lb_ns"]:
        ax.axvspan(0, cell["lb_ns"], color=style.BOUND_FILL, lw=0, zorder=0)
        ax.axvline(cell["lb_ns"], color=style.QUIET, lw=0.7, zorder=5)
        rows.append(plotted(key, "", "bound", "", cell["lb_ns"]))
    if cell["greedy_ns"]:
        ax.axvline(cell["greedy_ns"], **style.IDEAL, zorder=5)
        rows.append(plotted(key, "", "greedy", "", cell["greedy_ns"]))
    for y, model in enumerate(models):
        row = row_of(cell, model)
        if row is not None:
            with belongs_to(ax, model):
                rows += _bar(data, ax, cell, row, y, beside, end)
    panel_of(ax, key)
    return rows


def _bar(data, ax, cell, row, y, beside, end):
    """A model's bar, or in its place why it has none."""
    model, look = row["model"], data.styles[row["model"]]
    if row["makespan_ns"]:
        text = units.duration(row["makespan_ns"]["median"]) + beside(model)
        return _measured_bar(data, ax, cell, model, row["makespan_ns"], y, text, end)
    if row["skipped_by_bound"] and row["lb_model_ns"]:
        bound, right = row["lb_model_ns"], ax.get_xlim()[1]
        ax.barh(y, min(bound, right), 0.62, facecolor="white", edgecolor=look.tint(0.45),
                hatch="/////", lw=0.8, zorder=2)
        inside = bound > 0.5 * right
        ax.annotate(f"not run: at least {units.duration(bound)}{BEYOND if bound > end else ''}",
                    (min(bound, right), y), (-3 if inside else 4, 0),
                    textcoords="offset points", va="center",
                    ha="right" if inside else "left", size=7, color=look.ink, zorder=6,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2})
        return [plotted(cell["scenario"], model, "not run", "", bound)]
    reason = row["reasons"][0]["status"] if row["reasons"] else "not measured"
    ax.annotate(f"no result ({reason})", (0, y), (4, 0), textcoords="offset points", va="center",
                size=7, color=style.QUIET, zorder=6,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2})
    return []


def _end(data, cell, models):
    """How long the longest bar is that is shown whole, and whether any is not. One slow model must
    not flatten all others."""
    shown = [r for r in cell["models"] if r["model"] in models]
    medians = [r["makespan_ns"]["median"] for r in shown if r["makespan_ns"]]
    limit = TORN * stats.median(medians)
    whole = max([s["makespan_ns"] for r in shown for s in data.raw(cell, r["model"])
                 if r["makespan_ns"] and r["makespan_ns"]["median"] <= limit])
    times = [time for r in shown if (time := known_time(r)) is not None]
    end = max([whole] + [time for time in times if time <= max(limit, whole)])
    return end, any(time > end for time in times)


def _measured_bar(data, ax, cell, model, e, y, text, end):
    look, key = data.styles[model], cell["scenario"]
    raw = sorted(s["makespan_ns"] for s in data.raw(cell, model))
    rows = ([plotted(key, model, "raw", "", v) for v in raw]
            + [plotted(key, model, "median", "", e["median"], e["low"], e["high"], e["n"])])
    right = ax.get_xlim()[1]
    ax.barh(y, min(e["median"], right), 0.62, color=look.tint(0.15), lw=0, zorder=2)
    if e["median"] > end:
        ax.annotate(text + BEYOND, (right, y), (-3, 0), textcoords="offset points", va="center",
                    ha="right", size=7, color=style.INK, zorder=6,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2})
        return rows
    ax.plot(raw, [y + 0.39] * len(raw), ls="none", marker=".", ms=2.5, mew=0, color=style.INK,
            alpha=0.35, zorder=3)
    if e["low"] is not None:
        for colour, thick in (("white", 2.6), (style.INK, 1.1)):  # seen on a black bar as well
            ax.plot([e["low"], e["high"]], [y, y], color=colour, lw=thick, zorder=6,
                    solid_capstyle="butt")
    ax.annotate(text, (min(max(raw[-1], e["median"]), end), y), (4, 0),
                textcoords="offset points", va="center", size=7, color=style.INK, zorder=6,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6})
    return rows


def name_the_bars(data, ax, models):
    """Writes each model at its bar, in its colour."""
    ax.set_yticks(range(len(models)), [data.styles[m].label for m in models], size=7.5)
    for tick, model in zip(ax.get_yticklabels(), models):
        tick.set_color(data.styles[model].ink)
        give(model, tick)


def round_step(span):
    """A round step that cuts `span` into three to six."""
    base = 10 ** math.floor(math.log10(span / 3))
    return next(base * k for k in (1, 2, 2.5, 5, 10) if span / (base * k) <= 5.5)


def in_words(cell):
    ranked = sorted((r for r in cell["models"] if r["makespan_ns"]),
                    key=lambda r: r["makespan_ns"]["median"])
    words = [f"{r['model']} {units.duration(r['makespan_ns']['median'])}" for r in ranked]
    words += [f"{r['model']} not run, at least {units.duration(r['lb_model_ns'])}"
              for r in cell["models"] if r["skipped_by_bound"] and r["lb_model_ns"]]
    return ", ".join(words)
