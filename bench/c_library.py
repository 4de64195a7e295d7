"""How are the functions of c_interface.hpp called from Python? Through ctypes."""

import ctypes
import itertools
from ctypes import (CFUNCTYPE, POINTER, byref, c_char_p, c_double, c_int, c_size_t, c_uint8,
                    c_uint16, c_uint32, c_uint64, c_void_p)

from bench.model import Ledger, Step, StepKind, Turn, TurnFailed, Workload


class LedgerError(Exception):
    """A verb failed. The program knows with what, and goes on with that."""


class InterleaveWorkload(ctypes.Structure):
    _fields_ = [("turn_count", c_uint64), ("first_step", POINTER(c_uint64)),
                ("step_kinds", POINTER(c_uint8)), ("first_before", POINTER(c_uint64)),
                ("before", POINTER(c_uint32)), ("most_in_flight", c_uint32),
                ("has_bucket", c_uint32)]


class InterleaveResources(ctypes.Structure):
    _fields_ = [("workers", c_uint32), ("over_tcp", c_uint32)]


class InterleaveTurnFailed(ctypes.Structure):
    _fields_ = [("value", c_uint64), ("ending", c_uint32)]


PrepareFunction = CFUNCTYPE(c_int, POINTER(InterleaveWorkload))
RunFunction = CFUNCTYPE(c_int, POINTER(InterleaveResources))
StopFunction = CFUNCTYPE(None)


class InterleaveModel(ctypes.Structure):
    _fields_ = [("version", c_char_p), ("prepare", PrepareFunction), ("run", RunFunction),
                ("on_stop", StopFunction)]


def workload_of(arrays):
    """The graph in Python's own terms."""
    count = arrays.turn_count
    first_step = arrays.first_step[:count + 1]
    first_before = arrays.first_before[:count + 1]
    kinds = [StepKind(kind) for kind in range(len(StepKind))]
    steps = [Step(id, kinds[kind])
             for id, kind in enumerate(arrays.step_kinds[:first_step[-1]])]
    before = arrays.before[:first_before[-1]]
    turns = [Turn(id, steps[step:next_step], before[turn:next_turn])
             for id, ((step, next_step), (turn, next_turn)) in enumerate(
                 zip(itertools.pairwise(first_step), itertools.pairwise(first_before)))]
    return Workload(turns, arrays.most_in_flight, arrays.has_bucket != 0)


class Library:
    """What is over in a moment keeps Python's lock: giving it up and taking it back costs more, and
    invites another thread to take it for up to 5 ms. What takes long gives it up."""

    def __init__(self, path):
        self.keeping, self.giving_up = ctypes.PyDLL(path), ctypes.CDLL(path)
        failed = c_int.in_dll(self.keeping, "interleave_failed")
        why = self.function("why", c_int, POINTER(InterleaveTurnFailed))

        def raise_if_failed(value, function, arguments):
            if failed.value:
                failure = InterleaveTurnFailed()
                match why(byref(failure)):  # InterleaveWhy
                    case 1:
                        raise TurnFailed(failure)
                    case 2:
                        raise LedgerError(function.__name__)
            return value

        self.raise_if_failed = raise_if_failed

    def function(self, name, result, *arguments, takes_long=False):
        function = (self.giving_up if takes_long else self.keeping)["interleave_" + name]
        function.restype, function.argtypes = result, arguments
        return function

    def verb(self, name, result, *arguments, takes_long=False):
        function = self.function(name, result, *arguments, takes_long=takes_long)
        function.errcheck = self.raise_if_failed
        return function


def ledger_of(library):
    verb = library.verb
    end_attempt = verb("end_attempt", c_int, c_uint64, POINTER(c_uint64), c_void_p)
    fail_turn = verb("fail_turn", None, c_uint32, c_uint64, c_uint32)

    def end(step, value, exchange=None):
        handed_on = c_uint64(value)
        again = end_attempt(step, byref(handed_on), exchange)
        return again != 0, handed_on.value

    def fail(turn, error):
        failure, = error.args
        fail_turn(turn, failure.value, failure.ending)

    return Ledger(
        start=verb("start", c_uint64, c_uint32),
        compute=verb("compute", c_uint64, c_uint64, c_uint64, takes_long=True),
        begin_wait=verb("begin_wait", None, c_uint64),
        time_left=verb("time_left", c_double, c_uint64),
        end_wait=verb("end_wait", c_uint64, c_uint64, c_uint64),
        block=verb("block", c_uint64, c_uint64, c_uint64, takes_long=True),
        begin_attempt=verb("begin_attempt", None, c_uint64, c_void_p),
        end_attempt=end,
        reserve=verb("reserve", None, c_uint64),
        finish=verb("finish", None, c_uint32, c_uint64),
        fail=fail)


def exchange_class(library):
    def member(name, result=None, *arguments):
        return library.function("exchange_" + name, result, c_void_p, *arguments)

    new, delete = library.function("exchange_new", c_void_p), member("delete")
    port, keep_alive = member("port", c_uint16), member("keep_alive", c_int)
    request = member("request", c_void_p, POINTER(c_size_t))
    receive = member("receive", c_int, c_char_p, c_size_t)
    on_closed, on_refused = member("on_closed"), member("on_refused")
    on_timed_out = member("on_timed_out")
    over, reusable = member("over", c_int), member("connection_reusable", c_int)

    class Exchange:
        """bench::Exchange."""
        __slots__ = ("_as_parameter_",)  # what stands for it in C

        def __init__(self):
            self._as_parameter_ = None
            self._as_parameter_ = new()
            if not self._as_parameter_:
                raise MemoryError

        def __del__(self):
            delete(self)

        @property
        def port(self):
            return port(self)

        @property
        def keep_alive(self):
            return keep_alive(self) != 0

        @property
        def request(self):
            size = c_size_t()
            address = request(self, byref(size))
            return ctypes.string_at(address, size.value)

        def receive(self, data):
            return receive(self, data, len(data)) != 0

        def on_closed(self):
            on_closed(self)

        def on_refused(self):
            on_refused(self)

        def on_timed_out(self):
            on_timed_out(self)

        @property
        def over(self):
            return over(self) != 0

        @property
        def connection_reusable(self):
            return reusable(self) != 0

    return Exchange
