"""How is one process run? Started, waited for without using the CPU, killed when it is late."""

import ctypes
import os
import signal
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone

from .trouble import Trouble


@dataclass(frozen=True)
class Outcome:
    code: int            # negative: the signal that ended it
    timed_out: bool
    complaint: str       # the last line on stderr, or ""
    started_utc: str
    wall_ns: int


def utc_now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def last_line(path):
    with open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
        lines = file.read().decode("utf-8", "replace").split("\n")
    # Google Benchmark warns of Debian's build of it whatever happens: that is no complaint.
    lines = [line.strip() for line in lines if line.strip() and "***WARNING***" not in line]
    return lines[-1][:500] if lines else ""


def kill_group(process):
    """The process and what it started: it leads a session of its own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


@contextmanager
def interruption_deferred():
    """Ctrl-C between a process's start and the moment it is known here would leave it running."""
    arrived = []
    kept = {number: signal.getsignal(number)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            if callable(signal.getsignal(number))}
    for number in kept:
        signal.signal(number, lambda *_: arrived.append(True))
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
    if arrived:
        raise KeyboardInterrupt


# Looked up here: between fork and exec nothing may be loaded.
PRCTL = getattr(ctypes.CDLL(None), "prctl", None)
PR_SET_PDEATHSIG = 1


def die_with(parent):
    """Called in the child: a runner that is killed outright must not leave its process behind,
    which would hold the machine's lock."""
    if PRCTL:
        PRCTL(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def start(command, stdout, stderr, environment, inherited):
    runner = os.getpid()
    try:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environment,
            pass_fds=inherited, start_new_session=True, preexec_fn=lambda: die_with(runner))
    except OSError as error:
        raise Trouble(f"cannot start {command[0]}: {error.strerror}: build again")


def wait_for(process, timeout_s):
    """Blocks until the process has ended; returns whether it had to be killed for that."""
    timed_out = threading.Event()

    def on_timeout():
        timed_out.set()
        kill_group(process)

    # A timer and a blocking wait: Popen.wait(timeout) would poll beside the measurement.
    timer = threading.Timer(timeout_s, on_timeout)
    timer.daemon = True
    timer.start()
    try:
        # WNOWAIT leaves a zombie behind, so that the timer can never hit a reused process id.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    finally:
        timer.cancel()
        timer.join()
    return timed_out.is_set()


def run_process(command, timeout_s, stderr_path, environment=None, inherited=(),
                stdout_path=os.devnull):
    """Runs one command to its end. An exception (Ctrl-C) kills it first."""
    process = None
    started_utc = utc_now()
    begin = time.monotonic_ns()
    try:
        with open(stderr_path, "wb") as stderr, open(stdout_path, "wb") as stdout, \
                interruption_deferred():
            process = start(command, stdout, stderr, environment, inherited)
        timed_out = wait_for(process, timeout_s)
        wall_ns = time.monotonic_ns() - begin
        kill_group(process)  # whatever it left running would disturb the next one
    except BaseException:
        if process:
            kill_group(process)
            process.wait()
        raise
    code = process.wait()
    late = timed_out and code == -signal.SIGKILL
    return Outcome(code, late, last_line(stderr_path), started_utc, wall_ns)


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
