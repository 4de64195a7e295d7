"""What waiting together buys: three pizzas one by one and all at once, in each default model."""

import subprocess
import tempfile
import threading
from pathlib import Path

from rich.table import Table

from .options import default_models
from .process import kill_group
from .samples import from_json, read_json
from .style import label
from .trouble import Trouble

FLAVOURS = ("Cheese", "Pepperoni", "Veggie")
UNITS_A_PIZZA = 3
HALVES = ("pizza-chain", "pizza")
STARTED, READY = "Started making {} pizza...\n", "{} pizza is ready!\n"
SYNC = "\n--- SYNC (One after another) ---\n" + "".join(
    STARTED.format(name) + READY.format(name) for name in FLAVOURS)
ASYNC = "\n--- ASYNC (All at once) ---\n" + "".join(
    [STARTED.format(name) for name in FLAVOURS] + [READY.format(name) for name in FLAVOURS])
EXPECTED = {"pizza-chain": SYNC, "pizza": ASYNC}

# The graph does not order the three, but in these structures one thread starts and ends all waits,
# in the order they were asked for.
ORDERED = ("sequential", "one_loop")
OTHER_ORDER = {
    "thread_per_turn": "Another order: each pizza has a thread of its own, and the kernel chooses "
                       "which of them runs first.",
    "workers": "Another order: the graph leaves it open, and the library takes what is ready in an "
               "order of its own.",
}
CELLS_A_UNIT = 6


def command_of(executables, model, half, unit_s, folder):
    return [str(executables.path(model)), "--scenario", half, "--agents", str(len(FLAVOURS)),
            "--workers", "1", "--time-scale", f"{unit_s:g}", "--narrate",
            "--sample", str(folder / f"{model}-{half}.jsonl"),
            "--trace", str(folder / f"{model}-{half}.json")]


def watch(session, command, limit_s):
    """Runs one half, passing on its lines as they come; returns them."""
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=stderr, start_new_session=True)
        timer = threading.Timer(limit_s, kill_group, [process])
        timer.daemon = True
        timer.start()
        pieces = []
        try:
            for line in process.stdout:
                text = line.decode("utf-8", "replace")
                pieces.append(text)
                session.console.file.write(text)
                session.console.file.flush()
            code = process.wait()
        except BaseException:
            kill_group(process)
            raise
        finally:
            timer.cancel()
            process.wait()
        if code:
            stderr.seek(0)
            complaint = stderr.read().decode("utf-8", "replace").strip().splitlines()
            raise Trouble(f"{Path(command[0]).name} ended with status {code}: "
                          f"{(complaint or ['it said nothing'])[-1]}")
    return "".join(pieces)


def is_right(half, text, ordered):
    """The exact text where one thread speaks; elsewhere the three may finish in any order."""
    expected = EXPECTED[half]
    if ordered or half == "pizza-chain":
        return text == expected
    head = expected.index(READY.format(FLAVOURS[0]))
    started, ready = text[:head].splitlines(), text[head:].splitlines()
    return (sorted(started) == sorted(expected[:head].splitlines())
            and sorted(ready) == sorted(expected[head:].splitlines()))


def units_of(sample_file, unit_s):
    sample = from_json(sample_file.read_text())
    if sample["status"] != "ok":
        raise Trouble(f"{sample['model']}: {sample['status']}: {sample['reason']}")
    return sample["makespan_ns"] * 1e-9 / unit_s


def bake_one(session, model, halves, structure, unit_s, folder):
    """Both halves of one model; returns how many units each took."""
    session.console.print(f"\n[bold]== {model} ==[/]")
    taken, texts = {}, {}
    for half in halves:
        command = command_of(session.executables, model, half, unit_s, folder)
        texts[half] = watch(session, command, 20 + 60 * unit_s)
        taken[half] = units_of(folder / f"{model}-{half}.jsonl", unit_s)
        if not is_right(half, texts[half], structure in ORDERED):
            raise Trouble(f"{model}: these are not the lines that {half} must print")
    if texts.get("pizza", ASYNC) != ASYNC:
        session.say(f"({OTHER_ORDER.get(structure, 'The graph does not order the three.')})")
    return taken


def bars(trace):
    """(name, begin, end) of each pizza's wait, in seconds from the first one's begin."""
    events = read_json(trace)["traceEvents"]
    waits = [e for e in events if e.get("ph") == "X" and e["name"] == "wait"]
    first = min(e["ts"] for e in waits)
    rows = sorted(((e["tid"], (e["ts"] - first) * 1e-6, (e["ts"] + e["dur"] - first) * 1e-6)
                   for e in waits), key=lambda row: row[0])
    return [(name, begin, end) for name, (_, begin, end) in zip(FLAVOURS, rows)]


def draw(session, model, folder, unit_s):
    """The waits of both halves on one axis."""
    session.console.print(f"\nThe same in {model}, a row for each pizza, waits light:")
    for half in HALVES:
        title = "one after another" if half == "pizza-chain" else "all at once"
        session.console.print(f"\n  [bold]{title}[/]")
        for name, begin, end in bars(folder / f"{model}-{half}.json"):
            start = round(begin / unit_s * CELLS_A_UNIT)
            length = max(1, round((end - begin) / unit_s * CELLS_A_UNIT))
            session.console.print(f"  {name:>9} |{' ' * start}[cyan]{'░' * length}[/]",
                                  soft_wrap=True)
    ticks = "".join(str(unit).ljust(CELLS_A_UNIT * UNITS_A_PIZZA) for unit in (0, 3, 6, 9))
    session.console.print(f"  {'units':>9}  {ticks.rstrip()}", soft_wrap=True)


def tell(session, taken, about):
    table = Table(box=None, pad_edge=False)
    table.add_column("model")
    table.add_column("one after another", justify="right")
    table.add_column("all at once", justify="right")
    for model, units in taken.items():
        table.add_row(label(about[model]), *(f"{units[half]:.2f} units" if half in units else "-"
                               for half in HALVES))
    session.console.print("\n9 units one after another, 3 all at once. Measured:\n")
    session.console.print(table)


def bake(session, unit_s):
    about, absent = session.executables.about(default_models(session.root))
    if absent:
        session.say(f"Not built, so left out: {', '.join(absent)} (their library is missing).")
    names = sorted(about, key=lambda name: (about[name]["structure"] != "sequential", name))
    session.say(f"A pizza takes {UNITS_A_PIZZA} units; a unit is {unit_s:g} s. One worker each.")
    taken = {}
    with tempfile.TemporaryDirectory(prefix="interleave-pizza-") as folder:
        folder = Path(folder)
        for model in names:
            alone = about[model]["structure"] == "sequential"
            taken[model] = bake_one(session, model, HALVES[:1] if alone else HALVES,
                                    about[model]["structure"], unit_s, folder)
        tell(session, taken, about)
        both = [model for model in taken if len(taken[model]) == 2]
        if both:
            draw(session, both[0], folder, unit_s)
    return 0
