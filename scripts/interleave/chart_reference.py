"""What would porting from the reference's language to C++ buy? Bars of it beside the other models."""

from . import stats, style, units
from .bars import bars, name_the_bars
from .chart_data import IDEAL_WORDS, cpu_words, describe, plotted, row_of
from .sheet import COLUMN, MARGIN, Drawing, NothingToDraw, make_sheet, panel_title, widest


def what_would_porting_buy(data, width):
    references = [m for m, said in data.about.items() if said.get("rung") == "reference"]
    measured = [(m, cells) for m in references if (cells := _cells(data, m))]
    if not references:
        raise NothingToDraw("no reference model is in this result")
    if not measured:
        raise NothingToDraw(f"{references[0]} was not measured at the default number of workers")
    reference, cells = measured[0]
    others = [m for m in data.lines(cells) if m not in references]
    naive = [m for m in others if data.about[m].get("rung") == "naive"]
    models = [reference] + [m for m in others if m not in naive]
    if len(models) == 1:
        raise NothingToDraw(f"nothing was measured beside {reference}")
    ratios = {(c["cell_id"], m): times_as_fast(data, c, m, reference)
              for c in cells for m in models[1:]}
    question = f"What would porting from {reference} to C++ buy?"
    reading = (f"Time to finish everything: shorter is better. ×: how many times as fast as "
               f"{reference}, pair by pair within the blocks. Grey: no machine with "
               f"{cpu_words(cells)} can be faster. {IDEAL_WORDS} Black line: 95 % interval. "
               "Hatched: not run, at least this long by its structure. "
               f"{data.not_drawn(cells, data.lines(cells))}"
               f"{' Without naive uses: nobody would port to them.' if naive else ''}")
    stacked = width == COLUMN
    left = widest([data.styles[m].label for m in models], 7.5) + 0.12
    counts = [r["n"] for c in cells for r in c["models"] if r["n"]]
    figure, axes = make_sheet(width, question, reading, data.footer(counts), len(cells),
                              0.22 * len(models) + 0.1, columns=1 if stacked else 2, left=left,
                              right=0.14 if stacked else 0.2, below=0.44)
    rows = []
    for i, (ax, cell) in enumerate(zip(axes, cells)):
        rows += bars(data, ax, cell, models, lambda m, c=cell: _words(ratios.get((c["cell_id"], m))),
                     room=1.6)
        rows += [plotted(cell["scenario"], m, "times as fast", "", e.median, e.low, e.high, e.n)
                 for m in models if (e := ratios.get((cell["cell_id"], m)))]
        name_the_bars(data, ax, models)
        panel_title(ax, cell["scenario"], describe("agents", cell["params"].get("agents")),
                    left=left - MARGIN / 2)
    alt = (f"Horizontal bars, the time of {reference} and of other models, one panel per scenario. "
           + " ".join(_in_words(cell, models[1:], ratios, reference) for cell in cells))
    return Drawing("porting-from-the-reference", question, reading, alt, figure, rows,
                   _beside_time(data, cells, models), axes)


def _cells(data, reference):
    """Of each scenario the largest cell at the default workers in which it was measured."""
    largest = {}
    for cell in data.summary["cells"]:
        row, params = row_of(cell, reference), cell["params"]
        if row and row["makespan_ns"] and params.get("workers") == data.summary["default_workers"]:
            known = largest.get(cell["scenario"])
            if known is None or (params.get("agents") or 0) > (known["params"].get("agents") or 0):
                largest[cell["scenario"]] = cell
    return [largest[name] for name in sorted(largest, key=style.scenario_order)]


def times_as_fast(data, cell, model, reference):
    """The reference's time over the model's, both of one block; None without a common block."""
    times = {m: {s["block"]: s["makespan_ns"] for s in data.raw(cell, m)}
             for m in (model, reference)}
    common = sorted(set(times[model]) & set(times[reference]), key=str)
    return stats.estimate([times[reference][b] / times[model][b] for b in common])


def _words(ratio):
    return f", {_times(ratio.median)}" if ratio else ""


def _times(ratio):
    return f"{ratio:.2f}×" if ratio < 9.995 else f"{ratio:.0f}×"


def _beside_time(data, cells, models):
    """Time is not all that porting changes: memory and CPU time of the same models, in words."""
    slopes = {m["model"]: units.size(m["bytes_per_agent"]["median"]) for m in
              data.summary["memory_per_agent"] if m["scenario"] == "parked"}
    parts = [_listed("Memory that each further waiting agent adds", slopes, models)]
    for cell in cells:
        costs = {r["model"]: units.duration(r["cpu_s_per_1000_turns"]["median"] * 1e9)
                 for r in cell["models"] if r["cpu_s_per_1000_turns"]}
        size = describe("agents", cell["params"].get("agents"))
        parts.append(_listed(f"CPU time of 1,000 turns in {cell['scenario']}, {size}", costs,
                             models))
    return "\n".join(f"- {part}" for part in parts if part)


def _listed(what, values, models):
    told = ", ".join(f"{m} {values[m]}" for m in models if m in values)
    return f"{what}: {told}." if models[0] in values and told else ""


def _in_words(cell, models, ratios, reference):
    found = {m: ratios[cell["cell_id"], m] for m in models if ratios[cell["cell_id"], m]}
    ranked = sorted(found, key=lambda m: -found[m].median)
    told = ", ".join(f"{m} {_times(found[m].median)}" for m in ranked) or "nothing else measured"
    size = describe("agents", cell["params"].get("agents"))
    return f"As fast as {reference} in {cell['scenario']}, {size}: {told}."
