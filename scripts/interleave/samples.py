"""How a result is kept on disk: append-only lines that survive an interruption at any byte."""

import hashlib
import json
import os

from .trouble import Trouble

# What a process measures. A row without a measurement carries null, never 0.
MEASUREMENTS = (
    "makespan_ns", "startup_ns", "first_finish_ns", "t1_ns", "critical_path_ns", "lb_ns",
    "lb_model_ns", "greedy_ns", "unit_cost_ns", "cpu_user_ns", "cpu_sys_ns", "harness_cpu_ns",
    "turns", "waits", "calls", "blocks", "units", "digest", "sum", "threads_peak", "vmhwm_bytes",
    "rss_before_bytes", "page_tables_peak_bytes", "page_tables_before_bytes", "nvcsw", "nivcsw",
    "minor_faults", "major_faults", "most_waiting", "most_computing", "latency")


def to_line(entry):
    return json.dumps(entry, separators=(",", ":"), allow_nan=False) + "\n"


def refuse_constant(name):
    raise ValueError(f"{name} is not a number")


def from_json(text):
    """JSON proper: NaN and Infinity, which Python would take, are refused."""
    return json.loads(text, parse_constant=refuse_constant)


class Log:
    """A file that only grows: each line is on the disk before the next process starts."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")

    def append(self, entry):
        self.file.write(to_line(entry))
        self.file.flush()
        os.fsync(self.file.fileno())

    def close(self):
        self.file.close()


def write_lines(path, entries):
    write_whole(path, "".join(to_line(entry) for entry in entries))


def write_whole(path, text):
    """The old content or the new one, never half of it."""
    draft = path.with_name(path.name + ".new")
    with open(draft, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def write_json(path, value):
    write_whole(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def cut_torn_line(path):
    """Cuts off a last line that an interruption left half written; returns how many bytes."""
    if not path.exists():
        return 0
    data = path.read_bytes()
    torn = len(data) - (data.rfind(b"\n") + 1)
    if torn:
        os.truncate(path, len(data) - torn)
    return torn


def read_lines(path):
    """All whole lines; a torn last one is left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    entries = []
    for number, line in enumerate(lines, 1):
        try:
            entries.append(from_json(line))
        except ValueError as error:
            raise Trouble(f"{path}, line {number} is not JSON ({error}): mend or remove the line")
    return entries


def read_json(path):
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Trouble(f"cannot read {path}: {error}")


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()
