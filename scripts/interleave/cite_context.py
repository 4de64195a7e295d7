"""Which cell is a text about? The scenario that it names, and how many agents and the like."""

import re
from dataclasses import dataclass, field

from .cite_numbers import NUMBER

AGENTS = re.compile(rf"({NUMBER}) agents?\b")
WORKERS = re.compile(r"(\d+|one|two) workers?\b")
CPU_SHARE = re.compile(rf"CPU share(?: of| is| =|:)? ({NUMBER})\s?%|({NUMBER})\s?% CPU share",
                       re.I)


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


def context_of(text, known):
    found = Context()
    for m in re.finditer(any_of(known.scenarios), text):
        if _is_named(text, m) and m[0] not in found.scenarios:
            found.scenarios.append(m[0])
    for phrase, (key, value) in known.phrases.items():
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


def any_of(names):
    words = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return rf"(?<![\w-])(?:{words or '(?!)'})(?![\w-])"


def _is_named(text, match):
    """Whether a word is a scenario's name here: many of them are plain English as well."""
    before, after = text[:match.start()], text[match.end():]
    return ("-" in match[0] or before.endswith("`") and after.startswith("`")
            or re.match(rf"[`\s,(:]*(?:scenario\b|(?:with|at|of)?\s*{NUMBER} agents?\b)", after)
            is not None or before.endswith("scenario "))


def cell_named(label, known):
    """The one cell that a row or a column of a table is of, by the result's words or others."""
    if label not in known.named:
        known.named[label] = known.cell_called(label) or _cell_in_other_words(label, known)
    return known.named[label]


def _cell_in_other_words(label, known):
    text = re.sub(r"[`*]", "", label).strip()
    context = context_of(text, known)
    first = re.match(any_of(known.scenarios), text, re.I)
    scenarios = context.scenarios or ([first[0].lower()] if first else [])
    cells = Context(scenarios, context.stated).cells(known) if context.stated else []
    return cells[0] if len(cells) == 1 else None


def mentions_bare(text, known):
    return re.search(any_of(known.scenarios), text) is not None


def without_the_cell(text, known):
    """The text with blanks where it names scenario and parameters: in "asio in `fanout` at 1,000
    agents took 905 ms" the number follows the model."""
    spans = [m.span() for pattern in (AGENTS, WORKERS, CPU_SHARE) for m in pattern.finditer(text)]
    spans += [m.span() for m in re.finditer(any_of(known.scenarios), text) if _is_named(text, m)]
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return re.sub(r"\(\s*\)", lambda m: " " * len(m[0]), text)
