"""What does a model take for itself? Worked out from runs on one CPU; all a forecast is made of."""

from dataclasses import asdict, dataclass

from .cells import Cell
from .memory import has_many_threads, own_memory
from .stats import median

# The runs that tell, by what they are for. Of the same kind in two sizes, so that what is set up
# once is in no slope. Where a wait holds up everything else, waits have to be short: the first
# choice that a model's structure allows is taken.
TINY = [Cell("empty", 1, 1, 0)]
TURNS = [Cell("empty", 10_000, 1, 0)]  # with two edges a turn
MESSAGES = [Cell("cascade", 24, 1, 0)]  # with one
FEW = [Cell("parked", 1_000, 1, 0), Cell("parked", 1_000, 1, 0, time_scale=1e-6)]
MANY = [Cell("parked", 5_000, 1, 0), Cell("parked", 5_000, 1, 0, time_scale=1e-6)]
CHAIN = [Cell("chat", 4, 1, 0, time_scale=0.001)]
RUNS = {"tiny": TINY, "turns": TURNS, "messages": MESSAGES, "few": FEW, "many": MANY,
        "chain": CHAIN}


@dataclass(frozen=True)
class Costs:
    """Of one model. Nanoseconds of CPU time, but for late_ns, which takes none."""

    setup_ns: float       # once
    turn_ns: float        # to start and end a turn
    edge_ns: float        # besides, for each turn that it comes after
    begin_wait_ns: float  # to put a turn to sleep
    end_wait_ns: float    # to wake it
    late_ns: float        # so long after a wait is over it is noticed
    bytes_per_agent: float | None  # that waits; None: not known
    base_bytes: float | None       # that the first one takes already

    def memory(self, agents):
        return None if self.bytes_per_agent is None else (
            self.base_bytes + self.bytes_per_agent * agents)

    def for_program(self):
        """As bench/forecast.hpp reads them."""
        return {name: round(value, 1) for name, value in asdict(self).items()
                if name.endswith("_ns")}


def cpu_ns(sample):
    return sample["cpu_user_ns"] + sample["cpu_sys_ns"] - (sample["harness_cpu_ns"] or 0)


def beyond_bound_ns(sample):
    """What the run took longer than its structure must: in these cells, waits and nothing else."""
    return sample["makespan_ns"] - sample["lb_model_ns"]


def slope(small, large):
    """Of two points (turns, value)."""
    return (large[1] - small[1]) / (large[0] - small[0])


def middle(samples, value):
    """(turns, median of a value) of the runs of one cell; None where a run does not know it."""
    values = [value(sample) for sample in samples]
    return samples[0]["turns"], None if None in values else median(values)


def turn_and_edge(tiny, several):
    """Cost of a turn and of an edge, from points (turns, edges, makespan): two unknowns of two
    differences, neither below nothing."""
    (t1, e1, d1), (t2, e2, d2) = ([large - small for small, large in zip(tiny, point)]
                                  for point in several)
    edge = (d1 * t2 - d2 * t1) / (e1 * t2 - e2 * t1)
    turn = (d1 - edge * e1) / t1
    if edge < 0:
        return max(0.0, d1 / t1), 0.0
    return (0.0, max(0.0, d1 / e1)) if turn < 0 else (turn, edge)


def costs_of(runs, edges):
    """runs: name of RUNS -> samples; edges: name -> how many the graph has."""
    makespan = {name: middle(samples, lambda s: s["makespan_ns"])
                for name, samples in runs.items()}
    beyond = {name: middle(samples, beyond_bound_ns) for name, samples in runs.items()}
    tiny, *several = ((makespan[name][0], edges[name], makespan[name][1])
                      for name in ("tiny", "turns", "messages"))
    turn, edge = turn_and_edge(tiny, several)
    setup = max(0.0, tiny[2] - turn * tiny[0] - edge * tiny[1])
    # Until the last one sleeps: all are started before the first one wakes.
    start = slope(beyond["few"], beyond["many"])
    cpu = slope(middle(runs["few"], cpu_ns), middle(runs["many"], cpu_ns))
    waiting = max(0.0, cpu - turn)
    begin = min(max(0.0, start - turn), waiting)
    length, chain = beyond["chain"]
    late = max(0.0, (chain - setup - edge * edges["chain"]) / length - turn - waiting)
    return Costs(setup, turn, edge, begin, waiting - begin, late, *memory_of(runs))


def memory_of(runs):
    """(bytes per agent, bytes at no agent), all samples counted in one way."""
    threads = any(has_many_threads(sample) for sample in runs["many"])
    few, many = (middle(runs[name], lambda sample: own_memory(sample, threads))
                 for name in ("few", "many"))
    if few[1] is None or many[1] is None:
        return None, None
    each = max(0.0, slope(few, many))
    return each, max(0.0, few[1] - each * few[0])
