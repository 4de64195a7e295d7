"""Which blocks are measured again, because something disturbed them? Of each cell at most half as
many as were planned.

All of it follows from the plan and the canaries, so that a run that was killed in between goes on
as if nothing had happened.
"""

import random

from .plan import AGAIN, latin_order

MODES = ("timed", "aa")


def blocks_of(plan):
    """cell_id -> block -> its entries, of all that runs in blocks."""
    cells = {}
    for entry in plan:
        if entry["mode"] in MODES and not entry["skip_reason"]:
            cells.setdefault(entry["cell_id"], {}).setdefault(entry["block"], []).append(entry)
    return cells


def extra_entries(plan, disturbed, seed):
    """What the plan lacks: the blocks that take the place of disturbed ones, each once, in the
    order in which they are run: the first of every cell, then the second ones."""
    rounds = {}
    for cell_id, blocks in blocks_of(plan).items():
        planned = [block for block in blocks if instead_of(blocks[block]) is None]
        bad = [block for block in sorted(blocks) if (cell_id, block) in disturbed]
        for number, old in numbered(blocks, planned, bad):
            entries = block_instead(blocks[origin(blocks, old)], number, old, seed)
            there = {entry["exec_id"] for entry in blocks.get(number, ())}
            rounds.setdefault(number - len(planned), []).extend(
                entry for entry in entries if entry["exec_id"] not in there)
    return [entry for number in sorted(rounds) for entry in rounds[number]]


def numbered(blocks, planned, bad):
    """(number of the extra block, the disturbed one that it replaces): those that the plan has,
    perhaps not to their end, and those to come."""
    found = {number: instead_of(blocks[number]) for number in blocks if number not in planned}
    waiting = [block for block in bad if block not in found.values()]
    first = max(planned) + 1 + len(found)
    room = len(planned) // 2 - len(found)
    found |= dict(zip(range(first, first + max(0, room)), waiting))
    return sorted(found.items())


def instead_of_what_was_not_disturbed(plan, disturbed):
    """What no canary asked for, in words: more blocks of a cell, until they say what one likes."""
    faults = []
    for cell_id, blocks in blocks_of(plan).items():
        added = {number: instead_of(entries) for number, entries in blocks.items()
                 if instead_of(entries) is not None}
        faults += [f"block {number} of {cell_id} stands in for block {old}, which no canary found "
                   "disturbed" for number, old in sorted(added.items())
                   if (cell_id, old) not in disturbed or old not in blocks or old >= number]
        most = (len(blocks) - len(added)) // 2
        if len(added) > most:
            faults.append(f"{cell_id} has {len(added)} blocks in place of disturbed ones, and may "
                          f"have {most}")
    return faults


def instead_of(entries):
    return entries[0].get("instead_of")


def origin(blocks, number):
    """The block of the first plan: of a later one the plan may not have all entries yet."""
    while instead_of(blocks[number]) is not None:
        number = instead_of(blocks[number])
    return number


def block_instead(entries, number, old, seed):
    """The same processes in the order of their own row of the square."""
    by_name = {name_of(entry): entry for entry in entries}
    order = latin_order(list(by_name), entries[0]["cell_id"], number, seed)
    return [moved(by_name[name], number, position, old, seed)
            for position, name in enumerate(order)]


def name_of(entry):
    return entry["model"] + (AGAIN if entry["mode"] == "aa" else "")


def moved(entry, number, position, old, seed):
    exec_id = f"{entry['exec_id'].rpartition('-')[0]}-b{number:02d}"
    return entry | {"exec_id": exec_id, "block": number, "position": position, "instead_of": old,
                    "padding": random.Random(f"{seed}/{exec_id}").randrange(4096)}
