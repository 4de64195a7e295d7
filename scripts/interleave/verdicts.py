"""Which models does no other beat? Of a cell by its times; of another quantity by its medians.

The statistics are in stats.py; here is what knows of models that were not run.
"""

from dataclasses import dataclass

from .stats import (EQUIVALENT, FASTER, MARGIN, NOT_RESOLVED, SLOWER, Comparison, Estimate, Ratio,
                    by_median, cell_comparisons, estimate, verdict)


@dataclass(frozen=True)
class Tier:
    """A cell's models by their verdict against the one of least median, each list by median.

    Whoever is named best was a little lucky, which is a reason to name all that are equivalent.
    """

    best: str
    tied: list        # proved to be as fast as the best
    unresolved: list  # neither proved as fast nor slower
    slower: list      # proved slower, or ruled out by the least time that their structure allows
    ratios: dict      # of each measured model but the best: its Ratio over the best
    at_least: dict    # of each model ruled out: how many times as long as the best, at the least
    n: int            # blocks of the best
    hint: bool = True  # too few blocks for verdicts: each comparison by itself

    @property
    def winners(self):
        return [self.best, *self.tied]


def winning_tier(times, bounds=None, margin=MARGIN):
    """times: model -> block -> time; bounds: of models that were not run for it, the least time
    that their structure allows. None: nothing was measured."""
    order = by_median(times)
    if not order:
        return None
    with_best = [c for c in cell_comparisons(times, margin) if c.other == order[0]]
    return _tier(order, {c.one: c for c in with_best}, bounds or {},
                 estimate(times[order[0]].values()))


def tier_of_estimates(estimates):
    """The same from medians with intervals (dicts of a summary), each by itself: model -> estimate.
    Less is better."""
    known = {m: e for m, e in estimates.items() if e and e["median"] > 0}
    if not known:
        return None
    order = sorted(known, key=lambda m: (known[m]["median"], m))
    best = known[order[0]]
    ratios = {m: ratio_of_estimates(known[m], best) for m in order[1:]}
    return _tier(order, {m: Comparison(m, order[0], r, None, verdict(r))
                         for m, r in ratios.items()}, {}, Estimate(
        best["n"], best["median"], best["low"], best["high"], best.get("coverage")))


def ratio_of_estimates(ours, theirs):
    """From two medians with intervals, where no blocks pair them: the widest ratio that the two
    intervals allow. It covers at least as often as both do."""
    n, middle = min(ours["n"], theirs["n"]), ours["median"] / theirs["median"]
    if None in (ours["low"], theirs["low"]) or min(ours["low"], theirs["low"]) <= 0:
        return Ratio(n, middle, None, None)
    return Ratio(n, middle, ours["low"] / theirs["high"], ours["high"] / theirs["low"])


def _tier(order, with_best, bounds, of_best):
    best, *others = order
    said = {m: with_best[m].verdict if m in with_best else NOT_RESOLVED for m in others}
    ruled_out = sorted((bound, m) for m, bound in bounds.items() if m != best and m not in said)
    at_least = {m: bound / of_best.high for bound, m in ruled_out
                if of_best.high is not None and bound > of_best.high}
    # By block a model may be faster than the best by median: then it is open which of them is.
    open_still = [m for m in others if said[m] in (NOT_RESOLVED, FASTER)]
    return Tier(best=best, tied=[m for m in others if said[m] == EQUIVALENT],
                unresolved=open_still + [m for _, m in ruled_out if m not in at_least],
                slower=[m for m in others if said[m] == SLOWER] + list(at_least),
                ratios={m: c.ratio for m, c in with_best.items()}, at_least=at_least, n=of_best.n,
                hint=all(c.p_holm is None for c in with_best.values()))
