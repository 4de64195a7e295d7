"""What would porting from the reference's language to C++ buy? Bars of it and the other models."""

from . import stats, style, units
from .bars import bars, name_the_bars
from .chart_data import IDEAL_WORDS, MOST_LINES, cpu_words, describe, plotted, row_of
from .sheet import COLUMN, MARGIN, Drawing, NothingToDraw, make_sheet, panel_title, widest


def what_would_porting_buy(data, width):
    references = [m for m, said in data.about.items() if said.get("rung") == "reference"]
    measured = [(m, cells) for m in references if (cells := _cells(data, m))]
    if not references:
        raise NothingToDraw("no reference model is in this result")
    if not measured:
        raise NothingToDraw(f"{references[0]} was measured in no scenario whose time is not its "
                            "wait alone")
    reference, cells = measured[0]
    others = [m for m in data.models_of(cells) if m not in references]
    choices = [m for m in others if data.about[m].get("rung") != "naive"]
    if not choices:
        raise NothingToDraw(f"nothing was measured beside {reference}")
    few = len(choices) < MOST_LINES
    models = [reference] + (choices if few else data.best_of_families(choices))
    ratios = {(c["cell_id"], m): times_as_fast(data, c, m, reference)
              for c in cells for m in models[1:]}
    bounded = [c for c in cells if c["lb_ns"]] or cells
    question = f"What would porting from {reference} to C++ buy?"
    reading = (f"Time to finish everything: shorter is better. ×: times as fast as {reference}. "
               f"Grey: no machine with {cpu_words(bounded)} can be faster. {IDEAL_WORDS} "
               "Black line: 95 % interval, dots: each run. ▶: longer than shown. "
               "Hatched: not run, at least this long by its structure. "
               f"{_which(models, choices, len(others) + len(references))}")
    stacked = width == COLUMN
    left = widest([data.styles[m].label for m in models], 7.5) + 0.12
    counts = [r["n"] for c in cells for r in c["models"] if r["n"]]
    figure, axes = make_sheet(width, question, reading, data.footer(counts), len(cells),
                              0.22 * len(models) + 0.1, columns=1 if stacked else 2, left=left,
                              right=0.14 if stacked else 0.2, below=0.44)
    rows = []
    for ax, cell in zip(axes, cells):
        own = {m: ratios.get((cell["cell_id"], m)) for m in models}
        rows += bars(data, ax, cell, models, lambda m, own=own: _words(own[m]), room=1.75)
        rows += [plotted(cell["scenario"], m, "times as fast", "", e.median, e.low, e.high, e.n)
                 for m, e in own.items() if e]
        name_the_bars(data, ax, models)
        panel_title(ax, cell["scenario"], _size(cell), left=left - MARGIN / 2)
    alt = (f"Horizontal bars, the time of {reference} and of other models, one panel per scenario. "
           + " ".join(_in_words(cell, models[1:], ratios, reference) for cell in cells))
    return Drawing("porting-from-the-reference", question, reading, alt, figure, rows,
                   _beside_time(data, cells, models), axes)


def _cells(data, reference):
    """Of each scenario the largest cell in which it was measured, at the default workers where
    there is one. Not `parked`, whose memory has a line of its own, and `open-loop`: their time is
    their wait. Not turns of a chosen length, which are for another question."""
    def size(cell):
        params = cell["params"]
        return (params.get("workers") == data.summary["default_workers"],
                params.get("agents") or 0, params.get("workers") or 0)

    largest = {}
    for cell in data.summary["cells"]:
        row = row_of(cell, reference)
        if (cell["scenario"] not in ("parked", "open-loop") and not cell["params"].get("grain_us")
                and row and row["makespan_ns"]):
            known = largest.get(cell["scenario"])
            if known is None or size(cell) > size(known):
                largest[cell["scenario"]] = cell
    return [largest[name] for name in sorted(largest, key=style.scenario_order)]


def _size(cell):
    """What tells the cell from others of its scenario; no share where nothing has a length."""
    told = {k: cell["params"].get(k) for k in ("agents", "workers", "cpu_share")}
    return ", ".join(filter(None, (describe(k, v) for k, v in told.items()
                                   if k != "cpu_share" or v)))


def _which(models, choices, count):
    """Says which of `count` models are drawn where not all are."""
    if len(models) == count:
        return ""
    if len(models) > len(choices):
        return "Without naive uses: nobody would port to them."
    return (f"{len(models)} of {count} models: of each family the fastest that is not naive. "
            "The table has all.")


def times_as_fast(data, cell, model, reference):
    """The reference's time over the model's, both of one block; None without a common block."""
    times = {m: {s["block"]: s["makespan_ns"] for s in data.raw(cell, m)}
             for m in (model, reference)}
    common = sorted(set(times[model]) & set(times[reference]), key=str)
    return stats.estimate([times[reference][b] / times[model][b] for b in common])


def _words(ratio):
    return f", {_times(ratio)}" if ratio else ""


def _times(ratio):
    """No digits that the interval does not bear out."""
    if ratio.low is not None and ratio.low <= 1 <= ratio.high:
        return "about 1×"
    return f"{units.three_digits(ratio.median)}×"


ALIKE = 1.03  # CPU times that differ by less are no reason to port
LEAST_CPU_NS = 10e6  # of a run: less is not told


def _beside_time(data, cells, models):
    """Time is not all that porting changes: memory and CPU time of the same models, as a table."""
    memory = {m["model"]: (m["bytes_per_agent"]["median"], units.size) for m in
              data.summary["memory_per_agent"] if m["scenario"] == "parked"}
    columns = [("Memory of each further waiting agent", memory)]
    for cell in cells:
        costs = {r["model"]: (r["cpu_s_per_1000_turns"]["median"] * 1e9, units.duration)
                 for r in cell["models"] if r["cpu_s_per_1000_turns"]}
        shown = [cost for model, (cost, _) in costs.items() if model in models]
        if _counted_well(data, cell, models[0], costs) and shown \
                and max(shown) > ALIKE * min(shown):
            columns.append((f"CPU time of 1,000 turns, {cell['scenario']}", costs))
    columns = [(what, values) for what, values in columns if models[0] in values]
    if not columns:
        return ""
    lines = [["Model", *(what for what, _ in columns)], ["---", *("---:" for _ in columns)]]
    lines += [[model, *(_shown(values.get(model)) for _, values in columns)] for model in models
              if any(model in values for _, values in columns)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _counted_well(data, cell, model, costs):
    """A run with little CPU time shows what starting costs, and the clock, not its turns."""
    turns = next((s["turns"] for s in data.raw(cell, model) if s.get("turns")), 0)
    return model in costs and costs[model][0] * turns / 1000 >= LEAST_CPU_NS


def _shown(value):
    return value[1](value[0]) if value else "–"


def _in_words(cell, models, ratios, reference):
    found = {m: ratios[cell["cell_id"], m] for m in models if ratios[cell["cell_id"], m]}
    ranked = sorted(found, key=lambda m: -found[m].median)
    told = ", ".join(f"{m} {_times(found[m])}" for m in ranked) or "nothing else measured"
    return f"Times as fast as {reference} in {cell['scenario']}, {_size(cell)}: {told}."
