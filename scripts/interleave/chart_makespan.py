"""Who finishes first as agents grow, and what does one more worker buy? Time over either."""

from . import style, units, usl
from .chart_data import IDEAL_WORDS, cpu_words, has_measurements, plotted, row_of
from .chart_lines import (LEFT, alt_text, dodge_of, grid, line, line_rows, log_x, log_y, markers,
                          start)
from .groups import give, panel_of
from .labels import label_line_ends
from .sheet import Drawing, NothingToDraw, panel_title


def who_finishes_first_as_agents_grow(data, width):
    series = data.races()
    if not series:
        raise NothingToDraw("no scenario was measured at two numbers of agents")
    return _makespan(data, width, series, "agents", "makespan-over-agents",
                     "Who finishes first as agents grow?", "agents (log scale)")


def what_does_one_more_worker_buy(data, width):
    # How small the work may be on each number of workers is a question of its own.
    series = [cells for cells in data.series("workers") if has_measurements(cells)
              and not cells[0]["params"].get("grain_us")]
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
    laws = [{m: _law(cells, m) if along == "workers" else (None, "") for m in models}
            for cells in series]
    if along == "workers":
        reading = f"{reading.rstrip()} {_words_of_laws(laws)}"
    figure, axes = start(data, width, series, question, reading,
                         texts=[data.styles[m].label for m in models])
    rows = []
    for ax, cells, found, (scenario, differs) in zip(axes, series, laws,
                                                     data.titles(series, along)):
        key = " ".join(filter(None, (scenario, differs)))
        rows += _makespan_panel(data, ax, cells, models, along, key, x_label)
        for i, model in enumerate(models):
            if found[model][0]:
                dodge = dodge_of(cells, along, i, len(models))
                rows += _draw_law(ax, data.styles[model], dodge, cells, key, model, found[model][0])
        panel_of(ax, scenario)
        panel_title(ax, scenario, differs or style.SCENARIOS.get(scenario, ""), left=LEFT - 0.02)
    alt = alt_text(f"Lines of the time to finish everything over the number of {along}, one panel "
                   "per scenario.", series, lambda r: units.duration(r["makespan_ns"]["median"]),
                   along, "makespan_ns")
    return Drawing(name, question, reading, alt, figure, rows, axes=axes)


def _law(cells, model):
    """The scaling law of a model's speeds, 1 over its median time, and why there is none."""
    return usl.fit([(c["params"]["workers"], 1 / row["makespan_ns"]["median"]) for c in cells
                    if (row := row_of(c, model)) and row["makespan_ns"]])


def _words_of_laws(laws):
    reasons = sorted({why for found in laws for law, why in found.values() if not law})
    if any(law for found in laws for law, _ in found.values()):
        return ("Thin curve: Gunther's scaling law, where the numbers of workers are enough to fit "
                "it.")
    return f"No curve between the points: {'; '.join(reasons)}."


def _draw_law(ax, look, dodge, cells, key, model, law):
    """Its curve over the measured numbers of workers; its values there, and its parameters."""
    counts = [c["params"]["workers"] for c in cells]
    steps = [counts[0] * (counts[-1] / counts[0]) ** (i / 60) for i in range(61)]
    give(model, *ax.plot([n * dodge for n in steps], [1 / law.speed(n) for n in steps],
                         color=look.ink, lw=0.7, alpha=0.8, zorder=3.5))
    return [*(plotted(key, model, "scaling law", n, 1 / law.speed(n)) for n in counts),
            plotted(key, model, "scaling law: queueing share", "", law.s),
            plotted(key, model, "scaling law: cost of agreeing", "", law.k)]


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
