"""How does METG stand on the page of a result? A row for each model, a column for each graph."""

import json

from . import units
from .chart_data import describe
from .grain import ABOVE, BELOW, NEVER, is_number
from .tables import rung_of


def grain_table(summary):
    """The section of the page: its heading, how to read it, and the table; nothing without data."""
    rows = summary.get("grain") or []
    if not rows:
        return ""
    keys = list(dict.fromkeys(_key(r) for r in rows))
    found = {(_key(r), r["model"]): r for r in rows}
    heads = [_head(key, keys) for key in keys]
    lines = ["| model | family | rung | " + " | ".join(heads) + " |",
             "|---|---|---|" + "---:|" * len(keys)]
    for said in summary["models"]:
        texts = [_text(found.get((key, said["model"]))) for key in keys]
        if any(texts):
            lines.append(f"| `{said['model']}` | {said.get('family') or '–'} | {rung_of(said)} | "
                         + " | ".join(texts) + " |")
    table = "\n".join(lines)
    return ("## How small may the work be?\n\nMETG(50 %): the least computing of a turn at which "
            "half of the possible speed is left, its median over the blocks and its 95 % "
            "interval. \"below\": half is left even at the smallest size measured; \"above\": not "
            "even at the largest; \"never\": the model's structure allows hardly more than half."
            f"\n\n{table}\n")


def _key(row):
    return row["scenario"], json.dumps(row["params"], sort_keys=True)


def _head(key, keys):
    """The scenario, and what tells its column from the others of that name."""
    scenario, params = key[0], json.loads(key[1])
    rivals = [json.loads(other) for name, other in keys if name == scenario]
    told = [describe(k, params[k]) for k in sorted(params)
            if k == "workers" or any(r.get(k) != params[k] for r in rivals)]
    return f"`{scenario}`<br>" + ", ".join(filter(None, told))


def _text(row):
    if row is None:
        return ""
    e = row["metg_ns"]
    main = _value(e["median"], row)
    if e["low"] is None or e["low"] == e["high"]:
        return main
    if all(map(is_number, (e["median"], e["low"], e["high"]))):  # one unit for all three
        unit_ns = e["median"] / units.scaled(e["median"], units.DURATIONS)[0]
        ends = [units.three_digits(e[k] / unit_ns) for k in ("low", "high")]
    else:
        ends = [_value(e[k], row) for k in ("low", "high")]
    return f"{main} [{ends[0]}–{ends[1]}]"


def _value(value, row):
    if is_number(value):
        return units.duration(value)
    return {BELOW: f"below {units.duration(row['smallest_ns'])}",
            ABOVE: f"above {units.duration(row['largest_ns'])}", NEVER: "never"}[value]
