"""Are all results found, and is a damaged one listed, with why, instead of ending the list?"""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from . import cli, fixtures, lists
from .records import read_result
from .summary import as_json, summarise

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    models = {name: fixtures.MODELS[name] for name in ("asio", "threads")}
    folder = fixtures.write_result(tmp_path_factory.mktemp("r") / "result", models=models)
    (folder / "derived").mkdir()
    (folder / "derived" / "summary.json").write_text(as_json(summarise(read_result(folder))))
    return folder


@pytest.fixture
def results(drawn, tmp_path):
    """Three results of which the second will be damaged, and what looks like one."""
    for name in ("a/one", "a/two", "b/deeper/three"):
        shutil.copytree(drawn, tmp_path / "all" / name)
    (tmp_path / "all" / "web").mkdir()
    (tmp_path / "all" / "web" / "manifest.json").write_text('{"name": "a page"}')
    return tmp_path / "all"


def bench(*arguments, width=80):
    said, out = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out):
        status = cli.main([*map(str, arguments)], ROOT, Console(file=said, width=width))
    return status, said.getvalue(), out.getvalue()


def test_all_results_are_found_at_any_depth_and_nothing_else(results):
    status, _, out = bench("list", results, "--json")
    told = json.loads(out)["results"]
    assert status == 0
    assert [Path(r["path"]).relative_to(results).as_posix() for r in told] == [
        "a/one", "a/two", "b/deeper/three"]


def test_a_result_is_described_as_far_as_it_is_known(results):
    one = lists.about(results / "a" / "one")
    assert one["models"] == ["asio", "threads"] and one["cells"] == len(fixtures.CELLS)
    assert (one["profile"], one["blocks"], one["commit"]) == ("quick", 6, "abc1234")
    assert one["machine"] == "madeup-2x-1a2b" and one["damaged"] is None
    assert one["trust"] == "with caution" and one["rows"] <= one["planned"]


def cut(path):
    path.write_bytes(path.read_bytes()[:-9])


def replaced(old, new):
    return lambda path: path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize("file, damage, words", [
    ("manifest.json", cut, "cannot read manifest.json"),
    ("manifest.json", Path.unlink, "manifest.json"),
    ("manifest.json", replaced("interleave.manifest/1", "interleave.manifest/7"),
     "manifest.json is of schema interleave.manifest/7"),
    ("manifest.json", replaced('"models"', '"modems"'), "models"),
    ("plan.jsonl", Path.unlink, "cannot read plan.jsonl"),
    ("plan.jsonl", lambda path: path.write_text(""), "plan.jsonl is empty"),
    ("plan.jsonl", lambda path: path.write_text("7\n" * 500), "plan.jsonl is damaged"),
    ("samples.jsonl", cut, "samples.jsonl ends in the middle of a line"),
    ("samples.jsonl", Path.unlink, "cannot read samples.jsonl"),
    ("samples.jsonl", lambda path: path.write_text("{}\n" * 10_000), "10,000 rows"),
    ("derived/summary.json", cut, "derived/summary.json"),
    ("derived/summary.json", lambda path: path.write_text("[]"), "says nothing of trust"),
    ("derived/summary.json", replaced("abc1234", "7654321"), "is of 20250102T030405Z_7654321")])
def test_a_damaged_result_is_listed_with_why(results, file, damage, words):
    damage(results / "a" / "two" / file)
    status, said, out = bench("list", results, "--json")
    one, two, three = json.loads(out)["results"]
    assert status == 0 and words in two["damaged"] and "\n" not in two["damaged"]
    assert one["damaged"] is None and three["damaged"] is None
    status, said, _ = bench("list", results)
    assert status == 0 and "damaged: " in said and "3 results, 1 damaged" in said


def test_on_eighty_columns_each_result_has_its_name_whole(results):
    long = "20261125T034108Z_0b78361_publication"
    (results / "a" / "one").rename(results / "a" / long)
    _, said, _ = bench("list", results)
    assert long in said and max(map(len, said.splitlines())) <= 80


def test_what_is_not_finished_or_not_drawn_says_so(results):
    replaced('"finished_utc": "2025-01-02T03:08:00Z"', '"finished_utc": null')(
        results / "a" / "one" / "manifest.json")
    shutil.rmtree(results / "a" / "two" / "derived")
    _, said, _ = bench("list", results, width=120)
    assert "unfinished: " in said and "not drawn" in said


def test_where_there_is_none_that_is_said(tmp_path):
    status, said, _ = bench("list", tmp_path)
    assert status == 0 and said == f"There is no result below {tmp_path}.\n"


def test_a_link_in_a_circle_does_not_matter(results):
    (results / "a" / "circle").symlink_to(results)
    assert len(lists.results_below(results)) == 3


def test_a_folder_that_cannot_be_read_is_named_and_the_others_are_listed(
        results, monkeypatch, capsys):
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == "b":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)
    monkeypatch.setattr(os, "scandir", refuse)
    assert [path.name for path in lists.results_below(results)] == ["one", "two"]
    assert capsys.readouterr().err == (
        f"bench: left out: cannot read {results / 'b'}: Permission denied\n")


def test_a_name_cannot_colour_the_screen(results):
    (results / "a" / "one").rename(results / "a" / "\x1b[31mred\x07")
    replaced("madeup-2x-1a2b", "\\u001b[2J")(results / "a" / "two" / "manifest.json")
    _, said, _ = bench("list", results)
    assert "\x1b" not in said and "\x07" not in said and "\\x1b[31mred" in said


def test_who_has_stopped_reading_is_no_fault_that_is_told(results):
    ours, theirs = os.pipe()
    os.close(ours)
    answer = subprocess.run([sys.executable, "-m", "interleave", "list", results, "--json"],
                            stdout=theirs, stderr=subprocess.PIPE,
                            env=os.environ | {"PYTHONPATH": str(ROOT / "scripts")})
    os.close(theirs)
    assert (answer.returncode, answer.stderr) == (1, b"")
