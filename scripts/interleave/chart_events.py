"""What does a streamed event cost? And what a call costs with and without a kept connection."""

from . import units
from .chart_data import plotted
from .chart_sockets import cost_bars, costs_of, torn_words
from .groups import panel_of
from .row_panels import ROW, band, beside, mark, name_rows, rows_axis, say
from .sheet import COLUMN, MARGIN, Drawing, NothingToDraw, make_sheet, panel_title, widest
from .sockets import told_of
from .stacked import bars_for


def what_does_a_streamed_event_cost(data, width):
    stream, calls = (_largest(data, key) for key in ("streams", "calls"))
    if not stream and not calls:
        raise NothingToDraw("neither `stream` with few and with many tokens, nor `calls` and "
                            "`connect`, was measured over TCP")
    cells = [c for c in (stream, calls) if c]
    models, others = bars_for(data, [c["models"] for c in cells], lambda r: (
        r.get("cpu_ns") or r.get("kept_ns") or r["own_ns"])["median"])
    question = "What does a streamed event cost?" if stream else "What does a call cost?"
    reading = " ".join(filter(None, (
        "CPU time in the model alone; further left is cheaper.", _streamed(stream, models),
        f"“{calls['scenario']}”: a call that is answered at once, on a connection that is kept "
        "(filled) and on a new one for each (hollow)." if calls else "", others)))
    left = widest([data.styles[m].label for m in models], 7.5) + 0.12
    counts = [e["n"] for c in cells for r in c["models"] for e in r.values()
              if isinstance(e, dict)]
    figure, axes = make_sheet(width, question, reading, data.footer(counts), len(cells),
                              ROW * len(models) + 0.06, columns=1 if width == COLUMN else 2,
                              left=left, right=0.14, below=0.44)
    rows, panels = [], iter(axes)
    if stream:
        ax = next(panels)
        rows += cost_bars(data, ax, stream["scenario"], models,
                          costs_of(stream, models, "cpu_ns"), "CPU time of an event ({unit})",
                          "cpu of an event")
        panel_of(ax, stream["scenario"])
        panel_title(ax, stream["scenario"], told_of(stream), left=left - MARGIN / 2)
    if calls:
        ax = next(panels)
        rows += _calls(data, ax, calls, models)
        panel_of(ax, calls["scenario"])
        panel_title(ax, calls["scenario"], told_of(calls), left=left - MARGIN / 2)
    alt = "CPU time of an event and of a call, by model. " + " ".join(filter(None, (
        _events_in_words(stream, models), _calls_in_words(calls, models))))
    return Drawing("events", question, reading, alt, figure, rows, _note(stream), axes)


def _streamed(stream, models):
    if not stream:
        return ""
    torn = torn_words([costs_of(stream, models, "cpu_ns")])
    return (f"“{stream['scenario']}”: one more piece of an answer that comes token by token. "
            f"{torn}").strip()


def _note(stream):
    return ("The cost of an event is the CPU time of a run whose answers have "
            f"{stream['to_tokens']:,} tokens less that of a run whose answers have "
            f"{stream['from_tokens']:,}, of one block, over the events that it got more. Where "
            "events come faster than a model takes them it gets several at once, which makes each "
            "cheaper.") if stream else ""


def _largest(data, key):
    """With the most models, then the most agents."""
    section = data.summary.get("events")
    return max(section[key] if section else [], default=None, key=lambda c: (
        c["params"].get("workers") == data.summary["default_workers"], len(c["models"]),
        c["params"].get("agents") or 0, c["cell_id"]))


def _calls(data, ax, cell, models):
    found = {r["model"]: r for r in cell["models"] if r["model"] in models}
    texts = {m: _words(r) for m, r in found.items()}
    values = [e[k] for r in found.values() for e in (r["kept_ns"], r["own_ns"]) if e
              for k in ("low", "median", "high")]
    rows_axis(ax, values, "CPU time of a call", texts.values())
    name_rows(data, ax, models)
    rows = []
    for y, model in enumerate(models):
        if model not in found:
            say(ax, y, "not measured", model)
            continue
        look, row = data.styles[model], found[model]
        known = [e for e in (row["kept_ns"], row["own_ns"]) if e]
        band(ax, look, y, known[0]["median"], known[-1]["median"])
        for kind, e, hollow in (("kept", row["kept_ns"], False), ("its own", row["own_ns"], True)):
            if e:
                mark(ax, look, y, e, hollow)
                rows.append(plotted(cell["scenario"], model, f"cpu of a call, connection {kind}",
                                    e["median"], "", e["low"], e["high"], e["n"]))
        beside(ax, y, max(e["high"] or e["median"] for e in known), texts[model], model)
    return rows


def _words(row):
    return " → ".join(units.duration(e["median"]) for e in (row["kept_ns"], row["own_ns"]) if e)


def _events_in_words(stream, models):
    if not stream:
        return ""
    ranked = sorted((r for r in stream["models"] if r["model"] in models),
                    key=lambda r: r["cpu_ns"]["median"])
    told = ", ".join(f"{r['model']} {units.duration(max(r['cpu_ns']['median'], 0))}"
                     for r in ranked)
    return f"{stream['scenario']}, {told_of(stream)}, an event: {told}."


def _calls_in_words(calls, models):
    if not calls:
        return ""
    told = ", ".join(f"{r['model']} {_words(r)}" for r in calls["models"] if r["model"] in models)
    return f"A call, connection kept and its own: {told}."
