"""May a result be cited? The result's own answer, with every reason as a plain sentence."""

import re

LEVELS = ["citable", "with caution", "not citable"]
LOAD_PER_CPU = 0.5


def trust(manifest, samples, planned, above_one, oddities=0):
    """`planned`: processes that should have run; `above_one`: samples better than the reference;
    `oddities`: lines of the files that are damaged, doubled or not planned."""
    reasons = list(_grounds(manifest, samples, planned, above_one))
    if oddities:
        reasons.append(("not citable", f"The files are not as a run leaves them: "
                                       f"{_count(oddities, 'oddity', 'oddities')}, named below."))
    worst = max((LEVELS.index(level) for level, _ in reasons), default=0)
    reasons.sort(key=lambda r: -LEVELS.index(r[0]))  # stable: the gravest first
    return {"level": LEVELS[worst], "reasons": [text for _, text in reasons]}


def _grounds(manifest, samples, planned, above_one):
    caution, void = "with caution", "not citable"
    profile, blocks = manifest.get("profile"), manifest.get("blocks") or 0
    if profile == "smoke":
        yield void, "The smoke profile shows that everything runs. It measures nothing."
    elif blocks < 6:
        yield void, f"{_count(blocks, 'block')}: fewer than the 6 that an interval needs."
    elif profile == "quick":
        yield caution, "The quick profile gives medians and intervals, but no verdicts."
    if manifest.get("dirty") is None:
        yield caution, "Whether the code had changes that no commit holds is unknown."
    if manifest.get("dirty"):
        yield void, "The code had changes that no commit holds (dirty tree)."
    if not manifest.get("finished_utc"):
        yield void, "The run was not finished."
    invalid = [s for s in samples if s.get("status") == "invalid"]
    if invalid:
        names = ", ".join(sorted({s.get("model") or "?" for s in invalid}))
        yield void, f"{_count(len(invalid), 'sample')} failed the proof of work ({names})."
    for status, words in (("crash", "crashed"), ("timeout", "ran out of time")):
        rows = [s for s in samples if s.get("status") == status]
        if rows:
            names = ", ".join(sorted({s.get("model") or "?" for s in rows}))
            yield caution, f"{_count(len(rows), 'process', 'processes')} {words} ({names})."
    absent = planned - len(samples)
    if absent > 0:
        yield caution, f"{_count(absent, 'planned sample')} not taken."
    if above_one:
        yield caution, (f"{_count(above_one, 'sample')} faster than the ideal (greedy) reference: "
                        "the cost of a compute unit drifted.")
    machine = manifest.get("machine") or {}
    hypervisor = machine.get("hypervisor")
    if hypervisor and hypervisor != "none":
        named = isinstance(hypervisor, str) and hypervisor != "unnamed"
        name = f" ({hypervisor})" if named else ""
        yield caution, f"Virtual machine{name}: other guests may take CPU time unseen."
    cpus = machine.get("usable_cpus") or machine.get("cpus")
    if cpus and cpus < 4:
        yield caution, f"Small machine: {_count(cpus, 'CPU')}."
    yield from _environment(manifest, cpus)
    yield from _trimmed(manifest.get("trimmed") or [])


def _trimmed(entries):
    kinds = [entry.get("what", "cell") if isinstance(entry, dict) else "cell" for entry in entries]
    left_out = kinds.count("cell")
    if left_out:
        yield "with caution", f"{_count(left_out, 'cell')} left out to fit the time budget."
    if "blocks" in kinds:
        yield "with caution", ("Fewer blocks of some cells than the profile has, to fit the time "
                               "budget.")


def _environment(manifest, cpus):
    environment = manifest.get("environment") or {}
    for moment in ("before", "after"):
        checks = environment.get(moment) or {}
        unknown = sorted(n for n, c in checks.items() if _state(c) == "unknown")
        if unknown and moment == "before":
            names = ", ".join(unknown).replace("_", " ")
            yield "with caution", f"Could not be checked here: {names}."
        load = _first_number((checks.get("load") or {}).get("value"))
        busy = moment == "before" and load is not None and cpus and load / cpus > LOAD_PER_CPU
        if busy:
            yield "with caution", (f"The machine was busy before the run: load {load:g} "
                                   f"on {_count(cpus, 'CPU')}.")
        for name, check in sorted(checks.items()):
            said = name == "hypervisor" or (name == "load" and busy)
            if _state(check) in ("warn", "fail") and not said:
                value = check.get("value")
                shown = "" if value is None else f" is {value}"
                yield "with caution", (f"Environment {moment} the run, {_state(check)}: "
                                       f"{name.replace('_', ' ')}{shown}.")


def _state(check):
    return check.get("state") if isinstance(check, dict) else None


def _first_number(value):
    if isinstance(value, (list, tuple)):
        value = value[0] if value else None
    if isinstance(value, (int, float)):
        return float(value)
    found = re.search(r"\d+(\.\d+)?", value) if isinstance(value, str) else None
    return float(found.group()) if found else None


def _count(number, noun, many=None):
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"
