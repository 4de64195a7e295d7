"""What was published, and how do the runs compare? Writes results/published/README.md.

`python3 -m interleave.published_index` writes it again; a test fails where that was forgotten.
"""

import sys
from pathlib import Path

from . import checks
from .environments import (
    FIELDS, MACHINE, UNKNOWN, changes_text, check_text, machine_of, value_text)
from .lists import results_below
from .manifest import read_manifest
from .samples import read_json, write_whole
from .tables import cell_names, entry
from .trouble import Trouble
from .units import plural

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = ROOT / "results" / "published"
PAGES = (("report.html", "page"), ("README.md", "figures and tables"),
         ("derived/summary.csv", "CSV"), ("samples.jsonl", "samples"),
         ("HOW_TO_CITE.md", "how to cite"))
BEFORE = " before the run"
# Said in the table of runs already, or by the name of a run.
SAID = ("commit", "profile", "blocks")
CELLS = ("cells", "instrumented_cells", "outside_cells")


class Run:
    """A published result: what it says of itself, and how it is called here."""

    def __init__(self, folder):
        self.folder = folder
        self.manifest = read_manifest(folder / "manifest.json")
        self.summary = read_json(folder / "derived" / "summary.json")
        self.cells = {cell["cell_id"]: cell for kind in CELLS
                      for cell in self.summary.get(kind) or []}
        self.name = ""

    def rows(self, cell_id):
        return {row["model"]: row for row in self.cells[cell_id]["models"]}


def runs_in(folder):
    """The newest first, named A, B, C by their age, so that a new one renames no other."""
    runs = [Run(path) for path in results_below(folder)]
    runs.sort(key=lambda run: run.summary["created_utc"] or "")
    for number, run in enumerate(runs):
        run.name = letters(number)
    return runs[::-1]


def letters(number):
    first, last = divmod(number, 26)
    return (letters(first - 1) if first else "") + chr(ord("A") + last)


def page(runs):
    parts = ["# Published runs\n", introduction(runs), table_of_runs(runs),
             *(about(run) for run in runs), *filter(None, [side_by_side(runs),
                                                           differences(runs)])]
    return "\n".join(parts)


def introduction(runs):
    return (f"{plural(len(runs), 'run')}, the newest first. Each was measured by its authors on "
            "their own machine, and by nobody else\nindependently. Written by `python3 -m "
            "interleave.published_index` from the runs' own files.\n\n"
            "- `./scripts/bench verify results/published/RUN`: is it what was measured?\n"
            "- `./scripts/bench compare RUN OTHER_RUN`: two of them in full.\n"
            "- `./scripts/bench reproduce RUN`: the same plan on your machine.\n")


def table_of_runs(runs):
    lines = ["| | Run | Measured (UTC) | Machine | Models | Cells | Blocks | To be cited |",
             "|---|---|---|---|---:|---:|---:|---|"]
    for run in runs:
        said, machine = run.summary, run.summary["machine"]
        lines.append(f"| {run.name} | [{run.folder.name}]({run.folder.name}/README.md) | "
                     f"{(said['created_utc'] or UNKNOWN).replace('T', ' ')[:16]} | "
                     f"{machine.get('name') or UNKNOWN} | {len(said['models'])} | "
                     f"{len(run.cells)} | {said['blocks']} | {said['trust']['level']} |")
    return "\n".join(lines) + "\n"


def about(run):
    """What it is, whether to trust it, and where to read on."""
    said = run.summary
    scenarios = ", ".join(f"`{name}`" for name in
                          dict.fromkeys(cell["scenario"] for cell in run.cells.values()))
    models = ", ".join(f"`{model['model']}`" for model in said["models"])
    links = " · ".join(f"[{words}]({run.folder.name}/{file})" for file, words in PAGES
                       if (run.folder / file).is_file())
    lines = [f"## {run.name}: {run.folder.name}\n",
             f"Profile `{said['profile']}`, commit {said['commit']}. Scenarios: {scenarios}. "
             f"Models: {models}.\n", f"{links}\n", f"**{said['trust']['level'].capitalize()}**",
             *([""] + [f"- {reason}" for reason in said["trust"]["reasons"]]
               if said["trust"]["reasons"] else [])]
    return "\n".join(lines) + "\n"


def side_by_side(runs):
    """Of each scenario the largest cell that most runs have."""
    cells = common_cells(runs)
    if not cells:
        return ""
    names = [run.name for run in runs]
    lines = ["## The same work in several runs\n",
             "Median time to finish everything, its 95 % interval, and from how many samples. Runs "
             "of different\nversions or hours differ by more than their intervals say: compare "
             "models within one run.\n",
             f"| Cell | Model | {' | '.join(names)} |",
             f"|---|---|{'---:|' * len(names)}"]
    for cell_id in cells:
        having = [run for run in runs if cell_id in run.cells]
        told, cell = name_of(having[0], cell_id), having[0].cells[cell_id]
        models = [row["model"] for row in cell["models"]
                  if sum(row["model"] in run.rows(cell_id) for run in having) > 1]
        for model in models:
            texts = [text_of(run.rows(cell_id).get(model)) if run in having else "–"
                     for run in runs]
            lines.append(f"| {told} | `{model}` | {' | '.join(texts)} |")
            told = ""
    return "\n".join(lines) + "\n"


def common_cells(runs):
    """One cell for each scenario that at least two runs of the same work share."""
    best = {}
    versions = {run.summary["workload_version"] for run in runs}
    if len(versions) > 1:  # then the same name is not the same work
        newest = runs[0].summary["workload_version"]
        runs = [run for run in runs if run.summary["workload_version"] == newest]
    for run in runs:
        for cell_id, cell in run.cells.items():
            having = [other for other in runs if cell_id in other.cells]
            shared = {row["model"] for row in cell["models"]}.intersection(
                *({row["model"] for row in other.cells[cell_id]["models"]} for other in having))
            if len(having) < 2 or not shared:
                continue
            size = (len(having), cell["params"].get("agents") or 0, cell_id)
            best[cell["scenario"]] = max(best.get(cell["scenario"], size), size)
    return [cell_id for _, _, cell_id in (best[scenario] for scenario in sorted(best))]


def name_of(run, cell_id):
    known = cell_names(run.summary)
    if cell_id in known:
        scenario, told = known[cell_id]
    else:
        cell = run.cells[cell_id]
        scenario, told = cell["scenario"], f"{cell['params'].get('agents'):,} agents"
    return f"`{scenario}`, {told}" if told else f"`{scenario}`"


def text_of(row):
    if row is None:
        return "–"
    main, interval, _, remark = entry(row)
    if not row["makespan_ns"]:
        return " ".join(filter(None, (main, interval or remark)))
    return f"{main} {interval or ''}, n {row['n']}".replace(" ,", ",")


def differences(runs):
    """What is not the same everywhere; what is, is told once."""
    same, other = [], []
    for what, texts in facts(runs):
        texts = [text.replace("|", "\\|") for text in texts]
        if len(set(texts)) == 1:
            same += [] if what.endswith(BEFORE) else [f"{what} {texts[0]}"]
        else:
            other.append(f"| {what} | {' | '.join(texts)} |")
    lines = ["## What differs between their environments\n"]
    if other:
        names = " | ".join(run.name for run in runs)
        lines += [f"| | {names} |", f"|---|{'---|' * len(runs)}", *other, ""]
    else:
        lines.append("Nothing that is known.\n")
    lines.append(f"The same in all: {'; '.join(same)}; and what is not named here.")
    return "\n".join(lines) + "\n"


def facts(runs):
    """(what, its text in each run)."""
    machines = [machine_of(run.manifest) for run in runs]
    for key, what in MACHINE.items():
        yield what, [value_text(machine.get(key)) for machine in machines]
    for key, what in FIELDS.items():
        if key not in SAID:
            yield what, [value_text(run.manifest.get(key)) for run in runs]
    yield "uncommitted changes", [changes_text(run.manifest) for run in runs]
    for model in dict.fromkeys(m for run in runs for m in run.manifest.get("libraries") or {}):
        texts = [value_text((run.manifest.get("libraries") or {}).get(model, "none"))
                 for run in runs if model in (run.manifest.get("libraries") or {})]
        if len(set(texts)) > 1:
            yield f"library of {model}", [value_text((run.manifest.get("libraries") or {}).get(
                model, "not run")) for run in runs]
    before = [run.manifest["environment"].get("before") or {} for run in runs]
    for name in dict.fromkeys(name for known in before for name in known):
        yield f"{checks.title(name)}{BEFORE}", [check_text(name, known.get(name))
                                                for known in before]


def main(folder=PUBLISHED):
    try:
        runs = runs_in(folder)
        if not runs:
            raise Trouble(f"there is no result below {folder}")
        write_whole(folder / "README.md", page(runs))
    except Trouble as error:
        print(f"published_index: {error}", file=sys.stderr)
        return 1
    print(folder / "README.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
