"""How a result is kept on disk: append-only lines that survive an interruption at any byte."""

import hashlib
import json
import os

from .trouble import Trouble

# What a process measures. A row without a measurement carries null, never 0.
MEASUREMENTS = (
    "makespan_ns", "startup_ns", "first_finish_ns", "t1_ns", "critical_path_ns", "lb_ns",
    "lb_model_ns", "greedy_ns", "unit_cost_ns", "cpu_user_ns", "cpu_sys_ns", "harness_cpu_ns",
    "turns", "waits", "calls", "blocks", "units", "attempts", "retries", "failed", "skipped",
    "unexpected", "events", "digest", "sum", "threads_peak", "vmhwm_bytes",
    "rss_before_bytes", "page_tables_peak_bytes", "page_tables_before_bytes",
    "kernel_stacks_peak_bytes", "kernel_stacks_before_bytes", "slab_peak_bytes",
    "slab_before_bytes", "nvcsw", "nivcsw", "minor_faults", "major_faults",
    "most_waiting", "most_computing", "latency", "heartbeat", "time_on_path", "time_of_turns",
    "lateness", "idle_cpu", "results", "endpoint", "stop", "first_error_ns", "healthy", "fairness")


SCHEMA = "interleave.sample/1"
STATUSES = ("ok", "invalid", "timeout", "crash", "skipped")
TEXTS = {"digest", "sum"}
OBJECTS = {"unit_cost_ns", "latency", "heartbeat", "time_on_path", "time_of_turns", "lateness",
           "idle_cpu", "results", "endpoint", "stop", "healthy"}
# What of those is a whole number of at least 0 or null, where it is there; what a run left behind
# may be less than what it found.
NUMBERS_OF = {
    "endpoint": ("cpu_ns", "peak_resident_bytes", "requests", "connections", "lateness_p99_ns"),
    "stop": ("asked_ns", "acknowledged_ns", "started_after", "finished", "cpu_after_ns"),
    "healthy": ("n", "p50", "p90", "p99", "max")}
LEFT = ("threads_left", "descriptors_left", "heap_left_bytes")
WHY_STOPPED = ("outside", "enough", "failure")


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_name(value):
    """Text that can be part of a file's name and stays inside its folder."""
    return isinstance(value, str) and value != "" and not set(value) & set("/\\\0")


def fault_of_measurements(row):
    """What is wrong with the types of a sample's own fields, in words; None: nothing."""
    for key in ("family", "rung", "structure", "reason"):
        if not isinstance(row.get(key), (str, type(None))):
            return f"{key} is no text"
    for key in MEASUREMENTS:
        value = row.get(key)
        if value is None:
            continue
        if key in OBJECTS or key in TEXTS:
            if not isinstance(value, dict if key in OBJECTS else str):
                return f"{key} is of the wrong type"
        elif not is_number(value) or value < 0:
            return f"{key} is no number of at least 0"
    return fault_of_outside_world(row)


def is_whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


def fault_of_outside_world(row):
    """The same of calls, and of how a run was stopped."""
    for key, names in NUMBERS_OF.items():
        for name in names:
            value = (row.get(key) or {}).get(name)
            if value is not None and not (is_whole(value) and value >= 0):
                return f"{key}.{name} is no whole number of at least 0"
    if (row.get("fairness") or 0) > 1:
        return "fairness is more than 1"
    own_cpu = (row.get("endpoint") or {}).get("own_cpu")
    if not isinstance(own_cpu, (bool, type(None))):
        return "endpoint.own_cpu is neither true nor false"
    stop = row.get("stop")
    if stop is None:
        return None
    if stop.get("why") not in WHY_STOPPED:
        return "stop.why is not known"
    if stop.get("acknowledged_ns") is None:
        return "stop.acknowledged_ns is missing"
    wrong = [name for name in LEFT
             if stop.get(name) is not None and not is_whole(stop[name])]
    return f"stop.{wrong[0]} is no whole number" if wrong else None


def fault_of_row(row):
    """What every line of plan.jsonl and samples.jsonl has in common."""
    if not isinstance(row, dict):
        return "it is no object"
    for key in ("exec_id", "model"):
        if not is_name(row.get(key)):
            return f"{key} is no name"
    for key in ("cell_id", "scenario", "mode"):
        if not isinstance(row.get(key), str):
            return f"{key} is no text"
    params = row.get("params")
    if not isinstance(params, dict) or not all(
            value is None or isinstance(value, str) or is_number(value)
            for value in params.values()):
        return "params is no object of plain values"
    if not isinstance(row.get("skip_reason"), (str, type(None))):
        return "skip_reason is no text"
    if not isinstance(row.get("block"), (int, type(None))):
        return "block is no number"
    return None


def fault_of_sample(row):
    fault = fault_of_row(row)
    if fault:
        return fault
    if row.get("schema") != SCHEMA:
        return f"schema {row.get('schema')}, and only {SCHEMA} is known here"
    if row.get("status") not in STATUSES:
        return "it has no known status"
    if row["status"] == "ok" and not row.get("makespan_ns"):
        return "it has no makespan"
    return fault_of_measurements(row)


def fault_of_entry(row):
    """Of a line of plan.jsonl: what running it needs is there too."""
    fault = fault_of_row(row)
    if fault:
        return fault
    for key in ("timeout_s", "predicted_s", "padding"):
        if not is_number(row.get(key)):
            return f"{key} is no number"
    if not isinstance(row.get("expect"), str):
        return "expect is no text"
    missing = [key for key in ("block", "position", "skip_reason", "lb_ns", "lb_model_ns",
                               "greedy_ns") if key not in row]
    missing += [key for key in ("agents", "workers", "cpu_share", "time_scale", "seed")
                if not is_number(row["params"].get(key))]
    return f"{missing[0]} is missing" if missing else None


def to_line(entry):
    return json.dumps(entry, separators=(",", ":"), allow_nan=False) + "\n"


def refuse_constant(name):
    raise ValueError(f"{name} is not a number")


def finite(text):
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is too large a number")
    return number


def from_json(text):
    """JSON proper: NaN and Infinity, which Python would take, are refused."""
    return json.loads(text, parse_constant=refuse_constant, parse_float=finite)


class Log:
    """A file that only grows: each line is on the disk before the next process starts."""

    def __init__(self, path):
        self.path = path
        self.file = open(path, "ab", buffering=0)

    def append(self, entry):
        line = to_line(entry).encode()
        try:
            while line:
                line = line[self.file.write(line):]
            os.fsync(self.file.fileno())
        except OSError as error:
            raise Trouble(f"cannot write {self.path}: {error.strerror}: once that is mended: "
                          f"./scripts/bench resume {self.path.parent}")

    def close(self):
        self.file.close()


def write_lines(path, entries):
    write_whole(path, "".join(to_line(entry) for entry in entries))


def write_whole(path, text):
    """The old content or the new one, never half of it."""
    draft = path.with_name(path.name + ".new")
    try:
        with open(draft, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise Trouble(f"cannot write {path}: {error.strerror}")


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


def lines_of(path, fault_of):
    """Yields (line number, row, what is wrong with it or None) of each line that is not blank."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise Trouble(f"cannot read {path}: {error.strerror}")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = from_json(line.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            yield number, None, f"not JSON ({str(error)[:100]})"
        else:
            yield number, row, fault_of(row)


def read_lines(path, fault_of=fault_of_row):
    """All lines of a file that is whole; it may not be there yet."""
    if not path.exists():
        return []
    rows = []
    for number, row, fault in lines_of(path, fault_of):
        if fault:
            raise Trouble(f"{path}, line {number} is damaged: {fault}: mend or remove the line")
        rows.append(row)
    return rows


def read_json(path):
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise Trouble(f"cannot read {path}: {error}")


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()
