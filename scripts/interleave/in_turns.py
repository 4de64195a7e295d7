"""How are two revisions measured in turns? One plan, two ordinary results.

In every block of a cell each model runs in both revisions, in an order taken from one Latin square
over (revision, model): what disturbs the machine for a while disturbs both.
"""

import secrets
from contextlib import contextmanager

from . import machine
from .manifest import finish, new_manifest, utc_second
from .plan import Plan, make_plan
from .plan_words import tell_plan
from .progress import Display
from .run import Runner
from .samples import cut_torn_line, read_lines, write_json, write_lines
from .trouble import Trouble

SEPARATOR = "/"  # in no name of a model, which is the name of a file


def plan_of_both(profile, cells, answers, sides, models, cores):
    """The plan of both sides together; its models are named A/model and B/model."""
    about = {side.name + SEPARATOR + model: side.about[model]
             for model in models for side in sides}
    plan = make_plan(profile, cells, answers, about, cores)
    plan.entries = [entry for entry in plan.entries if entry["mode"] == "timed"]
    plan.trimmed = [cut for cut in plan.trimmed if cut.get("what") != "timelines"]
    return plan


def own(entry):
    """(side, the entry as it stands in that side's plan)."""
    name, _, model = entry["model"].partition(SEPARATOR)
    return name, entry | {"model": model,
                          "exec_id": entry["exec_id"].replace(entry["model"], model)}


def plan_of(plan, side):
    entries = [entry for name, entry in map(own, plan.entries) if name == side.name]
    return Plan(plan.profile, entries, plan.trimmed, plan.order_seed)


def default_folder(session, verb, revisions):
    names = "_".join(name.replace("/", "-")[:20] for name in revisions)
    stamp = utc_second().replace("-", "").replace(":", "")
    return (session.root / "results" / machine.machine()["name"] / f"{verb}_{stamp}_{names}")


def make_results(folder, session, sides, plan, answers, models, command):
    """The two result folders, with nothing measured yet; A's first."""
    pair_id = secrets.token_hex(8)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Trouble(f"cannot make {folder}: {error.strerror}: name another folder with --out")
    results = []
    for side in sides:
        mine = plan_of(plan, side)
        about = {model: side.about[model] for model in models}
        manifest = new_manifest(side.root, mine, answers, about, side.executables, command)
        manifest |= {"pair_id": pair_id, "side": side.name, "revision": side.revision}
        # Both may be of one commit and one second.
        manifest["result_id"] += f"_{side.name}"
        result = folder / side.name
        result.mkdir()
        write_lines(result / "plan.jsonl", mine.entries)
        (result / "samples.jsonl").touch()
        write_json(result / "manifest.json", manifest)
        results.append(result)
    return results


class NamedDisplay:
    """Says of each process which side it is of."""

    def __init__(self, display):
        self.display, self.side = display, None

    def started(self, entry):
        self.display.started(entry | {"model": f"{self.side} {entry['model']}"})

    def done(self, entry, row):
        self.display.done(entry, row)

    def note(self, text):
        self.display.note(f"{self.side}: {text}")


@contextmanager
def whole_lines(results):
    """However the measuring ends, each line on disk is whole."""
    try:
        yield
    finally:
        for result in results:
            cut_torn_line(result / "samples.jsonl")


def measure_both(session, sides, results, plan, lock):
    """Runs the plan; each row is on disk, in the result of its side, before the next starts."""
    ticks = machine.cpu_ticks()
    runners = {side.name: Runner(result, side.executables, side.about, inherited=(lock.fd,))
               for side, result in zip(sides, results)}
    to_run = [entry for entry in plan.entries if not entry["skip_reason"]]
    succeeded = {side.name: None for side in sides}
    with whole_lines(results), Display(session.console, to_run, plan.profile.blocks) as display:
        named = NamedDisplay(display)
        for entry in plan.entries:
            named.side, mine = own(entry)
            if entry["block"]:
                refuse_hopeless(sides, succeeded)
            (row,) = runners[named.side].run_all([mine], named)
            if not entry["skip_reason"] and succeeded[named.side] is not True:
                succeeded[named.side] = row["status"] == "ok" or (succeeded[named.side]
                                                                  or row["reason"])
    for result in results:
        finish(result, ticks)


def refuse_hopeless(sides, succeeded):
    """A side of which nothing went well in the first block: more blocks will not mend it."""
    for side in sides:
        if isinstance(succeeded[side.name], str):
            raise Trouble(f"no process of {side.words()} went well: {succeeded[side.name]}: name a "
                          "revision whose programs this suite can run")


def measure_in_turns(session, sides, models, cells, answers, profile, folder, command, lock):
    plan = plan_of_both(profile, cells, answers, sides, models, machine.usable_cores())
    tell_plan(session, plan)
    results = make_results(folder, session, sides, plan, answers, models, command)
    measure_both(session, sides, results, plan, lock)
    return results


def rows_of(result):
    return len(read_lines(result / "samples.jsonl"))
