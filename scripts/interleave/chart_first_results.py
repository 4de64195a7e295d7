"""How soon is there a first result? A strip for each model: its first, middle and last result."""

import math

from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from . import style, units
from .chart_data import describe, plotted
from .chart_ladder import log_ticks
from .first_results import SCENARIO, order_words
from .groups import belongs_to, give, panel_of
from .sheet import MARGIN, PAGE, Drawing, NothingToDraw, make_sheet, panel_title, widest

ROW, SIZE = 0.21, 7
MOMENTS = (("first", "first_ns"), ("middle", "middle_ns"), ("last", "last_ns"))


def how_soon_is_there_a_first_result(data, width):
    cell = _cell(data)
    shown = [row for row in cell["models"] if row["first_ns"]]
    question = "How soon is there a first result?"
    reading = ("Each result is used as soon as it is there. Marker: the first, upright line: half "
               "of them, end of the strip: the last; further left is better. Dashed: the first "
               "result of an ideal scheduler without any overhead. Right: pairs of results that "
               "came in another order than the ideal.")
    words = {r["model"]: _order(r, width) for r in shown}
    right = widest([*words.values(), "swapped"], SIZE) + 0.14
    left = widest([data.styles[r["model"]].label for r in shown], 7.5) + 0.12
    figure, (ax,) = make_sheet(width, question, reading, data.footer(
        [r["first_ns"]["n"] for r in shown]), 1, ROW * len(shown) + 0.06, columns=1, left=left,
        right=right)
    _axis(ax, shown, width)
    _head(ax, width)
    rows = _ideal(ax, shown)
    for y, row in enumerate(shown):
        with belongs_to(ax, row["model"]):
            rows += _strip(data, ax, cell, row, y, width)
            ax.annotate(words[row["model"]], (1, y), (8, 0), xycoords=ax.get_yaxis_transform(),
                        textcoords="offset points", size=SIZE, va="center", annotation_clip=False)
    ax.set_yticks(range(len(shown)), [data.styles[r["model"]].label for r in shown], size=7.5)
    for tick, row in zip(ax.get_yticklabels(), shown):
        tick.set_color(data.styles[row["model"]].ink)
        give(row["model"], tick)
    told = ", ".join(filter(None, (describe(k, cell["params"].get(k))
                                   for k in ("agents", "workers"))))
    panel_of(ax, SCENARIO)
    panel_title(ax, SCENARIO, told, left=left - MARGIN / 2)
    return Drawing("first-result", question, reading, _alt(shown, told), figure, rows, NOTE, [ax])


NOTE = ("Each moment is the median over the runs. The ideal scheduler starts whatever is ready as "
        "soon as a CPU is free, and costs nothing itself. If the order were left to chance, half "
        "of all pairs would come swapped.")


def _cell(data):
    """With the default workers, the cell in which most models were measured; of several that with
    most agents."""
    section = data.summary.get("first_results")
    cells = [c for c in (section["cells"] if section else [])
             if c["params"].get("workers") == data.summary["default_workers"]
             and any(r["first_ns"] for r in c["models"])]
    if not cells:
        raise NothingToDraw(f"`{SCENARIO}` was not measured at the default number of workers")
    return max(cells, key=lambda c: (len(c["models"]), c["params"].get("agents") or 0,
                                     c["cell_id"]))


def _order(row, width):
    if width == PAGE:
        return order_words(row)
    share = row["out_of_order"]
    return units.percent(share["median"]) if share else "–"


def _times(row):
    return [row[key]["median"] for _, key in MOMENTS if row[key]]


def _axis(ax, shown, width):
    """Logarithmic, with room for the words left of the first and right of the last mark."""
    known = [t for row in shown for t in _times(row)]
    known += [row["ideal_first_ns"]["median"] for row in shown if row["ideal_first_ns"]]
    inches = ax.get_window_extent().width / ax.figure.dpi
    before, after = _room(shown, "first_ns"), _room(shown, "last_ns") if width == PAGE else 0.1
    decades = max(math.log10(max(known) / min(known)), 0.1)
    per_inch = decades / max(inches - before - after, 0.3)
    low, high = min(known) / 10 ** (before * per_inch), max(known) * 10 ** (after * per_inch)
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    ax.set_ylim(len(shown) - 0.5, -0.5)
    ax.xaxis.set_major_locator(FixedLocator(log_ticks(low, high, inches / math.log10(high / low))))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: units.tick(units.duration, x)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("time since the start (log scale)")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    for y in range(len(shown)):
        ax.axhline(y, color="#E4E4E4", lw=0.4, zorder=0.5)


def _room(shown, key):
    return widest([units.duration(r[key]["median"]) for r in shown if r[key]], SIZE) + 0.12


def _head(ax, width):
    words = "order of the results" if width == PAGE else "swapped"
    ax.annotate(words, (1, 1), (8, 4), xycoords="axes fraction", textcoords="offset points",
                size=SIZE, color=style.QUIET, va="bottom", annotation_clip=False)


def _ideal(ax, shown):
    ideal = [row["ideal_first_ns"]["median"] for row in shown if row["ideal_first_ns"]]
    if not ideal:
        return []
    ax.axvline(min(ideal), **style.IDEAL, zorder=1)
    return [plotted(SCENARIO, "", "ideal first", min(ideal), "")]


def _strip(data, ax, cell, row, y, width):
    look, times = data.styles[row["model"]], _times(row)
    ax.plot([min(times), max(times)], [y, y], color=look.tint(0.5), lw=3.2, zorder=2,
            solid_capstyle="butt")
    for kind, key in MOMENTS:
        if row[key] and kind != "first":
            ax.plot([row[key]["median"]], [y], ls="none", marker="|", ms=9, mew=1.3,
                    color=look.ink, zorder=3)
    first = row["first_ns"]
    raw = sorted(s["results"]["first_ns"] for s in data.raw(cell, row["model"])
                 if (s.get("results") or {}).get("first_ns") is not None)
    ax.plot(raw, [y] * len(raw), ls="none", marker=".", ms=2.5, mew=0, color=look.colour,
            alpha=0.35, zorder=3)
    ax.plot([first["median"]], [y], ls="none", marker=look.marker, ms=5.5, color=look.colour,
            zorder=4)
    ax.annotate(units.duration(first["median"]), (min([first["median"], *raw]), y), (-5, 0),
                textcoords="offset points", size=SIZE, va="center", ha="right", zorder=5,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4})
    if row["last_ns"] and width == PAGE:
        ax.annotate(units.duration(row["last_ns"]["median"]), (row["last_ns"]["median"], y), (4, 0),
                    textcoords="offset points", size=SIZE, va="center", ha="left", zorder=5,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4})
    return _rows(row, raw)


def _rows(row, raw):
    rows = [plotted(SCENARIO, row["model"], "raw first", x, "") for x in raw]
    rows += [plotted(SCENARIO, row["model"], kind, e["median"], "", e["low"], e["high"], e["n"])
             for kind, key in MOMENTS if (e := row[key])]
    share = row["out_of_order"]
    return rows + ([plotted(SCENARIO, row["model"], "share of pairs swapped", share["median"], "",
                            share["low"], share["high"], share["n"])] if share else [])


def _alt(shown, told):
    words = [f"{r['model']} first after {units.duration(r['first_ns']['median'])}"
             + (f", last after {units.duration(r['last_ns']['median'])}" if r["last_ns"] else "")
             + f", {order_words(r)}" for r in shown]
    return f"Strips of time, {SCENARIO}, {told}. " + "; ".join(words) + "."
