"""What is kept of a comparison with raw primitives? micro.json, the chart, and a page of both."""

from . import micro_table, units
from .samples import write_json

SCHEMA = "interleave.micro/1"


def write_page(folder, figures):
    """The chart in every format and README.md; identical figures give identical bytes. Matplotlib
    is imported only here: a fault there must not cost a measurement."""
    from .chart_floors import what_is_a_turn_made_of
    from .charts import WIDTHS
    from .sheet import save, save_rows, settings
    drawing = None
    for width, suffix in WIDTHS:
        with settings():
            drawn = what_is_a_turn_made_of(figures, width)
        save(drawn, folder, drawn.name + suffix)
        drawing = drawing or drawn
    save_rows(drawing, folder)
    (folder / "README.md").write_text(page(figures, drawing))


def write_figures(folder, figures):
    folder.mkdir(exist_ok=True)
    write_json(folder / "micro.json", figures)


def page(figures, drawing):
    stem, alt = drawing.name, drawing.alt.replace("[", "(").replace("]", ")")
    links = [f"[SVG]({stem}.svg)", f"[PDF]({stem}.pdf)", f"[data]({stem}.csv)",
             f"[one column wide]({stem}-column.pdf)", "[all rounds](micro.json)"]
    notes = micro_table.notes(figures["primitives"], len(figures["rounds"]), figures["agents"])
    trust = figures["trust"]
    return "\n".join([
        f"# {drawing.question}\n", f"Measured as {_measured(figures)}.\n",
        "\n".join([f"**{trust['level'].capitalize()}.**"]
                  + [f"- {reason}" for reason in trust["reasons"]]) + "\n",
        f"![{alt}]({stem}.png)\n", f"{drawing.reading} {drawing.note}\n",
        " · ".join(links) + "\n", "## Models\n", _model_rows(figures), "## Raw primitives\n",
        _primitive_rows(figures), "## How to read this\n",
        "\n".join(f"- {note}" for note in notes) + "\n"])


def _measured(figures):
    machine = figures["machine"]
    changed = " with changes that no commit holds" if figures["dirty"] else ""
    return (f"{figures['id']} at {figures['created_utc']} on {machine.get('name')} "
            f"({machine.get('cpu_model')}, {units.plural(machine.get('cpus') or 0, 'CPU')}), "
            f"commit {figures['commit']}{changed}")


def _model_rows(figures):
    lines = ["| model | rung | a turn | of it the suite's own | its parts | what the model adds | "
             "times its parts (rounds) | at most |", "|---|---|---:|---:|---|---:|---:|---|"]
    for model in figures["models"]:
        name = f"| `{model['model']}` | {model['rung']} | "
        if model["turn"] is None:
            lines.append(f"{name}{units.duration(model['first'])} in a fresh process | | | | | |")
            continue
        own = model["turn"] - model["left"]
        added = model["left"] - model["total"]
        ratio = "" if model["ratio"] is None else (
            f"{model['ratio']:.2f} ({model['low']:.2f}–{model['high']:.2f})")
        bar = f"{model['bar']:g}: {model['verdict']}" if model["verdict"] else ""
        parts = micro_table.spoken_sum(model["parts"])
        lines.append(f"{name}{units.duration(model['turn'])} | {units.duration(own)} | {parts} | "
                     f"{units.duration(added)} | {ratio} | {bar} |")
    return "\n".join(lines) + "\n"


def _primitive_rows(figures):
    lines = ["| primitive | costs | least and greatest round |", "|---|---:|---:|"]
    for name, ns in figures["primitives"].items():
        rounds = [r["primitive"][name] for r in figures["rounds"]]
        lines.append(f"| `{name}` | {units.duration(ns)} | {units.duration(min(rounds))} to "
                     f"{units.duration(max(rounds))} |")
    return "\n".join(lines) + "\n"
