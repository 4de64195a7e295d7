"""Why did the slower lose? One sentence, from what two models spent their time on."""

import math

from . import units
from .time_spent import CATEGORIES

# What more time of a category goes to.
WORDS = {
    "waiting_ns": "waits", "blocked_ns": "blocking tools", "computing_ns": "computing",
    "starting_ns": "starting", "late_ns": "late wake-ups", "queued_ns": "queueing",
    "held_up_ns": "computing slowed by others", "ending_ns": "ending",
}
MOST_NAMED = 3
SMALL = 0.1  # of the whole difference: need not be named


def why_the_slowest_lost(rows):
    """rows: of a cell of the section `time_spent`. Empty where there are not two."""
    if len(rows) < 2:
        return ""
    ranked = sorted(rows, key=lambda r: (r["makespan_ns"]["median"], r["model"]))
    return why(ranked[-1], ranked[0])


def why(slower, faster):
    """What `slower` spent more on than `faster`, largest first, adding up to the difference. Where
    their intervals overlap nothing is explained: a harder test than the one within blocks (by
    stats.py), for the two stand here because they lie furthest apart."""
    a, b = slower["makespan_ns"], faster["makespan_ns"]
    names = f"`{slower['model']}`", f"`{faster['model']}`"
    both = f"{units.duration(b['median'])} and {units.duration(a['median'])}"
    if None in (a["low"], b["low"]):
        return (f"{names[1]} and {names[0]}: {both}, of too few runs to tell a difference from "
                "noise.")
    if a["low"] <= b["high"]:
        return (f"{names[1]} and {names[0]} are not told apart: {both}, and their intervals "
                "overlap.")
    shown = _Shown(a["median"], b["median"])
    total = shown.steps(a["median"]) - shown.steps(b["median"])
    against = f"{shown.number(a['median'])} against {shown.number(b['median'])} {shown.unit}"
    if not shown.steps(b["median"]):  # so little that it is lost in the rounding
        against = f"{shown.text(shown.steps(a['median']))} against {units.duration(b['median'])}"
    return (f"{names[0]} took {shown.text(total)} longer than {names[1]} ({against}): "
            f"{_account(slower, faster, shown, total)}.")


class _Shown:
    """Numbers rounded to one common step, so that what the sentence says adds up in it too."""

    def __init__(self, slower_ns, faster_ns):
        difference = slower_ns - faster_ns
        self.unit = units.scaled(slower_ns, units.DURATIONS)[1]
        if self.unit == "s" and difference < 0.05e9:
            self.unit = "ms"
        self.size = {unit: size for size, unit in units.DURATIONS}[self.unit]
        # Two digits of the difference, or one that is a nine.
        self.step = 10 ** max(0, math.floor(math.log10(difference / 9)))

    def steps(self, ns):
        return round(ns / self.step)

    def number(self, ns):
        return self._written(self.steps(ns))

    def text(self, steps):
        return f"{self._written(steps)} {self.unit}"

    def _written(self, steps):
        decimals = max(0, round(math.log10(self.size / self.step)))
        return f"{steps * self.step / self.size:,.{decimals}f}"


def _account(slower, faster, shown, total):
    more = {key: shown.steps(slower["on_path"][key] - faster["on_path"][key])
            for key in CATEGORIES}
    ranked = sorted((key for key in CATEGORIES if more[key]), key=lambda key: -abs(more[key]))
    named = [key for key in ranked[:MOST_NAMED] if abs(more[key]) >= SMALL * total]
    parts = [(more[key], WORDS[key]) for key in named]
    rest = total - sum(more[key] for key in named)
    parts.sort(key=lambda part: part[0] < 0)  # what was gained, after what was lost
    if rest:
        parts.append((rest, "the rest"))
    told = [f"{shown.text(abs(steps))} {'more' if steps > 0 else 'less'}"
            f"{' went' if i == 0 else ''} to {what}" for i, (steps, what) in enumerate(parts)]
    return told[0] if len(told) == 1 else ", ".join(told[:-1]) + " and " + told[-1]
