"""How sure are we? All statistics of the suite, to be read in a sitting.

Pure functions over plain numbers: nothing here knows files, samples or figures. In this order:

    estimate                           a median with its exact interval
    compare_paired, compare_unpaired   one quantity of two models, as a ratio with its interval
    holm, margin, verdict              what may be said of ratios, of one or of many at once
    cell_comparisons, tiers            all models of a cell against each other
    percentile and its gate            of merged histograms
    theil_sen, metg                    a slope; the least grain of work at half efficiency
    block_bootstrap                    an interval for what has no exact one

Nothing assumes a normal distribution: times are skewed, have several modes, and now and then one is
far out. The exact intervals hold whatever the distribution, of independent runs (Hoefler & Belli,
"Scientific Benchmarking of Parallel Computing Systems", SC'15, rules 5 to 8).
"""

import math
import random
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations

ALPHA = 0.05  # how often a claim may be wrong by chance
NOMINAL_COVERAGE = 1 - ALPHA
# With fewer blocks one odd block decides, and of many comparisons none could pass Holm's test.
ENOUGH_BLOCKS = 15
# Times that differ by less are alike in practice: the order of linking and the size of the
# environment alone move a program by several per cent (Mytkowicz et al., ASPLOS'09).
MARGIN = 0.03
FASTER, SLOWER, EQUIVALENT, NOT_RESOLVED = "faster", "slower", "equivalent", "not resolved"


# ---- a median with its interval ----

@dataclass(frozen=True)
class Estimate:
    """A median; `low`, `high` and `coverage` are None where the samples are too few for 95 %."""

    n: int
    median: float
    low: float | None
    high: float | None
    coverage: float | None


def median(values):
    return _middle(sorted(values))


def _middle(ordered):
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
        below += math.comb(n, k - 1)
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
        return Estimate(n, _middle(ordered), None, None, None)
    k, coverage = rank
    return Estimate(n, _middle(ordered), ordered[k - 1], ordered[n - k], coverage)


def efficiency(reference_ns, makespan_ns):
    """Share of the possible speed that was reached; None where either time is unknown."""
    if not reference_ns or not makespan_ns:
        return None
    return reference_ns / makespan_ns


# ---- one quantity of two models ----

@dataclass(frozen=True)
class Ratio:
    """One quantity of two models, ours over theirs, and how sure that is.

    low, high    the 95 % interval of this comparison by itself; None where samples are too few
    p            exact and two-sided: how often chance alone would set the two as far apart
    detectable   the smallest change of this direction, as a ratio above 1, that samples scattered
                 like these would have told from none; None where they could not have. The two
                 are told apart exactly where they differ by more.
    """

    n: int
    median: float
    low: float | None
    high: float | None
    p: float | None = None
    detectable: float | None = None


def compare_paired(ours, theirs, family=1):
    """ours, theirs: block -> time. None: no block has both. `family`: among how many comparisons
    the 5 % are shared (see `holm_shares`); it sets `detectable` and nothing else.

    Two models are compared within blocks, for what disturbs the machine for a while disturbs both.
    The estimate is the median of d = ln(ours / theirs), its interval [d(k), d(n+1-k)] of the
    ordered d with the k of `interval_rank`: the exact sign test turned round (Conover, Practical
    Nonparametric Statistics, 3.4).
    """
    return _paired(sorted(math.log(ours[b]) - math.log(theirs[b]) for b in ours if b in theirs),
                   family)


def _paired(ordered, family):
    n = len(ordered)
    return _ratio(n, ordered, _middle(ordered), sign_test_of(ordered), interval_rank(n),
                  interval_rank(n, 1 - ALPHA / family)) if n else None


def sign_test_of(ordered):
    return sign_test(bisect_left(ordered, 0), len(ordered) - bisect_right(ordered, 0))


@lru_cache(maxsize=None)
def sign_test(below, above):
    """Exact two-sided p of the hypothesis that both are equally likely: 2 * P(B <= the lesser), B
    being Binomial(below + above, 1/2). Ties say nothing of either side, and are not to be counted
    (Conover 3.4)."""
    n = below + above
    tail = sum(math.comb(n, i) for i in range(min(below, above) + 1))
    return min(1.0, 2 * tail / 2**n)


def _ratio(n, ordered, centre, p, rank, family_rank):
    """From ordered logarithms, and the ranks of their interval by itself and within its family."""
    def ends(found):
        return (None, None) if found is None else (ordered[found[0] - 1], ordered[-found[0]])

    low, high = ends(rank)
    least, most = ends(family_rank)
    # Had all been shifted by more, away from 0, the interval would lie beside it.
    seen = None if least is None else centre - least if centre > 0 else most - centre
    return Ratio(n, math.exp(centre), *(None if x is None else math.exp(x) for x in (low, high)),
                 p, None if seen is None else math.exp(seen))


def compare_unpaired(ours, theirs, family=1):
    """The same of times that no blocks pair, such as those of two results. None: one list is empty.

    The estimate is Hodges & Lehmann's (1963): the median of all differences of a logarithm of ours
    and one of theirs. Its interval is the exact Mann-Whitney test turned round (Hollander & Wolfe,
    Nonparametric Statistical Methods, 4.2 and 4.3). It holds where the two distributions have one
    shape, apart from the shift. Of a tie each side has one half; that is rounded against us.
    """
    if not ours or not theirs:
        return None
    ours, theirs = ([math.log(x) for x in times] for times in (ours, theirs))
    m, n = len(ours), len(theirs)
    ordered = sorted(a - b for a in ours for b in theirs)
    u = sum(d < 0 for d in ordered) + sum(d == 0 for d in ordered) / 2
    return _ratio(min(m, n), ordered, _middle(ordered), mann_whitney(u, m, n), _shift_rank(m, n),
                  _shift_rank(m, n, 1 - ALPHA / family))


def mann_whitney(u, m, n):
    """Exact two-sided p of u of the m * n differences being negative, if both lists are of one
    distribution."""
    tails = _mann_whitney_tails(min(m, n), max(m, n))
    return min(1.0, 2 * tails[math.ceil(min(u, m * n - u))])


@lru_cache(maxsize=None)
def _mann_whitney_tails(m, n):
    """P(U <= u) for each u. Orders with that u are counted by the Gaussian binomial coefficient,
    the product of (1 - q^(n+i)) / (1 - q^i) for i = 1 to m (Mann & Whitney 1947)."""
    counts = [1] + [0] * (m * n)
    for i in range(1, m + 1):
        for u in range(m * n, n + i - 1, -1):
            counts[u] -= counts[u - n - i]
        for u in range(i, m * n + 1):
            counts[u] += counts[u - i]
    every, tail, tails = math.comb(m + n, m), 0, []
    for count in counts:
        tail += count
        tails.append(tail / every)
    return tails


@lru_cache(maxsize=None)
def _shift_rank(m, n, nominal=NOMINAL_COVERAGE):
    """As `interval_rank`, of all m * n differences: it misses with probability 2 * P(U < k)."""
    tails = _mann_whitney_tails(min(m, n), max(m, n))
    k = next((u for u, tail in enumerate(tails) if 1 - 2 * tail < nominal), 0)
    return (k, 1 - 2 * tails[k - 1]) if k else None


# ---- what may be said ----

def holm(ps):
    """Each p adjusted for all that are tested at once: with those up to 0.05 called real, the
    chance that any of them is false is at most 5 % (Holm 1979). The least is multiplied by their
    number m, the next by m - 1, and so on, and none is less than the one before."""
    order = sorted(range(len(ps)), key=ps.__getitem__)
    adjusted, least = [0.0] * len(ps), 0.0
    for step, i in enumerate(order):
        least = max(least, min(1.0, (len(ps) - step) * ps[i]))
        adjusted[i] = least
    return adjusted


def holm_shares(ps):
    """Of each p, among how many the 5 % are shared where Holm's test comes to it, all others being
    as they are: the number of those that are not called real before it."""
    m = len(ps)
    order = sorted(range(m), key=ps.__getitem__)
    real = next((t for t in range(m) if ps[order[t]] * (m - t) > ALPHA), m)
    shares, fails = [m] * m, m
    for t in range(m - 1, -1, -1):  # fails: the first after t that, moved up by one, is not real
        shares[order[t]] = m - (real if t >= real else fails - 1)
        if ps[order[t]] * (m - t + 1) > ALPHA:
            fails = t
    return shares


def margin(noise_floor):
    """Within which times count as alike. noise_floor: by how much, as a ratio less 1, a model
    differed from itself; None: not known."""
    return max(MARGIN, 2 * (noise_floor or 0.0))


def verdict(ratio, margin=MARGIN, p=None):
    """What a ratio of times says of the first of the two models. p: adjusted for the others that
    are judged with it; without it this comparison stands by itself.

    Equivalent: the interval lies wholly within the margin. That proves that the difference is small
    (stricter than the two one-sided tests of Schuirmann 1987); a wide interval around 1 proves
    nothing, and is "not resolved". Holm's test is for differences: equivalence, where it is found,
    stands on the 95 % of its own interval.
    """
    if ratio is None or ratio.low is None:
        return NOT_RESOLVED
    if 1 / (1 + margin) <= ratio.low and ratio.high <= 1 + margin:
        return EQUIVALENT
    if p is not None and p > ALPHA:
        return NOT_RESOLVED
    return SLOWER if ratio.low > 1 else FASTER if ratio.high < 1 else NOT_RESOLVED


@dataclass(frozen=True)
class Comparison:
    """Two models of a cell: `one` over `other`. p_holm is None where the cell has too few blocks:
    then the verdict is a hint, this comparison by itself."""

    one: str
    other: str
    ratio: Ratio
    p_holm: float | None
    verdict: str


def cell_comparisons(times, margin=MARGIN):
    """All pairs of a cell's models that have a block in common, `other` having the lesser median.
    times: model -> block -> time."""
    order = by_median(times)
    logs = {m: {b: math.log(t) for b, t in times[m].items()} for m in order}
    pairs = [(one, other) for other, one in combinations(order, 2)
             if not logs[one].keys().isdisjoint(logs[other])]
    differences = [sorted(d - logs[other][b] for b, d in logs[one].items() if b in logs[other])
                   for one, other in pairs]
    adjusted, shares = [None] * len(pairs), [1] * len(pairs)
    if max((len(times[m]) for m in order), default=0) >= ENOUGH_BLOCKS:
        ps = [sign_test_of(d) for d in differences]
        adjusted, shares = holm(ps), holm_shares(ps)
    ratios = map(_paired, differences, shares)
    return [Comparison(one, other, ratio, p, verdict(ratio, margin, p))
            for (one, other), ratio, p in zip(pairs, ratios, adjusted)]


def by_median(times):
    """The models that have any time, that of least median first."""
    medians = {m: median(t.values()) for m, t in times.items() if t}
    return sorted(medians, key=lambda m: (medians[m], m))


def tiers(order, comparisons):
    """Lists of models. In each stand the first that is left of `order` and all that are not proved
    slower than it: two of one tier are not proved alike, two heads of tiers are proved different.
    """
    slower = {(c.one, c.other) for c in comparisons if c.verdict == SLOWER}
    found, left = [], list(order)
    while left:
        found.append([m for m in left if (m, left[0]) not in slower])
        left = [m for m in left if (m, left[0]) in slower]
    return found


# ---- percentiles ----

MIDDLE = 50
DOUBT = 0.01


def percentile_allowed(q, n):
    """Are n values enough for the percentile q?

    One is for the median. Above it, at least two must lie beyond the percentile in 99 of 100 such
    samples, or it would be read off a single stray one: 64 for p90, 662 for p99, 6,636 for p99.9.
    """
    return n >= 1 and (q <= MIDDLE or _risk(n, 1 - q / 100) <= DOUBT)


def _risk(n, beyond):
    """The probability that none or one of n lies where a share of `beyond` is expected."""
    return (1 - beyond) ** n + n * beyond * (1 - beyond) ** (n - 1)


def highest_percentile(n):
    """The highest percentile that n values are enough for; None where there is none at all."""
    if n < 1:
        return None
    low, high = 0.0, 1 - MIDDLE / 100  # of the share beyond; more of it is less risk
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if _risk(n, middle) <= DOUBT else (middle, high)
    return 100 * (1 - high)


def merge(histograms):
    """One histogram of all their values; None among them is passed over. Each is a list of
    [upper, count], all with the same borders. Percentiles of several processes are read off their
    merged histogram: an average of percentiles is none. (Where a sample kept no histogram, its
    percentile is a figure of that one run like any other, and is told as that.)"""
    counts = Counter()
    for histogram in histograms:
        for upper, n in histogram or []:
            counts[upper] += n
    return [[upper, counts[upper]] for upper in sorted(counts) if counts[upper]]


def count(histogram):
    return sum(n for _, n in histogram)


def percentile(histogram, q, longest=None):
    """What q per cent of the values do not exceed; None where they are too few. It is the upper
    border of the bucket of nearest rank, and nothing exceeds `longest`, where that is known."""
    n = count(histogram)
    if not percentile_allowed(q, n):
        return None
    rank = max(1, math.ceil(Fraction(str(q)) * n / 100))
    below = 0
    for upper, more in histogram:
        below += more
        if below >= rank:
            return upper if longest is None else min(upper, longest)


# ---- a slope, a crossing, and anything else ----

def theil_sen(points):
    """The median of the slopes between all pairs of points, each weighted by its reach in x.

    Theil (1950) and Sen (1968): one odd size does not move it. The weights are Jaeckel's (1972):
    the error of a pair's slope is that of its two values over their distance, so where sizes are a
    decade apart the short pairs are the rough ones. Pairs without reach have no slope.
    """
    slopes = sorted(((y2 - y1) / (x2 - x1), x2 - x1)
                    for (x1, y1), (x2, y2) in combinations(sorted(points), 2) if x2 > x1)
    half, below = sum(reach for _, reach in slopes) / 2, 0
    for i, (slope, reach) in enumerate(slopes):
        below += reach
        if below > half:
            return slope
        if below == half:  # a median between two
            return (slope + slopes[i + 1][0]) / 2
    raise ValueError("a slope needs two different sizes")


def metg(points, half=0.5):
    """points: (grain, efficiency). The grain from which on efficiency stays at least half: -inf
    where it is so from the least grain on, inf where it is not so at the largest (METG: Slaughter
    et al., "Task Bench", SC'20).

    Where the curve crosses the line more than once that is the largest crossing: below it a model
    reaches half at some grains only. Between the two grains around it the logarithm of the odds
    e / (1 - e) is taken to be linear in the logarithm of the grain. Where a turn costs a fixed time
    on top of its grain that is exact, however far apart the two are.
    """
    points = sorted(points)
    short = [i for i, (_, e) in enumerate(points) if e < half]
    if not short:
        return -math.inf
    if short[-1] == len(points) - 1:
        return math.inf
    (x1, e1), (x2, e2) = points[short[-1]], points[short[-1] + 1]
    y1, y2, line = _odds(e1), _odds(e2), _odds(half)
    return math.exp(math.log(x1) + (line - y1) / (y2 - y1) * math.log(x2 / x1))


def _odds(share):
    # Drift takes an efficiency to 1 and a little above, where odds have no logarithm.
    e = min(max(share, 1e-6), 0.999)
    return math.log(e / (1 - e))


def block_bootstrap(blocks, statistic, seed, resamples=2000):
    """(statistic(blocks), low, high), for what has no exact interval, such as a percentile of
    merged histograms. blocks: a list, of each block all that belongs together; statistic: function
    of such a list, None where it is not defined.

    Whole blocks are drawn anew, with replacement, for what is of one block is not independent; the
    interval holds the middle 95 % of the statistic over these draws (Efron & Tibshirani, An
    Introduction to the Bootstrap, 13.3). It is approximate: of few blocks it is too narrow, and of
    fewer than an exact interval needs there is none. One seed always gives one interval.
    """
    value = statistic(blocks)
    if value is None or interval_rank(len(blocks)) is None:
        return value, None, None
    dice = random.Random(seed)
    drawn = (statistic(dice.choices(blocks, k=len(blocks))) for _ in range(resamples))
    found = sorted(x for x in drawn if x is not None)
    cut = math.floor(len(found) * ALPHA / 2)
    return (value, found[cut], found[-1 - cut]) if found else (value, None, None)
