"""Does the machine's description say what its files say, and never who owns it?"""

import os
import platform
import shutil
import subprocess

import pytest

from . import fake_root, machine
from .manifest import commit_of

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


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Puts files of another machine in the place of this one's."""
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    return lambda texts: fake_root.write_files(tmp_path, texts)


def test_steal_is_the_share_since_the_run_began(files):
    files({"/proc/stat": "cpu  500 0 300 100 0 0 0 100 0 0\ncpu0 1"})
    assert machine.cpu_ticks() == (100, 1000)
    assert machine.steal_percent(since=(90, 0)) == 1.0
    assert machine.steal_percent(since=(100, 0)) == 0.0


@pytest.mark.parametrize("texts, quota", [
    ({"/proc/self/cgroup": "0::/a", "/sys/fs/cgroup/a/cpu.max": "50000 100000",
      "/sys/fs/cgroup/cpu.max": "max 100000"}, "50000 100000"),
    ({"/proc/self/cgroup": "0::/elsewhere", "/sys/fs/cgroup/cpu.max": "max 100000"}, "max"),
    ({"/proc/self/cgroup": "1:cpu,cpuacct:/a", "/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "50000",
      "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1"}, "50000 100000"),
    ({"/proc/self/cgroup": "1:cpu:/", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1"}, "max"),
    ({"/proc/self/cgroup": "0::/a"}, None),
])
def test_a_quota_is_found_in_either_version_of_control_groups(files, texts, quota):
    files(texts)
    assert machine.cgroup_quota() == quota


def test_the_limit_on_threads_is_the_control_groups_where_that_is_less(files):
    files({"/proc/self/limits": "Max processes             96365     96365     processes",
           "/proc/self/cgroup": "0::/a", "/sys/fs/cgroup/a/pids.max": "500"})
    assert machine.processes_limit() == 500
    files({"/sys/fs/cgroup/a/pids.max": "max"})
    assert machine.processes_limit() == 96365


def test_free_memory_is_the_control_groups_where_that_is_less(files):
    files({"/proc/meminfo": "MemAvailable:    1000 kB", "/proc/self/cgroup": "0::/a",
           "/sys/fs/cgroup/a/memory.max": "600000", "/sys/fs/cgroup/a/memory.current": "500000"})
    assert machine.memory_available() == 100_000
    files({"/sys/fs/cgroup/a/memory.max": "max"})
    assert machine.memory_available() == 1_024_000


@pytest.mark.parametrize("text, cpus", [("0-2,8", {0, 1, 2, 8}), ("3", {3}), ("", set()),
                                        ("none of that", None), (None, None)])
def test_a_list_of_cpus_is_read_as_the_kernel_writes_it(text, cpus):
    assert machine.cpu_list(text) == cpus


def test_what_others_compute_at_the_moment_is_without_our_own(files):
    def compute(ticks, own, other):
        files({"/proc/stat": f"cpu  {ticks} 0 0 100 0 0 0 0",
               "/proc/7/stat": stat("a (b) c", other),
               f"/proc/{os.getpid()}/stat": stat("python3", own)})

    def stat(name, ticks):
        return f"7 ({name}) S 1 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0"

    per_second = os.sysconf("SC_CLK_TCK")
    compute(1000, 10, 10)
    seen = machine.others_now(1000, lambda _: compute(
        1000 + 750 * per_second, 10 + 250 * per_second, 10 + 400 * per_second))
    assert seen == {"cpus": 0.5, "most_by": "a (b) c"}


def test_whoever_is_in_a_container_is_told_so(files, tmp_path):
    assert not machine.in_container()
    files({"/proc/1/cgroup": "0::/docker/0123"})
    assert machine.in_container()


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
