"""Does a result's plan, measured here, give the same tiers?

The plan is the result's own: its cells, models, blocks, order and seeds. Times of two machines are
no claim about each other; who wins, and by how much within one machine, is.
"""

import math
import random

from rich import box
from rich.table import Table
from rich.text import Text

from . import machine
from .cells import Cell
from .cli import INTERRUPTED, begin_result, canary_hash, make_result_folder, measure, shown
from .comparison_words import ratio_words
from .lock import MachineLock
from .manifest import new_manifest, read_manifest
from .plan import PROFILES, Plan, PlannedCell, Profile
from .plan_words import tell_plan
from .records import read_result
from .reproduced import CONTRADICTED, DIFFERENT, OPEN, SAME, cells_again, sentence
from .revisions import ANSWERED
from .samples import fault_of_entry, read_lines
from .side_by_side import cell_name, interval_of, ratio_document, side_document, some
from .trouble import Trouble

REFUTED = 1
COLOURS = {SAME: "green", DIFFERENT: "yellow", OPEN: "dim", CONTRADICTED: "red"}
WORDS = {SAME: "the same winners", DIFFERENT: "other winners, but no proof of the opposite",
         OPEN: "too little is resolved to tell", CONTRADICTED: "contradicts"}
# Of an entry what makes it the same process again; the rest is worked out here.
KEPT = ("exec_id", "cell_id", "scenario", "params", "mode", "block", "position", "padding",
        "skip_reason")


def main(session, options):
    with MachineLock(session.lock) as lock:
        plan, answers, about, left_out = plan_again(session, options.dir)
        for why, cells in left_out.items():
            session.say(f"Left out, {some(cells)}: {why}.")
        tell_plan(session, plan)
        manifest = new_manifest(session.root, plan, answers, about, session.executables,
                                ["./scripts/bench", *options.typed])
        manifest["binaries"] |= canary_hash(session)
        there = read_manifest(options.dir / "manifest.json")
        manifest["reproduces"] = there.get("result_id") or options.dir.name
        folder = make_result_folder(session, options, manifest)
        begin_result(folder, plan.entries, manifest)
        session.say(f"Into {shown(folder)}")
        status = measure(session, folder, about, lock)
    if status == INTERRUPTED:
        return status
    there, here = read_result(options.dir), read_result(folder)
    cells = cells_again(there, here)
    if options.json:
        session.answer("reproduce", document(there, here, cells, left_out))
    else:
        tell(session, there, here, cells)
    return REFUTED if any(cell.state == CONTRADICTED for cell in cells) else status


def plan_again(session, folder):
    """(plan, answers, about the models, why -> cell ids that are left out)"""
    manifest = read_manifest(folder / "manifest.json")
    # What took the place of a disturbed block there has no place of its own here.
    entries = [entry for entry in read_lines(folder / "plan.jsonl", fault_of_entry)
               if entry.get("instead_of") is None]
    about, absent = session.executables.about([said["model"] for said in manifest["models"]])
    if absent:
        session.say(f"Not built here, so left out: {', '.join(absent)}.")
    if not about:
        raise Trouble("none of the result's models is built here: install their libraries, then "
                      "run this again")
    name = manifest.get("profile") or "unknown"
    profile = PROFILES.get(name) or Profile(name, manifest["blocks"], math.inf, math.inf)
    planned, left_out = planned_here(session, manifest, entries, about, profile)
    again = [entry_again(planned[entry["cell_id"]], entry) for entry in entries
             if entry["cell_id"] in planned and entry["model"] in about]
    if not again:
        raise Trouble("no cell of this result can be measured here: "
                      f"{'; '.join(left_out) or 'its plan has none'}")
    plan = Plan(profile, again, [], manifest.get("order_seed") or 1)
    return plan, [item.answer for item in planned.values()], about, left_out


def planned_here(session, manifest, entries, about, profile):
    """(cell id -> PlannedCell of those that are the same work here, why -> ids of the others)"""
    firsts = {}
    for entry in entries:
        firsts.setdefault(entry["cell_id"], entry)
    planned, left_out = {}, {}
    for number, (cell_id, entry) in enumerate(firsts.items(), 1):
        cell, answer, why = same_cell(session, manifest, entry)
        if why:
            left_out.setdefault(why, []).append(cell_id)
        else:
            planned[cell_id] = PlannedCell(number, cell, answer, about, profile.limit_s)
    return planned, left_out


def same_cell(session, manifest, entry):
    """(cell, its answer here, None) or (None, None, why it cannot be measured here)"""
    cores = machine.usable_cores()
    if entry["params"]["workers"] > cores:
        return None, None, f"more workers than the {cores} CPUs here"
    try:
        cell = Cell(entry["scenario"], **entry["params"])
        answer = session.executables.describe(cell)
    except TypeError:
        return None, None, "it has parameters that this version of the suite does not know"
    except Trouble as error:
        return None, None, str(error).rpartition("failed: ")[2]
    if not all(isinstance(answer.get(key), kind) for key, kind in ANSWERED.items()):
        return None, None, "describe does not say all that a plan needs: build again"
    version = manifest.get("workload_version")
    if version is not None and version != answer["workload_version"]:
        return None, None, (f"of workload version {version}, and this is "
                            f"{answer['workload_version']}: check out commit "
                            f"{manifest['commit']} to reproduce it")
    if entry["expect"] != f"{answer['digest']}:{answer['sum']}":
        return None, None, (f"its reference answer is another one here: check out commit "
                            f"{manifest['commit']} to reproduce it")
    return cell, answer, None


def entry_again(item, entry):
    """The same process, with the bounds and the patience that this machine needs."""
    fresh = item.entry(entry["model"], entry["mode"], "again", entry["block"], entry["position"],
                       random.Random(0))
    seconds = 0.0 if entry["skip_reason"] else round(item.predicted_s(entry["model"]), 3)
    return fresh | {key: entry[key] for key in KEPT} | {"predicted_s": seconds}


def tell(session, there, here, cells):
    session.say()
    for name, result in (("there", there), ("here", here)):
        session.say(f"{name:<5}  {result.manifest.get('result_id')}, on "
                    f"{result.manifest['machine'].get('name')}")
    for cell in cells:
        tell_cell(session, cell)
    session.say()
    session.say(sentence(cells))


def tell_cell(session, cell):
    session.say()
    session.console.print(Text.assemble(
        (cell_name(cell), "bold"), ": ", (WORDS[cell.state], COLOURS[cell.state])))
    for name, tiers in zip(("there", "here"), cell.tiers):
        session.say(f"  tiers {name:<5}  {tiers_text(tiers)}")
    for faster_there, faster_here in cell.reversed:
        session.say(f"  {faster_there} is faster than {faster_here} there, and slower here.")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(f"  over {cell.orders[0][0]}", no_wrap=True)
    for heading in ("there", "here"):
        table.add_column(heading, justify="right", no_wrap=True)
    for model, *ratios in cell.ratios():
        table.add_row(Text(f"  {model}"), *(Text(whole_ratio(ratio)) for ratio in ratios))
    session.console.print(table)


def tiers_text(tiers):
    """Faster ones first; those between two bars are not told apart."""
    return " | ".join(", ".join(tier) for tier in tiers)


def whole_ratio(ratio):
    if ratio is None:
        return "–"
    interval = "" if ratio.low is None else f" ({interval_of(ratio)})"
    return ratio_words(ratio.median) + interval


def document(there, here, cells, left_out):
    return {
        "there": side_document(there), "here": side_document(here), "sentence": sentence(cells),
        "same": sum(cell.state == SAME for cell in cells), "of": len(cells),
        "contradicted": any(cell.state == CONTRADICTED for cell in cells),
        "cells": [cell_document(cell) for cell in cells],
        "left_out": [{"cell_id": cell, "why": why} for why, ids in left_out.items()
                     for cell in ids]}


def cell_document(cell):
    return {"cell_id": cell.cell_id, "state": cell.state,
            "winners": dict(zip(("there", "here"), cell.winners)),
            "tiers": dict(zip(("there", "here"), cell.tiers)),
            "reversed": [{"faster_there": a, "faster_here": b} for a, b in cell.reversed],
            "ratios": [{"model": model, "over": cell.orders[0][0], "there": a and ratio_document(a),
                        "here": b and ratio_document(b)} for model, a, b in cell.ratios()]}
