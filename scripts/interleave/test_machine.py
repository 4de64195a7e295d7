"""Does the machine's description say unknown where it does not know, and never who owns it?"""

import platform
import shutil
import subprocess

import pytest

from . import machine
from .manifest import commit_of

STATES = {"ok", "warn", "fail", "unknown"}


def test_every_fact_has_a_value_and_one_of_four_states():
    for name, fact in machine.environment().items():
        assert set(fact) == {"value", "state"} and fact["state"] in STATES, name
        assert (fact["value"] is None) == (fact["state"] == "unknown"), name


def test_where_no_file_can_be_read_everything_from_files_is_unknown(monkeypatch):
    monkeypatch.setattr(machine, "text_of", lambda path: None)
    facts = machine.environment()
    for name in ("governor", "turbo", "smt", "load", "steal_percent", "cgroup_quota",
                 "clocksource", "hypervisor", "transparent_huge_pages", "max_map_count",
                 "pid_max", "threads_max"):
        assert facts[name] == {"value": None, "state": "unknown"}, name
    assert machine.machine()["hypervisor"] is None


def test_the_name_is_the_hardwares_and_not_the_hosts(monkeypatch):
    name = machine.machine()["name"]
    monkeypatch.setattr(platform, "node", lambda: "another")
    assert machine.machine()["name"] == name
    assert name.replace("-", "").isalnum()


@pytest.mark.parametrize("model, word", [
    ("Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", "xeon"),
    ("AMD EPYC 7763 64-Core Processor", "epyc"),
    ("AMD Ryzen 9 7950X 16-Core Processor", "ryzen"),
    ("Intel(R) Core(TM) i7-8700K CPU @ 3.70GHz", "core"),
])
def test_the_name_begins_with_what_people_call_the_cpu(model, word):
    assert machine.short_cpu(model) == word


def fake_files(monkeypatch, files):
    monkeypatch.setattr(machine, "text_of", lambda path: files.get(str(path)))


def test_steal_is_the_share_since_the_run_began(monkeypatch):
    fake_files(monkeypatch, {"/proc/stat": "cpu  500 0 300 100 0 0 0 100 0 0\ncpu0 1"})
    assert machine.cpu_ticks() == (100, 1000)
    assert machine.steal(since=(90, 0)) == {"value": 1.0, "state": "warn"}
    assert machine.steal(since=(100, 0)) == {"value": 0.0, "state": "ok"}


def test_a_quota_is_a_warning(monkeypatch):
    fake_files(monkeypatch, {"/proc/self/cgroup": "0::/a",
                             "/sys/fs/cgroup/a/cpu.max": "50000 100000"})
    assert machine.cgroup_quota() == {"value": "50000 100000", "state": "warn"}
    fake_files(monkeypatch, {"/sys/fs/cgroup/cpu.max": "max 100000"})
    assert machine.cgroup_quota()["state"] == "ok"


def test_the_runs_own_load_is_no_warning(monkeypatch):
    fake_files(monkeypatch, {"/proc/loadavg": "900.0 1 1 1/1 1"})
    assert machine.load(own=False)["state"] == "fail"
    assert machine.load(own=True)["state"] == "ok"


def git(folder, *arguments):
    subprocess.run(["git", "-C", folder, "-c", "user.name=n", "-c", "user.email=e", *arguments],
                   check=True, capture_output=True)


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_the_commit_is_the_suites_own_and_not_that_of_a_repository_around_it(tmp_path, monkeypatch):
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "-m", "one")
    inner = tmp_path / "copy"
    inner.mkdir()
    assert commit_of(inner) == ("nogit", None)
    assert commit_of(tmp_path)[0] != "nogit"
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    assert commit_of(inner) == ("nogit", None)
