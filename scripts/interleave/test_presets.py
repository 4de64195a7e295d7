"""Do the names that the shell reads from the source equal those that the built program knows?"""

import subprocess
from pathlib import Path

import pytest

from .cells import Cell, traced_cells
from .executables import Executables
from .model_files import model_files, words_for
from .options import scenario_names
from .test_plan import DESCRIBED

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
needs_build = pytest.mark.skipif(not (BUILD / "describe").is_file(),
                                 reason="nothing is built in build/release")


def known_to_the_shell(verb_flag):
    text = subprocess.run([ROOT / "scripts" / "bench", "run", verb_flag, "nonesuch"],
                          capture_output=True, text=True).stderr
    return text.strip().split("choose from ")[1].split(", ")


def test_shell_and_python_read_the_same_names():
    assert known_to_the_shell("--scenarios") == scenario_names(ROOT)
    assert sorted(known_to_the_shell("--models")) == sorted(words_for(model_files(ROOT)))


def test_no_line_of_the_suites_own_help_is_wider_than_80():
    text = subprocess.run([ROOT / "scripts" / "bench", "--help"], capture_output=True,
                          text=True).stdout
    assert max(len(line) for line in text.splitlines()) <= 80
    for model in model_files(ROOT):
        assert model.name in text


@needs_build
def test_the_names_in_the_source_are_those_of_the_program():
    presets = Executables(BUILD).presets()["presets"]
    assert [preset["name"] for preset in presets] == scenario_names(ROOT)


@needs_build
@pytest.mark.parametrize("cell", [*traced_cells(2), Cell("fanout", 16, 2, 0.01)],
                         ids=lambda cell: cell.scenario)
def test_the_committed_answers_are_those_of_the_program(cell):
    answer = Executables(BUILD).describe(cell)
    known = DESCRIBED[cell.id()]
    for key in ("digest", "sum", "workload_version"):
        assert answer[key] == known[key]
