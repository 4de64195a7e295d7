"""How small may the work be? Efficiency over what one turn computes, METG(50 %) marked."""

import math

from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from . import stats, style, units
from .chart_data import IDEAL_WORDS, plotted, row_of
from .chart_lines import LEFT, grid, line, line_rows, markers
from .grain import (ABOVE, BELOW, HALF, NEVER, common_params, curves, grain_ns, is_number,
                    place)
from .groups import belongs_to, panel_of
from .sheet import COLUMN, MARGIN, Drawing, NothingToDraw, make_sheet, panel_title, widest

SIZE, STEP = 7.0, 0.135  # points, and inches from one line of the list to the next
HEAD = "half is kept from"


def how_small_may_the_work_be(data, width):
    series = _series(data)
    if not series:
        raise NothingToDraw("no scenario was measured at two sizes of computing a turn (`grain`)")
    everything = [c for cells in series for c in cells]
    models = data.lines(everything)
    found = {(r["scenario"], _key(r["params"]), r["model"]): r
             for r in data.summary.get("grain") or []}
    lists = [_ranked(data, cells, models, found) for cells in series]
    question = "How small may the work be?"
    reading = ("Share of the possible speed that is left when a turn computes this little. Further "
               "left is better. Large marks and list: the least work a turn that keeps half, "
               f"METG(50 %), with 95 % interval. {IDEAL_WORDS} "
               f"{markers(everything)}{_words_of_none(lists)} {data.marks(everything, models)}")
    note = ("METG(50 %): minimum effective task granularity (Slaughter et al., Task Bench, SC'20), "
            "here the computing of a turn alone, at the usual cost of its units in that process. "
            "Interpolated between the two sizes around it in each block, then the median over the "
            "blocks; where a curve crosses the line more than once, the largest crossing.")
    under = width == COLUMN
    figure, axes = _sheet(data, width, question, reading, everything, lists, under)
    rows, told = [], []
    for ax, cells, ranked, (scenario, differs) in zip(axes, series, lists,
                                                      data.titles(series, "grain_us")):
        key = " ".join(filter(None, (scenario, differs)))
        rows += _panel(data, ax, cells, models, key, [r for _, r in ranked])
        _list(ax, data, ranked, under)
        panel_of(ax, scenario)
        panel_title(ax, scenario, differs or style.SCENARIOS.get(scenario, ""), left=LEFT - 0.02)
        told.append(f"{key}: " + ", ".join(f"{m} {metg_text(r)}" for m, r in ranked) + ".")
    alt = ("Lines of efficiency over what a turn computes. Least computing a turn at half "
           "efficiency: " + " ".join(told))
    return Drawing("efficiency-over-grain", question, reading, alt, figure, rows, note, axes)


def metg_text(row):
    """A model's METG in a word, whatever it is."""
    if row is None:
        return "not known"
    value = row["metg_ns"]["median"]
    return {BELOW: f"< {units.duration(row['smallest_ns'])}",
            ABOVE: f"> {units.duration(row['largest_ns'])}",
            NEVER: "never"}.get(value) or units.duration(value)


def _series(data):
    """Series along the grain in which anything has an efficiency: of each scenario those at the
    default number of workers, or at the most workers where it was not measured at that."""
    series = [[c for c in cells if _grain_of(data, c)] for cells in curves(data.summary["cells"])]
    series = [cells for cells in series if len(cells) > 1
              and any(r["efficiency"] for c in cells for r in c["models"])]
    kept = []
    for cells in series:
        rivals = {s[0]["params"].get("workers") or 0 for s in series
                  if s[0]["scenario"] == cells[0]["scenario"]}
        default = data.summary["default_workers"]
        if (cells[0]["params"].get("workers") or 0) == (
                default if default in rivals else max(rivals)):
            kept.append(cells)
    return kept


def _grain_of(data, cell):
    """The time that one turn of the cell computes, or None."""
    times = [ns for r in cell["models"] for ns in map(grain_ns, data.raw(cell, r["model"])) if ns]
    return stats.median(times) if times else None


def _key(params):
    """Agents do not tell curves apart, see `curves`."""
    return tuple(sorted((k, str(v)) for k, v in params.items() if k != "agents"))


def _ranked(data, cells, models, found):
    """(model, its row of METG or None), the smallest first."""
    present = [m for m in models if any(row_of(c, m) for c in cells)]
    rows = [(m, found.get((cells[0]["scenario"], _key(common_params(cells)), m))) for m in present]

    def rank(item):
        _, row = item
        value = row["metg_ns"]["median"] if row else None
        return (row is None, value == NEVER, place(value) if row else 0)

    return sorted(rows, key=rank)


def _words_of_none(lists):
    values = {r["metg_ns"]["median"] for ranked in lists for _, r in ranked if r}
    words = {BELOW: "<: half is kept even at the smallest size measured.",
             ABOVE: ">: not even at the largest.",
             NEVER: "never: its structure allows hardly more than half."}
    return "".join(f" {words[v]}" for v in words if v in values)


def _sheet(data, width, question, reading, cells, lists, under):
    texts = [_line_of_list(data, m, r) for ranked in lists for m, r in ranked]
    longest = max(len(ranked) for ranked in lists)
    columns = 1 if not under else _columns(width, texts)
    counts = [r["n"] for c in cells for r in c["models"] if r["n"]]
    below = 0.42 + (STEP * (1 - -longest // columns) + 0.06 if under else 0)
    return make_sheet(width, question, reading, data.footer(counts), len(lists),
                      max(1.75, STEP * (longest + 1)) if not under else 1.75, columns=1, left=LEFT,
                      right=0.1 if under else widest(texts, SIZE) + 0.35, below=below)


def _columns(width, texts):
    return 2 if 2 * (widest(texts, SIZE) + 0.2) < width - 2 * MARGIN else 1


def _line_of_list(data, model, row):
    return f"{data.styles[model].label}  {metg_text(row)}"


def _panel(data, ax, cells, models, key, found):
    xs = [_grain_of(data, c) for c in cells]
    _axes(data, ax, xs, cells, models)
    rows = []
    for model in models:
        look = data.styles[model]
        present = [(x, c, row_of(c, model)) for x, c in zip(xs, cells) if row_of(c, model)]
        raw = [(x, e) for x, c, _ in present for s in data.raw(c, model)
               if (e := stats.efficiency(s.get("greedy_ns"), s["makespan_ns"])) is not None]
        points = [(x, r["efficiency"]) for x, _, r in present if r["efficiency"]]
        hollow = [(x, r["ceiling"]) for x, _, r in present
                  if r["skipped_by_bound"] and r["ceiling"]]
        # No sideways steps as elsewhere: where a line crosses the half is what the figure is for.
        line(ax, look, 1, raw, points, hollow)
        rows += line_rows(key, model, raw, points, hollow, 6)
    for row in filter(None, found):
        with belongs_to(ax, row["model"]):
            _mark(ax, data.styles[row["model"]], row["metg_ns"])
        e = row["metg_ns"]
        rows.append(plotted(key, row["model"], "METG(50 %) in ns", e["median"], HALF, e["low"],
                            e["high"], e["n"]))
    return rows


def _axes(data, ax, xs, cells, models):
    edge = (xs[-1] / xs[0]) ** 0.03
    ax.set_xscale("log")
    ax.set_xlim(xs[0] / edge, xs[-1] * edge)
    decades = range(math.floor(math.log10(xs[0] / edge)), math.ceil(math.log10(xs[-1] * edge)) + 1)
    low, high = ax.get_xlim()
    ax.xaxis.set_major_locator(FixedLocator([10**k for k in decades if low <= 10**k <= high]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: units.tick(units.duration, x)))
    ax.xaxis.set_minor_locator(FixedLocator(sorted(xs)))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("computing of one turn (log scale)")
    reached = [e for c in cells for m in models for s in data.raw(c, m)
               if (e := stats.efficiency(s.get("greedy_ns"), s["makespan_ns"])) is not None]
    ax.set_ylim(0, max([1.06] + [e * 1.03 for e in reached]))
    ax.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y * 100:.0f} %"))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylabel("share of the possible speed")
    inches = ax.get_window_extent().width / ax.figure.dpi
    ax.yaxis.set_label_coords(-(LEFT - 0.12) / inches, 0.5)
    ax.axhline(1, **style.IDEAL, zorder=4.5)
    ax.axhline(HALF, color=style.INK, lw=0.7, zorder=4.5)
    grid(ax)


def _mark(ax, look, e):
    """A large mark where a model's line crosses the half; none where that is not a number."""
    if not is_number(e["median"]):
        return
    left, right = ax.get_xlim()
    if e["low"] is not None:
        low, high = ({BELOW: left, ABOVE: right}.get(v, v) for v in (e["low"], e["high"]))
        ax.plot([low, high], [HALF, HALF], color=look.ink, lw=2.4, zorder=5,
                solid_capstyle="butt")
    ax.plot([e["median"]], [HALF], ls="none", marker=look.marker, ms=7.5, color=look.colour,
            mec="white", mew=0.7, zorder=6, clip_on=False)


def _list(ax, data, ranked, under):
    """The models with their METG, right of the panel or under it, each with its mark."""
    box, dpi = ax.get_window_extent(), ax.figure.dpi
    width, height = box.width / dpi, box.height / dpi
    sheet = ax.figure.get_figwidth()
    columns = _columns(sheet, [_line_of_list(data, m, r) for m, r in ranked]) if under else 1
    lines = -(-len(ranked) // columns)
    left, top = (0.14 - LEFT, -0.42) if under else (width + 0.14, height)
    ax.text((left - 0.04) / width, (top - STEP / 2) / height, HEAD, size=SIZE, color=style.QUIET,
            transform=ax.transAxes, va="center_baseline", ha="left", clip_on=False)
    for i, (model, row) in enumerate(ranked):
        column, place_in = divmod(i, lines)
        x, y = left + column * (sheet - 2 * MARGIN) / 2, top - STEP * (place_in + 1.5)
        look = data.styles[model]
        with belongs_to(ax, model):
            ax.plot([x / width], [y / height], ls="none", marker=look.marker, ms=4.5,
                    color=look.colour, transform=ax.transAxes, clip_on=False)
            ax.text((x + 0.09) / width, y / height, _line_of_list(data, model, row), size=SIZE,
                    color=look.ink, transform=ax.transAxes, va="center_baseline", ha="left",
                    clip_on=False)
