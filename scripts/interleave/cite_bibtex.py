"""How is a result cited in a bibliography? BibTeX of the suite, and of the result itself.

`@software` is biblatex's; BibTeX's own styles take it for `@misc`. The result is `@misc`, which
all of them know, with biblatex's `type`. Who measured a result it does not say: no name is stored.
"""

import re

from .cite_latex import escape
from .cite_suite import suite
from .cite_words import LEVEL_WORDS, SELF_RUN, suite_words

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def bibtex(summary, manifest, swhid=None):
    """Two entries. `swhid`: of the source that measured, where git knows it."""
    return suite_entry(summary, manifest, swhid) + "\n" + result_entry(summary, manifest)


def suite_entry(summary, manifest, swhid=None):
    about = suite()
    version = manifest.get("suite_version")
    # The release date is of one version; of another this file does not know it.
    dated = date_fields(about.released) if version == about.version else {}
    name, _, rest = about.title.partition(":")
    return entry_of("software", key_of(about.name, summary["commit"]), {
        "author": " and ".join(f"{{{escape(author)}}}" for author in about.authors),
        "title": f"{{{escape(name)}}}:{escape(rest)}" if rest else f"{{{escape(name)}}}",
        "version": escape(version) if version else None, **dated,
        "license": escape(about.licence), "swhid": swhid,
        "note": escape(f"Commit {summary['commit']}, workload version "
                       f"{summary['workload_version']}")})


def result_entry(summary, manifest):
    about, result = suite(), summary["result_id"]
    machine = summary["machine"].get("name") or "a machine whose name is not known"
    return entry_of("misc", key_of(about.name, result), {
        "key": f"{{{escape(f'{about.name} result {result}')}}}",
        "title": f"{{{escape(f'{about.name} result {result}')}}}",
        **date_fields((summary.get("created_utc") or "")[:10]),
        "type": "dataset", "howpublished": "Benchmark result with raw samples",
        "note": escape(f"By its own rules {LEVEL_WORDS[summary['trust']['level']]}; measured on "
                       f"{machine} with {suite_words(manifest)} at commit {summary['commit']}; "
                       f"{SELF_RUN}")})


def date_fields(day):
    """As BibTeX and biblatex both read it; nothing where the day is not known."""
    found = re.fullmatch(r"(\d{4})-(\d{2})-\d{2}", day)
    if not found:
        return {}
    return {"year": found[1], "month": Bare(MONTHS[int(found[2]) - 1])}


class Bare(str):
    """A value that is a name of BibTeX's, and stands without braces."""


def key_of(*words):
    """A key of letters, digits and hyphens: other signs mean something to some programs."""
    return "-".join(re.sub(r"[^A-Za-z0-9]+", "-", word).strip("-").lower() for word in words if word)


def entry_of(kind, key, fields):
    lines = [f"  {name} = {value if isinstance(value, Bare) else '{' + value + '}'},"
             for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"]) + "\n"
