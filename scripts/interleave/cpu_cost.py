"""What CPU time does a model take? Of 1,000 turns, in user and in system mode, and its switches.

The kernel samples whether a process runs in user or system mode, a few hundred times a second: the
sum is exact, the split an estimate. Of a run too short to be sampled often it is not told.
"""

from collections import defaultdict

from . import stats, units
from .chart_data import row_of
from .estimates import estimated, six_digits
from .tables import cell_names, rung_of
from .time_spent import agent_like

ENOUGH = 0.75  # a cell is shown in which this share of the models was measured
LEAST_CPU_NS = 1e6  # of a run of its middle model: less shows what starting costs, and the clock
SAMPLED_NS = 20e6  # of a run: less is five ticks of the kernel's clock, and has no split
MOSTLY_WAITING = 0.1  # of all that the work asks for at most this is computing


def cpu_ns(sample):
    """CPU time of the process, less what the harness's own watching thread took of it."""
    return max(0, sample["cpu_user_ns"] + sample["cpu_sys_ns"]
               - (sample.get("harness_cpu_ns") or 0))


def cpu_cost(result, cells):
    measured = defaultdict(list)
    for sample in result.measured():
        if sample.get("turns") and sample.get("cpu_user_ns") is not None \
                and sample.get("cpu_sys_ns") is not None:
            measured[sample["cell_id"], sample["model"]].append(sample)
    section = []
    for cell in cells:
        rows = [_row(row["model"], samples) for row in cell["models"]
                if (samples := measured[cell["cell_id"], row["model"]])]
        if rows and not cell["params"].get("heartbeat_us"):
            known = [s for row in rows for s in measured[cell["cell_id"], row["model"]]]
            section.append({"cell_id": cell["cell_id"], "turns": known[0]["turns"],
                            "asked_s_per_1000_turns": _asked(known),
                            "asked_share": _asked_share(known), "models": rows})
    return section


def _row(model, samples):
    def per_1000_turns(counts):
        return estimated([count / s["turns"] * 1000 for s in samples
                          if (count := counts(s)) is not None])

    sampled = stats.median([cpu_ns(s) for s in samples]) >= SAMPLED_NS

    def split(key):
        return per_1000_turns(lambda s: _part(s, key) / 1e9) if sampled else None

    return {
        "model": model,
        "cpu_s_per_1000_turns": per_1000_turns(lambda s: cpu_ns(s) / 1e9),
        "user_s_per_1000_turns": split("cpu_user_ns"),
        "system_s_per_1000_turns": split("cpu_sys_ns"),
        "voluntary_switches_per_1000_turns": per_1000_turns(lambda s: s.get("nvcsw")),
        "involuntary_switches_per_1000_turns": per_1000_turns(lambda s: s.get("nivcsw")),
    }


def _part(sample, key):
    """Its share of the CPU time without the watching thread's, whose own split is not known."""
    total = sample["cpu_user_ns"] + sample["cpu_sys_ns"]
    return cpu_ns(sample) * sample[key] / total if total else 0


def _asked(samples):
    """Seconds of 1,000 turns that compute what the work asks for, at the least cost of a unit seen:
    no model can take less. None where it is not known, 0 where nothing is asked for."""
    known = [asked / s["turns"] / 1e6 for s in samples
             if (asked := computing_asked_ns(s)) is not None]
    return six_digits(min(known)) if known else None


def _asked_share(samples):
    """Of all that the work asks for, waits and computing, the part that is computing."""
    shares = [asked / s["t1_ns"] for s in samples
              if s.get("t1_ns") and (asked := computing_asked_ns(s)) is not None]
    return six_digits(stats.median(shares)) if shares else None


def computing_asked_ns(sample):
    """Units are counted over all kernels. So their cost is known where all are of one kernel; and
    where nothing else takes time, it is the time of everything one after another. Otherwise it is
    what the turns say that they computed, at the usual cost of a unit."""
    if sample.get("units") == 0:
        return 0
    costs = [cost for cost in (sample.get("unit_cost_ns") or {}).values() if cost is not None]
    if sample.get("units") and len(costs) == 1:
        return sample["units"] * costs[0]
    if sample.get("waits") == 0 and not sample.get("blocks") and not sample.get("calls"):
        return sample.get("t1_ns")
    return (sample.get("time_of_turns") or {}).get("computing_ns")


def shown_cells(summary):
    """The cells that teach most, as pairs of the cell and what its turns cost: one whose turns
    mostly wait, and one whose turns do nothing at all. Of several of a kind the one in which most
    models were measured and cost the most different amounts; of agents' work if there is any."""
    cells = {c["cell_id"]: c for c in summary["cells"]}
    found = agent_like([(cells[cost["cell_id"]], cost) for cost in summary.get("cpu_cost") or []
                        if cost["cell_id"] in cells and _is_told(cells[cost["cell_id"]], cost)])
    default = summary["default_workers"]

    def instructive(pair):
        cell, cost = pair
        medians = [row["cpu_s_per_1000_turns"]["median"] for row in cost["models"]]
        return (bool(cost["asked_s_per_1000_turns"]), _cpu_of_a_run(cost) >= SAMPLED_NS,
                cell["params"].get("workers") == default, max(medians) / max(min(medians), 1e-9),
                cell["cell_id"])

    most = max((len(cost["models"]) for _, cost in found), default=0)
    enough = [pair for pair in found if len(pair[1]["models"]) >= ENOUGH * most]
    waiting = [p for p in enough if p[1]["asked_share"] is not None
               and p[1]["asked_share"] <= MOSTLY_WAITING]
    empty = [p for p in enough if p[1]["asked_share"] is None
             and p[1]["asked_s_per_1000_turns"] == 0]
    return [max(kind, key=instructive) for kind in (waiting, empty) if kind]


def _is_told(cell, cost):
    """Whether two models and their switches are known, and runs had enough CPU time to count."""
    medians = [row["cpu_s_per_1000_turns"]["median"] for row in cost["models"]]
    switches = [row["voluntary_switches_per_1000_turns"] for row in cost["models"]]
    return (len(medians) > 1 and all(switches)
            and all(row_of(cell, row["model"]) for row in cost["models"])
            and _cpu_of_a_run(cost) >= LEAST_CPU_NS)


def _cpu_of_a_run(cost):
    """Nanoseconds, of the middle model."""
    return stats.median([row["cpu_s_per_1000_turns"]["median"] for row in cost["models"]]
                        ) * cost["turns"] * 1e6


def cpu_table(summary):
    """For the page of a result: what 1,000 turns cost in the cells shown, in every model."""
    shown = shown_cells(summary)
    if not shown:
        return ""
    names = cell_names(summary)
    parts = ["## What 1,000 turns cost in CPU time\n", _how_to_read()]
    for cell, cost in shown:
        scenario, told = names[cell["cell_id"]]
        asked = cost["asked_s_per_1000_turns"]
        work = (f"; the work itself asks for {units.duration(asked * 1e9)} of computing" if asked
                else "")
        parts.append(f"**{scenario}** {told}{work}\n\n" + "\n".join(_lines(summary, cost)) + "\n")
    return "\n".join(parts)


def _how_to_read():
    return ("Medians with their 95 % interval. Voluntary: the process slept, for want of something "
            "to do or of a lock. Involuntary: another thread was given the CPU. The harness's own "
            "watching thread is not in the CPU time, but in the switches: about 100 voluntary ones "
            "a second. How CPU time splits into user and system mode is the kernel's estimate, and "
            "not told of runs too short for one.\n")


def _lines(summary, cost):
    yield ("| model | family | rung | CPU time | user | system | voluntary switches | involuntary "
           "switches |")
    yield "|---|---|---|---:|---:|---:|---:|---:|"
    rows = {row["model"]: row for row in cost["models"]}
    for said in summary["models"]:
        row = rows.get(said["model"])
        if row:
            times = [_interval(row[f"{what}_s_per_1000_turns"], _seconds)
                     for what in ("cpu", "user", "system")]
            counts = [_interval(row[f"{what}_switches_per_1000_turns"], units.three_digits)
                      for what in ("voluntary", "involuntary")]
            yield (f"| `{said['model']}` | {said.get('family') or '–'} | {rung_of(said)} | "
                   + " | ".join(times + counts) + " |")


def _seconds(value):
    return units.duration(value * 1e9)


def _interval(e, words):
    if e is None:
        return "–"
    interval = "" if e["low"] is None else f" [{words(e['low'])}–{words(e['high'])}]"
    return words(e["median"]) + interval
