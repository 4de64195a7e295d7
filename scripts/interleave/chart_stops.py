"""How soon does a stop take effect? From asking until the run has ended, for each model."""

from . import units
from .chart_data import describe, plotted
from .groups import panel_of
from .row_panels import ROW, beside, mark, name_rows, rows_axis, say
from .sheet import COLUMN, MARGIN, Drawing, NothingToDraw, make_sheet, widest
from .stacked import LINE, bars_for, title, title_lines
from .stops import clean_words, situation


def how_soon_does_a_stop_take_effect(data, width):
    panels = _panels(data)
    if not panels:
        raise NothingToDraw("no run was stopped")
    cells = [cell for panel in panels for cell in panel.values()]
    models, others = bars_for(data, [c["models"] for c in cells],
                              lambda r: r["acknowledged_ns"]["median"])
    question = "How soon does a stop take effect?"
    reading = ("From asking for the stop until everything has ended; further left is sooner. "
               f"{_looks(cells)}{_cpu_meanwhile(cells, models)}{clean_words(cells)} {others}")
    left = widest([data.styles[m].label for m in models], 7.5) + 0.12
    columns = 1 if width == COLUMN or len(panels) == 1 else 2
    usable = (width - 2 * MARGIN) / columns - 0.14
    titles = [_title(panel) for panel in panels]
    lift = max(title_lines(*words, usable) for words in titles) * LINE
    counts = [r["runs"] for c in cells for r in c["models"]]
    figure, axes = make_sheet(width, question, reading, data.footer(counts), len(panels),
                              ROW * len(models) + 0.06, columns=columns, left=left, right=0.14,
                              above=0.08 + lift, below=0.44)
    rows = []
    for ax, panel, words in zip(axes, panels, titles):
        rows += _panel(data, ax, panel, models)
        panel_of(ax, words[0])
        title(ax, *words, left - MARGIN / 2, 0, usable)
    alt = ("Time from asking for a stop until the run has ended, by model. "
           + " ".join(_in_words(panel, models) for panel in panels))
    return Drawing("stops", question, reading, alt, figure, rows, _note(cells), axes)


def _looks(cells):
    ios = {cell["params"].get("io", "timer") for cell in cells}
    return {"timer": "Hollow: waits were timers. ", "tcp": "Filled: waits were calls over TCP. "}[
        ios.pop()] if len(ios) == 1 else "Hollow: waits were timers, filled: calls over TCP. "


def _cpu_meanwhile(cells, models):
    known = [r["cpu_after_ns"]["median"] for c in cells for r in c["models"]
             if r["model"] in models and r["cpu_after_ns"]]
    return (f"CPU time used meanwhile: {units.duration(min(known))} to "
            f"{units.duration(max(known))}. " if known else "")


def _note(cells):
    kept = max((r["heap_left_bytes"] or 0) for c in cells for r in c["models"])
    words = (f" At most {units.size(kept)} of memory were in use that were not before: what "
             "libraries and interpreters keep." if kept > 0 else "")
    return ("A wait is given up at once, in a timer, a connection or a queue; what computes is "
            "seen to the end of its step. The run has ended when nothing of it is left: no "
            f"thread, no connection.{words}")


def _panels(data):
    """What is stopped in the same way, by timers and over TCP: io -> cell. Cells of the default
    number of workers, of each kind the one with the most agents."""
    section, panels = data.summary.get("stops"), {}
    for cell in section["cells"] if section else []:
        if cell["params"].get("workers") != data.summary["default_workers"]:
            continue
        panel = panels.setdefault((cell["scenario"], *cell["why"]), {})
        io = cell["params"].get("io", "timer")
        if io not in panel or _agents(cell) > _agents(panel[io]):
            panel[io] = cell
    return [dict(sorted(panel.items(), reverse=True)) for panel in panels.values()]


def _agents(cell):
    return cell["params"].get("agents") or 0


def _title(panel):
    cell = next(iter(panel.values()))
    told = describe("agents", cell["params"].get("agents"))
    return cell["scenario"], ", ".join(filter(None, (told, situation(cell))))


def _panel(data, ax, panel, models):
    found = {io: {r["model"]: r for r in cell["models"] if r["model"] in models}
             for io, cell in panel.items()}
    raw = {(io, model): [s["stop"]["acknowledged_ns"] for s in data.raw(panel[io], model)
                         if s.get("stop")] for io, by_model in found.items() for model in by_model}
    texts = {m: _times(found, m) for m in models}
    rows_axis(ax, [max(v, 1) for values in raw.values() for v in values], "until it has ended",
              texts.values())
    name_rows(data, ax, models)
    rows, key = [], panel[next(iter(panel))]["scenario"]
    for y, model in enumerate(models):
        known = {io: by_model[model] for io, by_model in found.items() if model in by_model}
        if not known:
            say(ax, y, "not run", model)
            continue
        for i, (io, row) in enumerate(known.items()):
            e = row["acknowledged_ns"]
            mark(ax, data.styles[model], y, e, io == "timer", raw[io, model])
            rows.append(plotted(key, model, f"until ended, {io}", e["median"], "", e["low"],
                                e["high"], e["n"]))
            if row["cpu_after_ns"]:
                rows.append(plotted(key, model, f"cpu after, {io}", row["cpu_after_ns"]["median"],
                                    "", row["cpu_after_ns"]["low"], row["cpu_after_ns"]["high"],
                                    row["cpu_after_ns"]["n"]))
        beside(ax, y, max(v for io in known for v in raw[io, model]), texts[model], model)
    return rows


def _times(found, model):
    """By timers and over TCP, the unit once where it is the same."""
    known = [units.duration(row["acknowledged_ns"]["median"]) for by_model in found.values()
             if (row := by_model.get(model))]
    if len(known) == 2 and known[0].split(" ")[1] == known[1].split(" ")[1]:
        known[0] = known[0].split(" ")[0]
    return ", ".join(known)


def _in_words(panel, models):
    told = []
    for io, cell in panel.items():
        ranked = sorted((r for r in cell["models"] if r["model"] in models),
                        key=lambda r: r["acknowledged_ns"]["median"])
        told.append(f"{describe('io', io)} " + ", ".join(
            f"{r['model']} {units.duration(r['acknowledged_ns']['median'])}" for r in ranked))
    return f"{', '.join(_title(panel))}: {'; '.join(told)}."
