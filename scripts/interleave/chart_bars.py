"""Does it matter whether agents wait or compute? Two panels of bars, one order of models."""

from .bars import bars, in_words, name_the_bars
from .chart_data import IDEAL_WORDS, cpu_words, describe, has_measurements
from .sheet import COLUMN, MARGIN, Drawing, NothingToDraw, make_sheet, panel_title, widest


def waiting_or_computing(data, width):
    waiting = _waiting_cell(data)
    computing = _computing_cell(data)
    question = "Does it matter whether agents wait or compute?"
    cells = [waiting, computing]
    reading = (f"Time to finish everything: shorter is better. Grey: no machine with "
               f"{cpu_words(cells)} can be faster. {IDEAL_WORDS} Black line: 95 % interval, "
               "dots: each run. ▶: longer than shown. Hatched: not run, at least this long by its "
               "structure.")
    models = data.models_of(cells)
    stacked = width == COLUMN
    left = widest([data.styles[m].label for m in models], 7.5) + 0.12
    counts = [r["n"] for c in cells for r in c["models"] if r["n"]]
    figure, axes = make_sheet(width, question, reading, data.footer(counts), 2,
                              0.27 * len(models) + 0.1, columns=1 if stacked else 2, left=left,
                              right=0.14 if stacked else 0.2, below=0.42)
    rows = []
    for ax, cell, words in zip(axes, cells, ("mostly waiting", "only computing")):
        rows += bars(data, ax, cell, models)
        name_the_bars(data, ax, models)
        panel_title(ax, words[0].upper() + words[1:],
                    f"{cell['scenario']}, {describe('agents', cell['params'].get('agents'))}",
                    left=left - MARGIN / 2)
    alt = "Two panels of horizontal bars, the time to finish everything of each model. " + " ".join(
        f"{title}: {in_words(cell)}." for title, cell in zip(("Mostly waiting", "Only computing"),
                                                              cells))
    return Drawing("waiting-or-computing", question, reading, alt, figure, rows, axes=axes)


def _waiting_cell(data):
    """The largest `fanout` at the default workers whose bound is a path of waits, not the sum of
    all computing, and in which every model was measured that is not ruled out by its own bound."""
    cells = [c for c in data.summary["cells"] if c["scenario"] == "fanout" and has_measurements([c])
             and c["params"].get("workers") == data.summary["default_workers"]]
    if not cells:
        raise NothingToDraw("`fanout` was not measured at the default number of workers")

    def common(cell):
        samples = [s for r in cell["models"] for s in data.raw(cell, r["model"])]
        waits = all((s.get("lb_ns") or 0) <= (s.get("critical_path_ns") or 0) for s in samples)
        lost = [r for r in cell["models"] if not r["makespan_ns"] and not r["skipped_by_bound"]]
        params = cell["params"]
        return waits, -len(lost), params.get("agents") or 0, -(params.get("cpu_share") or 0)

    return max(cells, key=common)


def _computing_cell(data):
    cells = [c for c in data.summary["cells"] if c["scenario"] == "compute"
             and has_measurements([c])
             and c["params"].get("workers") == data.summary["default_workers"]]
    if not cells:
        raise NothingToDraw("`compute` was not measured at the default number of workers")
    return max(cells, key=lambda c: c["params"].get("agents") or 0)
