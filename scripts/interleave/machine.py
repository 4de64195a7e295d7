"""Which machine is this, and what does it say of itself? Facts only; None: it does not say.

What the facts mean for a measurement is judged in `checks.py`, in the words that people read.
"""

import hashlib
import os
import platform
import re
import time
from pathlib import Path

# Below this everything is read: tests put files of a machine of their own there.
ROOT = Path("/")
CPUS = "/sys/devices/system/cpu"


def path_of(path):
    return ROOT / str(path).lstrip("/")


def text_of(path):
    try:
        return path_of(path).read_text(errors="replace").strip()
    except OSError:
        return None


def number_of(path):
    text = text_of(path)
    return int(text) if text and re.fullmatch(r"\d+", text) else None


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


def meminfo(name):
    """A line of /proc/meminfo, in bytes."""
    match = re.search(rf"^{name}:\s+(\d+) kB", text_of("/proc/meminfo") or "", re.M)
    return int(match.group(1)) * 1024 if match else None


def hypervisor(cpu=None):
    """Its name; "unnamed" where the CPU only says that there is one; "none" on bare hardware."""
    cpu = cpu_fields() if cpu is None else cpu
    if not cpu:
        return None
    if "hypervisor" not in cpu.get("flags", "").split():
        return "none" if "flags" in cpu else None
    vendor = text_of("/sys/class/dmi/id/sys_vendor") or text_of("/sys/hypervisor/type")
    return vendor or "unnamed"


def is_virtual(hypervisor_name):
    """Whether what `hypervisor` says is that there is one."""
    return hypervisor_name not in (None, "", "none")


def in_container():
    """As far as one can tell from inside: its kernel then belongs to somebody else."""
    told = text_of("/proc/1/cgroup") or ""
    return (any(path_of(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv"))
            or any(word in told for word in ("docker", "lxc", "kubepods", "containerd")))


def short_cpu(model):
    """A word by which people know the CPU: xeon, epyc, ryzen, i7, ..."""
    for word in re.findall(r"[a-z0-9]+", model.lower()):
        if word in ("xeon", "epyc", "ryzen", "threadripper", "opteron", "atom", "core", "neoverse",
                    "graviton", "ampere", "celeron", "pentium", "cortex"):
            return word
    return platform.machine() or "cpu"


def machine():
    """The hardware, named by a fingerprint of it: never by the host's name."""
    cpu, cpus, memory = cpu_fields(), os.cpu_count() or 1, meminfo("MemTotal")
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


def governor():
    """Of all CPUs, where they differ by comma."""
    files = sorted(path_of(CPUS).glob("cpu[0-9]*/cpufreq/scaling_governor"))
    found = {text_of(file.relative_to(ROOT)) for file in files} - {None, ""}
    return ", ".join(sorted(found)) or None


# What says whether a CPU may run faster than its nominal speed: the file, and its word for "not".
TURBO_FILES = ((f"{CPUS}/intel_pstate/no_turbo", "1"), (f"{CPUS}/cpufreq/boost", "0"))


def turbo():
    for file, off in TURBO_FILES:
        value = text_of(file)
        if value in ("0", "1"):
            return "off" if value == off else "on"
    return None


def turbo_off_command():
    file, off = next(((f, o) for f, o in TURBO_FILES if text_of(f)), TURBO_FILES[0])
    return f"echo {off} | sudo tee {file}"


def smt():
    return {"0": "off", "1": "on"}.get(text_of(f"{CPUS}/smt/active"))


def load(as_typed=True):
    """Of the last minute; as_typed: as it was when the command was typed, for scripts/bench has
    built since."""
    text = (os.environ.get("INTERLEAVE_LOAD") if as_typed else None) or text_of("/proc/loadavg")
    match = re.match(r"\d+(\.\d+)?", text or "")
    return float(match.group()) if match else None


def cpu_ticks():
    """(stolen, all) since the machine started; None where it is not told."""
    ticks = ticks_by_use()
    return (ticks[7], sum(ticks)) if ticks else None


def busy_ticks():
    """What all CPUs together have computed since the machine started; None where not told."""
    ticks = ticks_by_use()
    return sum(ticks) - ticks[3] - ticks[4] if ticks else None


def ticks_by_use():
    """Of all CPUs, as /proc/stat tells them: the fourth and fifth idle, the eighth stolen."""
    match = re.match(r"cpu +(.+)", text_of("/proc/stat") or "")
    ticks = [int(part) for part in match.group(1).split()[:8]] if match else []
    return ticks if len(ticks) == 8 else None


def steal_percent(since=None):
    """The share of CPU time that the host gave to others, since those ticks or the start."""
    now, before = cpu_ticks(), since or (0, 0)
    if now is None:
        return None
    return round(100 * (now[0] - before[0]) / max(1, now[1] - before[1]), 3)


def cgroup_file(controller, name, old_name=None):
    """A file of the process's own control group, wherever the two versions of those keep it."""
    told = text_of("/proc/self/cgroup") or ""
    new = re.search(r"^0::(.*)$", told, re.M)
    old = re.search(rf"^\d+:(?:[\w,]*,)?{controller}(?:,[\w,]*)?:(.*)$", told, re.M)
    for place in ([f"/sys/fs/cgroup{new.group(1)}"] if new else []) + ["/sys/fs/cgroup"]:
        if (text := text_of(f"{place}/{name}")) is not None:
            return text
    below = f"/sys/fs/cgroup/{controller}"
    for place in ([f"{below}{old.group(1)}"] if old else []) + [below]:
        if (text := text_of(f"{place}/{old_name or name}")) is not None:
            return text
    return None


def cgroup_quota():
    """How many CPUs' worth of time the control group grants: "max", or quota and period in µs."""
    value = cgroup_file("cpu", "cpu.max", "cpu.cfs_quota_us")
    if value is None or " " in value:
        return "max" if (value or "").startswith("max") else value
    return "max" if value in ("-1", "max") else \
        f"{value} {cgroup_file('cpu', 'cpu.cfs_period_us') or 100_000}"


def cpu_list(text):
    """{0, 1, 2, 8} of the kernel's "0-2,8"; None of what is no such list."""
    if text is None or not re.fullmatch(r"(\d+(-\d+)?(,\d+(-\d+)?)*)?", text):
        return None
    spans = [part.partition("-") for part in text.split(",") if part]
    return {cpu for first, _, last in spans for cpu in range(int(first), int(last or first) + 1)}


def allowed_cpus():
    match = re.search(r"^Cpus_allowed_list:\s*(\S+)", text_of("/proc/self/status") or "", re.M)
    return cpu_list(match.group(1)) if match else None


def affinity():
    """How many of the CPUs that are switched on this process may use."""
    allowed, there = allowed_cpus(), cpu_list(text_of(f"{CPUS}/online"))
    if not allowed or not there:
        return None
    return f"{len(allowed & there)} of {len(there)} CPUs"


def isolated_cpus():
    """Those kept from the scheduler; None where that is not told."""
    return cpu_list(text_of(f"{CPUS}/isolated"))


def clocksource():
    return text_of("/sys/devices/system/clocksource/clocksource0/current_clocksource") or None


def timer_slack_ns():
    """How much later than asked the kernel may end a wait of this process."""
    return number_of("/proc/self/timerslack_ns")


def timer_resolution_ns():
    try:
        return round(time.clock_getres(time.CLOCK_MONOTONIC) * 1e9)
    except (AttributeError, OSError):
        return None


def transparent_huge_pages():
    match = re.search(r"\[(\w+)\]", text_of("/sys/kernel/mm/transparent_hugepage/enabled") or "")
    return match.group(1) if match else None


def process_limit(name):
    """The soft limit of /proc/self/limits; "unlimited", a number, or None."""
    match = re.search(rf"^{name} +(\d+|unlimited) ", text_of("/proc/self/limits") or "", re.M)
    if not match:
        return None
    return "unlimited" if match.group(1) == "unlimited" else int(match.group(1))


def processes_limit():
    """Of the user or of the control group: whichever is less."""
    own, group = process_limit("Max processes"), cgroup_file("pids", "pids.max")
    if own is None or group is None or not group.isdigit():
        return own
    return int(group) if own == "unlimited" else min(own, int(group))


def memory_available():
    """Bytes that a process may still use, of the machine or of the control group."""
    free = meminfo("MemAvailable")
    most = cgroup_file("memory", "memory.max", "memory.limit_in_bytes")
    used = cgroup_file("memory", "memory.current", "memory.usage_in_bytes")
    if free is None or not (most or "").isdigit() or not (used or "").isdigit():
        return free
    return max(0, min(free, int(most) - int(used)))


def swap_used():
    total, free = meminfo("SwapTotal"), meminfo("SwapFree")
    return None if total is None or free is None else total - free


def cpu_used():
    """pid -> (name, ticks of CPU time so far), of all processes there are."""
    found = {}
    for folder in path_of("/proc").glob("[0-9]*"):
        text = text_of(f"/proc/{folder.name}/stat")
        match = re.match(r"\d+ \((.*)\) (.*)", text or "", re.S)
        fields = match.group(2).split() if match else []
        if len(fields) > 12:
            found[int(folder.name)] = (match.group(1), int(fields[11]) + int(fields[12]))
    return found


def others_now(wait_s=0.5, sleep=time.sleep):
    """How many CPUs other processes use at this moment, and which of them uses most."""
    before, first, begin = busy_ticks(), cpu_used(), time.monotonic()
    if before is None:
        return None
    sleep(wait_s)
    passed, second = max(time.monotonic() - begin, wait_s), cpu_used()
    ticks = {pid: used - first.get(pid, (name, used))[1] for pid, (name, used) in second.items()}
    cpus = (busy_ticks() - before - ticks.pop(os.getpid(), 0)) / os.sysconf("SC_CLK_TCK") / passed
    most = max(ticks, key=lambda pid: (ticks[pid], -pid), default=None)
    return {"cpus": min(max(0.0, round(cpus, 2)), float(os.cpu_count() or 1)),
            "most_by": second[most][0] if most and ticks[most] else None}
