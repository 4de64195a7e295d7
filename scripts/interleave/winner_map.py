"""Where does the winner change? Of each cell the models that no other beats; of some cells a map.

The map has one row for each CPU share of `fanout`, `compute` as its last row, and one column for
each number of agents. No cell and no model is named here: what is drawn follows from what was
measured, and from what each model says of itself.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from math import inf

from . import stats, style
from .comparisons import margin_of, races
from .estimates import rounded_ratio, six_digits
from .verdicts import winning_tier

# From few facts that a reader must know to many. Structures not named here come after these.
PLAIN = ("sequential", "thread_per_turn")
STRUCTURES = {
    "sequential": "plain sequential code",
    "thread_per_turn": "a thread for each turn",
    "one_loop": "one event loop on one thread",
    "blocking_workers": "a pool of threads, each held while it waits",
    "workers": "an event loop or tasks on all CPUs",
}


def winning_tiers(result, cells):
    """A section of the summary: each cell in which models can be compared, with its tier."""
    samples = defaultdict(list)
    for sample in result.measured():
        samples[sample["cell_id"]].append(sample)
    alike = margin_of(result, cells)
    rows = (_row(cell, times, samples[cell["cell_id"]], alike)
            for cell, times in races(result, cells))
    return [row for row in rows if row]


def _row(cell, times, measured, alike):
    bounds = {r["model"]: r["lb_model_ns"] for r in cell["models"]
              if r["skipped_by_bound"] and r["lb_model_ns"]}
    tier = winning_tier(times, bounds, alike)
    if tier is None:
        return None
    known = [tier.best, *tier.tied, *tier.unresolved, *tier.slower]
    if len(known) < 2:
        return None  # all others failed: that is no race
    return {"cell_id": cell["cell_id"], "n": tier.n, "hint": tier.hint,
            "margin": six_digits(alike), "best": tier.best, "tied": tier.tied,
            "unresolved": tier.unresolved, "slower": tier.slower,
            "no_result": sorted(r["model"] for r in cell["models"] if r["model"] not in known),
            "ratios": {m: as_row(r) for m, r in tier.ratios.items()},
            "at_least": {m: six_digits(x) for m, x in tier.at_least.items()},
            **{key: _middle(measured, key) for key in ("turns", "t1_ns")},
            "waits": _middle([s | {"waits": _waits(s)} for s in measured], "waits")}


def _waits(sample):
    """Calls wait as well; None where it is not known whether anything does."""
    known = [sample[key] for key in ("waits", "calls") if sample.get(key) is not None]
    return sum(known) if known else None


def as_row(ratio):
    return {"n": ratio.n, **rounded_ratio(ratio)}


def _middle(samples, key):
    values = [s[key] for s in samples if s.get(key) is not None]
    return round(stats.median(values)) if values else None


def winners(tier):
    return [tier["best"], *tier["tied"]]


def state(tier):
    """alone: one model beats all others. tie: several are proved alike, and no other is faster.
    open: not even that is resolved."""
    return "tie" if tier["tied"] else "open" if tier["unresolved"] else "alone"


def plainest_first(summary):
    """All models, those first that take the fewest facts to understand: by structure, by rung, then
    by how often they are in the winning tier (the fewer names a reader has to learn, the better),
    then by how far they are behind."""
    about = {m["model"]: m for m in summary["models"]}
    won, behind = Counter(), defaultdict(list)
    for tier in summary.get("winning_tiers") or []:
        won.update(winners(tier))
        for model in winners(tier):
            behind[model].append(tier["ratios"].get(model, {"median": 1})["median"])
    rungs = list(style.RUNGS)

    def facts(model):
        structure, rung = about[model].get("structure"), about[model].get("rung")
        return (rung == "reference",
                PLAIN.index(structure) if structure in PLAIN else len(PLAIN),
                rungs.index(rung) if rung in rungs else len(rungs), -won[model],
                stats.median(behind[model]) if behind[model] else inf, model)

    return sorted(about, key=facts)


def plainest(models, order):
    return min(models, key=order.index)


def standing(tier, members):
    """Of models that have something in common: whether one of them is in the winning tier (in),
    whether all were beaten (out), or neither (open). None: none of them was there."""
    if set(members) & set(winners(tier)):
        return "in"
    if set(members) & set(tier["unresolved"]):
        return "open"
    return "out" if set(members) & set(tier["slower"]) else None


def least_loss(tier, members):
    """(model, times as long as the best, whether that is only the least it can be) of the one of
    these models that was beaten by the least. None: none of them was beaten."""
    losses = [(tier["ratios"][m]["median"], m, False) for m in members
              if m in tier["slower"] and m in tier["ratios"]]
    losses += [(tier["at_least"][m], m, True) for m in members if m in tier["at_least"]]
    if not losses:
        return None
    ratio, model, at_least = min(losses)
    return model, ratio, at_least


def times(ratio):
    """A loss near 1 needs its second decimal, a large one none."""
    return f"{ratio:.2f}×" if ratio < 1.995 else f"{ratio:.1f}×" if ratio < 9.95 \
        else f"{ratio:,.0f}×"


@dataclass(frozen=True)
class Map:
    shares: list    # of each row, from little computing to `inf`: computing only
    agents: list    # of each column
    squares: dict   # (share, agents) -> (cell, its tier)


def winner_map(summary):
    """The squares of rows and columns with at least two of them; None where that is no map."""
    tiers = {t["cell_id"]: t for t in summary.get("winning_tiers") or []}
    squares = {}
    for cell in _cells(summary):
        share = inf if cell["scenario"] == "compute" else cell["params"].get("cpu_share") or 0
        key = share, cell["params"]["agents"]
        if cell["cell_id"] in tiers and key not in squares:
            squares[key] = (cell, tiers[cell["cell_id"]])
    # A size measured at one share only shows no change along it.
    while True:
        rows, columns = (Counter(key[i] for key in squares) for i in (0, 1))
        kept = {k: v for k, v in squares.items() if rows[k[0]] > 1 and columns[k[1]] > 1}
        if len(kept) == len(squares):
            break
        squares = kept
    if not squares:
        return None
    return Map(*(sorted({key[i] for key in squares}) for i in (0, 1)), squares)


def _cells(summary):
    """What the map may show, all at one number of workers and one time scale, the least seed of
    each first."""
    cells = [c for c in summary["cells"] if c["scenario"] in ("fanout", "compute")
             and c["params"].get("workers") == summary["default_workers"]
             and c["params"].get("agents")]
    scales = Counter(c["params"].get("time_scale") for c in cells)
    scale = max(scales, key=lambda s: (scales[s], s or 0), default=None)
    return sorted((c for c in cells if c["params"].get("time_scale") == scale),
                  key=lambda c: (c["params"].get("seed") or 0, c["cell_id"]))
