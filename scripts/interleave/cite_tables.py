"""How is a result cited in a table? Markdown, with what the numbers are; and CSV, a row for each.

A row for each cell and a column for each model; with many models a table for each scenario, and in
it a row for each model.
"""

import csv
import io

from .cite_marks import mark_of
from .cite_words import SELF_RUN, n_words, samples_of, source_words
from .markdown_tables import WIDE
from .summary_csv import CSV_COLUMNS, as_csv
from .tables import cell_names, entry, models_in, rung_of, table_cells


def cite_markdown(summary, manifest, cells=None):
    cells = table_cells(summary) if cells is None else cells
    models = models_in(summary)
    build = _by_models if len(models) > WIDE else _by_cells
    return (f"<!-- {mark_of(summary)} -->\n" + build(summary, cells, models)
            + "\nMedian time to finish everything, [its 95 % interval], share of the possible "
            "speed; n: processes, one sample each. ≥: not run, least time that the model's "
            "structure allows.\n"
            f"{source_words(summary, manifest)}; {SELF_RUN}.\n")


def _by_cells(summary, cells, models):
    names = cell_names(summary)
    heads = ["scenario", "n", *(f"`{said['model']}`<br>{rung_of(said)}" for said in models)]
    lines = [_line(heads), "|---|---:|" + "---:|" * len(models)]
    for cell in cells:
        scenario, told = names[cell["cell_id"]]
        lines.append(_line([f"**{scenario}** {told}", _n(cell), *_texts(cell, models)]))
    return "\n".join(lines) + "\n"


def _by_models(summary, cells, models):
    names, lines = cell_names(summary), []
    for scenario in dict.fromkeys(cell["scenario"] for cell in cells):
        group = [cell for cell in cells if cell["scenario"] == scenario]
        lines += [_line([f"**{scenario}**", "rung", *(names[c["cell_id"]][1] for c in group)]),
                  "|---|---|" + "---:|" * len(group), _line(["n", "", *map(_n, group)])]
        columns = [_texts(cell, models) for cell in group]
        lines += [_line([f"`{said['model']}`", rung_of(said), *texts])
                  for said, texts in zip(models, zip(*columns)) if any(texts)]
        lines.append("")
    return "\n".join(lines)


def _line(texts):
    return "| " + " | ".join(text.replace("|", "/") for text in texts) + " |"


def _n(cell):
    return n_words(cell).removeprefix("n = ") if samples_of(cell)[1] else "–"


def _texts(cell, models):
    rows = {row["model"]: row for row in cell["models"]}
    return [_text(rows[said["model"]]) if said["model"] in rows else "" for said in models]


def _text(row):
    main, interval, share, remark = entry(row)
    return ", ".join(filter(None, (" ".join(filter(None, (main, interval))), share, remark)))


def cite_csv(summary):
    """summary.csv, and in each row the result and what it says of itself: rows get about alone."""
    out = io.StringIO()
    more = {"result_id": summary["result_id"], "trust": summary["trust"]["level"]}
    writer = csv.DictWriter(out, [*more, *CSV_COLUMNS], lineterminator="\n")
    writer.writeheader()
    writer.writerows(more | row for row in csv.DictReader(io.StringIO(as_csv(summary))))
    return out.getvalue()
