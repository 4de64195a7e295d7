"""Which cells are measured: sizes chosen for what they teach, in the order of their importance."""

from dataclasses import dataclass, replace

PROFILE_ORDER = ("smoke", "quick", "standard", "publication")
# What a profile measures it measures, and all before it; "named": also where its scenario is asked
# for by name, without what only larger profiles have time for.
LEVELS = ("smoke", "quick", "named", "standard", "publication")
# Parameters that a cell has only where they are asked for.
OPTIONAL = ("grain_us", "heartbeat_us", "tokens", "on_error", "stop_after_us")
# Agents times CPU share, beyond which a cell of the map takes long and only computes.
MOST_COMPUTING = 200


@dataclass(frozen=True)
class Cell:
    """One workload on one number of workers. What one agent is depends on the scenario."""

    scenario: str
    agents: int
    workers: int
    cpu_share: float
    time_scale: float = 0.01
    seed: int = 1
    grain_us: int | None = None      # how much each turn computes, where the scenario asks for it
    heartbeat_us: int | None = None  # the run carries heartbeats, one each so many us
    io: str = "timer"                # what waits is a timer, or with "tcp" a call
    tokens: int | None = None        # that an answer streams, where the scenario's answers do
    on_error: str | None = None      # what happens when a turn fails; None: the others go on
    stop_after_us: int | None = None  # the run is asked to stop so long after its start

    def params(self):
        params = {"agents": self.agents, "workers": self.workers, "cpu_share": self.cpu_share,
                  "time_scale": self.time_scale, "seed": self.seed, "io": self.io}
        optional = {name: getattr(self, name) for name in OPTIONAL}
        return params | {name: value for name, value in optional.items() if value is not None}

    def id(self):
        parts = (f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
                 for name, value in self.params().items())
        return "/".join([self.scenario, *parts])

    def flags(self):
        return flags_of(self.scenario, self.params())

    def ordinary(self):
        """The same without instruments, and with the outside world as it usually is."""
        return replace(self, heartbeat_us=None, io="timer", tokens=None, on_error=None,
                       stop_after_us=None)

    def short(self):
        workers = "1 worker" if self.workers == 1 else f"{self.workers} workers"
        share = f", CPU share {self.cpu_share:g}" if self.cpu_share else ""
        grain = f", grain {self.grain_us} us" if self.grain_us else ""
        heart = ", with heartbeats" if self.heartbeat_us else ""
        return (f"{self.scenario}, {self.agents:,} agents, {workers}{share}{grain}{heart}"
                f"{self.outside_words()}")

    def outside_words(self):
        """What its outside world is beside the usual: no sockets, no policy, no stop."""
        words = [f"{self.tokens:,} tokens an answer"] if self.tokens else []
        words += ["over TCP"] if self.io == "tcp" else []
        words += [self.on_error] if self.on_error else []
        words += [f"stopped after {self.stop_after_us / 1000:g} ms"] \
            if self.stop_after_us is not None else []
        return "".join(f", {word}" for word in words)


def flags_of(scenario, params):
    """How a program is asked for this cell."""
    flags = ["--scenario", scenario]
    for name in ("agents", "workers", "cpu_share", "time_scale", "seed", *OPTIONAL):
        value = params.get(name)
        if value is not None:
            flags += ["--" + name.replace("_", "-"),
                      value if isinstance(value, str) else f"{value:.12g}"]
    return flags + (["--io", params["io"]] if params.get("io", "timer") != "timer" else [])


def worker_counts(cores):
    """Powers of two up to all cores, and all cores."""
    counts = {cores}
    count = 1
    while count < cores:
        counts.add(count)
        count *= 2
    return sorted(counts)


def catalogue(cores):
    """(the first of LEVELS at which it is measured, cell), the most important first."""
    def all_cores(profile, scenario, share, *sizes):
        return [(profile, Cell(scenario, size, cores, share)) for size in sizes]

    def over_workers(profile, scenario, share, size):
        return [(profile, Cell(scenario, size, count, share)) for count in worker_counts(cores)]

    rows = [
        # A size at which sequential would take long is chosen so large that no profile runs it: its
        # bound says enough, and the time is better spent on blocks.
        # The ends first: nearly all waiting under load, all computing, waiting and nothing else.
        *all_cores("smoke", "fanout", 0.01, 1000),
        *all_cores("smoke", "compute", 0, 32),
        *all_cores("smoke", "parked", 0, 1000),
        ("smoke", Cell("pizza", 3, 1, 0)),
        *all_cores("smoke", "fanout", 0.01, 16),
        *all_cores("smoke", "layers", 0.05, 8),
        # Does calling work here? So short that there is room for it.
        ("smoke", Cell("fanout", 16, cores, 0.01, 0.001, io="tcp")),
        # Curves over agents and over workers.
        *over_workers("quick", "compute", 0, 32),
        *all_cores("quick", "fanout", 0.01, 300),
        *all_cores("quick", "parked", 0, 2000),
        *all_cores("quick", "layers", 0.05, 80),
        # How late everything else is while some turns compute for long; and the same without the
        # instrument, for what that costs. Then messages.
        *[("quick", cell) for cell in heard_and_unheard("cpu-heavy", 120, cores)],
        *all_cores("quick", "cascade", 0, 24),
        # The realistic mix under load, and what starting a turn costs.
        *all_cores("standard", "react", 0.05, 128),
        ("standard", Cell("empty", 10_000, 1, 0)),
        # What a waiting agent costs, where it shows most.
        *all_cores("publication", "parked", 0, 1_000_000, 100_000),
        # The outside world: sockets beside timers, trouble, an end before the end.
        *[("standard", cell) for cell in over_tcp(cores)],
        *[("named", cell) for cell in call_cells(cores)],
        *[("named", cell) for cell in trouble_cells(cores)],
        *map_cells(cores),
        *[("standard", cell) for cell in grain_cells(cores)],
        # Sessions that arrive, so many a second for each CPU: from few enough for one after another
        # to as many as a CPU can serve.
        *all_cores("standard", "open-loop", 0.05,
                   *(cores * each for each in (8, 90, 130, 165))),
        *[("standard", cell) for cell in heard_and_unheard("blocking-tool", 130, cores)],
        # So few agents that one after another is done in time, too.
        ("standard", heard_and_unheard("cpu-heavy", 8, cores)[0]),
        *all_cores("standard", "as-completed", 0.01, 32),
        ("standard", Cell("cascade", 24, 1, 0)),
        *all_cores("standard", "tree", 0.05, 4),
        *all_cores("standard", "parked", 0, 10_000, 100),
        # Computing half as long as waiting, and other shapes.
        *over_workers("publication", "layers", 0.5, 8),
        *all_cores("publication", "open-loop", 0.05, cores * 30),
        *all_cores("publication", "debate", 0.05, 80),
        *all_cores("publication", "chat", 0.05, 96),
        *[("publication", cell) for cell in more_of_the_same(cores)],
    ]
    seen = {}
    for profile, cell in rows:
        seen.setdefault(cell, profile)
    return [(profile, cell) for cell, profile in seen.items()]


def heard_and_unheard(scenario, agents, cores):
    """A cell with heartbeats, and its twin without. At a scale at which what holds a thread, which
    is not scaled, is as long as many waits."""
    plain = Cell(scenario, agents, cores, 0.01, 0.001)
    return [replace(plain, heartbeat_us=1000), plain]


def over_tcp(cores):
    """Twins of cells above whose waits are calls to the mock LLM."""
    return [Cell(scenario, agents, cores, share, io="tcp") for scenario, agents, share in
            (("fanout", 1000, 0.01), ("layers", 80, 0.05))]


def trouble_cells(cores):
    """The same sessions without faults, with some and with many; how they are stopped; and calls of
    which only so many are allowed. At a scale at which many retries fit into half a second, and
    CPUs are so little used that no model is so late that calls time out which were not to."""
    calm, faulty, storm = (Cell(name, 160, cores, 0.01, 0.0018)
                           for name in ("react", "faulty", "storm"))
    first = Cell("first-k", 32, cores, 0.05, 0.001)
    half_way = replace(calm, stop_after_us=200_000)
    return [calm, storm, replace(calm, io="tcp"), replace(storm, io="tcp"),
            half_way, replace(half_way, io="tcp"), first, replace(first, io="tcp"),
            faulty, replace(storm, on_error="fail-fast"),
            Cell("rate-limit", 256, cores, 0)]


def call_cells(cores):
    """What a call costs that is answered at once, on a connection kept or on one of its own; and
    what an event of a stream costs, from few and from many. Tokens come a millisecond apart on each
    of so many streams that a model can keep up with them."""
    calls = [Cell(name, 32, cores, 0, io="tcp") for name in ("calls", "connect")]
    return calls + [Cell("stream", 24, cores, 0, 0.04, io="tcp", tokens=tokens)
                    for tokens in (200, 1)]


def map_cells(cores):
    """CPU share by agents: where the winner changes. The corners first, then what lies between; and
    only for publication a row between two others, and the two squares that take longest."""
    shares, sizes = (0.001, 0.1, 0.5, 0.01, 0.05), (1, 1000, 16, 300)
    waiting = [Cell("fanout", size, cores, share) for size in sizes for share in shares
               if size * share <= MOST_COMPUTING]
    computing = [Cell("compute", size, cores, 0) for size in sizes if size < 1000]
    long = [Cell("fanout", 300, cores, 0.5), Cell("compute", 300, cores, 0)]
    return [("publication" if cell in long or cell.cpu_share == 0.05 else "standard", cell)
            for cell in waiting + computing]


def grain_cells(cores):
    """From turns that are nearly nothing to turns of 10 ms; with waits there are enough agents for
    all CPUs to be busy, if the model can."""
    plain = [Cell("grain", 64, cores, 0, grain_us=grain)
             for grain in (1, 10, 100, 1000, 2, 3, 5, 20, 50, 10_000)]
    agents = {1: 1000, 3: 1000, 100: 200, 1000: 50, 30: 1000, 10_000: 10}
    return plain + [Cell("grain-waits", count, cores, 0, grain_us=grain)
                    for grain, count in agents.items()]


def more_of_the_same(cores):
    """Cells for a profile whose time is plenty: blocks of the others come first."""
    sizes = [("fanout", 4000, 0.01), ("react", 32, 0.05), ("layers", 320, 0.05), ("parked", 10, 0)]
    return [*(Cell(scenario, agents, cores, share) for scenario, agents, share in sizes),
            Cell("pizza-chain", 3, 1, 0)]


def most_blocks(cell):
    """How often a cell is measured at most; None: as often as the profile has blocks."""
    # It takes long, and what it is there for, memory, hardly varies: enough for an interval.
    return 6 if cell.scenario == "parked" and cell.agents >= 100_000 else None


# One small cell with waits and computing, barriers and stragglers: it makes a readable timeline.
def traced_cells(cores):
    return [Cell("layers", 8, cores, 0.05)]


def chosen_cells(cores, profile, scenarios=None):
    """The profile's cells; of a scenario asked for by name also those of the first level that has
    any."""
    rows = [(LEVELS.index(since), cell) for since, cell in catalogue(cores)]
    level = dict.fromkeys({cell.scenario for _, cell in rows}, LEVELS.index(profile))
    for name in scenarios or ():
        level[name] = max(level[name], min(since for since, cell in rows if cell.scenario == name))
    return [cell for since, cell in rows if since <= level[cell.scenario]
            and (scenarios is None or cell.scenario in scenarios)]
