"""Does a citation say what the result says, and can the programs that read it read it?"""

import csv
import io
import json
import re
import subprocess

import pytest

from . import cite, fixtures
from .cite_bibtex import key_of
from .cite_latex import ROWS, escape, latex_table
from .cite_suite import ROOT, suite, version_of
from .cite_swhid import swhid_of
from .cite_tables import cite_csv, cite_markdown
from .cite_words import SELF_RUN, headline_cells, n_words, provenance, sentence, sentences
from .cli import main
from .records import read_result
from .summary import summarise
from .tables import cell_names, entry, table_cells
from .trouble import Trouble


def made(path, **more):
    result = read_result(fixtures.write_result(path, **more))
    return summarise(result), result.manifest


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return made(tmp_path_factory.mktemp("result"))


@pytest.fixture(scope="module")
def every(tmp_path_factory):
    return made(tmp_path_factory.mktemp("every"), models=fixtures.EVERY)


def citable(summary, level="citable"):
    return summary | {"trust": {"level": level, "reasons": [] if level == "citable" else ["Why."]}}


def test_each_sentence_has_numbers_intervals_n_machine_versions_result_and_day(result):
    summary, manifest = result
    cells, found = headline_cells(summary), sentences(summary, manifest | {"suite_version": "9.8"})
    assert len(cells) == len(found) > 2
    names = cell_names(summary)
    for cell, text in zip(cells, found):
        assert ", ".join(names[cell["cell_id"]]) in text
        for row in cell["models"]:
            if row["makespan_ns"]:
                assert " ".join(filter(None, (row["model"], *entry(row)[:2]))) in text
        for fact in (n_words(cell), "Interleave 9.8 at commit abc1234", "workload version 1",
                     "result 20250102T030405Z_abc1234_quick", "madeup-2x-1a2b, 2 CPUs, virtual",
                     "2025-01-02", SELF_RUN):
            assert fact in text, fact


def test_what_else_was_used_is_told_in_full(result):
    text = "\n".join(provenance(*result))
    for fact in ("GCC 12.2.0", "-O2", "made up 1.0", "Made-up CPU", "7.5 GiB", "libuv"):
        assert fact in text


def test_a_result_that_is_not_citable_says_so_before_any_number_and_why(result):
    summary, manifest = result
    assert summary["trust"]["level"] == "not citable"
    for text in [sentence(summary, manifest), *sentences(summary, manifest)]:
        assert text.startswith("NOT CITABLE (1 sample failed the proof of work (libuv)")
    assert "NOT" not in sentence(citable(summary), manifest)
    assert ", citable, " in sentence(citable(summary), manifest)
    assert ", with caution, " in sentence(citable(summary, "with caution"), manifest)


def test_headline_cells_are_what_was_measured_most_one_of_each_scenario(result):
    summary, _ = result
    cells = headline_cells(summary)
    assert len({cell["scenario"] for cell in cells}) == len(cells)
    fanout = next(cell for cell in cells if cell["scenario"] == "fanout")
    assert (fanout["params"]["agents"], fanout["params"]["workers"]) == (10000, 2)
    assert len(headline_cells(summary | {"cells": []})) == 0


def test_the_one_sentence_is_of_the_first_cell_of_every_table_at_the_default_workers(result):
    summary, manifest = result
    assert "fanout, 10,000 agents: " in sentence(summary, manifest)
    others = [cell for cell in summary["cells"] if cell["scenario"] in ("layers", "empty")]
    assert "layers, 256 agents: " in sentence(summary | {"cells": others[::-1]}, manifest)


def test_too_few_processes_are_no_interval_and_said_to_be(tmp_path):
    text = sentence(*made(tmp_path, blocks=1))
    assert "without interval, for there are too few processes, n = 1;" in text
    assert "95 %" not in text and "–" not in text


def test_what_was_not_measured_is_no_headline(result):
    summary, manifest = result
    lonely = [cell | {"models": cell["models"][:1]} for cell in summary["cells"]]
    assert headline_cells(summary | {"cells": lonely}) == []
    assert "result 20250102T030405Z" in sentence(summary | {"cells": lonely}, manifest)


def test_of_many_models_the_fastest_and_the_slowest_are_named(every):
    text = sentences(*every)[0].split("(median time")[0]
    assert len(re.findall(r" \[", text)) == 8 and " more, " in text


def test_the_version_of_the_suite_has_one_source(tmp_path):
    about = suite()
    assert about.version in (ROOT / "CITATION.cff").read_text()
    assert version_of(ROOT) == about.version and version_of(tmp_path) is None
    (tmp_path / "CITATION.cff").write_text("title: x\nauthors:\n  - name: y\n")
    with pytest.raises(Trouble, match="lacks version"):
        suite(tmp_path)


def test_a_result_of_before_versions_were_stored_is_given_none(result):
    """Today's version may not be the one that measured; the commit is known."""
    summary, manifest = result
    assert f"Interleave {suite().version}" not in sentence(summary, manifest)
    assert "version =" not in cite.bibtex(summary, manifest)
    assert "year" not in cite.bibtex(summary, manifest).split("@misc")[0]
    assert f"version = {{{suite().version}}}" in cite.bibtex(
        summary, manifest | {"suite_version": suite().version})


def entries_of(text):
    """A reader of BibTeX that knows braces and nothing else; what it cannot read is no BibTeX."""
    found = []
    for kind, key, body in re.findall(r"^@(\w+)\{([^,{}\s]+),\n(.*?)^\}$", text, re.M | re.S):
        fields = {}
        for line in body.splitlines():
            name, value = re.fullmatch(r"  (\w+) = (\{.*\}|[a-z]{3}),", line).groups()
            depth = 0
            for before, sign in zip(" " + value, value):
                depth += (sign == "{" and before != "\\") - (sign == "}" and before != "\\")
                assert depth >= 0
            assert depth == 0
            assert not re.search(r"(?<!\\)[%&#$_]", value)
            assert value.isascii()
            fields[name] = value
        found.append((kind, key, fields))
    assert len(found) == text.count("@")
    return found


def test_bibtex_has_the_suite_and_the_result_and_can_be_read(result):
    summary, manifest = result
    nasty = summary | {"machine": {"name": "50%_of & a #1 {box}", "cpus": 2}}
    (software, name, of_suite), (misc, key, of_result) = entries_of(cite.bibtex(
        nasty, manifest | {"suite_version": suite().version}))
    assert (software, misc) == ("software", "misc") and name != key
    assert "The Interleave authors" in of_suite["author"] and "abc1234" in of_suite["note"]
    assert of_suite["year"] == f"{{{suite().released[:4]}}}"
    assert r"20250102T030405Z\_abc1234\_quick" in of_result["title"]
    assert (of_result["year"], of_result["month"]) == ("{2025}", "jan")
    assert r"50\%\_of \& a \#1 \{box\}" in of_result["note"] and SELF_RUN in of_result["note"]
    assert "not citable" in of_result["note"]


def test_keys_of_bibtex_have_no_sign_that_means_something():
    assert key_of("Inter leave", "2025_a{b},c") == "inter-leave-2025-a-b-c"


def test_what_means_something_to_latex_is_escaped():
    assert escape(r"5 % of a_b & {c} ≥ 3 µs \ ~^") == (
        r"5 \% of a\_b \& \{c\} \(\geq\) 3 \(\mu\)s \textbackslash{} "
        r"\textasciitilde{}\textasciicircum{}")


def test_latex_tables_are_whole_and_have_every_number(every):
    summary, manifest = every
    text = latex_table(summary, manifest)
    assert text.isascii()
    code = "\n".join(re.sub(r"(?<!\\)%.*", "", line) for line in text.splitlines())
    for name in ("table", "tabular"):
        assert code.count(rf"\begin{{{name}}}") == code.count(rf"\end{{{name}}}") > 1
    bare = re.sub(r"\\[{}]", "", code)
    assert bare.count("{") == bare.count("}")
    rows = [line for line in code.splitlines() if line.rstrip().endswith(r"\\")]
    for row in rows:
        assert r"\multicolumn{5}" in row or len(re.findall(r"(?<!\\)&", row)) == 4, row
        assert not re.search(r"(?<!\\)[_#]", row)
    for cell in table_cells(summary):
        assert f"% interleave-cell: {cell['cell_id']}\n" in text
        for row in cell["models"]:
            if row["makespan_ns"]:
                main_text = escape(entry(row)[0]).replace(" ", r"\,")
                assert f"\\texttt{{{escape(row['model'])}}} & {main_text} & " in text
    tables = text.split(r"\begin{table}")[1:]
    assert all(table.count(r"\texttt") <= ROWS and SELF_RUN in table for table in tables)


def test_markdown_tables_name_cells_models_and_n(result, every):
    for summary, manifest in (result, every):
        text = cite_markdown(summary, manifest)
        assert text.startswith("<!-- interleave-result: 20250102T030405Z_abc1234_quick -->\n| ")
        widths = [line.count("|") for line in text.splitlines() if line.startswith("|")]
        assert len(widths) > 5
        for row in (row for cell in summary["cells"] for row in cell["models"] if row["n"]):
            assert " ".join(filter(None, entry(row)[:2])) in text
        assert SELF_RUN in text and "| 6 |" in text and "| 5 to 6 |" in text


def test_each_row_of_the_csv_names_its_result(result):
    rows = list(csv.DictReader(io.StringIO(cite_csv(result[0]))))
    assert len(rows) == sum(len(cell["models"]) for cell in table_cells(result[0]))
    assert {(row["result_id"], row["trust"]) for row in rows} == {
        ("20250102T030405Z_abc1234_quick", "not citable")}
    assert all(row["n"] and (row["makespan_ns"] or row["n"] == "0") for row in rows)


def test_the_page_about_citing_has_sentence_entries_and_rule(result):
    text = cite.how_to_cite(*result)
    assert sentence(*result) in text and cite.bibtex(*result) in text and SELF_RUN in text
    assert "Do not cite it." in text and "- 1 sample failed the proof" in text
    assert "Do not cite it." not in cite.how_to_cite(citable(result[0]), result[1])


def test_a_result_keeps_its_citation_in_files_and_identical_data_gives_identical_bytes(
        result, tmp_path):
    names = ("citation.bib", "HOW_TO_CITE.md", "derived/summary.tex")
    (tmp_path / "derived").mkdir()
    cite.write_citation(tmp_path, *result)
    first = [(tmp_path / name).read_bytes() for name in names]
    cite.write_citation(tmp_path, *json.loads(json.dumps(result)))
    assert [(tmp_path / name).read_bytes() for name in names] == first


@pytest.fixture
def folder(tmp_path):
    return fixtures.write_result(tmp_path / "a result")


@pytest.mark.parametrize("form, mark", [
    ("text", "NOT CITABLE"), ("bibtex", "@software{"), ("markdown", "| **fanout**"),
    ("csv", "result_id,trust,"), ("latex", r"\toprule")])
def test_every_form_is_printed_and_a_result_that_is_not_citable_warned_of(
        folder, capsys, form, mark):
    assert main(["cite", str(folder), "--format", form], ROOT) == 0
    out, err = capsys.readouterr()
    assert mark in out
    assert err.startswith("bench: this result is not citable: 1 sample failed")
    assert err.count("\n") == 1


def test_cite_without_a_result_says_what_is_missing(capsys, folder):
    assert main(["cite"], ROOT) == 2
    assert "needs the folder of a result" in capsys.readouterr().err
    assert main(["cite", str(folder), "--json"], ROOT) == 2
    assert "--check" in capsys.readouterr().err


def test_the_name_of_the_source_is_gits_and_only_of_a_commit_that_it_knows(tmp_path):
    def git(*words):
        return subprocess.run(["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=b",
                               *words], check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    (tmp_path / "file").write_text("text")
    git("add", "file")
    git("commit", "-qm", "one")
    commit, tree = git("rev-parse", "HEAD"), git("rev-parse", "HEAD^{tree}")
    known = {"commit": commit[:7], "dirty": False}
    assert swhid_of(tmp_path, known) == f"swh:1:dir:{tree};anchor=swh:1:rev:{commit}"
    for unknown in ({"commit": "nogit"}, {"commit": "0000000"}, {}, {"dirty": True},
                    {"dirty": None}):
        assert swhid_of(tmp_path, {**known, **unknown} if unknown else {}) is None
