"""Where did the time go? Per cell and model the makespan of its middle run, cut into categories.

The medians of the categories would not add up to any makespan. So a model is shown by a run that
happened, the one of the median makespan; by the mean of the middle two where their number is even.
What a category takes of it adds up to the median makespan to the nanosecond.
"""

from collections import Counter, defaultdict

from . import stats
from .chart_data import row_of
from .estimates import estimated

ASKED = ("waiting_ns", "blocked_ns", "computing_ns")  # what the work itself asks for
LOST = ("starting_ns", "late_ns", "queued_ns", "held_up_ns", "ending_ns")
CATEGORIES = ASKED + LOST
# What a reader tells apart, in the order of a bar: a wait that ended after it was due; a turn that
# was ready and not run; computing that took longer than usual; before the first turn of the chain
# and after its last.
IS_ASKED = {"waiting": ("waiting_ns",), "blocked by a tool": ("blocked_ns",),
            "computing": ("computing_ns",)}
IS_LOST = {"woke late": ("late_ns",), "queued": ("queued_ns",),
           "slowed by others": ("held_up_ns",), "start and end": ("starting_ns", "ending_ns")}
OF_A_TURN = ("waiting_ns", "blocked_ns", "computing_ns", "late_ns", "queued_ns", "held_up_ns")

ENOUGH = 0.75  # a cell is shown in which this share of the models was measured
WORTH_WORDS = 1.02  # a second cell is, if its models lie this far apart


def time_spent(result, cells):
    measured = defaultdict(list)
    for sample in result.measured():
        if _is_whole(sample):
            measured[sample["cell_id"], sample["model"]].append(sample)
    section = []
    for cell in cells:
        rows = [_row(row["model"], samples) for row in cell["models"]
                if (samples := measured[cell["cell_id"], row["model"]])]
        if rows and not cell["params"].get("heartbeat_us"):
            known = [s for row in rows for s in measured[cell["cell_id"], row["model"]]]
            section.append({"cell_id": cell["cell_id"], "ideal_loss_ns": _ideal_loss(known),
                            "models": rows})
    return section


def _is_whole(sample):
    """Whether it says where its time went, and leaves nothing out."""
    path = sample.get("time_on_path")
    return (path is not None and all(path.get(key) is not None for key in CATEGORIES)
            and sum(path[key] for key in CATEGORIES) == sample["makespan_ns"])


def _row(model, samples):
    middle = middle_runs(samples)
    turns = [s for s in samples if s.get("time_of_turns") and s.get("turns")]
    return {
        "model": model, "runs": [s["exec_id"] for s in middle],
        "makespan_ns": estimated([s["makespan_ns"] for s in samples], whole=True),
        "on_path": whole_parts([stats.median([s["time_on_path"][key] for s in middle])
                                for key in CATEGORIES], CATEGORIES),
        "per_turn": {key: estimated([s["time_of_turns"][key] / s["turns"] for s in turns
                                     if s["time_of_turns"].get(key) is not None])
                     for key in OF_A_TURN},
    }


def middle_runs(samples):
    """The one with the median makespan, or the two whose mean it is."""
    ordered = sorted(samples, key=lambda s: (s["makespan_ns"], s["exec_id"]))
    return ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1]


def whole_parts(values, keys):
    """The values as whole numbers whose sum is that of the values, rounded."""
    parts, total, told = {}, 0, 0
    for key, value in zip(keys, values):
        total += value
        parts[key] = round(total) - told
        told = round(total)
    return parts


def _ideal_loss(samples):
    """What an ideal scheduler loses at least: turns that queue while all CPUs compute. Its slowest
    chain is no longer than the longest path."""
    losses = [s["greedy_ns"] - s["critical_path_ns"] for s in samples
              if s.get("greedy_ns") and s.get("critical_path_ns")]
    return max(0, round(stats.median(losses))) if losses else None


def lost(row):
    return took(row, LOST)


def took(row, keys):
    return sum(row["on_path"][key] for key in keys)


def agent_like(pairs):
    """Of pairs of a cell and what is known of it, those whose turns are an agent's; turns of a
    chosen length, made for another study, only where there are no others."""
    return [pair for pair in pairs if not pair[0]["params"].get("grain_us")] or pairs


def shown_cells(summary):
    """The one or two cells that teach most, as pairs of the cell and what is known of its time.

    Of agents' work if there is any. First, of the cells with waits and computing in which most
    models were measured, the one in which they lie furthest apart; then one of any kind whose
    models lose most in another way.
    """
    cells = {c["cell_id"]: c for c in summary["cells"]}
    found = agent_like([(cells[spent["cell_id"]], spent)
                        for spent in summary.get("time_spent") or []
                        if spent["cell_id"] in cells and len(spent["models"]) > 1])
    if not found:
        return []
    most = max(len(spent["models"]) for _, spent in found)
    default = summary["default_workers"]

    def instructive(pair):
        cell, spent = pair
        return (_is_mixed(spent), len(spent["models"]) >= ENOUGH * most,
                cell["params"].get("workers") == default, _spread(*pair), cell["cell_id"])

    first = max(found, key=instructive)
    others = [pair for pair in found if len(pair[1]["models"]) >= ENOUGH * most
              and _spread(*pair) >= WORTH_WORDS and _main_loss(pair[1]) != _main_loss(first[1])]
    return [first, *sorted(others, key=instructive)[-1:]]


def _is_mixed(spent):
    """Whether its slowest chains wait and compute."""
    return all(any(row["on_path"][key] for row in spent["models"])
               for key in ("waiting_ns", "computing_ns"))


def _spread(cell, spent):
    """The largest overhead of a model over the least. Not of times: what a model's structure forces
    on it is known beforehand."""
    rows = [row_of(cell, row["model"]) for row in spent["models"]]
    overheads = [row["overhead"]["median"] for row in rows if row and row["overhead"]]
    return max(overheads) / min(overheads) if overheads else 1.0


def _main_loss(spent):
    """What costs most models most, beyond what queueing costs an ideal scheduler too."""
    worst = Counter()
    for row in spent["models"]:
        losses = {key: row["on_path"][key] for key in LOST}
        losses["queued_ns"] -= spent["ideal_loss_ns"] or 0
        worst[max(LOST, key=losses.get)] += 1
    return max(LOST, key=lambda key: worst[key])
