"""How long does a turn take? Of the runs of one cell all turns together, and how sure that is.

A turn's latency is from when all that it waits for has finished to its own finish: its waits, its
computing, and the time for which it stands in a queue. Percentiles are those of the merged
histograms of all runs; their intervals draw whole blocks anew, for turns of one run share its luck.
"""

from functools import lru_cache

import numpy

from . import histograms
from .stats import block_bootstrap, percentile_allowed

PERCENTILES = (50, 90, 99, 99.9)
LEAST = 90  # a percentile; a model whose turns are not enough for it is not told of
DRAWS = 1000


def merged(samples):
    """All turns of these runs: their histogram, and the longest of all."""
    known = [s["latency"] for s in samples if (s.get("latency") or {}).get("histogram")]
    return histograms.merge(k["histogram"] for k in known), max((k["max"] for k in known),
                                                                default=None)


def curve(samples):
    """[(percentile, ns)], from the fastest turn to the last percentile that they bear out; empty
    where they are too few for more than a median."""
    turns, longest = merged(samples)
    enough = percentile_allowed(LEAST, histograms.count(turns))
    return histograms.curve(turns, longest) if enough else []


def percentiles(samples, seed):
    """[(percentile, ns, low, high)] of those that the turns are enough for; low and high are None
    where the blocks are too few for an interval."""
    blocks = {}
    for sample in samples:
        if (sample.get("latency") or {}).get("histogram"):
            blocks.setdefault(sample.get("block"), []).append(sample)
    turns, longest = merged(samples)
    if not turns:
        return []
    borders = [upper for upper, _ in turns]
    place = {upper: i for i, upper in enumerate(borders)}
    counts = numpy.zeros((len(blocks), len(borders)), dtype=numpy.int64)
    for row, block in zip(counts, blocks.values()):
        for upper, n in merged(block)[0]:
            row[place[upper]] = n

    @lru_cache(maxsize=None)  # of few blocks the same come up again and again
    def drawn(which):
        return counts[list(which)].sum(axis=0).cumsum()

    found = []
    for q in PERCENTILES:
        if percentile_allowed(q, histograms.count(turns)):
            def of(which, q=q):
                below = drawn(tuple(sorted(which)))
                rank = -(-round(q * 10) * int(below[-1]) // 1000)
                return min(borders[int(numpy.searchsorted(below, rank))], longest)

            value, low, high = block_bootstrap(list(range(len(blocks))), of, seed, DRAWS)
            found.append((q, value, low, high))
    return found
