"""Which result's number does a number in a sentence claim to be?

The sentences that `cite` prints, and what people write instead: a model's name, then a time
("asio took 303 ms", "asio: 303 ms [302–304]"), or the other way round ("303 ms with asio"), in a
sentence or a paragraph that names the scenario and its size. Where the cell could be one of several
a number may fit, but is never wrong. Whatever else a number may mean (a delay, a cost, memory) is
left alone.
"""

import re
from dataclasses import dataclass, field

from .cite_claims import claim, place, time_of
from .cite_numbers import HEDGE, NUMBER, QUANTITY, RATIOS, SIZES, TIMES, said
from .cite_table_check import BRACKETED, INTERVAL
from .cite_words import samples_of

VERBS = ("is|was|are|takes|took|taking|needs|needed|needing|has|had|finishes|finished|finishing|"
         "in|at|with|about|around|roughly|nearly|almost|approximately|only|just|a|the|its|median|"
         "of|time|makespan|all|everything|it|on|average|for|to|finish|complete|completes|completed|"
         "runs|ran|done|after|≈|~")
BETWEEN = re.compile(rf"[\s`:(=,–-]*(?:(?:{VERBS})(?![\w])[\s`:(=,]*)*")
NOT_RUN = re.compile(r"[\s`]*not run \(by its structure ≥\s*")
BEHIND = re.compile(r"\s*(?:\(\s*|(?:for|with|by|using|on)\s+(?:the\s+)?)`?")
# After a number: it is of another quantity, or of a difference.
OTHER = re.compile(r"\s*(?:late|later|each|per|more|longer|faster|slower|less|earlier|apart|of CPU|"
                   r"CPU|a (?:turn|call|task|message|session)|behind|ahead|overhead|extra|sooner)"
                   r"(?![\w])", re.I)
# Anywhere in a sentence: its times may be of something else than all of the work.
ELSE = re.compile(r"\b(?:late(?:ness|ncy|ncies)?|heartbeats?|wake-?ups?|p50|p90|p99|percentiles?|"
                  r"CPU (?:time|seconds)|start-?up|first result|a (?:call|turn|task) each|per "
                  r"(?:call|turn|task|message)|stop(?:s|ped|ping)?|back-?off|round trips?)\b", re.I)
EFFICIENCY = re.compile(rf"[\s,;(]*(?:and\s+)?({NUMBER})\s*%"
                        r"(?=\s*(?:\)|,|;|\.|of (?:the )?possible))")
COUNT = re.compile(r"\bn\s*=\s*(\d+)(?: to (\d+))?")
AS_LONG = re.compile(r"\s*(?:as long|the time|the median)"
                     r"(?:\s+(?:as|of)(?:\s+that of)?\s+`?([\w]+))?")
PER_AGENT = re.compile(r"[^.;]{0,40}?\b(?:for each|per|each|a) (?:more |further |waiting )*agent\b")
NUMERAL = re.compile(r"(?:\d|\b(?:two|three|four|several|many|more|few|other|of|OS|kernel)|"
                     r"(?<!\d )\bworker)\s+$", re.I)
SENTENCE = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=\S)")
AGENTS = re.compile(rf"({NUMBER}) agents?\b")
WORKERS = re.compile(r"(\d+|one|two) workers?\b")
CPU_SHARE = re.compile(rf"CPU share(?: of| is| =|:)? ({NUMBER})\s?%|({NUMBER})\s?% CPU share")
NO_QUANTITY = re.compile(rf"(?:{CPU_SHARE.pattern}|95\s?%(?: confidence)?[- ](?:interval|CI))")


@dataclass
class Context:
    """Which cell a sentence is about, as far as it says."""

    scenarios: list = field(default_factory=list)
    stated: dict = field(default_factory=dict)  # parameter -> values, in their order

    def after(self, later):
        """What a sentence means that follows one with this context."""
        if later.scenarios:
            return later
        return Context(self.scenarios, self.stated | later.stated)

    def cells(self, known):
        found = []
        for scenario in self.scenarios:
            chosen = [{}]
            for key, values in self.stated.items():
                chosen = [one | {key: value} for one in chosen for value in values]
            for stated in chosen:
                found += [c for c in known.cells_like(scenario, stated) if c not in found]
        return found


def prose_claims(paragraph, known):
    """Claims of this result about the numbers of a paragraph. The key of each is where its number
    begins."""
    context, at = Context(), 0
    for text in SENTENCE.split(paragraph.text):
        at = paragraph.text.index(text, at)
        own = context_of(text, known)
        if not own.scenarios and mentions_bare(text, known):
            context = Context()  # another scenario may be meant
        context = context.after(own)
        yield from _sentence(text, at, paragraph, context, known)
        at += len(text)


def context_of(text, known):
    found = Context()
    for m in re.finditer(_names(known.scenarios), text):
        if _is_named(text, m) and m[0] not in found.scenarios:
            found.scenarios.append(m[0])
    for phrase, (key, value) in known.phrases().items():
        if phrase and key not in ("agents", "workers", "cpu_share") and phrase in text:
            found.stated.setdefault(key, []).append(value)
    for m in AGENTS.finditer(text):
        _state(found, "agents", int(float(m[1].replace(",", ""))))
    for m in WORKERS.finditer(text):
        _state(found, "workers", {"one": 1, "two": 2}.get(m[1]) or int(m[1]))
    for m in CPU_SHARE.finditer(text):
        _state(found, "cpu_share", round(float(m[1] or m[2]) / 100, 9))
    return found


def _state(context, key, value):
    values = context.stated.setdefault(key, [])
    if value not in values:
        values.append(value)


def _names(names):
    words = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return rf"(?<![\w-])(?:{words or '(?!)'})(?![\w-])"


def _is_named(text, match):
    """Whether a word is a scenario's name here: many of them are plain English as well."""
    before, after = text[:match.start()], text[match.end():]
    return ("-" in match[0] or before.endswith("`") and after.startswith("`")
            or re.match(rf"[`\s,(:]*(?:scenario\b|(?:with|at|of)?\s*{NUMBER} agents?\b)", after)
            is not None or before.endswith("scenario "))


def mentions_bare(text, known):
    return re.search(_names(known.scenarios), text) is not None


def _sentence(text, at, paragraph, context, known):
    cells = context.cells(known)
    if not cells:
        yield from _memory(text, at, paragraph, known)
        return
    reader = _Reader(text, at, paragraph, cells, known)
    if not ELSE.search(text):
        yield from reader.times()
    yield from reader.ratios()
    yield from _memory(text, at, paragraph, known)


class _Reader:
    def __init__(self, text, at, paragraph, cells, known):
        self.text, self.at, self.paragraph = text, at, paragraph
        self.cells, self.known = cells, known
        self.taken = set()  # names that stand behind the number that is theirs
        self.models = [m for m in re.finditer(_names(known.models), text, re.I)
                       if not NUMERAL.search(text[:m.start()])]

    def times(self):
        claimed = False
        for m in QUANTITY.finditer(self.text):
            if m[2] not in TIMES or OTHER.match(self.text, m.end()):
                continue
            model, role = self._owner(m)
            if model is None:
                continue
            claimed = True
            yield self._claim(m.start(1), said(m[1], m[2], self._hedged(m)), model, role)
            yield from self._behind(m, model)
        if claimed:
            yield from self._counts()

    def _hedged(self, m):
        return bool(HEDGE.search(self.text[:m.start()]))

    def _owner(self, m):
        """The model whose time it is, and whether it is a bound; None where that is not plain."""
        before = [n for n in self.models if n.end() <= m.start()]
        role, owners = "median", []
        if before and before[-1].start() not in self.taken:
            gap = self.text[before[-1].end():m.start()]
            if BETWEEN.fullmatch(gap):
                owners.append(before[-1][0].lower())
            elif NOT_RUN.fullmatch(gap):
                owners.append(before[-1][0].lower())
                role = "bound"
        behind = BEHIND.match(self.text, m.end())
        theirs = [n for n in self.models if behind and n.start() == behind.end()]
        owners += [n[0].lower() for n in theirs]
        self.taken |= {n.start() for n in theirs}
        return (owners[0], role) if len(set(owners)) == 1 else (None, role)

    def _behind(self, m, model):
        """The interval after a time, and the share after that."""
        end = m.end()
        interval = INTERVAL.match(self.text, end) if BRACKETED.match(self.text, end) else None
        if interval:
            units = interval[2] or interval[4] or m[2], interval[4] or interval[2] or m[2]
            for group, role, unit in ((1, "low", units[0]), (3, "high", units[1])):
                yield self._claim(interval.start(group), said(interval[group], unit), model, role)
            end = interval.end()
        share = EFFICIENCY.match(self.text, end)
        if share:
            yield self._claim(share.start(1), said(share[1], "%"), model, "share")

    def _counts(self):
        for m in COUNT.finditer(self.text):
            wanted = [samples_of(cell) for cell in self.cells]
            for group, which in ((1, 0), (2, 1)):
                if m[group]:
                    values = [n[which] for n in wanted] + ([] if m[2] else [n[1] for n in wanted])
                    yield claim((self.at + m.start(group),), self._line(m.start(group)),
                                said(m[group], None), values,
                                f"n of {place(self.known, self.cells[0])}", len(self.cells) == 1)

    def ratios(self):
        for m in QUANTITY.finditer(self.text):
            after = AS_LONG.match(self.text, m.end())
            if m[2] not in RATIOS or not after:
                continue
            before = [n for n in self.models if n.end() <= m.start()]
            gap = self.text[before[-1].end():m.start()] if before else None
            if gap is None or not re.fullmatch(rf"(?:{BETWEEN.pattern})(?:at least\s*)?", gap):
                continue
            other = after[1].lower() if after[1] else None
            if other and other not in self.known.models:
                continue
            model = before[-1][0].lower()
            values = [v for cell in self.cells for v in self.known.ratios(cell, model, other)]
            if values:
                yield claim((self.at + m.start(1),), self._line(m.start(1)),
                            said(m[1], m[2], self._hedged(m)), values,
                            place(self.known, self.cells[0], model), len(self.cells) == 1)

    def _claim(self, start, number, model, role):
        values = [v for cell in self.cells for v in time_of(self.known, cell, model, role)]
        return claim((self.at + start,), self._line(start), number, values,
                     place(self.known, self.cells[0], model), len(self.cells) == 1)

    def _line(self, start):
        return self.paragraph.line_at(self.at + start)


def _memory(text, at, paragraph, known):
    """Bytes for each further agent that only waits."""
    models = list(re.finditer(_names(known.models), text, re.I))
    for m in QUANTITY.finditer(text):
        if m[2] not in SIZES or not PER_AGENT.match(text, m.end()):
            continue
        before = [n for n in models if n.end() <= m.start()]
        if before and BETWEEN.fullmatch(text[before[-1].end():m.start()]):
            model = before[-1][0].lower()
            values = known.bytes_per_agent(model)
            if values:
                yield claim((at + m.start(1),), paragraph.line_at(at + m.start(1)),
                            said(m[1], m[2], bool(HEDGE.search(text[:m.start()]))), values,
                            f"{model}, memory of each further agent", len(values) == 1)


def loose_quantities(paragraph):
    """Where numbers with units stand that a result could have: for the count of those that were not
    attributed."""
    taken = [m.span() for m in NO_QUANTITY.finditer(paragraph.text)]
    return [m.start(1) for m in QUANTITY.finditer(paragraph.text)
            if not any(a <= m.start() < b for a, b in taken)]
