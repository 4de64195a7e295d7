"""How is a line chart built? Its axes, one model's line with all that belongs to it, its words."""

import math

from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from . import units
from .chart_data import has_measurements, plotted
from .groups import belongs_to
from .sheet import COLUMN, make_sheet, widest

LEFT = 0.7  # inches left of a panel, for "100,000 s" and the name of the axis


def start(data, width, series, question, reading, *, texts, height=1.75):
    """A sheet with one panel per series; `texts`: what will stand right of the panels."""
    counts = [r["n"] for cells in series for c in cells for r in c["models"] if r["n"]]
    columns = 1 if width == COLUMN or len(series) == 1 else 2
    figure, axes = make_sheet(
        width, question, reading, data.footer(counts), len(series), height, columns=columns,
        left=LEFT, right=widest(texts, 7.5) + 0.2)
    for ax in axes:  # one column of labels, however wide the numbers are
        inches = ax.get_window_extent().width / figure.dpi
        ax.yaxis.set_label_coords(-(LEFT - 0.12) / inches, 0.5)
    return figure, axes


def line(ax, look, dodge, raw, points, hollow):
    """One model: faint raw points, median with interval, hollow where it was not run.

    Returns the end of the line for its label.
    """
    with belongs_to(ax, look.model):
        ax.plot([x * dodge for x, _ in raw], [y for _, y in raw], ls="none", marker=".", ms=2.5,
                mew=0, color=look.colour, alpha=0.35, zorder=3)
        ax.plot([x * dodge for x, _ in points], [e["median"] for _, e in points],
                color=look.colour, ls=look.dash, marker=look.marker, zorder=4)
        for x, e in points:
            if e["low"] is not None:
                ax.plot([x * dodge] * 2, [e["low"], e["high"]], color=look.ink, lw=0.8, zorder=4,
                        solid_capstyle="butt")
        if hollow:
            _not_run(ax, look, dodge, points, hollow)
    ends = sorted([(x, e["median"]) for x, e in points] + hollow)[-1:]
    return [(x * dodge, y, look.label, look) for x, y in ends]


def _not_run(ax, look, dodge, points, hollow):
    joined = sorted([(x, e["median"]) for x, e in points] + hollow)
    first = min(x for x, _ in hollow)
    tail = [p for p in joined if p[0] >= first]
    before = [p for p in joined if p[0] < first][-1:]
    ax.plot([x * dodge for x, _ in before + tail], [y for _, y in before + tail],
            color=look.colour, lw=0.6, alpha=0.6, zorder=2)
    ax.plot([x * dodge for x, _ in hollow], [y for _, y in hollow], ls="none", marker=look.marker,
            mfc="white", mec=look.colour, mew=0.9, zorder=4, clip_on=False)


def line_rows(panel, model, raw, points, hollow, digits):
    def shown(y):
        return y if digits is None else round(y, digits)

    rows = [plotted(panel, model, "raw", x, shown(y)) for x, y in sorted(raw)]
    rows += [plotted(panel, model, "median", x, e["median"], e["low"], e["high"], e["n"])
             for x, e in points]
    return rows + [plotted(panel, model, "not run", x, y) for x, y in hollow]


def dodge_of(cells, along, i, count):
    """A small sideways step per model, so that equal results do not hide each other."""
    xs = [c["params"][along] for c in cells]
    decades = math.log10(max(xs) / min(xs)) or 1
    return 10 ** ((i - (count - 1) / 2) * 0.013 * decades)


def log_x(ax, cells, along, label, count):
    xs = sorted({c["params"][along] for c in cells})
    decades = math.log10(xs[-1] / xs[0])
    edge = 10 ** (decades * (0.013 * count / 2 + 0.05))
    ax.set_xscale("log")
    ax.set_xlim(xs[0] / edge, xs[-1] * edge)
    room = ax.get_window_extent().width / ax.figure.dpi
    kept = []
    for x in reversed(xs):  # the largest is always named; others as far as there is room
        apart = math.log10(kept[-1] / x) / (decades * 1.1) * room if kept else math.inf
        if apart > widest([f"{kept[-1]:,}" if kept else "", f"{x:,}"], 7) + 0.06:
            kept.append(x)
    ax.xaxis.set_major_locator(FixedLocator(kept))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{round(x):,}"))
    ax.xaxis.set_minor_locator(FixedLocator([x for x in xs if x not in kept]))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(label)


def log_y(ax, values, words, room_below=1.3):
    low, high = min(values) / room_below, max(values) * 1.3
    ax.set_yscale("log")
    ax.set_ylim(low, high)
    decades = math.log10(high / low)
    subs = (1,) if decades > 5 else (1, 3) if decades > 1.5 else (1, 2, 5)
    ax.yaxis.set_major_locator(LogLocator(subs=subs, numticks=20))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: units.tick(words, y)))
    ax.yaxis.set_minor_locator(NullLocator())


def grid(ax):
    ax.grid(True, axis="y", color="#D8D8D8", lw=0.4, zorder=0.5)
    ax.set_axisbelow(True)


def markers(cells):
    known = any(r["makespan_ns"] and r["makespan_ns"]["low"] is not None
                for c in cells for r in c["models"])
    return "Markers: median with 95 % interval." if known else "Markers: median."


def alt_text(what, series, value, along, key):
    """The picture in words: its kind, then who stands where at the far end of each panel."""
    parts = [what]
    for cells in series:
        last = next((c for c in reversed(cells) if has_measurements([c])), cells[-1])
        ranked = sorted((r for r in last["models"] if r[key]), key=lambda r: r[key]["median"])
        if ranked:
            found = ", ".join(f"{r['model']} {value(r)}" for r in ranked)
            parts.append(f"{last['scenario']} at {units.plural(last['params'][along], along[:-1])}"
                         f": {found}.")
    return " ".join(parts)
