"""How are two revisions measured in turns? One plan, two ordinary results.

In every block of a cell each model runs in both revisions, in an order taken from one Latin square
over (revision, model): what disturbs the machine for a while disturbs both. A canary runs once
before each block and stands in both results, so a disturbed block is one of both.
"""

import secrets
from contextlib import contextmanager

from . import canary, machine
from .canary import Canaries
from .cli import begin_result
from .extra_blocks import extra_entries
from .manifest import commit_of, finish, new_manifest, utc_second
from .own_cost import OwnCost
from .plan import Plan, make_plan
from .plan_words import tell_plan
from .progress import Display
from .revisions import hash_without_path
from .run import Runner, append_lines
from .samples import cut_torn_line, read_lines, sha256_of
from .sums import record_measured, seal
from .trouble import Trouble

SEPARATOR = "/"  # in no name of a model, which is the name of a file


def plan_of_both(profile, cells, answers, sides, models, cores):
    """The plan of both sides together; its models are named A/model and B/model."""
    about = {side.name + SEPARATOR + model: side.about[model]
             for model in models for side in sides}
    plan = make_plan(profile, cells, answers, about, cores)
    plan.entries = [entry for entry in plan.entries if entry["mode"] != "trace"]
    plan.trimmed = [cut for cut in plan.trimmed if cut.get("what") != "timelines"]
    return plan


def own(entry):
    """(side, the entry as it stands in that side's plan)."""
    name, _, model = entry["model"].partition(SEPARATOR)
    return name, entry | {"model": model,
                          "exec_id": entry["exec_id"].replace(entry["model"], model)}


def entries_of(entries, side):
    return [entry for name, entry in map(own, entries) if name == side.name]


def canary_program(sides):
    """Of the first revision that has one; None: neither has, so disturbance is unknown."""
    paths = (side.executables.path(canary.PROGRAM) for side in sides)
    return next((path for path in paths if path.is_file()), None)


def default_folder(session, verb, revisions):
    names = "_".join(name.replace("/", "-")[:20] for name in revisions)
    stamp = utc_second().replace("-", "").replace(":", "")
    return (session.root / "results" / machine.machine()["name"] / f"{verb}_{stamp}_{names}")


def make_results(folder, sides, plan, answers, models, command, program):
    """The two result folders, with nothing measured yet; A's first."""
    pair_id = secrets.token_hex(8)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Trouble(f"cannot make {folder}: {error.strerror}: name another folder with --out")
    hashes = {canary.PROGRAM: sha256_of(program)} if program else {}
    results = []
    for side in sides:
        mine = Plan(plan.profile, entries_of(plan.entries, side), plan.trimmed, plan.order_seed)
        about = {model: side.about[model] for model in models}
        manifest = new_manifest(side.root, mine, answers, about, side.executables, command)
        manifest |= {"pair_id": pair_id, "side": side.name, "revision": side.revision}
        manifest["binaries"] |= hashes
        manifest["binaries_without_path"] = {
            model: hash_without_path(side.executables.path(model), side.root) for model in models}
        # Both may be of one commit and one second.
        manifest["result_id"] += f"_{side.name}"
        result = folder / side.name
        result.mkdir()
        begin_result(result, mine.entries, manifest)
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


class OneCanary:
    """What one canary says stands in both results."""

    def __init__(self, results, program, inherited):
        first, self.other = results
        self.canaries = Canaries(first, program, inherited)

    def before(self, cell_id, block, note):
        told = len(self.canaries.rows)
        self.canaries.at_the_start(note)
        self.canaries.run(cell_id, block, note)
        append_lines(self.other / canary.FILE, self.canaries.rows[told:])

    def disturbed(self):
        return self.canaries.disturbed()


@contextmanager
def whole_lines(results):
    """However the measuring ends, each line on disk is whole."""
    try:
        yield
    finally:
        for result in results:
            for name in ("samples.jsonl", "plan.jsonl", canary.FILE):
                cut_torn_line(result / name)


class Turns:
    """Two result folders, and what is needed to run the plan of both."""

    def __init__(self, sides, results, plan, program, inherited):
        self.sides, self.plan, self.results = sides, plan, results
        self.runners = {side.name: Runner(result, side.executables, side.about, inherited)
                        for side, result in zip(sides, results)}
        self.canary = OneCanary(results, program, inherited) if program else None
        self.fault = {side.name: None for side in sides}  # False: something went well

    def run_whole(self, display):
        """The plan; then, for each disturbed block, another one."""
        entries = self.plan.entries
        self.run(entries, display)
        while self.canary:
            more = extra_entries(entries, self.canary.disturbed(), self.plan.order_seed)
            if not more:
                break
            for side, result in zip(self.sides, self.results):
                append_lines(result / "plan.jsonl", entries_of(more, side))
            entries = entries + more
            display.more(more, len(self.canary.disturbed()))
            self.run(more, display)

    def run(self, entries, display):
        """Each row is on disk, in the result of its side, before the next process starts."""
        named, last = NamedDisplay(display), None
        for entry in entries:
            block = entry["cell_id"], entry["block"]
            if not entry["skip_reason"] and block != last:
                last = block
                self.begin(*block, display)
            named.side, mine = own(entry)
            (row,) = self.runners[named.side].run_each([mine], named)
            if row["status"] == "ok":
                self.fault[named.side] = False
            elif self.fault[named.side] is None and not entry["skip_reason"]:
                self.fault[named.side] = row["reason"]

    def begin(self, cell_id, block, display):
        if block:
            self.refuse_hopeless()
        if self.canary:
            self.canary.before(cell_id, block, display.note)
            display.disturbed(len(self.canary.disturbed()))

    def refuse_hopeless(self):
        """A side of which nothing went well in the first block: more blocks will not mend it."""
        for side in self.sides:
            if self.fault[side.name]:
                raise Trouble(f"no process of {side.words()} went well: {self.fault[side.name]}: "
                              "name a revision whose programs this suite can run")

    def cost(self, own_cost):
        return own_cost.so_far(sum(runner.processes_ns for runner in self.runners.values()),
                               self.canary.canaries.took_ns if self.canary else 0)


def measure_in_turns(session, sides, models, cells, answers, profile, folder, command, lock):
    """Returns the two result folders, A's first."""
    plan = plan_of_both(profile, cells, answers, sides, models, machine.usable_cores())
    tell_plan(session, plan)
    program = canary_program(sides)
    results = make_results(folder, sides, plan, answers, models, command, program)
    cost, ticks = OwnCost(), machine.cpu_ticks()
    turns = Turns(sides, results, plan, program, (lock.fd,))
    to_run = [entry for entry in plan.entries if not entry["skip_reason"]]
    with whole_lines(results), Display(session.console, to_run, plan.profile.blocks) as display:
        turns.run_whole(display)
    for result in results:
        finish(result, ticks, turns.cost(cost))
        record_measured(result)
        seal(result, *commit_of(session.root))
    return results


def rows_of(result):
    return len(read_lines(result / "samples.jsonl"))
