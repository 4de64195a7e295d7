"""Which rules do results and citations obey? Writes those parts of results/RULES.md that the code
knows: when a result is citable, and how it is quoted. `python3 -m interleave.cite_rules` does it.
"""

import re

from . import trust
from .cite_page import QUOTING_RULE
from .cite_suite import ROOT

PAGE = ROOT / "results" / "RULES.md"
BEGIN, END = "<!-- written by the code: {} -->", "<!-- end -->"


def parts():
    """name -> Markdown."""
    words = {"not citable": "**Not citable** is a result of which one of these holds:",
             "with caution": "**With caution** is one of which none of those holds, but one of "
                             "these:"}
    lists = []
    for level, rules in reversed([(level, [w for known, w in trust.RULES if known == level])
                                  for level in trust.LEVELS[1:]]):
        lists.append(words[level] + "\n\n" + "".join(f"- {rule}\n" for rule in rules))
    return {"citable": "\n".join(lists) + "\n**Citable** is every other.\n",
            "quoting": QUOTING_RULE}


def written(text):
    """The page with its parts as the code has them today."""
    for name, part in parts().items():
        begin = re.escape(BEGIN.format(name))
        text, count = re.subn(rf"({begin}\n).*?({END})", lambda m: m[1] + part + m[2], text,
                              flags=re.S)
        if count != 1:
            raise ValueError(f"{PAGE} has {count} places for the part '{name}', and needs one")
    return text


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
