"""Do the numbers in a table of a write-up match the result's, place by place?

A place is known by its column, its row and the corner: as the result's own tables have it, whatever
they are of; or, in tables of times, by cell and model, however the table is laid out. A table
without a mark of which most times do not match is of something else, and nothing is said of it;
unless nearly all of them nearly match, as those of an earlier run do.
"""

import re

from .cite_claims import Claim, claim, place, time_of
from .cite_context import cell_named
from .cite_known import bare
from .cite_numbers import NUMBER, TIMES, numbers, said, skeleton
from .cite_words import samples_of

UNIT = "|".join(sorted(TIMES, key=len, reverse=True))
VALUE = re.compile(rf"\s*(≥|>=|at least)?\s*({NUMBER})\s*({UNIT})?(?![\w%])")
INTERVAL = re.compile(rf"[\s,]*[\[(]?\s*({NUMBER})\s*({UNIT})?\s*(?:–|-|to|,|;)\s*({NUMBER})\s*"
                      rf"({UNIT})?\s*[\])]?")
BRACKETED = re.compile(rf"[\s,]*[\[(]\s*{NUMBER}")
SHARE = re.compile(rf"({NUMBER})\s*%")
COUNT = re.compile(r"\bn\s*=\s*(\d+)(?:\s+of\s+(\d+))?")
HEAD_UNIT = re.compile(rf"[(\[]\s*(?:in\s+)?({UNIT})\s*[)\]]|\bin ({UNIT})\b")
MOST, NEARLY_ALL = 0.5, 0.8
KINDS = (("interval", r"interval|\bci\b"), ("share", r"possible|efficiency"),
         ("median", r"median|time|makespan"), ("n", r"^n$|processes|samples"))


def table_claims(table, known):
    """Claims of this result about the numbers of a table."""
    if len(table.rows) < 2:
        return []
    copied, by_cell = [], []
    reader = _Times(table, known)
    for row in table.rows[1:]:
        reader.on_row(row)
        for column, text in enumerate(row.cells[1:], 1):
            own = None if reader.cell else _copied(table, known, row, column, text)
            if own is not None:
                copied += own
            else:
                by_cell += reader.claims(row, column, text)
    is_of_times = (table.result == known.id
                   or sum(c.agrees for c in by_cell) >= MOST * len(by_cell)
                   or sum(c.agrees or c.close for c in by_cell) >= NEARLY_ALL * len(by_cell))
    return copied + (by_cell if is_of_times else [])


def _copied(table, known, row, column, text):
    """From a table of the result's page with the same corner, row and column; None: there is none,
    or other words stand there."""
    head = table.rows[0].cells
    if column >= len(head):
        return None
    texts = known.texts_at(head[0], row.cells[0], head[column])
    alike = [t for t in texts if skeleton(bare(t)) == skeleton(bare(text))]
    if not alike:
        return None
    where = f"{bare(row.cells[0])}, column {bare(head[column]) or column}"
    exact = next((t for t in alike if bare(t) == bare(text)), None)
    certain = exact is not None or len({bare(t) for t in alike}) == 1
    found = []
    for k, (says, right) in enumerate(zip(numbers(bare(text)), numbers(bare(exact or alike[0])))):
        found.append(Claim((row.line, column, k), row.line, _in_context(text, says),
                           _in_context(alike[0], right), where, says == right, certain))
    return found


def _in_context(text, number):
    """A number with the unit behind it."""
    unit = re.search(rf"{re.escape(number)}(×|\s?[a-zA-Zµ%]+)?", bare(text))
    return unit[0] if unit and len(unit[0]) < len(number) + 5 else number


class _Times:
    """What a place of a table of times is about: a cell and a model."""

    def __init__(self, table, known):
        self.known = known
        self.head = table.rows[0].cells
        self.cell = None
        self.unit = None

    def on_row(self, row):
        marked = self.known.by_id.get(row.cell_id)
        named = cell_named(row.cells[0], self.known)
        alone = sum(bool(text) for text in row.cells) == 1
        self.cell = marked or (named if alone and named else self.cell)
        units = [m[3] for text in row.cells[1:] if (m := VALUE.match(text)) and m[3]]
        self.unit = units[0] if units else None

    def claims(self, row, column, text):
        head = self.head[column] if column < len(self.head) else ""
        label = row.cells[0]
        cell, model = cell_named(label, self.known), self._model(head)
        if cell and bare(head) == "n":
            return self._counts(row, column, text, cell)
        if cell and model:
            return self._entry(row, column, text, cell, model, head)
        model, told = self._model(label), cell_named(f"{self.head[0]} {head}", self.known)
        if told and bare(label) == "n":
            return self._counts(row, column, text, told)
        if told and model:
            return self._entry(row, column, text, told, model, head)
        kind = next((kind for kind, words in KINDS if re.search(words, bare(head))), None)
        if self.cell and model and kind:
            return self._part(row, column, text, model, kind, head)
        return []

    def _model(self, label):
        first = (bare(label).split() or [""])[0]
        return first if first in self.known.models else None

    def _counts(self, row, column, text, cell):
        least, most = samples_of(cell)
        return [claim((row.line, column, k), row.line, said(number, None), [value],
                      f"n of {place(self.known, cell)}")
                for k, (number, value) in enumerate(zip(numbers(text), (least, most)))]

    def _entry(self, row, column, text, cell, model, head):
        """Median, interval, share and n in one place."""
        in_head = HEAD_UNIT.search(head) or HEAD_UNIT.search(self.head[0])
        roles = list(roles_in(text, in_head[1] or in_head[2] if in_head else None))
        return self._claims(row, column, cell, model, roles)

    def _part(self, row, column, text, model, kind, head):
        """One of them, in a column of its own."""
        in_head = HEAD_UNIT.search(head)
        unit = in_head[1] or in_head[2] if in_head else None
        if kind == "interval":
            found = INTERVAL.match(text)
            unit = unit or self.unit
            roles = [("low", said(found[1], found[2] or found[4] or unit)),
                     ("high", said(found[3], found[4] or unit))] if found and unit else []
        elif kind == "share":
            roles = [("share", said(m[1], "%")) for m in [SHARE.search(text)] if m]
        elif kind == "n":
            roles = [("n", said(number, None)) for number in numbers(text)[:1]]
        else:
            roles = list(roles_in(text, unit))
        return self._claims(row, column, self.cell, model, roles)

    def _claims(self, row, column, cell, model, roles):
        return [claim((row.line, column, k), row.line, number,
                      time_of(self.known, cell, model, role), place(self.known, cell, model))
                for k, (role, number) in enumerate(roles)]


def roles_in(text, unit=None):
    """(what it is, number) of the numbers of one entry: 303 ms [302–304], 99 %, n = 14 of 15."""
    text = text.replace("`", "")
    value = VALUE.match(text)
    unit = (value and value[3]) or unit
    if not value or unit is None:
        return
    yield "bound" if value[1] else "median", said(value[2], unit)
    rest = text[value.end():]
    interval = INTERVAL.match(rest) if BRACKETED.match(rest) else None
    if interval:
        yield "low", said(interval[1], interval[2] or interval[4] or unit)
        yield "high", said(interval[3], interval[4] or interval[2] or unit)
        rest = rest[interval.end():]
    if share := SHARE.search(rest):
        yield "share", said(share[1], "%")
    if count := COUNT.search(rest):
        yield "n", said(count[1], None)
        if count[2]:
            yield "planned", said(count[2], None)
