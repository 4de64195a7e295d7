"""Which result's number does a number in a sentence claim to be?

The sentences that `cite` prints, and what people write instead: a model's name, then a time
("asio took 303 ms", "asio: 303 ms [302–304]"), or the other way round ("303 ms with asio"), in a
sentence or a paragraph that names the scenario and its size. Where the cell could be one of several
a number may fit, but is never wrong. Whatever else a number may mean (a delay, a cost, memory) is
left alone.
"""

import re

from .cite_claims import claim, place, time_of
from .cite_context import CPU_SHARE, Context, any_of, context_of, mentions_bare, without_the_cell
from .cite_numbers import NUMBER, QUANTITY, RATIO, SIZES, TIMES, said, said_at
from .cite_table_check import BRACKETED, INTERVAL
from .cite_words import samples_of

VERBS = ("is|was|are|were|takes?|took|taking|needs?|needed|needing|has|have|had|"
         "finish(?:es|ed|ing)?|in|at|with|about|around|roughly|nearly|almost|approximately|only|"
         "just|a|the|its|median|of|time|makespan|all|everything|it|on|average|for|to|completes?|"
         "completed|runs?|ran|done|after|fastest|slowest|first|last|≈|~")
BETWEEN = re.compile(rf"[\s`:(=,–—-]*(?:(?:{VERBS})(?![\w])[\s`:(=,]*)*")
# Before a name between commas, or behind a dash: what follows is of the model before.
ASIDE = re.compile(r"\b(?:unlike|than|like|against|over|versus|vs\.?|beats|beating|beside|not|"
                   r"(?:contrast|compared|opposed|next) (?:to|with))\s+`?$", re.I)
NOT_RUN = re.compile(r"[\s`]*(?:not run \(by its structure ≥|(?:would|will) (?:take|need) at "
                     r"least|needs at least|was not run: at least)\s*")
BEHIND = re.compile(r"\s*(?:\(\s*|(?:for|with|by|using|on)\s+(?:the\s+)?)`?")
# After a number: it is of another quantity, or of a difference.
OTHER = re.compile(r"\s*(?:late|later|each|per|more|longer|faster|slower|less|earlier|apart|of|CPU|"
                   r"a (?:turn|call|task|message|session)|behind|ahead|overhead|extra|sooner|"
                   r"against|versus|vs|before|after|than|below|above|over|under|waits?|timers?|"
                   r"time-?outs?|delays?|sleeps?|"
                   r"resolution|heartbeats?|steps?|grains?|pieces?)(?![\w])", re.I)
# Before one: it is a length that was chosen, and none that was measured.
CHOSEN = re.compile(r"\b(?:waits?|timers?|delays?|limits?|resolution|time-?outs?|deadlines?|"
                    r"budgets?|periods?|grains?|pieces?|sleeps?|pauses?|steps?|every)\b"
                    r"[^,;.()]{0,24}$", re.I)
# Anywhere in a sentence: its times may be of something else than all of the work.
ELSE = re.compile(r"\b(?:late(?:ness|ncy|ncies)?|heartbeats?|wake-?ups?|p50|p90|p99|percentiles?|"
                  r"CPU (?:time|seconds)|start-?up|first result|a (?:call|turn|task) each|per "
                  r"(?:call|turn|task|message)|stop(?:s|ped|ping)?|back-?off|round trips?)\b", re.I)
EFFICIENCY = re.compile(r"[\s,;(]*(?:and\s+)?(?:reach(?:es|ed)\s+|with\s+|at\s+|or\s+)?"
                        rf"({NUMBER})\s*%"
                        r"(?=\s*(?:\)|,|;|\.|of (?:the )?possible))")
LIST = re.compile(r"[\s`]*(?:,|/|&|,?\s*(?:and|or|to))[\s`]*")
COUNT = re.compile(r"\bn\s*=\s*(\d+)(?: to (\d+))?")
AS_LONG = re.compile(r"\s*(?:as long|the time|the median)"
                     r"(?:\s+(?:as|of)(?:\s+that of)?\s+`?([\w]+))?")
THAT_IS = re.compile(r"[\s,;(]*(?:(?:which is|that is|i\.e\.,?|or|and)\s+)?(?:about\s+)?")
CI = re.compile(r"[\s,;(\[]*95\s?%[- ](?:confidence )?(?:interval|CI)[\s,:]*(?:of|from)?\s*"
                rf"[\[(]?(?={NUMBER})")
ADDS = re.compile(r"[\s`]*(?:adds?|costs?|uses?|needs?|takes?|has|have|with|at|:|about|only|\s)*"
                  r"[\s(]*")
PER_AGENT = re.compile(r"[^.;]{0,40}?\b(?:for each|per|each|a) (?:more |further |waiting )*agent\b")
NUMERAL = re.compile(r"(?:\d|\b(?:two|three|four|several|many|more|few|other|OS|kernel|(?:number|"
                     r"hundreds|thousands|dozens|lots) of)|(?<!\d )\bworker)\s+$", re.I)
SENTENCE = re.compile(r"(?<=[.!?])(?<!i\.e\.)(?<!e\.g\.)(?<!\bcf\.)(?<!\bvs\.)(?<!\bca\.)"
                      r"(?<!Fig\.)(?<!Tab\.)(?<!Sec\.)[\"')\]]*\s+(?=\S)")
NO_QUANTITY = re.compile(rf"(?:{CPU_SHARE.pattern}|95\s?%(?: confidence)?[- ](?:interval|CI))")


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
        self.claimed = {}  # end of a time -> the model that it is of
        self.gaps = without_the_cell(text, known)
        self.quantities = [m.span() for m in QUANTITY.finditer(text)]
        self.models = [m for m in re.finditer(any_of(known.models), text, re.I)
                       if not NUMERAL.search(text[:m.start()])]

    def times(self):
        claimed = False
        for m in QUANTITY.finditer(self.text):
            if m[2] not in TIMES or OTHER.match(self.text, m.end()) \
                    or CHOSEN.search(self.text[:m.start()]):
                continue
            model, role = self._owner(m)
            if model is None:
                continue
            claimed = True
            self.claimed[m.end()] = model
            yield self._claim(m.start(1), said_at(m), model, role)
            yield from self._behind(m, model)
        if claimed:
            yield from self._counts()

    def _owner(self, m):
        """The model whose time it is, and whether it is a bound; None where that is not plain."""
        before = [n for n in self.models if n.end() <= m.start()]
        role, owners = "median", []
        if self._in_a_list(m):
            return None, role
        if before and before[-1].start() not in self.taken:
            gap = self.gaps[before[-1].end():m.start()]
            if re.search(r"\(`?$", self.text[:before[-1].start()]):
                gap = re.sub(r"^`?\)", "", gap)  # oneTBB (`tbb`) took 965 ms
            if self._is_aside(before[-1], gap):
                return None, role
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

    def _is_aside(self, name, gap):
        """asio, unlike threads, took 303 ms."""
        return (re.match(r"`?\s*[,–—)-]", gap) is not None
                and ASIDE.search(self.text[:name.start()]) is not None)

    def _in_a_list(self, m):
        """Whether names or numbers are listed here, and which is whose is told by their order, if
        at all: asio and tbb took 303 ms and 305 ms."""
        names = [n.span() for n in self.models]
        times = self.quantities

        def listed(spans, index):
            return any(LIST.fullmatch(self.text[a[1]:b[0]])
                       for a, b in ((spans[i], spans[i + 1]) for i in (index - 1, index)
                                    if 0 <= i < len(spans) - 1))

        before = max((i for i, n in enumerate(names) if n[1] <= m.start()), default=-1)
        behind = before + 1
        return (listed(times, times.index(m.span()))
                or before >= 1 and LIST.fullmatch(self.text[names[before - 1][1]:names[before][0]])
                and BETWEEN.fullmatch(self.gaps[names[before][1]:m.start()]) is not None
                or behind < len(names) - 1
                and LIST.fullmatch(self.text[names[behind][1]:names[behind + 1][0]])
                and BEHIND.fullmatch(self.text[m.end():names[behind][0]]) is not None)

    def _behind(self, m, model):
        """The interval after a time, and the share after that."""
        end = m.end()
        named = CI.match(self.text, end)
        interval = INTERVAL.match(self.text, named.end() if named else end) \
            if named or BRACKETED.match(self.text, end) else None
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
        for m in RATIO.finditer(self.text):
            after = AS_LONG.match(self.text, m.end())
            if not after:
                continue
            model = self._owner_of_ratio(m)
            other = after[1].lower() if after[1] else None
            if model is None or other and other not in self.known.models:
                continue
            values = [v for cell in self.cells for v in self.known.ratios(cell, model, other)]
            if values:
                yield claim((self.at + m.start(1),), self._line(m.start(1)),
                            said_at(m, "×"), values,
                            place(self.known, self.cells[0], model), len(self.cells) == 1)

    def _owner_of_ratio(self, m):
        """The model before it, or that of the time before it."""
        before = [n for n in self.models if n.end() <= m.start()]
        gap = self.gaps[before[-1].end():m.start()] if before else ""
        if before and self._is_aside(before[-1], gap):
            return None
        if before and re.fullmatch(rf"(?:{BETWEEN.pattern})(?:at least\s*)?", gap):
            return before[-1][0].lower()
        end = max((end for end in self.claimed if end <= m.start()), default=None)
        if end is not None and THAT_IS.fullmatch(self.text[end:m.start()]):
            return self.claimed[end]
        return None

    def _claim(self, start, number, model, role):
        values = [v for cell in self.cells for v in time_of(self.known, cell, model, role)]
        return claim((self.at + start,), self._line(start), number, values,
                     place(self.known, self.cells[0], model), len(self.cells) == 1)

    def _line(self, start):
        return self.paragraph.line_at(self.at + start)


def _memory(text, at, paragraph, known):
    """Bytes for each further agent that only waits."""
    models = list(re.finditer(any_of(known.models), text, re.I))
    for m in QUANTITY.finditer(text):
        if m[2] not in SIZES or not PER_AGENT.match(text, m.end()):
            continue
        before = [n for n in models if n.end() <= m.start()]
        if before and ADDS.fullmatch(text[before[-1].end():m.start()]):
            model = before[-1][0].lower()
            values = known.bytes_per_agent(model)
            if values:
                yield claim((at + m.start(1),), paragraph.line_at(at + m.start(1)),
                            said_at(m), values,
                            f"{model}, memory of each further agent", len(values) == 1)


def loose_quantities(paragraph):
    """Where numbers with units stand that a result could have: for the count of those that were not
    attributed."""
    taken = [m.span() for m in NO_QUANTITY.finditer(paragraph.text)]
    ratios = [m for m in RATIO.finditer(paragraph.text)
              if m[2] != "×" and AS_LONG.match(paragraph.text, m.end())]
    return [m.start(1) for m in [*QUANTITY.finditer(paragraph.text), *ratios]
            if not any(a <= m.start() < b for a, b in taken)]
