"""How is a summary written on the page of a result? Its tables, and its list of what is missing."""

import re

from . import units
from .tables import cell_names, entry, models_in, rung_of, table_cells

NUMBER = r"\d(?:[\d,.]*\d)?"
WIDE = 8  # models; with more a table has a row for each of them


def times_section(summary):
    """For the page: the time of every model in every cell."""
    return ("## Time to finish everything\n\nMedian, [its 95 % interval], share of the possible "
            "speed. A cell with \"≥\" was not run: its bound, the least time that the model's "
            "structure allows, exceeds the limit of the profile." + _of_stops(summary) + "\n\n"
            + markdown_table(summary))


def _of_stops(summary):
    """What the time of a run is that did not finish everything."""
    stopped = any(cell["stopped"] for cell in summary.get("outside_cells") or [])
    return (" Runs that were stopped, failed fast or had enough took until all of it had ended."
            if stopped else "")


def markdown_table(summary):
    models = models_in(summary)
    return _markdown_by_rows(summary, models) if len(models) > WIDE else \
        _markdown_by_columns(summary, models)


def _markdown_by_columns(summary, models):
    """A row for each cell, a column for each model."""
    names = cell_names(summary)
    heads = [f"`{m['model']}`<br>{rung_of(m)}" for m in models]
    lines = ["| scenario | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(models)]
    for cell in table_cells(summary):
        scenario, told = names[cell["cell_id"]]
        lines.append(f"| **{_safe(scenario)}** {told} | "
                     + " | ".join(_texts(cell, models)) + " |")
    return "\n".join(lines) + "\n"


def _markdown_by_rows(summary, models):
    """For each scenario a table with a row for each model, by family, and a column for each cell."""
    names, lines = cell_names(summary), []
    for scenario in dict.fromkeys(cell["scenario"] for cell in table_cells(summary)):
        cells = [cell for cell in table_cells(summary) if cell["scenario"] == scenario]
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


def memory_section(summary):
    """For the page: what a waiting agent costs, or nothing where it is not known."""
    table = memory_table(summary)
    return f"## What a waiting agent costs\n\n{memory_words(summary)}\n\n{table}" if table else ""


def memory_words(summary):
    """What the columns of the table of memory mean."""
    waits = (" Late by: how much later than due a wake-up comes, in the middle and in the worst of "
             "a hundred; idle: CPU used while all agents wait. Both are medians over the runs with "
             "the most agents measured.")
    return ("Memory that each further agent adds in `parked`: the slope over the sizes from which "
            "on the agents make up at least half of the memory, its median over the blocks and its "
            f"95 % interval.{waits if summary.get('waiting_agent') else ''}")


def memory_table(summary):
    """What each further waiting agent adds, for each model in which two sizes were measured; and,
    where anything is known of it, how well the process waits."""
    rows = {m["model"]: m for m in summary["memory_per_agent"] if m["scenario"] == "parked"}
    waits = {w["model"]: w for w in summary.get("waiting_agent") or []
             if w["workers"] == summary["default_workers"]}
    more = ["late by (p50)", "late by (p99)", "idle, of one CPU", "at"] if waits else []
    heads = ["model", "family", "rung", "bytes per further agent", "from", "to", *more]
    lines = ["| " + " | ".join(heads) + " |", "|---|---|---" + "|---:" * (len(heads) - 3) + "|"]
    for said in summary["models"]:
        row, waiting = rows.get(said["model"]), waits.get(said["model"])
        if row or waiting:
            texts = [f"`{said['model']}`", said.get("family") or "–", rung_of(said),
                     *_slope_texts(row), *(_waiting_texts(waiting) if waits else [])]
            lines.append("| " + " | ".join(texts) + " |")
    return "\n".join(lines) + "\n" if rows or waits else ""


def _slope_texts(row):
    if row is None:
        return ["–", "–", "–"]
    e = row["bytes_per_agent"]
    interval = "" if e["low"] is None else (
        f" [{units.three_digits(e['low'])}–{units.three_digits(e['high'])}]")
    return [f"{units.three_digits(e['median'])}{interval}", f"{row['from_agents']:,}",
            f"{row['to_agents']:,}"]


def _waiting_texts(row):
    """Medians over the runs: of their percentiles, and of the CPU used while all agents wait."""
    if row is None:
        return ["–"] * 4
    late = [units.duration(e["median"]) if e else "–"
            for e in (row["lateness_p50_ns"], row["lateness_p99_ns"])]
    idle = units.small_percent(row["idle_cpu"]["median"]) if row["idle_cpu"] else "–"
    return [*late, idle, f"{row['agents']:,}"]


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
    """One line per kind of reason that is not ok and the cells it concerns, with all models that
    have the same in the same cells."""
    names, found = cell_names(summary), {}
    order = [said["model"] for said in summary["models"]]
    for cell in table_cells(summary):
        for row in cell["models"]:
            for r in row["reasons"]:
                place = " ".join(names[cell["cell_id"]])
                found.setdefault((row["model"], r["status"], _general(r["reason"])), []).append(
                    (place, r["count"], r["reason"]))
    lines = {}
    for (model, status, _), places in sorted(
            found.items(), key=lambda kv: (order.index(kv[0][0]), kv[0])):
        lines.setdefault(f"{status}: {_why_and_where(places)}", []).append(f"`{model}`")
    return [f"{', '.join(models)} {line}" for line, models in lines.items()]


def _why_and_where(places):
    """The reason once, with "…" for a number that differs, and the cells with that number."""
    numbers = [re.findall(NUMBER, reason) for _, _, reason in places]
    differs = [len(set(column)) > 1 for column in zip(*numbers)]
    which = iter(differs)
    reason = re.sub(NUMBER, lambda m: "…" if next(which) else m.group(), places[0][2])
    where = []
    for (place, count, _), own in zip(places, numbers):
        told = [n for n, is_own in zip(own, differs) if is_own]
        told += [f"{count} times"] if count > 1 else []
        where.append(f"{place} ({', '.join(told)})" if told else place)
    return f"{reason}: {'; '.join(where)}"


def _general(reason):
    """The reason without its numbers, so that reasons of one kind stand in one line."""
    return re.sub(NUMBER, "N", reason)
