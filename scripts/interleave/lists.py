"""Which results are there below a folder, and what does each say of itself?"""

import json
import os
import sys
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from .cli import shown
from .manifest import read_manifest
from .printable import printable
from .samples import read_json
from .trouble import Trouble
from .trust import COLOURS
from .units import plural


def main(session, options):
    folder = Path(options.dir)
    results = [about(path) for path in results_below(folder)]
    if options.json:
        session.answer("list", {"folder": str(folder), "results": results})
    elif not results:
        session.say(f"There is no result below {folder}.")
    else:
        session.console.print(table(results))
        damaged = sum(result["damaged"] is not None for result in results)
        session.say(plural(len(results), "result") + (f", {damaged} damaged" if damaged else "")
                    + ". Is one whole? ./scripts/bench verify DIR")
    return 0


def results_below(folder):
    """The folders that are results, or were: links are not followed. Oldest first, by name."""
    found = []
    for place, folders, files in os.walk(folder, onerror=tell_unreadable):
        if {"manifest.json", "samples.jsonl", "plan.jsonl"} & set(files) and (
                "plan.jsonl" in files or is_manifest(Path(place, "manifest.json"))):
            found.append(Path(place))
            folders.clear()
    return sorted(found, key=lambda path: (path.parent, path.name))


def tell_unreadable(error):
    print(f"bench: left out: cannot read {error.filename}: {error.strerror}", file=sys.stderr)


def is_manifest(path):
    """Other tools call their files so, too."""
    try:
        with open(path, "rb") as file:
            return b"interleave.manifest/" in file.read(4096)
    except OSError:
        return False


def about(folder):
    """What is known of a result; what is not is null, and `damaged` says why."""
    known = dict.fromkeys(("result_id", "created_utc", "finished_utc", "machine", "profile",
                           "commit", "models", "cells", "blocks", "planned", "rows", "trust"))
    known = {"path": str(folder)} | known | {"damaged": None}
    try:
        manifest = read_manifest(folder / "manifest.json")
        known |= {key: manifest.get(key) for key in ("result_id", "created_utc", "finished_utc",
                                                     "profile", "commit", "blocks")}
        known |= {"machine": manifest["machine"].get("name"),
                  "models": [said["model"] for said in manifest["models"]]}
        known |= of_lines(folder)
        known["trust"] = trust_of(folder, manifest)
    except Trouble as error:
        known["damaged"] = in_short(str(error), folder)
    return known


def in_short(text, folder):
    """The folder is told anyway."""
    return text.replace(f"{folder}{os.sep}", "")


def of_lines(folder):
    """Counts, without understanding each row: `verify` does that."""
    planned = complete_lines(folder / "plan.jsonl")
    rows = complete_lines(folder / "samples.jsonl")
    if not planned:
        raise Trouble("plan.jsonl is empty: nothing was planned")
    if len(rows) > len(planned):
        raise Trouble(f"samples.jsonl has {len(rows):,} rows, and {len(planned):,} processes were "
                      "planned")
    cells = set()
    for line in planned:
        try:
            cells.add(json.loads(line)["cell_id"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Trouble("a line of plan.jsonl is damaged")
    return {"cells": len(cells), "planned": len(planned), "rows": len(rows)}


def complete_lines(path):
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Trouble(f"cannot read {path.name}: {error.strerror}")
    lines = data.split(b"\n")
    if lines.pop():
        raise Trouble(f"{path.name} ends in the middle of a line: "
                      "./scripts/bench resume mends that")
    return [line for line in lines if line.strip()]


def trust_of(folder, manifest):
    """As its summary has it; null: it was not drawn yet."""
    path = folder / "derived" / "summary.json"
    if not path.is_file():
        return None
    summary = read_json(path)
    try:
        if summary["result_id"] != manifest.get("result_id", folder.name):
            raise Trouble(f"derived/summary.json is of {str(summary['result_id'])[:60]}")
        return str(summary["trust"]["level"])
    except (KeyError, TypeError):
        raise Trouble("derived/summary.json says nothing of trust")


# ---- for people ----

def table(results):
    found = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    found.add_column("result, begun (UTC), machine", overflow="fold")
    for name in ("models", "cells", "blocks"):
        found.add_column(name, justify="right", no_wrap=True)
    found.add_column("says of itself")
    parent = None
    for result in results:
        path = Path(result["path"])
        if path.parent != parent:
            found.add_row(Text(f"{printable(shown(path.parent))}/", "dim"))
            parent = path.parent
        found.add_row(Text.assemble((printable(path.name), "bold"), "\n", *below(result)),
                      *(Text("?" if value is None else f"{value:,}") for value in counts(result)),
                      words(result))
    return found


def counts(result):
    models = result["models"]
    return (None if models is None else len(models)), result["cells"], result["blocks"]


def below(result):
    """The second line: what the name does not tell."""
    if result["damaged"] is not None:
        yield f"damaged: {printable(result['damaged'])}", "red"
        return
    date = (result["created_utc"] or "").replace("T", " ")[:16]
    yield printable("  ".join(filter(None, (date, result["machine"])))), "dim"


def words(result):
    if result["damaged"] is not None:
        return Text("–", "dim")
    if not result["finished_utc"]:
        return Text(f"unfinished: {result['rows']:,} of {result['planned']:,}", "red")
    if result["trust"] is None:
        return Text("not drawn", "dim")
    return Text(result["trust"], COLOURS.get(result["trust"], ""))
