"""What does a person see at the end? The result's own README.md, its files, and a table."""

import re
from pathlib import Path

from rich.text import Text

from . import markdown_tables, measured_on
from .advice import when_to_use_which
from .charts import draw_all
from .cite import write_citation
from .cite_words import sentence
from .comparisons_table import comparisons_csv, comparisons_table
from .cpu_cost import cpu_table
from .endpoint_use import endpoint_table
from .events import events_table
from .faults import fairness_table, faults_table
from .first_results import first_results_table
from .grain_table import grain_table
from .instruments import instruments_table
from .messages import messages_table
from .noise import noise_words
from .open_loop import open_loop_table
from .records import read_result
from .report import write_report
from .responsiveness import responsiveness_table
from .sockets import sockets_table
from .stops import stops_table
from .summary import as_json, summarise
from .summary_csv import as_csv
from .terminal_table import terminal_table
from .time_table import time_table
from .trust import COLOURS
from .trust_table import trust_table

# The tables of the page, in the order of the figures whose numbers they hold. Each is a function of
# the summary and gives a heading and what is below it, or nothing.
SECTIONS = [
    ("makespan-over-agents", markdown_tables.times_section),
    ("who-wins", comparisons_table),
    ("responsiveness", responsiveness_table),
    ("responsiveness", instruments_table),
    ("time-spent", time_table),
    ("cpu-cost", cpu_table),
    ("first-result", first_results_table),
    ("open-loop", open_loop_table),
    ("messages", messages_table),
    ("memory-of-parked", markdown_tables.memory_section),
    ("efficiency-over-grain", grain_table),
    ("sockets", sockets_table),
    ("sockets", endpoint_table),
    ("events", events_table),
    ("stops", stops_table),
    ("healthy-turns", faults_table),
    ("healthy-turns", fairness_table),
    ("trust", trust_table),
]
PICTURES = {".png", ".svg", ".pdf", ".csv"}


def write_result(result_dir: Path) -> dict:
    """Derives everything that follows from the samples: summary, figures, README. Returns the
    summary. May be called again at any time: identical samples give identical bytes."""
    result = read_result(result_dir)
    summary = summarise(result)
    folder = result.path
    derived = folder / "derived"
    derived.mkdir(exist_ok=True)
    (derived / "summary.json").write_text(as_json(summary))
    (derived / "summary.csv").write_text(as_csv(summary))
    (derived / "comparisons.csv").write_text(comparisons_csv(summary))
    (derived / "summary.md").write_text(markdown_tables.markdown_table(summary))
    write_citation(folder, summary, result.manifest)
    figures = folder / "figures"
    drawn, left_out = draw_all(result, summary, figures)
    _remove_stale(figures, {name for d in drawn for name in d["files"]})
    (folder / "README.md").write_text(page(result.manifest, summary, drawn, left_out))
    write_report(result, summary, drawn, texts(result.manifest, summary, left_out))
    return summary


def texts(manifest, summary, left_out):
    """What the page for a browser has in common with this one: the tables, and what is missing."""
    tables = [text for _, section in SECTIONS if (text := section(summary))]
    return tables, _missing(manifest, summary, left_out)


def _remove_stale(figures, current):
    """A figure of earlier data must not stand beside those of today's."""
    for path in figures.iterdir():
        if path.suffix in PICTURES and path.name not in current:
            path.unlink()


def print_table(summary, console):
    """Scenario x model on the terminal, at whatever width it has; then whether to trust it."""
    console.print(terminal_table(summary, console))
    console.print(Text("Median time to finish everything, its 95 % interval, share of the "
                       "possible speed (an ideal scheduler without any overhead = 100 %). "
                       "≥: not run, least time that its structure allows.", "dim"))
    if noise := noise_words(summary.get("noise")):
        console.print(Text(noise, "dim"))
    trust = summary["trust"]
    console.print(Text.assemble(_leads_to(trust["level"]), (trust["level"],
                                f"bold {COLOURS[trust['level']]}"), "."))
    for line in [*trust["reasons"], *summary["messages"]]:
        console.print(Text(f"  · {line}", "dim"))


def page(manifest, summary, drawn, left_out):
    """For a newcomer from the top: whether to trust it, what to use, the figures; then, to look
    things up, all tables, and what is missing at the end."""
    tables = [(figure, text) for figure, section in SECTIONS if (text := section(summary))]
    parts = [f"# Interleave result {summary['result_id']}\n", _trust_lines(summary["trust"])]
    parts += filter(None, [when_to_use_which(summary)])  # what most readers came for
    parts += [_figure(d, tables) for d in drawn]
    parts.append("## What are all the numbers?\n\n"
                 "More columns (memory, CPU time, threads, overhead): "
                 "[summary.csv](derived/summary.csv), [summary.json](derived/summary.json). "
                 "Raw: [samples.jsonl](samples.jsonl), [plan.jsonl](plan.jsonl), "
                 "[manifest.json](manifest.json). All on one page, with switches, for a browser "
                 "without a network: [report.html](report.html).\n")
    parts += [f"#{text}" for _, text in tables]
    parts.append(_how_to_read(summary))
    parts.append(_environment(manifest, summary["machine"]))
    parts.append(_cite(manifest, summary))
    parts += filter(None, [_missing(manifest, summary, left_out)])
    return "\n".join(parts)


def _missing(manifest, summary, left_out):
    """Every row, cell and figure that one might look for in vain, and why."""
    trimmed = [_trimmed(t) for t in manifest.get("trimmed") or []]
    figures = [f"*{f['name']}*: {f['why']}" for f in left_out]
    lists = [("In no median and no line of a chart:", markdown_tables.what_is_missing(summary)),
             ("Cut from the plan to fit the time budget:", trimmed),
             ("Figures left out:", figures), ("The files had oddities:", summary["messages"])]
    told = [f"{words}\n\n" + "\n".join(f"- {line}" for line in lines) + "\n"
            for words, lines in lists if lines]
    return "\n".join(["## What is missing, and why?\n", *told]) if told else ""


def _leads_to(level):
    """The beginning of the sentence that ends with this level of trust."""
    return "To be cited " if level == "with caution" else "This result is "


def _trust_lines(trust):
    text = f"**{_leads_to(trust['level'])}{trust['level']}.**\n"
    if trust["reasons"]:
        text += "\n" + "\n".join(f"- {reason}" for reason in trust["reasons"]) + "\n"
    return text


def _figure(drawn, tables):
    stem = f"figures/{drawn['name']}"
    alt = drawn["alt"].replace("[", "(").replace("]", ")")
    links = [f"[SVG]({stem}.svg)", f"[PDF]({stem}.pdf)", f"[data]({stem}.csv)"]
    if f"{drawn['name']}-column.pdf" in drawn["files"]:
        links.append(f"[one column wide]({stem}-column.pdf)")
    links += [f"[table: {heading[0].lower() + heading[1:]}](#{_anchor(heading)})"
              for figure, text in tables if figure == drawn["name"]
              for heading in [text.splitlines()[0].removeprefix("## ")]]
    note = f"{drawn['note']}\n\n" if drawn["note"] else ""
    return (f"## {drawn['question']}\n\n![{alt}]({stem}.png)\n\n{note}" + " · ".join(links) + "\n")


def _anchor(heading):
    """As GitHub names a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _how_to_read(summary):
    return """## How are the numbers to be read?

- One operating system process is one sample. A median is over the processes of one cell.
- The interval is the exact order-statistic interval of the median: with 6 samples it runs from the
  least to the greatest and covers the true median with 96.9 %. Fewer samples have none.
- The *bound* (grey) is a time that no schedule can beat: the longest path through the turns, or all
  computing shared evenly by the CPUs. The *greedy* reference (dashed) is a simulated ideal
  scheduler: it starts whatever is ready as soon as a CPU is free, and costs nothing itself.
- Grey and dashed differ because the grey uses the cheapest cost of computing seen, the dashed line
  the usual cost when all CPUs compute at once.
- Efficiency is the time of the greedy reference divided by the measured one. It can exceed 100 %
  because the cost of computing behind that reference is itself measured, and drifts.
- Every sample proved that each turn ran once, after all it waits for, and no wait was cut short. A
  sample without that proof is *invalid*: it is named at the end and enters nothing.
- Overlapping intervals are no proof of a tie, and a small gap is no proof of a win. Two models are
  compared by the ratio of their times within one block, which has an interval of its own.
- *Slower* and *faster* hold for all pairs of a cell together: in at most one cell of twenty is any of
  them false (Holm's test). *Equivalent*: the interval of the ratio lies within 3 %, or within twice
  the noise floor where that is more. All else is *not resolved*, which is no tie. In a cell with
  fewer than 15 blocks each comparison stands by itself: a hint, and no verdict.
""" + _of_stops(summary)


def _of_stops(summary):
    """What a run proves that did not finish everything."""
    if not any(cell["stopped"] for cell in summary.get("outside_cells") or []):
        return ""
    return ("- A run that was stopped proved what it finished: each finished turn has the right "
            "value, and\n  so have all turns before it.\n")


def _environment(manifest, machine):
    lines = ["## What was it measured on?\n", "| | |", "|---|---|"]
    for name, text in measured_on.facts(manifest, machine):
        shown = f"`{text}`" if name == "command" and text != measured_on.NOT_KNOWN else text
        lines.append(_line(name, shown))
    lines += [_line(f"library of `{model}`", version)
              for model, version in measured_on.libraries(manifest)]
    if found := measured_on.checked(manifest):
        lines += ["", "| check | before | state | after | state |", "|---|---|---|---|---|"]
        lines += [_line(name, *before, *after) for name, before, after in found]
    return "\n".join(lines) + "\n"


def _line(*texts):
    """A line of a table, in which a bar must not end the column."""
    return "| " + " | ".join(text.replace("|", "\\|").replace("\n", " ") for text in texts) + " |"


def _cite(manifest, summary):
    level = summary["trust"]["level"]
    warning = {"citable": "", "with caution": "\nSay *with caution* and why (the lines at the top)"
               " wherever you use a number.\n",
               "not citable": "\nThis result should not be cited, for the reasons at the top.\n"}
    return (f"## How is it cited?\n\n> {sentence(summary, manifest)}\n{warning[level]}\n"
            "More sentences and the rules: [HOW_TO_CITE.md](HOW_TO_CITE.md); for a bibliography: "
            "[citation.bib](citation.bib); for LaTeX: [summary.tex](derived/summary.tex).\n")


def _trimmed(item):
    if isinstance(item, dict):
        return str(item.get("why") or item.get("cell_id") or item)
    return str(item)
