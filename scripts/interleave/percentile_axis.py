"""How is an axis of percentiles drawn, as HdrHistogram does? Each further nine as far as the last."""

import math

from matplotlib.ticker import FixedLocator

from .sheet import widest

# How many are beyond the percentile.
TICKS = {50: "half", 90: "1 in 10 {}", 99: "1 in 100 {}", 99.9: "1 in 1,000 {}"}
NAMED_FIRST = (50, 99, 99.9, 90)  # where there is no room for all
FINEST = 0.4  # points: a step that is smaller in both directions cannot be seen


def at(percentile):
    """Where it lies: each further nine as far from the last as that from the one before."""
    return -math.log10(1 - percentile / 100)


def percentile_axis(ax, last, beyond, label, before=0.06):
    """From the median to `last`: ticks with their words, as far as there is room for them.
    `beyond`: what those are that are beyond a percentile, such as "later"; `before`: room left of
    the median, for marks that stand aside."""
    ax.set_xlim(at(50) - before, at(last) * 1.04)
    room = ax.get_window_extent().width / ax.figure.dpi / (ax.get_xlim()[1] - ax.get_xlim()[0])
    lines = ({q: f"{q:g} %" for q in TICKS}, {q: w.format(beyond) for q, w in TICKS.items()})
    kept = ([], [])
    for q in (q for q in NAMED_FIRST if q <= last):
        for words, named in zip(lines, kept):
            if all(abs(at(q) - at(k)) * room > (widest([words[q]], 7) + widest([words[k]], 7)) / 2
                   + 0.05 for k in named):
                named.append(q)
            else:
                break
    ticks = [q for q in TICKS if q <= last]
    ax.xaxis.set_major_locator(FixedLocator([at(q) for q in ticks]))
    ax.set_xticklabels(["\n".join(words[q] for words, named in zip(lines, kept) if q in named)
                        for q in ticks])
    ax.set_xlabel(label)


def steps_seen(ax, points):
    """The points (x, y) of a line in steps without those whose steps nobody could see. Limits and
    scales must be final."""
    pixels = ax.transData.transform(points) * (72 / ax.figure.dpi)
    kept = [0]
    for i in range(1, len(points) - 1):
        if abs(pixels[i] - pixels[kept[-1]]).max() >= FINEST:
            kept.append(i)
    return [points[i] for i in (*kept, len(points) - 1)]
