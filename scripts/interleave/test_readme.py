"""Is what the README says still true?"""

import json
import re
import subprocess
from pathlib import Path

import pytest

from .model_files import model_files
from .options import default_models, scenario_names
from .quotes import FENCE, quotes_in, stands_in

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
BUILD = ROOT / "build" / "release"


def published():
    [name] = set(re.findall(r"results/published/([^/)]+)/", README))
    return ROOT / "results" / "published" / name


def test_its_table_is_that_of_the_published_result():
    table = [line for line in README.splitlines() if line.startswith("| **")]
    assert table, "the README quotes no result"
    source = (published() / "README.md").read_text().splitlines()
    for line in table:
        assert line in source


def test_it_names_the_published_result_and_what_that_says_of_itself():
    manifest = json.loads((published() / "manifest.json").read_text())
    assert manifest["result_id"] == published().name
    assert f"result {manifest['result_id']}" in README.replace("\n> ", " ")
    assert "with caution" in (published() / "README.md").read_text()


def test_every_model_and_scenario_is_in_it():
    for model in model_files(ROOT):
        assert f"(models/{model.file})" in README, model.name
    for name in scenario_names(ROOT):
        assert f"| `{name}` |" in README, name


@pytest.mark.skipif(not (BUILD / "describe").is_file(), reason="nothing is built in build/release")
def test_scenarios_are_described_as_the_program_does():
    listed = json.loads(subprocess.run([BUILD / "describe", "--list"], capture_output=True,
                                       check=True).stdout)
    for preset in listed["presets"]:
        assert f"| `{preset['name']}` | {preset['about']} |" in README


def test_no_link_leads_nowhere():
    links = re.findall(r"\]\(([^)#]+)\)", FENCE.sub("", README))  # a lambda of C++ is no link
    assert links
    for link in links:
        assert link.startswith("https://") or (ROOT / link).exists(), link


def section(title):
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("path, quote", quotes_in(README), ids=lambda value: value[:40])
def test_each_quote_stands_in_its_file(path, quote):
    assert path is not None, "a block of code names no file"
    assert stands_in(quote, (ROOT / path).read_text()), f"{path} no longer says:\n{quote}"


def test_the_wait_of_every_default_model_is_quoted_and_its_computing():
    parts = re.split(r"^`(\w+)`", section("The same wait in six models"), flags=re.M)
    quoted = dict(zip(parts[1::2], parts[2::2]))
    assert list(quoted) == default_models(ROOT)
    for model in model_files(ROOT):
        if model.name in quoted:
            files = [path for path, _ in quotes_in(quoted[model.name])]
            code = "\n".join(quote for _, quote in quotes_in(quoted[model.name]))
            assert all(f"models/{model.family}" in path for path in files), model.name
            assert "begin_wait" in code and re.search("compute|work", code), model.name
