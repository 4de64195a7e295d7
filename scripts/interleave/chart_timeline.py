"""How does each model actually run? One strip per model, one row per agent, one axis of time."""

import json
import re
from collections import defaultdict

from matplotlib.ticker import FuncFormatter

from . import style, units
from .bars import round_step
from .chart_data import cpu_words, describe
from .groups import belongs_to, panel_of
from .sheet import MARGIN, Drawing, NothingToDraw, make_sheet, panel_title

MOST_ROWS = 48  # agents per strip: more could not be told apart
FAR = 4.0  # a model this many times slower than the next runs off the axis, and says so
STRIP, GAP = 0.62, 0.24  # inches


def traced_cells(data):
    """Cells with traces, each with its samples by model: one figure each."""
    cells = defaultdict(dict)
    for sample in data.result.traced():
        cells[sample["cell_id"]].setdefault(sample["model"], sample)
    if not cells:
        raise NothingToDraw("no trace was recorded")
    order = {c["cell_id"]: i for i, c in enumerate(data.summary["cells"])}
    return sorted(cells.items(), key=lambda kv: (order.get(kv[0], len(order)), kv[0]))


def how_does_each_model_run(data, width, cell_id, samples):
    strips = []
    cell = {"models": [{"model": model} for model in samples]}
    models = data.lines([cell])
    for model in models:
        spans = _read(data.result.trace_file(samples[model]))
        if spans:
            strips.append((model, samples[model], spans))
    first = next(iter(samples.values()))
    if not strips:
        raise NothingToDraw(f"the traces of {first['scenario']} hold no steps")
    agents = sorted({s[0] for _, _, spans in strips for s in spans})
    shown = _spaced(agents, MOST_ROWS)
    params = first["params"]
    question = "How does each model actually run?"
    some = "" if len(shown) == len(agents) else f" ({len(shown)} of {len(agents):,} are drawn)"
    reading = (f"One row per agent{some}, time to the right. Light: waiting. Dark: computing. "
               f"Line: all done. Grey: no machine with {cpu_words([first])} can finish there. "
               "One run each, not a median. "
               f"{data.not_drawn([cell], models, 'All traces are in trace/.')}")
    ends = sorted(_end(sample, spans) for _, sample, spans in strips)
    right = ends[-1]
    if len(ends) > 1 and ends[-1] > FAR * ends[-2]:
        right = ends[-2] * 1.5
    height = len(strips) * (STRIP + GAP)
    figure, (ax,) = make_sheet(width, question, reading, data.footer([1]), 1, height, columns=1,
                               left=0.05, right=0.12, above=0.24, below=0.42)
    ax.set_xlim(0, right * 1.02)
    ax.set_ylim(height, 0)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    step = round_step(right)
    unit_ns, unit = next((u for u in units.DURATIONS if right >= u[0]), units.DURATIONS[-1])
    ax.set_xticks([i * step for i in range(int(right * 1.02 / step) + 1)])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: units.round_number(x / unit_ns)))
    ax.set_xlabel(f"time since the start ({unit})")
    bound = next((c["lb_ns"] for c in data.summary["cells"] if c["cell_id"] == cell_id),
                 None) or first.get("lb_ns")
    rows = []
    for i, (model, sample, spans) in enumerate(strips):
        top = i * (STRIP + GAP) + GAP
        if bound:
            ax.fill_between([0, bound], top, top + STRIP, color=style.BOUND_FILL, alpha=0.5, lw=0,
                            zorder=0)
        with belongs_to(ax, model):
            rows += _strip(ax, data.styles[model], model, sample, spans, shown, top, right)
    told = ", ".join(filter(None, (describe(k, params.get(k)) for k in ("agents", "workers"))))
    panel_of(ax, first["scenario"])
    panel_title(ax, first["scenario"], told, left=0.05 - MARGIN / 2)
    size = params.get("agents") or len(agents)
    name = re.sub(r"[^A-Za-z0-9_.]+", "-", f"timeline-{first['scenario']}-{size}")
    alt = (f"Timelines of {first['scenario']}, {told}. All done after: "
           + ", ".join(f"{m} {units.duration(_end(s, sp))}" for m, s, sp in strips) + ".")
    return Drawing(name, question, reading, alt, figure, rows, axes=[ax])


def _read(path):
    """The steps of a trace as (agent, kind, start in ns, duration in ns, turn), sorted."""
    try:
        events = json.loads(path.read_text())["traceEvents"]
    except (ValueError, KeyError):
        return []  # killed while writing
    return sorted((e["tid"], e["name"], e["ts"] * 1000, e["dur"] * 1000,
                   (e.get("args") or {}).get("turn", ""))
                  for e in events if e.get("ph") == "X" and e.get("cat") == "step")


def _strip(ax, look, model, sample, spans, shown, top, right):
    row_of = {agent: i for i, agent in enumerate(shown)}
    height = STRIP / len(shown)
    many = len(spans) > 20_000
    colours = {"wait": look.tint(0.6), "compute": look.ink, "call": look.tint(0.6),
               "block": look.tint(0.25)}
    drawn = [s for s in spans if s[0] in row_of]
    for kind, layer in (("wait", 2), ("call", 2), ("block", 3), ("compute", 4)):
        rows = defaultdict(list)
        for agent, name, start, duration, _ in drawn:
            if name == kind and start < right:
                rows[agent].append((start, min(duration, right * 1.02 - start)))
        for agent, bars in sorted(rows.items()):
            # A hair of edge keeps computing visible that is shorter than a pixel.
            ax.broken_barh(bars, (top + row_of[agent] * height, height * 0.84),
                           facecolors=colours[kind], edgecolors=colours[kind],
                           linewidth=0.25 if kind == "compute" else 0, zorder=layer,
                           rasterized=many)
    end = _end(sample, spans)
    text = f"{look.label}  {units.duration(end)}"
    if end > right:
        text += "  (goes on beyond the right edge ▶)"
    else:
        ax.plot([end, end], [top, top + STRIP], color=look.ink, lw=0.9, zorder=5)
    ax.annotate(text, (0, top), (0, 2), textcoords="offset points", size=7.5, color=look.ink,
                weight="bold", va="bottom", ha="left", annotation_clip=False)
    return [{"model": model, "agent": agent, "kind": kind, "start_ns": round(start),
             "duration_ns": round(duration), "turn": turn}
            for agent, kind, start, duration, turn in drawn]


def _end(sample, spans):
    return sample.get("makespan_ns") or max(start + length for _, _, start, length, _ in spans)


def _spaced(agents, most):
    """At most `most` of the agents, evenly taken."""
    if len(agents) <= most:
        return agents
    return [agents[i * len(agents) // most] for i in range(most)]
