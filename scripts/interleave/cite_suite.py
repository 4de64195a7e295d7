"""Which suite is this, and which version of it? CITATION.cff says so, and nothing else does."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from .trouble import Trouble

ROOT = Path(__file__).resolve().parents[2]
QUOTES = "\"'"


@dataclass(frozen=True)
class Suite:
    title: str
    version: str
    released: str  # a date
    licence: str
    authors: list

    @property
    def name(self):
        return self.title.split(":")[0]


@lru_cache
def suite(root=ROOT):
    """From the few lines of CITATION.cff that a citation needs: `key: value`, and the authors'
    names. The Citation File Format is YAML; of that, this file uses no more."""
    path = Path(root) / "CITATION.cff"
    try:
        text = path.read_text()
    except OSError as error:
        raise Trouble(f"{path}: {error.strerror}: the suite is cited by what stands in it")
    found = {key: value.strip().strip(QUOTES)
             for key, value in re.findall(r"^([a-z-]+):[ \t]*(\S.*)$", text, re.M)}
    authors = [name.strip().strip(QUOTES)
               for name in re.findall(r"^[ \t]+(?:-[ \t]+)?name:[ \t]*(\S.*)$", text, re.M)]
    absent = [key for key in ("title", "version", "date-released", "license") if key not in found]
    if absent or not authors:
        raise Trouble(f"{path} lacks {', '.join(absent) or 'authors'}: add it")
    return Suite(found["title"], found["version"], found["date-released"], found["license"],
                 authors)


def version_of(root):
    """For the manifest of a new result; None where the checkout has no CITATION.cff."""
    try:
        return suite(root).version
    except Trouble:
        return None
