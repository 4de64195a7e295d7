"""What else went on while a process ran? Counters of the whole machine, read before and after.

Each is a file that the kernel keeps; one that is missing is unknown: null, never 0.
"""

import os
import re

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def counters():
    """name -> nanoseconds since the machine started, or None. Reading takes some 0.1 ms."""
    return {"run_delay_ns": run_delay_ns(text_of("/proc/schedstat")),
            "steal_ns": steal_ns(text_of("/proc/stat")),
            **{f"pressure_{kind}_ns": pressure_ns(text_of(f"/proc/pressure/{kind}"))
               for kind in ("cpu", "io", "memory")}}


def between(before, after):
    """What was added from one reading to the next; None where either does not know."""
    return {name: max(0, after[name] - before[name])
            if before[name] is not None and after[name] is not None else None
            for name in after}


def text_of(path):
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:  # no such file, or no pressure information in this kernel
        return ""


def run_delay_ns(text):
    """Time that threads were ready to run and waited for a CPU, over all CPUs: the eighth number of
    each (Documentation/scheduler/sched-stats.rst)."""
    delays = [line.split()[8:9] for line in text.splitlines() if re.match(r"cpu\d+ ", line)]
    if not delays or not all(delays):
        return None
    return sum(int(delay) for delay, in delays)


def steal_ns(text):
    """CPU time that the host gave to others, over all CPUs."""
    words = text.partition("\n")[0].split()
    return int(words[8]) * TICK_NS if words[:1] == ["cpu"] and len(words) > 8 else None


def pressure_ns(text):
    """Time in which at least one thread waited for this (Documentation/accounting/psi.rst)."""
    match = re.match(r"some .*\btotal=(\d+)", text)
    return int(match.group(1)) * 1000 if match else None
