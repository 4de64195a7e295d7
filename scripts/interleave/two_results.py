"""By how much do the times of two results differ, cell by cell and model by model?

Ratios of B over A: paired within blocks where both were measured in turns, unpaired otherwise. The
comparisons of one cell are judged together (Holm), as those of a report are.
"""

from collections import defaultdict
from dataclasses import dataclass

from . import stats
from .environments import (
    differences, incomparable, interleaved, notes, other_work)
from .summary import summarise

OTHER_WORK = "its reference answer is another one in B, so it is other work under the same name"
STOPPED = "it is stopped from outside, so its time says nothing"


@dataclass(frozen=True)
class Change:
    """One model in one cell, B over A. p_holm is None where there are too few samples to judge the
    cell's models together: then the verdict is a hint, this comparison by itself."""

    cell_id: str
    scenario: str
    params: dict
    model: str
    medians_ns: tuple  # A's and B's
    ratio: stats.Ratio
    p_holm: float | None
    verdict: str       # of B: faster, slower, equivalent, not resolved

    @property
    def hint(self):
        return self.p_holm is None


@dataclass
class Both:
    """What two results say side by side. `changes` is empty where `why_not` says why."""

    a: object  # records.Result
    b: object
    trust: tuple
    margin: float
    paired: bool
    differences: list
    notes: list
    why_not: str | None
    changes: list
    only_a: list    # (cell_id, model) that B has no time of
    only_b: list
    left_out: list  # (cell_id, why)


def times_of(result):
    """(cell_id, model) -> its samples by block, of those that may be compared."""
    found = defaultdict(dict)
    for sample in result.measured():
        found[sample["cell_id"], sample["model"]][sample["block"]] = sample
    return found


def noise_floor(*summaries):
    """The greatest that any of the results knows of itself; None: none does."""
    floors = [(summary.get("noise") or {}).get("floor") for summary in summaries]
    return max((floor for floor in floors if floor is not None), default=None)


def compare_results(a, b):
    """a, b: records.Result."""
    summaries = [summarise(result) for result in (a, b)]
    trust = tuple(summary["trust"] for summary in summaries)
    ours, theirs = times_of(a), times_of(b)
    common = [key for key in ours if key in theirs]
    left_out = [(cell, OTHER_WORK) for cell in other_work(a, b)]
    left_out += [(cell, STOPPED) for cell in stopped_cells(a) if cell in stopped_cells(b)]
    margin = stats.margin(noise_floor(*summaries))
    why_not, changes = incomparable(a, b), []
    if why_not is None:
        without = {cell for cell, _ in left_out}
        kept = [key for key in common if key[0] not in without]
        changes = changes_of(ours, theirs, kept, interleaved(a, b), margin)
        if not changes:
            why_not = ("no model was measured in the same cell of both, so there is nothing to "
                       "compare")
    return Both(a, b, trust, margin, interleaved(a, b), differences(a, b, *trust),
                notes(a, b, {model for _, model in common}), why_not, changes,
                [key for key in ours if key not in theirs],
                [key for key in theirs if key not in ours], left_out)


def stopped_cells(result):
    return dict.fromkeys(entry["cell_id"] for entry in result.plan
                         if entry["params"].get("stop_after_us") is not None)


def changes_of(ours, theirs, keys, paired, margin):
    """A Change for each (cell_id, model) of `keys`; those of a cell judged together."""
    of_cell = defaultdict(list)
    for cell_id, model in keys:
        of_cell[cell_id].append(model)
    changes = []
    for cell_id, models in of_cell.items():
        changes += changes_of_cell(cell_id, {model: (ours[cell_id, model], theirs[cell_id, model])
                                             for model in models}, paired, margin)
    return changes


def changes_of_cell(cell_id, samples, paired, margin):
    """samples: model -> A's and B's, each by block."""
    ratios = {model: ratio_of(*pair, paired) for model, pair in samples.items()}
    known = [model for model, ratio in ratios.items() if ratio is not None]
    adjusted, shares = [None] * len(known), [1] * len(known)
    if max(min(map(len, pair)) for pair in samples.values()) >= stats.ENOUGH_BLOCKS:
        ps = [ratios[model].p for model in known]
        adjusted, shares = stats.holm(ps), stats.holm_shares(ps)
    changes = []
    for model, p, share in zip(known, adjusted, shares):
        a, b = samples[model]
        ratio, first = ratio_of(a, b, paired, share), next(iter(a.values()))
        medians = tuple(stats.median(makespans(side).values()) for side in (a, b))
        changes.append(Change(cell_id, first["scenario"], first["params"], model, medians, ratio,
                              p, stats.verdict(ratio, margin, p)))
    return changes


def makespans(samples):
    return {block: sample["makespan_ns"] for block, sample in samples.items()}


def ratio_of(a, b, paired, family=1):
    """B over A. None: no block has both."""
    a, b = makespans(a), makespans(b)
    if paired:
        return stats.compare_paired(b, a, family)
    return stats.compare_unpaired(list(b.values()), list(a.values()), family)
