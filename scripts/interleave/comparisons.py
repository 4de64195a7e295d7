"""Which models of a cell differ, by how much, and how sure is that? All pairs, and the tiers.

What the words mean and how each number comes about is in stats.py.
"""

from collections import defaultdict

from . import style
from .estimates import rounded_ratio, six_digits
from .noise import noise
from .stats import ENOUGH_BLOCKS, by_median, cell_comparisons, margin, tiers

# Cells that the page tells of in full; of many models, where each is longer, fewer.
MOST_CELLS, MOST_CELLS_OF_MANY, MANY = 6, 4, 10
# Of these the time is the wait, or the time within which sessions arrive: no race.
NO_RACE = ("parked", "open-loop")


def comparisons(result, cells):
    """A row for each cell in which two models can be compared: its pairs and its tiers."""
    alike = margin_of(result, cells)
    rows = []
    for cell, times in races(result, cells):
        found = cell_comparisons(times, alike)
        if found:
            rows.append({"cell_id": cell["cell_id"], "hint": found[0].p_holm is None,
                         "margin": six_digits(alike), "pairs": [_pair(c) for c in found],
                         "tiers": tiers(by_median(times), found)})
    return rows


def races(result, cells):
    """(cell, model -> block -> time) of each cell with several models. Not those with an
    instrument, which costs something."""
    times = defaultdict(lambda: defaultdict(dict))
    for sample in result.measured():
        times[sample["cell_id"]][sample["model"]][sample.get("block")] = sample["makespan_ns"]
    for cell in cells:
        if not cell["params"].get("heartbeat_us") and len(cell["models"]) > 1:
            yield cell, times[cell["cell_id"]]


def margin_of(result, cells):
    """Within which times of this result count as alike."""
    return margin((noise(result, cells) or {}).get("floor"))


def _pair(c):
    return {"one": c.one, "other": c.other, "n": c.ratio.n, "verdict": c.verdict,
            "ratio": rounded_ratio(c.ratio), "p": six_digits(c.ratio.p),
            "p_holm": six_digits(c.p_holm), "detectable": six_digits(c.ratio.detectable)}


# ---- of which cells the page tells in full ----

def told_in_full(summary):
    """(cell, its comparisons): of each scenario one cell, those that were run in most blocks; at
    the default workers, with most models, then with most agents."""
    cells = {c["cell_id"]: c for c in summary["cells"]}
    rows = [(cells[row["cell_id"]], row) for row in summary.get("comparisons") or []
            if row["cell_id"] in cells]
    best = {}
    for cell, row in rows:
        params = cell["params"]
        if cell["scenario"] in NO_RACE:
            continue
        # Enough blocks for verdicts are as good as more.
        rank = (min(blocks_of(row), ENOUGH_BLOCKS),
                params.get("workers") == summary["default_workers"], sum(map(len, row["tiers"])),
                params.get("agents") or 0, cell["cell_id"])
        if rank > best.get(cell["scenario"], ((),))[0]:
            best[cell["scenario"]] = (rank, cell, row)
    level = max((rank[0] for rank, _, _ in best.values()), default=0)
    shown = [(cell, row) for rank, cell, row in best.values() if rank[0] == level]
    shown.sort(key=lambda pair: style.scenario_order(pair[0]["scenario"]))
    many = any(sum(map(len, row["tiers"])) > MANY for _, row in shown)
    return shown[:MOST_CELLS_OF_MANY if many else MOST_CELLS]


def blocks_of(row):
    return max(pair["n"] for pair in row["pairs"])


def with_best(row):
    """model -> its pair with the fastest of the cell, in the order of their medians."""
    best = row["tiers"][0][0]
    return {pair["one"]: pair for pair in row["pairs"] if pair["other"] == best}
