"""Which machine is this, and in which state is it? A fact nobody can read is unknown, never ok."""

import hashlib
import os
import platform
import re
import resource
from pathlib import Path


def text_of(path):
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return None


def usable_cores():
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def cpu_fields():
    """The first processor's lines of /proc/cpuinfo."""
    lines = (text_of("/proc/cpuinfo") or "").split("\n\n")[0].splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, _, value in pairs}


def memory_bytes():
    match = re.search(r"^MemTotal:\s+(\d+) kB", text_of("/proc/meminfo") or "", re.M)
    return int(match.group(1)) * 1024 if match else None


def hypervisor(cpu):
    """Its name; "unnamed" where the CPU only says that there is one; "none" on bare hardware."""
    if not cpu:
        return None
    if "hypervisor" not in cpu.get("flags", "").split():
        return "none" if "flags" in cpu else None
    vendor = text_of("/sys/class/dmi/id/sys_vendor") or text_of("/sys/hypervisor/type")
    return vendor or "unnamed"


def short_cpu(model):
    """A word by which people know the CPU: xeon, epyc, ryzen, i7, ..."""
    for word in re.findall(r"[a-z0-9]+", model.lower()):
        if word in ("xeon", "epyc", "ryzen", "threadripper", "opteron", "atom", "core", "neoverse",
                    "graviton", "ampere", "celeron", "pentium", "cortex"):
            return word
    return platform.machine() or "cpu"


def machine():
    """The hardware, named by a fingerprint of it: never by the host's name."""
    cpu, cpus, memory = cpu_fields(), os.cpu_count() or 1, memory_bytes()
    model = cpu.get("model name") or cpu.get("CPU implementer", "") or platform.machine()
    gigabytes = round(memory / 2**30) if memory else 0
    hardware = [platform.machine(), model, cpu.get("vendor_id", ""), cpu.get("cpu family", ""),
                cpu.get("model", ""), cpu.get("stepping", ""), str(cpus), str(gigabytes),
                str(hypervisor(cpu))]
    mark = hashlib.sha256("|".join(hardware).encode()).hexdigest()[:6]
    return {"name": f"{short_cpu(model)}-{cpus}cpu-{gigabytes}g-{mark}", "cpu_model": model,
            "cpus": cpus, "usable_cpus": usable_cores(), "memory_bytes": memory,
            "architecture": platform.machine(), "kernel": platform.release(),
            "system": system_name(), "hypervisor": hypervisor(cpu)}


def system_name():
    match = re.search(r'^PRETTY_NAME="?([^"\n]*)', text_of("/etc/os-release") or "", re.M)
    return match.group(1) if match else platform.system()


def fact(value, good=None, state=None):
    """`good` says whether the value is as it should be; None: it is not known."""
    if value is None:
        return {"value": None, "state": "unknown"}
    return {"value": value, "state": state or ("ok" if good is None or good else "warn")}


def governor():
    value = text_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    return fact(value, value == "performance")


def turbo():
    off = text_of("/sys/devices/system/cpu/intel_pstate/no_turbo")
    boost = text_of("/sys/devices/system/cpu/cpufreq/boost")
    if off is None and boost is None:
        return fact(None)
    on = off == "0" if off is not None else boost == "1"
    return fact("on" if on else "off", not on)


def smt():
    value = text_of("/sys/devices/system/cpu/smt/active")
    return fact({"0": "off", "1": "on"}.get(value), value == "0")


def load(own):
    """Before a run, as it was when the command was typed: scripts/bench has built since."""
    value = os.environ.get("INTERLEAVE_LOAD") if not own else None
    value = value or text_of("/proc/loadavg")
    if value is None:
        return fact(None)
    value = float(value.split()[0])
    if own:
        return fact(value)
    share = value / (os.cpu_count() or 1)
    return fact(value, state="ok" if share < 0.25 else "warn" if share < 1 else "fail")


def cpu_ticks():
    """(stolen, all) since the machine started; None where it is not told."""
    match = re.match(r"cpu +(.+)", text_of("/proc/stat") or "")
    ticks = [int(part) for part in match.group(1).split()[:8]] if match else []
    return (ticks[7], sum(ticks)) if len(ticks) == 8 else None


def steal(since):
    """The share of CPU time that the host gave to others, since those ticks, in percent."""
    now = cpu_ticks()
    if now is None:
        return fact(None)
    before = since or (0, 0)
    passed = max(1, now[1] - before[1])
    percent = round(100 * (now[0] - before[0]) / passed, 3)
    return fact(percent, percent < 0.5)


def cgroup_quota():
    path = re.search(r"^0::(.*)$", text_of("/proc/self/cgroup") or "", re.M)
    value = text_of(f"/sys/fs/cgroup{path.group(1)}/cpu.max") if path else None
    if value is None:
        value = text_of("/sys/fs/cgroup/cpu.max")
    if value is None:
        quota = text_of("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
        value = "max" if quota == "-1" else quota
    return fact(value, (value or "").startswith("max"))


def affinity():
    usable, there = usable_cores(), os.cpu_count() or 1
    return fact(f"{usable} of {there} CPUs", usable == there)


def clocksource():
    value = text_of("/sys/devices/system/clocksource/clocksource0/current_clocksource")
    return fact(value, value in ("tsc", "kvm-clock", "arch_sys_counter"))


def transparent_huge_pages():
    value = text_of("/sys/kernel/mm/transparent_hugepage/enabled")
    match = re.search(r"\[(\w+)\]", value or "")
    return fact(match.group(1) if match else None)


def virtual():
    value = hypervisor(cpu_fields())
    return fact(value, value == "none")


def limit(kind, enough):
    soft = resource.getrlimit(kind)[0]
    if soft == resource.RLIM_INFINITY:
        return fact("unlimited")
    return fact(soft, soft >= enough)


def kernel_limit(path, enough):
    value = text_of(path)
    return fact(int(value), int(value) >= enough) if value else fact(None)


def environment(since=None):
    """name -> {value, state}: ok, warn, fail or unknown. since: the cpu_ticks() before the run,
    after which the load is the run's own and no reason for a warning."""
    return {
        "governor": governor(), "turbo": turbo(), "smt": smt(), "load": load(own=since is not None),
        "steal_percent": steal(since), "cgroup_quota": cgroup_quota(), "affinity": affinity(),
        "clocksource": clocksource(), "hypervisor": virtual(),
        "transparent_huge_pages": transparent_huge_pages(),
        # Ten thousand threads, and a mapping or two for the stack of each.
        "processes_limit": limit(resource.RLIMIT_NPROC, 12_000),
        "descriptors_limit": limit(resource.RLIMIT_NOFILE, 1024),
        "max_map_count": kernel_limit("/proc/sys/vm/max_map_count", 25_000),
        "pid_max": kernel_limit("/proc/sys/kernel/pid_max", 12_000),
        "threads_max": kernel_limit("/proc/sys/kernel/threads-max", 12_000)}
