"""Was the machine disturbed? A small program runs before each block: what disturbs it disturbs both.

The rule is fixed beforehand and can be worked out again from canary.jsonl alone: a canary is off
when its kernel took more than 5 % more or less than the median of all canaries up to and with it,
or when its sleep took more than 5 % longer than asked. A block is disturbed when a canary of it is
off. What a canary that failed does not tell counts as not disturbed.
"""

import time
from bisect import insort
from pathlib import Path

from .process import run_process, utc_now
from .samples import Log, from_json, read_lines
from .schema import fault_of, schema_of
from .trouble import Trouble

SCHEMA = schema_of("canary")["properties"]["schema"]["const"]
PROGRAM = "canary"
FILE = "canary.jsonl"
TOLERANCE = 0.05
# At the start, so that the first blocks already have a median to be compared with.
AT_THE_START = 5
TIMEOUT_S = 20
MEASURED = ("kernel_ns", "sleep_ns", "asked_sleep_ns")


def fault_of_canary(row):
    """What is wrong with a line of canary.jsonl, in words; None: nothing."""
    return fault_of("canary", row)


def read_canaries(result):
    return read_lines(Path(result) / FILE, fault_of_canary)


def deviations(canaries):
    """Of each canary, in the order of the file: (the kernel's time over the median so far, the
    sleep's over what was asked), each less 1; None where it is not known."""
    seen, found = [], []
    for row in canaries:
        kernel, slept, asked = (row[name] for name in MEASURED)
        if kernel:
            insort(seen, kernel)
        found.append(((kernel - middle(seen)) / middle(seen) if kernel else None,
                      (slept - asked) / asked if slept and asked else None))
    return found


def middle(ordered):
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def is_off(kernel, slept):
    return ((kernel is not None and abs(kernel) > TOLERANCE)
            or (slept is not None and slept > TOLERANCE))


def disturbed_blocks(canaries):
    """{(cell_id, block)}"""
    return {(row["cell_id"], row["block"])
            for row, deviation in zip(canaries, deviations(canaries))
            if row["cell_id"] is not None and is_off(*deviation)}


class Canaries:
    """Runs the program, and keeps what it said: each row is on the disk before anything else."""

    def __init__(self, result, program, inherited=()):
        self.result, self.program, self.inherited = result, program, inherited
        self.rows = read_canaries(result)
        self.took_ns = 0

    def at_the_start(self, note):
        for _ in range(AT_THE_START - sum(row["cell_id"] is None for row in self.rows)):
            self.run(None, None, note)

    def run(self, cell_id, block, note):
        """note: is told why a canary failed, the first time."""
        begin = time.monotonic_ns()
        row = {"schema": SCHEMA, "canary_id": f"canary-{len(self.rows):04d}", "cell_id": cell_id,
               "block": block, "started_utc": utc_now(), **self.measured(note)}
        log = Log(self.result / FILE)
        try:
            log.append(row)
        finally:
            log.close()
        self.rows.append(row)
        self.took_ns += time.monotonic_ns() - begin

    def measured(self, note):
        said = self.result / "canary.out"
        errors = self.result / "canary.err"
        try:
            outcome = run_process([str(self.program)], TIMEOUT_S, errors,
                                  inherited=self.inherited, stdout_path=said)
            row, why = answer_in(said, outcome)
        except Trouble as error:
            row, why = dict.fromkeys(MEASURED), str(error)
        finally:
            said.unlink(missing_ok=True)
            errors.unlink(missing_ok=True)
        if why and not any(earlier["kernel_ns"] is None for earlier in self.rows):
            note(f"the canary failed ({why}), so whether anything disturbs is unknown")
        return row

    def disturbed(self):
        return disturbed_blocks(self.rows)


def answer_in(path, outcome):
    """(what the program measured, or nulls; why it did not)"""
    unknown = dict.fromkeys(MEASURED)
    if outcome.timed_out or outcome.code:
        return unknown, outcome.complaint or f"exit status {outcome.code}"
    try:
        answer = from_json(path.read_text(encoding="utf-8"))
        row = {name: answer[name] for name in MEASURED}
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return unknown, "its answer cannot be read"
    good = all(type(value) is int and value > 0 for value in row.values())
    return (row, None) if good else (unknown, "its answer has a time that is none")
