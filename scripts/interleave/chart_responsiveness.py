"""Does everything else stay responsive? How late heartbeats are, from the usual one to the rare."""

from . import histograms, style, units
from .chart_data import MOST_LINES, plotted
from .chart_lines import LEFT, grid, log_y
from .groups import give, panel_of
from .labels import label_line_ends
from .percentile_axis import TICKS, at, percentile_axis
from .responsiveness import merged, period_words, usual_worst
from .sheet import COLUMN, Drawing, NothingToDraw, make_sheet, measure, panel_title, widest
from .stats import percentile_allowed

LEAST = 90  # a percentile; a model whose heartbeats are not enough for it has no line
APART = 2.0  # how many times as late another use of a library must be for a line of its own
# The second: Miller (1968), up to a tenth of a second an answer seems to come at once.
LEVELS = (10_000_000, 100_000_000)


def does_everything_else_stay_responsive(data, width):
    curves = _curves(data)
    drawn = {cell_id for cell_id, _ in curves}
    cells = [c for c in data.summary["instrumented_cells"] if c["cell_id"] in drawn]
    if not cells:
        raise NothingToDraw("nothing was measured with heartbeats" if not _section(data) else
                            "too few heartbeats for more than their median")
    measured = [m for m in data.about if any(model == m for _, model in curves)]
    models = lines(data, cells, measured)
    cells = [c for c in cells if any((c["cell_id"], m) in curves for m in models)]
    question = "Does everything else stay responsive?"
    reading = (f"While the agents work, a heartbeat is due every {_period(cells)}; what makes it "
               "late makes everything else in its process late. Lower is better. At 99 %: all but "
               "1 in 100 were at most this late. Tinted: 10 ms late or more; above 100 ms a person "
               f"notices. {_which(data, measured, models)}")
    figure, axes = _sheet(data, width, cells, question, reading, models)
    shown = [ns for (_, model), curve in curves.items() if model in models for _, ns in curve]
    rows = []
    for ax, cell, (scenario, differs) in zip(axes, cells, data.titles([[c] for c in cells], "")):
        own = {m: curves[cell["cell_id"], m] for m in models if (cell["cell_id"], m) in curves}
        key = " ".join(filter(None, (scenario, differs)))
        rows += _panel(data, ax, cell, key, own, shown)
        panel_of(ax, scenario)
        panel_title(ax, scenario, differs or style.SCENARIOS.get(scenario, ""), left=LEFT - 0.02)
    alt = ("Lines of how late heartbeats are, from the median to the rarest that enough of them "
           "bear out, one panel per scenario. " + " ".join(_in_words(data, c) for c in cells))
    return Drawing("responsiveness", question, reading, alt, figure, rows, axes=axes)


def _sheet(data, width, cells, question, reading, models):
    counts = [r["samples"] for c in cells for r in _rows(data, c)]
    figure, axes = make_sheet(
        width, question, reading, data.footer(counts), len(cells), 2.15, below=0.54,
        columns=1 if width == COLUMN or len(cells) == 1 else 2, left=LEFT,
        right=widest([data.styles[m].label for m in models], 7.5) + 0.2)
    for ax in axes:
        inches = ax.get_window_extent().width / figure.dpi
        ax.yaxis.set_label_coords(-(LEFT - 0.12) / inches, 0.5)
    return figure, axes


def _section(data):
    return (data.summary.get("responsiveness") or {}).get("cells", [])


def _rows(data, cell):
    """What is known of each model in this cell, the best first."""
    return next((c["models"] for c in _section(data) if c["cell_id"] == cell["cell_id"]), [])


def _curves(data):
    """(cell, model) -> its points from the median on, where the heartbeats are enough for more."""
    curves = {}
    for cell in data.summary["instrumented_cells"]:
        for row in _rows(data, cell):
            lags, longest = merged(data.raw(cell, row["model"]))
            if percentile_allowed(LEAST, histograms.count(lags)):
                middle = (50.0, histograms.percentile(lags, 50, longest))
                rest = [p for p in histograms.curve(lags, longest) if p[0] > 50]
                curves[cell["cell_id"], row["model"]] = [middle, *rest]
    return curves


def lines(data, cells, models):
    """The models that a panel has room for: all, or of each library its most and its least
    responsive use, where they are far apart, the widest apart first; then one use of each other
    library, the plain one or the reference before the rest, and of those the latest first."""
    if len(models) <= MOST_LINES:
        return models
    lags = [{r["model"]: max(usual_worst(r), 1) for r in _rows(data, c)} for c in cells]
    families = {}
    for model in models:
        families.setdefault(data.about[model].get("family") or model, []).append(model)
    chosen, alone = [], []
    for family, members in families.items():
        apart, least, most = max((_ends(lag, members) for lag in lags), key=lambda e: e[0])
        if apart >= APART:
            chosen.append((-apart, family, [least, most]))
        else:
            model = family if family in members else members[0]
            plain = data.about[model].get("rung") == "reference" or \
                data.about[model].get("structure") == "sequential"
            alone.append((not plain, -max(lag.get(model, 0) for lag in lags), family, [model]))
    ordered = [m for *_, both in sorted(chosen) for m in both]
    ordered += [m for *_, one in sorted(alone) for m in one]
    return [m for m in models if m in ordered[:MOST_LINES]]


def _ends(lag, members):
    """How far apart the most and the least responsive of them are in one panel, and which."""
    known = sorted((m for m in members if m in lag), key=lambda m: (lag[m], m))
    return (lag[known[-1]] / lag[known[0]], known[0], known[-1]) if known else (0, "", "")


def _which(data, measured, drawn):
    words = style.rung_words([data.about[m] for m in drawn])
    if len(drawn) < len(measured):
        words += (f" {len(drawn)} of {len(measured)} models: libraries at their most and their "
                  "least responsive, the widest apart first. The table has all.")
    return words.strip()


def _period(cells):
    return " or ".join(period_words(p) for p in sorted({c["params"]["heartbeat_us"]
                                                        for c in cells}))


def _panel(data, ax, cell, key, own, shown):
    rows, ends = [], []
    last = max(curve[-1][0] for curve in own.values())
    percentile_axis(ax, last, "later", "share of heartbeats that were at most this late")
    # Both thresholds are there even where nobody comes near: that is what is to be seen.
    log_y(ax, [*shown, *LEVELS, 2 * max(*shown, *LEVELS)], units.duration)
    grid(ax)
    ax.set_ylabel("how late (log scale)")
    missed = LEVELS[0] / (cell["params"]["heartbeat_us"] * 1000)
    paths = [_path(ax, curve) for curve in own.values()]
    _mark(ax, LEVELS[0], f"{missed:g} beats late", 0.5, paths)
    _mark(ax, LEVELS[1], "a person notices", 1, paths)
    rows += [plotted(key, "", "threshold", "", level) for level in LEVELS]
    counts = {r["model"]: r["beats"] for r in _rows(data, cell)}
    for model, curve in own.items():
        look = data.styles[model]
        give(model, *ax.plot([at(q) for q, _ in curve], [ns for _, ns in curve],
                             color=look.colour, ls=look.dash, drawstyle="steps-pre", zorder=4))
        marked = [(q, next(ns for of, ns in curve if of >= q)) for q in TICKS if q <= curve[-1][0]]
        give(model, *ax.plot([at(q) for q, _ in marked], [ns for _, ns in marked], ls="none",
                             color=look.colour, marker=look.marker, zorder=4.2))
        ends.append((at(curve[-1][0]), curve[-1][1], look.label, look))
        rows += [plotted(key, model, "late", round(q, 6), ns, n=counts[model]) for q, ns in curve]
    label_line_ends(ax, ends)
    return rows


def _path(ax, curve):
    """The pixels along a line, its upright parts too."""
    corners = [(at(q), ns) for q, ns in curve]
    corners = [corners[0]] + [p for (x, _), (to, y) in zip(corners, corners[1:])
                              for p in ((x, y), (to, y))]
    pixels = ax.transData.transform(corners)
    along = []
    for (x0, y0), (x1, y1) in zip(pixels, pixels[1:]):
        steps = int(max(abs(x1 - x0), abs(y1 - y0)) / 2) + 1
        along += [(x0 + (x1 - x0) * i / steps, y0 + (y1 - y0) * i / steps) for i in range(steps)]
    return along


def _mark(ax, level, words, shade, paths):
    """A threshold, all above it tinted, and its words where no line crosses them, if anywhere."""
    ax.axhspan(level, ax.get_ylim()[1], color=style.mix("#FFFFFF", style.VERMILION, 0.07 * shade),
               lw=0, zorder=0)
    ax.axhline(level, color=style.QUIET, lw=0.7, ls=(0, (1, 1.5)), zorder=1)
    box, dpi = ax.get_window_extent(), ax.figure.dpi
    wide, tall = measure(words, 7) * dpi, 9 / 72 * dpi
    line = ax.transData.transform((0, level))[1]
    heights = [line + 1, line + tall / 2]
    if level == max(LEVELS):  # nothing else is named above it
        heights += [(line + box.y1 - tall) / 2, box.y1 - tall]
    places = [(box.x0 + 4 + i * (box.width - wide - 8) / 40, y)
              for y in heights for i in range(41)]

    def free(place):
        return not any(place[0] - 4 <= x <= place[0] + wide + 4 and place[1] - 2 <= y
                       <= place[1] + tall for path in paths for x, y in path)

    found = next(filter(free, places), None)
    if found:
        at = ((found[0] - box.x0) / box.width, (found[1] + 2 - box.y0) / box.height)
        ax.annotate(words, at, xycoords="axes fraction", size=7, color=style.QUIET, zorder=6,
                    va="bottom")


def _in_words(data, cell):
    told = [f"{r['model']} {units.duration(usual_worst(r))}" for r in _rows(data, cell)
            if r["p99_ns"] is not None]
    if not told:
        return f"{cell['scenario']}: too few heartbeats to tell the latest 1 in 100."
    return f"{cell['scenario']}, all but 1 in 100 within: {', '.join(told)}."
