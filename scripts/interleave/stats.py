"""How sure are we? Medians with exact intervals.

Pure functions over plain numbers: nothing here knows files, models or figures.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import comb

NOMINAL_COVERAGE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A median; `low`, `high` and `coverage` are None where the samples are too few for 95 %."""

    n: int
    median: float
    low: float | None
    high: float | None
    coverage: float | None


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


@lru_cache(maxsize=None)
def interval_rank(n, nominal=NOMINAL_COVERAGE):
    """The rank k such that the k-th smallest and k-th largest of n values enclose the true median
    with at least `nominal` probability, whatever the distribution; and that probability.

    The number of values below the median is Binomial(n, 1/2), so the interval misses with
    probability 2 * P(B < k) (David & Nagaraja, Order Statistics, 7.1). None: n is too small.
    """
    best = None
    below = 0
    for k in range(1, n // 2 + 1):
        below += comb(n, k - 1)
        coverage = 1 - 2 * below / 2**n
        if coverage < nominal:
            break
        best = (k, coverage)
    return best


def estimate(values):
    """Median and exact order-statistic interval; None where there is no value at all."""
    ordered = sorted(values)
    n = len(ordered)
    if n == 0:
        return None
    rank = interval_rank(n)
    if rank is None:
        return Estimate(n, median(ordered), None, None, None)
    k, coverage = rank
    return Estimate(n, median(ordered), ordered[k - 1], ordered[n - k], coverage)


def efficiency(reference_ns, makespan_ns):
    """Share of the possible speed that was reached; None where either time is unknown."""
    if not reference_ns or not makespan_ns:
        return None
    return reference_ns / makespan_ns
