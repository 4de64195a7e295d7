"""What can the mock LLM carry on one core, and is that what it is held to?"""

import json
import os
import resource
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from .endpoint import PATH, MockLlm
from .process import die_with
from .streams import Streams
from .trouble import Trouble
from .units import duration, three_digits

CALLS_A_SECOND = 60_000
STREAMS, TOKENS, GAP_NS = 1000, 200, 25_000_000
LATENESS_NS, CPU_SHARE = 2_000_000, 0.5
WRK_SECONDS, WRK_CONNECTIONS = 5, 32
# Streams do not begin in the same moment: their beginnings cover many gaps evenly.
SPREAD_S = 1.0
CALLS = Path(__file__).with_name("calls.lua")


@dataclass(frozen=True)
class Figure:
    name: str
    value: float | None  # None: not measured
    target: float
    at_least: bool
    shown: callable

    def ratio(self):
        return None if self.value is None else self.value / self.target

    def kept(self):
        if self.value is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target


def share_of_cpus():
    """(where the endpoint runs, where its clients run): one CPU for it alone if there are two."""
    cpus = sorted(os.sched_getaffinity(0))
    return ({cpus[-1]}, set(cpus[:-1])) if len(cpus) > 1 else (set(cpus), set(cpus))


def calls_with_wrk(endpoint, seconds, cpus=None, expected=None):
    """What calls.lua tells at its end. expected: a text that each answer must have in it."""
    command = ["wrk", "-t1", f"-c{WRK_CONNECTIONS}", f"-d{seconds}s", "-s", str(CALLS),
               endpoint.url(PATH), *(["--", expected] if expected else [])]
    caller = os.getpid()

    def in_the_child():
        die_with(caller)
        if cpus:
            os.sched_setaffinity(0, cpus)

    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          preexec_fn=in_the_child)
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines or not lines[-1].startswith("{"):
        raise Trouble(f"wrk failed: {done.stderr.strip() or done.stdout.strip()}")
    return json.loads(lines[-1])


def calls_a_second(program, server_cpus, client_cpus):
    """None without wrk."""
    if not shutil.which("wrk"):
        return None
    with MockLlm(program, cpus=server_cpus) as endpoint:
        told = calls_with_wrk(endpoint, WRK_SECONDS, client_cpus)
    errors = {name: told[name] for name in ("connect", "read", "write", "status", "timeout")}
    if any(errors.values()):
        raise Trouble(f"of {told['calls']} calls by wrk some failed: {errors}")
    return told["calls"] / told["duration_us"] * 1e6


def use_all_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < STREAMS + 100:
        raise Trouble(f"{STREAMS} streams need as many descriptors, and the limit here is {hard}: "
                      "raise it (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(STREAMS + 100, hard)), hard))


def streamed(program, server_cpus, client_cpus):
    """(p99 of how late the tokens left, the share of a CPU while all streams ran)"""
    use_all_descriptors()
    kept, marks = os.sched_getaffinity(0), []
    with MockLlm(program, cpus=server_cpus) as endpoint:
        def mark():
            marks.append((time.monotonic_ns(), endpoint.cpu_ns()))

        streams = Streams(endpoint.port, STREAMS, TOKENS, GAP_NS, GAP_NS, SPREAD_S)
        os.sched_setaffinity(0, client_cpus)
        try:
            streams.read(mark, mark)
        finally:
            os.sched_setaffinity(0, kept)
        faults, lateness = streams.faults(), endpoint.stats()["lateness"]
    if faults:
        raise Trouble(f"{len(faults)} of {STREAMS} streams went wrong: {faults[0]}")
    (begin, cpu_before), (end, cpu_after) = marks
    return lateness["p99_ns"], (cpu_after - cpu_before) / (end - begin)


def measure(program):
    server_cpus, client_cpus = share_of_cpus()
    calls = calls_a_second(program, server_cpus, client_cpus)
    lateness, share = streamed(program, server_cpus, client_cpus)
    return [
        Figure("calls a second", calls, CALLS_A_SECOND, True, lambda v: f"{v:,.0f}"),
        Figure("how late tokens leave, p99", lateness, LATENESS_NS, False, duration),
        Figure("cores for the streams", share, CPU_SHARE, False, three_digits)]


def table_of(figures):
    table = Table(box=None, pad_edge=False)
    table.add_column("figure")
    for name in ("measured", "held to", "ratio", "kept"):
        table.add_column(name, justify="right")
    for figure in figures:
        bound = f"{'at least' if figure.at_least else 'at most'} {figure.shown(figure.target)}"
        if figure.value is None:
            table.add_row(figure.name, "-", bound, "-", "-")
        else:
            table.add_row(figure.name, figure.shown(figure.value), bound,
                          three_digits(figure.ratio()), "yes" if figure.kept() else "no")
    return table


def tell_figures(session):
    """Prints figures and ratios; is no test: a machine may be too slow for what it is held to."""
    program = session.executables.path("mock_llm")
    session.say("The mock LLM on one core, for about 15 s:")
    session.say(f"{WRK_SECONDS} s of wrk, which calls without think time over {WRK_CONNECTIONS} "
                "connections, then")
    session.say(f"{STREAMS:,} streams of {TOKENS} tokens, one each {duration(GAP_NS)}.")
    figures = measure(program)
    session.say()
    session.console.print(table_of(figures))
    server_cpus, client_cpus = share_of_cpus()
    if server_cpus & client_cpus:
        session.say("There is one CPU here, and the clients shared it.")
    if any(figure.value is None for figure in figures):
        session.say("wrk is not installed, so calls a second are not measured.")
    return 0
