"""What differs between the environments of two results, and can the two be compared at all?

In plain words: what a reader of a ratio between them has to know first.
"""

from collections import Counter
from dataclasses import dataclass

from . import checks, units

FAILED = ("timeout", "crash", "invalid")
# What the manifest says once for the whole run, and the words for it.
FIELDS = {"workload_version": "workload version", "commit": "commit", "profile": "profile",
          "blocks": "blocks", "compiler": "compiler", "flags": "build", "order_seed": "order seed"}
MACHINE = {"name": "machine", "cpu_model": "CPU", "cpus": "CPUs", "usable_cpus": "usable CPUs",
           "memory_bytes": "memory", "architecture": "architecture", "kernel": "kernel",
           "system": "system", "hypervisor": "hypervisor"}
MOMENTS = ("before", "after")
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Difference:
    """Both as text; a value that nobody could read is "unknown"."""

    what: str
    a: str
    b: str

    def as_dict(self):
        return {"what": self.what, "a": self.a, "b": self.b}


def differences(a, b, trust_a=None, trust_b=None):
    """a, b: results (records.Result); trust: what each says of itself (trust.trust)."""
    one, other = a.manifest, b.manifest
    found = [*_fields(MACHINE, machine_of(one), machine_of(other)), *_fields(FIELDS, one, other)]
    found += _pair("uncommitted changes", changes_text(one), changes_text(other))
    found += _libraries(one, other)
    found += _programs(one, other)
    found += _checks(one["environment"], other["environment"])
    if trust_a and trust_b:
        found += _pair("says of itself", trust_a["level"], trust_b["level"])
    return found


def machine_of(manifest):
    """Memory in words: after each boot it is a few pages more or less."""
    told = manifest["machine"]
    memory = told.get("memory_bytes")
    return told | {"memory_bytes": units.gibibytes(memory) if memory else None}


def _pair(what, a, b):
    return [] if a == b else [Difference(what, a, b)]


def value_text(value):
    if isinstance(value, dict):
        return ", ".join(f"{key} {value_text(each)}" for key, each in sorted(value.items()))
    return UNKNOWN if value in (None, "") else str(value)


def _fields(names, a, b):
    return [each for key, what in names.items()
            for each in _pair(what, value_text(a.get(key)), value_text(b.get(key)))]


def changes_text(manifest):
    return {True: "yes", False: "none"}.get(manifest.get("dirty"), UNKNOWN)


def _libraries(a, b):
    """Of the models that are in both; one that is in one only is told with the cells."""
    ours, theirs = a.get("libraries") or {}, b.get("libraries") or {}
    return [each for model in ours if model in theirs
            for each in _pair(f"library of {model}", value_text(ours[model]),
                              value_text(theirs[model]))]


def _programs(a, b):
    changed = [model for model, same in same_programs(a, b).items() if not same]
    if not changed:
        return []
    marks = (", ".join(f"{model} {manifest['binaries'][model][:7]}" for model in changed)
             for manifest in (a, b))
    return [Difference("programs", *marks)]


def same_programs(a, b):
    """Of each model whose program is known in both: whether it is the same, byte for byte; of two
    that were built in two places, apart from the path."""
    whole, without_path = ((a.get(name) or {}, b.get(name) or {})
                           for name in ("binaries", "binaries_without_path"))
    return {model: _alike(model, *whole) or _alike(model, *without_path) for model in whole[0]
            if all(isinstance(each.get(model), str) for each in whole)}


def _alike(model, a, b):
    return a.get(model) is not None and a[model] == b.get(model)


def _checks(a, b):
    """Where a check came out otherwise. A number that wanders (load, steal) is told only if it is
    judged otherwise, too."""
    moments = {}
    for moment in MOMENTS:
        ours, theirs = a.get(moment) or {}, b.get(moment) or {}
        for name in dict.fromkeys([*ours, *theirs]):
            one, other = ours.get(name), theirs.get(name)
            if _differ(one, other):
                moments.setdefault((name, check_text(name, one), check_text(name, other)),
                                   []).append(moment)
    return [Difference(f"{checks.title(name)} {' and '.join(when)} the run", one, other)
            for (name, one, other), when in moments.items()]


def _differ(one, other):
    if not isinstance(one, dict) or not isinstance(other, dict):
        return isinstance(one, dict) != isinstance(other, dict)
    if one.get("state") != other.get("state"):
        return True
    return isinstance(one.get("value"), str) and one.get("value") != other.get("value")


def check_text(name, said):
    if not isinstance(said, dict):
        return "not checked"
    state = said.get("state") or UNKNOWN
    return state if said.get("value") is None else f"{checks.shown(name, said['value'])} ({state})"


def incomparable(a, b):
    """Why no time of the one says anything about a time of the other; None: some do."""
    ours, theirs = (result.manifest.get("workload_version") for result in (a, b))
    if None not in (ours, theirs) and ours != theirs:
        return (f"A is of workload version {ours} and B of {theirs}: cells of the same name are "
                "other work with other answers, so their times cannot be compared")
    if not set(answers(a)) & set(answers(b)):
        return "no cell is in both results, so there is nothing to compare"
    return None


def answers(result):
    """cell id -> the reference answers that its processes were held to: one, if all is well."""
    found = {}
    for entry in result.plan:
        found.setdefault(entry["cell_id"], set()).add(entry.get("expect"))
    return found


def other_work(a, b):
    """The cells that bear the same name in both and have another answer, so are other work."""
    ours, theirs = answers(a), answers(b)
    return [cell for cell in ours if cell in theirs and ours[cell] != theirs[cell]]


def interleaved(a, b):
    """Whether both were measured in the same blocks, in turns. What was resumed was measured for
    itself in the end."""
    ours, theirs = a.manifest, b.manifest
    return (ours.get("pair_id") is not None and ours["pair_id"] == theirs.get("pair_id")
            and not ours.get("resumed_utc") and not theirs.get("resumed_utc"))


def notes(a, b, models):
    """What else to know before reading ratios of B over A, as sentences; models: in both."""
    said = []
    if interleaved(a, b):
        said.append("Both were measured in turns, block by block: what disturbed the machine for a "
                    "while disturbed both.")
    else:
        when = (_when(result.manifest) for result in (a, b))
        said.append("The two were measured at different times ({}, {}): the ratios also hold what "
                    "the machine was doing then, and an A/A of two runs, which would say how much "
                    "that is, is in neither.".format(*when))
    if a.manifest["machine"].get("name") != b.manifest["machine"].get("name"):
        said.append("They come from two machines: a ratio compares the machines as much as the "
                    "code.")
    same = [model for model, alike in same_programs(a.manifest, b.manifest).items()
            if alike and model in models]
    if same:
        said.append(f"The same program in both, byte for byte: {', '.join(same)}. Any difference "
                    "there is the machine's.")
    said += [f"Not every process of {name} ended well ({told}): the ratios are of those that did."
             for name, result in (("A", a), ("B", b)) if (told := _failed(result, models))]
    return said


def _failed(result, models):
    """asio 5 crash; tbb 1 timeout."""
    counts = Counter((s["model"], s["status"]) for s in result.samples if s["model"] in models
                     and s.get("mode") == "timed" and s["status"] in FAILED)
    return "; ".join(f"{model} {count} {state}" for (model, state), count in sorted(counts.items()))


def _when(manifest):
    text = manifest.get("created_utc")
    return text[:16].replace("T", " ") if isinstance(text, str) else "when is unknown"
