"""How long would each model take on a machine with more cores, and how much memory? A forecast.

What a model takes for itself is measured here on one CPU (forecast_costs.py). `describe --forecast`
plays the graph through with these costs on any number of CPUs. Whether that is any good is checked
in the same call: forecasts for one and two CPUs beside what is then measured on them. Nothing that
is measured on two CPUs enters a forecast.
"""

import json
import subprocess
import tempfile
from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.progress import Progress

from . import forecast_words, machine
from .cells import Cell
from .forecast_costs import RUNS, Costs, costs_of
from .lock import MachineLock
from .plan import bound_ns, latin_order
from .process import run_process
from .samples import from_json, write_json
from .stats import median
from .trouble import Trouble, Usage
from .units import plural

ROUNDS = 5
TIMEOUT_S = 120
# Of a run; a model whose bound is longer gets the smaller size, or none.
LONGEST_RUN_S = 2.0
# What forecasts are checked with, each in two sizes. At 1/1000 of real time what a model takes for
# itself counts for more than at the usual 1/100; without waits and computing nothing else counts.
CHECKS = {
    "fanout": [Cell("fanout", 1000, 1, 0.01), Cell("fanout", 16, 1, 0.01)],
    "compute": [Cell("compute", 32, 1, 0)],
    "react": [Cell("react", 128, 1, 0.05, time_scale=0.001),
              Cell("react", 4, 1, 0.05, time_scale=0.001)],
    "layers": [Cell("layers", 320, 1, 0.05, time_scale=0.001),
               Cell("layers", 8, 1, 0.05, time_scale=0.001)],
    # Not the size that tells what a message costs.
    "cascade": [Cell("cascade", 28, 1, 0)],
}


@dataclass
class Check:
    """One scenario on one number of CPUs; times in nanoseconds."""

    scenario: str
    cell: Cell
    smaller: bool     # than the size that other models are checked with
    divided_ns: int
    forecast_ns: int  # the cautious one: a model's own costs do not divide
    measured_ns: float

    @property
    def error(self):
        return self.forecast_ns / self.measured_ns - 1


@dataclass
class Row:
    """One model on the other machine."""

    model: str
    structure: str
    costs: Costs
    least_ns: int  # its own costs divide among the cores
    most_ns: int   # they do not
    memory_bytes: float | None
    checks: list


# ---- programs ----

def described(session, cell, request=None):
    """What `describe` tells of a cell, or of the forecasts for it."""
    command = [str(session.executables.path("describe")), *cell.flags()]
    if request is not None:
        command += ["--forecast", json.dumps(request)]
    try:
        answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError as error:
        raise Trouble(f"cannot start {command[0]}: {error.strerror}: build again")
    if answer.returncode:
        complaint = (answer.stderr.strip().splitlines() or [f"exit {answer.returncode}"])[-1]
        refusal = complaint.removeprefix("describe: ")
        raise Usage(refusal) if answer.returncode == 2 else Trouble(f"describe failed: {refusal}")
    return from_json(answer.stdout)


def sample_of(session, model, cell, answer, folder, inherited):
    """The sample of one process; None where it failed, and why."""
    path = folder / "sample.jsonl"
    path.unlink(missing_ok=True)
    command = [str(session.executables.path(model)), *cell.flags(), "--sample", str(path),
               "--expect", f"{answer['digest']}:{answer['sum']}"]
    run = run_process(command, TIMEOUT_S, folder / "stderr", inherited=inherited)
    if run.code:
        return None, "it took too long" if run.timed_out else run.complaint or f"exit {run.code}"
    try:
        return from_json(path.read_text()), None
    except (OSError, ValueError):
        return None, "it wrote no sample"


# ---- what is run ----

class Workbench:
    """Cells and their right answers, worked out once each."""

    def __init__(self, session):
        self.session, self.answers = session, {}

    def answer(self, cell):
        """The right answer, and the bounds on one CPU: neither depends on the workers asked for."""
        alone = replace(cell, workers=1)
        if alone not in self.answers:
            self.answers[alone] = described(self.session, alone)
        return self.answers[alone]

    def fitting(self, choices, structure):
        """The first of the cells whose bound is short enough; None: none is."""
        return next((cell for cell in choices
                     if bound_ns(self.answer(cell), structure) <= LONGEST_RUN_S * 1e9), None)

    def runs_of(self, structure, workers):
        """What is run of a model: key -> cell. The key is what it is for, and on how many CPUs."""
        runs = {(name, 1): self.fitting(choices, structure) for name, choices in RUNS.items()}
        for name, choices in CHECKS.items():
            cell = self.fitting(choices, structure)
            runs |= {(name, count): cell and replace(cell, workers=count) for count in workers}
        return {key: cell for key, cell in runs.items() if cell}


def measure(session, bench, planned, inherited):
    """model -> key -> samples; and why a model had to be left out."""
    samples = {model: defaultdict(list) for model in planned}
    failed = {}
    with tempfile.TemporaryDirectory(prefix="interleave-forecast-") as folder:
        def all_rounds(on_done):
            for number in range(ROUNDS):
                for model in latin_order(list(planned), "forecast", number, 1):
                    for key, cell in planned[model].items():
                        if model in failed:
                            break
                        sample, why = sample_of(session, model, cell, bench.answer(cell),
                                                Path(folder), inherited)
                        if why:
                            failed[model] = f"{cell.short()}: {why}"
                        else:
                            samples[model][key].append(sample)
                    on_done()

        title = f"Measuring {plural(len(planned), 'model')} on 1 CPU"
        if any(count > 1 for runs in planned.values() for _, count in runs):
            title += ", and the forecasts on 2"
        if not session.console.is_terminal or session.console.is_dumb_terminal:
            session.say(title)
            all_rounds(lambda: None)
        else:
            # Drawn between two measurements, never beside one.
            with Progress(console=session.console, transient=True, auto_refresh=False) as progress:
                task = progress.add_task(title, total=ROUNDS * len(planned))
                all_rounds(lambda: (progress.advance(task), progress.refresh()))
    return {m: s for m, s in samples.items() if m not in failed}, failed


# ---- from measurements to forecasts ----

def unit_costs(samples, workers=1):
    """kernel -> what a unit usually cost, by the processes' own probes on that many CPUs."""
    found = defaultdict(list)
    for runs in samples.values():
        for (_, count), several in runs.items():
            for sample in several if count == workers else ():
                for kernel, ns in (sample.get("unit_cost_usual_ns") or {}).items():
                    if ns is not None:
                        found[kernel].append(ns)
    return {kernel: median(values) for kernel, values in found.items()}


def play(session, cell, unit_ns, costs, structures):
    """What the simulation tells: the whole answer, and model -> its forecast."""
    request = {"unit_ns": unit_ns, "models": [
        {"model": model, "structure": structures[model], **of.for_program()}
        for model, of in costs.items()]}
    answer = described(session, cell, request)
    return answer, {told["model"]: told for told in answer["models"]}


def checks_of(session, planned, samples, unit_ns, costs, structures):
    """model -> its checks: forecasts from runs on one CPU, and the runs themselves."""
    models_of = defaultdict(list)  # which share a cell, so that its graph is built once
    for model in costs:
        for (name, count), cell in planned[model].items():
            if name in CHECKS:
                models_of[name, count, cell].append(model)
    checks = defaultdict(list)
    for (name, count, cell), models in models_of.items():
        _, told = play(session, cell, unit_ns, {m: costs[m] for m in models}, structures)
        for model in models:
            measured = median([s["makespan_ns"] for s in samples[model][name, count]])
            smaller = replace(cell, workers=1) != CHECKS[name][0]
            checks[model].append(Check(name, cell, smaller, told[model]["divided_ns"],
                                       told[model]["serial_ns"], measured))
    return checks


def write_figures(folder, target, unit_ns, rows, told, notes):
    folder.mkdir(exist_ok=True)
    write_json(folder / "forecast.json", {
        "schema": "interleave.forecast/1", "kind": "forecast", "measured_on": machine.machine(),
        "scenario": target.scenario, "params": target.params(), "cores": target.workers,
        "turns": told["turns"], "greedy_ns": told["greedy_ns"],
        "unit_ns_of_one_cpu": unit_ns, "rounds": ROUNDS, "notes": notes,
        "models": [{"model": row.model, "structure": row.structure, "costs": asdict(row.costs),
                    "forecast_least_ns": row.least_ns, "forecast_most_ns": row.most_ns,
                    "forecast_memory_bytes": row.memory_bytes,
                    "checks": [{"scenario": c.scenario, "params": c.cell.params(),
                                "forecast_least_ns": c.divided_ns, "forecast_ns": c.forecast_ns,
                                "measured_ns": c.measured_ns, "error": c.error}
                               for c in row.checks]} for row in rows]})


def cell_of(session, scenario, agents, cores):
    """The cell that is asked for, with the scenario's own CPU share; refused before anything is
    measured, if it cannot be."""
    share = next(preset["cpu_share"] for preset in session.executables.presets()["presets"]
                 if preset["name"] == scenario)
    cell = Cell(scenario, agents, cores, share)
    described(session, cell, {"models": []})
    return cell


def tell_forecast(session, options):
    about, absent = session.executables.about(options.models)
    if absent:
        session.say(f"Not built, so left out: {', '.join(absent)} (their library is missing).")
    if not about:
        raise Trouble("none of these models is built: install their libraries, then run this again")
    structures = {model: said["structure"] for model, said in about.items()}
    with MachineLock(session.lock) as lock:
        target = cell_of(session, options.scenario, options.agents, options.cores)
        workers = [count for count in (1, 2) if count <= machine.usable_cores()]
        bench = Workbench(session)
        planned = {model: bench.runs_of(structures[model], workers) for model in about}
        samples, failed = measure(session, bench, planned, (lock.fd,))
    for model, why in failed.items():
        session.say(f"{model} is left out: {why}")
    if not samples:
        raise Trouble("no model could be measured, for the reasons above")
    unit_ns = unit_costs(samples)
    costs = {model: costs_of({name: runs[name, 1] for name in RUNS},
                             {name: bench.answer(planned[model][name, 1])["edges"]
                              for name in RUNS})
             for model, runs in samples.items()}
    checks = checks_of(session, planned, samples, unit_ns, costs, structures)
    told, times = play(session, target, unit_ns, costs, structures)
    rows = [Row(model, structures[model], costs[model], times[model]["divided_ns"],
                times[model]["serial_ns"], costs[model].memory(target.agents), checks[model])
            for model in costs]
    notes = forecast_words.notes(rows, target, told, unit_ns, unit_costs(samples, 2), workers[-1])
    if options.out:
        write_figures(options.out, target, unit_ns, rows, told, notes)
    forecast_words.tell(session, rows, target, workers, notes)
    return 1 if failed else 0
