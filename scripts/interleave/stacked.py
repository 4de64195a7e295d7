"""How is a bar that is cut into parts drawn? Its axis, its parts, their key."""

from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from . import stats, style, units
from .bars import BEYOND, round_step
from .chart_data import describe, known_time
from .groups import give
from .sheet import BETWEEN, measure, shortened, widest

SIZE = 7
TORN = 4.0  # a bar this many times the middle one runs off the axis, and says so
SWATCH, GAP, LINE = 0.1, 0.13, 0.14  # inches of a key: its squares, between entries, its lines


def end_of(totals):
    """The longest bar that is shown whole: one slow model must not flatten the others."""
    limit = TORN * stats.median(totals)
    return max(t for t in totals if t <= limit)


def axis(ax, count, totals, label, steps=units.DURATIONS, texts=(), reaches=()):
    """Bars of these totals, `count` rows; room for the texts at their ends. Returns where the
    axis ends for bars: a longer one is torn. `label` may name the unit by {unit}; reaches: how far
    the interval of each bar goes, where it has one."""
    end = end_of(totals) or 1
    longest = max([end, *(r for r, t in zip(reaches, totals) if t <= end)])
    inches = ax.get_window_extent().width / ax.figure.dpi
    room = min(widest(texts, SIZE) + 0.12, inches * 0.6)
    torn = any(t > end for t in totals)
    right = max(longest * inches / (inches - room), end * 1.5 if torn else 0)
    size, unit = next((s for s in steps if right >= s[0] * 0.9995), steps[-1])
    ax.set_xlim(0, right)
    ax.set_ylim(count - 0.5, -0.5)
    step = round_step(right / size) * size
    ax.set_xticks([i * step for i in range(int(right / step) + 1)])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: units.round_number(x / size)))
    ax.set_xlabel(label.format(unit=unit))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return end


def stack(ax, y, parts, end, text, after=0):
    """One bar. parts: (length, look) from left to right; what is longer than `end` runs off.
    after: where the text may begin at the earliest, if not at the bar's end."""
    parts = list(parts)
    total, at, right = sum(length for length, _ in parts), 0, ax.get_xlim()[1]
    for length, look in parts:
        if length > 0 and at < right:
            ax.barh(y, min(length, right - at), 0.66, left=at, zorder=2, **look)
        at += length
    torn = total > end
    ax.annotate(text + (BEYOND if torn else ""), (right if torn else max(total, after), y),
                (-3 if torn else 4, 0), textcoords="offset points", va="center",
                ha="right" if torn else "left", size=SIZE, color=style.INK, zorder=6,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8})


def say(ax, y, text, model):
    """Why the row of a model has no bar."""
    give(model, ax.annotate(text, (0, y), (4, 0), textcoords="offset points", va="center",
                            size=SIZE, color=style.QUIET, zorder=6,
                            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8}))


def bars_for(data, measured, value):
    """The models that there is room for, and what is said of the others. The lines of other charts,
    and the two ends of each cell. measured: for each cell its rows that have a bar; value: of a
    row, in which they are ordered."""
    cells = [{"models": rows} for rows in measured]
    lines = set(data.lines(cells))
    for rows in measured:
        ranked = sorted(rows, key=lambda row: (value(row), row["model"]))
        lines |= {ranked[0]["model"], ranked[-1]["model"]}
    models = data.models_of(cells)
    drawn = [model for model in models if model in lines]
    told = "" if len(drawn) == len(models) else (
        f"{len(drawn)} of {len(models)} models: libraries in plain use, at their best, and the two "
        "ends. The table has all.")
    return drawn, told


def why_absent(row):
    """What stands in place of a bar, of a row of the summary."""
    if row is None:
        return "not measured"
    if row["skipped_by_bound"]:
        return f"not run: ≥ {units.duration(known_time(row))}" if known_time(row) else "not run"
    return f"no result ({row['reasons'][0]['status'] if row['reasons'] else 'not measured'})"


def told_of(cell):
    """Its size; no share where nothing has a length."""
    params = cell["params"]
    return ", ".join(filter(None, (describe(k, params.get(k))
                                   for k in ("agents", "workers", "cpu_share", "grain_us")
                                   if k != "cpu_share" or params.get(k))))


def title_lines(name, words, inches):
    """How many lines of LINE a title takes: its words stand below its name where both are too
    long for one."""
    return 1 if measure(name, 8, "bold") + BETWEEN + measure(words, 7.5) <= inches else 2


def title(ax, name, words, left, lift, inches):
    """A panel's name in bold and words beside or below it, `lift` inches above the panel; it has
    `inches` to itself."""
    box = ax.get_window_extent()
    width, height = box.width / ax.figure.dpi, box.height / ax.figure.dpi
    below = title_lines(name, words, inches) - 1
    beside = 0 if below else measure(name, 8, "bold") + BETWEEN
    for x, y, text, look in (
            (0, lift + below * LINE, name, {"size": 8, "weight": "bold"}),
            (beside, lift, shortened(words, 7.5, inches - beside),
             {"size": 7.5, "color": style.QUIET})):
        ax.text((x - left) / width, 1 + (y + 0.05) / height, text, transform=ax.transAxes,
                va="bottom", ha="left", clip_on=False, **look)


def key_lines(words, inches):
    """The entries of a key, as many to a line as have room."""
    lines, used = [], 0.0
    for word in words:
        needs = SWATCH + 0.05 + measure(word, SIZE) + GAP
        if not lines or used + needs - GAP > inches:
            lines.append([])
            used = 0.0
        lines[-1].append(word)
        used += needs
    return lines


def key(ax, looks, left, inches, lift):
    """What each look means, from `lift` inches above the panel down. looks: word -> look; left:
    inches from the panel to the left, where it begins."""
    box = ax.get_window_extent()
    width, height = box.width / ax.figure.dpi, box.height / ax.figure.dpi
    for i, line in enumerate(key_lines(looks, inches)):
        x, y = -left, height + 0.05 + lift - (i + 1) * LINE
        for word in line:
            ax.add_patch(Rectangle((x / width, y / height), SWATCH / width, SWATCH / height,
                                   transform=ax.transAxes, clip_on=False, **looks[word]))
            ax.text((x + SWATCH + 0.05) / width, (y + SWATCH / 2) / height, word, size=SIZE,
                    transform=ax.transAxes, va="center_baseline", ha="left", clip_on=False)
            x += SWATCH + 0.05 + measure(word, SIZE) + GAP
