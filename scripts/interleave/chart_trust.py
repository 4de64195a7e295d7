"""Can I trust this run? What moves times that should be alike: chance, the machine, the order."""

import math
from collections import defaultdict
from datetime import datetime

from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from . import canary, stats, style, units
from .chart_data import plotted
from .groups import belongs_to, give
from .noise import floor_words, times_by_block
from .sheet import COLUMN, Drawing, NothingToDraw, make_sheet, measure, panel_title, shortened
from .units import exact_percent

LEFT, RIGHT, HEIGHT = 0.56, 0.12, 1.55
BAND = "#E9E9E9"
FEW = 3        # times of a model in a cell, below which there is no usual one
NAMED = 12     # pairs that have room for their names
MANY = 4000    # points: from there on they are a picture in the file, to keep that small
PAUSE_S = 5    # between two processes; more of it is no measuring, and left out of the time axis
# Where an axis of ratios may have marks, on either side of 1.
ABOVE = (1.03, 1.05, 1.1, 1.2, 1.3, 1.5, 2, 3, 5, 10, 20, 50, 100)
BELOW = (1 / 1.03, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01)
SAME = 1 / (1 + stats.MARGIN), 1 + stats.MARGIN
CANARY_SAME = 1 - canary.TOLERANCE, 1 + canary.TOLERANCE


def can_i_trust_this_run(data, width):
    again, canaries = _pairs(data), _canaries(data)
    order, raw = _by_position(data), _over_time(data)
    panels = [panel for panel in (
        (again, _draw_pairs, "ratios of a model to itself"),
        (canaries, _draw_canaries, "a fixed piece of computing and a sleep over the run"),
        (order, _draw_order, "times by position in the block"),
        (raw, _draw_raw, "every sample over the run")) if panel[0]]
    if not panels:
        raise NothingToDraw("nothing ran often enough to be compared with itself")
    question = "Can I trust this run?"
    found = [_noise_words(data), _disturbed_words(data), _order_words(order),
             _absent(again, canaries)]
    too = f" (canary: {exact_percent(canary.TOLERANCE)})" if canaries else ""
    reading = " ".join(filter(None, (
        "No panel compares models: each compares like with like, so near 0 % is good.",
        f"Grey: less than {exact_percent(stats.MARGIN)} apart, which counts as the same{too}.",
        "Bars: 95 % intervals. Log scales.", *found, _resumed_words(data, raw or canaries))))
    alt = " ".join(filter(None, (f"{units.plural(len(panels), 'panel')}: "
                                 f"{'; '.join(words for _, _, words in panels)}.", *found)))
    counts = [r["n"] for c in data.summary["cells"] for r in c["models"] if r["n"]]
    columns = 1 if width == COLUMN or len(panels) == 1 else 2
    figure, axes = make_sheet(width, question, reading, data.footer(counts), len(panels), HEIGHT,
                              columns=columns, left=LEFT, right=RIGHT)
    rows = [row for ax, (what, draw, _) in zip(axes, panels) for row in draw(data, ax, what)]
    return Drawing("trust", question, reading, alt, figure, rows, axes=axes)


# ---- what is there ----

def _pairs(data):
    noise = data.summary.get("noise") or {}
    return [p for p in noise.get("pairs") or [] if (p.get("ratio") or {}).get("median")]


def _canaries(data):
    """(row, how far its kernel and its sleep were off) of each that tells anything."""
    rows = data.result.canaries
    told = zip(rows, canary.deviations(rows))
    return [(row, off) for row, off in told if any(o is not None for o in off)]


def _usual(data):
    """(cell, model) -> its median time, where it ran often enough to have one."""
    times = defaultdict(list)
    for s in data.result.measured():
        times[s["cell_id"], s["model"]].append(s["makespan_ns"])
    return {key: stats.median(values) for key, values in times.items() if len(values) >= FEW}


def _by_position(data):
    """position -> times over the usual one of their cell and model; of blocks of several."""
    usual, found = _usual(data), defaultdict(list)
    for s in data.result.measured():
        key = s["cell_id"], s["model"]
        if key in usual and s.get("position") is not None:
            found[s["position"]].append(s["makespan_ns"] / usual[key])
    return dict(sorted(found.items())) if len(found) > 1 else {}


def _over_time(data):
    """(started, sample, time over the usual one, disturbed), in the order of running."""
    usual, disturbed = _usual(data), data.result.disturbed
    rows = [s for s in data.result.samples if s.get("status") == "ok" and s.get("mode") == "timed"
            and s.get("started_utc") and (s["cell_id"], s["model"]) in usual]
    return sorted(((_seconds(s), s, s["makespan_ns"] / usual[s["cell_id"], s["model"]],
                    (s["cell_id"], s.get("block")) in disturbed) for s in rows),
                  key=lambda row: (row[0], row[1]["exec_id"]))


def _seconds(row):
    return datetime.fromisoformat(row["started_utc"].replace("Z", "+00:00")).timestamp()


def _clock(data):
    """started -> minutes of measuring until then: a night between a run and its resumption is no
    measuring."""
    rows = [*(data.result.canaries), *data.result.samples]
    lasted = defaultdict(float)
    for row in rows:
        if row.get("started_utc"):
            at = _seconds(row)
            lasted[at] = max(lasted[at], (row.get("wall_ns") or 0) * 1e-9)
    minutes, now, before = {}, 0.0, None
    for at in sorted(lasted):
        if before is not None:
            now += min(at - before, lasted[before] + PAUSE_S)
        minutes[at], before = now / 60, at
    return minutes


def _resumptions(data, clock):
    """The minutes at which the first process after each ran."""
    told = [_seconds({"started_utc": utc}) for utc in data.result.manifest.get("resumed_utc") or []]
    later = [min((at for at in clock if at >= moment), default=None) for moment in told]
    return sorted({clock[at] for at in later if at is not None})


# ---- in words ----

def _noise_words(data):
    section = data.summary.get("noise")
    return floor_words(section) if section else ""


def _disturbed_words(data):
    told = (data.summary.get("noise") or {}).get("canary") or {}
    if not told.get("blocks"):
        return ""
    blocks = units.plural(told["blocks"], "block")
    where = " where its cell has others" if data.result.disturbed - data.result.left_out else ""
    return (f"Hollow: disturbed ({told['disturbed']:,} of {blocks}), in no median{where}."
            if told["disturbed"] else f"None of {blocks} was disturbed.")


def _order_words(order):
    if not order:
        return ""
    off = max(abs(stats.median(values) - 1) for values in order.values())
    return f"Wherever in a block a model runs, its median is within {_up(off)} of the usual."


def _up(share):
    """In tenths of a per cent, upwards: "within" stays true."""
    return exact_percent(max(1, math.ceil(share * 1000 - 1e-9)) / 1000)


def _absent(again, canaries):
    absent = [words for words, there in (("No A/A pair", again), ("no canary", canaries))
              if not there]
    text = " and ".join(absent)
    return f"{text[0].upper()}{text[1:]} was recorded." if text else ""


def _resumed_words(data, over_time):
    return "Dotted: the run was resumed." if over_time and _resumptions(data, _clock(data)) else ""


def _signed(ratio, decimals=1):
    """+1.2 %, −0.3 %, 0 %; twice and more, half and less as a factor."""
    if ratio >= 2 or ratio <= 0.5:
        return f"{units.round_number(float(f'{ratio:.2g}'))} ×"
    return units.signed_percent(ratio, decimals)


# ---- on paper ----

def _ratio_axis(ax, which, values, band):
    """Logarithmic, around 1, with the band; marks as per cent, from twice on as a factor."""
    low, high = min([band[0], *values]), max([band[1], *values])
    edge = (high / low) ** 0.05
    axis = getattr(ax, f"{which}axis")
    getattr(ax, f"set_{which}scale")("log")
    getattr(ax, f"set_{which}lim")(low / edge, high * edge)
    axis.set_major_locator(FixedLocator(_marks(low, high)))
    axis.set_major_formatter(FuncFormatter(lambda v, _: _signed(v, 0)))
    axis.set_minor_locator(NullLocator())
    span, line = (ax.axhspan, ax.axhline) if which == "y" else (ax.axvspan, ax.axvline)
    span(*band, color=BAND, lw=0, zorder=0)
    line(1, color=style.QUIET, lw=0.5, zorder=0.5)


def _marks(low, high):
    """1, and on each side the farthest mark there is and one between, where these have room."""
    marks, room = [1], math.log(high / low) * 0.14
    for side in ([m for m in ABOVE if m <= high * 1.0001], [m for m in BELOW if m >= low * 0.9999]):
        far = [m for m in side if abs(math.log(m)) > room][-1:]
        between = [m for m in side if far and room < abs(math.log(m)) and
                   room < abs(math.log(m / far[0]))]
        half = math.sqrt(far[0]) if far else 1  # way to 1, on a log scale
        marks += far + sorted(between, key=lambda m: abs(math.log(m / half)))[:1]
    return sorted(marks)


def _draw_pairs(data, ax, pairs):
    """A row for each pair; names where there is room, else of the farthest."""
    names = {c["cell_id"]: _name_of(c) for c in
             (*data.summary["cells"], *(data.summary.get("outside_cells") or []),
              *(data.summary.get("instrumented_cells") or []))}
    pairs = sorted(pairs, key=lambda p: (p["ratio"]["median"], p["cell_id"], p["model"]))
    singles = _by_block(data) if len(pairs) <= NAMED else {}
    ends = [v for p in pairs for v in (*p["ratio"].values(), *_singles(singles, p)) if v]
    labels = [f"{p['model']}, {names.get(p['cell_id'], p['cell_id'])}" for p in pairs]
    named = range(len(pairs)) if len(pairs) <= NAMED else {0, len(pairs) - 1}
    moved = _make_room(ax, [labels[i] for i in named])
    _ratio_axis(ax, "x", ends, SAME)
    ax.set_ylim(-0.7, len(pairs) - 0.3)
    room = ax.get_position().x0 * ax.figure.get_size_inches()[0] - 0.2
    ax.set_yticks(list(named), [shortened(labels[i], 7, room) for i in named], size=7)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("second time against the first")
    for i, tick in zip(named, ax.get_yticklabels()):
        give(pairs[i]["model"], tick)
    for y, p in enumerate(pairs):
        look, r = data.styles.get(p["model"]), p["ratio"]
        colour, ink = (look.colour, look.ink) if look else (style.QUIET, style.QUIET)
        with belongs_to(ax, p["model"]):
            own = _singles(singles, p)
            ax.plot(own, [y + 0.6 * ((i + 0.5) / len(own) - 0.5) for i in range(len(own))],
                    ls="none", marker=".", ms=2.5, mew=0, color=colour, alpha=0.45, zorder=2)
            if r.get("low") is not None:
                ax.plot([r["low"], r["high"]], [y, y], color=ink, lw=0.9, zorder=3,
                        solid_capstyle="butt")
            ax.plot([r["median"]], [y], ls="none", marker=look.marker if look else "o", ms=3.6,
                    mew=0, color=colour, zorder=4)
    panel_title(ax, "A/A", "the same model twice, under two names", LEFT - 0.02 + moved)
    return [*(plotted("A/A", p["model"], "second over first", p["cell_id"], p["ratio"]["median"],
                      p["ratio"].get("low"), p["ratio"].get("high"), p.get("n")) for p in pairs),
            *(plotted("A/A", p["model"], "raw", p["cell_id"], float(f"{ratio:.6g}"))
              for p in pairs for ratio in _singles(singles, p))]


def _by_block(data):
    """(cell, model) -> second time over first, block by block."""
    first = times_by_block(data.result.measured())
    return {key: [times[b] / first[key][b] for b in sorted(times) if b in first.get(key, {})]
            for key, times in times_by_block(data.result.again()).items()}


def _singles(by_block, pair):
    return by_block.get((pair["cell_id"], pair["model"]), [])


def _name_of(cell):
    agents = cell["params"].get("agents")
    return cell["scenario"] if agents is None else f"{cell['scenario']} {agents:,}"


def _make_room(ax, labels):
    """Moves the left edge of the panel so that the names fit, as far as it goes; returns inches."""
    box, inches = ax.get_position(), ax.figure.get_size_inches()[0]
    more = max(0.0, min(max(measure(text, 7) for text in labels) + 0.1,
                        box.width * inches * 0.55) - LEFT)
    ax.set_position([box.x0 + more / inches, box.y0, box.width - more / inches, box.height])
    return more


def _draw_canaries(data, ax, told):
    clock, rows = _clock(data), []
    ends = [1 + off for _, offs in told for off in offs if off is not None]
    _ratio_axis(ax, "y", ends, CANARY_SAME)
    for i, (kind, marker) in enumerate((("kernel", "o"), ("sleep", "^"))):
        for hollow in (False, True):
            points = [(clock[_seconds(row)], 1 + offs[i]) for row, offs in told
                      if offs[i] is not None and row.get("started_utc")
                      and canary.is_off(*offs) == hollow]
            _dots(ax, points, marker, style.INK if i == 0 else style.QUIET, hollow, 3)
            rows += [plotted("canary", "", f"{kind}{', disturbed' if hollow else ''}", round(x, 4),
                             float(f"{y:.6g}")) for x, y in points]
    ax.set_ylabel("off its usual time")
    _time_axis(data, ax, clock)
    panel_title(ax, "canary", "dots: fixed computing, triangles: a sleep", LEFT - 0.02)
    return rows


def _draw_order(data, ax, order):
    found = {position: stats.estimate(values) for position, values in order.items()}
    ends = [v for e in found.values() for v in (e.median, e.low, e.high) if v]
    _ratio_axis(ax, "y", ends, SAME)
    for position, e in found.items():
        if e.low is not None:
            ax.plot([position + 1] * 2, [e.low, e.high], color=style.INK, lw=0.9, zorder=3,
                    solid_capstyle="butt")
        ax.plot([position + 1], [e.median], ls="none", marker="o", ms=3.6, mew=0, color=style.INK,
                zorder=4)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    ax.set_xlim(0.4, max(found) + 1.6)
    ax.set_xlabel("position in the block")
    ax.set_ylabel("off the usual time")
    panel_title(ax, "order", "does running first or last matter?", LEFT - 0.02)
    return [plotted("order", "", "median over usual", position + 1, float(f"{e.median:.6g}"),
                    e.low and float(f"{e.low:.6g}"), e.high and float(f"{e.high:.6g}"), e.n)
            for position, e in found.items()]


def _draw_raw(data, ax, raw):
    clock = _clock(data)
    _ratio_axis(ax, "y", [ratio for _, _, ratio, _ in raw], SAME)
    by_model = defaultdict(list)
    for at, sample, ratio, disturbed in raw:
        by_model[sample["model"], disturbed].append((clock[at], ratio))
    for model in data.about:
        look = data.styles[model]
        with belongs_to(ax, model):
            _dots(ax, by_model[model, False], "o", look.colour, False, 1.7, len(raw) > MANY)
            _dots(ax, by_model[model, True], "o", look.colour, True, 3)
    ax.set_ylabel("off its usual time")
    _time_axis(data, ax, clock)
    panel_title(ax, "all samples", "each against its model's median in its cell", LEFT - 0.02)
    return [plotted("all samples", s["model"], "disturbed" if disturbed else "raw",
                    round(clock[at], 4), float(f"{ratio:.6g}"))
            for at, s, ratio, disturbed in raw]


def _dots(ax, points, marker, colour, hollow, size, as_picture=False):
    if points:
        ax.plot([x for x, _ in points], [y for _, y in points], ls="none", marker=marker, ms=size,
                mew=0.7 if hollow else 0, mec=colour, mfc="none" if hollow else colour,
                alpha=1 if hollow else 0.6, zorder=4 if hollow else 3, rasterized=as_picture)


def _time_axis(data, ax, clock):
    """The whole run, so that panels compare; a dotted line where it was resumed."""
    ax.set_xlabel("minutes of measuring")
    ax.set_xlim(-0.02 * max(clock.values()) - 0.01, max(clock.values()) * 1.02 + 0.01)
    for at in _resumptions(data, clock):
        ax.axvline(at, color=style.QUIET, lw=0.8, ls=(0, (1, 2)), zorder=1)
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: units.round_number(x)))
