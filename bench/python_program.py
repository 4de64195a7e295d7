"""How does a model in Python run inside the suite's own program? Through c_interface.hpp.

    python3 python_program.py LIBRARY MODEL.py PROGRAM [FLAGS...]
"""

import signal

# First of all: signals end this program as they end one in C++, at once and without a word.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # who started it may ignore it
    signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)

import ctypes  # noqa: E402
import errno  # noqa: E402
import gc  # noqa: E402
import importlib.util  # noqa: E402
import itertools  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_double, c_int, c_uint8, c_uint32, c_uint64  # noqa: E402
from pathlib import Path  # noqa: E402

sys.path.append(str(Path(__file__).resolve().parents[1]))  # last: the standard library comes first

from bench.model import Ledger, Step, StepKind, Turn  # noqa: E402


class LedgerError(Exception):
    """A verb failed. The program knows with what, and goes on with that."""


class InterleaveWorkload(ctypes.Structure):
    _fields_ = [("turn_count", c_uint64), ("first_step", POINTER(c_uint64)),
                ("step_kinds", POINTER(c_uint8)), ("first_before", POINTER(c_uint64)),
                ("before", POINTER(c_uint32))]


PrepareFunction = CFUNCTYPE(c_int, POINTER(InterleaveWorkload))
RunFunction = CFUNCTYPE(c_int, c_uint32)


class InterleaveModel(ctypes.Structure):
    _fields_ = [("version", c_char_p), ("prepare", PrepareFunction), ("run", RunFunction)]


def turns_of(workload):
    """The graph in Python's own terms."""
    count = workload.turn_count
    first_step = workload.first_step[:count + 1]
    first_before = workload.first_before[:count + 1]
    kinds = [StepKind(kind) for kind in range(len(StepKind))]
    steps = [Step(id, kinds[kind])
             for id, kind in enumerate(workload.step_kinds[:first_step[-1]])]
    before = workload.before[:first_before[-1]]
    return [Turn(id, steps[step:next_step], before[turn:next_turn])
            for id, ((step, next_step), (turn, next_turn)) in enumerate(
                zip(itertools.pairwise(first_step), itertools.pairwise(first_before)))]


def ledger_of(path):
    # What is over in a moment keeps Python's lock: giving it up and taking it back costs more, and
    # invites another thread to take it for up to 5 ms. What takes long gives it up.
    keeping, giving_up = ctypes.PyDLL(path), ctypes.CDLL(path)
    failed = c_int.in_dll(keeping, "interleave_failed")

    def raise_if_failed(value, function, arguments):
        if failed.value:
            raise LedgerError(function.__name__)
        return value

    def verb(library, name, result, *arguments):
        function = library["interleave_" + name]
        function.restype, function.argtypes = result, arguments
        function.errcheck = raise_if_failed
        return function

    return Ledger(
        start=verb(keeping, "start", c_uint64, c_uint32),
        compute=verb(giving_up, "compute", c_uint64, c_uint64, c_uint64),
        begin_wait=verb(keeping, "begin_wait", None, c_uint64),
        time_left=verb(keeping, "time_left", c_double, c_uint64),
        end_wait=verb(keeping, "end_wait", c_uint64, c_uint64, c_uint64),
        block=verb(giving_up, "block", c_uint64, c_uint64, c_uint64),
        finish=verb(keeping, "finish", None, c_uint32, c_uint64))


def error_number_of(error):
    """What the program takes for "this machine cannot do it"; 0 if it is anything else."""
    if isinstance(error, MemoryError):
        return errno.ENOMEM
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return errno.EAGAIN
    number = getattr(error, "errno", None)
    return number if isinstance(number, int) and number > 0 else 0


def load_model(path):
    spec = importlib.util.spec_from_file_location("model", path)
    model = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(model)
    return model


def main(library_path, model_path, *command_line):
    program = ctypes.CDLL(library_path)
    model = load_model(model_path)
    ledger = ledger_of(library_path)
    workload = []

    def guarded(action):
        """An exception must not cross C."""
        def callback(argument):
            try:
                action(argument)
                return 0
            except BaseException as error:
                text = f"{type(error).__name__}: {error}"
                program.interleave_fail(error_number_of(error), text.encode(errors="replace"))
                return 1
        return callback

    def prepare(arrays):
        workload[:] = turns_of(arrays.contents)
        gc.collect()
        gc.freeze()  # the workload is not the model's: its collections need not look through it

    def run(workers):
        model.run(workload, workers, ledger)

    facts = InterleaveModel(model.MODEL.version.encode(), PrepareFunction(guarded(prepare)),
                            RunFunction(guarded(run)))
    arguments = (c_char_p * (len(command_line) + 1))(*map(os.fsencode, command_line), None)
    return program.interleave_program(len(command_line), arguments, ctypes.byref(facts))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
