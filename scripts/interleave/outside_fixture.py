"""Made-up runs over TCP, with faults and with stops, for the tests: shaped like real ones.

`python3 -m interleave.outside_fixture DIR` draws every figure of them, to look at.
"""

import sys
from pathlib import Path

from .chart_data import ChartData
from .races_fixture import JITTER, MS, race, result_of
from .summary import summarise

US = 1000
# What sockets cost each: CPU time of a call, of an event, and until a stop is acknowledged.
CALL_US = {"rook": 21, "owl": 34, "owl_best": 31, "wren": 24, "wren_plain": 22, "crow": 27,
           "loon": 180}
EVENT_US = {"rook": 5, "owl": 9.5, "owl_best": 9.1, "wren": 3.4, "wren_plain": 3.1, "crow": 4.2,
            "loon": 38}
STOP_US = {"rook": 90, "owl": 2100, "owl_best": 1400, "wren": 240, "wren_plain": 210, "crow": 610,
           "loon": 9800}
DELAY_US = {"rook": 900, "owl": 120, "owl_best": 90, "wren": 60, "wren_plain": 75, "crow": 80,
            "loon": 350}
USUAL = ("owl", "wren", "wren_plain", "crow", "loon")
CALLS, EVENTS = 4000, 19_200


def cell(scenario, agents, share, make, *, models=USUAL, times=None, **params):
    """A race and, for each of its samples, more fields: make(model, jitter) gives them."""
    return race(scenario, agents, share, times or {m: 400 for m in models}, **params), make


def call_costs(model, jitter, calls=CALLS, each=1.0, work_us=200_000):
    """The CPU time of a run that makes so many calls, beside its work."""
    return {"calls": calls, "attempts": calls, "cpu_sys_ns": 0, "waits": 0,
            "cpu_user_ns": int((work_us + calls * CALL_US[model] * each) * jitter * US)}


def endpoint(own_cpu=False, requests=CALLS):
    return {"endpoint": {"cpu_ns": 120 * MS, "peak_resident_bytes": 9_400_000,
                         "requests": requests, "connections": 256, "own_cpu": own_cpu,
                         "lateness_p99_ns": 640_000}}


def twin_cells(scenario="react", agents=256, slower=1.08, **more):
    """The same by timers and over TCP."""
    def by_timers(model, jitter):
        return call_costs(model, jitter, each=0) | {"attempts": 0, "calls": 0}

    def over_tcp(model, jitter):
        return call_costs(model, jitter) | endpoint()

    times = {"owl": 440, "wren": 400, "wren_plain": 405, "crow": 402, "loon": 430}
    longer = {m: t * (slower if m != "loon" else 1.6) for m, t in times.items()}
    return [cell(scenario, agents, 0.02, by_timers, times=times, **more),
            cell(scenario, agents, 0.02, over_tcp, times=longer, io="tcp", **more)]


def stream_cells(counts=(1, 200)):
    def run(tokens):
        def make(model, jitter):
            events = 96 * tokens
            cpu = (96 * CALL_US[model] + events * EVENT_US[model]) * jitter * US
            return {"calls": 96, "attempts": 96, "events": events, "cpu_user_ns": int(cpu),
                    "cpu_sys_ns": 0} | endpoint()
        return make

    return [cell("stream", 24, 0, run(tokens), io="tcp", tokens=tokens, models=("rook", *USUAL))
            for tokens in counts]


def call_cells():
    def run(each):
        return lambda model, jitter: call_costs(model, jitter, 3200, each, 5000) | endpoint()
    return [cell(name, 32, 0, run(each), io="tcp", models=("rook", *USUAL))
            for name, each in (("calls", 1), ("connect", 2.3))]


def stop_cells(started_after=0, threads_left=0):
    def stopped(why, factor, **more):
        def make(model, jitter):
            return {"stop": {"asked_ns": 150 * MS, "why": why, "started_after": started_after,
                             "acknowledged_ns": int(STOP_US[model] * factor * jitter * US),
                             "finished": 900, "cpu_after_ns": int(STOP_US[model] * 700 * jitter),
                             "threads_left": threads_left, "descriptors_left": 0,
                             "heap_left_bytes": 512}, "digest": None} | more
        return make

    return [cell("first-k", 32, 0.05, stopped("enough", 0.5), models=("rook", *USUAL)),
            cell("first-k", 32, 0.05, stopped("enough", 0.8, **endpoint()), io="tcp",
                 models=("rook", *USUAL)),
            cell("react", 256, 0.02, stopped("outside", 1), stop_after_us=150_000),
            cell("react", 256, 0.02, stopped("outside", 1.5, **endpoint()), io="tcp",
                 stop_after_us=150_000),
            cell("storm", 256, 0.02, stopped("failure", 0.9), on_error="fail-fast")]


def fault_cells(io="timer"):
    def calm(trouble, touched, failed):
        def make(model, jitter):
            delay = DELAY_US[model] * (1 + trouble) * jitter * US
            retries = round(CALLS * trouble / 10)
            return {"calls": CALLS, "attempts": CALLS + retries, "retries": retries,
                    "turns": CALLS + 200, "failed": failed, "skipped": failed * 7,
                    "unexpected": 0, "healthy": {
                        "n": round((CALLS + 200) * (1 - touched)), "p50": int(delay * 0.4),
                        "p90": int(delay * 2), "p99": int(delay * 9), "max": int(delay * 40)}
                    } | (endpoint() if io == "tcp" else {})
        return make

    return [cell(name, 256, 0.02, calm(trouble, touched, failed), io=io,
                 **({"on_error": "isolate"} if trouble else {}))
            for name, trouble, touched, failed in (
                ("react", 0, 0, 0), ("faulty", 0.3, 0.03, 11), ("storm", 0.7, 0.09, 40))]


def limit_cells():
    return [cell("rate-limit", 256, 0, lambda model, jitter: {
        "calls": 1024, "fairness": 0.98 if model != "wren" else 0.71})]


class _More:
    """(number of the cell, model, block) -> the fields of that sample."""

    def __init__(self, makers):
        self.makers = makers

    def get(self, key):
        number, model, block = key
        return self.makers[number](model, JITTER[(block + number) % len(JITTER)])


def outside_result(*groups):
    cells = [one for group in groups for one in group]
    return result_of([race for race, _ in cells], None, _More([make for _, make in cells]))


def outside_data(*groups):
    result = outside_result(*groups)
    return ChartData(result, summarise(result))


def everything():
    groups = (fault_cells(), fault_cells("tcp"), twin_cells("fanout", 1000, 1.02), stream_cells(),
              call_cells(), stop_cells(), limit_cells())
    return outside_result(*groups)


if __name__ == "__main__":
    from .charts import draw_all
    made = everything()
    drawn, left_out = draw_all(made, summarise(made), Path(sys.argv[1]),
                               {"sockets", "events", "stops", "healthy-turns"})
    print(*(d["name"] for d in drawn), *left_out, sep="\n")
