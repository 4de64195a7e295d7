"""What rate of arrivals can each model keep up with? How long a session takes, over the rate."""

from . import style, units
from .chart_data import plotted
from .chart_lines import LEFT, dodge_of, grid, line, log_x, log_y
from .groups import give, panel_of
from .labels import label_line_ends
from .open_loop import SCENARIO, knee_words, little_words, rate_words
from .sheet import COLUMN, PAGE, Drawing, NothingToDraw, make_sheet, panel_title, widest

QUESTION = "What rate of arrivals can it keep up with?"
FARTHEST = 2  # the axis reaches to the capacity if that is at most so many times the highest rate
HEIGHT = 2.5
STEP = 0.4  # of the usual step aside: here a place on the axis is a claim


def what_rate_can_it_keep_up_with(data, width):
    chosen = _series(data)
    cells = [c for c in data.summary["cells"] if c["scenario"] == SCENARIO]
    models = [m for m in data.lines(cells) if any(_known(_of(s, m)) for s in chosen)]
    names = {(i, m): _name(data, s, m, width) for i, s in enumerate(chosen) for m in models}
    counts = [r["runs"] for s in chosen for m in s["models"] for r in m["rates"]]
    reading = _reading(data, chosen, cells, models, width)
    figure, axes = make_sheet(
        width, QUESTION, reading, data.footer(counts), len(chosen), HEIGHT,
        columns=1 if width == COLUMN else 2, left=LEFT,
        right=widest(names.values(), 7.5) + 0.2)
    rows = []
    for i, (ax, series) in enumerate(zip(axes, chosen)):
        rows += _panel(data, ax, series, models, {m: names[i, m] for m in models})
        share = series["params"].get("cpu_share")
        told = f"CPU share {units.exact_percent(share)}" if share and len(chosen) > 1 else ""
        panel_of(ax, SCENARIO)
        panel_title(ax, SCENARIO, told or style.SCENARIOS.get(SCENARIO, ""), left=LEFT - 0.02)
    return Drawing("open-loop", QUESTION, reading, _alt(chosen), figure, rows, NOTE, axes)


NOTE = ("The knee, by a rule fixed beforehand: the highest measured rate up to which nine of ten "
        "sessions take at most twice as long as with the best model at the lowest rate. A session "
        "counts from the moment it was meant to arrive, so a model cannot hide a delay by letting "
        "it in late. Percentiles are those of all runs' sessions together, and only where they are "
        "enough (64 for nine of ten).")


def _series(data):
    section = data.summary.get("open_loop")
    found = section["series"] if section else []
    chosen = [s for s in found if s["params"].get("workers") == data.summary["default_workers"]
              and s["lowest_rate_per_s"] < s["highest_rate_per_s"]
              and any(_known(m) for m in s["models"])]
    if not chosen:
        raise NothingToDraw(f"`{SCENARIO}` was not measured at two rates of arrivals, with enough "
                            "sessions for the time that nine of ten take at most")
    return chosen


def _of(series, model):
    return next((m for m in series["models"] if m["model"] == model), None)


def _known(row):
    return [r for r in row["rates"] if r["p90_ns"]] if row else []


def _name(data, series, model, width):
    """On a page with the rate that it keeps up with; in a column there is no room for it."""
    row, label = _of(series, model), data.styles[model].label
    if width != PAGE or row is None:
        return label
    return f"{label}: {knee_words(row, series['lowest_rate_per_s'])}"


def _reading(data, chosen, cells, models, width):
    told = " (beside each name)" if width == PAGE else ""
    parts = ["From when a session was meant to arrive to its last answer: lower is better, and a "
             "line that climbs has lost. Line: the time that nine of ten sessions take at most; "
             f"thin: half of them. Ring: the knee, the last rate it keeps up with{told}."]
    for series in chosen[:1]:
        capacity = series["capacity"]
        if capacity:
            cpus = units.plural(series["cpus"], "CPU")
            beyond = "" if _shows_capacity(series) else \
                f": above {rate_words(capacity['rate_per_s'])}, beyond this axis"
            parts.append(f"{'Grey' if not beyond else 'Not shown'}: more than {cpus} can compute"
                         f"{beyond} (by the CPU time of {capacity['model']}, which needs least: "
                         f"{units.duration(capacity['cpu_ns_per_session'])} a session).")
    law = little_words(data.summary["open_loop"]["littles_law"])
    parts += [_not_run(chosen), law, data.marks(cells, models)]
    return " ".join(filter(None, parts))


def _not_run(chosen):
    words = [f"{row['model']} (at most {rate_words(row['at_most_per_s'])} by its structure)"
             for series in chosen for row in series["not_run"]]
    return f"Not run: {', '.join(dict.fromkeys(words))}." if words else ""


def _shows_capacity(series):
    capacity = series["capacity"]
    return capacity and (series["lowest_rate_per_s"] < capacity["rate_per_s"]
                         <= FARTHEST * series["highest_rate_per_s"])


def _panel(data, ax, series, models, names):
    places = [{"params": {"rate": r["rate_per_s"]}} for m in series["models"] for r in m["rates"]]
    log_x(ax, places, "rate", "sessions that arrive in a second (log scale)", len(models))
    shown = [_of(series, m) for m in models if _known(_of(series, m))]
    values = [r[q] for m in shown for r in m["rates"] for q in ("p50_ns", "p90_ns") if r[q]]
    log_y(ax, values, units.duration, room_below=_room_for_words(ax, values))
    ax.set_ylabel("time a session takes (log scale)")
    grid(ax)
    rows, ends = _capacity(ax, series), []
    for i, row in enumerate(shown):
        model, look = row["model"], data.styles[row["model"]]
        dodge = dodge_of(places, "rate", i, len(shown)) ** STEP
        half = [(r["rate_per_s"], r["p50_ns"]) for r in row["rates"] if r["p50_ns"]]
        give(model, *ax.plot([x * dodge for x, _ in half], [y for _, y in half],
                             color=look.colour, lw=0.6, zorder=2))
        points = [(r["rate_per_s"], {"median": r["p90_ns"], "low": None}) for r in _known(row)]
        ends += [(x, y, names[model], look) for x, y, _, look in
                 line(ax, look, dodge, [], points, [])]
        if row["knee_per_s"]:
            at = next(e["median"] for x, e in points if x == row["knee_per_s"])
            give(model, *ax.plot([row["knee_per_s"] * dodge], [at], ls="none", marker="o", ms=8.5,
                                 mfc="none", mec=look.ink, mew=0.9, zorder=5))
        rows += _rows(series, row)
    label_line_ends(ax, ends)
    return rows


def _room_for_words(ax, values):
    """The factor below the least value that leaves a line of text its height."""
    share = 15 / (ax.get_window_extent().height * 72 / ax.figure.dpi)
    return max(1.3, (max(values) * 1.3 / min(values)) ** (share / (1 - share)))


def _capacity(ax, series):
    """Grey beyond the rate at which all CPUs compute all the time, and in words what it is."""
    if not _shows_capacity(series):
        return []
    rate = series["capacity"]["rate_per_s"]
    left, right = ax.get_xlim()
    right = max(right, rate * 1.15)
    ax.set_xlim(left, right)
    ax.axvspan(rate, right, color=style.BOUND_FILL, lw=0, zorder=0)
    ax.axvline(rate, color=style.QUIET, lw=0.7, zorder=1)
    ax.annotate("all CPUs busy", (rate, 0), (-3, 4), xycoords=ax.get_xaxis_transform(),
                textcoords="offset points", size=7, color=style.QUIET, ha="right", va="bottom")
    return [plotted(SCENARIO, series["capacity"]["model"], "capacity", rate, "")]


def _rows(series, row):
    rows = [plotted(SCENARIO, row["model"], kind, r["rate_per_s"], r[key], n=r["n"])
            for r in row["rates"] for kind, key in (
                ("p50", "p50_ns"), ("p90", "p90_ns"), ("p99", "p99_ns"), ("longest", "max_ns"),
                ("finished per second", "throughput_per_s")) if r[key] is not None]
    if row["knee_per_s"]:
        rows.append(plotted(SCENARIO, row["model"], f"knee {row['knee']}", row["knee_per_s"], ""))
    return rows


def _alt(chosen):
    parts = ["Lines of the time that nine of ten sessions take at most, over the rate at which "
             "sessions arrive."]
    for series in chosen:
        told = ", ".join(f"{m['model']} {knee_words(m, series['lowest_rate_per_s'])}"
                         for m in series["models"])
        parts.append(f"Highest rate that each keeps up with: {told}.")
    return " ".join(parts)
