"""Is what the README says still true?"""

import json
import re
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from .cite_check import check_file, words
from .cite_suite import suite
from .cite_words import SELF_RUN
from .model_files import model_files
from .options import default_models, scenario_names
from .quotes import FENCE, quotes_in, stands_in

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
BUILD = ROOT / "build" / "release"


def published():
    """The folders of the results that the README quotes."""
    names = sorted(set(re.findall(r"results/published/([^/)\s]+)/", README)))
    assert names, "the README quotes no result"
    return [ROOT / "results" / "published" / name for name in names]


def pages():
    return "".join((folder / "README.md").read_text() for folder in published())


def test_its_tables_are_those_of_a_published_result():
    before = README.split("\n## Run it\n")[0].splitlines()
    table = [line for line in before if line.startswith("| **")]
    assert len(table) > 10, "the README quotes no numbers"
    source = pages().splitlines()
    for line in table:
        assert line in source


def test_its_numbers_are_those_of_the_results_that_it_names():
    report = check_file(ROOT / "README.md", ROOT / "results")
    assert report.problems == [], "\n".join(words(report))
    assert report.matching > 100 and report.fitting == 0


def summaries():
    return {folder.name: json.loads((folder / "derived" / "summary.json").read_text())
            for folder in published()}


def about(title):
    """A section in one line, and the result that it is about."""
    text = " ".join(section(title).split("\n![")[0].split())
    (name,) = set(re.findall(r"results/published/([^/)\s]+)/", text))
    return text, summaries()[name]


def test_how_late_others_come_is_what_the_result_says():
    text, summary = about("Does everything else stay responsive?")
    late = {row["model"]: row["p99_ns"] / 1e6
            for cell in summary["responsiveness"]["cells"] for row in cell["models"]}
    claim = re.search(r"Where computing .*?comes (\d+) to (\d+) ms late\.", text)
    low, high = int(claim[1]), int(claim[2])
    named = [late[model] for model in re.findall(r"`(\w+)`", claim[0])]
    assert len(named) > 3 and low == round(min(named), -1) and high == round(max(named), -1)
    claim = re.search(r"A pool beside .*?keeps it below (\d+) ms\.", text)
    named = [late[model] for model in re.findall(r"`(\w+)`", claim[0])]
    assert len(named) > 3 and max(named) < int(claim[1])


def test_what_a_pool_that_sleeps_loses_is_what_the_result_says():
    text, summary = about("How much does it matter how a library is used?")
    assert "a pool that sleeps loses two thirds of the speed" in text
    structures = {said["model"]: said["structure"] for said in summary["models"]}
    cell = min((c for c in summary["cells"]), key=lambda c: c["params"]["agents"])
    shares = {row["model"]: row["efficiency"]["median"] for row in cell["models"]}
    sleeping = [share for model, share in shares.items()
                if structures[model] == "blocking_workers"]
    others = [share for model, share in shares.items()
              if structures[model] not in ("blocking_workers", "sequential")]
    assert len(sleeping) > 2 and all(abs(share - 1 / 3) < 0.03 for share in sleeping)
    assert min(others) > 0.95  # "the others tie"


def test_the_run_took_as_long_as_it_says():
    name, minutes = re.search(
        r"\[one run\]\(results/published/([^/)\s]+)/README\.md\) of (\d+) minutes", README).groups()
    manifest = json.loads((ROOT / "results" / "published" / name / "manifest.json").read_text())
    started, ended = (datetime.fromisoformat(manifest[key].rstrip("Z"))
                      for key in ("created_utc", "finished_utc"))
    assert int(minutes) == round((ended - started).total_seconds() / 60)


def test_it_is_cited_with_the_version_of_citation_cff_and_as_self_run():
    quote = " ".join(section("Cite it").replace("\n> ", " ").split())
    assert f"Interleave {suite().version}, result " in quote and SELF_RUN in quote


def test_its_pictures_are_described_as_the_results_describe_them():
    pictures = re.findall(r"^!\[(.*)\]\((.*)\)$", README, re.M)
    assert pictures
    for alt, path in pictures:
        folder, name = path.split("/figures/")
        assert f"![{alt}](figures/{name})" in (ROOT / folder / "README.md").read_text(), path


def test_it_names_the_published_results_and_what_they_say_of_themselves():
    for folder in published():
        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest["result_id"] == folder.name
        assert f"result {manifest['result_id']}" in README.replace("\n> ", " ")
        assert "with caution" in (folder / "README.md").read_text()


def test_every_model_is_in_it_with_its_rung_and_the_default_ones_in_bold():
    default = default_models(ROOT)
    for model in model_files(ROOT):
        shown = f"**`{model.name}`**" if model.name in default else f"`{model.name}`"
        assert f"| {shown} | {model.rung} | [{model.file}](models/{model.file}) |" in README


def test_every_scenario_is_in_it():
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


def section(title, text=README):
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("path, quote", quotes_in(README), ids=lambda value: str(value)[:40])
def test_each_quote_stands_in_its_file(path, quote):
    assert path is not None, "a block of code names no file"
    assert stands_in(quote, (ROOT / path).read_text()), f"{path} no longer says:\n{quote}"


NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight")
WAITS = re.compile(r"ledger_?\.begin_wait\(")
COMPUTES = re.compile(r"ledger_?\.compute\b|\bwork\((run\.)?ledger_?\b")


def waits_in(text):
    """Model -> its part of the section that shows the same wait in every default model; two that
    wait in the same lines share a part."""
    title = f"The same wait in {NUMBERS[len(default_models(ROOT))]} models"
    parts = re.split(r"^(`\w+`(?: and `\w+`)?)", section(title, text), flags=re.M)
    return {name: part for heads, part in zip(parts[1::2], parts[2::2])
            for name in re.findall(r"`(\w+)`", heads)}


def files_of(model):
    """The model's file, and what it includes of the models' own headers."""
    found, todo = set(), [f"models/{model.file}"]
    while todo:
        path = todo.pop()
        found.add(path)
        text = (ROOT / path).read_text()
        todo += set(re.findall(r'#include "(models/[^"]+)"', text)) - found
    return found


def faults_of_waits(text):
    """What is wrong with that section, one line each."""
    faults, quoted = [], waits_in(text)
    if list(quoted) != default_models(ROOT):
        faults.append(f"it shows {list(quoted)}")
    for model in model_files(ROOT):
        if model.name not in quoted:
            continue
        quotes = quotes_in(quoted[model.name])
        code = "\n".join(quote for _, quote in quotes)
        own = files_of(model)
        faults += [f"{model.name} quotes {path}" for path, _ in quotes
                   if path not in own and not str(path).startswith("bench/")]
        faults += [f"{model.name} does not {what}" for what, shown in
                   (("wait", WAITS), ("compute", COMPUTES)) if not shown.search(code)]
    return faults


def test_the_wait_of_every_default_model_is_quoted_and_its_computing():
    assert faults_of_waits(README) == []


@pytest.mark.parametrize("old, new, fault", [
    ("// models/asio.cpp", "// models/asio_single.cpp", "asio quotes models/asio_single.cpp"),
    ("job.value = work(", "job.value = (", "libuv does not compute"),
    ("asio::steady_timer timer(io, ledger.begin_wait(step));", "", "asio does not wait"),
    ("\n`tbb`:", "\ntbb:", "it shows ['sequential', 'threads', 'libuv', 'asio', 'asyncio']")])
def test_a_wait_that_is_not_the_models_own_is_noticed(old, new, fault):
    assert README.count(old) == 1
    assert fault in faults_of_waits(README.replace(old, new))


def test_what_is_called_work_is_computing():
    for family in ("asio", "libuv"):
        (text,) = [text for path in (ROOT / "models").glob(f"{family}_*.hpp")
                   if "inline Value work(Ledger& ledger," in (text := path.read_text())]
        body = text.split("inline Value work(Ledger& ledger,")[1].split("}")[0]
        assert "? ledger.compute(step, v) : ledger.block(step, v);" in body
