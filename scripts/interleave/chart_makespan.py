"""Who finishes first as agents grow, and what does one more worker buy? Time over either."""

from . import style, units
from .chart_data import IDEAL_WORDS, cpu_words, has_measurements, plotted, row_of
from .chart_lines import (LEFT, alt_text, dodge_of, grid, line, line_rows, log_x, log_y, markers,
                          start)
from .labels import label_line_ends
from .sheet import Drawing, NothingToDraw, panel_title


def who_finishes_first_as_agents_grow(data, width):
    series = data.races()
    if not series:
        raise NothingToDraw("no scenario was measured at two numbers of agents")
    return _makespan(data, width, series, "agents", "makespan-over-agents",
                     "Who finishes first as agents grow?", "agents (log scale)")


def what_does_one_more_worker_buy(data, width):
    series = [cells for cells in data.series("workers") if has_measurements(cells)]
    if not series:
        raise NothingToDraw("no scenario was measured at two numbers of workers")
    return _makespan(data, width, series, "workers", "makespan-over-workers",
                     "What does one more worker buy?", "workers (log scale)")


def _makespan(data, width, series, along, name, question, x_label):
    everything = [c for cells in series for c in cells]
    models = data.lines(everything)
    what = "Workers: threads that may compute at once. " if along == "workers" else ""
    reading = (f"{what}Lower is better. {markers(everything)} Grey area: no machine with "
               f"{cpu_words(everything)} can be faster. {IDEAL_WORDS} "
               "Hollow: not run, shown at the least time that its structure allows. "
               f"{data.marks(everything, models)}")
    figure, axes = start(data, width, series, question, reading,
                         texts=[data.styles[m].label for m in models])
    rows = []
    for ax, cells, (scenario, differs) in zip(axes, series, data.titles(series, along)):
        key = " ".join(filter(None, (scenario, differs)))
        rows += _makespan_panel(data, ax, cells, models, along, key, x_label)
        panel_title(ax, scenario, differs or style.SCENARIOS.get(scenario, ""), left=LEFT - 0.02)
    alt = alt_text(f"Lines of the time to finish everything over the number of {along}, one panel "
                   "per scenario.", series, lambda r: units.duration(r["makespan_ns"]["median"]),
                   along, "makespan_ns")
    return Drawing(name, question, reading, alt, figure, rows, axes=axes)


def _makespan_panel(data, ax, cells, models, along, key, x_label):
    rows, ends = [], []
    log_x(ax, cells, along, x_label, len(models))
    bound = [(c["params"][along], c["lb_ns"]) for c in cells if c["lb_ns"]]
    greedy = [(c["params"][along], c["greedy_ns"]) for c in cells if c["greedy_ns"]]
    shown = [y for _, y in bound + greedy]
    for cell in cells:
        for row in filter(None, (row_of(cell, model) for model in models)):
            if row["makespan_ns"]:
                shown += [s["makespan_ns"] for s in data.raw(cell, row["model"])]
            elif row["skipped_by_bound"] and row["lb_model_ns"]:
                shown.append(row["lb_model_ns"])
    log_y(ax, shown, units.duration, room_below=_room_for_words(ax, shown) if bound else 1.3)
    ax.set_ylabel("time to finish everything")
    grid(ax)
    if bound:
        ax.fill_between(*_to_the_edges(ax, bound), ax.get_ylim()[0], color=style.BOUND_FILL,
                        lw=0, zorder=0)
        _name_the_impossible(ax, bound)
        rows += [plotted(key, "", "bound", x, y) for x, y in bound]
    if greedy:
        ax.plot(*_to_the_edges(ax, greedy), **style.IDEAL, zorder=4.5)
        rows += [plotted(key, "", "greedy", x, y) for x, y in greedy]
    for i, model in enumerate(models):
        look, dodge = data.styles[model], dodge_of(cells, along, i, len(models))
        present = [(c, row_of(c, model)) for c in cells if row_of(c, model)]
        raw = [(c["params"][along], s["makespan_ns"]) for c, _ in present
               for s in data.raw(c, model)]
        points = [(c["params"][along], r["makespan_ns"]) for c, r in present if r["makespan_ns"]]
        hollow = [(c["params"][along], r["lb_model_ns"]) for c, r in present
                  if r["skipped_by_bound"] and r["lb_model_ns"]]
        ends += line(ax, look, dodge, raw, points, hollow)
        rows += line_rows(key, model, raw, points, hollow, None)
    label_line_ends(ax, ends)
    return rows


def _to_the_edges(ax, points):
    """Their xs and ys, and level on to both edges of the panel, where no line of a model lies."""
    left, right = ax.get_xlim()
    return ([left] + [x for x, _ in points] + [right],
            [points[0][1]] + [y for _, y in points] + [points[-1][1]])


def _room_for_words(ax, values):
    """The factor below the least value that leaves a line of text its height."""
    share = 15 / (ax.get_window_extent().height * 72 / ax.figure.dpi)
    return max(1.9, (max(values) * 1.3 / min(values)) ** (share / (1 - share)))


def _name_the_impossible(ax, bound):
    """Says in the grey area itself what it is, where it is tall enough for a line of text."""
    points = 72 / ax.figure.dpi
    floor = ax.get_window_extent().y0
    least = min(ax.transData.transform(p)[1] for p in bound) - floor
    if least * points > 12:
        ax.annotate("faster than possible", (0, 0), (5, 3.5), xycoords="axes fraction",
                    textcoords="offset points", size=7, color=style.QUIET)
