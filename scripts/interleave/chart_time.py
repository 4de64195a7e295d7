"""Where did the time go? Each model's makespan, cut along the chain of turns that set it."""

from . import style, units
from .chart_data import cpu_words, plotted, row_of
from .sheet import COLUMN, MARGIN, Drawing, NothingToDraw, make_sheet, widest
from .stacked import (LINE, axis, bars_for, key, key_lines, say, stack, title, told_of,
                      why_absent)
from .time_spent import lost, shown_cells
from .why_slower import why_the_slowest_lost

# What a reader tells apart: the categories it is made of, in the order of a bar, and their colour,
# of what goes on here and never of a model. What was asked for is pale or dark, a loss is loud.
ASKED = {
    "waiting": (("waiting_ns",), {"color": "#D3DDE4", "lw": 0}),
    "blocked by a tool": (("blocked_ns",), {"color": "#A3B4BF", "lw": 0}),
    "computing": (("computing_ns",), {"color": "#3C4650", "lw": 0}),
}
LOSSES = {
    "woke late": (("late_ns",), {"color": "#CC3311", "lw": 0}),
    "ready but queued": (("queued_ns",), {"color": "#F0A30A", "lw": 0}),
    "slowed by others": (("held_up_ns",), {"color": "#AA3FA0", "lw": 0}),
    "start and end": (("starting_ns", "ending_ns"), {"color": "#1B9AAA", "lw": 0}),
}
PARTS = ASKED | LOSSES
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
               "Dashed: an ideal scheduler. "
               f"▶: longer than shown. {_not_run(data, cells, models)}"
               f"{others}")
    left = widest([data.styles[m].label for m in models], 7.5) + 0.12
    right = 0.12
    usable = (width - 2 * MARGIN) / (1 if width == COLUMN else 2) - right
    panels = [_Panel(data, *pair, models, of) for pair in cells for of in (PARTS, LOSSES)]
    lines = max(len(key_lines(panel.looks, usable)) for panel in panels)
    counts = [row["makespan_ns"]["n"] for _, spent in cells for row in spent["models"]]
    figure, axes = make_sheet(width, question, reading, data.footer(counts), len(panels),
                              ROW * len(models) + 0.06, columns=1 if width == COLUMN else 2,
                              left=left, right=right, above=0.24 + lines * LINE, below=0.44)
    rows = []
    for ax, panel in zip(axes, panels):
        panel.draw(ax, left, usable)
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
        # Only what the panel shows at all has a place in its key.
        self.looks = {word: look for word, (keys, look) in of.items()
                      if any(self._took(m, word) for m in self.spent)}

    def _took(self, model, word):
        return sum(self.spent[model]["on_path"][key] for key in self.of[word][0])

    def _total(self, model):
        return sum(self._took(model, word) for word in self.of)

    def draw(self, ax, left, usable):
        whole = self.of is PARTS
        totals = {m: self._total(m) for m in self.spent}
        texts = {m: units.duration(total) for m, total in totals.items()}
        end = axis(ax, len(self.models), list(totals.values()),
                   "time to finish everything ({unit})" if whole else "lost of it ({unit})",
                   texts=texts.values())
        for y, model in enumerate(self.models):
            if model in self.spent:
                stack(ax, y, [(self._took(model, word), look)
                              for word, look in self.looks.items()], end, texts[model])
            else:
                say(ax, y, why_absent(row_of(self.cell, model)))
        ideal = self.cell["greedy_ns"] if whole else self.ideal_loss
        if ideal and ideal > 0.02 * ax.get_xlim()[1]:
            ax.axvline(ideal, **style.IDEAL, zorder=5)
        # Colours are what goes on: names have none.
        ax.set_yticks(range(len(self.models)), [self.data.styles[m].label for m in self.models],
                      size=7.5)
        lines = len(key_lines(self.looks, usable))
        name, words = (self.cell["scenario"], told_of(self.cell)) if whole else (
            "the losses alone", f"{self.cell['scenario']}, enlarged")
        title(ax, name, words, left - MARGIN / 2, lines * LINE)
        key(ax, self.looks, left - MARGIN / 2, usable)

    def rows(self):
        if self.of is not PARTS:
            return []  # they are among those of the whole
        name, rows = self.cell["scenario"], []
        if self.cell["greedy_ns"]:
            rows.append(plotted(name, "", "greedy", "", self.cell["greedy_ns"]))
        for model in [m for m in self.models if m in self.spent]:
            e = self.spent[model]["makespan_ns"]
            rows.append(plotted(name, model, "median", "", e["median"], e["low"], e["high"],
                                e["n"]))
            rows += [plotted(name, model, word, "", self._took(model, word)) for word in self.of]
        return rows


def _not_run(data, cells, models):
    """Names the models that have no bar in any of the cells."""
    absent = [m for m in data.models_of([cell for cell, _ in cells]) if not any(
        m in (row["model"] for row in spent["models"]) for _, spent in cells)]
    return f"Not run: {', '.join(absent)}. " if absent else ""


def _note(cells, drawn):
    told = [f"**{cell['scenario']}**, {told_of(cell)}: {sentence}"
            for (cell, _), rows in zip(cells, drawn) if (sentence := why_the_slowest_lost(rows))]
    told.append(
        "A bar is the run with the median time, or the mean of the middle two. Lost is what neither "
        "waits nor computing asked for: a wait that ended after it was due, a turn that was ready "
        "and not run, computing slower than usual because the CPU was shared, and the time before "
        "the first turn of the chain and after its last.")
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
    sizes = {word: sum(row["on_path"][key] for key in keys) for word, (keys, _) in LOSSES.items()}
    word = max(sizes, key=sizes.get)
    return f", mostly {word}" if sizes[word] else ""
