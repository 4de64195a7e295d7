"""What do heartbeats cost? Runs with them over runs without, of the same block and model."""

import json
from collections import defaultdict

from . import stats, units
from .chart_data import describe
from .estimates import estimated


def instruments(result, cells):
    """Of each cell with heartbeats that has a twin without: the ratio of their makespans.

    `overall` is the median over the models in each block, then over the blocks: models of one
    block share its weather, so that they are no independent witnesses. None: nothing has a twin.
    """
    times = defaultdict(dict)
    for sample in result.measured():
        times[sample["cell_id"], sample["model"]][result.round_of(sample)] = sample["makespan_ns"]
    plain = {_work(c): c for c in cells if not c["params"].get("heartbeat_us")}
    found = []
    for cell in cells:
        twin = plain.get(_work(cell))
        if not cell["params"].get("heartbeat_us") or twin is None:
            continue
        ratios = {r["model"]: _ratios(times[cell["cell_id"], r["model"]],
                                      times[twin["cell_id"], r["model"]]) for r in cell["models"]}
        blocks = sorted({b for by_block in ratios.values() for b in by_block}, key=str)
        if blocks:
            found.append({
                "cell_id": cell["cell_id"], "without": twin["cell_id"],
                "scenario": cell["scenario"], "params": cell["params"],
                "overall": estimated([stats.median([r[b] for r in ratios.values() if b in r])
                                      for b in blocks]),
                "models": [{"model": model, "ratio": estimated(list(by_block.values()))}
                           for model, by_block in ratios.items() if by_block]})
    return {"heartbeats": found} if found else None


def _work(cell):
    rest = {k: v for k, v in cell["params"].items() if k != "heartbeat_us"}
    return cell["scenario"], json.dumps(rest, sort_keys=True)


def _ratios(beating, still):
    return {block: beating[block] / still[block] for block in beating if block in still}


def instruments_table(summary):
    """For the page: what the instrument cost in this very result; nothing where nobody measured."""
    section = summary.get("instruments")
    if not section:
        return ""
    parts = ["## What heartbeats cost\n",
             "Each cell was measured with heartbeats and without, in the same blocks. Makespans "
             "are compared by the runs without. Median over the blocks and its 95 % interval.\n"]
    for cell in section["heartbeats"]:
        told = {k: cell["params"].get(k) for k in ("agents", "workers", "cpu_share")}
        size = ", ".join(filter(None, (describe(k, v) for k, v in told.items() if v)))
        parts.append(f"- **{cell['scenario'].replace('|', '/')}** {size}: with heartbeats a run of "
                     f"the median model took {longer(cell['overall'])}. {_models(cell['models'])}")
    return "\n".join(parts) + "\n"


def _models(rows):
    """The one that they cost least and the one that they cost most; the summary has all."""
    ranked = sorted(rows, key=lambda r: (r["ratio"]["median"], r["model"]))
    if len(ranked) < 2:
        return ""
    least, most = (f"`{r['model']}` {_signed(r['ratio']['median'])}{_interval(r['ratio'])}"
                   for r in (ranked[0], ranked[-1]))
    return f"Least: {least}; most: {most}."


def longer(ratio):
    """A ratio of makespans in words: 0.4 % longer [0.1 % to 0.9 %]."""
    change = ratio["median"] - 1
    words = "as long" if round(change, 3) == 0 else \
        f"{units.percent(abs(change))} {'longer' if change > 0 else 'shorter'}"
    if ratio["low"] is None:
        return words + f" (too few blocks for an interval: {ratio['n']})"
    unsure = ratio["low"] <= 1 <= ratio["high"]
    return words + _interval(ratio) + (", which may be chance" if unsure else "")


def _interval(ratio):
    return "" if ratio["low"] is None else f" [{_signed(ratio['low'])} to {_signed(ratio['high'])}]"


def _signed(ratio):
    change = round(ratio - 1, 5)
    text = units.percent(abs(change))
    return text if text in ("0.0 %", "0 %") else f"{'+' if change > 0 else '-'}{text}"
