"""How is a result cited? The verb `cite`: sentences, BibTeX, tables; and the check of a text."""

import sys

from .cite_bibtex import bibtex
from .cite_latex import latex_table
from .cite_page import how_to_cite
from .cite_swhid import swhid_of
from .cite_tables import cite_csv, cite_markdown
from .cite_words import headline_cells, provenance, sentence, sentences
from .records import read_result
from .summary import summarise
from .trouble import Usage

__all__ = ["bibtex", "how_to_cite", "latex_table", "main", "sentence", "write_citation"]


def main(session, options):
    if options.check:
        from .cite_check import check
        return check(session, options)
    if options.dir is None:
        raise Usage("cite needs the folder of a result: "
                    "./scripts/bench cite results/MACHINE/RESULT")
    if options.json:
        raise Usage("--json is of cite --check: for the numbers as data, see derived/summary.json")
    result = read_result(options.dir)
    summary = summarise(result)
    print(as_text(summary, result.manifest, options.format, session.root), end="")
    if summary["trust"]["level"] == "not citable":
        print("bench: this result is not citable: " + " ".join(summary["trust"]["reasons"]),
              file=sys.stderr)
    return 0


def as_text(summary, manifest, form, root=None):
    if form == "bibtex":
        return bibtex(summary, manifest, swhid_of(root, manifest))
    if form == "csv":
        return cite_csv(summary)
    cells = headline_cells(summary)
    if form == "latex":
        return (latex_table(summary, manifest, cells)
                + "% These are the headline cells; derived/summary.tex of the result has all.\n")
    if form == "markdown":
        return cite_markdown(summary, manifest, cells)
    swhid = swhid_of(root, manifest)
    lines = sentences(summary, manifest) or [sentence(summary, manifest)]
    facts = provenance(summary, manifest) + ([f"Source: {swhid}."] if swhid else [])
    return "\n\n".join([*lines, "\n".join(facts)]) + "\n"


def write_citation(folder, summary, manifest):
    """What a result says of citing it, in files of its own. Identical data gives identical bytes:
    nothing here asks git or the clock."""
    (folder / "citation.bib").write_text(bibtex(summary, manifest))
    (folder / "HOW_TO_CITE.md").write_text(how_to_cite(summary, manifest))
    (folder / "derived" / "summary.tex").write_text(latex_table(summary, manifest))
