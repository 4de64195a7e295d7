"""What does the page of a result say, and in which words? All that the template needs, as data."""

import re
from collections import Counter
from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup, escape

from . import measured_on, style, units
from .advice import ENOUGH_BLOCKS, NOTHING_WORSE, advice
from .comparison_words import change_words
from .groups import slug
from .noise import floor_text
from .report_markup import bold, markdown
from .summary_csv import as_csv
from .tables import cell_names, models_in, rung_of, table_cells
from .winner_map import times

LEVELS = {"citable": ("good", "✓", "This result may be cited"),
          "with caution": ("care", "!", "To be cited with caution"),
          "not citable": ("bad", "✗", "Not to be cited")}
STATES = {"ok": "good", "warn": "care", "fail": "bad", "unknown": "none"}
FILES = [("samples.jsonl", "every process that was run, one line each: raw, nothing left out"),
         ("plan.jsonl", "what was planned, one line for each process; at the end what took the place of "
          "disturbed blocks"),
         ("canary.jsonl", "how fast a fixed piece of work was before each block"),
         ("manifest.json", "machine, compiler, versions, seeds, environment before and after"),
         ("derived/summary.json", "what this page shows, for programs"),
         ("derived/summary.csv", "one line for each situation and model"),
         ("derived/comparisons.csv", "one line for each situation and pair of models"),
         ("derived/summary.tex", "the table of all times for LaTeX"),
         ("README.md", "the same as this page, for reading on a code host"),
         ("HOW_TO_CITE.md", "sentences to quote, and the rules"),
         ("citation.bib", "this result and the suite for a bibliography"),
         ("SHA256SUMS", "what sha256sum -c checks")]


@dataclass(frozen=True)
class Person:
    """A model as the page names it."""

    name: str
    slug: str  # as the groups of a figure name it
    look: str  # the class that has its colour
    label: str
    rung: str


def people(summary):
    """All models of the page, in the order of every table, by name."""
    return {said["model"]: Person(said["model"], slug(said["model"]), f"k{i}", style.label(said),
                                  rung_of(said))
            for i, said in enumerate(summary["models"])}


def scenarios(summary):
    """Name and meaning of each scenario, in the order of every table."""
    names = {cell["scenario"] for cell in _every_cell(summary)}
    return [(slug(name), name, style.SCENARIOS.get(name, ""))
            for name in sorted(names, key=style.scenario_order)]


def _every_cell(summary):
    return [*table_cells(summary), *(summary.get("instrumented_cells") or [])]


def headline(summary):
    machine, measured = summary["machine"], _counts(summary)
    place = ", ".join(filter(None, (machine.get("cpu_model"), _cpus(machine))))
    cells = len(_every_cell(summary))
    models = units.plural(len(models_in(summary) or summary["models"]), "concurrency model")
    on = f" on {place}" if place else ""
    return (f"{models} ran the same agent workload in {units.plural(cells, 'situation')}{on}. "
            f"{units.plural(sum(measured), 'run')} counted, each a process of its own that proved "
            "all of its work was done.")


def _cpus(machine):
    return units.plural(machine["cpus"], "CPU") if machine.get("cpus") else None


def _counts(summary):
    return [row["n"] for cell in _every_cell(summary) for row in cell["models"] if row["n"]]


def verdict(summary):
    trust = summary["trust"]
    kind, sign, words = LEVELS.get(trust["level"], ("bad", "?", trust["level"]))
    return {"kind": kind, "sign": sign, "words": words, "level": trust["level"],
            "reasons": trust["reasons"]}


def strip(summary):
    """(name, value, what it means) of what one asks first of a measurement."""
    counts, noise = _counts(summary), summary.get("noise") or {}
    return [_noise_floor(noise), _disturbed(noise.get("canary")),
            ("samples behind a median", units.span(counts) if counts else "none",
             "each a process of its own, in interleaved blocks"),
            ("measured", measured_on.text(summary.get("created_utc"))[:10],
             f"profile {measured_on.text(summary.get('profile'))}, commit "
             f"{measured_on.text(summary.get('commit'))}")]


def _noise_floor(noise):
    floor = noise.get("floor")
    if floor is None:
        return ("noise floor", "not measured", "no model was run against itself")
    return ("noise floor", floor_text(floor), "most that a model differed from itself, run twice")


def _disturbed(canary):
    if not canary:
        return ("disturbed blocks", "not watched", "no canary ran before the blocks")
    again = canary.get("appended") or 0
    kept = f"shown and kept, outside the medians; {again:,} measured anew"
    return ("disturbed blocks", f"{canary['disturbed']:,} of {canary['blocks']:,}",
            kept if canary["disturbed"] else "by something else on the machine")


def answers(summary):
    """When to use which, as cards."""
    looks = {f"<code>{escape(who.name)}</code>":
             Markup('<code class="dot {}">{}</code>').format(who.look, who.name)
             for who in people(summary).values()}

    def words(text):
        return Markup(re.sub("<code>[^<]*</code>", lambda m: looks.get(m[0], m[0]), bold(text)))

    return [{"situation": a.situation, "where": words(a.where), "use": words(a.use),
             "because": words(a.because), "avoid": words(a.avoid),
             "beaten": a.avoid != NOTHING_WORSE} for a in advice(summary)]


def few_blocks(summary):
    blocks = summary.get("blocks") or 0
    return "" if blocks >= ENOUGH_BLOCKS else \
        f"With {units.plural(blocks, 'block')} this is a hint and no verdict."


def winners(summary):
    """For each cell the models in tiers, from the fastest on."""
    names = cell_names(summary)
    found = {tier["cell_id"]: _by_winners(tier) for tier in summary.get("winning_tiers") or []}
    not_run = {tier["cell_id"]: tier["at_least"] for tier in summary.get("winning_tiers") or []}
    found |= {c["cell_id"]: _by_comparisons(c, not_run.get(c["cell_id"], {}))
              for c in summary.get("comparisons") or [] if c.get("tiers")}
    return [{"slug": slug(cell["scenario"]), "scenario": names[cell["cell_id"]][0],
             "told": _joined(names[cell["cell_id"]][1]), **found[cell["cell_id"]]}
            for cell in table_cells(summary) if cell["cell_id"] in found]


def often(rows):
    """(how many situations, (model, in how many of them it is in the first tier), the most first).
    """
    counts = Counter(model for row in rows for model, _ in row["tiers"][0])
    return (units.plural(len(rows), "situation"),
            sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _joined(text):
    """A number and its per cent stay on one line."""
    return text.replace(" %", "\u00a0%")


def _by_comparisons(cell, not_run):
    """Each tier as a list of (model, times the first of all); last what was not run, for its
    structure allows only so much."""
    first = cell["tiers"][0][0]
    against = {}
    for pair in cell["pairs"]:
        median = (pair.get("ratio") or {}).get("median")
        if median and first in (pair["one"], pair["other"]):
            ours = pair["one"] == first
            against[pair["other" if ours else "one"]] = 1 / median if ours else median
    tiers = [[(m, times(against[m]) if i and m in against else "") for m in tier]
             for i, tier in enumerate(cell["tiers"])]
    tiers += [[(m, f"≥ {times(ratio)}")] for ratio, m in sorted(
        (ratio, m) for m, ratio in not_run.items())]
    counts = [pair["n"] for pair in cell["pairs"] if pair.get("n")]
    seen = [pair.get("detectable") for pair in cell["pairs"]
            if first in (pair["one"], pair["other"])]
    return {"tiers": tiers, "open": [], "n": max(counts, default=None), "hint": cell.get("hint"),
            "seen": change_words(max(seen)) if seen and all(seen) else ""}


def _by_winners(tier):
    behind = sorted(((tier["ratios"].get(m) or {}).get("median") or tier["at_least"].get(m) or 0, m)
                    for m in tier["slower"])
    slower = [[(m, ("≥ " if m not in tier["ratios"] else "") + times(ratio) if ratio else "")
               for ratio, m in behind]]
    return {"tiers": [[(m, "") for m in [tier["best"], *tier["tied"]]], *filter(None, slower)],
            "open": sorted(tier["unresolved"]), "n": tier["n"],
            "hint": tier["n"] < ENOUGH_BLOCKS, "seen": ""}


def numbers(summary):
    """One row for each cell and model: what the sortable table says of it."""
    names = cell_names(summary)
    for cell in table_cells(summary):
        scenario, told = names[cell["cell_id"]]
        for row in cell["models"]:
            yield {"slug": slug(scenario), "scenario": scenario, "told": _joined(told),
                   "model": row["model"], "n": row["n"], **_time(row),
                   "efficiency": units.percent(row["efficiency"]["median"])
                   if row["efficiency"] else "–",
                   "memory": _middle(row["own_memory_bytes"], units.size),
                   "cpu": _middle(row["cpu_s_per_1000_turns"], _cpu)}


def _cpu(seconds):
    return units.duration(seconds * 1e9) if seconds else "about 0"


def _time(row):
    e = row["makespan_ns"]
    if e:
        interval = "–" if e["low"] is None else \
            f"{units.duration(e['low'])} to {units.duration(e['high'])}"
        return {"time": units.duration(e["median"]), "interval": interval}
    if row["skipped_by_bound"] and row["lb_model_ns"]:
        return {"time": f"≥ {units.duration(row['lb_model_ns'])}", "interval": "not run: bound"}
    states = sorted({r["status"] for r in row["reasons"]}) or ["not measured"]
    return {"time": "–", "interval": ", ".join(states)}


def _middle(estimate, words):
    return words(estimate["median"]) if estimate else "–"


def tables(summary, texts):
    """(heading, HTML) of the other tables, which are Markdown on the result's own page."""
    models, names = set(people(summary)), {name for _, name, _ in scenarios(summary)}
    for text in texts:
        heading, _, rest = text.partition("\n")
        yield heading.lstrip("# "), markdown(rest, models, names)


def environment(manifest, machine):
    """(facts of the machine and the build, checks with their states before and after)"""
    facts = measured_on.facts(manifest, machine)
    facts += [(f"library of {model}", version) for model, version in
              measured_on.libraries(manifest)]
    return facts, [(name, *((value, state, STATES.get(state, "none")) for value, state in found))
                   for name, *found in measured_on.checked(manifest)]


def csv_link(summary):
    """The summary as a link that holds it, so that this one file carries its numbers."""
    return "data:text/csv;charset=utf-8," + quote(as_csv(summary), safe=",;:/=()*+?@$!|")
