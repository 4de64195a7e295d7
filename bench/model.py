"""What must a model in Python provide? What model.hpp asks of one in C++.

A file models/<name>.py has `MODEL`, a Model whose first line scripts read, and

    def run(workload, resources, ledger)

which runs every turn of the workload once, each after all it waits for, through the ledger's verbs
(ledger.hpp). When it returns nothing of it is left. It raises what went wrong. Asked to stop it
returns soon.
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
    CALL = 3


class Step(NamedTuple):
    id: int
    kind: StepKind


class Turn(NamedTuple):
    id: int
    steps: list   # of Step, in order
    before: list  # ids of the turns that must have ended, all below `id`


class Workload(NamedTuple):
    turns: list          # of Turn
    most_in_flight: int  # so many calls at once; 0: no limit of any sort
    has_bucket: bool     # a call that has its place reserves a token


class Resources(NamedTuple):
    workers: int            # how many threads may compute at once
    over_tcp: bool          # attempts have an exchange; else they are timers
    new_exchange: callable  # () -> an Exchange (exchange.hpp): its members are the same, but that
    #                         port, keep_alive, request, over and connection_reusable are attributes
    on_stop: callable       # callback: is called once, on any thread, if the run is to stop


class TurnFailed(Exception):
    """The turn cannot go on, see ledger.hpp. The model catches it where it runs the turn, and hands
    it to `fail`."""


class Ledger(NamedTuple):
    """The verbs of ledger.hpp. A turn and a step are named by their id."""
    start: callable          # turn -> value
    compute: callable        # step, value -> value; lets other threads run Python meanwhile
    begin_wait: callable     # step
    time_left: callable      # step -> seconds; the wait may end when none are left
    end_wait: callable       # step, value -> value
    block: callable          # step, value -> value; lets other threads run Python meanwhile
    begin_attempt: callable  # step, exchange or None; it may take until no time is left
    end_attempt: callable    # step, value, exchange or None -> again, value: if `again`, there is
    #                          another attempt when no time is left
    reserve: callable        # step; the token is there when no time is left
    finish: callable         # turn, value
    fail: callable           # turn, TurnFailed
