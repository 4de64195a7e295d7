"""What is a turn made of? Its cost, cut into the suite's part, the library's and the model's; and
what each raw primitive costs."""

import math

from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from . import style, units
from .bars import BEYOND, round_step
from .chart_data import plotted
from .sheet import COLUMN, MARGIN, Drawing, NothingToDraw, make_sheet, panel_title, widest

BAR, DOT = 0.135, 0.113  # inches of a row
SIZE = 6.5
SUITES = "#C4C4C4"
ROOM = 1.36  # how much longer the axis is than the longest bar, for the text after it
FENCE = 1.5  # a bar this many times the middle half's spread above it runs off the axis


def what_is_a_turn_made_of(figures, width):
    """`figures`: what micro.json holds."""
    models = [m for m in sorted(figures["models"], key=style.model_order) if _cost(m) is not None]
    if not models:
        raise NothingToDraw("no model's turn was measured")
    looks, primitives = style.styles(figures["models"]), _primitives(figures)
    question = "What is a turn made of?"
    reading = ("Left: shorter is better. Grey: the suite's own part. Pale: raw primitives of the "
               "library, the floor. Full colour: what the model adds. × floor: at 1 it adds "
               f"nothing{_bars_in_words(models)}. Right: further left is cheaper; filled: part of "
               "a model's turn.")
    texts = ([looks[m["model"]].label for m in models], [p["name"] for p in primitives])
    lefts = [widest(names, SIZE) + 0.1 for names in texts if names]
    right = widest(["× floor"], SIZE) + 0.07
    heights = [BAR * (len(models) + 1), DOT * len(primitives)][:len(lefts)]
    stacked = width == COLUMN
    figure, axes = make_sheet(
        width, question, reading, _footer(figures), len(lefts),
        max(sum(heights) / len(heights) if stacked else max(heights), 0.8),
        columns=1 if stacked else 2, left=max(lefts), right=right, below=0.4)
    _fit(axes, lefts, max(lefts), heights if stacked else None)
    rows = _turns(axes[0], models, looks, lefts[0])
    panel_title(axes[0], "A turn", "that has no steps, on one worker", left=lefts[0])
    if primitives:
        rows += _dots(axes[1], primitives, _colours(figures, looks))
        panel_title(axes[1], "Raw primitives", "one operation of each", left=lefts[1])
    note = ("Of a naive model and of a reference nothing is asked. Where a turn costs less than "
            "the suite's part and the floor together, their work overlaps: an outline shows the "
            "rest of the floor. ▶: longer than the axis. The line behind a dot goes from the least "
            "to the greatest round.")
    alt = ("Bars of the cost of a turn without steps, cut into the suite's own part, the raw "
           f"primitives of the library and what the model adds. {_in_words(models)}. "
           f"Dots of {len(primitives)} raw primitives{_span_in_words(primitives)}.")
    return Drawing("floors", question, reading, alt, figure, rows, note, axes)


def _fit(axes, lefts, widest_left, heights):
    """Each panel begins where its own names end; one below the other, each has its own height."""
    inches = axes[0].figure.get_size_inches()
    moved = 0.0  # how far the panels above have grown
    for i, (ax, left) in enumerate(zip(axes, lefts)):
        box = ax.get_position()
        more = (widest_left - left) / inches[0]
        height = heights[i] / inches[1] if heights else box.height
        ax.set_position([box.x0 - more, box.y1 - moved - height, box.width + more, height])
        moved += height - box.height


def _cost(model):
    return model["first"] if model["turn"] is None else model["turn"]


def _own(model):
    return sum(ns for _, ns in model["own"])


def _added(model):
    return model["left"] - model["total"]


def _missed(model):
    return model["verdict"] == "missed"


def _bars_in_words(models):
    bars = {m["rung"]: m["bar"] for m in models if m["bar"] and m["ratio"] is not None}
    ordered = sorted(bars, key=list(style.RUNGS).index)
    asked = ", ".join(f"{rung} {bars[rung]:g}" for rung in ordered)
    return f", bold above the bar of its rung ({asked})" if asked else ""


# ---- left: a bar for each model ----

def _turns(ax, models, looks, left):
    rows = []
    end = _end([_cost(m) for m in models])
    _bar_axis(ax, models, looks, end)
    _key(ax, models, looks, left)
    for y, model in enumerate(models):
        if model["turn"] is None:
            ax.barh(y, min(model["first"], ax.get_xlim()[1]), 0.66, facecolor="white", hatch="////",
                    edgecolor=looks[model["model"]].tint(0.45), lw=0.6, zorder=2)
        else:
            _cut_bar(ax, model, looks[model["model"]], y)
        _name_the_cost(ax, model, y, end)
        _name_the_ratio(ax, model, y)
        rows += _rows_of(model)
    return rows


def _end(costs):
    """The longest bar that is shown whole: threads must not flatten all others."""
    ordered = sorted(costs)
    low, high = (ordered[round((len(ordered) - 1) * part)] for part in (0.25, 0.75))
    return max(c for c in costs if c <= high + FENCE * (high - low))


def _bar_axis(ax, models, looks, end):
    ax.set_ylim(len(models) - 0.4, -1.6)  # the key has the first row
    ax.set_xlim(0, end * ROOM)
    unit_ns, unit = next((u for u in units.DURATIONS if end >= u[0]), units.DURATIONS[-1])
    step = round_step(end / unit_ns) * unit_ns
    ax.set_xticks([i * step for i in range(int(end * ROOM / step) + 1)])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: units.round_number(x / unit_ns)))
    ax.set_xlabel(f"cost of a turn ({unit})")
    ax.tick_params(axis="y", length=0, pad=2)
    ax.spines["left"].set_visible(False)
    ax.set_yticks(range(len(models)), [looks[m["model"]].label for m in models], size=SIZE)
    for tick, model in zip(ax.get_yticklabels(), models):
        tick.set_color(looks[model["model"]].ink)


def _key(ax, models, looks, left):
    """The parts by name, above the bars, in the colours of the model that shows all three best."""
    whole = [m for m in models if m["turn"] is not None and m["parts"]] or models
    look = looks[max(whole, key=lambda m: (m["ratio"] or 0, m["model"]))["model"]]
    inches = ax.get_window_extent().width / ax.figure.dpi
    x = -left
    for words, colour in (("the suite's own", SUITES), ("its primitives", look.tint(0.6)),
                          ("what the model adds", look.tint(0.1))):
        ax.annotate("■", (x / inches, -1), xycoords=ax.get_yaxis_transform(), size=SIZE + 1,
                    color=colour, va="center", ha="left", annotation_clip=False)
        ax.annotate(words, ((x + 0.1) / inches, -1), xycoords=ax.get_yaxis_transform(), size=SIZE,
                    color=style.QUIET, va="center", ha="left", annotation_clip=False)
        x += widest([words], SIZE) + 0.18
    ax.annotate("× floor", (1, -1), (3, 0), xycoords=ax.get_yaxis_transform(), 
                textcoords="offset points", size=SIZE, color=style.QUIET, va="center", ha="left",
                annotation_clip=False)


def _cut_bar(ax, model, look, y):
    """Never longer than the axis. What is left is the floor's first, then the model's."""
    right, own, turn = ax.get_xlim()[1], _own(model), model["turn"]
    floor = min(own + model["total"], turn) if model["parts"] else own
    edges = [min(max(x, 0), right) for x in (0, min(own, turn), floor, turn)]
    for a, b, colour in zip(edges, edges[1:], (SUITES, look.tint(0.6), look.tint(0.1))):
        if b > a:
            ax.barh(y, b - a, 0.66, a, color=colour, lw=0, zorder=2)
    if model["parts"] and turn < own + model["total"] < right:
        ax.barh(y, own + model["total"] - turn, 0.66, turn, facecolor="none",
                edgecolor=look.tint(0.3), lw=0.5, zorder=3)


def _name_the_cost(ax, model, y, end):
    text, cost = units.duration(_cost(model)), _cost(model)
    if model["turn"] is None:
        text += ", fresh process"
    reach = max(cost, _own(model) + model["total"]) if model["parts"] else cost
    right = ax.get_xlim()[1]
    room = (1 - reach / right) * ax.get_window_extent().width / ax.figure.dpi
    if cost > end:
        text, reach = text + BEYOND, right
    if cost > end or room < widest([text], SIZE) + 0.06:
        pale = model["turn"] is not None and _own(model) + model["total"] >= reach
        ax.annotate(text, (reach, y), (-2, 0), textcoords="offset points", va="center", ha="right",
                    size=SIZE, color=style.INK, zorder=6,
                    bbox=None if pale else {"facecolor": "white", "edgecolor": "none", "pad": 0.6})
    else:
        ax.annotate(text, (reach, y), (3, 0), textcoords="offset points", va="center", ha="left",
                    size=SIZE, color=style.INK, zorder=6)


def _name_the_ratio(ax, model, y):
    ratio = model["ratio"]
    text = "–" if ratio is None else f"{ratio:.2f}" if ratio < 10 else units.three_digits(ratio)
    ax.annotate(text, (1, y), (3, 0), xycoords=ax.get_yaxis_transform(), textcoords="offset points",
                size=SIZE, va="center", ha="left", annotation_clip=False,
                color=style.QUIET if ratio is None else style.INK,
                weight="bold" if _missed(model) else "normal")


def _rows_of(model):
    name, rows = model["model"], []
    if model["first"] is not None:
        rows.append(plotted("turn", name, "in a fresh process", "", model["first"]))
    if model["turn"] is None:
        return rows
    rows.append(plotted("turn", name, "turn", "", model["turn"]))
    rows += [plotted("turn", name, "suite", part, ns) for part, ns in model["own"]]
    rows += [plotted("turn", name, "primitive", part, ns) for part, ns in model["parts"]]
    if model["parts"]:
        rows.append(plotted("turn", name, "added", "", _added(model)))
        rows.append(plotted("turn", name, "times the floor", "", model["ratio"], model["low"],
                            model["high"]))
    else:
        rows.append(plotted("turn", name, "added", "", model["left"]))
    return rows


# ---- right: a dot for each primitive ----

def _primitives(figures):
    """As measured, those of a library side by side; each with its rounds."""
    rounds = [r["primitive"] for r in figures["rounds"]]
    named = {part for m in figures["models"] for part, _ in [*m["own"], *m["parts"]]}
    return [{"name": name, "ns": ns, "rounds": sorted(r[name] for r in rounds),
             "named": name in named} for name, ns in figures["primitives"].items()]


def _colours(figures, looks):
    """Of a primitive: its library's, which is the family of that name or the only one that is made
    of such; ink for what several are made of, quiet for the suite's own."""
    own = {part for m in figures["models"] for part, _ in m["own"]}
    families = {m["family"]: looks[m["model"]] for m in figures["models"]}
    users = {}
    for model in figures["models"]:
        for part, _ in model["parts"]:
            users.setdefault(_library(part), set()).add(model["family"])

    def colour(name):
        library = _library(name)
        if name in own:
            return style.QUIET
        if library in families:
            return families[library].colour
        using = users.get(library, ())
        return families[next(iter(using))].colour if len(using) == 1 else style.INK
    return colour


def _library(primitive):
    return primitive.split("_")[0]


def _dots(ax, primitives, colour):
    rows = []
    ax.set_ylim(len(primitives) - 0.4, -0.6)
    least = min(p["rounds"][0] for p in primitives)
    most = max(p["rounds"][-1] for p in primitives)
    ax.set_xscale("log")
    ax.set_xlim(least / 2, most * 3)
    _decades(ax, least / 2, most * 3)
    ax.set_xlabel("cost of one operation (log scale)")
    ax.tick_params(axis="y", length=0, pad=2)
    ax.spines["left"].set_visible(False)
    ax.set_yticks(range(len(primitives)), [p["name"] for p in primitives], size=SIZE)
    for y, (tick, p) in enumerate(zip(ax.get_yticklabels(), primitives)):
        shade = colour(p["name"])
        tick.set_color(style.mix(shade, "#000000", 0.25))
        ax.plot([ax.get_xlim()[0], p["ns"]], [y, y], color=style.mix(shade, "#FFFFFF", 0.7), lw=0.5,
                zorder=1)
        ax.plot([p["rounds"][0], p["rounds"][-1]], [y, y], color=shade, lw=1.2, alpha=0.5, zorder=3,
                solid_capstyle="butt")
        ax.plot([p["ns"]], [y], ls="none", marker="o", ms=3.4, mew=0.8, mec=shade,
                mfc=shade if p["named"] else "white", zorder=4)
        ax.annotate(units.duration(p["ns"]), (p["rounds"][-1], y), (4, 0), va="center", ha="left",
                    textcoords="offset points", size=SIZE, color=style.INK, annotation_clip=False)
        rows.append(plotted("primitives", "", "part of a turn" if p["named"] else "in no turn",
                            p["name"], p["ns"], p["rounds"][0], p["rounds"][-1],
                            len(p["rounds"])))
    return rows


def _decades(ax, low, high):
    exponents = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
    step = 2 if len(exponents) > 4 else 1  # as many as have room for their words
    ax.xaxis.set_major_locator(FixedLocator([10.0 ** e for e in exponents[::step]]))
    ax.xaxis.set_minor_locator(FixedLocator([10.0 ** e for e in exponents]))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: units.tick(units.duration, x)))


# ---- words ----

def _footer(figures):
    machine = figures.get("machine") or {}
    parts = [figures.get("id"), machine.get("name"), machine.get("cpu_model"),
             units.plural(machine["cpus"], "CPU") if machine.get("cpus") else None,
             f"medians of {units.plural(len(figures['rounds']), 'round')}",
             (figures.get("created_utc") or "")[:10], (figures.get("trust") or {}).get("level")]
    return " · ".join(p for p in parts if p)


def _in_words(models):
    def told(model):
        text = f"{model['model']} {units.duration(_cost(model))}"
        if model["turn"] is None:
            return text + " in a fresh process"
        return text + ("" if model["ratio"] is None else f", {model['ratio']:.2f} times its floor")
    return "; ".join(told(m) for m in models)


def _span_in_words(primitives):
    if not primitives:
        return ""
    least, most = (choose(primitives, key=lambda p: p["ns"]) for choose in (min, max))
    return (f", from {least['name']} {units.duration(least['ns'])} to {most['name']} "
            f"{units.duration(most['ns'])}")
