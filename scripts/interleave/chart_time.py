"""Where did the time go? Each model's makespan, cut along the chain of turns that set it."""

from . import style, units
from .chart_data import cpu_words, plotted, row_of
from .groups import belongs_to, give, panel_of
from .sheet import COLUMN, MARGIN, Drawing, NothingToDraw, make_sheet, widest
from .stacked import (LINE, axis, bars_for, end_of, key, key_lines, say, stack, title, title_lines,
                      told_of, why_absent)
from .time_spent import IS_ASKED, IS_LOST, lost, shown_cells, took
from .why_slower import why_the_slowest_lost

# Colours of what goes on, never of a model: what was asked for is pale or dark, a loss is loud.
COLOURS = {
    "waiting": "#D3DDE4", "blocked by a tool": "#A3B4BF", "computing": "#3C4650",
    "woke late": "#CC3311", "queued": "#F0A30A", "slowed by others": "#AA3FA0",
    "start and end": "#1B9AAA",
}
PARTS = IS_ASKED | IS_LOST
ROW = 0.19  # inches of a model


def where_did_the_time_go(data, width):
    cells = shown_cells(data.summary)
    if not cells:
        raise NothingToDraw("no run of two models says where its time went")
    models, others = bars_for(data, [spent["models"] for _, spent in cells],
                              lambda row: row["makespan_ns"]["median"])
    question = "Where did the time go?"
    reading = ("Time to finish everything, cut along the chain of turns that finished last. "
               "Shorter is better. Pale and dark is what the work asks for, loud colours are lost; "
               f"{'below' if width == COLUMN else 'on the right'} the losses alone, enlarged. "
               f"Dashed: an ideal scheduler. {_torn(cells, models)}"
               f"{_not_run(data, cells, models)}{others}")
    left = widest([data.styles[m].label for m in models], 7.5) + 0.12
    right = 0.12
    usable = (width - 2 * MARGIN) / (1 if width == COLUMN else 2) - right
    panels = [_Panel(data, *pair, models, of) for pair in cells for of in (PARTS, IS_LOST)]
    lift = max(len(key_lines(panel.named, usable)) for panel in panels) * LINE
    heads = max(title_lines(*panel.title(), usable) for panel in panels) * LINE
    counts = [row["makespan_ns"]["n"] for _, spent in cells for row in spent["models"]]
    figure, axes = make_sheet(width, question, reading, data.footer(counts), len(panels),
                              ROW * len(models) + 0.06, columns=1 if width == COLUMN else 2,
                              left=left, right=right, above=0.1 + heads + lift, below=0.44)
    rows = []
    for ax, panel in zip(axes, panels):
        panel.draw(ax)
        # Titles side by side stand at one height; one below another, each stands at its key.
        own = len(key_lines(panel.named, usable)) * LINE if width == COLUMN else lift
        title(ax, *panel.title(), left - MARGIN / 2, own, usable)
        key(ax, panel.named, left - MARGIN / 2, usable, own)
        rows += panel.rows()
    drawn = [[row for row in spent["models"] if row["model"] in models] for _, spent in cells]
    note = _note(cells, drawn)
    alt = ("Horizontal bars of each model's time to finish everything, cut into what it was spent "
           "on. " + " ".join(_in_words(cell, rows) for (cell, _), rows in zip(cells, drawn)))
    return Drawing("time-spent", question, reading, alt, figure, rows, note, axes)


class _Panel:
    """One cell, whole or its losses alone: `of` names the parts that are drawn."""

    def __init__(self, data, cell, spent, models, of):
        self.data, self.cell, self.models, self.of = data, cell, models, of
        self.ideal_loss = spent["ideal_loss_ns"]
        self.spent = {row["model"]: row for row in spent["models"] if row["model"] in models}
        # Only what the panel shows at all has a place in its key. The losses have theirs where they
        # can be seen.
        self.looks = {word: {"color": COLOURS[word], "lw": 0} for word, keys in of.items()
                      if any(took(row, keys) for row in self.spent.values())}
        self.named = {word: look for word, look in self.looks.items()
                      if of is IS_LOST or word in IS_ASKED}

    def draw(self, ax):
        whole = self.of is PARTS
        totals = {m: sum(took(row, keys) for keys in self.of.values())
                  for m, row in self.spent.items()}
        texts = {m: units.duration(total) for m, total in totals.items()}
        end = axis(ax, len(self.models), list(totals.values()),
                   "time to finish everything ({unit})" if whole else "lost of it ({unit})",
                   texts=texts.values())
        for y, model in enumerate(self.models):
            if model in self.spent:
                with belongs_to(ax, model):
                    stack(ax, y, [(took(self.spent[model], self.of[word]), look)
                                  for word, look in self.looks.items()], end, texts[model])
            else:
                say(ax, y, why_absent(row_of(self.cell, model)), model)
        ideal = self.cell["greedy_ns"] if whole else self.ideal_loss
        if ideal and ideal > 0.02 * ax.get_xlim()[1]:
            ax.axvline(ideal, **style.IDEAL, zorder=5)
        # Colours are what goes on: names have none.
        ax.set_yticks(range(len(self.models)), [self.data.styles[m].label for m in self.models],
                      size=7.5)
        for tick, model in zip(ax.get_yticklabels(), self.models):
            give(model, tick)
        panel_of(ax, self.cell["scenario"])

    def title(self):
        if self.of is PARTS:
            return self.cell["scenario"], told_of(self.cell)
        return "the losses alone", f"{self.cell['scenario']}, enlarged"

    def rows(self):
        if self.of is not PARTS:
            return []  # they are among those of the whole
        name, rows = self.cell["scenario"], []
        if self.cell["greedy_ns"]:
            rows.append(plotted(name, "", "greedy", "", self.cell["greedy_ns"]))
        for model in [m for m in self.models if m in self.spent]:
            row = self.spent[model]
            e = row["makespan_ns"]
            rows.append(plotted(name, model, "median", "", e["median"], e["low"], e["high"],
                                e["n"]))
            rows += [plotted(name, model, word, "", took(row, keys))
                     for word, keys in self.of.items()]
        return rows


def _torn(cells, models):
    """Explains the mark of a bar that is longer than its panel, where there is one."""
    for _, spent in cells:
        rows = [row for row in spent["models"] if row["model"] in models]
        for of in (PARTS, IS_LOST):
            totals = [sum(took(row, keys) for keys in of.values()) for row in rows]
            if max(totals) > end_of(totals):
                return "▶: longer than shown. "
    return ""


def _not_run(data, cells, models):
    """Names the models that have no bar in any of the cells."""
    absent = [m for m in data.models_of([cell for cell, _ in cells]) if not any(
        m in (row["model"] for row in spent["models"]) for _, spent in cells)]
    return f"Not run: {', '.join(absent)}. " if absent else ""


def _note(cells, drawn):
    told = [f"**{cell['scenario']}**, {told_of(cell)}: {sentence}"
            for (cell, _), rows in zip(cells, drawn) if (sentence := why_the_slowest_lost(rows))]
    told.append(
        "A bar is the run with the median time, or the mean of the middle two. Lost is what "
        "neither waits nor computing asked for: a wait that ended after it was due, a turn that "
        "was ready and not run, computing slower than usual because the CPU was shared, and the time "
        "before the first turn of the chain and after its last.")
    if any(spent["ideal_loss_ns"] for _, spent in cells):
        told.append(f"Where more turns are ready than there are CPUs some must queue: an ideal "
                    f"scheduler with {cpu_words([cell for cell, _ in cells])} loses what its "
                    "dashed line shows, where that can be seen.")
    return "\n\n".join(told)


def _in_words(cell, rows):
    ranked = sorted(rows, key=lambda row: row["makespan_ns"]["median"])
    told = "; ".join(f"{row['model']} {units.duration(row['makespan_ns']['median'])}, "
                     f"{units.duration(lost(row))} of it lost{_mostly(row)}" for row in ranked)
    return f"{cell['scenario']}, {told_of(cell)}: {told}."


def _mostly(row):
    """The largest of its losses, in the words of the key."""
    sizes = {word: took(row, keys) for word, keys in IS_LOST.items()}
    word = max(sizes, key=sizes.get)
    return f", mostly {word}" if sizes[word] else ""
