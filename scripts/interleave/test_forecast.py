"""Does a forecast say what it is made of, what it is worth, and that it is one?"""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from . import forecast, forecast_words, machine
from .cells import Cell
from .executables import Executables
from .forecast import Check, Row
from .forecast_costs import RUNS, Costs, costs_of, turn_and_edge
from .options import parse
from .trouble import Trouble, Usage

ROOT = Path(__file__).resolve().parents[2]
COSTS = Costs(20_000, 800, 40, 150, 700, 57_000, 1_000, 5_000)
EDGES = {"tiny": 2, "turns": 20_000, "messages": 13_248, "few": 0, "many": 0, "chain": 11}


# ---- what a model costs ----

def sample(turns, makespan, bound=0, cpu=0, resident=0, threads=1, slab=0):
    return {"turns": turns, "makespan_ns": bound + makespan, "lb_model_ns": bound,
            "cpu_user_ns": cpu, "cpu_sys_ns": 70, "harness_cpu_ns": 70, "threads_peak": threads,
            "vmhwm_bytes": 1_000_000 + resident, "rss_before_bytes": 1_000_000,
            "page_tables_peak_bytes": 0, "page_tables_before_bytes": 0,
            "kernel_stacks_peak_bytes": 0, "kernel_stacks_before_bytes": 0,
            "slab_peak_bytes": slab, "slab_before_bytes": 0}


def runs_of(costs, threads=1, slab=0):
    """Three runs of each kind, as a model with these costs would have them on one CPU; in each the
    others' median lies between two that are far off."""
    each = costs.turn_ns + costs.begin_wait_ns + costs.end_wait_ns
    start = costs.turn_ns + costs.begin_wait_ns

    def parked(agents):
        return sample(agents, costs.setup_ns + agents * start + costs.end_wait_ns, 10**9,
                      5_000 + agents * each, costs.base_bytes + agents * costs.bytes_per_agent,
                      threads=agents if slab else threads, slab=slab * agents)

    def of_turns(turns, edges):
        return sample(turns, costs.setup_ns + turns * costs.turn_ns + edges * costs.edge_ns)

    runs = {"tiny": of_turns(3, 2), "turns": of_turns(10_002, 20_000),
            "messages": of_turns(13_272, 13_248),
            "few": parked(1_000), "many": parked(5_000),
            "chain": sample(12, costs.setup_ns + 12 * (each + costs.late_ns) + 11 * costs.edge_ns,
                            10**8)}
    return {name: [row | {"makespan_ns": row["makespan_ns"] * 9}, row,
                   row | {"makespan_ns": row["lb_model_ns"]}] for name, row in runs.items()}


def test_costs_are_recovered_from_the_runs_of_a_model_that_has_them():
    found = costs_of(runs_of(COSTS), EDGES)
    for name, value in vars(COSTS).items():
        assert getattr(found, name) == pytest.approx(value), name


def test_where_edges_seem_to_cost_less_than_nothing_turns_cost_it_all_and_the_other_way_round():
    tiny = (3, 2, 0)
    assert turn_and_edge(tiny, [(103, 202, 1_000), (103, 102, 2_000)]) == (10, 0)
    assert turn_and_edge(tiny, [(103, 202, 4_000), (103, 102, 1_000)]) == (0, 20)
    assert turn_and_edge(tiny, [(103, 202, 5_000), (103, 102, 3_000)]) == (10, 20)


def test_no_cost_is_below_nothing_however_noisy_the_runs():
    found = costs_of(runs_of(Costs(-5_000, -20, -1, -30, -40, -90_000, -7, -9_000)), EDGES)
    assert all(value >= 0 for value in vars(found).values())


def test_kernel_memory_counts_where_there_are_many_threads_and_for_all_sizes_alike():
    assert costs_of(runs_of(COSTS, slab=3_000), EDGES).bytes_per_agent == pytest.approx(4_000)


def test_memory_that_is_not_known_is_not_forecast():
    runs = runs_of(COSTS)
    runs["many"][0]["rss_before_bytes"] = None
    costs = costs_of(runs, EDGES)
    assert costs.bytes_per_agent is None and costs.memory(10) is None


def test_memory_is_so_much_for_each_agent_and_what_the_first_one_takes():
    assert COSTS.memory(1_000_000) == 1_000_005_000


def test_what_computing_costs_is_read_on_as_many_cpus_as_asked_for():
    def probed(ns):
        return [{"unit_cost_usual_ns": {"mix": ns, "json": None}}]
    samples = {"a": {("compute", 1): probed(600), ("compute", 2): probed(900)},
               "b": {("fanout", 1): probed(640), ("few", 1): [{}]}}
    assert forecast.unit_costs(samples) == {"mix": 620}
    assert forecast.unit_costs(samples, 2) == {"mix": 900}


# ---- how it is told ----

TARGET = Cell("fanout", 1_000_000, 64, 0.01)


def check(name, workers, forecast_ns, measured_ns, smaller=False, divided_ns=None):
    return Check(name, Cell(name, 16, workers, 0.01), smaller, divided_ns or forecast_ns,
                 forecast_ns, measured_ns)


def row(model="good", structure="workers", costs=COSTS, checks=()):
    return Row(model, structure, costs, 8 * 10**9, 9 * 10**9, costs.memory(TARGET.agents),
               list(checks))


def test_a_forecast_that_was_too_long_has_a_plus():
    assert check("fanout", 2, 110, 100).error == pytest.approx(0.1)
    assert forecast_words.error_text(0.034) == "+3.4 %"
    assert forecast_words.error_text(-0.28) == "-28 %"
    assert forecast_words.error_text(-1e-5) == "0.0 %"


def test_forecasts_are_counted_by_scenario_and_cores():
    rows = [row(checks=[check("fanout", 2, 109, 100), check("fanout", 1, 200, 100)]),
            row(checks=[check("fanout", 2, 120, 100), check("cascade", 2, 100, 100)])]
    assert forecast_words.tally(rows, "fanout", 2) == (1, 2)
    assert forecast_words.tally(rows, "fanout", 1) == (0, 1)
    assert forecast_words.tally(rows, "cascade", 2) == (1, 1)


def test_the_furthest_off_is_named_whichever_way_it_is_off():
    of_two = row(checks=[check("fanout", 2, 105, 100), check("cascade", 2, 70, 100),
                         check("react", 1, 900, 100)])
    assert forecast_words.worst(of_two, 2).scenario == "cascade"


def test_long_times_are_told_as_people_tell_them():
    assert forecast_words.time_text(9 * 10**9) == "9.00 s"
    assert forecast_words.time_text(90 * 60 * 10**9) == "1.50 h"
    assert forecast_words.span_text(10**9, 10**9) == "1.00 s"
    assert forecast_words.span_text(10**9, 2 * 10**9) == "1.00 s to 2.00 s"


def texts(rows, target=TARGET, workers=2, two=None):
    return "\n".join(forecast_words.notes(rows, target, {"greedy_ns": 10**9}, {"mix": 600},
                                          two or {}, workers))


def test_memory_beyond_what_such_a_machine_has_is_marked():
    large = row(costs=replace(COSTS, bytes_per_agent=300_000))
    assert forecast_words.memory_text(large, TARGET) == "300 GB !"
    assert "good: more than the 256 GB" in texts([large])
    assert "!" not in forecast_words.memory_text(row(), TARGET) + texts([row()])


def test_threads_beyond_the_usual_limit_are_mentioned_by_structure_not_by_name():
    assert "32,000" in texts([row("anyone", "thread_per_turn")])
    assert "32,000" not in texts([row("threads", "workers")])
    few = replace(TARGET, agents=100)
    assert "32,000" not in texts([row("anyone", "thread_per_turn")], few)


def test_the_notes_say_how_far_it_reaches_beyond_what_was_measured():
    assert "32 times the 2 cores of the checks and 200 times the 5,000 agents" in texts([row()])
    assert "no larger than what was measured" in texts([row()], Cell("fanout", 100, 2, 0.01))


def test_the_notes_say_which_assumption_the_measurements_were_nearer_to():
    serial = check("cascade", 2, 200, 190, divided_ns=100)
    divided = check("cascade", 2, 200, 110, divided_ns=100)
    assert "nearer to it 1 of 2 times" in texts([row(checks=[serial, divided])])
    assert "nearer" not in texts([row(checks=[check("fanout", 2, 100, 100)])])


def test_the_notes_say_what_computing_cost_on_two_cores():
    assert "+25 % to +25 % when 2 cores" in texts([row()], two={"mix": 750})


def printed(rows, terminal, workers=(1, 2)):
    console = Console(force_terminal=terminal, width=80, highlight=False, color_system=None,
                      _environ={})  # not the TERM of whoever runs the test
    session = FakeSession(Path("/nowhere"), console)
    with console.capture() as capture:
        forecast_words.tell(session, rows, TARGET, list(workers), ["a note"])
    return capture.get() + "\n".join(session.said)


EVERYTHING = [row(name, checks=[check(scenario, workers, 109, 100, smaller=name == "sequential")
                                for workers in (1, 2) for scenario in forecast.CHECKS])
              for name in ("sequential", "asio_callbacks")]


def test_the_tables_fit_a_terminal_of_80_and_say_that_they_are_a_forecast():
    text = printed(EVERYTHING, True)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "FORECAST, not measured" in text and text.count("forecast:") == 3
    assert "…" not in text and "+9.0 %*" in text and "2 of 2" in text


def test_every_plain_line_of_a_model_says_what_is_forecast_and_what_was_measured():
    lines = printed(EVERYTHING, False).splitlines()
    assert lines[0].startswith("FORECAST, not measured")
    for line in lines:
        if line.startswith("asio_callbacks"):
            assert "forecast" in line or "measured on 1 core" in line


# ---- the verb, on programs that say what they are told to ----

class FakeSession:
    def __init__(self, folder, console=None):
        self.executables, self.lock, self.said = Executables(folder), folder / "lock", []
        self.console = console or type("Console", (), {"is_terminal": False})()
        self.folder = folder

    def say(self, text=""):
        self.said.append(text)

    def program(self, name, text):
        path = self.folder / name
        path.write_text(f"#!{sys.executable} -SE\nimport json, sys\n"
                        "def flag(name):\n"
                        "    return sys.argv[sys.argv.index(name) + 1]\n" + text)
        path.chmod(0o755)


DESCRIBE = """
if '--list' in sys.argv:
    print(json.dumps({'presets': [{'name': n, 'cpu_share': 0.01} for n in ('fanout', 'layers')]}))
elif '--forecast' in sys.argv:
    if flag('--agents') == '999':
        print('describe: --agents: 999 are too many', file=sys.stderr)
        sys.exit(2)
    asked = json.loads(flag('--forecast'))
    workers = int(flag('--workers'))
    ns = 8_000_000 * asked.get('unit_ns', {}).get('mix', 0) / 500
    print(json.dumps({'turns': 7, 'greedy_ns': 4_000_000, 'models': [
        {'model': m['model'], 'divided_ns': ns / workers, 'serial_ns': 1.1 * ns / workers}
        for m in asked['models']]}))
else:
    long = 3e9 if flag('--agents') == '1000' and flag('--scenario') == 'fanout' else 1e6
    edges = 2 * int(flag('--agents')) if flag('--scenario') == 'empty' else 0
    print(json.dumps({'digest': 'aa', 'sum': 'bb', 'lb_ns': 1, 'greedy_ns': 1, 'edges': edges,
                      'lb_model_ns': {'workers': 1, 'sequential': long}}))
"""
MODEL = """
if '--about' in sys.argv:
    print(json.dumps({'family': 'x', 'rung': 'tuned', 'structure': STRUCTURE}))
else:
    assert flag('--expect') == 'aa:bb'
    agents, workers = int(flag('--agents')), int(flag('--workers'))
    with open(sys.argv[0] + '.seen', 'a') as file:
        file.write(f"{flag('--scenario')} {agents} {workers}\\n")
    with open(flag('--sample'), 'w') as file:
        json.dump({'turns': agents + 2, 'makespan_ns': 8_000_000 // workers, 'lb_model_ns': 1000,
                   'cpu_user_ns': 5000, 'cpu_sys_ns': 0, 'harness_cpu_ns': 0, 'threads_peak': 2,
                   'unit_cost_usual_ns': {'mix': 500 * workers}}, file)
"""


@pytest.fixture
def session(tmp_path, monkeypatch):
    monkeypatch.setattr(forecast, "ROUNDS", 2)  # enough to see them mixed, and soon over
    monkeypatch.setattr(machine, "usable_cores", lambda: 2)
    session = FakeSession(tmp_path)
    session.program("describe", DESCRIBE)
    session.program("good", "STRUCTURE = 'workers'\n" + MODEL)
    session.program("slow", "STRUCTURE = 'sequential'\n" + MODEL)
    return session


class Asked:
    models, cores, agents, scenario, out = ["good"], 64, 1000, "fanout", None

    def __init__(self, **others):
        vars(self).update(others)


def seen(session, model):
    return (session.folder / f"{model}.seen").read_text().splitlines()


def test_a_forecast_from_programs_to_lines_and_figures(session):
    out = session.folder / "out"
    assert forecast.tell_forecast(session, Asked(models=["good", "absent"], out=out)) == 0
    assert "absent" in session.said[0]
    text = "\n".join(session.said)
    assert "good: forecast for 64 cores: 125 µs to 138 µs" in text
    assert "good: forecasts for 2 cores were off by: fanout +10 %" in text
    figures = json.loads((out / "forecast.json").read_text())
    assert figures["kind"] == "forecast" and figures["cores"] == 64
    assert figures["unit_ns_of_one_cpu"] == {"mix": 500}  # nothing of two CPUs is in a forecast
    told = figures["models"][0]
    assert told["forecast_most_ns"] == pytest.approx(137_500)
    assert {(c["scenario"], c["params"]["workers"]) for c in told["checks"]} == {
        (name, count) for name in forecast.CHECKS for count in (1, 2)}
    assert told["checks"][0]["error"] == pytest.approx(0.1)


def test_all_that_a_forecast_is_made_of_is_measured_on_one_worker(session):
    forecast.tell_forecast(session, Asked())
    for choices in RUNS.values():
        assert all(cell.workers == 1 for cell in choices)
        cell = choices[0]
        assert seen(session, "good").count(f"{cell.scenario} {cell.agents} 1") >= forecast.ROUNDS


def test_a_model_that_would_take_too_long_is_checked_with_fewer_agents(session):
    forecast.tell_forecast(session, Asked(models=["good", "slow"]))
    assert "fanout 1000 2" in seen(session, "good") and "fanout 16 2" not in seen(session, "good")
    assert "fanout 16 2" in seen(session, "slow") and "fanout 1000 2" not in seen(session, "slow")
    assert any(line.startswith("* checked with fewer agents") for line in session.said)


def test_on_one_core_the_check_for_two_cannot_be_made_and_that_is_said(session, monkeypatch):
    monkeypatch.setattr(machine, "usable_cores", lambda: 1)
    forecast.tell_forecast(session, Asked())
    assert all(line.endswith(" 1") for line in seen(session, "good"))
    assert any("forecasts for 2 could not be checked" in line for line in session.said)
    assert not any("and the forecasts on 2" in line for line in session.said)


def test_what_cannot_be_forecast_is_bad_usage_before_anything_is_measured(session):
    with pytest.raises(Usage, match="^--agents: 999 are too many"):
        forecast.tell_forecast(session, Asked(agents=999))
    assert not (session.folder / "good.seen").exists()


def test_a_model_that_fails_is_left_out_with_the_reason(session):
    session.program("bad", "STRUCTURE = 'workers'\n" + MODEL.replace(
        "assert flag", "sys.exit('no more threads') if flag('--scenario') == 'parked' else 0\n"
        "    assert flag"))
    assert forecast.tell_forecast(session, Asked(models=["good", "bad"])) == 1
    assert any(line.startswith("bad is left out: parked") and "no more threads" in line
               for line in session.said)
    assert any(line.startswith("good: forecast for 64 cores") for line in session.said)
    with pytest.raises(Trouble, match="no model could be measured"):
        forecast.tell_forecast(session, Asked(models=["bad"]))


def test_a_model_that_ends_well_without_a_sample_is_left_out_too(session):
    session.program("mute", "STRUCTURE = 'workers'\n" + MODEL.replace(
        "    assert flag", "    sys.exit(0)\n    assert flag"))
    assert forecast.tell_forecast(session, Asked(models=["good", "mute"])) == 1
    assert any(line.startswith("mute is left out") and "no sample" in line
               for line in session.said)


# ---- usage ----

BAD = [("--cores", ["--cores", "0"]), ("--cores", ["--cores", "1025"]),
       ("--cores", ["--cores", "many"]), ("--cores", ["--cores", "-1"]),
       ("--agents", ["--agents", "1000001"]), ("--agents", ["--agents", "1e6"]),
       ("--agents", ["--agents="]), ("--agents", ["--agents", "99999999999999999999"]),
       ("--scenario", ["--scenario", "nonesuch"]), ("--scenario", ["--scenario", "fanout,react"]),
       ("nonesuch", ["--models", "nonesuch"]), ("stray", ["stray"]),
       ("--profile", ["--profile", "smoke"]), ("missing", ["--out", "missing/folder"])]


@pytest.mark.parametrize("named, arguments", BAD, ids=lambda value: str(value))
def test_bad_usage_is_refused_in_one_line(named, arguments, tmp_path, monkeypatch):
    done = subprocess.run([ROOT / "scripts" / "bench", "forecast", *arguments], cwd=tmp_path,
                          capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and named in done.stderr
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Usage):
        parse(["forecast", *arguments], ROOT)


def test_by_default_the_models_of_a_run_are_asked_about():
    asked, run = parse(["forecast"], ROOT), parse([], ROOT)
    assert (asked.cores, asked.agents, asked.scenario) == (64, 1_000_000, "fanout")
    assert asked.models == run.models
    assert parse(["forecast", "--cores", "008"], ROOT).cores == 8
