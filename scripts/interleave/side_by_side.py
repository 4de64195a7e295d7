"""How are two results set side by side, for a person on a terminal and for a script as JSON?"""

from rich import box
from rich.table import Table
from rich.text import Text

from . import stats
from .cells import Cell
from .comparison_words import (
    change_words, interval_words, margin_words, p_words, ratio_words)
from .printable import printable
from .two_results import times_of
from .units import plural

COLOURS = {stats.FASTER: "green", stats.SLOWER: "red", stats.EQUIVALENT: "default",
           stats.NOT_RESOLVED: "dim"}
MOST_NAMED = 8  # cells or models in one line


def tell_environments(session, both):
    for name, result, trust in zip("AB", (both.a, both.b), both.trust):
        session.say(f"{name}  {result.manifest.get('result_id')}  ({trust['level']})")
    session.say()
    if both.differences:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for heading in ("What differs", "A", "B"):
            table.add_column(heading, overflow="fold")
        for each in both.differences:
            table.add_row(*(Text(printable(text)) for text in (each.what, each.a, each.b)))
        session.console.print(table)
    else:
        session.say("Machine, commit, compiler, libraries, programs and all checks are the same.")
    session.say()
    for note in both.notes:
        session.say(note)


def tell_times(session, both):
    if both.why_not:
        session.say(f"Not comparable: {both.why_not}.")
    else:
        session.say()
        tell_changes(session, both.changes)
        session.say()
        session.console.print(Text(legend(both), "dim"))
    tell_only(session, both)


def tell_changes(session, changes):
    """A small table for each cell, all of the same widths; below 80 columns together."""
    widest = max(5, *(len(change.model) for change in changes))
    session.console.print(table_of([], widest, headed=True))
    of_cell = {}
    for change in changes:
        of_cell.setdefault(change.cell_id, []).append(change)
    for rows in of_cell.values():
        session.console.print(Text(cell_name(rows[0]), "bold"))
        session.console.print(table_of(rows, widest))


def table_of(changes, widest, headed=False):
    table = Table(box=None, pad_edge=False, show_header=headed, padding=(0, 1, 0, 0))
    for heading, width, side in (("  model", widest + 2, "left"), ("B/A", 6, "right"),
                                 ("95 % interval", 15, "right"), ("n", 3, "right"),
                                 ("p", 7, "right"), ("B is", 12, "left"),
                                 ("could see", 9, "right")):
        table.add_column(heading, min_width=width, justify=side, no_wrap=True)
    for change in changes:
        p = change.ratio.p if change.hint else change.p_holm
        table.add_row(Text(f"  {change.model}"), Text(ratio_words(change.ratio.median)),
                      Text(interval_of(change.ratio)), str(change.ratio.n), Text(p_words(p)),
                      Text(change.verdict, COLOURS[change.verdict]),
                      Text(change_words(change.ratio.detectable)))
    return table


def cell_name(change):
    """In words; its id where the parameters are of another version of the suite."""
    try:
        return Cell(change.scenario, **change.params).short()
    except TypeError:
        return change.cell_id


def interval_of(ratio):
    return interval_words(ratio.median, ratio.low, ratio.high, " to ")


def legend(both):
    """What the columns of the table mean, and how far to believe them."""
    parts = [f"B/A below 1: B takes less time. Equivalent: the interval is within "
             f"{margin_words(both.margin)} of 1. Could see: the smallest change that this data "
             "would have told from none."]
    hints = sum(change.hint for change in both.changes)
    if hints < len(both.changes):
        parts.append("p is adjusted for the models of its cell (Holm).")
    if hints:
        which = "all rows" if hints == len(both.changes) else plural(hints, "row")
        parts.append(f"Fewer than {stats.ENOUGH_BLOCKS} samples a side ({which}): each verdict "
                     "there is a hint, by itself.")
    return " ".join(parts)


def tell_only(session, both):
    """What is in one of the two alone: whole cells, whole models, and what is left."""
    for name, keys, others in (("A", both.only_a, times_of(both.b)),
                               ("B", both.only_b, times_of(both.a))):
        their_cells, their_models = ({key[i] for key in others} for i in (0, 1))
        cells = dict.fromkeys(cell for cell, _ in keys if cell not in their_cells)
        models = dict.fromkeys(model for _, model in keys if model not in their_models)
        rest = [f"{model} in {cell}" for cell, model in keys
                if cell not in cells and model not in models]
        for what, names in (("cell", cells), ("model", models), ("time", rest)):
            if names:
                session.say(f"Only in {name}: {plural(len(names), what)}: {some(list(names))}")
    reasons = {}
    for cell_id, why in both.left_out:
        reasons.setdefault(why, []).append(cell_id)
    for why, cells in reasons.items():
        session.say(f"Left out, {some(cells)}: {why}.")


def some(names):
    """All of a few names; of many how many more."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more (all with --json)" if more > 0
                                            else "")


def document(both):
    cells = {}
    for change in both.changes:
        cells.setdefault(change.cell_id, []).append(change)
    return {
        "a": side_document(both.a) | {"trust": both.trust[0]},
        "b": side_document(both.b) | {"trust": both.trust[1]},
        "comparable": both.why_not is None, "why_not": both.why_not, "paired": both.paired,
        "margin": both.margin, "differences": [each.as_dict() for each in both.differences],
        "notes": both.notes,
        "cells": [{"cell_id": cell_id, "scenario": changes[0].scenario,
                   "params": changes[0].params, "hint": changes[0].hint,
                   "models": [change_document(change) for change in changes]}
                  for cell_id, changes in cells.items()],
        "only_a": [{"cell_id": c, "model": m} for c, m in both.only_a],
        "only_b": [{"cell_id": c, "model": m} for c, m in both.only_b],
        "left_out": [{"cell_id": c, "why": why} for c, why in both.left_out]}


def side_document(result):
    keys = ("result_id", "commit", "dirty", "profile", "blocks", "created_utc", "workload_version",
            "pair_id", "revision")
    return ({"path": str(result.path)} | {key: result.manifest.get(key) for key in keys}
            | {"machine": result.manifest["machine"].get("name")})


def ratio_document(ratio):
    return {"n": ratio.n, "ratio": {"median": ratio.median, "low": ratio.low, "high": ratio.high},
            "p": ratio.p, "detectable": ratio.detectable}


def change_document(change):
    a, b = change.medians_ns
    return {"model": change.model, "a_median_ns": a, "b_median_ns": b, "p_holm": change.p_holm,
            "verdict": change.verdict} | ratio_document(change.ratio)
