"""How the planned processes are run, and how each of them becomes one line of samples.jsonl."""

import os
import shutil

from .process import run_process, signal_name
from .samples import MEASUREMENTS, Log, from_json

SKIPPED = 77  # the exit status by which a model says: this machine cannot do it
OUTCOMES = ("ok", "invalid", "skipped", "crash")


class Failed(Exception):
    """The process left no sample to believe; says why."""


def command_of(entry, executables, scratch, trace):
    params = entry["params"]
    command = [
        str(executables.path(entry["model"])), "--scenario", entry["scenario"],
        "--agents", str(params["agents"]), "--workers", str(params["workers"]),
        "--cpu-share", f"{params['cpu_share']:g}", "--time-scale", f"{params['time_scale']:g}",
        "--seed", str(params["seed"]), "--expect", entry["expect"],
        "--sample", str(scratch / "sample.jsonl"),
        f"--benchmark_out={scratch / 'benchmark.json'}", "--benchmark_out_format=json"]
    return command + (["--trace", str(trace)] if trace else [])


def empty_row(entry, about):
    """The row of a process that measured nothing: unknown is null."""
    said = about.get(entry["model"], {})
    row = {"schema": "interleave.sample/1", "model": entry["model"], "family": said.get("family"),
           "rung": said.get("rung"), "structure": said.get("structure"),
           "scenario": entry["scenario"], "params": entry["params"], "cpus": None,
           "status": None, "reason": None}
    row |= dict.fromkeys(MEASUREMENTS)
    return row | {key: entry[key] for key in ("lb_ns", "lb_model_ns", "greedy_ns")}


def planned_fields(entry, started_utc=None, wall_ns=None):
    fields = {key: entry[key] for key in ("exec_id", "cell_id", "mode", "block", "position")}
    return fields | {"started_utc": started_utc, "wall_ns": wall_ns}


def skipped_row(entry, about):
    row = empty_row(entry, about) | {"status": "skipped", "reason": entry["skip_reason"]}
    return planned_fields(entry) | row


def one_sample(path, entry):
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        raise Failed("it wrote no sample")
    if not lines:
        raise Failed("it wrote no sample")
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
    if "params" in sample and any(sample["params"].get(key) != entry["params"][key]
                                  for key in ("agents", "workers", "seed")):
        raise Failed("its sample is of another cell")
    return sample


def check_benchmark(path):
    """Errors and an unmatched filter still exit 0, so Google Benchmark's own account is read."""
    try:
        runs = from_json(path.read_text(encoding="utf-8"))["benchmarks"]
    except (OSError, ValueError, KeyError) as error:
        raise Failed(f"its benchmark file cannot be read: {error}")
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
        answer = f"{sample.get('digest')}:{sample.get('sum')}"
        if answer != entry["expect"]:
            return sample | {"status": "invalid",
                             "reason": f"its answer is {answer}, expected {entry['expect']}"}
        if not sample.get("makespan_ns"):
            raise Failed("its sample has no makespan")
    elif outcome.code == 0:
        raise Failed(f"exit status 0 with a sample that says {sample['status']}")
    return sample


def row_of(entry, about, outcome, scratch):
    row = planned_fields(entry, outcome.started_utc, outcome.wall_ns)
    if outcome.timed_out:
        return row | empty_row(entry, about) | {
            "status": "timeout", "reason": f"no end after {entry['timeout_s']:g} s: killed"}
    if outcome.code < 0:
        return row | failed_row(entry, about, "crash", [how_it_ended(outcome), outcome.complaint])
    try:
        return row | judged(one_sample(scratch / "sample.jsonl", entry), entry, outcome, scratch)
    except Failed as failed:
        if outcome.code == SKIPPED:
            return row | failed_row(entry, about, "skipped", [outcome.complaint or str(failed)])
        ended = how_it_ended(outcome) if outcome.code else ""
        return row | failed_row(entry, about, "crash", [ended, str(failed), outcome.complaint])


def failed_row(entry, about, status, reasons):
    reason = "; ".join(text for text in reasons if text)
    return empty_row(entry, about) | {"status": status, "reason": reason}


class Runner:
    """One result folder, and what is needed to run its plan."""

    def __init__(self, result, executables, about, inherited=()):
        self.result = result
        self.executables = executables
        self.about = about
        self.inherited = inherited  # file descriptors that each process keeps open: the lock

    def run_one(self, entry):
        scratch = self.result / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        trace = None
        if entry["mode"] == "trace":
            (self.result / "trace").mkdir(exist_ok=True)
            trace = self.result / "trace" / f"{entry['exec_id']}.json"
        environment = os.environ | {"INTERLEAVE_PADDING": "x" * entry["padding"]}
        outcome = run_process(
            command_of(entry, self.executables, scratch, trace), entry["timeout_s"],
            scratch / "stderr", environment, self.inherited)
        row = row_of(entry, self.about, outcome, scratch)
        if trace and row["status"] != "ok":
            trace.unlink(missing_ok=True)
        return row

    def run_all(self, entries, display):
        """Runs the entries; each row is on disk before the next starts. Returns the new rows."""
        rows, log = [], Log(self.result / "samples.jsonl")
        try:
            for entry in entries:
                if entry["skip_reason"]:
                    row = skipped_row(entry, self.about)
                else:
                    display.started(entry)
                    row = self.run_one(entry)
                    display.done(entry, row)
                    if row["status"] != "ok":
                        display.note(f"{row['exec_id']}: {row['status']}: {row['reason']}")
                log.append(row)
                rows.append(row)
        finally:
            log.close()
            shutil.rmtree(self.result / "scratch", ignore_errors=True)
        return rows


def without_rows(plan, rows):
    """The planned processes that have no row yet, in their order."""
    measured = {row["exec_id"] for row in rows}
    return [entry for entry in plan if entry["exec_id"] not in measured]
