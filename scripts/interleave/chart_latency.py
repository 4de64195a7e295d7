"""How long does a turn take? The share that is done by a time, and the rare long ones."""

import math

from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from . import style, units
from .chart_data import describe, plotted, row_of
from .chart_ladder import log_ticks
from .chart_lines import LEFT, grid, log_y
from .groups import belongs_to, panel_of
from .labels import label_line_ends
from .percentile_axis import at, percentile_axis, steps_seen
from .sheet import (COLUMN, MARGIN, PAGE, Drawing, NothingToDraw, make_sheet, panel_title, widest)
from .turn_latency import curve, percentiles

CELLS = {PAGE: 3, COLUMN: 2}  # scenarios that are drawn at most
HEIGHT = 1.75
STEP = 0.13  # inches from one line of a key to the next
SEED = 1


def how_long_does_a_turn_take(data, width):
    measured = _cells(data)
    cells = sorted(measured[:CELLS[width]], key=lambda c: style.scenario_order(c[0]["scenario"]))
    if not cells:
        raise NothingToDraw("no run kept how long its turns took: runs with waits and 64 turns or "
                            "more do")
    timed = [{"models": [{"model": m} for m in found]} for _, found in cells]
    models = data.lines(timed)
    cells = [(c, {m: found[m] for m in models if m in found}) for c, found in cells]
    cells = [(c, found) for c, found in cells if found]
    question = "How long does a turn take?"
    first, second = ("Above", "Below") if width == COLUMN else ("Left", "Right")
    reading = ("From when all that a turn waits for has finished to its own finish: its waits, its "
               "computing, its time in a queue. "
               f"{first}: the share of turns that took at most so long; further left is better. "
               f"{second}: the slow ones; lower is better. At 99 %: 1 in 100 took longer. "
               f"Lines end where turns are too few to tell. {_markers(cells)}"
               f"{data.marks(timed, models)}")
    figure, axes = _sheet(data, width, question, reading, cells, models)
    for i, (cell, found) in enumerate(cells):
        _pair(data, axes[2 * i], axes[2 * i + 1], cell, found, width)
    alt = ("Lines of how long turns take, as shares that are done by a time, and as percentiles "
           "from the median to the rarest borne out, for each scenario. "
           + " ".join(_in_words(cell, found) for cell, found in cells))
    rows = [row for cell, found in measured for row in _rows(cell, found)]
    return Drawing("turn-latency", question, reading.strip(), alt, figure, rows, NOTE, axes)


NOTE = ("Turns of all runs together. The interval of a percentile draws whole blocks of runs anew "
        "(block bootstrap, 1,000 draws): it is approximate, and of few blocks rather too narrow. "
        "How long the waits of a turn are is scripted, and the same for every model: where lines "
        "lie on each other, that is all there is to see.")


def _cells(data):
    """(cell, model -> its curve and percentiles): of each scenario the cell with most models, then
    most agents; the scenarios in which the models lie furthest apart first. Kept, for both widths
    ask for it."""
    if not hasattr(data, "turn_latency"):
        best = {}
        for cell in data.summary["cells"]:
            if not _may(data, cell):
                continue
            lines = {m: line for m in data.models_of([cell]) if row_of(cell, m)
                     and (line := curve(data.raw(cell, m)))}
            rank = (len(lines), cell["params"].get("agents") or 0, cell["cell_id"])
            if len(lines) > 1 and rank > best.get(cell["scenario"], ((0, 0, ""),))[0]:
                best[cell["scenario"]] = rank, cell, lines
        widest_apart = sorted(best.values(), key=lambda b: (-_apart(b[2]), b[1]["cell_id"]))
        data.turn_latency = [
            (cell, {m: (line, percentiles(data.raw(cell, m), SEED)) for m, line in lines.items()})
            for _, cell, lines in widest_apart[:max(CELLS.values())]]
    return data.turn_latency


def _may(data, cell):
    """At the default workers. What agents that only wait, and sessions that arrive at a rate, take
    are questions of their own; so are turns of a chosen length."""
    params = cell["params"]
    return (params.get("workers") == data.summary["default_workers"]
            and not params.get("grain_us") and cell["scenario"] not in ("parked", "open-loop"))


def _apart(lines):
    """How many times as long the slow turns of one model take as another's, at the last percentile
    that all bear out."""
    last = min(line[-1][0] for line in lines.values())
    values = [next(ns for q, ns in line if q >= last) for line in lines.values()]
    return max(values) / max(1, min(values))


def _markers(cells):
    known = any(low is not None for _, found in cells for _, points in found.values()
                for _, _, low, _ in points)
    return f"Markers: percentiles{' with 95 % interval' if known else ''}. "


def _sheet(data, width, question, reading, cells, models):
    names = widest([data.styles[m].label for m in models], 7.5) + 0.2
    counts = [row["n"] for cell, found in cells for row in cell["models"] if row["model"] in found]
    figure, axes = make_sheet(width, question, reading, data.footer(counts), 2 * len(cells), HEIGHT,
                              columns=1 if width == COLUMN else 2, left=LEFT, right=names,
                              below=0.54)
    if width == PAGE:  # names stand right of the pair: what a pair has room for is halved
        spare = (names - 0.3) / 2 / width
        for i, ax in enumerate(axes):
            box = ax.get_position()
            ax.set_position([box.x0 - (spare if i % 2 else 0), box.y0, box.width + spare,
                             box.height])
    for ax in axes:
        inches = ax.get_window_extent().width / figure.dpi
        ax.yaxis.set_label_coords(-(LEFT - 0.12) / inches, 0.5)
    return figure, axes


def _pair(data, shares, slow, cell, found, width):
    scenario = cell["scenario"]
    told = ", ".join(filter(None, (describe(k, cell["params"].get(k)) for k in ("agents", "io")
                                   if cell["params"].get(k) != "timer")))
    _shares(data, shares, found, named=width == COLUMN)
    ends = _slow(data, slow, found)
    for ax, words in ((shares, told), (slow, "the slow turns")):
        panel_of(ax, scenario)
        panel_title(ax, scenario, words, left=LEFT - 0.02)
    label_line_ends(slow, ends)


def _rows(cell, found):
    rows, scenario = [], cell["scenario"]
    for model, (line, points) in found.items():
        rows += [plotted(scenario, model, "at most", round(q, 6), ns) for q, ns in line]
        rows += [plotted(scenario, model, "percentile", q, ns, low, high)
                 for q, ns, low, high in points]
    return rows


def _shares(data, ax, found, named):
    times = [ns for line, _ in found.values() for _, ns in line]
    inches = ax.get_window_extent().width / ax.figure.dpi
    # What few turns take that are over at once would be most of the axis.
    low = max(min(times), min(_time_at(line, 2) for line, _ in found.values()) / 2, 1)
    high = max(times)
    ax.set_xscale("log")
    ax.set_xlim(low / 1.1, high * 1.1)
    ax.set_ylim(0, 1.03)
    ax.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y * 100:.0f} %"))
    ax.set_ylabel("share of turns")
    ax.xaxis.set_major_locator(FixedLocator(log_ticks(
        low / 1.1, high * 1.1, inches / math.log10(high * 1.21 / low))))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: units.tick(units.duration, x)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("a turn takes at most (log scale)")
    grid(ax)
    for i, (model, (line, points)) in enumerate(found.items()):
        look = data.styles[model]
        with belongs_to(ax, model):
            ax.plot(*zip(*steps_seen(ax, [(ns, q / 100) for q, ns in line])), color=look.colour,
                    ls=look.dash, drawstyle="steps-post", zorder=4)
            ax.plot([ns for q, ns, *_ in points if q < 99],
                    [q / 100 for q, *_ in points if q < 99], ls="none", color=look.colour,
                    marker=look.marker, zorder=4.2)
            if named:
                _name(ax, look, i)


def _time_at(line, percentile):
    return next(ns for q, ns in line if q >= percentile)


def _name(ax, look, i):
    """Beside the panel, the mark and the name: lines that end at one height have no ends to name."""
    box, dpi = ax.get_window_extent(), ax.figure.dpi
    width, height = box.width / dpi, box.height / dpi
    y = 1 - (i + 0.5) * STEP / height
    ax.plot([1 + 0.09 / width], [y], ls="none", marker=look.marker, color=look.colour,
            transform=ax.transAxes, clip_on=False)
    ax.text(1 + 0.17 / width, y, look.label, transform=ax.transAxes, size=7.5, color=look.ink,
            va="center_baseline", ha="left", clip_on=False)


def _slow(data, ax, found):
    """Returns the ends of the lines, for their names."""
    tails = {m: [p for p in line if p[0] > 50] for m, (line, _) in found.items()}
    tails = {m: [(50.0, found[m][1][0][1]), *tail] for m, tail in tails.items()}
    percentile_axis(ax, max(tail[-1][0] for tail in tails.values()), "longer",
                    "share of turns that took at most this long", before=0.14)
    log_y(ax, [v for _, points in found.values() for point in points for v in point[1:]
               if v is not None] + [ns for tail in tails.values() for _, ns in tail],
          units.duration)
    ax.set_ylabel("time of a turn (log scale)")
    grid(ax)
    ends = []
    for i, (model, (_, points)) in enumerate(found.items()):
        look, tail = data.styles[model], tails[model]
        aside = (i - (len(found) - 1) / 2) * 0.012 * (ax.get_xlim()[1] - ax.get_xlim()[0])
        with belongs_to(ax, model):
            ax.plot(*zip(*steps_seen(ax, [(at(q), ns) for q, ns in tail])), color=look.colour,
                    ls=look.dash, drawstyle="steps-pre", zorder=4)
            ax.plot([at(q) + aside for q, *_ in points], [ns for _, ns, *_ in points], ls="none",
                    color=look.colour, marker=look.marker, ms=3.5, zorder=4.2)
            for q, _, low, high in points:
                if low is not None:
                    ax.plot([at(q) + aside] * 2, [low, high], color=look.ink, lw=0.8, zorder=4.1,
                            solid_capstyle="butt")
        ends.append((at(tail[-1][0]), tail[-1][1], look.label, look))
    return ends


def _in_words(cell, found):
    told = []
    for model, (_, points) in found.items():
        q, ns, *_ = [p for p in points if p[0] <= 99][-1]
        told.append(f"{model} {units.duration(ns)} ({q:g} %)")
    return f"{cell['scenario']}, what all but the slowest turns take at most: {', '.join(told)}."
