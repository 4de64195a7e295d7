"""Does a number as somebody wrote it agree with one that was measured?

It does where the measured one, rounded as the written one is, is the written one: 303 ms and 0.30 s
both agree with 302.7 ms, and 302 ms does not. After "about" and its like, zeros at the end are no
digits: about 300 ms agrees, too; but about 1,000 ms agrees with nothing that is further off than a
tenth.
"""

import re
from dataclasses import dataclass

NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
TIMES = {"ns": 1.0, "µs": 1e3, "us": 1e3, "ms": 1e6, "s": 1e9, "sec": 1e9,
         **{name + ending: size for name, size in
            (("nanosecond", 1.0), ("microsecond", 1e3), ("millisecond", 1e6), ("second", 1e9))
            for ending in ("", "s")}}
SIZES = {"B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "byte": 1.0, "bytes": 1.0}
SHARES = {"%": 0.01, "per cent": 0.01, "percent": 0.01}
RATIOS = {"×": 1.0}
UNITS = TIMES | SIZES | SHARES | RATIOS
UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
HEDGED = 0.1  # how far off "about" may be
CLOSE = 1.5   # times as much or as little: of another run, perhaps, but of the same thing
RATIO = re.compile(rf"(?<![\w.,])({NUMBER})\s?(×|x|times)(?![\w])")
QUANTITY = re.compile(rf"(?<![\w.,])({NUMBER})[ -]?({UNIT})(?![\w])")
LONGEST_HEDGE = 20
HEDGE = re.compile(r"(?:about|around|roughly|nearly|almost|some|approximately|circa|≈|~)\s*$", re.I)


@dataclass(frozen=True)
class Said:
    """A number with the size of its unit; `unit` is as it was written, or None."""

    text: str
    unit: str | None
    size: float
    hedged: bool = False

    @property
    def value(self):
        return float(self.text.replace(",", ""))

    @property
    def decimals(self):
        return len(self.text.partition(".")[2])

    def agrees(self, measured):
        """measured: in the base of the unit: nanoseconds, bytes, 1."""
        # Half a digit, and a little for halves, which are rounded up by some and down by others.
        room = (0.5 + 1e-6) * 10.0 ** -self.decimals
        if self.hedged and not self.decimals:
            zeros = len(self.text) - len(self.text.rstrip("0"))
            room = max(room, min(0.5 * 10.0 ** zeros, HEDGED * self.value))
        return abs(measured / self.size - self.value) <= room

    def is_close(self, measured):
        return measured > 0 < self.value and \
            1 / CLOSE <= measured / self.size / self.value <= CLOSE

    def words(self):
        return _with_unit(self.text, self.unit)

    def instead(self, measured):
        """What it should have said, as precisely."""
        return _with_unit(f"{measured / self.size:,.{self.decimals}f}", self.unit)


def _with_unit(text, unit):
    return text if unit is None else f"{text}{'' if unit == '×' else ' '}{unit}"


def said(text, unit, hedged=False):
    return Said(text, unit, UNITS.get(unit, 1.0), hedged)


def said_at(match, unit=None):
    """What a match of QUANTITY or RATIO says; with "about" before it, only roughly."""
    before = match.string[max(0, match.start() - LONGEST_HEDGE):match.start()]
    return said(match[1], unit or match[2], bool(HEDGE.search(before)))


def skeleton(text):
    """The words of a text without its numbers."""
    return re.sub(NUMBER, "#", text)


def numbers(text):
    return re.findall(NUMBER, text)
