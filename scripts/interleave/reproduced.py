"""Do two results of one plan say the same, cell by cell: who wins, and in which order?

Each is judged by itself, within its own machine: no time of the one is set against a time of the
other.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

from . import stats
from .environments import other_work
from .summary import summarise
from .two_results import makespans, noise_floor, stopped_cells, times_of
from .units import plural

SAME, DIFFERENT, OPEN, CONTRADICTED = "same", "different", "open", "contradicted"


@dataclass(frozen=True)
class CellAgain:
    """One cell, of the models that both have. times: model -> block -> time."""

    cell_id: str
    scenario: str
    params: dict
    there: dict
    here: dict
    margins: tuple  # within which times count as alike there, and here

    @cached_property
    def orders(self):
        """The models by median, there and here."""
        return stats.by_median(self.there), stats.by_median(self.here)

    @cached_property
    def comparisons(self):
        return tuple(stats.cell_comparisons(times, margin)
                     for times, margin in zip((self.there, self.here), self.margins))

    @cached_property
    def tiers(self):
        return tuple(stats.tiers(order, found)
                     for order, found in zip(self.orders, self.comparisons))

    @cached_property
    def resolved(self):
        """Of each: pair of models -> the faster one's name, or "equivalent"."""
        return tuple({frozenset((c.one, c.other)): faster_of(c) for c in found
                      if c.verdict != stats.NOT_RESOLVED} for found in self.comparisons)

    @cached_property
    def proved(self):
        """Of each: pair of models -> the faster one's name, for all pairs of the cell together:
        a hint, which is each comparison by itself, proves nothing where there are many of them."""
        return tuple({frozenset((c.one, c.other)): faster_of(c)
                      for c, p in zip(found, stats.holm([c.ratio.p for c in found]))
                      if p <= stats.ALPHA and c.verdict in (stats.FASTER, stats.SLOWER)}
                     for found in self.comparisons)

    @property
    def hint(self):
        """Whether one of the two has too few blocks for verdicts."""
        return any(c.p_holm is None for found in self.comparisons for c in found)

    @property
    def reversed(self):
        """(the faster one there, the faster one here) of each pair that is proved in both, and
        the other way round."""
        there, here = self.proved
        return [(there[pair], here[pair]) for pair in there if pair in here
                and there[pair] != here[pair]]

    @property
    def winners(self):
        """Of each the models that are not proved slower than the one of least median."""
        there, here = self.tiers
        return there[0], here[0]

    @property
    def ahead(self):
        """Of each the one of least median, and those that are proved as fast."""
        return tuple({order[0], *(m for m in order[1:] if said.get(
            frozenset((m, order[0]))) == stats.EQUIVALENT)}
            for order, said in zip(self.orders, self.resolved))

    @property
    def state(self):
        """Same: of those ahead in either, one at least is not proved slower in the other.
        Different: all are. Contradicted: of a pair of models the opposite is proved. Open: one of
        the two tells its fastest from no other model, so that nothing could have been different."""
        if self.reversed:
            return CONTRADICTED
        for ahead, unbeaten in zip(self.ahead, reversed(self.winners)):
            if ahead.isdisjoint(unbeaten):
                return DIFFERENT
        told = (any(order[0] in pair for pair in said)
                for order, said in zip(self.orders, self.resolved))
        return SAME if all(told) else OPEN

    def ratios(self):
        """(model, there, here): over the fastest there, in each by its own blocks."""
        base, *others = self.orders[0]
        return [(model, *(stats.compare_paired(times[model], times[base])
                          for times in (self.there, self.here))) for model in others]


def faster_of(comparison):
    if comparison.verdict == stats.EQUIVALENT:
        return stats.EQUIVALENT
    return comparison.one if comparison.verdict == stats.FASTER else comparison.other


def cells_again(there, here):
    """The cells in which at least two models have times in both results, of the same work."""
    margins = tuple(stats.margin(noise_floor(summarise(result))) for result in (there, here))
    without = {*other_work(there, here), *stopped_cells(there)}
    times = [by_cell(result) for result in (there, here)]
    found = []
    for cell_id, theirs in times[0].items():
        ours = times[1].get(cell_id, {})
        common = [model for model in theirs if model in ours]
        if len(common) < 2 or cell_id in without:
            continue
        any_sample = next(iter(theirs[common[0]].values()))
        found.append(CellAgain(cell_id, any_sample["scenario"], any_sample["params"],
                               *({model: makespans(each[model]) for model in common}
                                 for each in (theirs, ours)), margins))
    return found


def by_cell(result):
    found = defaultdict(dict)
    for (cell_id, model), samples in times_of(result).items():
        found[cell_id][model] = samples
    return found


def sentence(cells):
    """All cells in one sentence, worst first where it is bad."""
    count = {state: sum(cell.state == state for cell in cells)
             for state in (SAME, DIFFERENT, OPEN, CONTRADICTED)}
    if not cells:
        return "No cell has two models with times in both, so there is no order to compare."
    said = f"{count[SAME]} of {len(cells)} cells have the same winners"
    if count[OPEN]:
        said += f"; in {count[OPEN]} too little is resolved to tell"
    if count[DIFFERENT]:
        said += f"; in {count[DIFFERENT]} they differ, without a proof of the opposite"
    if count[CONTRADICTED]:
        pairs = sum(len(cell.reversed) for cell in cells)
        said += (f"; {count[CONTRADICTED]} contradict: {pairs} pairs of models are proved "
                 "the other way round." if pairs != 1 else
                 f"; {count[CONTRADICTED]} contradicts: one pair of models is proved the "
                 "other way round.")
    else:
        said += "; no pair of models is proved the other way round."
    hints = sum(cell.hint for cell in cells)
    return said + (f" With fewer than {stats.ENOUGH_BLOCKS} blocks the verdicts of "
                   f"{plural(hints, 'cell')} are hints." if hints else "")
