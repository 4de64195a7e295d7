"""Is the page of published runs what its runs say, and does it compare only what compares?"""

import json
import re
import shutil

import pytest

from . import fixtures, published_index
from .published_index import PUBLISHED, common_cells, letters, page, runs_in
from .records import read_result
from .summary import as_json, summarise

MODELS = {name: fixtures.MODELS[name] for name in ("asio", "threads")}


def published(folder, name, created, **changes):
    models = changes.pop("models", MODELS)
    path = fixtures.write_result(folder / name, models=models, seed=len(name))
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps(manifest | {"created_utc": created} | changes))
    (path / "derived").mkdir()
    (path / "derived" / "summary.json").write_text(as_json(summarise(read_result(path))))
    (path / "README.md").write_text("")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("published")
    published(path, "newer", "2025-03-01T00:00:00Z", compiler="GCC 13",
              models=fixtures.MODELS, environment={"before": {
                  "governor": {"value": "performance", "state": "ok"}}, "after": None})
    published(path, "older", "2025-01-01T00:00:00Z")
    return path


def test_the_page_of_the_published_runs_is_up_to_date():
    assert (PUBLISHED / "README.md").read_text() == page(runs_in(PUBLISHED)), \
        "write it again: PYTHONPATH=scripts python3 -m interleave.published_index"


def test_every_link_of_it_leads_to_a_file():
    links = re.findall(r"\]\(([^)]+)\)", (PUBLISHED / "README.md").read_text())
    assert links and all((PUBLISHED / link).is_file() for link in links)


def test_the_newest_comes_first_and_names_stay_when_one_is_added(folder, tmp_path):
    assert [(run.name, run.folder.name) for run in runs_in(folder)] == [
        ("B", "newer"), ("A", "older")]
    assert [letters(n) for n in (0, 25, 26, 51, 52)] == ["A", "Z", "AA", "AZ", "BA"]
    more = shutil.copytree(folder, tmp_path / "more")
    published(more, "newest", "2025-06-01T00:00:00Z")
    assert [(run.name, run.folder.name) for run in runs_in(more)][1:] == [
        ("B", "newer"), ("A", "older")]


def test_numbers_of_common_cells_stand_side_by_side_with_interval_and_n(folder):
    text = page(runs_in(folder))
    row = next(line for line in text.splitlines() if line.startswith("| `compute`, 64 agents"))
    assert re.fullmatch(r"\| `compute`, 64 agents(, \w+ workers?)? \| `\w+` \|"
                        r"( [0-9.]+ m?s \[[0-9.]+–[0-9.]+\], n 6 \|){2}", row), row
    assert "`libuv` |" not in text  # only one of the runs has it


def test_the_largest_cell_that_is_in_most_runs_stands_for_its_scenario(folder):
    cells = common_cells(runs_in(folder))
    assert [cell.split("/")[0] for cell in cells] == sorted(
        {scenario for scenario, *_ in fixtures.CELLS})
    assert any(cell.startswith("fanout/agents=10000/") for cell in cells)


def test_work_of_another_version_is_not_compared(folder, tmp_path):
    more = shutil.copytree(folder, tmp_path / "more")
    published(more, "newest", "2025-06-01T00:00:00Z", workload_version=2)
    assert common_cells(runs_in(more)) == []


def test_what_differs_between_the_environments_is_told_and_what_does_not_is_told_once(folder):
    text = page(runs_in(folder)).split("## What differs")[1]
    assert "| compiler | GCC 13 | GCC 12.2.0 |" in text
    assert "| frequency governor before the run | performance (ok) | unknown |" in text
    assert "The same in all: machine madeup-2x-1a2b" in text and "| CPU |" not in text


def test_a_run_that_cannot_be_read_is_one_line(folder, tmp_path, capsys):
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / "older" / "manifest.json").write_text("{")
    assert published_index.main(broken) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not (broken / "README.md").exists()
