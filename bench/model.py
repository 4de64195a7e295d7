"""What must a model in Python provide? What model.hpp asks of one in C++.

A file models/<name>.py has `MODEL`, a Model whose first line scripts read, and

    def run(workload, workers, ledger)

which runs every turn of the workload once, each after all it waits for, through the ledger's verbs
(ledger.hpp). When it returns nothing of it is left. It raises what went wrong.
"""

import enum
from typing import NamedTuple


class Model(NamedTuple):
    family: str
    rung: str
    structure: str
    version: str  # of the library


class StepKind(enum.Enum):
    """The numbers are those of workload.hpp."""
    COMPUTE = 0
    WAIT = 1
    BLOCK = 2


class Step(NamedTuple):
    id: int
    kind: StepKind


class Turn(NamedTuple):
    id: int
    steps: list   # of Step, in order
    before: list  # ids of the turns that must have finished, all below `id`


class Ledger(NamedTuple):
    """The verbs of ledger.hpp. A turn and a step are named by their id."""
    start: callable       # turn -> value
    compute: callable     # step, value -> value; lets other threads run Python meanwhile
    begin_wait: callable  # step
    time_left: callable   # step -> seconds; the wait may end when none are left
    end_wait: callable    # step, value -> value
    block: callable       # step, value -> value; lets other threads run Python meanwhile
    finish: callable      # turn, value
