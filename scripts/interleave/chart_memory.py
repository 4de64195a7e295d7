"""What does a waiting agent cost? Memory over the number of agents that only wait, and beside it
how late they wake up and what CPU it takes to wait."""

from . import style, units
from .chart_data import plotted, row_of
from .chart_lines import LEFT, dodge_of, grid, line, line_rows, log_x, log_y
from .groups import panel_of
from .labels import label_line_ends
from .memory import own_memory
from .sheet import PAGE, Drawing, NothingToDraw, make_sheet, panel_title, widest
from .waiting_strip import draw_strip, strip_height, strip_rows, strip_words


def what_does_an_agent_cost(data, width):
    series = [cells for cells in data.over_agents() if cells[0]["scenario"] == "parked"
              and any(r["own_memory_bytes"] for c in cells for r in c["models"])]
    if not series:
        raise NothingToDraw("`parked` was not measured at two numbers of agents")
    everything = [c for cells in series for c in cells]
    models = data.lines(everything)
    question = "What does a waiting agent cost?"
    slopes = [_slopes(data, cells) for cells in series]
    strips = [strip_rows(data, cells, models) for cells in series]
    told = ", with 95 % interval" if width == PAGE and any(
        s["low"] is not None for found in slopes for s in found.values()) else ""
    reading = ("Memory that the run added to its process, agents that only wait. Lower is better. "
               f"At the right: what each further agent adds (slope of the line){told}. "
               f"{strip_words([row for rows in strips for row in rows])}"
               f"{data.marks(everything, models)}")
    note = ("Resident memory, page tables, and what the kernel keeps for threads: their kernel "
            "stacks and, of five hundred threads or more, its other unreclaimable objects (slab). "
            "The slope is the weighted Theil-Sen slope over all sizes from which on the agents "
            "make up at least half of the memory, within each block; then its median over the "
            "blocks.")

    def named(model, found):
        label = data.styles[model].label
        return f"{label} {_slope_words(found[model], width)}" if model in found else label

    figure, axes = _sheet(data, width, question, reading, series, strips,
                          [named(m, found) for found in slopes for m in models])
    rows, drawn = [], []
    for ax, cells, found, strip in zip(axes, series, slopes, strips):
        log_x(ax, cells, "agents", "waiting agents (log scale)", len(models))
        values = [r["own_memory_bytes"][k] for c in cells for r in c["models"]
                  if r["own_memory_bytes"] for k in ("median", "low", "high")]
        values += [own_memory(s) for c in cells for m in models for s in data.raw(c, m)]
        log_y(ax, [v for v in values if v is not None and v > 0], units.size)
        ax.set_ylabel("memory added (log scale)")
        grid(ax)
        ends = []
        for i, model in enumerate(models):
            look, dodge = data.styles[model], dodge_of(cells, "agents", i, len(models))
            present = [(c, row_of(c, model)) for c in cells if row_of(c, model)]
            raw = [(c["params"]["agents"], own_memory(s)) for c, _ in present
                   for s in data.raw(c, model)]
            # A logarithm has no place for zero: a model that added nothing is in the table only.
            raw = [(x, y) for x, y in raw if y is not None and y > 0]
            points = [(c["params"]["agents"], r["own_memory_bytes"]) for c, r in present
                      if r["own_memory_bytes"] and r["own_memory_bytes"]["median"] > 0]
            ends += [(x, y, named(model, found), look)
                     for x, y, _, look in line(ax, look, dodge, raw, points, [])]
            rows += line_rows("parked", model, raw, points, [], None)
        panel_of(ax, "parked")
        panel_title(ax, "parked", style.SCENARIOS["parked"], left=LEFT - 0.02)
        label_line_ends(ax, ends)
        rows += [plotted("parked", model, "bytes_per_agent", s["to_agents"], s["median"], s["low"],
                         s["high"], s["n"]) for model, s in sorted(found.items())]
        parts, more = draw_strip(data, ax, strip, LEFT - 0.02) if strip else ([], [])
        drawn += [ax, *parts]
        rows += more
    alt = _in_words(slopes, strips)
    return Drawing("memory-of-parked", question, reading, alt, figure, rows, note, drawn)


def _slopes(data, cells):
    """Model -> what each further agent adds, of these cells."""
    rest = {k: v for k, v in cells[0]["params"].items() if k != "agents"}
    return {m["model"]: m["bytes_per_agent"] | {"to_agents": m["to_agents"]}
            for m in data.summary["memory_per_agent"]
            if m["scenario"] == cells[0]["scenario"] and m["params"] == rest}


def _slope_words(slope, width):
    """On a page with its interval; in a column there is no room for it."""
    words = units.size(slope["median"])
    if width != PAGE or slope["low"] is None:
        return words
    low, high = units.size(slope["low"]), units.size(slope["high"])
    unit = " " + words.split(" ")[-1]
    if low.endswith(unit) and high.endswith(unit):
        low, high = low.removesuffix(unit), high.removesuffix(unit)
    return f"{words} ({low} to {high})"


def _sheet(data, width, question, reading, series, strips, texts):
    counts = [r["n"] for cells in series for c in cells for r in c["models"] if r["n"]]
    figure, axes = make_sheet(width, question, reading, data.footer(counts), len(series), 2.5,
                              columns=1, left=LEFT, right=widest(texts, 7.5) + 0.2,
                              below=0.42 + max(map(strip_height, strips)))
    for ax in axes:
        inches = ax.get_window_extent().width / figure.dpi
        ax.yaxis.set_label_coords(-(LEFT - 0.12) / inches, 0.5)
    return figure, axes


def _in_words(slopes, strips):
    costs = ", ".join(f"{m} {units.size(s['median'])}" for found in slopes for m, s in
                      sorted(found.items(), key=lambda kv: kv[1]["median"]))
    rows = [row for strip in strips for row in strip]
    late = ", ".join(f"{r['model']} {units.duration(r['lateness_p99_ns']['median'])}"
                     for r in rows if r["lateness_p99_ns"])
    idle = ", ".join(f"{r['model']} {units.small_percent(r['idle_cpu']['median'])}"
                     for r in rows if r["idle_cpu"])
    return (f"Lines of memory over the number of waiting agents. Bytes per further agent: {costs}."
            + (f" One wake-up in a hundred is later than: {late}." if late else "")
            + (f" Share of a CPU used while all wait: {idle}." if idle else ""))
