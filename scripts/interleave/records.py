"""What is in a result folder? Reads it, and is the only door by which samples reach a number.

Four files are read and never written: manifest.json, plan.jsonl, samples.jsonl, canary.jsonl.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from . import canary
from .manifest import read_manifest
from .samples import SCHEMA, fault_of_planned, fault_of_sample, lines_of
from .sums import changed_since_measured
from .trouble import Trouble


@dataclass
class Result:
    path: Path
    manifest: dict
    plan: list
    samples: list
    messages: list = field(default_factory=list)  # what was odd about the files, for people
    canaries: list = field(default_factory=list)  # in the order of running; none in older results

    @cached_property
    def disturbed(self):
        """{(cell_id, block)} in which something else took the machine's time."""
        return canary.disturbed_blocks(self.canaries)

    @cached_property
    def left_out(self):
        """The disturbed blocks, but for those of a cell that has no other: with nothing to show
        nobody is served, and such a result says of itself that it is not to be cited."""
        watched = {(row["cell_id"], row["block"]) for row in self.canaries}
        fit = {cell_id for cell_id, _ in watched - self.disturbed}
        return {(cell_id, block) for cell_id, block in self.disturbed if cell_id in fit}

    @cached_property
    def _instead_of(self):
        return {(entry["cell_id"], entry["block"]): entry["instead_of"] for entry in self.plan
                if entry.get("instead_of") is not None}

    def round_of(self, sample):
        """The block for which it counts where blocks of several cells are put together: of one that
        was measured again the first, which is left out. The numbers of such blocks agree between
        no two cells."""
        cell_id, block = sample["cell_id"], sample.get("block")
        first = self._instead_of.get((cell_id, block))
        while (cell_id, first) in self.left_out:
            block, first = first, self._instead_of.get((cell_id, first))
        return block

    def measured(self):
        """Samples that may enter a median or a chart: timed, proved to be right, undisturbed."""
        return self._undisturbed("timed")

    def again(self):
        """The same of the second runs of a model in one block, which show the noise."""
        return self._undisturbed("aa")

    def _undisturbed(self, mode):
        return [s for s in self.samples
                if s.get("status") == "ok" and s.get("mode") == mode and s.get("makespan_ns")
                and (s["cell_id"], s.get("block")) not in self.left_out]

    def traced(self):
        """Samples whose timeline may be drawn: proved to be right, and the trace is there."""
        return [s for s in self.samples
                if s.get("status") == "ok" and s.get("mode") == "trace"
                and self.trace_file(s).is_file()]

    def trace_file(self, sample):
        return self.path / "trace" / f"{sample['exec_id']}.json"


def read_result(path):
    path = Path(path)
    messages = []
    manifest_file = path / "manifest.json"
    if not manifest_file.is_file():
        raise Trouble(f"{path} is not a result folder: it has no manifest.json")
    manifest = read_manifest(manifest_file)
    messages += changed_since_measured(path, manifest)
    plan = _read_lines(path / "plan.jsonl", fault_of_planned, messages)
    if not plan:
        messages.append("plan.jsonl has no line: nothing was planned, so nothing counts")
    samples = _read_lines(path / "samples.jsonl", fault_of_known_sample, messages)
    canaries = []
    if (path / canary.FILE).is_file() or canary.PROGRAM in (manifest.get("binaries") or {}):
        canaries = _read_lines(path / canary.FILE, canary.fault_of_canary, messages)
    return result_of(path, manifest, plan, samples, canaries, messages)


def result_of(path, manifest, plan, samples, canaries, messages):
    """Of lines that have been read and understood: those that count."""
    samples = _once_each(_planned(samples, plan, messages), messages)
    # Samples are written in the order they were run. Sorted, that order cannot reach a figure.
    samples.sort(key=lambda s: (s.get("cell_id") or "", s.get("model") or "", s["exec_id"]))
    return Result(path, manifest, plan, samples, messages, canaries)


def fault_of_known_sample(row):
    """Damage leaves a line out; another version's line says that none of them is understood."""
    schema = row.get("schema") if isinstance(row, dict) else None
    if isinstance(schema, str) and schema != SCHEMA:
        raise Trouble(f"samples.jsonl is of schema {schema}, and only {SCHEMA} is known here: use "
                      "the version of the suite that wrote it")
    return fault_of_sample(row)


def _read_lines(path, fault_of, messages):
    """One object per line. A damaged line (a run killed while writing) is named and left out."""
    if not path.is_file():
        messages.append(f"{path.name} is missing")
        return []
    rows = []
    for number, row, fault in lines_of(path, fault_of):
        if fault:
            messages.append(f"{path.name}, line {number}: damaged and left out: {fault}")
        else:
            rows.append(row)
    return rows


def _planned(samples, plan, messages):
    """The samples of planned processes: what nobody planned must not be able to reach a median."""
    def identity(row):
        return tuple(row[key] for key in ("exec_id", "cell_id", "model", "mode"))

    planned = {identity(entry) for entry in plan}
    for sample in samples:
        if identity(sample) not in planned:
            messages.append(f"samples.jsonl: {sample['exec_id']} was not planned and is left out")
    return [sample for sample in samples if identity(sample) in planned]


def _once_each(samples, messages):
    """The first line of each process: a second one must not be able to replace a poor result."""
    seen = {}
    for sample in samples:
        if sample["exec_id"] in seen:
            messages.append(f"samples.jsonl: {sample['exec_id']} is there twice, the first counts")
        else:
            seen[sample["exec_id"]] = sample
    return list(seen.values())
