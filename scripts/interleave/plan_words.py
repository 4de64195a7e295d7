"""What is a person told of a plan before it is measured? How much, how long, and what is not in it."""

from .progress import spoken
from .units import plural


def tell_plan(session, plan):
    timed = [e for e in plan.entries if e["mode"] in ("timed", "aa") and not e["skip_reason"]]
    cells = {e["cell_id"] for e in plan.entries if e["mode"] == "timed"}
    fewer = [cut["why"] for cut in plan.trimmed if cut["what"] == "blocks"]
    session.say(f"{plan.profile.name}: {plural(len(cells), 'cell')}, "
                f"{plural(len(timed), 'process', 'es')} in "
                f"{'up to ' if fewer else ''}{plural(plan.profile.blocks, 'block')}, "
                f"about {spoken(plan.predicted_s())} of measuring.")
    tell_skipped(session, plan)
    left_out = [cut["why"] for cut in plan.trimmed if cut["what"] != "blocks"]
    if left_out:
        session.say(f"Left out to fit the time budget: {'; '.join(left_out)}.")
    for why in fewer:
        session.say(f"To fit the time budget only {why}.")


def tell_skipped(session, plan):
    """One line: which models are not run in which cells."""
    cells_of, models_in = {}, {}
    for entry in plan.entries:
        if entry["skip_reason"]:
            size = f"{entry['scenario']} {entry['params']['agents']:,}"
            cells_of.setdefault(entry["model"], {})[size] = None
    for model, sizes in cells_of.items():
        for size in sizes:
            models_in.setdefault(size, []).append(model)
    merged = {}
    for size, models in models_in.items():
        merged.setdefault(", ".join(models), []).append(size)
    if merged:
        session.say(f"Not run, for their bound is above {plan.profile.limit_s:g} s: " + "; ".join(
            f"{models} in {', '.join(sizes)}" for models, sizes in merged.items()) + ".")


def tell_cells(session, plan):
    """The plan in full: each cell with the time that one block of it takes."""
    entries = sorted(plan.entries, key=lambda entry: entry["exec_id"])
    for cell_id in dict.fromkeys(entry["cell_id"] for entry in entries):
        rows = [e for e in plan.entries
                if e["cell_id"] == cell_id and e["mode"] in ("timed", "aa")]
        block = [e for e in rows if e["block"] == 0 and not e["skip_reason"]]
        seconds = sum(entry["predicted_s"] for entry in block)
        blocks = len({entry["block"] for entry in rows if not entry["skip_reason"]})
        session.say(f"  {seconds:6.1f} s a block, {plural(blocks, 'block'):>9}  {cell_id}")
        names = (e["model"] + (" (again)" if e["mode"] == "aa" else "") for e in block)
        session.say(f"      {', '.join(names) or 'no model'}")
