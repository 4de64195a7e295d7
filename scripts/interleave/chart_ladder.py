"""How much does it matter how a library is used? Each family's rungs, on one axis of time."""

import math
from collections import Counter

from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from . import style, units
from .bars import BEYOND, TORN
from .chart_data import IDEAL_WORDS, cpu_words, describe, known_time, plotted, row_of
from .groups import belongs_to, panel_of
from .sheet import PAGE, Drawing, NothingToDraw, make_sheet, panel_title, widest

ROW, GAP = 0.19, 0.07  # inches of a model, and between two families
SIZE = 7


def how_much_does_the_use_of_a_library_matter(data, width):
    cell = _cell(data)
    models = data.models_of([cell])
    question = "How much does it matter how a library is used?"
    reading = ("Time to finish everything, and the share of the possible speed: further left is "
               f"better. Grey: no machine with {cpu_words([cell])} can be faster. {IDEAL_WORDS} "
               "Hollow or ▶: not run, at least this long. Shown: where use matters most.")
    note = ("Markers: median with 95 % interval. Of the cells with waits and computing in which "
            "most models have a figure, the one is shown in which the measured rungs of a family "
            "lie furthest apart. ▶: beyond the axis, which ends at three times the slowest "
            "measured model of the families with several rungs.")
    heights, families = _heights(data, models, in_rows=width != PAGE)
    columns = _columns(data, models, width)
    left = sum(columns) + 0.04
    figure, (ax,) = make_sheet(width, question, reading, data.footer(
        [r["n"] for r in cell["models"] if r["n"]]), 1, heights[models[-1]] + ROW / 2, columns=1,
        left=left, right=0.05)
    _axis(ax, data, cell, models, heights[models[-1]] + ROW / 2)
    rows = _references(ax, cell)
    for model in models:
        y = heights[model]
        with belongs_to(ax, model):
            _names(ax, data, model, y, columns, left, first=model in families)
            rows += _model(ax, data, cell, model, y, _text(row_of(cell, model)))
    for model in list(families)[1:]:
        above = ROW if width != PAGE and _has_row(data, models, model) else 0.0
        ax.axhline(heights[model] - above - (ROW + GAP) / 2, color="#D8D8D8", lw=0.4, zorder=0.5)
    told = ", ".join(filter(None, (describe(k, cell["params"].get(k))
                                   for k in ("agents", "workers", "cpu_share"))))
    panel_of(ax, cell["scenario"])
    panel_title(ax, cell["scenario"], told, left=left)
    alt = (f"Times of {cell['scenario']}, {told}, by family. "
           + " ".join(_in_words(data, cell, models, family) for family in families.values()))
    return Drawing("ladder", question, reading, alt, figure, rows, note, [ax])


def _cell(data):
    """The cell with waits and computing in which most models have a figure, a time or the bound for
    which they were not run; of several the one in which a family was measured to span most. Cells
    of another kind only where there is none."""
    cells = [c for c in data.summary["cells"] if _spans(data, c)]
    if not cells:
        raise NothingToDraw("no family was measured on two rungs: choose models with --models, "
                            "for example family:asio, or all")
    default = data.summary["default_workers"]

    def instructive(cell):
        mixed = bool(cell["params"].get("cpu_share"))
        return (mixed, cell["params"].get("workers") == default,
                sum(known_time(r) is not None for r in cell["models"]), max(_spans(data, cell)),
                cell["cell_id"])

    return max(cells, key=instructive)


def _spans(data, cell):
    """Of each family measured on two rungs in the cell: its slowest time over its fastest. A bound
    of what never ran says nothing of how far use can take a library."""
    spans, families = [], {}
    for row in cell["models"]:
        if row["makespan_ns"]:
            families.setdefault(data.about[row["model"]].get("family"), []).append(row)
    for family, rows in families.items():
        rungs = {data.about[row["model"]].get("rung") for row in rows}
        if family and len(rungs) > 1:
            times = [row["makespan_ns"]["median"] for row in rows]
            spans.append(max(times) / min(times))
    return spans


def _has_row(data, models, model):
    """Whether a family needs a row for its name: not where its one model bears it."""
    family = data.about[model].get("family") or model
    return [m for m in models if (data.about[m].get("family") or m) == family] != [family]


def _heights(data, models, in_rows):
    """Inches from the top of each model's row, and the first model of each family. in_rows: a
    family's name stands above its models, not beside them."""
    heights, families, y = {}, {}, 0.0
    for model in models:
        family = data.about[model].get("family") or model
        if family not in families.values():
            families[model] = family
            y += GAP if heights else 0.0
            y += ROW if in_rows and _has_row(data, models, model) else 0.0
        y += ROW
        heights[model] = y - ROW / 2
    return heights, families


def _columns(data, models, width):
    """Inches of the family, the rung and the model before the axis; the family only on a page."""
    family = widest([data.about[m].get("family") or m for m in models], SIZE) + 0.1
    rung = widest([_rung(data, m) for m in models], SIZE) + 0.1
    return (family if width == PAGE else 0.0, rung, widest(models, SIZE) + 0.06)


def _rung(data, model):
    return data.about[model].get("rung") or "–"


def _text(row):
    if row["makespan_ns"]:
        share = f", {units.percent(row['efficiency']['median'])}" if row["efficiency"] else ""
        return units.duration(row["makespan_ns"]["median"]) + share
    if known_time(row):
        return f"not run: ≥ {units.duration(known_time(row))}"
    return f"no result ({row['reasons'][0]['status'] if row['reasons'] else 'not measured'})"


def _axis(ax, data, cell, models, height):
    shown = [y for y in (cell["lb_ns"], cell["greedy_ns"]) if y]
    shown += [s["makespan_ns"] for m in models for s in data.raw(cell, m)]
    shown += [known_time(row_of(cell, m)) for m in models if known_time(row_of(cell, m))]
    families = Counter(data.about[m].get("family") for m in models)
    slowest = max((row_of(cell, m)["makespan_ns"]["median"] for m in models
                   if row_of(cell, m)["makespan_ns"] and families[data.about[m].get("family")] > 1),
                  default=max(shown))
    low = min(shown) / 1.12
    # A text right of its marker needs at most half of the axis; further right it stands left of it.
    high = max(min(max(shown) * 1.1, slowest * TORN), low * 3)
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    ax.set_ylim(height, 0)
    apart = ax.get_window_extent().width / ax.figure.dpi / math.log10(high / low)  # of decades
    ax.xaxis.set_major_locator(FixedLocator(log_ticks(low, high, apart)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: units.tick(units.duration, x)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("time to finish everything (log scale)")
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)


def log_ticks(low, high, apart):
    """Round times between the two, as many as their labels have room for. apart: inches of a
    decade."""
    label = widest([units.tick(units.duration, y) for y in (low, high)], 7) + 0.1
    subs = (1, 2, 5) if apart * 0.3 > label else (1, 3) if apart * 0.47 > label else (1,)
    every = max(1, math.ceil(label / apart))
    ticks = [sub * 10**k for k in range(0, 14) for sub in subs
             if k % every == 0 and low <= sub * 10**k <= high]
    if len(ticks) >= 3:
        return ticks
    for subs in ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
        thinned = []
        for tick in (sub * 10**k for k in range(0, 14) for sub in subs):
            if low <= tick <= high and (
                    not thinned or math.log10(tick / thinned[-1]) * apart > label):
                thinned.append(tick)
        ticks = max(ticks, thinned, key=len)
        if len(ticks) >= 3:
            break
    return ticks


def _references(ax, cell):
    rows, key = [], cell["scenario"]
    if cell["lb_ns"]:
        ax.axvspan(ax.get_xlim()[0], cell["lb_ns"], color=style.BOUND_FILL, lw=0, zorder=0)
        rows.append(plotted(key, "", "bound", "", cell["lb_ns"]))
    if cell["greedy_ns"]:
        ax.axvline(cell["greedy_ns"], **style.IDEAL, zorder=1)
        rows.append(plotted(key, "", "greedy", "", cell["greedy_ns"]))
    return rows


def _names(ax, data, model, y, columns, left, first):
    """Family (once), rung and model, each in its column left of the axis; the family above them
    where it has no column."""
    look = data.styles[model]
    inches = ax.get_window_extent().width / ax.figure.dpi
    family, rung, _ = columns
    texts = [(0.0, (data.about[model].get("family") or model) if first and family else "", "bold",
              look.ink), (family, _rung(data, model), "normal", style.QUIET),
             (family + rung, model, "normal", look.ink)]
    if first and not family and _has_row(data, list(data.about), model):
        ax.text(-left / inches, y - ROW, data.about[model].get("family"), size=SIZE, weight="bold",
                transform=ax.get_yaxis_transform(), color=look.ink, va="center", ha="left",
                clip_on=False)
    for x, text, weight, colour in texts:
        ax.text((x - left) / inches, y, text, transform=ax.get_yaxis_transform(), size=SIZE,
                weight=weight, color=colour, va="center", ha="left", clip_on=False)


def _model(ax, data, cell, model, y, text):
    look, row, key = data.styles[model], row_of(cell, model), cell["scenario"]
    rung, at = _rung(data, model), known_time(row)
    if at is None:
        ax.annotate(text, (1, y), (-2, 0), xycoords=ax.get_yaxis_transform(),
                    textcoords="offset points", size=SIZE, color=style.QUIET, va="center",
                    ha="right")
        return []
    e, raw = row["makespan_ns"], sorted(s["makespan_ns"] for s in data.raw(cell, model))
    rows = [plotted(key, model, "not run", rung, at)] if not e else (
        [plotted(key, model, "raw", rung, v) for v in raw]
        + [plotted(key, model, "median", rung, e["median"], e["low"], e["high"], e["n"])])
    if at > ax.get_xlim()[1]:
        ax.plot(ax.get_xlim(), [y, y], color=look.tint(0.55), lw=0.6, zorder=2)
        ax.annotate(text + BEYOND, (1, y), (0, 0), xycoords=ax.get_yaxis_transform(),
                    textcoords="offset points", size=SIZE, color=look.ink, va="center", ha="right",
                    zorder=5, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6})
        return rows
    ax.plot([ax.get_xlim()[0], at], [y, y], color=look.tint(0.55), lw=0.6, zorder=2)
    ax.plot(raw, [y] * len(raw), ls="none", marker=".", ms=2.5, mew=0, color=look.colour,
            alpha=0.35, zorder=3)
    if e and e["low"] is not None:
        ax.plot([e["low"], e["high"]], [y, y], color=look.ink, lw=1.6, zorder=3,
                solid_capstyle="butt")
    ax.plot([at], [y], ls="none", marker=look.marker, ms=5, color=look.colour, mec=look.colour,
            mfc=look.colour if e else "white", mew=0.9, zorder=4, clip_on=False)
    left, right = map(math.log10, ax.get_xlim())
    beyond = (math.log10(max([at, *raw])) - left) / (right - left) > 0.5
    ax.annotate(text, (min([at, *raw]) if beyond else max([at, *raw]), y), (-5 if beyond else 5, 0),
                textcoords="offset points", size=SIZE, color=style.INK, va="center",
                ha="right" if beyond else "left", zorder=5, annotation_clip=False,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6} if beyond else None)
    return rows


def _in_words(data, cell, models, family):
    told = ", ".join(f"{_rung(data, m)} {m} {_text(row_of(cell, m))}" for m in models
                     if (data.about[m].get("family") or m) == family)
    return f"{family}: {told}."
