"""What is in a result folder? Reads it, and is the only door by which samples reach a number.

Three files are read and never written: manifest.json, plan.jsonl, samples.jsonl.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from .trouble import Trouble


@dataclass
class Result:
    path: Path
    manifest: dict
    plan: list
    samples: list
    messages: list = field(default_factory=list)  # what was odd about the files, for people

    def measured(self):
        """Samples that may enter a median or a chart: timed, and proved to be right."""
        return [s for s in self.samples
                if s.get("status") == "ok" and s.get("mode") == "timed" and s.get("makespan_ns")]

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
    try:
        manifest = json.loads(manifest_file.read_text())
    except FileNotFoundError:
        raise Trouble(f"{path} is not a result folder: it has no manifest.json")
    except ValueError as error:
        raise Trouble(f"{manifest_file} is damaged: {error}")
    plan = _read_lines(path / "plan.jsonl", messages)
    samples = _once_each(_read_lines(path / "samples.jsonl", messages), messages)
    # Samples are written in the order they were run. Sorted, that order cannot reach a figure.
    samples.sort(key=lambda s: (s.get("cell_id") or "", s.get("model") or "", s["exec_id"]))
    return Result(path, manifest, plan, samples, messages)


def _read_lines(path, messages):
    """One object per line. A line that is no object (a run killed while writing) is named."""
    if not path.is_file():
        messages.append(f"{path.name} is missing")
        return []
    rows = []
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if isinstance(row, dict) and "exec_id" in row:
            rows.append(row)
        else:
            messages.append(f"{path.name}, line {number}: damaged and left out")
    return rows


def _once_each(samples, messages):
    """The first line of each process: a second one must not be able to replace a poor result."""
    seen = {}
    for sample in samples:
        if sample["exec_id"] in seen:
            messages.append(f"samples.jsonl: {sample['exec_id']} is there twice, the first counts")
        else:
            seen[sample["exec_id"]] = sample
    return list(seen.values())
