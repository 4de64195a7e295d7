"""Is a model compared with what it is made of, and nothing else?"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from . import micro
from .executables import Executables
from .micro_table import plain_line
from .model_files import model_names
from .trouble import Trouble
from .trust import LEVELS

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
SAID = {"family": "good", "rung": "tuned", "primitives": "post+spawn"}


def invented(turn, ledger=50.0, post=30.0, spawn=10.0, plan=20.0, first=None):
    """One round."""
    return {"primitive": {"ledger_turn": ledger, "plan_turn": plan, "post": post, "spawn": spawn},
            "turn": {"good": turn}, "first": {"good": first or turn}}


def test_a_turn_is_what_ten_thousand_cost_less_what_one_costs():
    assert micro.slope((1_000, 3), (1_000 + 9_999 * 70, 10_002)) == 70


def test_the_ratio_is_what_is_left_after_the_ledger_over_the_sum_of_the_primitives():
    row = micro.row_of("good", SAID, [invented(100.0)])
    assert (row.turn, row.left, row.total, row.ratio) == (100, 50, 40, 1.25)
    assert row.parts == [("post", 30), ("spawn", 10)]


def test_the_countdown_is_the_suites_own_as_the_ledger_is():
    row = micro.row_of("good", SAID | {"primitives": "post+spawn+plan_turn"}, [invented(120.0)])
    assert (row.left, row.total, row.ratio) == (50, 40, 1.25)
    assert row.own == [("ledger_turn", 50), ("plan_turn", 20)]
    assert "the suite's own ledger_turn 50.0 ns + plan_turn 20.0 ns" in plain_line(row)


def test_a_model_that_needs_nothing_but_the_countdown_has_no_ratio():
    row = micro.row_of("good", SAID | {"primitives": "plan_turn"}, [invented(90.0)])
    assert (row.left, row.parts, row.ratio) == (20, [], None) and row.verdict == ""
    assert "left 20.0 ns; no primitives of a library" in plain_line(row)


def test_medians_over_the_rounds_make_the_row_and_single_rounds_its_range():
    row = micro.row_of("good", SAID, [invented(90.0), invented(100.0), invented(190.0)])
    assert (row.ratio, row.low, row.high) == (1.25, 1.0, 3.5)


def test_the_ratio_is_never_outside_of_the_range_of_its_rounds():
    rounds = [invented(100.0, post=20.0), invented(110.0, post=30.0), invented(150.0, post=90.0)]
    row = micro.row_of("good", SAID, rounds)
    assert row.low <= row.ratio <= row.high and row.ratio == 1.5


def test_a_primitive_named_twice_counts_twice():
    row = micro.row_of("good", SAID | {"primitives": "post+post"}, [invented(110.0)])
    assert row.total == 60 and row.ratio == 1


@pytest.mark.parametrize("rung, turn, verdict", [
    ("tuned", 100.0, "kept"), ("tuned", 100.1, "missed"), ("idiomatic", 110.0, "kept"),
    ("idiomatic", 110.1, "missed"), ("naive", 9e9, ""), ("reference", 9e9, "")])
def test_each_rung_is_held_to_its_own_bar(rung, turn, verdict):
    assert micro.row_of("good", SAID | {"rung": rung}, [invented(turn)]).verdict == verdict


@pytest.mark.parametrize("said, turn", [({"primitives": ""}, 60.0), ({}, None)])
def test_a_model_without_primitives_shows_its_cost_and_no_ratio(said, turn):
    row = micro.row_of("good", {"family": "good", "rung": "tuned"} | said,
                       [invented(turn, first=70.0)])
    assert row.ratio is None and row.verdict == "" and row.first == 70
    assert "70.0 ns" in plain_line(row) and "ratio" not in plain_line(row)


def test_a_line_says_how_the_ratio_came_about():
    line = plain_line(micro.row_of("good", SAID, [invented(120.0)]))
    for part in ("120 ns a turn", "ledger_turn 50.0 ns", "left 70.0 ns",
                 "post 30.0 ns + spawn 10.0 ns", "1.75", "missed"):
        assert part in line


def test_the_suffixes_of_google_benchmark_are_no_part_of_a_name():
    assert micro.short_name("std_mutex/real_time") == "std_mutex"
    assert micro.short_name("empty/agents:1/iterations:50/manual_time") == "empty/agents:1"


def test_a_primitive_that_nobody_measures_is_named_with_its_model():
    with pytest.raises(Trouble, match="good says that it is made of 'spawn'"):
        micro.refuse_unknown({"good": SAID}, ["post", "ledger_turn"])


def test_every_primitive_of_a_built_model_is_measured():
    program = BUILD / micro.PROGRAM
    if not program.is_file():
        pytest.skip("build/release/micro is not built")
    about, _ = Executables(BUILD).about(model_names(ROOT))
    listed = micro.known_primitives(program)
    assert len(listed) == len(set(listed)) and set(micro.SUITES_OWN) <= set(listed)
    micro.refuse_unknown(about, listed)


@pytest.mark.parametrize("flag", ["--fast", "--benchmark_filter=nonesuch"])
def test_the_program_refuses_bad_flags_in_one_line(flag):
    program = BUILD / micro.PROGRAM
    if not program.is_file():
        pytest.skip("build/release/micro is not built")
    done = subprocess.run([program, flag], capture_output=True, text=True)
    complaint = [line for line in done.stderr.splitlines() if flag.split("=")[0] in line]
    assert done.returncode == 2 and len(complaint) == 1


@pytest.mark.parametrize("named, arguments", [
    ("nonesuch", ["--models", "nonesuch"]), ("--models", ["--models="]),
    ("stray", ["stray"]), ("--profile", ["--profile", "smoke"]),
    ("missing", ["--out", "missing/folder"])])
def test_the_verb_refuses_bad_usage_in_one_line(named, arguments, tmp_path):
    done = subprocess.run([ROOT / "scripts" / "bench", "micro", *arguments], cwd=tmp_path,
                          capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and named in done.stderr


class FakeSession:
    """Programs that say what they are told to, and what was said."""

    def __init__(self, folder):
        self.executables, self.lock, self.said = Executables(folder), folder / "lock", []
        self.console = type("Console", (), {"is_terminal": False})()
        self.folder = self.root = folder

    def say(self, text=""):
        self.said.append(text)

    def program(self, name, text):
        path = self.folder / name
        path.write_text(f"#!{sys.executable} -SE\nimport json, sys\n"
                        "flags = dict(a.split('=', 1) for a in sys.argv if '=' in a)\n"
                        "def benchmarks(*entries):\n"
                        "    with open(flags['--benchmark_out'], 'w') as file:\n"
                        "        json.dump({'benchmarks': entries}, file)\n" + text)
        path.chmod(0o755)


MICRO = """
costs = {'ledger_turn': 50e-9, 'plan_turn': 20e-9, 'post': 30e-9, 'spawn': 10e-9}
if '--benchmark_list_tests' in sys.argv:
    print(*(name + '/real_time' for name in costs), sep='\\n')
else:
    benchmarks(*({'name': n + '/real_time', 'per_operation': c} for n, c in costs.items()))
"""
TURN = """
benchmarks({'name': 'empty/agents:1/iterations:50/manual_time', 'real_time': 0, 'turns': 3},
           {'name': 'empty/agents:10000/manual_time', 'real_time': 999_900, 'turns': 10_002})
"""
MODEL = """
if '--about' in sys.argv:
    print(json.dumps({'family': 'good', 'rung': 'tuned', 'primitives': 'post+spawn'}))
else:
    large = sys.argv[sys.argv.index('--agents') + 1] == '10000'
    with open(sys.argv[sys.argv.index('--sample') + 1], 'w') as file:
        json.dump({'turns': 10_002 if large else 3, 'makespan_ns': 1_999_800 if large else 0}, file)
"""


@pytest.fixture
def session(tmp_path):
    session = FakeSession(tmp_path)
    for name, text in (("micro", MICRO), ("good", MODEL), ("good_turn", TURN)):
        session.program(name, text)
    return session


def test_a_comparison_from_programs_to_lines_and_figures(session):
    assert micro.compare(session, ["good", "absent"], session.folder / "out") == 0
    assert "absent" in session.said[0]
    line = next(line for line in session.said if line.startswith("good (tuned)"))
    for part in ("100 ns a turn", "200 ns in a fresh process", "1.25 (1.25 to 1.25)", "kept"):
        assert part in line
    figures = json.loads((session.folder / "out" / "micro.json").read_text())
    assert figures["models"][0]["ratio"] == pytest.approx(1.25)
    assert len(figures["rounds"]) == micro.ROUNDS
    assert figures["primitives"]["post"] == pytest.approx(30)
    assert session.said[-1] == f"Chart and tables: {session.folder / 'out' / 'README.md'}"
    for name in ("README.md", "floors.svg", "floors-column.pdf", "floors.csv"):
        assert (session.folder / "out" / name).stat().st_size


def test_figures_say_where_and_when_they_are_true_and_whether_to_cite_them(session):
    micro.compare(session, ["good"], session.folder / "out")
    figures = json.loads((session.folder / "out" / "micro.json").read_text())
    assert figures["machine"]["cpus"] and figures["created_utc"] <= figures["finished_utc"]
    assert figures["id"].endswith("_micro") and figures["trust"]["level"] in LEVELS
    assert not any("interval" in reason for reason in figures["trust"]["reasons"])


def test_a_fault_in_drawing_costs_no_measurement(session, monkeypatch):
    monkeypatch.setattr(micro, "write_page", lambda *_: 1 / 0)
    with pytest.raises(Trouble, match="micro.json"):
        micro.compare(session, ["good"], session.folder / "out")
    assert json.loads((session.folder / "out" / "micro.json").read_text())["models"]
    assert any("1.25 (1.25 to 1.25)" in line for line in session.said)


def test_without_a_folder_nothing_is_written(session):
    before = set(session.folder.iterdir())
    micro.compare(session, ["good"])
    assert {path.name for path in set(session.folder.iterdir()) - before} <= {"lock"}


def test_a_model_without_a_second_program_is_measured_in_fresh_processes_alone(session):
    (session.folder / "good_turn").unlink()
    assert micro.compare(session, ["good"]) == 0
    assert any(line.startswith("good (tuned): 200 ns a turn in a fresh process")
               for line in session.said)


def test_a_program_that_fails_is_named_with_its_complaint(session):
    session.program("good_turn", "sys.exit('turn 17 ran twice')")
    with pytest.raises(Trouble, match="good_turn.*turn 17 ran twice"):
        micro.compare(session, ["good"])


def test_a_benchmark_that_reports_an_error_is_no_figure(session):
    session.program("good_turn", "benchmarks({'name': 'empty/agents:1', 'error_occurred': True, "
                                 "'error_message': 'turn 3 never ran'})")
    with pytest.raises(Trouble, match="good_turn: empty/agents:1: turn 3 never ran"):
        micro.compare(session, ["good"])
