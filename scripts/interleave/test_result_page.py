import io
import itertools
import json
import re

import pytest
from rich.console import Console

from interleave import charts, fixtures, markdown_tables, result_page, tables
from interleave.cite_check import check_file
from interleave.markdown_tables import markdown_table
from interleave.records import read_result
from interleave.samples import sha256_of
from interleave.summary import summarise
from interleave.sums import plain_files
from interleave.trouble import Trouble


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = fixtures.write_result(tmp_path_factory.mktemp("result"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(charts, "WIDTHS", ((charts.PAGE, ""),))  # one width, for speed
        result_page.write_result(path)
    return path


@pytest.fixture(scope="module")
def summary(folder):
    return json.loads((folder / "derived" / "summary.json").read_text())


def printed(summary, width):
    out = io.StringIO()
    result_page.print_table(summary, Console(file=out, width=width))
    return out.getvalue()


def test_the_page_begins_with_whether_to_trust_it(folder):
    lines = (folder / "README.md").read_text().splitlines()
    assert lines[2] == "**This result is not citable.**"
    assert "failed the proof" in lines[4]


def test_every_link_of_the_page_leads_to_a_file_of_the_result(folder):
    links = re.findall(r"\]\(([^)]+)\)", (folder / "README.md").read_text())
    assert len(links) > 20
    for link in links:
        assert link.startswith("#") or (folder / link).is_file(), link


def test_a_link_to_a_table_leads_to_a_heading_of_the_page(folder):
    text = (folder / "README.md").read_text()
    headings = {re.sub(r"[^a-z0-9_ -]", "", line.lstrip("# ").lower()).replace(" ", "-")
                for line in text.splitlines() if line.startswith("#")}
    links = re.findall(r"\]\(#([^)]+)\)", text)
    assert "time-to-finish-everything" in links and "what-a-waiting-agent-costs" in links
    assert set(links) <= headings


def test_the_page_leads_from_trust_to_figures_to_tables_and_ends_with_what_is_missing(folder):
    text = (folder / "README.md").read_text()
    heads = re.findall(r"^## (.*)", text, re.M)
    assert len(set(heads)) == len(heads)
    assert heads[0] == "When to use which" and heads[1].startswith("Who finishes first")
    assert heads[-1] == "What is missing, and why?"
    assert all(head.endswith("?") for head in heads[1:])
    pictures, tables = ([m.start() for m in re.finditer(mark, text, re.M)]
                        for mark in (r"^!\[", r"^### "))
    assert max(pictures) < text.index("## What are all the numbers?") < min(tables)


def test_no_long_table_stands_before_the_last_figure(folder):
    text = (folder / "README.md").read_text()
    before = text.split("## What are all the numbers?")[0].splitlines()
    lengths = [len(list(rows)) for is_row, rows in itertools.groupby(
        before, lambda line: line.startswith("|")) if is_row]
    assert lengths and max(lengths) <= 12


def test_models_that_miss_the_same_cells_for_the_same_reason_share_a_line():
    def cell(agents, bound):
        reasons = [{"status": "skipped", "count": 1, "reason":
                    f"its bound of {bound} s exceeds the limit of 8 s"}]
        return {"cell_id": str(agents), "scenario": "fanout", "params": {"agents": agents},
                "models": [{"model": model, "reasons": reasons} for model in "ab"]}
    told = {"models": [{"model": "a"}, {"model": "b"}], "default_workers": 2,
            "cells": [cell(10, "9.5"), cell(100, "95.0")]}
    assert markdown_tables.what_is_missing(told) == [
        "`a`, `b` skipped: its bound of … s exceeds the limit of 8 s: fanout 10 agents (9.5); "
        "fanout 100 agents (95.0)"]


def test_every_picture_is_described_in_words(folder):
    pictures = re.findall(r"!\[([^\]]*)\]", (folder / "README.md").read_text())
    assert len(pictures) == len(list((folder / "figures").glob("*.png"))) > 6
    assert all(len(alt) > 60 for alt in pictures)


def test_what_was_not_measured_is_named_with_its_reason(folder):
    text = (folder / "README.md").read_text()
    for reason in ("turn 17 ran twice", "no end after 30 s", "killed by signal 11",
                   "100,000 threads exceed", "exceeds the profile's limit"):
        assert reason in text


def test_the_page_says_how_to_cite_it(folder):
    text = (folder / "README.md").read_text()
    assert "Interleave at commit abc1234, workload version 1, result " \
           "20250102T030405Z_abc1234_quick, not citable" in text
    assert "(HOW_TO_CITE.md)" in text and (folder / "HOW_TO_CITE.md").is_file()


def test_no_number_of_the_page_is_taken_for_another(folder):
    """`cite --check` on what the suite itself writes: whatever it flagged here would be its own
    error."""
    report = check_file(folder / "README.md", folder, folder)
    assert report.problems == [] and report.matching > 200


@pytest.fixture(scope="module")
def every(tmp_path_factory):
    """A summary of all models on all rungs."""
    path = fixtures.write_result(tmp_path_factory.mktemp("every"), models=fixtures.EVERY)
    return summarise(read_result(path))


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_table_fits_the_terminal_and_loses_nothing(summary, every, width):
    for told, pieces in ((summary, ("410–421", "414 ms")), (every, ("hybrid", "openmp", "naive"))):
        text = printed(told, width)
        assert max(map(len, text.splitlines())) <= width
        assert "…" not in text
        for piece in ("≥ 808 s", "n = 5 of 6", "skipped", "98 %", "(reference)", *pieces):
            assert piece in text


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_missing_sample_is_told_beside_an_interval(every, width):
    told = json.loads(json.dumps(every))
    row = next(r for c in told["cells"] for r in c["models"] if r["n"] == 6)
    row["n"], row["planned"] = 14, 15
    text = printed(told, width)
    assert "n = 14 of 15" in text
    interval = tables.entry(row)[1].strip("[]")
    assert interval and interval in text


def test_a_table_of_rows_tells_the_rung_of_every_model(every):
    text = printed(every, 60)
    for name, _, rung in fixtures.LADDER:
        rung = "(reference)" if rung == "reference" else rung
        assert f" {name} {rung} " in text
    assert text.count(" asio idiomatic ") == len(every["cells"])


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_legend_is_true_of_every_shape_of_the_table(summary, every, width):
    for told in (summary, every):
        legend = printed(told, width).split("Median time to finish")[1]
        assert "[" not in legend and "no rung" not in legend


def test_a_default_result_has_a_column_for_each_model_on_a_terminal_of_80(summary):
    head = printed(summary, 80).splitlines()
    names, rungs = (next(line.split() for line in head if word in line)
                    for word in ("sequential", "(reference)"))
    assert names == ["sequential", "threads", "libuv", "asio", "tbb", "asyncio"]
    assert rungs == ["idiomatic"] * 5 + ["(reference)"]


def test_the_page_names_family_and_rung_of_every_model(summary, every):
    assert "| `asio`<br>idiomatic | `tbb`<br>idiomatic | `asyncio`<br>(reference) |" in \
        markdown_table(summary)
    rows = markdown_table(every).splitlines()
    for name, family, rung in fixtures.LADDER:
        rung = "(reference)" if rung == "reference" else rung
        assert any(row.startswith(f"| `{name}` | {family} | {rung} | ") for row in rows), name


def test_the_page_tells_what_each_further_waiting_agent_costs_in_every_model(every):
    text = result_page.page({}, every, [], [])
    for name, family, rung in fixtures.LADDER:
        rung = "(reference)" if rung == "reference" else rung
        waits_overlap = fixtures.EVERY[name][2] not in ("sequential", "blocking_workers")
        assert (f"| `{name}` | {family} | {rung} | " in markdown_tables.memory_table(every)
                ) == waits_overlap
    assert markdown_tables.memory_table(every) in text


def test_turns_with_nothing_to_do_have_a_time_and_no_share_of_the_possible(summary):
    cell = next(c for c in summary["cells"] if c["scenario"] == "empty")
    assert cell["lb_ns"] is None or cell["lb_ns"] == 0
    for row in cell["models"]:
        assert row["makespan_ns"] and row["efficiency"] is None and row["ceiling"] is None
    (line,) = (x for x in markdown_table(summary).splitlines() if x.startswith("| **empty**"))
    assert "%" not in line and "6.00 ms" in line


def test_the_table_says_whether_to_trust_it(summary):
    text = printed(summary, 100)
    assert "This result is not citable." in text
    assert "Small machine: 2 CPUs." in text


@pytest.mark.parametrize("level, sentence", [
    ("citable", "This result is citable."), ("with caution", "To be cited with caution."),
    ("not citable", "This result is not citable.")])
def test_whether_to_trust_it_is_a_sentence(summary, level, sentence):
    told = summary | {"trust": {"level": level, "reasons": []}}
    assert sentence in printed(told, 100)
    assert f"**{sentence}**" in result_page.page({}, told, [], [])


def test_what_a_machine_does_not_have_or_does_not_tell_is_said_in_plain_words(summary):
    manifest = {"machine": {"hypervisor": "unnamed"}, "libraries": {"sequential": "", "tbb": None},
                "environment": {"before": {"hypervisor": {"value": "unnamed", "state": "warn"},
                                           "turbo": {"value": None, "state": "unknown"}}}}
    told = summary | {"machine": manifest["machine"]}
    text = result_page.page(manifest, told, [], [])
    assert "unnamed" not in text
    assert "| hypervisor | present, its name is not known |" in text
    assert "| library of `sequential` | none |" in text
    assert "| library of `tbb` | not known |" in text
    assert "| turbo | not known | unknown |" in text


def test_the_page_explains_its_two_references_and_more_than_all(folder):
    text = " ".join((folder / "README.md").read_text().split())
    assert "Grey and dashed differ because" in text
    assert "It can exceed 100 %" in text


def hashes(folder):
    return {name: sha256_of(folder / name) for name in plain_files(folder)}


def test_writing_twice_changes_no_byte_and_removes_stale_figures(tmp_path):
    # Without most cells, for speed; with a figure of former data that must not stay.
    path = fixtures.write_result(tmp_path / "r")
    for name in ("plan.jsonl", "samples.jsonl"):
        lines = (path / name).read_text().splitlines(keepends=True)
        (path / name).write_text("".join(x for x in lines if '"compute"' in x))
    result_page.write_result(path)
    first = hashes(path)
    (path / "figures" / "of-former-data.png").write_bytes(b"old")
    result_page.write_result(path)
    assert hashes(path) == first and "README.md" in first
    page = (path / "README.md").read_text()
    assert "Figures left out" in page and "`fanout` was not measured" in page


def test_a_folder_that_is_no_result_is_refused_in_one_line(tmp_path):
    with pytest.raises(Trouble, match="not a result folder"):
        result_page.write_result(tmp_path)


def test_what_was_checked_of_the_machine_stands_in_words(folder):
    text = (folder / "README.md").read_text()
    assert "| load of the last minute | 0.2 | ok | – |  |" in text
    assert "| frequency governor | not known | unknown |" in text
