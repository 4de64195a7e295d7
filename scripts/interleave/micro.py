"""What does a model add to the raw primitives that it is made of? Measured and worked out.

A model's turn without steps, on one worker, less what the suite's own parts take of it, divided by
the sum of the library's primitives that the model says such a turn is made of (bench/model.hpp).
Everything comes from one run, in rounds that measure each program once, so that a slow minute meets
all alike.
"""

import subprocess
import tempfile
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.progress import Progress

from . import checks, machine
from .lock import MachineLock
from .manifest import commit_of, result_id, utc_second
from .micro_page import SCHEMA, write_figures, write_page
from .micro_table import LEDGER, PLAN, tell
from .plan import latin_order
from .process import run_process
from .samples import from_json
from .stats import median
from .style import model_order
from .trouble import Trouble
from .trust import trust
from .units import plural

PROGRAM = "micro"
# What is measured in models/micro/ledger.cpp and is the suite's, not the model's: the proof, which
# every turn pays for, and the countdown, for those who name it.
SUITES_OWN = (LEDGER, PLAN)
# How many times the primitives a model may cost. A naive one shows what it costs, and so does a
# reference.
BARS = {"idiomatic": 1.5, "tuned": 1.25}
ROUNDS = 6  # the least and the greatest of six are the 95 % interval of their median
SMALL, LARGE = 1, 10_000  # agents of the scenario `empty`
# Seconds of Google Benchmark's adaptive mode per primitive and round; the rest of a round follows.
ADAPTIVE = ["--benchmark_min_time=0.05"]
TIMEOUT_S = 120


@dataclass
class Row:
    """What one model costs, in nanoseconds per turn; None: not known."""
    model: str
    family: str
    rung: str
    first: float | None   # in a fresh process
    turn: float | None    # in a process that has run for a while
    own: list             # of `turn`, the suite's own share: (name, cost)
    parts: list           # what of the library it is made of: (name, cost of one), some twice
    ratio: float | None   # what is left / the sum of the parts: median of the rounds' own
    low: float | None     # the least and the greatest of the rounds
    high: float | None

    @property
    def left(self):
        return None if self.turn is None else self.turn - sum_of(self.own)

    @property
    def total(self):
        return sum_of(self.parts)

    @property
    def bar(self):
        return BARS.get(self.rung)

    @property
    def verdict(self):
        if self.ratio is None or self.bar is None:
            return ""
        return "kept" if self.ratio <= self.bar else "missed"


# ---- arithmetic ----

def names_in(primitives):
    """The names in "a+b"; an empty text has none."""
    return primitives.split("+") if primitives else []


def split(names):
    """(the suite's own, the library's)"""
    return ([LEDGER] + [n for n in names if n in SUITES_OWN],
            [n for n in names if n not in SUITES_OWN])


def sum_of(parts):
    return sum(ns for _, ns in parts)


def slope(small, large):
    """Cost of a turn from two runs (ns, turns): what both take to set up is in neither."""
    return (large[0] - small[0]) / (large[1] - small[1])


def ratio(turn, own, parts):
    return (turn - sum(own)) / sum(parts)


def middle(rounds, kind, name):
    """Median over the rounds; None where one of them does not know it."""
    values = [r[kind].get(name) for r in rounds]
    return None if None in values else median(values)


def row_of(model, said, rounds):
    own, parts = split(names_in(said.get("primitives") or ""))
    turn = middle(rounds, "turn", model)
    of_rounds = [] if turn is None or not parts else [
        ratio(r["turn"][model], [r["primitive"][n] for n in own],
              [r["primitive"][n] for n in parts])
        for r in rounds]
    return Row(model, said["family"], said["rung"], middle(rounds, "first", model), turn,
               [(name, middle(rounds, "primitive", name)) for name in own],
               [(name, middle(rounds, "primitive", name)) for name in parts],
               median(of_rounds) if of_rounds else None, min(of_rounds, default=None),
               max(of_rounds, default=None))


# ---- measuring ----

def benchmarks_of(command, folder, inherited):
    """Runs a Google Benchmark program; returns what it measured, by name without its suffixes."""
    out = folder / "benchmarks.json"
    run = run_process([*command, f"--benchmark_out={out}", "--benchmark_out_format=json"],
                      TIMEOUT_S, folder / "stderr", inherited=inherited)
    refuse_failure(command, run)
    found = from_json(out.read_text())["benchmarks"]
    for entry in found:
        if entry.get("error_occurred"):
            raise Trouble(f"{Path(command[0]).name}: {entry['name']}: {entry['error_message']}")
    return {short_name(entry["name"]): entry for entry in found}


def refuse_failure(command, run):
    if run.code:
        why = "it took too long" if run.timed_out else run.complaint or f"exit {run.code}"
        raise Trouble(f"{' '.join(map(str, command[:7]))} failed: {why}")


def short_name(name):
    """Google Benchmark says in a name how it measured: std_mutex/real_time."""
    return "/".join(part for part in name.split("/")
                    if part not in ("real_time", "manual_time") and "iterations:" not in part)


def primitives_now(session, folder, inherited):
    found = benchmarks_of([str(session.executables.path(PROGRAM)), *ADAPTIVE], folder, inherited)
    return {name: entry["per_operation"] * 1e9 for name, entry in found.items()}


def turn_now(session, model, folder, inherited):
    """In a process that has run for a while; None for a model that has no such program."""
    program = session.executables.path(f"{model}_turn")
    if not program.is_file():
        return None
    found = benchmarks_of([str(program), *ADAPTIVE], folder, inherited)
    sizes = [found[f"empty/agents:{agents}"] for agents in (SMALL, LARGE)]
    return slope(*((entry["real_time"], entry["turns"]) for entry in sizes))


def first_now(session, model, folder, inherited):
    """In a fresh process, by the model's own program."""
    sizes = []
    for agents in (SMALL, LARGE):
        sample = folder / "sample.jsonl"
        sample.unlink(missing_ok=True)
        command = [str(session.executables.path(model)), "--scenario", "empty", "--agents",
                   str(agents), "--workers", "1", "--sample", str(sample)]
        refuse_failure(command, run_process(command, TIMEOUT_S, folder / "stderr",
                                            inherited=inherited))
        row = from_json(sample.read_text())
        sizes.append((row["makespan_ns"], row["turns"]))
    return slope(*sizes)


def one_round(session, models, number, folder, inherited, on_done):
    measured = {"primitive": {}, "turn": {}, "first": {}}
    for name in latin_order([PROGRAM, *models], PROGRAM, number, 1):
        if name == PROGRAM:
            measured["primitive"] = primitives_now(session, folder, inherited)
        else:
            measured["turn"][name] = turn_now(session, name, folder, inherited)
            measured["first"][name] = first_now(session, name, folder, inherited)
        on_done()
    return measured


def measure(session, models, inherited):
    with tempfile.TemporaryDirectory(prefix="interleave-micro-") as folder:
        def all_rounds(on_done):
            return [one_round(session, models, number, Path(folder), inherited, on_done)
                    for number in range(ROUNDS)]

        title = f"Measuring {plural(len(models), 'model')} and their primitives, {ROUNDS} times"
        if not session.console.is_terminal or session.console.is_dumb_terminal:
            session.say(title)
            return all_rounds(lambda: None)
        # Drawn between two measurements, never beside one.
        with Progress(console=session.console, transient=True, auto_refresh=False) as progress:
            task = progress.add_task(title, total=ROUNDS * (len(models) + 1))
            return all_rounds(lambda: (progress.advance(task), progress.refresh()))


def known_primitives(program):
    """What the program can measure, without measuring it."""
    try:
        answer = subprocess.run([str(program), "--benchmark_list_tests"], text=True,
                                stdin=subprocess.DEVNULL, capture_output=True)
    except OSError as error:
        raise Trouble(f"cannot start {program}: {error.strerror}: build again")
    if answer.returncode:
        raise Trouble(f"{program} --benchmark_list_tests failed: exit {answer.returncode}")
    return [short_name(line) for line in answer.stdout.split()]


def refuse_unknown(about, known):
    for model, said in about.items():
        for name in names_in(said.get("primitives") or ""):
            if name not in known:
                raise Trouble(f"{model} says that it is made of '{name}', and {PROGRAM} measures "
                              "no such primitive: mend the name in its file")


def circumstances(session, measured):
    """Where, when and of what `measured()` is true, and whether it may be cited; and what it
    returns."""
    commit, dirty = commit_of(session.root)
    created, before, ticks = utc_second(), checks.environment(), machine.cpu_ticks()
    found = measured()
    about = {"id": result_id(created, commit, "micro"), "created_utc": created,
             "finished_utc": utc_second(), "commit": commit, "dirty": dirty,
             "machine": machine.machine(), "blocks": ROUNDS,
             "environment": {"before": before, "after": checks.environment(since=ticks)}}
    return found, about | {"trust": trust(about, [], 0, 0)}


def figures_of(about, rounds, rows):
    """All that is kept: micro.json."""
    primitives = {name: middle(rounds, "primitive", name) for name in rounds[0]["primitive"]}
    return {"schema": SCHEMA, "unit": "ns", "agents": [SMALL, LARGE], **about,
            "primitives": primitives, "rounds": rounds,
            "models": [asdict(row) | {"left": row.left, "total": row.total, "bar": row.bar,
                                      "verdict": row.verdict} for row in rows]}


def draw(session, folder, figures):
    try:
        write_page(folder, figures)
    except (Exception, KeyboardInterrupt) as error:
        if isinstance(error, Exception):
            traceback.print_exc()
        raise Trouble(f"the chart is not finished; all figures are in {folder / 'micro.json'}")
    session.say(f"Chart and tables: {folder / 'README.md'}")


def compare(session, models, out=None):
    about, absent = session.executables.about(models)
    if absent:
        session.say(f"Not built, so left out: {', '.join(absent)} (their library is missing).")
    if not about:
        raise Trouble("none of these models is built: install their libraries, then run this again")
    program = session.executables.path(PROGRAM)
    if not program.is_file():
        raise Trouble(f"{program} is not built: run ./scripts/bench micro, which builds it")
    with MachineLock(session.lock) as lock:
        refuse_unknown(about, known_primitives(program))
        rounds, where = circumstances(session, lambda: measure(session, list(about), (lock.fd,)))
    rows = sorted((row_of(model, said, rounds) for model, said in about.items()),
                  key=lambda row: model_order(asdict(row)))
    figures = figures_of(where, rounds, rows)
    if out:
        write_figures(out, figures)
    tell(session, rows, figures["primitives"], ROUNDS, (SMALL, LARGE))
    if out:
        draw(session, out, figures)
    return 0
