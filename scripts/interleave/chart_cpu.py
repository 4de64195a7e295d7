"""What does it cost in CPU time? User and system time of 1,000 turns, and switches of threads."""

from . import style, units
from .bars import name_the_bars
from .chart_data import plotted, row_of
from .cpu_cost import shown_cells
from .groups import belongs_to, panel_of
from .sheet import COLUMN, MARGIN, Drawing, NothingToDraw, make_sheet, widest
from .stacked import (LINE, axis, bars_for, key, key_lines, say, stack, title, title_lines,
                      told_of, why_absent)

ROW = 0.19  # inches of a model
COUNTS = [(1e6, "millions"), (1e3, "thousands"), (1, "")]


def what_does_it_cost_in_cpu_time(data, width):
    cells = shown_cells(data.summary)
    if not cells:
        raise NothingToDraw("CPU time and switches of two models are known in no cell whose turns "
                            "mostly wait, or do nothing")
    models, others = bars_for(data, [cost["models"] for _, cost in cells],
                              lambda row: row["cpu_s_per_1000_turns"]["median"])
    question = "What does it cost in CPU time?"
    asked = any(cost["asked_s_per_1000_turns"] for _, cost in cells)
    work = ("Grey: the computing that the work itself asks for; what is beyond it is the model's "
            "own. ") if asked else ""
    reading = (f"CPU time of 1,000 turns, and how often a thread left a CPU. Shorter is better. "
               f"{work}Black line: 95 % interval of the sum. ▶: longer than shown. {others}")
    left = widest([data.styles[m].label for m in models], 7.5) + 0.12
    right = 0.14
    usable = (width - 2 * MARGIN) / (1 if width == COLUMN else 2) - right
    keys = [looks for _, cost in cells for looks in (_times(cost["models"]), _switches())]
    lift = max(len(key_lines(looks, usable)) for looks in keys) * LINE
    titles = [words for cell, _ in cells for words in (
        (cell["scenario"], told_of(cell)),
        ("thread switches", f"{cell['scenario']}, per 1,000 turns"))]
    heads = max(title_lines(*words, usable) for words in titles) * LINE
    counts = [row["cpu_s_per_1000_turns"]["n"] for _, cost in cells for row in cost["models"]]
    figure, axes = make_sheet(width, question, reading, data.footer(counts), 2 * len(cells),
                              ROW * len(models) + 0.06, columns=1 if width == COLUMN else 2,
                              left=left, right=right, above=0.1 + heads + lift, below=0.44)
    rows = []
    for i, (cell, cost) in enumerate(cells):
        found = {row["model"]: row for row in cost["models"] if row["model"] in models}
        rows += _cpu_time(data, axes[2 * i], cell, cost, models, found)
        rows += _switching(data, axes[2 * i + 1], cell, models, found)
    for ax, words, looks in zip(axes, titles, keys):
        own = len(key_lines(looks, usable)) * LINE if width == COLUMN else lift
        title(ax, *words, left - MARGIN / 2, own, usable)
        key(ax, looks, left - MARGIN / 2, usable, own)
    alt = ("Horizontal bars of the CPU time of 1,000 turns and of switches of threads, by model. "
           + " ".join(_in_words(cell, cost, models) for cell, cost in cells))
    return Drawing("cpu-cost", question, reading, alt, figure, rows, _note(), axes)


def _times(found):
    whole = {} if all(map(_is_split, found)) else {
        "too short to tell": {"color": "#888888", "lw": 0}}
    return {"in the program": {"color": "#555555", "lw": 0},
            "in the kernel": {"color": "#BBBBBB", "lw": 0}} | whole


def _is_split(row):
    return row["user_s_per_1000_turns"] is not None


def _switches():
    return {"went to sleep": {"color": "#555555", "lw": 0},
            "had to make way": {"color": "#BBBBBB", "lw": 0}}


def _looks(look):
    """Dark and light, in a model's colour."""
    return {"color": look.tint(0.1), "lw": 0}, {"color": look.tint(0.6), "lw": 0}


def _cpu_time(data, ax, cell, cost, models, found):
    totals = {m: row["cpu_s_per_1000_turns"]["median"] * 1e9 for m, row in found.items()}
    reaches = [(row["cpu_s_per_1000_turns"]["high"] or 0) * 1e9 for row in found.values()]
    texts = {m: units.duration(total) for m, total in totals.items()}
    end = axis(ax, len(models), list(totals.values()), "CPU time of 1,000 turns ({unit})",
               texts=texts.values(), reaches=reaches)
    rows, asked = [], cost["asked_s_per_1000_turns"]
    if asked:
        ax.axvspan(0, min(asked * 1e9, ax.get_xlim()[1]), color=style.BOUND_FILL, lw=0, zorder=0)
        ax.axvline(asked * 1e9, color=style.QUIET, lw=0.7, zorder=5)
        rows.append(plotted(cell["scenario"], "", "asked for", "", asked))
    panel_of(ax, cell["scenario"])
    for y, model in enumerate(models):
        if model not in found:
            say(ax, y, why_absent(row_of(cell, model)), model)
            continue
        row = found[model]
        low, high = (e * 1e9 if e is not None else None
                     for e in map(row["cpu_s_per_1000_turns"].get, ("low", "high")))
        with belongs_to(ax, model):
            stack(ax, y, _parts(row, totals[model], data.styles[model]), end, texts[model],
                  high or 0)
            if low is not None and totals[model] <= end:
                _interval(ax, y, low, high)
        rows += [plotted(cell["scenario"], model, kind, "", e["median"], e["low"], e["high"],
                         e["n"])
                 for kind in ("cpu", "user", "system") if (e := row[f"{kind}_s_per_1000_turns"])]
    name_the_bars(data, ax, models)
    return rows


def _parts(row, total, look):
    """Program and kernel. Their medians need not add up to that of the sum: they share it."""
    if not _is_split(row):
        return [(total, {"color": look.tint(0.35), "lw": 0})]
    user, system = (row[f"{what}_s_per_1000_turns"]["median"] for what in ("user", "system"))
    share = user / (user + system) if user + system else 1
    return zip((total * share, total * (1 - share)), _looks(look))


def _interval(ax, y, low, high):
    for colour, thick in (("white", 2.6), (style.INK, 1.1)):  # seen on a dark bar as well
        ax.plot([low, min(high, ax.get_xlim()[1])], [y, y], color=colour, lw=thick, zorder=6,
                solid_capstyle="butt")


def _switching(data, ax, cell, models, found):
    kinds = "voluntary", "involuntary"
    medians = {m: [row[f"{kind}_switches_per_1000_turns"]["median"] for kind in kinds]
               for m, row in found.items()}
    texts = {m: units.three_digits(sum(values)) for m, values in medians.items()}
    end = axis(ax, len(models), [sum(values) for values in medians.values()],
               "switches per 1,000 turns", steps=[(1, "")], texts=texts.values())
    rows = []
    panel_of(ax, cell["scenario"])
    for y, model in enumerate(models):
        if model not in found:
            say(ax, y, why_absent(row_of(cell, model)), model)
            continue
        with belongs_to(ax, model):
            stack(ax, y, zip(medians[model], _looks(data.styles[model])), end, texts[model])
        rows += [plotted(cell["scenario"], model, f"{kind} switches", "", e["median"], e["low"],
                         e["high"], e["n"])
                 for kind in kinds if (e := found[model][f"{kind}_switches_per_1000_turns"])]
    name_the_bars(data, ax, models)
    return rows


def _note():
    return ("A thread that goes to sleep has nothing to do, or waits for a lock; one that had to "
            "make way was still at work. The harness's own watching thread is in the switches, "
            "about 100 times a second, and not in the CPU time. How CPU time splits into program "
            "and kernel is the kernel's estimate.")


def _in_words(cell, cost, models):
    rows = [row for row in cost["models"] if row["model"] in models]
    ranked = sorted(rows, key=lambda row: row["cpu_s_per_1000_turns"]["median"])
    told = ", ".join(f"{row['model']} {units.duration(row['cpu_s_per_1000_turns']['median'] * 1e9)}"
                     for row in ranked)
    asked = cost["asked_s_per_1000_turns"]
    work = f", where the work asks for {units.duration(asked * 1e9)}" if asked else ""
    return f"{cell['scenario']}, {told_of(cell)}{work}: {told}."
