"""Has each check of the machine each of its states, and does it say what to do?"""

import fcntl
import shutil
import time
from collections import namedtuple

import pytest

from . import checks, fake_root, machine

CPU = "/sys/devices/system/cpu"
KB = 1 / 1024


def limits(name, value):
    return {"/proc/self/limits": f"{name:26}{value:<21}{value:<21}units"}


def memory(**lines):
    return {"/proc/meminfo": "".join(f"{k}: {round(v * KB)} kB\n" for k, v in lines.items())}


def own_cpus(allowed, **files):
    return {"/proc/self/status": f"Name:\ta\nCpus_allowed_list:\t{allowed}\n",
            **{f"{CPU}/{name}": text for name, text in files.items()}}


def clock(name):
    return {"/sys/devices/system/clocksource/clocksource0/current_clocksource": name}


def pages(text):
    return {"/sys/kernel/mm/transparent_hugepage/enabled": text}


def quota(text):
    return {"/sys/fs/cgroup/cpu.max": text}


# The files of a machine of four CPUs, and the state of which check they give.
CASES = [
    ("load", {"/proc/loadavg": "0.90 9 9"}, "ok"),
    ("load", {"/proc/loadavg": "1.00 0 0"}, "warn"),
    ("load", {"/proc/loadavg": "4.00 0 0"}, "fail"),
    ("steal_percent", {"/proc/stat": "cpu 9990 0 0 0 0 0 0 5"}, "ok"),
    ("steal_percent", {"/proc/stat": "cpu 990 0 0 0 0 0 0 10"}, "warn"),
    ("steal_percent", {"/proc/stat": "cpu 90 0 0 0 0 0 0 10"}, "fail"),
    ("governor", {f"{CPU}/cpu0/cpufreq/scaling_governor": "performance"}, "ok"),
    ("governor", {f"{CPU}/cpu0/cpufreq/scaling_governor": "performance",
                  f"{CPU}/cpu1/cpufreq/scaling_governor": "powersave"}, "warn"),
    ("turbo", {f"{CPU}/intel_pstate/no_turbo": "1"}, "ok"),
    ("turbo", {f"{CPU}/intel_pstate/no_turbo": "0"}, "warn"),
    ("turbo", {f"{CPU}/cpufreq/boost": "0"}, "ok"),
    ("turbo", {f"{CPU}/cpufreq/boost": "1"}, "warn"),
    ("smt", {f"{CPU}/smt/active": "0"}, "ok"),
    ("smt", {f"{CPU}/smt/active": "1"}, "warn"),
    ("hypervisor", {"/proc/cpuinfo": "flags\t: fpu"}, "ok"),
    ("hypervisor", {"/proc/cpuinfo": "flags\t: fpu hypervisor"}, "warn"),
    ("cgroup_quota", quota("max 100000"), "ok"),
    ("cgroup_quota", quota("400000 100000"), "warn"),
    ("cgroup_quota", quota("399000 100000"), "fail"),
    ("affinity", own_cpus("0-3", online="0-3"), "ok"),
    ("affinity", own_cpus("0-2", online="0-3"), "warn"),
    ("isolated_cpus", own_cpus("0-3", isolated=""), "ok"),
    ("isolated_cpus", own_cpus("0-3", isolated="4-7"), "ok"),
    ("isolated_cpus", own_cpus("0-3", isolated="3"), "ok"),
    ("isolated_cpus", own_cpus("0-3", isolated="2-3"), "fail"),
    ("clocksource", clock("tsc"), "ok"),
    ("clocksource", clock("hpet"), "warn"),
    ("clocksource", clock("jiffies"), "fail"),
    ("timer_slack_ns", {"/proc/self/timerslack_ns": "50000"}, "ok"),
    ("timer_slack_ns", {"/proc/self/timerslack_ns": "50001"}, "warn"),
    ("timer_slack_ns", {"/proc/self/timerslack_ns": "40000000"}, "fail"),
    ("transparent_huge_pages", pages("always [madvise] never"), "ok"),
    ("transparent_huge_pages", pages("[always] madvise never"), "warn"),
    ("memory_available", memory(MemAvailable=3e9), "ok"),
    ("memory_available", memory(MemAvailable=1e9), "warn"),
    ("memory_available", memory(MemAvailable=1e8), "fail"),
    ("swap_used", memory(SwapTotal=0, SwapFree=0), "ok"),
    ("swap_used", memory(SwapTotal=4e9, SwapFree=3.8e9), "warn"),
    ("swap_used", memory(SwapTotal=4e9, SwapFree=2e9), "fail"),
    ("processes_limit", limits("Max processes", "unlimited"), "ok"),
    ("processes_limit", limits("Max processes", 11_999), "warn"),
    ("processes_limit", limits("Max processes", 100), "fail"),
    ("descriptors_limit", limits("Max open files", 1024), "ok"),
    ("descriptors_limit", limits("Max open files", 1023), "warn"),
    ("descriptors_limit", limits("Max open files", 64), "fail"),
    ("max_map_count", {"/proc/sys/vm/max_map_count": "65530"}, "ok"),
    ("max_map_count", {"/proc/sys/vm/max_map_count": "24999"}, "warn"),
    ("max_map_count", {"/proc/sys/vm/max_map_count": "100"}, "fail"),
    ("pid_max", {"/proc/sys/kernel/pid_max": "32768"}, "ok"),
    ("pid_max", {"/proc/sys/kernel/pid_max": "11999"}, "warn"),
    ("pid_max", {"/proc/sys/kernel/pid_max": "301"}, "fail"),
    ("threads_max", {"/proc/sys/kernel/threads-max": "12000"}, "ok"),
    ("threads_max", {"/proc/sys/kernel/threads-max": "11999"}, "warn"),
    ("threads_max", {"/proc/sys/kernel/threads-max": "20"}, "fail"),
]


@pytest.fixture(autouse=True)
def another_machine(tmp_path, monkeypatch):
    """Of which no file says anything yet."""
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    monkeypatch.setattr(machine, "usable_cores", lambda: 4)
    monkeypatch.delenv("INTERLEAVE_LOAD", raising=False)
    return tmp_path


def state(name, moment=checks.Moment()):
    return checks.found(checks.BY_NAME[name], moment)["state"]


@pytest.mark.parametrize("name, files, expected", CASES)
def test_the_files_of_a_machine_decide_each_state(another_machine, name, files, expected):
    fake_root.write_files(another_machine, files)
    assert state(name) == expected


def test_a_file_that_is_not_there_is_unknown_and_never_ok():
    from_files = {name for name, _, _ in CASES}
    for name, fact in checks.environment().items():
        if name in from_files:
            assert fact == {"value": None, "state": "unknown"}, name


@pytest.mark.parametrize("path", [
    "/proc/loadavg", "/proc/stat", f"{CPU}/smt/active", f"{CPU}/intel_pstate/no_turbo",
    f"{CPU}/isolated", f"{CPU}/online", "/proc/self/status", "/proc/self/limits",
    "/proc/self/timerslack_ns", "/proc/meminfo", "/proc/sys/kernel/pid_max", "/proc/cpuinfo",
    "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/fs/cgroup/pids.max",
    f"{CPU}/cpu0/cpufreq/scaling_governor"])
@pytest.mark.parametrize("text", ["", "what no kernel writes \xff"])
def test_a_file_that_makes_no_sense_is_no_reason_to_stop(another_machine, path, text):
    fake_root.write_files(another_machine, {path: text})
    for name, fact in checks.environment().items():
        assert (fact["value"] is None) == (fact["state"] == "unknown"), name


def test_every_check_is_seen_in_all_states_that_its_kind_has():
    seen = {}
    for name, _, expected in CASES:
        seen.setdefault(name, set()).add(expected)
    apart = {"others_now", "lock", "timer_resolution_ns", "disk_free", "build"}  # tested below
    assert set(seen) | apart == set(checks.BY_NAME)
    assert all(len(states) > 1 and "ok" in states for states in seen.values())


@pytest.mark.parametrize("seconds, expected", [(1e-9, "ok"), (1e-5, "warn"), (4e-3, "fail")])
def test_timers_that_tick_slowly_are_a_failure(monkeypatch, seconds, expected):
    monkeypatch.setattr(time, "clock_getres", lambda _: seconds)
    assert state("timer_resolution_ns") == expected


def test_a_system_that_does_not_tell_the_resolution_of_its_timers(monkeypatch):
    monkeypatch.delattr(time, "clock_getres")
    assert state("timer_resolution_ns") == "unknown"


@pytest.mark.parametrize("cpus, expected", [(0.05, "ok"), (0.4, "warn"), (1.5, "fail")])
def test_what_others_compute_now_decides(monkeypatch, cpus, expected):
    monkeypatch.setattr(machine, "others_now", lambda: {"cpus": cpus, "most_by": "make"})
    assert state("others_now") == expected


def test_what_others_compute_is_unknown_where_nothing_is_told(monkeypatch):
    assert state("others_now") == "unknown"


def test_a_run_in_progress_is_a_failure_and_no_run_is_well(tmp_path):
    path = tmp_path / "lock"
    moment = checks.Moment(lock=path)
    assert state("lock", moment) == "ok"  # nobody has ever measured here
    with path.open("w") as file:
        assert state("lock", moment) == "ok"
        fcntl.flock(file, fcntl.LOCK_EX)
        assert state("lock", moment) == "fail"
    assert state("lock", moment) == "ok"
    assert state("lock", checks.Moment(lock=path / "no folder")) == "unknown"


@pytest.mark.parametrize("free, expected", [(2e9, "ok"), (5e8, "warn"), (1e6, "fail")])
def test_a_disk_that_is_full_is_a_failure(monkeypatch, tmp_path, free, expected):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, free))
    assert state("disk_free", checks.Moment(folder=tmp_path / "not" / "yet")) == expected
    assert state("disk_free") == "unknown"


@pytest.mark.parametrize("build, expected", [("Release", "ok"), ("RelWithDebInfo", "warn"),
                                             ("Debug", "fail"), ("address,undefined", "fail"),
                                             ("thread", "fail"), (None, "unknown")])
def test_programs_that_are_not_optimised_are_a_failure(build, expected):
    assert state("build", checks.Moment(build=build)) == expected


def test_the_runs_own_load_and_steal_are_told_after_it(another_machine):
    fake_root.write_files(another_machine, {"/proc/loadavg": "900.0 1 1",
                                            "/proc/stat": "cpu 900 0 0 0 0 0 0 100"})
    assert checks.environment()["load"]["state"] == "fail"
    after = checks.environment(since=(100, 0))
    assert after["load"] == {"value": 900.0, "state": "ok"}
    assert after["steal_percent"] == {"value": 0.0, "state": "ok"}


def test_the_load_is_that_of_when_the_command_was_typed(another_machine, monkeypatch):
    fake_root.write_files(another_machine, {"/proc/loadavg": "900.0 1 1"})
    monkeypatch.setenv("INTERLEAVE_LOAD", "0.10")
    assert checks.environment()["load"] == {"value": 0.1, "state": "ok"}


def test_each_check_says_why_it_matters_and_what_helps():
    for check in checks.CHECKS:
        for virtual, container in ((False, False), (True, False), (False, True)):
            assert checks.advice(check, "ok", virtual, container) == ("", "")
            for bad in ("warn", "fail", "unknown"):
                words, _ = checks.advice(check, bad, virtual, container)
                assert words.startswith(check.why) and len(words) > len(check.why)
                assert words.endswith((".", ":")) and ".." not in words
        assert check.why.endswith(".") and (check.fix.endswith(":") == bool(check.command))


def test_what_only_the_host_can_change_is_not_told_to_be_typed():
    governor, pages = checks.BY_NAME["governor"], checks.BY_NAME["transparent_huge_pages"]
    assert "sudo" in checks.advice(governor, "warn")[1]
    words, command = checks.advice(governor, "warn", virtual=True)
    assert "only the host" in words and not command
    assert "sudo" in checks.advice(pages, "warn", virtual=True)[1]
    words, command = checks.advice(pages, "warn", container=True)
    assert "Inside a container only the host" in words and not command
    assert "only the host knows" in checks.advice(governor, "unknown", virtual=True)[0]


def test_the_command_about_turbo_names_the_file_that_is_there(another_machine):
    fake_root.write_files(another_machine, {f"{CPU}/cpufreq/boost": "1"})
    assert checks.advice(checks.BY_NAME["turbo"], "warn")[1] == \
        f"echo 0 | sudo tee {CPU}/cpufreq/boost"


@pytest.mark.parametrize("name, value, words", [
    ("load", 0.5, "0.5"), ("cgroup_quota", "150000 100000", "1.5 CPUs"),
    ("cgroup_quota", "150000", "150000"), ("hypervisor", "unnamed", "yes, its name is not known"),
    ("hypervisor", "KVM", "KVM"), ("timer_slack_ns", 50_000, "50 µs"),
    ("a check of tomorrow", [1], "[1]"), ("swap_used", "what?", "what?"),
    ("load", None, "not known")])
def test_a_value_is_told_in_words_whoever_wrote_it(name, value, words):
    assert checks.shown(name, value) == words


def test_checks_stand_in_the_order_of_the_table_and_strangers_last():
    assert checks.in_order({"a stranger", "smt", "load"}) == ["load", "smt", "a stranger"]
