"""What do many histograms of durations say together? Merging them, percentiles, shares, a curve.

A histogram is a list of [upper_ns, count]: so many durations were less than `upper_ns` and not less
than the `upper_ns` of the bucket below (see bench/histogram.hpp: a bucket is at most 1/32 as wide
as the values in it, and all histograms have the same borders). Percentiles of several processes are
read off their merged histogram and nothing else: an average of percentiles is none.

    merge(histograms)      one histogram of all their durations; None among them is passed over
    count(h)               how many durations
    percentile(h, q)       nanoseconds that q per cent do not exceed; None where they are too few
    share_above(h, ns)     share of the durations above ns, 0 to 1; None where there are none
    curve(h)               [(percentile, ns), ...], rising, from 0 to the last that is borne out

What is read off a bucket is its upper border: never less than the exact number, at most 1/32 more.
Who knows the exact longest one gives it as `longest`, and nothing is said to exceed it.
"""

from collections import Counter
from fractions import Fraction
from math import ceil

MIDDLE = 50
DOUBT = 0.01


def merge(histograms):
    counts = Counter()
    for histogram in histograms:
        for upper, n in histogram or []:
            counts[upper] += n
    return [[upper, counts[upper]] for upper in sorted(counts) if counts[upper]]


def count(h):
    return sum(n for _, n in h)


def enough(n, q):
    """Are n durations enough for the percentile q?

    One is for the median. Above it, at least two must lie beyond the percentile in 99 of 100 such
    samples, or it would be read off a single stray one: 64 for p90, 662 for p99, 6,636 for p99.9.
    """
    return n >= 1 if q <= MIDDLE else n >= 1 and _risk(n, 1 - q / 100) <= DOUBT


def _risk(n, beyond):
    """The probability that none or one of n lies where a share of `beyond` is expected."""
    return (1 - beyond) ** n + n * beyond * (1 - beyond) ** (n - 1)


def highest(n):
    """The highest percentile that n durations are enough for; None where there is none at all."""
    if n < 1:
        return None
    low, high = 0.0, 1 - MIDDLE / 100  # of the share beyond; more of it is less risk
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if _risk(n, middle) <= DOUBT else (middle, high)
    return 100 * (1 - high)


def percentile(h, q, longest=None):
    n = count(h)
    if not enough(n, q):
        return None
    rank = max(1, ceil(Fraction(str(q)) * n / 100))
    below = 0
    for upper, more in h:
        below += more
        if below >= rank:
            return upper if longest is None else min(upper, longest)


def share_above(h, ns):
    """Counts a bucket whose upper border is above ns: of the one that ns lies in, all."""
    n = count(h)
    return sum(more for upper, more in h if upper > ns) / n if n else None


def curve(h, longest=None):
    """Between one point and the next the duration is that of the next: to be drawn in steps."""
    n = count(h)
    last = highest(n)
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
