"""How are one or two values of each model drawn on a line of their own? Dots, the band between."""

import math

from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from . import style, units
from .chart_ladder import log_ticks
from .groups import belongs_to, give
from .sheet import widest

ROW, SIZE = 0.2, 7
BEFORE, ROOM = 0.08, 0.14  # inches left of the first mark, and from the last one to its words
LEAST_DECADES = 0.3


def rows_axis(ax, values, label, texts=()):
    """Logarithmic, over these nanoseconds, with room for the texts right of the last one."""
    values = [v for v in values if v is not None and v > 0]
    inches = ax.get_window_extent().width / ax.figure.dpi
    after = min(widest(texts, SIZE) + ROOM, inches * 0.55)
    low, high = math.log10(min(values)), math.log10(max(values))
    if high - low < LEAST_DECADES:  # or what is chance would look like much
        middle = (low + high) / 2
        low, high = middle - LEAST_DECADES / 2, middle + LEAST_DECADES / 2
    an_inch = (high - low) / (inches - BEFORE - after)
    low, high = low - BEFORE * an_inch, high + after * an_inch
    ax.set_xscale("log")
    ax.set_xlim(10 ** low, 10 ** high)
    ax.xaxis.set_major_locator(FixedLocator(log_ticks(10 ** low, 10 ** high, 1 / an_inch)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: units.tick(units.duration, x)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel(f"{label} (log scale)")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def name_rows(data, ax, models):
    """Writes each model at its row, in its colour, on a hair line."""
    ax.set_ylim(len(models) - 0.5, -0.5)
    ax.set_yticks(range(len(models)), [data.styles[m].label for m in models], size=7.5)
    for y, (tick, model) in enumerate(zip(ax.get_yticklabels(), models)):
        tick.set_color(data.styles[model].ink)
        give(model, tick)
        ax.axhline(y, color="#E4E4E4", lw=0.4, zorder=0.5)


def mark(ax, look, y, e, hollow=False, raw=()):
    """A median with its interval, filled or hollow, and the single runs as faint dots."""
    with belongs_to(ax, look.model):
        ax.plot(sorted(raw), [y] * len(raw), ls="none", marker=".", ms=2.5, mew=0,
                color=look.colour, alpha=0.35, zorder=3)
        if e["low"] is not None:
            ax.plot([e["low"], e["high"]], [y, y], color=look.ink, lw=1, zorder=3.5,
                    solid_capstyle="butt")
        ax.plot([e["median"]], [y], ls="none", marker=look.marker, ms=5, mew=1.1, mec=look.colour,
                mfc="white" if hollow else look.colour, zorder=4)


def band(ax, look, y, a, b):
    """Between the two values of a model."""
    give(look.model, *ax.plot([a, b], [y, y], color=look.tint(0.55), lw=2.6, zorder=2,
                              solid_capstyle="butt"))


def beside(ax, y, x, text, model):
    give(model, ax.annotate(text, (x, y), (6, 0), textcoords="offset points", size=SIZE,
                            va="center", ha="left", color=style.INK, zorder=5,
                            annotation_clip=False))


def say(ax, y, text, model):
    give(model, ax.annotate(text, (0, y), (4, 0), xycoords=("axes fraction", "data"), size=SIZE,
                            textcoords="offset points", va="center", color=style.QUIET))
