"""How well does a process wait? Lateness of wake-ups and idle CPU, at the most agents measured.

Cells that only wait show both best: nothing is computed that could be in the way. A percentile is
that of one run; over the runs its median is taken, as of any other figure.
"""

from collections import defaultdict

from .estimates import estimated


def waiting(result, _cells):
    """A row per scenario whose turns only wait and model, at its largest number of agents with such
    a figure: lateness (ns, of p50 and p99) and the share of one CPU used while all wait."""
    groups = defaultdict(lambda: defaultdict(list))
    for s in result.measured():
        plain = not s["params"].get("heartbeat_us")
        if s["scenario"] == "parked" and plain and s["params"].get("agents"):
            groups[s["params"].get("workers"), s["model"]][s["params"]["agents"]].append(s)
    rows = []
    for (workers, model), by_agents in sorted(groups.items(), key=lambda kv: str(kv[0])):
        for agents in sorted(by_agents, reverse=True):
            row = _row(by_agents[agents])
            if row:
                rows.append({"scenario": "parked", "workers": workers, "model": model,
                             "agents": agents} | row)
                break
    return rows


def _row(samples):
    """None where nothing of it is known: an old result, or one run too short to tell."""
    late = {p: estimated([v for v in (_lateness(s, p) for s in samples) if v is not None],
                         whole=True) for p in ("p50", "p99")}
    idle = estimated([v for v in map(idle_share, samples) if v is not None])
    if not any(late.values()) and not idle:
        return None
    return {"lateness_p50_ns": late["p50"], "lateness_p99_ns": late["p99"], "idle_cpu": idle}


def _lateness(sample, percentile):
    return (sample.get("lateness") or {}).get(percentile)


def idle_share(sample):
    """Of one CPU, while every turn waited; None where that phase was too short to be timed."""
    idle = sample.get("idle_cpu") or {}
    if not idle.get("wall_ns") or idle.get("cpu_ns") is None:
        return None
    return idle["cpu_ns"] / idle["wall_ns"]
