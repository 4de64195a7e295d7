"""What does the page say of who differs from whom? A table of the headline cells; all tiers.

And derived/comparisons.csv, with every pair of every cell.
"""

import csv
import io

from . import units
from .comparison_words import (
    change_words, interval_words, margin_words, p_words, ratio_words)
from .comparisons import blocks_of, told_in_full, with_best
from .stats import NOT_RESOLVED
from .tables import cell_names


def comparisons_table(summary):
    shown = told_in_full(summary)
    if not shown:
        return ""
    names = cell_names(summary)
    alike = margin_words(shown[0][1]["margin"])
    parts = ["## How sure the comparisons are\n",
             "Each model beside the fastest of its cell: the ratio of their times within one "
             "block, its median and exact 95 % interval, over n blocks. p: how often chance alone "
             f"would set the two as far apart{_corrected(row for _, row in shown)}. Equivalent: "
             f"the interval lies within {alike} of 1. Could see: the smallest difference that runs "
             "scattered like these would have told from none. All pairs of all cells: "
             "[comparisons.csv](derived/comparisons.csv).\n"]
    for cell, row in shown:
        scenario, told = names[cell["cell_id"]]
        parts.append(f"**{scenario}** {told}{_remark(row)}\n\n" + "\n".join(_lines(row)) + "\n")
    return "\n".join(parts + _all_tiers(summary, names))


def _corrected(rows):
    rows = list(rows)
    if all(row["hint"] for row in rows):
        return ", each comparison by itself"
    words = ", corrected for all pairs of the cell (Holm)"
    return words + ("; in cells of hints each by itself" if any(r["hint"] for r in rows) else "")


def _remark(row):
    """What the number of blocks makes of the verdicts."""
    return f" ({units.plural(blocks_of(row), 'block')}: hints, no verdicts)" if row["hint"] else ""


def _lines(row):
    yield "| model | × the fastest | 95 % | n | p | verdict | could see |"
    yield "|---|---:|---:|---:|---:|---|---:|"
    fastest, pairs = row["tiers"][0][0], with_best(row)
    yield f"| `{fastest}` | 1 | | {blocks_of(row)} | | fastest by median | |"
    for model, pair in pairs.items():
        p = pair["p"] if row["hint"] else pair["p_holm"]
        yield (f"| `{model}` | {ratio_words(pair['ratio']['median'])} | "
               f"{interval_words(**pair['ratio'])} | {pair['n']} | {p_words(p)} | "
               f"{verdict_words(pair['verdict'], row['hint'])} | "
               f"{change_words(pair['detectable'])} |")


def _all_tiers(summary, names):
    """Of every cell the tiers in a line."""
    rows = {row["cell_id"]: row for row in summary.get("comparisons") or []}
    lines = ["The tiers of every cell: of a tier none is proved slower than its first; all of the "
             "next are.\n", "| scenario | | n | tiers |", "|---|---|---:|---|"]
    for cell in summary["cells"]:
        row = rows.get(cell["cell_id"])
        if row:
            scenario, told = names[cell["cell_id"]]
            groups = " > ".join(", ".join(f"`{m}`" for m in tier) for tier in row["tiers"])
            n = f"{blocks_of(row)}{' (hint)' if row['hint'] else ''}"
            lines.append(f"| {scenario} | {told} | {n} | {groups} |")
    return ["\n".join(lines) + "\n"]


def verdict_words(verdict, hint):
    return f"hint: {verdict}" if hint and verdict != NOT_RESOLVED else verdict


def comparisons_csv(summary):
    """One line per pair: the cell, its parameters' id, both models and all that is known."""
    cells = {c["cell_id"]: c for c in summary["cells"]}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["cell_id", "scenario", "agents", "workers", "one", "other", "n", "ratio",
                     "low", "high", "p", "p_holm", "margin", "verdict", "hint", "detectable"])
    for row in summary.get("comparisons") or []:
        cell = cells.get(row["cell_id"])
        if cell is None:
            continue
        params = cell["params"]
        for pair in row["pairs"]:
            writer.writerow([row["cell_id"], cell["scenario"], params.get("agents"),
                             params.get("workers"), pair["one"], pair["other"], pair["n"],
                             *(pair["ratio"][key] for key in ("median", "low", "high")), pair["p"],
                             pair["p_holm"], row["margin"], pair["verdict"],
                             "yes" if row["hint"] else "no", pair["detectable"]])
    return out.getvalue()
