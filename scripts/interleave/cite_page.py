"""HOW_TO_CITE.md: what may be said of a result, in which words, and how to check it later."""

from .cite_bibtex import bibtex
from .cite_words import SELF_RUN, provenance, sentence, verdict_words

WORDS = {"citable": "", "with caution": " Say so wherever you use one of its numbers.",
         "not citable": " Do not cite it. What follows is printed so that you can see what it "
                        "would say."}

# Also in results/RULES.md.
QUOTING_RULE = f"""\
1. Name the result by its ID, and say what it says of itself: citable, with caution, not citable.
2. Say "{SELF_RUN}", until somebody else has reproduced it on another
   machine; then name their result as well.
3. A number goes with its scenario, its size, its interval and its n; a ratio with its interval.
4. No average over scenarios as a headline, and no rank without its tier.
5. Before you publish, run `./scripts/bench cite --check FILE` on your Markdown or LaTeX: it shows
   which numbers no longer match the results that you name.
"""


def how_to_cite(summary, manifest):
    trust = summary["trust"]
    reasons = "".join(f"- {reason}\n" for reason in trust["reasons"])
    facts = "".join(f"- {line}\n" for line in provenance(summary, manifest)[:-1])
    return f"""# How to cite result {summary['result_id']}

**{verdict_words(trust | {"reasons": []})}**{WORDS[trust["level"]]}

{reasons}
## In a sentence

> {sentence(summary, manifest)}

`./scripts/bench cite DIR` prints one for each headline cell.

## In a bibliography

[citation.bib](citation.bib): the suite, and this result. It names no author of the result: who
measured is not stored. If it was you, add yourself.

```bibtex
{bibtex(summary, manifest)}```

## In a table

[summary.md](derived/summary.md), [summary.tex](derived/summary.tex) (booktabs) and
[summary.csv](derived/summary.csv) hold every cell. `./scripts/bench cite DIR --format latex` (or
`markdown`, `csv`) prints the headline cells, with marks by which they are checked later.

## The quoting rule

{QUOTING_RULE}
## What it was measured with

{facts}"""
