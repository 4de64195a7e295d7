"""Which cells differ in one thing only? Pairs of them, and what is known of both in one block."""

import json
from collections import defaultdict

from .estimates import estimated


def twins(cells, key, scenarios=None):
    """value -> cell, for each group of cells that differ in the parameter `key` only; of groups
    with several values. `scenarios`: what differs is which of these the cell is, instead."""
    groups = defaultdict(dict)
    for cell in cells:
        if scenarios is not None and cell["scenario"] not in scenarios:
            continue
        told = cell["params"] | ({} if scenarios else {"scenario": cell["scenario"]})
        rest = {k: v for k, v in told.items() if k != key}
        value = cell["scenario"] if scenarios else cell["params"].get(key)
        groups[json.dumps(rest, sort_keys=True)].setdefault(value, cell)
    return [group for group in groups.values() if len(group) > 1]


def by_block(result):
    """(cell, model) -> block -> sample, of what was measured. A block that was measured again is
    put beside those of the other cells that the disturbed one would have been put beside."""
    found = defaultdict(dict)
    for sample in result.measured():
        found[sample["cell_id"], sample["model"]][result.round_of(sample)] = sample
    return found


def paired(ours, theirs, value, whole=False):
    """The median over the blocks that have both of a function of the two samples, where that is
    known. ours, theirs: block -> sample."""
    common = [block for block in ours if block in theirs]
    values = [value(ours[block], theirs[block]) for block in common]
    return estimated([v for v in values if v is not None], whole)


def over_runs(samples, value, whole=False):
    """The same of single runs."""
    return estimated([v for v in map(value, samples) if v is not None], whole)


def with_interval(e, words):
    """For a table: the median and its 95 % interval, the unit once where it is the same."""
    if e is None:
        return "–"
    text = words(e["median"])
    if e["low"] is None:
        return text
    low, high = words(e["low"]), words(e["high"])
    unit = text.partition(" ")[1] + text.partition(" ")[2]
    if unit and low.endswith(unit) and high.endswith(unit):
        low, high = low.removesuffix(unit), high.removesuffix(unit)
    return text + (f" [{low}]" if low == high else f" [{low}–{high}]")
