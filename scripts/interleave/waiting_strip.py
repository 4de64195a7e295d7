"""How is it drawn how well a process waits? A row for each model: late wake-ups, idle CPU."""

import math

from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from . import style, units
from .bars import round_step
from .chart_data import plotted
from .chart_ladder import log_ticks
from .groups import belongs_to, give, panel_of
from .sheet import panel_title, widest

ROW, ABOVE, BELOW, GAP = 0.17, 0.3, 0.42, 0.3  # inches: of a row, around the strip, between its two
SIZE = 7


def strip_rows(data, cells, models):
    """What is known of these models at the workers of these cells, in the order of every table."""
    workers = cells[0]["params"].get("workers")
    found = {r["model"]: r for r in data.summary.get("waiting_agent") or []
             if r["workers"] == workers}
    return [found[m] for m in models if m in found]


def strip_height(rows):
    """Inches below a panel that the strip takes, with all around it."""
    return ABOVE + ROW * len(rows) + BELOW if rows else 0.0


def strip_words(rows):
    """What it shows, for the reading; nothing where there is no strip."""
    if not rows:
        return ""
    parts = ["how late half of the wake-ups are at most (hollow) and 99 of 100 (filled)"
             ] if _late(rows) else []
    parts += ["the CPU that is used while all agents wait"] if _idle(rows) else []
    most = max(r["agents"] for r in rows)
    fewer = {}
    for r in rows:
        if r["agents"] < most:
            fewer.setdefault(r["agents"], []).append(r["model"])
    others = "; ".join(f"{', '.join(names)}: {n:,}" for n, names in sorted(fewer.items()))
    return (f"Below, at {most:,} agents{f' ({others})' if others else ''}: {', and '.join(parts)}; "
            "less is better. ")


def draw_strip(data, ax, rows, left):
    """Under `ax`, `left` inches from its own left edge to that of the sheet's text. Returns its
    axes and the plotted data."""
    figure, dpi = ax.figure, ax.figure.dpi
    box = ax.get_window_extent()
    width, height = figure.get_figwidth(), figure.get_figheight()
    names = widest([data.styles[r["model"]].label for r in rows], SIZE) + 0.12
    x0 = box.x0 / dpi - left + names
    room = width - 0.12 - x0
    bottom = box.y0 / dpi - 0.42 - ABOVE - ROW * len(rows)
    axes, plots = [], []
    parts = [(_lateness, "late wake-ups", 0.6)] if _late(rows) else []
    parts += [(_idle_cpu, "idle CPU", 0.4)] if _idle(rows) else []
    usable = room - GAP * (len(parts) - 1)
    for draw, title, share in parts:
        inches = usable * share / sum(s for _, _, s in parts)
        part = figure.add_axes([x0 / width, bottom / height, inches / width,
                                ROW * len(rows) / height])
        part.set_ylim(-0.5, len(rows) - 0.5)
        part.set_yticks([])
        part.spines["left"].set_visible(False)
        plots += draw(data, part, rows)
        panel_of(part, "parked")
        panel_title(part, title)
        axes.append(part)
        x0 += inches + GAP
    for y, row in _heights(rows):
        look = data.styles[row["model"]]
        give(look.model, axes[0].annotate(
            look.label, (0, y), (-names * 72, 0), textcoords="offset points", size=SIZE,
            xycoords=axes[0].get_yaxis_transform(), color=look.ink, va="center_baseline",
            ha="left", annotation_clip=False))
    return axes, plots


def _late(rows):
    return any(r["lateness_p50_ns"] or r["lateness_p99_ns"] for r in rows)


def _idle(rows):
    return any(r["idle_cpu"] for r in rows)


def _heights(rows):
    return [(len(rows) - 1 - i, row) for i, row in enumerate(rows)]


def _lateness(data, ax, rows):
    values = [max(1, r[k]["median"]) for r in rows for k in ("lateness_p50_ns", "lateness_p99_ns")
              if r[k]]
    inches = ax.get_window_extent().width / ax.figure.dpi
    words = widest([units.duration(v) for v in values], SIZE) + 0.12
    low, high = min(values) / 1.5, max(values)
    # Room for the words right of the last mark.
    high *= (high / low) ** (words / max(0.2, inches - words)) * 1.2
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    ticks = log_ticks(low, max(values), inches / math.log10(high / low))
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: units.tick(units.duration, x)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("late by (log scale)")
    plots = []
    for y, row in _heights(rows):
        look = data.styles[row["model"]]
        half, most = row["lateness_p50_ns"], row["lateness_p99_ns"]
        at = [max(1, e["median"]) for e in (half, most) if e]
        if not at:
            continue
        with belongs_to(ax, look.model):
            ax.plot([at[0], at[-1]], [y, y], color=look.colour, lw=1.0, zorder=3)
            for e, fill in ((half, "white"), (most, look.colour)):
                if e:
                    ax.plot([max(1, e["median"])], [y], ls="none", marker=look.marker, ms=4,
                            color=look.colour, mfc=fill, mew=0.9, zorder=4)
            ax.annotate(units.duration(at[-1]), (max(at), y), (5, 0), textcoords="offset points",
                        size=SIZE, color=style.INK, va="center_baseline", annotation_clip=False)
        plots += [plotted("parked", row["model"], f"lateness {name} in ns", row["agents"],
                          e["median"], e["low"], e["high"], e["n"])
                  for name, e in (("p50", half), ("p99", most)) if e]
    return plots


def _idle_cpu(data, ax, rows):
    shares = [r["idle_cpu"]["median"] for r in rows if r["idle_cpu"]]
    inches = ax.get_window_extent().width / ax.figure.dpi
    words = widest([units.small_percent(v) for v in shares], SIZE) + 0.1
    most = max([*shares, 0.001])
    ax.set_xlim(0, most * inches / max(0.2, inches - words))
    step = round_step(ax.get_xlim()[1] * 100 * (2 if inches < 1.2 else 1)) / 100
    ax.set_xticks([i * step for i in range(int(ax.get_xlim()[1] / step) + 1)])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{units.round_number(x * 100)} %"))
    ax.set_xlabel("of one CPU")
    plots = []
    for y, row in _heights(rows):
        e, look = row["idle_cpu"], data.styles[row["model"]]
        if not e:
            continue
        with belongs_to(ax, look.model):
            ax.barh(y, e["median"], 0.6, color=look.tint(0.25), lw=0, zorder=2)
            ax.annotate(units.small_percent(e["median"]), (e["median"], y), (3, 0), size=SIZE,
                        textcoords="offset points", color=style.INK, va="center_baseline",
                        annotation_clip=False)
        plots.append(plotted("parked", row["model"], "idle CPU, share of one", row["agents"],
                             e["median"], e["low"], e["high"], e["n"]))
    return plots
