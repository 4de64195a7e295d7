"""Does the doctor say plainly what is wrong with a machine, and end as a script expects?"""

import io
import json
from types import SimpleNamespace

import pytest
from rich.console import Console

from . import checks, doctor, fake_root, machine
from .cli import Session, main

CPU = "/sys/devices/system/cpu"
GOOD = {
    "/proc/loadavg": "0.01 0 0", "/proc/stat": "cpu 100 0 0 900 0 0 0 0",
    f"{CPU}/cpu0/cpufreq/scaling_governor": "performance", f"{CPU}/intel_pstate/no_turbo": "1",
    f"{CPU}/smt/active": "0", "/proc/cpuinfo": "flags\t: fpu", "/sys/fs/cgroup/cpu.max": "max 1",
    "/proc/self/status": "Cpus_allowed_list:\t0-3", f"{CPU}/online": "0-3", f"{CPU}/isolated": "",
    "/sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc",
    "/proc/self/timerslack_ns": "50000",
    "/sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
    "/proc/meminfo": "MemAvailable: 9000000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB",
    "/proc/self/limits": f"{'Max processes':26}{'unlimited':21}{'unlimited':21}processes\n"
                         f"{'Max open files':26}{4096:<21}{4096:<21}files",
    "/proc/sys/vm/max_map_count": "65530", "/proc/sys/kernel/pid_max": "32768",
    "/proc/sys/kernel/threads-max": "99999"}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A machine that is fit, and a checkout with one program that is built."""
    files = tmp_path / "machine"
    fake_root.write_files(files, GOOD)
    monkeypatch.setattr(machine, "ROOT", files)
    monkeypatch.setattr(machine, "usable_cores", lambda: 4)
    monkeypatch.setattr(machine, "others_now", lambda: {"cpus": 0.0, "most_by": None})
    monkeypatch.setattr(machine, "timer_resolution_ns", lambda: 1)
    monkeypatch.setattr(checks, "_space", lambda _: 10**10)
    monkeypatch.setattr(doctor, "build_of", lambda _: "Release")
    monkeypatch.delenv("INTERLEAVE_LOAD", raising=False)
    root = fake_root.make_root(tmp_path / "root", ["fine"])

    def visit(*arguments, width=80, **change):
        fake_root.write_files(files, change.get("files", {}))
        out = io.StringIO()
        console = Console(file=out, width=width, highlight=False)
        status = main(["doctor", *arguments], root, console, tmp_path / "lock")
        return status, out.getvalue()
    return visit


def test_a_machine_that_is_fit_gets_one_answer_and_no_advice(here):
    status, screen = here()
    assert status == 0
    assert screen.splitlines()[-1] == "Yes: all is as it should be."
    assert not any(word in screen for word in ("warn", "fail", "unknown", "sudo"))


def test_what_fails_stands_first_with_its_advice_and_ends_with_1(here):
    status, screen = here(files={"/proc/loadavg": "9 0 0", f"{CPU}/smt/active": "1",
                                 f"{CPU}/intel_pstate/no_turbo": None})
    assert status == 1
    marks = [line.split()[0] for line in screen.splitlines()
             if line.split()[:1] and line.split()[0] in checks.STATES]
    assert marks == ["fail", "warn", "unknown", "ok"]
    assert "Wait a minute" in screen and "smt/control" in screen
    assert "1 check failed" in screen.splitlines()[-1]


def test_warnings_and_what_is_unknown_are_no_failure(here):
    status, screen = here(files={f"{CPU}/smt/active": "1", "/proc/sys/kernel/pid_max": None})
    assert status == 0
    assert "Yes, with caution: 1 warning, 1 unknown." in screen


@pytest.mark.parametrize("width", [80, 120])
def test_words_fit_the_screen_and_a_command_stands_in_one_line(here, width):
    _, screen = here(width=width, files={path: None for path in GOOD} | {
        f"{CPU}/smt/active": "1", "/sys/kernel/mm/transparent_hugepage/enabled": "[always]"})
    for line in screen.splitlines():
        assert len(line) <= width or line.startswith("           "), line
    assert "echo off | sudo tee /sys/devices/system/cpu/smt/control\n" in screen


def test_json_is_one_document_with_every_check(here, capsys):
    status, screen = here("--json", files={"/proc/loadavg": "9 0 0"})
    told = json.loads(capsys.readouterr().out)
    assert (status, screen, told["worst"]) == (1, "", "fail")
    assert [row["name"] for row in told["checks"]] == list(checks.BY_NAME)
    load = told["checks"][0]
    assert load["value"] == 9 and load["state"] == "fail" and load["advice"]


def test_the_build_is_what_the_first_program_says_that_is_there(tmp_path):
    session = Session(fake_root.make_root(tmp_path, ["fine", "invalid"]))
    assert doctor.build_of(session) == "fake"  # as fake_model.py says
    for name in ("fine", "invalid"):
        session.executables.path(name).unlink()
    assert doctor.build_of(session) is None


def test_before_a_run_what_is_not_well_stands_in_one_line():
    said = []
    session = SimpleNamespace(say=said.append)
    doctor.tell_briefly(session, {"smt": {"value": "off", "state": "ok"},
                                  "turbo": {"value": None, "state": "unknown"}})
    assert said == []
    doctor.tell_briefly(session, {"smt": {"value": "on", "state": "warn"},
                                  "load": {"value": 9.0, "state": "fail"}})
    assert said == ["Before measuring, load of the last minute: 9 (fail); two threads on a core "
                    "(SMT): on (warn). What helps: ./scripts/bench doctor"]


def test_the_narrowest_screen_gets_words_too(here):
    status, screen = here(width=1, files={"/proc/loadavg": "9 0 0"})
    assert status == 1 and "The CPUs had other work" in screen
