"""What does a fault storm do to healthy turns? Their delay, from no faults to many, per model."""

from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from . import units
from .chart_data import plotted
from .chart_lines import LEFT, grid, log_y
from .faults import contained_words
from .groups import belongs_to, give
from .labels import label_line_ends
from .sheet import COLUMN, Drawing, NothingToDraw, make_sheet, panel_title, widest

SHOWN = (("p50", "half of the turns", "at most so late"),
         ("p99", "1 in 100 turns", "at least so late"))


def what_does_a_fault_storm_do_to_healthy_turns(data, width):
    groups = _groups(data)
    if not groups:
        raise NothingToDraw("healthy turns were not measured both with few and with many faults")
    models = data.lines([cell for group in groups for cell in group])
    question = "What does a fault storm do to healthy turns?"
    reading = ("The delay of turns that no fault touches: what they take beyond their own waits "
               "and computing. Level is good: the trouble of others does not reach them; lower is "
               "better. From left to right more turns meet a failed call, a time-out or an "
               f"exception. {contained_words(groups[0])} "
               f"{data.marks([c for g in groups for c in g], models)}")
    panels = [(group, *shown) for group in groups for shown in SHOWN if any(
        r["delay_ns"][shown[0]] for cell in group for r in cell["models"])]
    counts = [r["runs"] for group in groups for cell in group for r in cell["models"]]
    figure, axes = make_sheet(width, question, reading, data.footer(counts), len(panels), 1.75,
                              columns=1 if width == COLUMN else 2, left=LEFT,
                              right=widest([data.styles[m].label for m in models], 7.5) + 0.2,
                              below=0.58)
    rows = []
    for ax, (group, percentile, name, words) in zip(axes, panels):
        rows += _panel(data, ax, group, models, percentile)
        panel_title(ax, name, words + _where(groups, group), left=LEFT - 0.02)
        inches = ax.get_window_extent().width / figure.dpi
        ax.yaxis.set_label_coords(-(LEFT - 0.12) / inches, 0.5)
    alt = ("Lines of the delay of turns that no fault touches, from no faults to many. "
           + " ".join(_in_words(*panel[:2], models) for panel in panels))
    return Drawing("healthy-turns", question, reading, alt, figure, rows, NOTE, axes)


NOTE = ("All runs have the same sessions; which calls fail, how, and how often they are tried "
        "again is scripted from the seed. A percentile is that of one run, a marker its median "
        "over the runs with its 95 % interval.")


def _groups(data):
    """At the default workers: by timers, and over TCP; of each the group of most cells, agents."""
    section, best = data.summary.get("faults"), {}
    for group in section["groups"] if section else []:
        params = group[0]["params"]
        if len(group) > 1 and params.get("workers") == data.summary["default_workers"]:
            io = params.get("io", "timer")
            rank = len(group), params.get("agents") or 0, group[0]["cell_id"]
            if io not in best or rank > best[io][0]:
                best[io] = rank, group
    return [best[io][1] for io in sorted(best, reverse=True)]


def _where(groups, group):
    if len(groups) == 1:
        return ""
    return ", over TCP" if group[0]["params"].get("io") == "tcp" else ", by timers"


def _panel(data, ax, group, models, percentile):
    known = {m: [(x, row["delay_ns"][percentile]) for x, cell in enumerate(group)
                 for row in cell["models"] if row["model"] == m and row["delay_ns"][percentile]]
             for m in models}
    raw = {m: [(x, max(s["healthy"][percentile], 1)) for x, cell in enumerate(group)
               for s in data.raw(cell, m)
               if (s.get("healthy") or {}).get(percentile) is not None] for m in models}
    log_y(ax, [y for points in raw.values() for _, y in points], units.duration)
    ax.set_xlim(-0.25, len(group) - 0.75)
    ax.xaxis.set_major_locator(FixedLocator(range(len(group))))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xticklabels([f"{cell['scenario']}\n{_share(cell['rate'])}" for cell in group])
    ax.set_xlabel("share of turns that a fault touches")
    ax.set_ylabel("delay of a turn (log scale)")
    grid(ax)
    rows, ends, key = [], [], f"{percentile} {group[0]['params'].get('io', 'timer')}"
    for i, model in enumerate(models):
        look, shift = data.styles[model], (i - (len(models) - 1) / 2) * 0.025
        points = known[model]
        if not points:
            continue
        with belongs_to(ax, model):
            ax.plot([x + shift for x, _ in raw[model]], [y for _, y in raw[model]], ls="none",
                    marker=".", ms=2.5, mew=0, color=look.colour, alpha=0.35, zorder=3)
            ax.plot([x + shift for x, _ in points], [max(e["median"], 1) for _, e in points],
                    color=look.colour, ls=look.dash, marker=look.marker, zorder=4)
        for x, e in points:
            if e["low"] is not None:
                give(model, *ax.plot([x + shift] * 2, [max(e["low"], 1), e["high"]],
                                     color=look.ink, lw=0.8, zorder=4, solid_capstyle="butt"))
            rows.append(plotted(key, model, group[x]["scenario"], group[x]["rate"], e["median"],
                                e["low"], e["high"], e["n"]))
        ends.append((points[-1][0] + shift, max(points[-1][1]["median"], 1), look.label, look))
    label_line_ends(ax, ends)
    return rows


def _share(rate):
    return units.percent(rate) if rate else "none"


def _in_words(group, percentile, models):
    first, last = group[0], group[-1]
    before = {r["model"]: r["delay_ns"][percentile] for r in first["models"]}
    told = [f"{r['model']} " + " to ".join(units.duration(e["median"]) for e in (
        before.get(r["model"]), r["delay_ns"][percentile]) if e)
        for r in last["models"] if r["model"] in models and r["delay_ns"][percentile]]
    where = "over TCP" if first["params"].get("io") == "tcp" else "by timers"
    return (f"{percentile} {where}, {first['scenario']} to {last['scenario']}: "
            f"{', '.join(told)}.")
