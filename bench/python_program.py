"""How does a model in Python run inside the suite's own program? Through c_interface.hpp.

    python3 python_program.py LIBRARY MODEL.py PROGRAM [FLAGS...]
"""

import signal

# First of all: signals end this program as they end one in C++, at once and without a word.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # who started it may ignore it
    signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)

import contextlib  # noqa: E402
import ctypes  # noqa: E402
import errno  # noqa: E402
import gc  # noqa: E402
import importlib.util  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from ctypes import c_char_p  # noqa: E402
from pathlib import Path  # noqa: E402

sys.path.append(str(Path(__file__).resolve().parents[1]))  # last: the standard library comes first

from bench import c_library  # noqa: E402
from bench.model import Resources  # noqa: E402


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


class StopRequest:
    """Tells the model, when the run is asked to stop: on any thread, before or after the model has
    said what is to be called."""

    def __init__(self):
        self.forget()

    def forget(self):
        self.asked, self.callbacks = False, []

    def on_stop(self, callback):
        self.callbacks.append(callback)
        if self.asked:
            self.tell()

    def ask(self):
        self.asked = True
        self.tell()

    def tell(self):
        # Each is called once, by the thread that took it out; what it wakes may be gone by then.
        with contextlib.suppress(IndexError, RuntimeError):
            self.callbacks.pop()()


def main(library_path, model_path, *command_line):
    program = ctypes.CDLL(library_path)
    model = load_model(model_path)
    library = c_library.Library(library_path)
    ledger = c_library.ledger_of(library)
    new_exchange = c_library.exchange_class(library)
    stop = StopRequest()
    workload = []

    def guarded(action):
        """An exception must not cross C."""
        def callback(argument):
            try:
                action(argument.contents)
                return 0
            except BaseException as error:
                text = f"{type(error).__name__}: {error}"
                program.interleave_fail(error_number_of(error), text.encode(errors="replace"))
                return 1
        return callback

    def prepare(arrays):
        stop.forget()  # also a stop that came when the last run was as good as over
        workload[:] = [c_library.workload_of(arrays)]
        gc.collect()
        gc.freeze()  # the workload is not the model's: its collections need not look through it

    def run(resources):
        try:
            model.run(workload[0],
                      Resources(resources.workers, resources.over_tcp != 0, new_exchange,
                                stop.on_stop),
                      ledger)
        finally:
            stop.forget()

    facts = c_library.InterleaveModel(
        model.MODEL.version.encode(), c_library.PrepareFunction(guarded(prepare)),
        c_library.RunFunction(guarded(run)), c_library.StopFunction(stop.ask))
    arguments = (c_char_p * (len(command_line) + 1))(*map(os.fsencode, command_line), None)
    return program.interleave_program(len(command_line), arguments, ctypes.byref(facts))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
