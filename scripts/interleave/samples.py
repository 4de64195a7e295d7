"""How a result is kept on disk: append-only lines that survive an interruption at any byte."""

import hashlib
import json
import os
import re

from .schema import WHAT_IS_THERE, fault_of, fields_of, schema_of
from .trouble import Trouble

SCHEMA = schema_of("sample")["properties"]["schema"]["const"]
STATUSES = tuple(schema_of("sample")["properties"]["status"]["enum"])
# What a process measures. A row without a measurement carries null, never 0.
MEASUREMENTS = fields_of("sample", "measurements")
MANY_DIGITS = re.compile(r"[0-9]{20}")


def fault_of_measurements(row):
    """What is wrong with what a process wrote of itself, in words; None: nothing."""
    return fault_of("sample", row, "own")


def fault_of_row(row):
    """What every line of plan.jsonl and samples.jsonl has in common."""
    return fault_of("plan", row, "identity")


def fault_of_planned(row):
    """Of a line of plan.jsonl, as far as it goes: for readers, who run nothing."""
    return fault_of("plan", row, WHAT_IS_THERE)


def fault_of_sample(row):
    return fault_of("sample", row)


def fault_of_entry(row):
    """Of a line of plan.jsonl: what running it needs is there too."""
    return fault_of("plan", row)


def to_line(entry):
    return json.dumps(entry, separators=(",", ":"), allow_nan=False) + "\n"


def refuse_constant(name):
    raise ValueError(f"{name} is not a number")


def finite(text):
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is too large a number")
    return number


def whole(text):
    if abs(int(text)) >= 1 << 64:
        raise ValueError(f"{text[:20]}... is too large a number")
    return int(text)


def from_json(text):
    """JSON proper: NaN and Infinity, which Python would take, are refused, and numbers that no
    program here can have written."""
    # A function for every number costs time, and hardly any text has one of so many digits.
    more = {"parse_int": whole} if MANY_DIGITS.search(text) else {}
    return json.loads(text, parse_constant=refuse_constant, parse_float=finite, **more)


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


def each_line(path, fault_of=fault_of_row):
    """Yields each line of a file that is whole; it may not be there yet."""
    if path.exists():
        for number, row, fault in lines_of(path, fault_of):
            if fault:
                raise Trouble(f"{path}, line {number} is damaged: {fault}: mend or remove the line")
            yield row


def read_lines(path, fault_of=fault_of_row):
    return list(each_line(path, fault_of))


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
