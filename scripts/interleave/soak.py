"""Do the models stay right when trouble comes over and over, and leave nothing behind?

Each model's soak program (bench/soak.cpp) runs every kind of trouble so many times in one process,
by timer and over TCP, and tells of each kind in a line of JSON. A line without fault has proved all
its runs, and has left no thread, no descriptor and no memory.
"""

import json
import os
import subprocess
import tempfile
from math import ceil
from pathlib import Path

from .lock import MachineLock
from .process import die_with, interruption_deferred, kill_group, last_line
from .trouble import Trouble
from .units import plural

WORKERS = 2
# A run that left only 1 KiB would add up to this each time; caches that fill late stay below it,
# where there are enough runs to tell.
MOST_HEAP_BYTES_PER_RUN = 512
ENOUGH_RUNS_FOR_HEAP = 100
RUN_S = 1.9  # one run of every kind, on two CPUs


def title(row):
    """What was run, in words."""
    words = [row["scenario"]]
    if row["on_error"] != "isolate":
        words.append(row["on_error"])
    if row["stopped"]:
        words.append("stopped")
    return f"{' '.join(words)}, {row['io']}"


def faults_of(row):
    """What is wrong with one kind of trouble, in words; nothing if all is right."""
    faults = []
    if row["proved"] != row["runs"]:
        faults.append(f"{row['runs'] - row['proved']} of {row['runs']} runs are not proved: "
                      f"{row['fault']}")
    for what in ("threads", "descriptors"):
        if row[f"{what}_left"] > 0:
            faults.append(f"{row[f'{what}_left']} {what} are left")
    if (row["runs"] >= ENOUGH_RUNS_FOR_HEAP
            and row["heap_left_bytes_per_run"] > MOST_HEAP_BYTES_PER_RUN):
        faults.append(f"each run leaves {row['heap_left_bytes_per_run']:.0f} bytes of memory")
    return faults


def start(command, stderr):
    runner = os.getpid()
    try:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=stderr, text=True, start_new_session=True,
                                preexec_fn=lambda: die_with(runner))
    except OSError as error:
        raise Trouble(f"cannot start {command[0]}: {error.strerror}: build again")


def lines_of(command, folder):
    """The program's lines as they come; trouble if it does not come to its end."""
    path = folder / "stderr"
    process = None
    try:
        with open(path, "wb") as stderr, interruption_deferred():
            process = start(command, stderr)
        for line in process.stdout:
            yield json.loads(line)
        if process.wait() not in (0, 1):  # 1: it has told what is not proved
            raise Trouble(f"{' '.join(command)} failed: "
                          f"{last_line(path) or f'exit {process.returncode}'}")
    finally:
        if process:
            kill_group(process)
            process.wait()
            process.stdout.close()


def told(row):
    failed = f"; {plural(row['failures'], 'turn')} failed by script" if row["failures"] else ""
    return f"all proved, nothing left{failed}"


def soak_model(session, model, runs, folder):
    """How many kinds of trouble went wrong."""
    command = [str(session.executables.path(f"{model}_soak")), str(runs), str(WORKERS)]
    kinds = wrong = 0
    for row in lines_of(command, folder):
        faults = faults_of(row)
        kinds += 1
        wrong += bool(faults)
        session.say(f"  {title(row):25} {'; '.join(faults) or told(row)}")
    if not kinds:
        raise Trouble(f"{model}_soak told nothing: build again")
    return wrong


def soak(session, models, runs):
    about, absent = session.executables.about(models)
    if absent:
        session.say(f"Not built, so left out: {', '.join(absent)} (their library is missing).")
    if not about:
        raise Trouble("none of these models is built: install their libraries, then run this again")
    session.say("Each kind of trouble by timer and over TCP, with a line when its runs are done.\n"
                f"That takes about {plural(ceil(runs * RUN_S / 60), 'minute')} for each model, and "
                "longer if its waits block.")
    if runs < ENOUGH_RUNS_FOR_HEAP:
        session.say(f"Memory is judged from {ENOUGH_RUNS_FOR_HEAP} runs on.")
    with (MachineLock(session.lock),
          tempfile.TemporaryDirectory(prefix="interleave-soak-") as folder):
        wrong = 0
        for model in about:
            session.say(f"\n{model}: {plural(runs, 'run')} of each kind")
            wrong += soak_model(session, model, runs, Path(folder))
    session.say(f"\n{plural(wrong, 'kind')} of trouble went wrong." if wrong else
                "\nAll runs are proved, and nothing is left of them.")
    return 1 if wrong else 0
