"""Is a fact about the machine as a measurement needs it? Each check, its state and its words, once.

The one table for the manifest's environment, for the page of a result, for its trust and for
`doctor`. Four states: ok; warn: the numbers may be worse for it; fail: the numbers are wrong for
it, or there will be none; unknown: the machine does not tell, which is never ok.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import lock, machine, units

STATES = ("fail", "warn", "unknown", "ok")  # the gravest first
MOST_THREADS = 12_000  # ten thousand agents with a thread each, and some
GB, MB = 1_000_000_000, 1_000_000


@dataclass(frozen=True)
class Moment:
    """What a check may have to know that no file of the machine says."""

    since: tuple | None = None  # machine.cpu_ticks() when measuring began; None: before a run
    folder: Path | None = None  # where results go
    lock: str = lock.LOCK
    build: str | None = None    # as what the programs were built


@dataclass(frozen=True)
class Check:
    name: str        # its key in the manifest
    title: str
    read: Callable   # of the moment: the value, None where it is not known
    judge: Callable  # of the value and the moment: ok, warn or fail
    why: str         # why it matters for these numbers
    fix: str = ""    # what helps
    command: str | Callable = ""  # what to type for that
    decided_by: str = "you"  # or "kernel", or "hardware": then only the host of a container, or of
    words: Callable = str    # a virtual machine, can change it. words: the value, for people
    kept: bool = True        # in the manifest of a run
    unknown: str = ""        # what to do where it is not known

    def state(self, value, moment=Moment()):
        return "unknown" if value is None else self.judge(value, moment)


def only(*good, bad=()):
    """ok if it is one of these, fail if it is one of `bad`."""
    return lambda value, _: "ok" if value in good else "fail" if value in bad else "warn"


def at_most(ok, warn):
    """Up to and including these."""
    return lambda value, _: "ok" if value <= ok else "warn" if value <= warn else "fail"


def at_least(ok, warn):
    return lambda value, _: ("ok" if value == "unlimited" or value >= ok else
                             "warn" if value >= warn else "fail")


def _of_load(value, moment):
    """After a run the load is the run's own, and no reason for a warning."""
    share = 0 if moment.since else value / machine.usable_cores()
    return "ok" if share < 0.25 else "warn" if share < 1 else "fail"


def _of_quota(value, _):
    if value == "max":
        return "ok"
    quota, period = map(int, value.split())
    return "warn" if quota >= period * machine.usable_cores() else "fail"


def _of_affinity(value, _):
    usable, _, there, _ = value.split()
    return "ok" if usable == there else "warn"


def _of_isolated(value, _):
    """The kernel does not spread threads over isolated CPUs: with several, one would do it all."""
    own = (machine.cpu_list(value) or set()) & (machine.allowed_cpus() or set())
    return "fail" if len(own) > 1 else "ok"


def _isolated(_):
    found = machine.isolated_cpus()
    return None if found is None else ",".join(map(str, sorted(found))) or "none"


def _quota_words(value):
    if " " not in value:
        return "none" if value == "max" else value
    quota, period = map(int, value.split())
    return f"{quota / period:g} CPUs"


def _others_words(value):
    by = f", most of it by {value['most_by']}" if value["most_by"] else ""
    return f"{value['cpus']:g} CPUs{by}"


def _count(value):
    return f"{value:,}" if isinstance(value, int) else value


def _is_slow(build):
    """For a debugger, or with the checks of a sanitizer (address, thread, undefined)."""
    return any(word in build.lower() for word in ("debug", "address", "thread", "undefined")) \
        and build != "RelWithDebInfo"


def _space(moment):
    folder = moment.folder
    while folder and not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free if folder else None
    except OSError:
        return None


CHECKS = [
    Check("load", "load of the last minute", lambda m: machine.load(as_typed=not m.since), _of_load,
          "The CPUs had other work; what is left of it takes time and caches from what is "
          "measured.",
          "Wait a minute, then look again.", words=lambda v: f"{v:g}"),
    Check("others_now", "other processes now", lambda _: machine.others_now(),
          lambda v, _: at_most(0.1, 0.5)(v["cpus"], _),
          "What else runs takes CPU time and caches from what is measured.",
          "Wait until it is done, or stop it; this shows what it is:", "top",
          words=_others_words, kept=False),
    Check("lock", "a run in progress",
          lambda m: {True: "another one", False: "none"}.get(lock.measuring_now(m.lock)),
          only("none", bad=("another one",)),
          "Two runs at once would spoil each other, so the second one is refused.",
          "Wait until it is done.", kept=False),
    Check("steal_percent", "stolen CPU time", lambda m: machine.steal_percent(m.since),
          at_most(0.5, 5), "The host of this machine gave CPU time to other guests: the clock went "
          "on, and nothing was computed.", "Measure at another time, or on a machine that has its "
          "CPUs to itself.", words=lambda v: f"{v:g} %"),
    Check("governor", "frequency governor", lambda _: machine.governor(), only("performance"),
          "A CPU that changes its speed takes unequal times for equal work.",
          "Let it keep its speed (package linux-cpupower):",
          "sudo cpupower frequency-set -g performance", decided_by="hardware"),
    Check("turbo", "turbo", lambda _: machine.turbo(), only("off"),
          "How long a CPU runs faster than its nominal speed depends on its heat and on what the "
          "other cores do.", "Switch it off while measuring:",
          lambda: machine.turbo_off_command(), decided_by="hardware"),
    Check("smt", "two threads on a core (SMT)", lambda _: machine.smt(), only("off"),
          "CPUs that share a core slow each other down, and the bounds take each for a whole one.",
          "Switch it off while measuring:",
          "echo off | sudo tee /sys/devices/system/cpu/smt/control", decided_by="hardware"),
    Check("hypervisor", "virtual machine", lambda _: machine.hypervisor(), only("none"),
          "Other guests may take CPU time unseen, and a sleeping CPU takes longer to wake (20 to "
          "60 µs).", "Numbers to be cited without caution need a machine of their own.",
          words={"none": "no", "unnamed": "yes, its name is not known"}.get),
    Check("cgroup_quota", "quota of CPU time", lambda _: machine.cgroup_quota(), _of_quota,
          "A quota halts every thread once it is used up; the bounds take the CPUs for whole ones.",
          "Start the container or service without one (no --cpus, no CPUQuota), and give it CPUs "
          "of its own instead (--cpuset-cpus).", decided_by="kernel", words=_quota_words),
    Check("affinity", "usable CPUs", lambda _: machine.affinity(), _of_affinity,
          "Whatever runs on the other CPUs shares caches and memory with what is measured.",
          "Unless only these are meant: start the command without taskset or --cpuset-cpus.",
          words=lambda v: v.removesuffix(" CPUs")),
    Check("isolated_cpus", "isolated CPUs", _isolated, _of_isolated,
          "The kernel does not spread threads over isolated CPUs: one of them would do all work.",
          "Start Linux without isolcpus=, or let the suite have other CPUs:",
          "taskset -c CPUS ./scripts/bench", decided_by="kernel"),
    Check("clocksource", "clock", lambda _: machine.clocksource(),
          only("tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page",
               bad=("jiffies", "refined-jiffies")),
          "Every start and end is a reading of the clock, and a slow clock costs a microsecond for "
          "each.", "Choose another, if the file available_clocksource beside it has one:",
          "echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource",
          decided_by="kernel"),
    Check("timer_resolution_ns", "resolution of timers", lambda _: machine.timer_resolution_ns(),
          at_most(1_000, 100_000), "No wait can be shorter than that, or end at a time between.",
          "Start Linux with high-resolution timers (no highres=off).", decided_by="kernel",
          words=lambda ns: units.tick(units.duration, ns)),
    Check("timer_slack_ns", "timer slack", lambda _: machine.timer_slack_ns(),
          at_most(50_000, 1_000_000), "The kernel may end each wait later by that much, to save "
          "power.", "Start the command from a plain shell, not from what saves power.",
          words=lambda ns: units.tick(units.duration, ns)),
    Check("transparent_huge_pages", "transparent huge pages",
          lambda _: machine.transparent_huge_pages(), only("madvise", "never"),
          "Memory is then counted in steps of 2 MiB: the memory of an agent cannot be told.",
          "Give large pages only to programs that ask for them:",
          "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
          decided_by="kernel"),
    Check("memory_available", "free memory", lambda _: machine.memory_available(),
          at_least(2 * GB, GB // 4), "Where memory runs out, pages are moved about or the process "
          "is killed.", "End what needs it; this shows what that is:", "top -o %MEM",
          words=units.size),
    Check("swap_used", "swap in use", lambda _: machine.swap_used(), at_most(64 * MB, GB),
          "What comes back from the disk comes thousands of times later.",
          "With enough free memory, do without it while measuring:", "sudo swapoff -a",
          decided_by="kernel", words=lambda v: units.size(v) if v else "none"),
    Check("processes_limit", "limit on threads", lambda _: machine.processes_limit(),
          at_least(MOST_THREADS, MOST_THREADS // 10),
          "Models with a thread for each agent need 10,000; what needs more than the limit is "
          "skipped.", "Raise it in this shell (hard limit: /etc/security/limits.conf):",
          f"ulimit -u {MOST_THREADS}", words=_count),
    Check("descriptors_limit", "limit on open files",
          lambda _: machine.process_limit("Max open files"), at_least(1024, 256),
          "Each connection to the mock LLM is one; runs that need more than the limit fail.",
          "Raise it in this shell (hard limit: /etc/security/limits.conf):", "ulimit -n 4096",
          words=_count),
    Check("max_map_count", "limit on memory maps",
          lambda _: machine.number_of("/proc/sys/vm/max_map_count"), at_least(25_000, 2_500),
          "The stack of each thread takes two; with too few, models with many threads are skipped.",
          "Raise it:", "sudo sysctl vm.max_map_count=65530", decided_by="kernel", words=_count),
    Check("pid_max", "limit on process numbers",
          lambda _: machine.number_of("/proc/sys/kernel/pid_max"),
          at_least(MOST_THREADS, MOST_THREADS // 10),
          "Each thread has one; with too few, models with many threads are skipped.", "Raise it:",
          "sudo sysctl kernel.pid_max=32768", decided_by="kernel", words=_count),
    Check("threads_max", "limit on threads of all",
          lambda _: machine.number_of("/proc/sys/kernel/threads-max"),
          at_least(MOST_THREADS, MOST_THREADS // 10),
          "With too few, models with many threads are skipped.", "Raise it:",
          "sudo sysctl kernel.threads-max=32768", decided_by="kernel", words=_count),
    Check("disk_free", "free disk space", _space, at_least(GB, 100 * MB),
          "A result takes up to some hundred megabytes, and a run whose disk is full stops.",
          "Remove results that nobody needs, or name another place with --out.",
          words=units.size, kept=False),
    Check("build", "build of the programs", lambda m: m.build,
          lambda v, _: "ok" if v == "Release" else "fail" if _is_slow(v) else "warn",
          "Only optimised programs without extra checks say how fast a model is.",
          "Build as ./scripts/bench does: remove build/release, and it builds anew.", kept=False,
          unknown="Nothing is built yet; ./scripts/bench builds it so."),
]
BY_NAME = {check.name: check for check in CHECKS}


def found(check, moment=Moment()):
    """{value, state}, as a manifest keeps it."""
    value = check.read(moment)
    return {"value": value, "state": check.state(value, moment)}


def environment(since=None):
    """name -> {value, state}, for the manifest. since: the cpu_ticks() when measuring began; None:
    nothing has been measured yet."""
    moment = Moment(since)
    return {check.name: found(check, moment) for check in CHECKS if check.kept}


def in_order(names):
    """Of this table; what it does not know comes last."""
    known = list(BY_NAME)
    return sorted(names, key=lambda name: (known.index(name) if name in known else len(known),
                                           name))


def title(name):
    """The check in words; of one that is not known here (an older result), its name."""
    return BY_NAME[name].title if name in BY_NAME else name.replace("_", " ")


def shown(name, value):
    """The value in words."""
    if value is None:
        return "not known"
    try:
        return BY_NAME[name].words(value) or str(value)
    except (KeyError, TypeError, ValueError, AttributeError):
        return str(value)  # as another version of the suite wrote it


def advice(check, state, virtual=False, container=False):
    """(a sentence or two on what it means and what helps, what to type or nothing)."""
    if state == "ok":
        return "", ""
    out_of_reach = (check.decided_by == "hardware" and (virtual or container)
                    or check.decided_by == "kernel" and container)
    where = "virtual machine" if virtual and check.decided_by == "hardware" else "container"
    if state == "unknown":
        asked = check.unknown or (f"Inside a {where} only the host knows." if out_of_reach else
                                  "This machine does not tell: look for yourself.")
        return f"{check.why} {asked}", ""
    if out_of_reach:
        own = check.fix if not check.command else ""
        return " ".join(filter(None, (check.why, f"Inside a {where} only the host can change it.",
                                      own))), ""
    command = check.command() if callable(check.command) else check.command
    return f"{check.why} {check.fix}".strip(), command
