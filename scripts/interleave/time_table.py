"""What does the page say of where the time went? A table of every model, for the cells shown."""

from . import units
from .tables import cell_names, rung_of
from .time_spent import IS_ASKED, IS_LOST, shown_cells, took

A_TURN = {"woke late": "late_ns", "queued": "queued_ns", "slowed by others": "held_up_ns"}


def time_table(summary):
    shown = shown_cells(summary)
    if not shown:
        return ""
    names = cell_names(summary)
    parts = ["## Where the time of each model went\n",
             "The run with the median time, cut along the chain of turns that finished last; its "
             "parts add up to the time. Beside it what an average turn loses, of all turns: the "
             "median over the blocks.\n"]
    for cell, spent in shown:
        scenario, told = names[cell["cell_id"]]
        parts.append(f"**{scenario}** {told}\n\n" + "\n".join(_lines(summary, spent)) + "\n")
    return "\n".join(parts)


def _lines(summary, spent):
    present = {word: keys for word, keys in (IS_ASKED | IS_LOST).items()
               if any(took(row, keys) for row in spent["models"])}
    heads = ["time", *present, *(f"a turn: {word}" for word in A_TURN)]
    yield "| model | family | rung | " + " | ".join(heads) + " |"
    yield "|---|---|---|" + "---:|" * len(heads)
    rows = {row["model"]: row for row in spent["models"]}
    for said in summary["models"]:
        row = rows.get(said["model"])
        if row:
            texts = [units.duration(row["makespan_ns"]["median"])]
            texts += [_time(took(row, keys)) for keys in present.values()]
            texts += [_median(row["per_turn"][key]) for key in A_TURN.values()]
            yield (f"| `{said['model']}` | {said.get('family') or '–'} | {rung_of(said)} | "
                   + " | ".join(texts) + " |")


def _median(e):
    return "–" if e is None else _time(e["median"])


def _time(ns):
    return units.duration(ns) if ns else "0"
