"""Does it matter whether agents wait or compute? Two panels of bars, one order of models."""

import math

from matplotlib.ticker import FuncFormatter

from . import style, units
from .chart_data import (IDEAL_WORDS, cpu_words, describe, has_measurements, plotted, row_of)
from .sheet import COLUMN, MARGIN, Drawing, NothingToDraw, make_sheet, panel_title, widest

TORN = 3.0  # a bound this many times the slowest measured model runs off the axis, and says so


def waiting_or_computing(data, width):
    waiting = _waiting_cell(data)
    computing = _computing_cell(data)
    question = "Does it matter whether agents wait or compute?"
    cells = [waiting, computing]
    reading = (f"Time to finish everything: shorter is better. Grey: no machine with "
               f"{cpu_words(cells)} can be faster. {IDEAL_WORDS} Black line: 95 % interval, "
               "dots: each run. Hatched: not run, at least this long by its structure.")
    models = data.models_of(cells)
    labels = [data.styles[m].long_label for m in models]
    stacked = width == COLUMN
    left = widest(labels, 7.5) + 0.12
    counts = [r["n"] for c in cells for r in c["models"] if r["n"]]
    figure, axes = make_sheet(width, question, reading, data.footer(counts), 2,
                              0.27 * len(models) + 0.1, columns=1 if stacked else 2, left=left,
                              right=0.14 if stacked else 0.2, below=0.42)
    rows = []
    for ax, cell, words in zip(axes, cells, ("mostly waiting", "only computing")):
        rows += _bars(data, ax, cell, models)
        ax.set_yticks(range(len(models)), labels, size=7.5)
        for tick, model in zip(ax.get_yticklabels(), models):
            tick.set_color(data.styles[model].ink)
        panel_title(ax, words[0].upper() + words[1:],
                    f"{cell['scenario']}, {describe('agents', cell['params'].get('agents'))}",
                    left=left - MARGIN / 2)
    alt = "Two panels of horizontal bars, the time to finish everything of each model. " + " ".join(
        f"{title}: {_in_words(cell)}." for title, cell in zip(("Mostly waiting", "Only computing"),
                                                              cells))
    return Drawing("waiting-or-computing", question, reading, alt, figure, rows, axes=axes)


def _waiting_cell(data):
    """The largest `fanout` at the default workers whose bound is a path of waits, not the sum of
    all computing, and in which every model was measured that is not ruled out by its own bound."""
    cells = [c for c in data.summary["cells"] if c["scenario"] == "fanout" and has_measurements([c])
             and c["params"].get("workers") == data.summary["default_workers"]]
    if not cells:
        raise NothingToDraw("`fanout` was not measured at the default number of workers")

    def common(cell):
        samples = [s for r in cell["models"] for s in data.raw(cell, r["model"])]
        waits = all(s["lb_ns"] <= (s.get("critical_path_ns") or 0) for s in samples)
        lost = [r for r in cell["models"] if not r["makespan_ns"] and not r["skipped_by_bound"]]
        params = cell["params"]
        return waits, -len(lost), params.get("agents") or 0, -(params.get("cpu_share") or 0)

    return max(cells, key=common)


def _computing_cell(data):
    cells = [c for c in data.summary["cells"] if c["scenario"] == "compute"
             and has_measurements([c])
             and c["params"].get("workers") == data.summary["default_workers"]]
    if not cells:
        raise NothingToDraw("`compute` was not measured at the default number of workers")
    return max(cells, key=lambda c: c["params"].get("agents") or 0)


def _bars(data, ax, cell, models):
    key, rows = cell["scenario"], []
    measured = [(s["makespan_ns"]) for m in models for s in data.raw(cell, m)]
    bounds = [r["lb_model_ns"] for r in cell["models"] if r["skipped_by_bound"]
              and r["lb_model_ns"]]
    longest = max(measured)
    end = max([longest] + [b for b in bounds if b <= TORN * longest])
    torn = any(b > TORN * longest for b in bounds)
    ax.set_xlim(0, end * (1.6 if torn else 1.22))
    ax.set_ylim(len(models) - 0.5, -0.5)
    unit_ns, unit = next((u for u in units.DURATIONS if end >= u[0]), units.DURATIONS[-1])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: units.round_number(x / unit_ns)))
    step = _step(ax.get_xlim()[1] / unit_ns) * unit_ns
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
        look, row = data.styles[model], row_of(cell, model)
        if row is None:
            continue
        if row["makespan_ns"]:
            rows += _measured_bar(data, ax, cell, model, look, row["makespan_ns"], y, key)
        elif row["skipped_by_bound"] and row["lb_model_ns"]:
            bound = row["lb_model_ns"]
            ax.barh(y, min(bound, ax.get_xlim()[1]), 0.62, facecolor="white", edgecolor=look.tint(
                0.45), hatch="/////", lw=0.8, zorder=2)
            inside = bound > end
            ax.annotate(f"not run: at least {units.duration(bound)}{'  ▶' if inside else ''}",
                        (1, y) if inside else (bound, y), (-3 if inside else 4, 0),
                        xycoords=("axes fraction", "data") if inside else "data",
                        textcoords="offset points", va="center",
                        ha="right" if inside else "left", size=7, color=look.ink, zorder=6,
                        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2})
            rows.append(plotted(key, model, "not run", "", bound))
        else:
            reason = row["reasons"][0]["status"] if row["reasons"] else "not measured"
            ax.annotate(f"no result ({reason})", (0, y), (4, 0), textcoords="offset points",
                        va="center", size=7, color=style.QUIET)
    return rows


def _measured_bar(data, ax, cell, model, look, e, y, key):
    ax.barh(y, e["median"], 0.62, color=look.tint(0.15), lw=0, zorder=2)
    raw = sorted(s["makespan_ns"] for s in data.raw(cell, model))
    ax.plot(raw, [y + 0.39] * len(raw), ls="none", marker=".", ms=2.5, mew=0, color=style.INK,
            alpha=0.35, zorder=3)
    if e["low"] is not None:
        for colour, thick in (("white", 2.6), (style.INK, 1.1)):  # seen on a black bar as well
            ax.plot([e["low"], e["high"]], [y, y], color=colour, lw=thick, zorder=6,
                    solid_capstyle="butt")
    ax.annotate(units.duration(e["median"]), (max(raw[-1], e["median"]), y), (4, 0),
                textcoords="offset points", va="center", size=7, color=style.INK, zorder=6,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6})
    return ([plotted(key, model, "raw", "", v) for v in raw]
            + [plotted(key, model, "median", "", e["median"], e["low"], e["high"], e["n"])])


def _step(span):
    """A round step that cuts `span` into three to six."""
    base = 10 ** math.floor(math.log10(span / 3))
    return next(base * k for k in (1, 2, 2.5, 5, 10) if span / (base * k) <= 5.5)


def _in_words(cell):
    ranked = sorted((r for r in cell["models"] if r["makespan_ns"]),
                    key=lambda r: r["makespan_ns"]["median"])
    words = [f"{r['model']} {units.duration(r['makespan_ns']['median'])}" for r in ranked]
    words += [f"{r['model']} not run, at least {units.duration(r['lb_model_ns'])}"
              for r in cell["models"] if r["skipped_by_bound"] and r["lb_model_ns"]]
    return ", ".join(words)
