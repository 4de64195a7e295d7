"""How is a summary written on the page of a result? Its tables, and its list of what is missing."""

import re

from . import units
from .tables import cell_names, entry, models_in, rung_of

WIDE = 8  # models; with more a table has a row for each of them


def markdown_table(summary):
    models = models_in(summary)
    return _markdown_by_rows(summary, models) if len(models) > WIDE else \
        _markdown_by_columns(summary, models)


def _markdown_by_columns(summary, models):
    """A row for each cell, a column for each model."""
    names = cell_names(summary)
    heads = [f"`{m['model']}`<br>{rung_of(m)}" for m in models]
    lines = ["| scenario | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(models)]
    for cell in summary["cells"]:
        scenario, told = names[cell["cell_id"]]
        lines.append(f"| **{_safe(scenario)}** {told} | "
                     + " | ".join(_texts(cell, models)) + " |")
    return "\n".join(lines) + "\n"


def _markdown_by_rows(summary, models):
    """For each scenario a table with a row for each model, by family, and a column for each cell."""
    names, lines = cell_names(summary), []
    for scenario in dict.fromkeys(cell["scenario"] for cell in summary["cells"]):
        cells = [cell for cell in summary["cells"] if cell["scenario"] == scenario]
        told = [names[cell["cell_id"]][1] for cell in cells]
        lines += [f"| **{_safe(scenario)}** | family | rung | " + " | ".join(told) + " |",
                  "|---|---|---|" + "---:|" * len(cells)]
        columns = [_texts(cell, models) for cell in cells]
        for said, texts in zip(models, zip(*columns)):
            if any(texts):
                lines.append(f"| `{said['model']}` | {said.get('family') or '–'} | {rung_of(said)} | "
                             + " | ".join(texts) + " |")
        lines.append("")
    return "\n".join(lines)


def memory_table(summary):
    """What each further waiting agent adds, for each model in which two sizes were measured."""
    rows = {m["model"]: m for m in summary["memory_per_agent"] if m["scenario"] == "parked"}
    lines = ["| model | family | rung | bytes per further agent | from | to |",
             "|---|---|---|---:|---:|---:|"]
    for said in summary["models"]:
        row = rows.get(said["model"])
        if row:
            e = row["bytes_per_agent"]
            interval = "" if e["low"] is None else (
                f" [{units.three_digits(e['low'])}–{units.three_digits(e['high'])}]")
            lines.append(f"| `{said['model']}` | {said.get('family') or '–'} | {rung_of(said)} | "
                         f"{units.three_digits(e['median'])}{interval} | {row['from_agents']:,} | "
                         f"{row['to_agents']:,} |")
    return "\n".join(lines) + "\n" if rows else ""


def _texts(cell, models):
    found = {r["model"]: r for r in cell["models"]}
    return [_plain(entry(found[m["model"]])) if m["model"] in found else "" for m in models]


def _safe(text):
    return text.replace("|", "/")


def _plain(parts):
    main, interval, share, remark = parts
    text = " ".join(filter(None, (main, interval)))
    return ", ".join(filter(None, (text, share, remark)))


def what_is_missing(summary):
    """One line per model and kind of reason that is not ok, with the cells it concerns."""
    names, found = cell_names(summary), {}
    order = [said["model"] for said in summary["models"]]
    for cell in summary["cells"]:
        for row in cell["models"]:
            for r in row["reasons"]:
                place = " ".join(names[cell["cell_id"]])
                found.setdefault((row["model"], r["status"], _general(r["reason"])), []).append(
                    (place, r["count"], r["reason"]))
    lines = []
    for (model, status, _), places in sorted(
            found.items(), key=lambda kv: (order.index(kv[0][0]), kv[0])):
        told = [(p if n == 1 else f"{p} ({n} times)", reason) for p, n, reason in places]
        if len({reason for _, reason in told}) == 1:
            where = "; ".join(place for place, _ in told)
            lines.append(f"`{model}` {status}: {told[0][1]} ({where})")
        else:
            each = "; ".join(f"{place}: {reason}" for place, reason in told)
            lines.append(f"`{model}` {status}: {each}")
    return lines


def _general(reason):
    """The reason without its numbers, so that reasons of one kind stand in one line."""
    return re.sub(r"\d[\d,.]*", "N", reason)
