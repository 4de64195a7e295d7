"""Who wins, and is it real? A forest plot: each model's time over the fastest's, with intervals."""

import math

from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from . import style, units
from .bars import BEYOND
from .chart_data import describe, plotted
from .comparison_words import margin_words
from .comparisons import MANY, blocks_of, told_in_full, with_best
from .groups import belongs_to, give, panel_of
from .sheet import COLUMN, MARGIN, Drawing, NothingToDraw, make_sheet, panel_title, widest
from .stats import EQUIVALENT, FASTER, NOT_RESOLVED, SLOWER
from .winner_map import times

ROW, SIZE = 0.165, 7
FURTHEST = 1.25  # an axis that went on would hide the small differences, which are in doubt
ALIKE = style.mix(style.GREEN, "#FFFFFF", 0.82)
FASTEST, NOT_RUN = "fastest", "not run"
TICKS = (0.7, 0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2)
STACKED_OF_MANY = 2  # panels that a column has room for where there are many models


def who_wins_and_is_it_real(data, width):
    cells = _cells(data)
    everything = [_entries(data, cell, row) for cell, row in cells]
    count = _panels(everything, width)
    shown, panels = cells[:count], everything[:count]
    question = "Who wins, and is it real?"
    reading = _reading(panels, [row for _, row in shown])
    reading += " Other scenarios: in the wide figure." if count < len(cells) else ""
    left = widest([data.styles[e["model"]].label for p in panels for e in p], 7.5) + 0.12
    right = widest([_text(e) for p in panels for e in p], SIZE) + 0.14
    counts = [e["n"] for p in panels for e in p if e["n"]]
    tall = max(map(len, panels))
    figure, axes = make_sheet(width, question, reading, data.footer(counts), count,
                              ROW * tall + 0.06, left=left, right=right, below=0.46,
                              columns=1 if width == COLUMN else 2)
    alike = shown[0][1]["margin"]
    limits = _limits(panels, alike)
    for ax, entries, (cell, row) in zip(axes, panels, shown):
        _axis(ax, limits, alike, tall)
        _names(data, ax, entries)
        for y, entry in enumerate(entries):
            _mark(ax, data.styles[entry["model"]], entry, y, limits)
        _lines_between_tiers(ax, entries, left, right)
        panel_of(ax, cell["scenario"])
        panel_title(ax, cell["scenario"], _which(data, cell, row), left=left - MARGIN / 2)
    rows = [_row(cell, row, entry) for entries, (cell, row) in zip(everything, cells)
            for entry in entries]
    return Drawing("who-wins", question, reading, _alt(cells, everything), figure, rows, NOTE, axes)


NOTE = ("Ratios are of times within one block; the marker is their median, the bar its exact 95 % "
        "interval. What is called slower is so for all pairs of its cell together: the chance that "
        "any one is false is at most 5 % (Holm). In cells with fewer than 15 blocks each "
        "comparison stands by itself, and is a hint. Two of one tier are not proved alike. Every "
        "pair, with the smallest difference that could have been seen: "
        "[comparisons.csv](derived/comparisons.csv).")


def _cells(data):
    """Of the headline cells those with an interval; no empty corner where four panels will do."""
    shown = [(cell, row) for cell, row in told_in_full(data.summary)
             if any(pair["ratio"]["low"] is not None for pair in row["pairs"])]
    if not shown:
        raise NothingToDraw("no cell has two models with the 6 blocks that an interval needs")
    return shown[:len(shown) - len(shown) % 2] if len(shown) > 4 else shown


def _panels(everything, width):
    many = width == COLUMN and max(map(len, everything)) > MANY
    return min(len(everything), STACKED_OF_MANY) if many else len(everything)


def _entries(data, cell, row):
    """What each row of a panel shows, by tier and in each by median; below, what was not run."""
    pairs = with_best(row)
    entries = []
    for number, tier in enumerate(row["tiers"], 1):
        for model in tier:
            pair, first = pairs.get(model), model == row["tiers"][0][0]
            if pair is None and not first:
                continue  # no block has both
            said = FASTEST if first else pair["verdict"]
            entries.append({"model": model, "tier": number, "said": said, "pair": pair,
                            "n": pair["n"] if pair else blocks_of(row),
                            "ratio": pair["ratio"] if pair else
                            {"median": 1, "low": None, "high": None}})
    ruled_out = next((tier["at_least"] for tier in data.summary.get("winning_tiers") or []
                      if tier["cell_id"] == cell["cell_id"]), {})
    entries += [{"model": model, "tier": None, "said": NOT_RUN, "pair": None, "n": None,
                 "ratio": {"median": ratio, "low": None, "high": None}}
                for model, ratio in sorted(ruled_out.items(), key=lambda kv: (kv[1], kv[0]))]
    return entries


def _text(entry):
    if entry["said"] == FASTEST:
        return FASTEST
    if entry["said"] == NOT_RUN:
        return f"{NOT_RUN}: ≥ {times(entry['ratio']['median'])}"
    ratio = entry["ratio"]["median"]
    return f"{f'{ratio:.3f}×' if ratio < 1.0995 else times(ratio)} {entry['said']}"


def _reading(panels, rows):
    said = {entry["said"] for entries in panels for entry in entries}
    parts = ["Time beside the fastest of each panel: further left is better. Bar: 95 % interval. "
             f"Green: within {margin_words(rows[0]['margin'])}, which counts as alike."]
    if said & {NOT_RESOLVED, FASTER}:
        parts.append("Hollow: not resolved.")
    if any(entries[-1]["tier"] != 1 for entries in panels):
        parts.append("Lines divide tiers: all below one are slower than the first of the tier "
                     "above.")
    if any(e["ratio"]["median"] > FURTHEST for entries in panels for e in entries):
        parts.append("▶: beyond the axis.")
    hints = sorted({blocks_of(row) for row in rows if row["hint"]})
    if hints:
        blocks = " or ".join(units.plural(n, "block") for n in hints)
        parts.append(f"{'These are' if all(r['hint'] for r in rows) else 'In panels so marked,'} "
                     f"hints, no verdicts: {blocks} are too few.")
    return " ".join(parts)


def _limits(panels, alike):
    ratios = [e["ratio"] for entries in panels for e in entries if e["said"] != NOT_RUN]
    ends = [x for r in ratios for x in (r["low"], r["median"], r["high"]) if x is not None]
    low = max(min([*ends, 1 / (1 + alike)]), TICKS[0])
    high = max(1 + 2 * alike, min(FURTHEST, max(ends)))
    edge = (high / low) ** 0.04
    return low / edge, high * edge


def _axis(ax, limits, alike, count):
    ax.set_xscale("log")
    ax.set_xlim(*limits)
    ax.set_ylim(count - 0.5, -0.5)
    ax.axvspan(1 / (1 + alike), 1 + alike, color=ALIKE, lw=0, zorder=0)
    ax.axvline(1, color=style.QUIET, lw=0.7, zorder=1)
    inches = ax.get_window_extent().width / ax.figure.dpi
    ax.xaxis.set_major_locator(FixedLocator(_ticks(limits, inches)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}×"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("time, × the fastest (log scale)")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def _ticks(limits, inches):
    """Round ratios with room for their labels, 1 among them."""
    an_inch = math.log(limits[1] / limits[0]) / inches

    def apart(a, b):
        return (widest([f"{a:g}×"], 7) / 2 + widest([f"{b:g}×"], 7) / 2 + 0.06) * an_inch

    kept = [1]
    for tick in sorted((t for t in TICKS if limits[0] <= t <= limits[1]),
                       key=lambda t: (round(t * 10, 6) % 1 != 0, t < 1, t)):
        if all(abs(math.log(tick / other)) >= apart(tick, other) for other in kept):
            kept.append(tick)
    return sorted(kept)


def _names(data, ax, entries):
    ax.set_yticks(range(len(entries)), [data.styles[e["model"]].label for e in entries], size=7.5)
    for tick, entry in zip(ax.get_yticklabels(), entries):
        tick.set_color(data.styles[entry["model"]].ink)
        give(entry["model"], tick)


def _mark(ax, look, entry, y, limits):
    """The median, filled where it is known how it stands to the fastest, its interval, and words.
    """
    ratio, (_, right) = entry["ratio"], limits
    hollow = entry["said"] in (NOT_RESOLVED, FASTER, NOT_RUN)
    with belongs_to(ax, entry["model"]):
        if ratio["low"] is not None and ratio["low"] < right:
            ax.plot([max(ratio["low"], limits[0]), min(ratio["high"], right)], [y, y],
                    color=look.ink, lw=1.1, zorder=3, solid_capstyle="butt")
        if ratio["median"] <= FURTHEST:
            ax.plot([ratio["median"]], [y], ls="none", marker=look.marker, ms=4, mew=1.0,
                    mec=look.colour, mfc="white" if hollow else look.colour, zorder=4)
        else:
            ax.annotate(BEYOND.strip(), (1, y), (-2, 0), xycoords=ax.get_yaxis_transform(),
                        textcoords="offset points", size=SIZE, ha="right", va="center",
                        color=look.ink)
        known = entry["said"] in (SLOWER, FASTEST, EQUIVALENT)
        ax.annotate(_text(entry), (1, y), (6, 0), xycoords=ax.get_yaxis_transform(),
                    textcoords="offset points", size=SIZE, va="center_baseline",
                    annotation_clip=False, color=style.INK if known else style.QUIET,
                    weight="bold" if entry["said"] == FASTEST else "normal")


def _lines_between_tiers(ax, entries, left, right):
    inches = ax.get_window_extent().width / ax.figure.dpi
    for y, (above, below) in enumerate(zip(entries, entries[1:])):
        if above["tier"] != below["tier"]:
            ax.plot([-(left - MARGIN / 2) / inches, 1 + (right - MARGIN / 2) / inches],
                    [y + 0.5] * 2, transform=ax.get_yaxis_transform(), color=style.QUIET, lw=0.5,
                    clip_on=False, zorder=2)


def _which(data, cell, row):
    params = cell["params"]
    told = [f"{row_blocks} blocks: hints" if row["hint"] else f"{row_blocks} blocks"
            for row_blocks in [blocks_of(row)]]
    told.insert(0, describe("agents", params.get("agents")))
    if params.get("workers") != data.summary["default_workers"]:
        told.insert(1, describe("workers", params.get("workers")))
    return ", ".join(filter(None, told))


def _row(cell, row, entry):
    pair = entry["pair"] or {}
    return plotted(cell["scenario"], entry["model"], entry["said"], "", entry["ratio"]["median"],
                   entry["ratio"]["low"], entry["ratio"]["high"], entry["n"]) | {
        "tier": entry["tier"], "p": pair.get("p"), "p_holm": pair.get("p_holm"),
        "detectable": pair.get("detectable"), "margin": row["margin"],
        "hint": "yes" if row["hint"] else "no"}


def _alt(shown, panels):
    parts = ["Forest plot of each model's time over that of the fastest, one panel for each cell."]
    for (cell, row), entries in zip(shown, panels):
        told = "; ".join(f"{e['model']} {_text(e)}" for e in entries)
        parts.append(f"{cell['scenario']}, {units.plural(blocks_of(row), 'block')}"
                     f"{', hints only' if row['hint'] else ''}: {told}.")
    return " ".join(parts)
