"""What each verb of ./scripts/bench does, and with which exit status it ends."""

import json
import os
import shutil
import signal
import sys
import traceback
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from . import canary, machine
from .canary import Canaries
from .cells import chosen_cells
from .doctor import tell_briefly
from .executables import Executables
from .lock import LOCK, MachineLock, drawing_into
from .manifest import (
    binary_hashes, commit_of, finish, new_manifest, read_manifest, utc_second)
from .options import parse
from .own_cost import OwnCost, own_cost_words
from .plan import PROFILES, make_plan
from .plan_words import tell_cells, tell_plan
from .printable import printable
from .progress import Display
from .run import Runner, without_rows
from .samples import (
    cut_torn_line, each_line, fault_of_entry, fault_of_sample, read_json, read_lines, sha256_of,
    write_json, write_lines)
from .sums import record_measured, seal
from .trouble import Trouble, Usage
from .units import plural

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
BAD = ("invalid", "crash", "timeout")


class Session:
    """One call of ./scripts/bench: where things are, and where to print."""

    def __init__(self, root, console=None, lock=LOCK):
        self.root = root
        self.executables = Executables(root / "build" / "release")
        self.console = console or Console(highlight=False)
        self.lock = lock

    def say(self, text=""):
        self.console.print(escape(printable(text)), soft_wrap=True)

    def say_dim(self, text):
        if text:
            self.console.print(escape(text), style="dim", soft_wrap=True)

    def answer(self, verb, document):
        """What --json asks for, and all there is on standard output."""
        whole = {"schema": f"interleave.{verb}/1"} | document
        sys.stdout.write(json.dumps(whole, indent=1, allow_nan=False) + "\n")
        sys.stdout.flush()  # so that a reader who has left is noticed here


def shown(path):
    """Short where the folder lies below the current one, so that it can be typed again."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path.resolve())


def prepare_plan(session, options):
    """(plan, answers of describe by cell id, about the built models)"""
    about, absent = session.executables.about(options.models)
    if absent:
        session.say(f"Not built, so left out: {', '.join(absent)} (their library is missing).")
    if not about:
        raise Trouble("none of these models is built: install their libraries, then run this again")
    profile, cores = PROFILES[options.profile], machine.usable_cores()
    cells = chosen_cells(cores, options.profile, options.scenarios)
    answers = describe(session, cells)
    return make_plan(profile, cells, answers, about, cores), answers, about


def describe(session, cells):
    """The reference answers and bounds; they take a while, for the work is really done once."""
    title = "Working out reference answers and bounds"
    if not session.console.is_terminal or session.console.is_dumb_terminal:
        session.say(f"{title} of {plural(len(cells), 'cell')}")
        return session.executables.describe_all(cells)
    with Progress(console=session.console, transient=True, auto_refresh=False) as progress:
        task = progress.add_task(title, total=len(cells))
        return session.executables.describe_all(
            cells, lambda: (progress.advance(task), progress.refresh()))


def make_result_folder(session, options, manifest):
    folder = options.out
    if folder is None:
        folder = session.root / "results" / manifest["machine"]["name"] / manifest["result_id"]
    try:
        folder.mkdir(parents=options.out is None, exist_ok=options.out is not None)
    except OSError as error:
        raise Trouble(f"cannot make {folder}: {error.strerror}: name another folder with --out")
    return folder


def begin_result(folder, entries, manifest):
    """The files of a result of which nothing is measured yet; whole, or none."""
    try:
        # The manifest last: it makes the folder a result, whose plan is whole by then.
        write_lines(folder / "plan.jsonl", entries)
        (folder / "samples.jsonl").touch()
        if canary.PROGRAM in manifest["binaries"]:
            (folder / canary.FILE).touch()
        write_json(folder / "manifest.json", manifest)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def run(session, options):
    if options.dry_run:
        plan, _, _ = prepare_plan(session, options)
        tell_plan(session, plan)
        tell_cells(session, plan)
        return OK
    with MachineLock(session.lock) as lock:
        plan, answers, about = prepare_plan(session, options)
        tell_plan(session, plan)
        manifest = new_manifest(session.root, plan, answers, about, session.executables,
                                ["./scripts/bench", *options.typed])
        manifest["binaries"] |= canary_hash(session)
        result = make_result_folder(session, options, manifest)
        begin_result(result, plan.entries, manifest)
        session.say(f"Into {shown(result)}")
        tell_briefly(session, manifest["environment"]["before"])
        return measure(session, result, about, lock)


def resume(session, options):
    result = options.dir
    with MachineLock(session.lock) as lock:
        manifest = read_manifest(result / "manifest.json")
        names = [model["model"] for model in manifest["models"]]
        about, absent = session.executables.about(names)
        if absent:
            raise Trouble(f"{', '.join(absent)} of this result is not built now: install its "
                          "library, or start a new run")
        refuse_mixture(session, manifest, names)
        manifest.setdefault("resumed_utc", []).append(utc_second())
        write_json(result / "manifest.json", manifest)
        return measure(session, result, about, lock)


def canary_hash(session):
    """Without the program whether anything disturbs is unknown, and the run goes on."""
    if session.executables.path(canary.PROGRAM).is_file():
        return binary_hashes(session.executables, [canary.PROGRAM])
    session.say("The canary is not built, so that whether anything disturbs will be unknown.")
    return {}


def refuse_mixture(session, manifest, names):
    """Samples of two machines or of two programs must not stand side by side in one result."""
    here = machine.machine()["name"]
    there = manifest["machine"].get("name")
    if there != here:
        raise Trouble(f"this result was measured on {there}, and this is {here}: "
                      "start a new run here")
    if canary.PROGRAM in manifest.get("binaries", {}):
        names = [*names, canary.PROGRAM]
    now = {name: sha256_of(session.executables.path(name)) if
           session.executables.path(name).is_file() else None for name in names}
    changed = [name for name in names if now[name] != manifest.get("binaries", {}).get(name)]
    if changed:
        raise Trouble(f"{', '.join(changed)} changed since this result was begun: check out commit "
                      f"{manifest['commit']} to go on with it, or start a new run")
    commit, _ = commit_of(session.root)
    if commit != manifest["commit"]:
        session.say(f"The result was begun at commit {manifest['commit']}, this is {commit}; "
                    "the executables are the same.")


def measure(session, result, about, lock):
    """Runs what has no row yet, then writes what follows from the samples."""
    cost, ticks = OwnCost(), machine.cpu_ticks()
    cut_torn_lines(session, result)
    plan = read_lines(result / "plan.jsonl", fault_of_entry)
    if not plan:
        raise Usage(f"{result / 'plan.jsonl'} has no line: start a new run")
    rows = {row["exec_id"] for row in each_line(result / "samples.jsonl", fault_of_sample)}
    manifest = read_json(result / "manifest.json")
    runner = Runner(result, session.executables, about, (lock.fd,),
                    canaries_of(session, result, manifest, lock))
    try:
        with Display(session.console, to_run(without_rows(plan, rows)), manifest["blocks"]) as d:
            measured = runner.run_whole(plan, rows, manifest.get("order_seed", 1), d)
    except KeyboardInterrupt:
        return tell_how_to_go_on(session, result)
    if not measured:
        session.say("Nothing is left to measure.")
    if measured or not manifest.get("finished_utc"):
        manifest = finish(result, ticks, runner.cost(cost))
        record_measured(result)
    draw(session, result)
    session.say_dim(own_cost_words(manifest))
    return verdict(session, result)


def cut_torn_lines(session, result):
    torn = cut_torn_line(result / "samples.jsonl")
    if torn:
        session.say(f"samples.jsonl ended in {torn} bytes of a half-written line: cut off, and "
                    "that process runs again.")
    for name in ("plan.jsonl", canary.FILE):  # what was to be there is written again
        cut_torn_line(result / name)


def canaries_of(session, result, manifest, lock):
    """None for a result that was begun without: its blocks stay as they were planned."""
    if canary.PROGRAM not in manifest.get("binaries", {}):
        return None
    return Canaries(result, session.executables.path(canary.PROGRAM), (lock.fd,))


def to_run(entries):
    return [entry for entry in entries if not entry["skip_reason"]]


def tell_how_to_go_on(session, result):
    cut_torn_line(result / "samples.jsonl")
    rows = read_lines(result / "samples.jsonl")
    planned = read_lines(result / "plan.jsonl")
    session.say(f"Interrupted. {len(rows)} of {len(planned)} processes are on disk. To go on:")
    session.say(f"    ./scripts/bench resume {shown(result)}")
    return INTERRUPTED


def verdict(session, result):
    bad = [row for row in read_lines(result / "samples.jsonl") if row["status"] in BAD]
    for row in bad[:10]:
        session.say(f"{row['exec_id']}: {row['status']}: {row['reason']}")
    if bad:
        session.say(f"{plural(len(bad), 'process', 'es')} failed, with the reasons in "
                    f"{shown(result / 'samples.jsonl')}.")
    return FAILED if bad else OK


def draw(session, result):
    """Figures, tables and pages. Imported late: a fault there must not cost a measurement."""
    session.say("Drawing")
    try:
        from . import result_page
        summary = derive(session, result)
    except Trouble:
        raise
    except (Exception, KeyboardInterrupt) as error:
        why = ""
        if isinstance(error, OSError):
            why = f" ({error.filename or shown(result)}: {error.strerror or error})"
        elif isinstance(error, Exception):
            traceback.print_exc()
        raise Trouble(f"the figures are not finished{why}; every sample is on disk, and this draws "
                      f"again: ./scripts/bench plot {shown(result)}")
    result_page.print_table(summary, session.console)
    session.say(f"All of it on one page, for a browser: {shown(result / 'report.html')}")


def derive(session, result):
    from . import result_page
    with drawing_into(result):
        summary = result_page.write_result(result)
        seal(result, *commit_of(session.root))
    return summary


def plot(session, options):
    cut_torn_line(options.dir / "samples.jsonl")
    draw(session, options.dir)
    return OK


def pizza(session, options):
    from .pizza import bake
    return bake(session, options.unit)


def micro(session, options):
    from .micro import compare
    return compare(session, options.models, options.out)


def forecast(session, options):
    from .forecast import tell_forecast
    return tell_forecast(session, options)


def serve(session, options):
    from .serve import serve_until_told
    return serve_until_told(session, options)


def endpoint(session, _options):
    from .endpoint_figures import tell_figures
    with MachineLock(session.lock):
        return tell_figures(session)


def calls(session, options):
    from .calls import compare_calls
    return compare_calls(session, options.models)


def soak(session, options):
    from .soak import soak as soak_models
    return soak_models(session, options.models, int(options.runs))


VERBS = {"run": run, "resume": resume, "plot": plot, "pizza": pizza, "micro": micro,
         "forecast": forecast, "serve": serve, "endpoint": endpoint, "calls": calls, "soak": soak}
# Verbs about results, each in a module of its own: a function of the session and the options that
# returns the exit status.
MODULES = {"report": "report", "verify": "verify", "compare": "compare", "gate": "gate",
           "reproduce": "reproduce", "cite": "cite", "list": "lists", "doctor": "doctor"}


def function_of(verb):
    if verb in VERBS:
        return VERBS[verb]
    return import_module(f".{MODULES[verb]}", __package__).main


def on_signal(number, _frame):
    raise KeyboardInterrupt


def main(arguments, root, console=None, lock=LOCK):
    session = Session(root, console, lock)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, on_signal)
    try:
        options = parse(arguments, root)
        options.typed = arguments
        if getattr(options, "json", False):
            session.console = Console(stderr=True, highlight=False)
        if options.verb == "help":
            os.execv(str(root / "scripts" / "bench"), ["bench", "help"])
        return function_of(options.verb)(session, options)
    except Usage as error:
        print(f"bench: {printable(str(error))}", file=sys.stderr)
        return USAGE
    except Trouble as error:
        print(f"bench: {printable(str(error))}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # Whoever read our output has left (`| head`); Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        where = error.filename or "writing failed"
        print(f"bench: {where}: {error.strerror or error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        session.say("Interrupted.")
        return INTERRUPTED
