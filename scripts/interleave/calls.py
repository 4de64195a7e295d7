"""How many calls a second does each model make over TCP, beside a bare client of its library?

Nobody thinks: each call is answered at once. A model runs the scenario `calls` on one worker, its
bare client (models/micro/calls) makes as many calls over as many connections, each in a process of
its own with a mock LLM of its own. All comes from one run, in rounds that measure each once.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress
from rich.table import Table

from .executables import ask
from .lock import MachineLock
from .micro import benchmarks_of, refuse_failure
from .plan import latin_order
from .process import run_process
from .samples import from_json
from .stats import median
from .style import model_order
from .trouble import Trouble
from .units import plural

PROGRAM = "bare_calls"
BAR = 0.8  # of the bare client's calls a second
ROUNDS = 6  # the least and the greatest of six are the 95 % interval of their median
AGENTS, CALLS_EACH = 64, 200  # as the scenario has them
TIMEOUT_S = 120


@dataclass
class Row:
    model: str
    rate: float         # calls a second, median of the rounds
    client: str | None  # the bare client; None: there is none for this library
    bare: float | None
    ratio: float | None
    low: float | None   # the least and the greatest of the rounds
    high: float | None

    @property
    def verdict(self):
        return "" if self.ratio is None else "kept" if self.ratio >= BAR else "missed"


def model_now(session, model, folder, inherited):
    sample = folder / "sample.jsonl"
    sample.unlink(missing_ok=True)
    command = [str(session.executables.path(model)), "--scenario", "calls", "--agents", str(AGENTS),
               "--workers", "1", "--io", "tcp", "--sample", str(sample)]
    refuse_failure(command, run_process(command, TIMEOUT_S, folder / "stderr",
                                        inherited=inherited))
    row = from_json(sample.read_text())
    return row["calls"] / row["makespan_ns"] * 1e9


def python_client(session, client):
    """The file of a bare client in Python; None for one in C++."""
    path = session.root / "models" / "micro" / "calls" / f"{client}_client.py"
    return path if path.is_file() else None


def client_now(session, client, folder, inherited):
    script = python_client(session, client)
    if script:
        return python_client_now(session, script)
    [entry] = benchmarks_of([str(session.executables.path(PROGRAM)),
                             f"--benchmark_filter=^{client}/"], folder, inherited).values()
    return entry["calls"] / entry["real_time"] * 1e9


def python_client_now(session, script):
    command = [sys.executable, "-B", str(script), str(session.executables.path("mock_llm")),
               str(AGENTS), str(CALLS_EACH)]
    said = ask(command)
    return said["calls"] / said["seconds"]


def measure(session, models, clients, inherited, on_done):
    """[{name: calls a second}] of the rounds."""
    rounds = []
    with tempfile.TemporaryDirectory(prefix="interleave-calls-") as folder:
        for number in range(ROUNDS):
            found = {}
            for name in latin_order([*models, *clients], PROGRAM, number, 1):
                now = client_now if name in clients else model_now
                found[name] = now(session, name.removeprefix("bare "), Path(folder), inherited)
                on_done()
            rounds.append(found)
    return rounds


def row_of(model, client, rounds):
    rate = median([found[model] for found in rounds])
    if not client:
        return Row(model, rate, None, None, None, None, None)
    ratios = [found[model] / found[f"bare {client}"] for found in rounds]
    return Row(model, rate, client, median([found[f"bare {client}"] for found in rounds]),
               median(ratios), min(ratios), max(ratios))


def table_of(rows):
    table = Table(box=None, pad_edge=False)
    for name in ("model", "calls/s", "bare client", "calls/s", "ratio", f"of {ROUNDS} rounds", ""):
        words = name in ("model", "bare client", "")
        table.add_column(name, justify="left" if words else "right", no_wrap=True)
    for row in rows:
        if row.client:
            table.add_row(row.model, f"{row.rate:,.0f}", row.client, f"{row.bare:,.0f}",
                          f"{row.ratio:.2f}", f"{row.low:.2f}-{row.high:.2f}", row.verdict)
        else:
            table.add_row(row.model, f"{row.rate:,.0f}", "none", "", "", "", "")
    return table


def with_progress(session, total, work):
    title = f"Calling over TCP without think time, {ROUNDS} rounds"
    if not session.console.is_terminal or session.console.is_dumb_terminal:
        session.say(title)
        return work(lambda: None)
    # Drawn between two measurements, never beside one.
    with Progress(console=session.console, transient=True, auto_refresh=False) as progress:
        task = progress.add_task(title, total=total)
        return work(lambda: (progress.advance(task), progress.refresh()))


def compare_calls(session, models):
    about, absent = session.executables.about(models)
    if absent:
        session.say(f"Not built, so left out: {', '.join(absent)} (their library is missing).")
    if not about:
        raise Trouble("none of these models is built: install their libraries, then run this again")
    client_of = {model: said.get("bare_client") or None for model, said in about.items()}
    clients = [f"bare {name}" for name in sorted(set(filter(None, client_of.values())))]
    with MachineLock(session.lock) as lock:
        rounds = with_progress(
            session, ROUNDS * (len(about) + len(clients)),
            lambda on_done: measure(session, list(about), clients, (lock.fd,), on_done))
    ordered = sorted(about, key=lambda model: model_order({"model": model, **about[model]}))
    session.say()
    session.console.print(table_of([row_of(model, client_of[model], rounds) for model in ordered]))
    session.say(f"\n{plural(AGENTS, 'agent')}, one worker. A bare client counts bytes; a model also "
                "proves each\nanswer and keeps its time limit. Kept is a ratio of "
                f"{BAR:g} or more.")
    return 0
