"""Which of two models is faster in a cell, and which does no other beat? Paired, with intervals.

Two models are compared within blocks: what disturbs the machine for a while disturbs both.

- d_b = ln(time of the one in block b / time of the other in block b), for each block that has both.
- The estimate is the median of the d_b, its interval [d_(k), d_(n+1-k)] of the ordered d_b with the
  k of `stats.interval_rank`: the exact sign test turned round, whatever the distribution (Conover,
  Practical Nonparametric Statistics, 3.4). Both are shown as ratios, exp(d).
- Equivalent: the interval lies wholly within the margin. That proves that the difference is small
  (stricter than the two one-sided tests of Schuirmann 1987); a large interval around 1 proves
  nothing, and is "not resolved". Medians are compared, not means: times are skewed (Hoefler &
  Belli, Scientific Benchmarking of Parallel Computing Systems, SC'15, rules 6 to 8).

Each comparison stands by itself: of twenty at 95 %, one may be wrong by chance. And whoever is
named best by its median was a little lucky, which is one reason more to name all that are
equivalent.
"""

from dataclasses import dataclass
from math import exp, log

from . import stats

# Times that differ by less are alike in practice: the order of linking and the size of the
# environment alone move a program by several per cent (Mytkowicz et al., ASPLOS'09).
MARGIN = 0.03
FASTER, SLOWER, EQUIVALENT, NOT_RESOLVED = "faster", "slower", "equivalent", "not resolved"


@dataclass(frozen=True)
class Ratio:
    """One quantity of two models: the one's over the other's, and how sure that is. `low` and
    `high` are None where there are too few blocks for an interval."""

    n: int
    median: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Tier:
    """A cell's models by their verdict against the one of least median, each list by median."""

    best: str
    tied: list        # proved to be as fast as the best
    unresolved: list  # neither proved as fast nor slower
    slower: list      # resolved slower, or ruled out by the least time that their structure allows
    ratios: dict      # of each measured model but the best: its Ratio over the best
    at_least: dict    # of each model ruled out: how many times as long as the best, at the least
    n: int            # blocks of the best

    @property
    def winners(self):
        return [self.best, *self.tied]


def compare(ours, theirs):
    """ours, theirs: block -> time. None: no block has both."""
    logs = [log(ours[b] / theirs[b]) for b in sorted(set(ours) & set(theirs), key=str)]
    e = stats.estimate(logs)
    if e is None:
        return None
    return Ratio(e.n, exp(e.median), *(None if x is None else exp(x) for x in (e.low, e.high)))


def verdict(ratio, margin=MARGIN):
    """What a ratio of times says of the first of the two models."""
    if ratio is None or ratio.low is None:
        return NOT_RESOLVED
    if 1 / (1 + margin) <= ratio.low and ratio.high <= 1 + margin:
        return EQUIVALENT
    return SLOWER if ratio.low > 1 else FASTER if ratio.high < 1 else NOT_RESOLVED


def ratio_of_estimates(ours, theirs):
    """The same from two medians with intervals (dicts of a summary), where no blocks pair them: the
    widest ratio that the two intervals allow. It covers at least as often as both do."""
    n, median = min(ours["n"], theirs["n"]), ours["median"] / theirs["median"]
    if None in (ours["low"], theirs["low"]) or min(ours["low"], theirs["low"]) <= 0:
        return Ratio(n, median, None, None)
    return Ratio(n, median, ours["low"] / theirs["high"], ours["high"] / theirs["low"])


def winning_tier(times, bounds=None):
    """times: model -> block -> time; bounds: of models that were not run for it, the least time
    that their structure allows. None: nothing was measured."""
    medians = {m: stats.median(t.values()) for m, t in times.items() if t}
    if not medians:
        return None
    order = sorted(medians, key=lambda m: (medians[m], m))
    best = order[0]
    ratios = {m: compare(times[m], times[best]) for m in order[1:]}
    return _tier(best, order[1:], ratios, bounds or {},
                 stats.estimate(times[best].values()))


def tier_of_estimates(estimates):
    """The same from medians with intervals: model -> estimate. Less is better."""
    known = {m: e for m, e in estimates.items() if e and e["median"] > 0}
    if not known:
        return None
    order = sorted(known, key=lambda m: (known[m]["median"], m))
    best = known[order[0]]
    ratios = {m: ratio_of_estimates(known[m], best) for m in order[1:]}
    return _tier(order[0], order[1:], ratios, {}, stats.Estimate(
        best["n"], best["median"], best["low"], best["high"], best.get("coverage")))


def _tier(best, others, ratios, bounds, of_best):
    said = {m: verdict(ratios[m]) for m in others}
    # By block a model may be faster than the best by median: then it is open which of them is.
    open_still = [m for m in others if said[m] in (NOT_RESOLVED, FASTER)]
    ruled_out = sorted((bound, m) for m, bound in bounds.items() if m != best and m not in said)
    at_least = {m: bound / of_best.high for bound, m in ruled_out
                if of_best.high is not None and bound > of_best.high}
    return Tier(best=best, tied=[m for m in others if said[m] == EQUIVALENT],
                unresolved=open_still + [m for _, m in ruled_out if m not in at_least],
                slower=[m for m in others if said[m] == SLOWER] + list(at_least),
                ratios={m: r for m, r in ratios.items() if r}, at_least=at_least, n=of_best.n)
