"""How far from possible is each model, and how far could its structure have come?"""

from matplotlib.ticker import FixedLocator, FuncFormatter

from . import style, units
from .chart_data import plotted, row_of
from .chart_lines import LEFT, alt_text, dodge_of, grid, line, line_rows, log_x, markers, start
from .groups import give, panel_of
from .labels import label_line_ends
from .sheet import Drawing, NothingToDraw, panel_title
from .stats import efficiency


def how_far_from_possible(data, width):
    # Where there is nothing to do, as in `empty`, nothing can be close to it.
    series = [cells for cells in data.races()
              if any(r["efficiency"] for c in cells for r in c["models"])]
    if not series:
        raise NothingToDraw("no scenario was measured at two numbers of agents")
    everything = [c for cells in series for c in cells]
    models = data.lines(everything)
    question = "How far from possible?"
    reading = ("Share of the possible speed that was reached. Dashed: an ideal scheduler without "
               "any overhead (100 %). Higher is better. "
               f"{markers(everything)} Thin line: the most that the "
               "model's structure allows; hollow: not run, shown at that ceiling. "
               f"{data.marks(everything, models)}")
    figure, axes = start(data, width, series, question, reading,
                         texts=[data.styles[m].label for m in models])
    rows = []
    for ax, cells, (name, differs) in zip(axes, series, data.titles(series, "agents")):
        key = " ".join(filter(None, (name, differs)))
        log_x(ax, cells, "agents", "agents (log scale)", len(models))
        reached = [v for c in cells for m in models for v in _efficiencies(data, c, m)]
        ax.set_ylim(0, max([1.06] + [v * 1.03 for v in reached]))
        ax.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y * 100:.0f} %"))
        ax.set_ylabel("share of the possible speed")
        ax.axhline(1, **style.IDEAL, zorder=4.5)
        grid(ax)
        ends = []
        for i, model in enumerate(models):
            look, dodge = data.styles[model], dodge_of(cells, "agents", i, len(models))
            present = [(c, row_of(c, model)) for c in cells if row_of(c, model)]
            ceiling = [(c["params"]["agents"], r["ceiling"]) for c, r in present if r["ceiling"]]
            give(model, *ax.plot([x * dodge for x, _ in ceiling], [y for _, y in ceiling],
                                 color=look.colour, lw=0.6, alpha=0.7, zorder=2))
            rows += [plotted(key, model, "ceiling", x, y) for x, y in ceiling]
            raw = [(c["params"]["agents"], y) for c, _ in present
                   for y in _efficiencies(data, c, model)]
            points = [(c["params"]["agents"], r["efficiency"]) for c, r in present
                      if r["efficiency"]]
            hollow = [(c["params"]["agents"], r["ceiling"]) for c, r in present
                      if r["skipped_by_bound"] and r["ceiling"]]
            ends += line(ax, look, dodge, raw, points, hollow)
            rows += line_rows(key, model, raw, points, hollow, 6)
        panel_of(ax, name)
        panel_title(ax, name, differs or style.SCENARIOS.get(name, ""), left=LEFT - 0.02)
        label_line_ends(ax, ends)
    alt = alt_text("Lines of efficiency over the number of agents, one panel per scenario.", series,
                   lambda r: units.percent(r["efficiency"]["median"]), "agents", "efficiency")
    return Drawing("efficiency-over-agents", question, reading, alt, figure, rows, axes=axes)


def _efficiencies(data, cell, model):
    found = (efficiency(s.get("greedy_ns"), s["makespan_ns"]) for s in data.raw(cell, model))
    return [value for value in found if value is not None]
