"""Do the pages about results say what the code does, and is the checklist whole?"""

import json
import re

import pytest

from . import trust
from .cite_page import QUOTING_RULE
from .cite_rules import PAGE, parts, written
from .cite_suite import ROOT, suite
from .options import read_options

RESULTS = ROOT / "results"
PAGES = sorted(RESULTS.glob("*.md"))
# Categories of the checklist, and how many items each has.
CATEGORIES = {"Clearly Stated Claims": 3, "Suitable Comparison": 2, "Principled Benchmark Choice": 3,
              "Adequate Data Analysis": 3, "Relevant Metrics": 2,
              "Appropriate and Clear Experimental Design": 5,
              "Appropriate Presentation of Results": 4}


def test_the_rules_are_those_of_the_code():
    text = PAGE.read_text()
    assert written(text) == text, "run: PYTHONPATH=scripts python3 -m interleave.cite_rules"
    assert len(trust.RULES) > 10
    for level, rule in trust.RULES:
        assert f"- {rule}\n" in parts()["citable"], level
    assert QUOTING_RULE in text


def test_a_rule_that_changed_is_noticed():
    text = PAGE.read_text()
    assert written(text.replace("The run was not finished.", "Fine.")) == text
    with pytest.raises(ValueError, match="needs one"):
        written("no place for it")


def test_the_checklist_has_every_item_and_an_answer_to_each():
    sections = re.split(r"^## ", (RESULTS / "SIGPLAN.md").read_text(), flags=re.M)[1:]
    assert [s.splitlines()[0] for s in sections] == list(CATEGORIES)
    for section, count in zip(sections, CATEGORIES.values()):
        rows = re.findall(r"^\| (?!item|---)(.+?) \| (met|partly|not met) \| (.+) \|$", section,
                          re.M)
        assert len(rows) == count == section.count("\n| ") - 1
        assert all(len(answer) > 20 for _, _, answer in rows)


def test_no_link_of_a_page_leads_nowhere():
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", page.read_text()):
            target, anchor = link
            if target.startswith("https://"):
                continue
            path = (page.parent / target) if target else page
            assert path.exists(), f"{page.name}: {target}"
            if anchor:
                heads = {re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
                         for line in path.read_text().splitlines() if line.startswith("#")}
                assert anchor in heads, f"{page.name}: #{anchor}"


def test_every_command_of_a_page_is_one():
    verbs = {option.verb for option in read_options(ROOT)}
    for page in PAGES:
        for verb in re.findall(r"\./scripts/bench ([a-z]+)", page.read_text()):
            assert verb in verbs, f"{page.name}: {verb}"


def test_what_an_archive_reads_says_the_same_as_citation_cff():
    told, about = json.loads((ROOT / ".zenodo.json").read_text()), suite()
    assert told["title"] == about.title and told["license"] == about.licence
    assert [creator["name"] for creator in told["creators"]] == about.authors
    assert f"keywords: [{', '.join(told['keywords'])}]" in (ROOT / "CITATION.cff").read_text()
    assert "version" not in told  # the archive takes it from the release


def test_the_appendix_names_what_is_there():
    text = (RESULTS / "ARTIFACT.md").read_text()
    for profile in re.findall(r"--profile (\w+)", text):
        assert profile in next(o.kind for o in read_options(ROOT)
                               if (o.verb, o.flag) == ("run", "--profile"))
    for name in re.findall(r"`((?:scripts|bench|models|results)/[\w./-]*)`", text):
        assert (ROOT / name).exists(), name
