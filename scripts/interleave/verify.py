"""Is a result whole, unchanged, and does its summary say what its samples say? Reads, never writes.

Check sums are compared, each line is held against its schema, each planned process against its row,
each added block against the canaries, and what was derived is derived once more, in memory.

All this finds damage, and changes that do not fit what is left as it was. Who changes the samples
and then all that follows from them, hashes included, is not found: the hashes lie beside what they
are of.
"""

import json
import re
import stat
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from . import canary
from .extra_blocks import extra_entries, instead_of_what_was_not_disturbed
from .manifest import commit_of
from .printable import printable
from .records import result_of
from .run import FASTER_THAN_POSSIBLE
from .samples import from_json, sha256_of
from .schema import fault_of, schema_of, unknown_fields
from .sums import MEASURED_FILES, SUMS, differing_from_measured, entries_of, is_text, sum_line
from .units import plural

LARGEST_BYTES = 1 << 30
REASON = re.compile(r"(?:reasons?|messages)(?:\[\d+\])?$")
MOST_TOLD = 3  # of faults of the same kind, of a file
# Planned and found must be the same; what a row has besides is its own.
IN_COMMON = ("cell_id", "model", "scenario", "mode", "block", "position")


@dataclass
class Findings:
    faults: list = field(default_factory=list)  # (file, what is wrong), in the order of finding
    notes: list = field(default_factory=list)
    files: int = 0
    planned: int = 0
    rows: int = 0
    missing: int = 0
    summary: str = "not compared"  # or: same, same numbers, different

    def fault(self, file, text):
        """A file's name may be anything, and is told on one line."""
        self.faults.append((printable(file).replace("\n", "\\n"), text))

    def faults_of(self, file, faults):
        """All of a kind: a few are told, the others counted."""
        for text in faults[:MOST_TOLD]:
            self.fault(file, text)
        if faults[MOST_TOLD:]:
            self.fault(file, f"and {len(faults) - MOST_TOLD:,} more of that kind")

    def has_faults(self, *files):
        return any(file in files for file, _ in self.faults)


def main(session, options):
    folder = Path(options.dir)
    found = findings_of(folder, session.root)
    if options.json:
        session.answer("verify", document(folder, found))
    else:
        tell(session, folder, found)
    return 1 if found.faults else 0


def document(folder, found):
    return {"result": str(folder), "verified": not found.faults,
            "faults": [{"file": file, "fault": text} for file, text in found.faults],
            "notes": found.notes, "files": found.files, "planned": found.planned,
            "rows": found.rows, "missing": found.missing, "summary": found.summary}


def tell(session, folder, found):
    for file, text in found.faults:
        session.say(f"{file}: {text}" if file else text)
    for note in found.notes:
        session.say(f"Note: {note}")
    if found.faults:
        session.say(f"Not verified: {plural(len(found.faults), 'fault')} in {folder}.")
        return
    again = {"same": "its summary is what its samples say, byte for byte",
             "same numbers": "all numbers of its summary are what its samples say"}[found.summary]
    session.say(f"Verified: {plural(found.files, 'file')} as their check sums say, "
                f"{plural(found.rows, 'row')} "
                f"for {plural(found.planned, 'planned process', 'es')}, and {again}.")


def findings_of(folder, root):
    found = Findings()
    names = files_in(folder, found)
    found.files = len(names)
    manifest = manifest_in(folder, names, found)
    check_sums(folder, names, manifest, found)
    plan = lines_in(folder, names, "plan.jsonl", "plan", found)
    samples = lines_in(folder, names, "samples.jsonl", "sample", found)
    canaries = (lines_in(folder, names, "canary.jsonl", "canary", found)
                if "canary.jsonl" in names else [])
    check_rows(plan, samples, folder, found)
    check_added_blocks(plan, canaries, manifest or {}, folder, found)
    check_traces(names, samples, found)
    if manifest and not manifest.get("finished_utc"):
        found.fault("manifest.json", "the run is not finished: go on with "
                                     f"./scripts/bench resume {folder}")
    if manifest and not found.has_faults(*MEASURED_FILES, "manifest.json"):
        result = result_of(folder, manifest, plan, samples, canaries, [])
        check_derived(result, names, root, found)
    return found


def files_in(folder, found):
    """The plain files that are small enough to be read; whatever else is there is a fault."""
    names = []
    for name, about in entries_of(folder):
        if stat.S_ISLNK(about.st_mode):
            found.fault(name, "is a symbolic link, and a result has only files of its own")
        elif not stat.S_ISREG(about.st_mode):
            found.fault(name, "is no file: remove it")
        elif about.st_size > LARGEST_BYTES:
            found.fault(name, f"has {about.st_size:,} bytes, more than any file of a result: it "
                              "is not read")
        elif not is_text(name):
            found.fault(name, "has a name that is no UTF-8: remove it")
        elif not readable(folder / name):
            found.fault(name, "cannot be read: mend its permissions")
        else:
            names.append(name)
    return names


def readable(path):
    try:
        with open(path, "rb") as file:
            file.read(1)
    except OSError:
        return False
    return True


# ---- check sums ----

def check_sums(folder, names, manifest, found):
    hashes = {name: sha256_of(folder / name) for name in names if name != SUMS}
    if SUMS in names:
        told = listed_sums(folder / SUMS, found)
    elif manifest is None or manifest.get("derived"):
        found.fault(SUMS, f"is missing: if nothing else is: ./scripts/bench plot {folder}")
        told = None
    else:  # of a version that kept the hashes of all files in the manifest
        told = {"manifest.json": hashes.get("manifest.json")} | dict(manifest.get("sha256") or {})
        found.notes.append(f"there is no {SUMS}: an older version of the suite drew this, and "
                           "manifest.json itself has no check sum")
    if told is not None:
        compare_sums(told, hashes, found)
    damaged = {file for file, _ in found.faults}
    for name, words in differing_from_measured(manifest or {}, hashes.get):
        if name not in damaged:
            found.fault(name, words)


def listed_sums(path, found):
    """name -> check sum, as sums.py writes them and in no other form."""
    told = {}
    for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").split("\n"), 1):
        if not line:
            continue
        match = re.fullmatch(r"(\\?)([0-9a-f]{64})  (.+)", line)
        if not match:
            found.fault(SUMS, f"line {number} is no check sum and a file's path")
            continue
        name = match[3]
        if match[1]:
            name = re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]), name)
        if name in told:
            found.fault(SUMS, f"line {number} names {name} once more")
        told[name] = match[2]
    if path.read_bytes() != "".join(sum_line(*pair) for pair in sorted(told.items())).encode():
        if not found.has_faults(SUMS):
            found.fault(SUMS, "is not as the suite writes it: one line a file, by their paths")
    return told


def compare_sums(told, hashes, found):
    known_bad = {file for file, _ in found.faults}
    alike = {}
    for name in sorted({*told, *hashes} - known_bad):
        text = None
        if name not in told:
            text = "is no file of this result: remove it"
        elif name not in hashes:
            text = "is missing"
        elif hashes[name] != told[name]:
            text = "was changed: its SHA-256 is not the one that was written down"
        if text:
            alike.setdefault((name.rpartition("/")[0], text), []).append(name)
    for (folder, text), names in alike.items():
        # All of a kind in one folder are counted, the files that matter most are in none.
        for name in names[:MOST_TOLD] if folder else names:
            found.fault(name, text)
        if folder and names[MOST_TOLD:]:
            found.fault(f"{folder}/", f"and {len(names) - MOST_TOLD:,} more of that kind")


# ---- lines ----

def manifest_in(folder, names, found):
    manifest = json_in(folder, names, "manifest.json", found)
    if manifest is None:
        return None
    fault = version_fault(manifest, "manifest") or fault_of("manifest", manifest)
    if fault:
        found.fault("manifest.json", fault)
        return None
    tell_unknown(found, "manifest.json", unknown_fields("manifest", manifest))
    return manifest


def json_in(folder, names, name, found):
    if name not in names:
        if not found.has_faults(name):
            found.fault(name, "is missing")
        return None
    try:
        return from_json((folder / name).read_bytes().decode("utf-8"))
    except (ValueError, RecursionError) as error:
        found.fault(name, f"is not JSON: {str(error)[:100]}")
        return None


def version_fault(value, schema):
    """Of another version, the fields are no faults of their own."""
    said = value.get("schema") if isinstance(value, dict) else None
    known = schema_of(schema)["properties"].get("schema", {}).get("const")
    if isinstance(said, str) and known and said != known and re.fullmatch(r"[a-z.]+/\d+", said):
        return (f"is of {said[:60]}, and only {known} is known here: use the version of the suite "
                "that wrote it")
    return None


def lines_in(folder, names, name, schema, found):
    if name not in names:
        if not found.has_faults(name):
            found.fault(name, "is missing")
        return []
    lines = (folder / name).read_bytes().split(b"\n")
    torn = lines.pop()
    if torn:
        found.fault(name, f"ends with {plural(len(torn), 'byte')} of a line that is not whole: "
                          "./scripts/bench resume cuts them off and runs that process again")
    rows, faults, unknown = [], [], set()
    for number, line in enumerate(lines, 1):
        try:
            row = from_json(line.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            faults.append(f"line {number} is not JSON: {str(error)[:100]}")
            continue
        other = version_fault(row, schema)
        if other:
            found.fault(name, f"line {number} {other}")
            return []
        fault = fault_of(schema, row)
        if fault:
            faults.append(f"line {number}: {fault}")
            continue
        unknown |= unknown_fields(schema, row)
        rows.append(row)
    if name == "plan.jsonl" and not lines:
        faults.append("has no line: nothing was planned")
    found.faults_of(name, faults)
    tell_unknown(found, name, unknown)
    return rows


def tell_unknown(found, name, fields):
    if fields:
        found.notes.append(f"{name} has fields that this version of the suite does not know: "
                           f"{', '.join(sorted(fields)[:5])}")


# ---- processes ----

def check_rows(plan, samples, folder, found):
    planned, rows = {}, {}
    twice, strange, other = [], [], []
    for entry in plan:
        if entry["exec_id"] in planned:
            found.fault("plan.jsonl", f"{entry['exec_id']} is planned twice")
        planned[entry["exec_id"]] = entry
    places = Counter((e["cell_id"], e["model"], e["mode"], e["block"]) for e in plan
                     if e["block"] is not None)
    found.faults_of("plan.jsonl", [f"{model} is planned {count} times in block {block} of {cell_id}"
                                   for (cell_id, model, _, block), count in places.items()
                                   if count > 1])
    for row in samples:
        name = row["exec_id"]
        if name in rows:
            twice.append(f"{name} has two rows")
        elif name not in planned:
            strange.append(f"{name} was not planned")
        elif wrong := difference(planned[name], row):
            other.append(f"{name}: {wrong}")
        rows[name] = row
    for faults in (twice, strange, other) if plan else (twice,):
        found.faults_of("samples.jsonl", faults)
    missing = [name for name in planned if name not in rows]
    found.planned, found.rows, found.missing = len(planned), len(rows), len(missing)
    if missing and not found.has_faults("samples.jsonl"):
        found.fault("samples.jsonl", f"{len(missing):,} of {len(planned):,} planned processes have "
                                     f"no row, the first is {missing[0]}: go on with "
                                     f"./scripts/bench resume {folder}")
    elif missing and samples:
        found.fault("samples.jsonl", f"{len(missing):,} of {len(planned):,} planned processes have "
                                     "no row")


def difference(entry, row):
    for key in IN_COMMON:
        if row.get(key) != entry.get(key):
            return f"its {key} is not the planned one"
    if not entry["params"].items() <= row["params"].items():  # a program tells more of them
        return "its params are not the planned ones"
    return None if row["status"] != "ok" else impossible(entry, row)


def impossible(entry, row):
    """What no process that went well can have written, for the runner would not have believed it.
    """
    if row.get("wall_ns") and row["makespan_ns"] > row["wall_ns"]:
        return "it took longer than its process ran"
    if row.get("stop") is not None:
        return None  # a part of the work has no whole answer
    if f"{row.get('digest')}:{row.get('sum')}" != entry["expect"]:
        return "its answer is not the right one"
    if row["makespan_ns"] < FASTER_THAN_POSSIBLE * (row.get("lb_ns") or entry["lb_ns"]):
        return "it took less time than any schedule"
    return None


def check_added_blocks(plan, canaries, manifest, folder, found):
    """Which blocks are added follows from the canaries alone, so that nobody can go on until the
    numbers please."""
    plan = [entry for entry in plan if entry["block"] is not None]
    if found.has_faults("plan.jsonl", canary.FILE):
        return
    disturbed = canary.disturbed_blocks(canaries)
    faults = instead_of_what_was_not_disturbed(plan, disturbed)
    found.faults_of("plan.jsonl", faults)
    if faults or not manifest.get("finished_utc"):
        return
    lacking = extra_entries(plan, disturbed, manifest.get("order_seed") or 1)
    if lacking:
        found.fault("plan.jsonl", f"{plural(len(lacking), 'process', 'es')} that the canaries ask "
                                  "for in place of disturbed ones were not planned, the first is "
                                  f"{lacking[0]['exec_id']}: go on with "
                                  f"./scripts/bench resume {folder}")


def check_traces(names, samples, found):
    traced = {f"trace/{row['exec_id']}.json" for row in samples
              if row["mode"] == "trace" and row["status"] == "ok"}
    known = {file for file, _ in found.faults}
    there = {name for name in names if name.startswith("trace/")}
    for name in sorted(traced - there - known):
        found.fault(name, "is missing: samples.jsonl says that it was written")
    if samples:
        for name in sorted(there - traced - known):
            found.fault(name, "is the timeline of no process of this result")


# ---- what was derived ----

def derived_texts(result, summary):
    """What can be worked out again at once, by its path: figures and pages take longer, and have
    only their check sums."""
    from . import cite
    from .comparisons_table import comparisons_csv
    from .markdown_tables import markdown_table
    from .summary import as_json
    from .summary_csv import as_csv
    return {"derived/summary.json": as_json(summary), "derived/summary.csv": as_csv(summary),
            "derived/comparisons.csv": comparisons_csv(summary),
            "derived/summary.md": markdown_table(summary),
            "derived/summary.tex": cite.latex_table(summary, result.manifest),
            "citation.bib": cite.bibtex(summary, result.manifest),
            "HOW_TO_CITE.md": cite.how_to_cite(summary, result.manifest)}


def check_derived(result, names, root, found):
    from .summary import summarise
    folder, manifest = result.path, result.manifest
    try:
        texts = derived_texts(result, summarise(result))
    except Exception as error:  # whatever the files hold, they were not made by a run
        found.fault("", f"no summary can be made of the samples: {type(error).__name__}: "
                        f"{str(error)[:200]}")
        return
    old = json_in(folder, names, "derived/summary.json", found)
    if old is None:
        return
    if other := version_fault(old, "summary"):
        return found.fault("derived/summary.json", other)
    differing = [name for name, text in texts.items() if name in names
                 and (folder / name).read_bytes() != text.encode()]
    if not differing:
        found.summary = "same"
        return
    numbers = differing_numbers(old, json.loads(texts["derived/summary.json"]))
    told = told_numbers(numbers)
    drawn = manifest.get("derived") or {"commit": None, "dirty": None}
    here, dirty = commit_of(root)
    if drawn["commit"] == here and not dirty and not drawn.get("dirty"):
        found.summary = "different"
        for name in differing:
            words = told if name.endswith(".json") and numbers else "not byte for byte"
            found.fault(name, f"is not what the samples say: {words}")
    elif numbers:
        found.summary = "different"
        found.fault("derived/summary.json",
                    f"was drawn {by(drawn)}, this is {here}: {told}: {what_then(drawn)}")
    else:
        found.summary = "same numbers"
        found.notes.append(f"derived/ was drawn {by(drawn)}, this is {here}: the numbers are the "
                           f"same, other text is not ({', '.join(differing)})")


def by(drawn):
    if not drawn["commit"]:
        return "by an older version, which did not say which"
    changes = " with changes that no commit holds" if drawn.get("dirty") else ""
    return f"at commit {drawn['commit']}{changes}"


def what_then(drawn):
    if drawn["commit"] and not drawn.get("dirty"):
        return f"check out {drawn['commit']} and verify there"
    return "./scripts/bench plot draws it again"


def told_numbers(numbers):
    text = "; ".join(f"{where} is {old} there, {new} here" for where, old, new in
                     numbers[:MOST_TOLD])
    more = f"; and {len(numbers) - MOST_TOLD:,} more" if numbers[MOST_TOLD:] else ""
    verb = "differs" if len(numbers) == 1 else "differ"
    kind = "number" if all(is_number(old) for _, old, _ in numbers) else "value"
    return f"{plural(len(numbers), kind)} {verb}: {text}{more}"


def differing_numbers(old, new, where=""):
    """(place, there, here) of each number that was there and is another one now, and of each word
    that claims something: a verdict, a tier, a level of trust. What only the newer version tells is
    no difference, nor is how it words a reason."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [d for key in old for d in
                differing_numbers(old[key], new.get(key), f"{where}.{key}" if where else key)]
    if isinstance(old, list) and isinstance(new, list):
        olds, news = keyed(old), keyed(new)
        return [d for key in olds for d in
                differing_numbers(olds[key], news.get(key), f"{where}[{key}]")]
    if isinstance(old, (dict, list)):
        inner = old.items() if isinstance(old, dict) else keyed(old).items()
        return [d for key, value in inner for d in
                differing_numbers(value, None, f"{where}.{key}")]
    if old is None or old == new and is_number(old) == is_number(new):
        return []
    if isinstance(old, str) and REASON.search(where):
        return []
    return [(where, old, "none" if new is None else new)]


def keyed(values):
    """By what an entry is about, so that one more of them does not make all others differ."""
    def name_of(value):
        if not isinstance(value, dict):
            return ()
        keys = ("cell_id" if "cell_id" in value else "scenario", "model", "one", "other")
        return tuple(str(value[key]) for key in keys if key in value)

    names = [name_of(value) for value in values]
    if all(names) and len(set(names)) == len(names):
        return {" ".join(name): value for name, value in zip(names, values)}
    return dict(enumerate(values))


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)
