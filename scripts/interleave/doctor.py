"""Is this machine fit to measure on, and what would help? The checks of `checks.py` on a screen."""

from textwrap import wrap

from rich.columns import Columns
from rich.padding import Padding
from rich.text import Text

from . import checks, machine
from .options import default_models
from .trouble import Trouble
from .units import plural

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red", "unknown": "magenta"}
INDENT = 9
LEAST_WIDTH = 30  # of a paragraph, on however narrow a screen


def main(session, options):
    rows = examined(session)
    if options.json:
        session.answer("doctor", {"machine": machine.machine(), "worst": worst(rows),
                                  "checks": rows})
    else:
        tell(session, rows)
    return 1 if worst(rows) == "fail" else 0


def examined(session):
    """Every check: what was found, its state, and what to do about it."""
    moment = checks.Moment(folder=session.root / "results", lock=session.lock,
                           build=build_of(session))
    virtual = machine.is_virtual(machine.hypervisor())
    container, rows = machine.in_container(), []
    for check in checks.CHECKS:
        found = checks.found(check, moment)
        words, command = checks.advice(check, found["state"], virtual, container)
        rows.append({"name": check.name, "title": check.title, **found,
                     "shown": checks.shown(check.name, found["value"]),
                     "advice": words, "command": command})
    return rows


def build_of(session):
    """As what the programs were built, by the word of the first that is there."""
    for name in default_models(session.root):
        try:
            about, _ = session.executables.about([name])
        except Trouble:
            continue
        if about:
            return about[name].get("build") or None
    return None


def worst(rows):
    return min((row["state"] for row in rows), key=checks.STATES.index)


def tell(session, rows):
    """What is not as it should be first, each with its advice; what is well stands together."""
    console, here = session.console, machine.machine()
    session.say(f"Is this machine fit to measure on? {here['name']}: {here['cpu_model']}, "
                f"{plural(here['usable_cpus'], 'usable CPU')}")
    for state in checks.STATES[:-1]:
        for row in (r for r in rows if r["state"] == state):
            console.print()
            console.print(Text.assemble((f"{state:{INDENT}}", COLOURS[state]),
                                        (f"{row['title']}: {row['shown']}", "bold")))
            for line in wrap(row["advice"], max(console.width - INDENT - 1, LEAST_WIDTH)):
                console.print(Text(" " * INDENT + line), soft_wrap=True)
            if row["command"]:
                console.print(Text(" " * (INDENT + 2) + row["command"], "cyan"), soft_wrap=True)
    well = [Text(f"{r['title']}: {r['shown']}", "dim") for r in rows if r["state"] == "ok"]
    if well:
        console.print()
        console.print(Text("ok", COLOURS["ok"]))
        console.print(Padding(Columns(well, equal=True, column_first=True, padding=(0, 2)),
                              (0, 0, 0, INDENT)))
    session.say()
    console.print(Text(answer(rows), "bold"))


def answer(rows):
    """One sentence."""
    count = {state: sum(r["state"] == state for r in rows) for state in checks.STATES}
    if count["fail"]:
        return (f"Not as it is: {plural(count['fail'], 'check')} failed. Numbers measured now "
                "would be wrong or missing.")
    told = ", ".join(filter(None, (
        plural(count["warn"], "warning") if count["warn"] else "",
        f"{count['unknown']} unknown" if count["unknown"] else "")))
    if told:
        return f"Yes, with caution: {told}. A result says so of itself."
    return "Yes: all is as it should be."


def tell_briefly(session, environment):
    """Before a run: a line with what is not as it should be, and nothing where all is."""
    told = [f"{checks.title(name)}: {checks.shown(name, fact['value'])} ({fact['state']})"
            for state in ("fail", "warn") for name, fact in environment.items()
            if fact["state"] == state]
    if told:
        session.say(f"Before measuring, {'; '.join(told)}. What helps: ./scripts/bench doctor")
