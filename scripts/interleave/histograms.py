"""What do many histograms of durations say together? Shares above a threshold, and a curve.

A histogram is a list of [upper_ns, count]: so many durations were less than `upper_ns` and not less
than the `upper_ns` of the bucket below (see bench/histogram.hpp: a bucket is at most 1/32 as wide
as the values in it, and all histograms have the same borders). What is read off a bucket is its
upper border: never less than the exact number, at most 1/32 more. Who knows the exact longest one
gives it as `longest`, and nothing is said to exceed it.

    merge(histograms)      one histogram of all their durations    } these three, and how many
    count(h)               how many durations                      } durations a percentile needs,
    percentile(h, q)       ns that q per cent do not exceed        } are in stats.py
    share_above(h, ns)     share of the durations above ns, 0 to 1; None where there are none
    curve(h)               [(percentile, ns), ...], rising, from 0 to the last that is borne out
"""

from .stats import count, highest_percentile, merge, percentile  # noqa: F401: all of them in one


def share_above(h, ns):
    """Counts a bucket whose upper border is above ns: of the one that ns lies in, all."""
    n = count(h)
    return sum(more for upper, more in h if upper > ns) / n if n else None


def curve(h, longest=None):
    """Between one point and the next the duration is that of the next: to be drawn in steps."""
    n = count(h)
    last = highest_percentile(n)
    if last is None:
        return []
    points, below = [], 0
    for upper, more in h:
        value = upper if longest is None else min(upper, longest)
        points = points or [(0.0, value)]
        below += more
        points.append((min(100 * below / n, last), value))
        if points[-1][0] >= last:
            return points
