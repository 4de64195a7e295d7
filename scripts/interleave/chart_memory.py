"""What does a waiting agent cost? Memory over the number of agents that only wait."""

from . import style, units
from .chart_data import plotted, row_of
from .chart_lines import LEFT, dodge_of, grid, line, line_rows, log_x, log_y, start
from .labels import label_line_ends
from .memory import own_memory
from .sheet import Drawing, NothingToDraw, panel_title


def what_does_an_agent_cost(data, width):
    series = [cells for cells in data.over_agents() if cells[0]["scenario"] == "parked"
              and any(r["own_memory_bytes"] for c in cells for r in c["models"])]
    if not series:
        raise NothingToDraw("`parked` was not measured at two numbers of agents")
    everything = [c for cells in series for c in cells]
    models = data.lines(everything)
    question = "What does a waiting agent cost?"
    reading = ("Memory that the run added to its process, agents that only wait. Lower is better. "
               "At the right: what each further agent adds (slope between the two largest sizes). "
               f"{data.marks(everything, models)}")
    note = ("Resident memory, page tables, and what the kernel keeps for threads: their kernel "
            "stacks and, of five hundred threads or more, its other unreclaimable objects (slab).")
    slopes = {(m["model"], m["to_agents"]): m["bytes_per_agent"] for m in
              data.summary["memory_per_agent"] if m["scenario"] == "parked"}

    def named(model, agents):
        slope = slopes.get((model, agents))
        return f"{data.styles[model].label} {units.size(slope['median'])}" if slope \
            else data.styles[model].label

    texts = [named(m, a) for m, a in slopes if m in models]
    texts += [data.styles[m].label for m in models]
    figure, axes = start(data, width, series, question, reading, texts=texts, height=2.5)
    rows = []
    for ax, cells in zip(axes, series):
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
            last = points[-1][0] if points else None
            ends += [(x, y, named(model, last), colour)
                     for x, y, _, colour in line(ax, look, dodge, raw, points, [])]
            rows += line_rows("parked", model, raw, points, [], None)
        panel_title(ax, "parked", style.SCENARIOS["parked"], left=LEFT - 0.02)
        label_line_ends(ax, ends)
    rows += [plotted("parked", model, "bytes_per_agent", agents, s["median"], s["low"], s["high"],
                     s["n"]) for (model, agents), s in sorted(slopes.items())]
    costs = ", ".join(f"{m} {units.size(s['median'])}" for (m, _), s in
                      sorted(slopes.items(), key=lambda kv: kv[1]["median"]))
    alt = f"Lines of memory over the number of waiting agents. Bytes per further agent: {costs}."
    return Drawing("memory-of-parked", question, reading, alt, figure, rows, note, axes)
