"""How the planned processes are run, and how each of them becomes one line of samples.jsonl."""

import os
import shutil

from . import guards
from .cells import flags_of
from .extra_blocks import extra_entries
from .process import run_process, signal_name
from .samples import MEASUREMENTS, SCHEMA, Log, fault_of_measurements, from_json, to_line
from .trouble import Trouble

SKIPPED = 77  # the exit status by which a model says: this machine cannot do it
OUTCOMES = ("ok", "invalid", "skipped", "crash")
LARGEST_SAMPLE = 1 << 20  # bytes; a real one has a few thousand
# The bound takes the least cost of a unit that was seen, so an honest run may be a little below.
FASTER_THAN_POSSIBLE = 0.8


class Failed(Exception):
    """The process left no sample to believe; says why."""


class NoSample(Failed):
    """Not even a bad one."""


def command_of(entry, executables, scratch, trace):
    command = [
        str(executables.path(entry["model"])), *flags_of(entry["scenario"], entry["params"]),
        "--expect", entry["expect"], "--sample", str(scratch / "sample.jsonl"),
        f"--benchmark_out={scratch / 'benchmark.json'}", "--benchmark_out_format=json"]
    return command + (["--trace", str(trace)] if trace else [])


def empty_row(entry, about):
    """The row of a process that measured nothing: unknown is null."""
    said = about.get(entry["model"], {})
    row = {"schema": SCHEMA, "model": entry["model"], "family": said.get("family"),
           "rung": said.get("rung"), "structure": said.get("structure"),
           "scenario": entry["scenario"], "params": entry["params"], "cpus": None,
           "status": None, "reason": None}
    row |= dict.fromkeys(MEASUREMENTS)
    return row | {key: entry[key] for key in ("lb_ns", "lb_model_ns", "greedy_ns")}


def planned_fields(entry, started_utc=None, wall_ns=None, seen=None):
    """seen: what the guards counted."""
    fields = {key: entry[key] for key in ("exec_id", "cell_id", "mode", "block", "position")}
    return fields | {"started_utc": started_utc, "wall_ns": wall_ns, "guards": seen}


def skipped_row(entry, about):
    row = empty_row(entry, about) | {"status": "skipped", "reason": entry["skip_reason"]}
    return planned_fields(entry) | row


def one_sample(path, entry):
    if not path.is_file() or not path.stat().st_size:
        raise NoSample("it wrote no sample")
    if path.stat().st_size > LARGEST_SAMPLE:
        raise Failed(f"its sample is larger than {LARGEST_SAMPLE:,} bytes")
    lines = path.read_text(encoding="utf-8").splitlines()
    if len(lines) != 1:
        raise Failed(f"it wrote {len(lines)} samples instead of one")
    try:
        sample = from_json(lines[0])
    except ValueError as error:
        raise Failed(f"its sample is not JSON: {error}")
    if not isinstance(sample, dict) or sample.get("status") not in OUTCOMES:
        raise Failed("its sample has no known status")
    for key in ("model", "scenario"):
        if sample.get(key) != entry[key]:
            raise Failed(f"its sample is of {key} {sample.get(key)}, not {entry[key]}")
    if sample.get("schema") != SCHEMA:
        raise Failed(f"its sample is of schema {sample.get('schema')}, not {SCHEMA}")
    check_params(sample, entry)
    fault = fault_of_measurements(sample)
    if fault:
        raise Failed(f"its sample is malformed: {fault}")
    return sample


def check_params(sample, entry):
    """A sample that measured nothing may leave its parameters out."""
    params = sample.get("params")
    if params is None and sample["status"] != "ok":
        return
    if not isinstance(params, dict):
        raise Failed("its sample has no params")
    for key, value in entry["params"].items():
        if key not in params or params[key] != value:
            raise Failed(f"its sample is of another cell: {key} is not {value}")


def check_benchmark(path):
    """Errors and an unmatched filter still exit 0, so Google Benchmark's own account is read."""
    try:
        runs = from_json(path.read_text(encoding="utf-8"))["benchmarks"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise Failed(f"its benchmark file cannot be read: {error}")
    if not isinstance(runs, list) or not all(isinstance(run, dict) for run in runs):
        raise Failed("its benchmark file has no list of benchmarks")
    if len(runs) != 1:
        raise Failed(f"{len(runs)} benchmarks ran instead of one")
    if runs[0].get("error_occurred"):
        raise Failed(f"benchmark error: {runs[0].get('error_message')}")


def how_it_ended(outcome):
    if outcome.code < 0:
        return f"killed by {signal_name(-outcome.code)}"
    return f"exit status {outcome.code}"


def judged(sample, entry, outcome, scratch):
    """The sample, unless something about the process contradicts it."""
    if sample["status"] == "ok":
        if outcome.code:
            raise Failed("after a good sample")
        check_benchmark(scratch / "benchmark.json")
        makespan, bound = sample.get("makespan_ns"), sample.get("lb_ns") or entry["lb_ns"]
        if type(makespan) is not int or makespan <= 0:
            raise Failed("its sample has no makespan")
        if sample.get("stop") is not None:
            return stopped(sample, entry)
        answer = f"{sample.get('digest')}:{sample.get('sum')}"
        if answer != entry["expect"]:
            return sample | {"status": "invalid",
                             "reason": f"its answer is {answer}, expected {entry['expect']}"}
        # The sample's own bound: it was worked out beside the run, at the same cost of a unit.
        if makespan < FASTER_THAN_POSSIBLE * bound:
            return sample | {"status": "invalid",
                             "reason": f"it took {makespan} ns, and no schedule takes less than "
                                       f"{bound} ns"}
    elif outcome.code == 0:
        raise Failed(f"exit status 0 with a sample that says {sample['status']}")
    return sample


def stopped(sample, entry):
    """Of a run that ended before its end the program has proved what it did finish: there is no
    whole answer to compare. A run that nobody stopped must not get by with that."""
    asked = {"outside": entry["params"].get("stop_after_us") is not None,
             "failure": entry["params"].get("on_error") == "fail-fast"}
    why = sample["stop"]["why"]
    if not asked.get(why, True):
        raise Failed(f"it was stopped ({why}), and nothing in its cell asks for that")
    return sample


def row_of(entry, about, outcome, scratch, seen=None):
    row = planned_fields(entry, outcome.started_utc, outcome.wall_ns, seen)
    if outcome.timed_out:
        return row | empty_row(entry, about) | {
            "status": "timeout", "reason": f"no end after {entry['timeout_s']:g} s: killed"}
    if outcome.code < 0:
        return row | failed_row(entry, about, "crash", [how_it_ended(outcome), outcome.complaint])
    try:
        sample = one_sample(scratch / "sample.jsonl", entry)
        row = judged(sample, entry, outcome, scratch) | row
        to_line(row)  # what cannot be written is found here, not in the log
        return row
    except Exception as error:
        # Whatever a process wrote, the run goes on.
        failed = error if isinstance(error, Failed) else Failed(
            f"its output cannot be read: {type(error).__name__}: {str(error)[:200]}")
        if outcome.code == SKIPPED and isinstance(failed, NoSample):
            return row | failed_row(entry, about, "skipped", [outcome.complaint or str(failed)])
        ended = how_it_ended(outcome) if outcome.code else ""
        return row | failed_row(entry, about, "crash", [ended, str(failed), outcome.complaint])


def failed_row(entry, about, status, reasons):
    reason = "; ".join(text for text in reasons if text)
    return empty_row(entry, about) | {"status": status, "reason": reason}


def refuse_full_disk(scratch, result):
    """A process that could not write its sample is not to blame, and runs again after `resume`."""
    probe = scratch / "probe"
    try:
        probe.write_bytes(bytes(1 << 16))
    except OSError as error:
        raise Trouble(f"{scratch} cannot be written ({error.strerror}), so there is no space for a "
                      f"sample: free some, then: ./scripts/bench resume {result}")
    finally:
        probe.unlink(missing_ok=True)


class Runner:
    """One result folder, and what is needed to run its plan."""

    def __init__(self, result, executables, about, inherited=(), canaries=None):
        self.result = result
        self.executables = executables
        self.about = about
        self.inherited = inherited  # file descriptors that each process keeps open: the lock
        self.canaries = canaries    # None: none are run, and no disturbance is seen
        self.processes_ns = 0

    def run_one(self, entry):
        scratch = self.result / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        trace = None
        if entry["mode"] == "trace":
            (self.result / "trace").mkdir(exist_ok=True)
            trace = self.result / "trace" / f"{entry['exec_id']}.json"
        environment = os.environ | {"INTERLEAVE_PADDING": "x" * entry["padding"]}
        before = guards.counters()
        outcome = run_process(
            command_of(entry, self.executables, scratch, trace), entry["timeout_s"],
            scratch / "stderr", environment, self.inherited)
        seen = guards.between(before, guards.counters())
        self.processes_ns += outcome.wall_ns
        row = row_of(entry, self.about, outcome, scratch, seen)
        if row["status"] == "crash":
            refuse_full_disk(scratch, self.result)
        if trace and row["status"] != "ok":
            trace.unlink(missing_ok=True)
        return row

    def run_each(self, entries, display):
        """Runs the entries; each row is on disk before the next starts. Yields the new rows, and
        keeps none: with their histograms those of a long run take much memory."""
        log, block = Log(self.result / "samples.jsonl"), None
        try:
            for entry in entries:
                if entry["skip_reason"]:
                    row = skipped_row(entry, self.about)
                else:
                    block = self.begin(entry, block, display)
                    display.started(entry)
                    row = self.run_one(entry)
                    display.done(entry, row)
                    if row["status"] != "ok":
                        display.note(f"{row['exec_id']}: {row['status']}: {row['reason']}")
                log.append(row)
                yield row
        finally:
            log.close()
            shutil.rmtree(self.result / "scratch", ignore_errors=True)

    def begin(self, entry, last, display):
        """A canary before each block, and before what is left of one after an interruption."""
        block = entry["cell_id"], entry["block"]
        if self.canaries and entry["block"] is not None and block != last:
            self.canaries.at_the_start(display.note)
            self.canaries.run(*block, display.note)
            display.disturbed(len(self.canaries.disturbed()))
        return block

    def run_whole(self, plan, measured, seed, display):
        """What of the plan has no row yet; then, for each disturbed block, another one. measured:
        the exec_ids that have a row; seed: of the order. Returns how many rows are new."""
        count = how_many(self.run_each(without_rows(plan, measured), display))
        while self.canaries:
            more = extra_entries(plan, self.canaries.disturbed(), seed)
            if not more:
                break
            append_lines(self.result / "plan.jsonl", more)
            plan = plan + more
            display.more(more, len(self.canaries.disturbed()))
            count += how_many(self.run_each(more, display))
        return count

    def cost(self, own):
        """own: an OwnCost since measuring began."""
        return own.so_far(self.processes_ns, self.canaries.took_ns if self.canaries else 0)


def append_lines(path, entries):
    log = Log(path)
    try:
        for entry in entries:
            log.append(entry)
    finally:
        log.close()


def how_many(rows):
    return sum(1 for _ in rows)


def without_rows(plan, measured):
    """The planned processes that have no row yet, in their order. measured: the exec_ids of those
    that have one."""
    return [entry for entry in plan if entry["exec_id"] not in measured]
