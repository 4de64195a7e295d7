"""How noisy was the machine? The same model twice in one block, and the canaries.

Both runs of an A/A pair go the whole way, so by how much they differ at the median of the blocks is
what this measurement takes for a difference where there is none: the noise floor.
"""

from collections import defaultdict

from . import stats, units
from .canary import deviations, is_off
from .estimates import rounded_ratio, six_digits


def noise(result, _cells=None):
    """None where nothing of it was measured, as in older results."""
    pairs, canary = again_pairs(result), canary_figures(result)
    if not pairs and not canary:
        return None
    floor = max((abs(pair["ratio"]["median"] - 1) for pair in pairs), default=None)
    return {"floor": six_digits(floor), "pairs": pairs, "canary": canary}


def again_pairs(result):
    """Of each A/A pair the time of the second place over that of the first, within blocks."""
    first, second = (times_by_block(rows) for rows in (result.measured(), result.again()))
    found = []
    for cell_id, model in sorted(second):
        ratio = stats.compare_paired(second[cell_id, model], first.get((cell_id, model), {}))
        if ratio:
            found.append({"cell_id": cell_id, "model": model, "n": ratio.n,
                          "ratio": rounded_ratio(ratio)})
    return found


def times_by_block(rows):
    times = defaultdict(dict)
    for row in rows:
        times[row["cell_id"], row["model"]][row.get("block")] = row["makespan_ns"]
    return times


def canary_figures(result):
    """How many there were, how many blocks were disturbed and measured again; and by how much the
    canaries were off, at the median and at most."""
    if not result.canaries:
        return None
    found = deviations(result.canaries)
    extra = {(entry["cell_id"], entry.get("block")) for entry in result.plan
             if entry.get("instead_of") is not None}
    blocks = {(row["cell_id"], row["block"]) for row in result.canaries
              if row["cell_id"] is not None}
    return {"n": len(result.canaries), "failed": sum(pair == (None, None) for pair in found),
            "off": sum(is_off(*pair) for pair in found), "blocks": len(blocks),
            "disturbed": len(result.disturbed), "appended": len(extra),
            "kernel_off": middle_and_most(kernel for kernel, _ in found),
            "sleep_off": middle_and_most(slept for _, slept in found)}


def middle_and_most(values):
    known = [abs(value) for value in values if value is not None]
    if not known:
        return [None, None]
    return [six_digits(stats.median(known)), six_digits(max(known))]


def noise_words(section):
    """One line for the screen and the page; nothing where nothing is known."""
    if not section:
        return ""
    return " ".join(filter(None, [floor_words(section), canary_words(section["canary"])]))


def floor_words(section):
    if section["floor"] is None:
        return ""
    counts = [pair["n"] for pair in section["pairs"]]
    return (f"Noise floor {floor_text(section['floor'])}: by so much one model differed from itself "
            f"that ran twice in each of {units.span(counts)} blocks, at their median.")


def floor_text(floor):
    return units.percent(floor) if floor >= 0.0005 else "< 0.1 %"


def canary_words(canary):
    if not canary:
        return ""
    if canary["failed"] == canary["n"]:
        return "The canary failed, so whether blocks were disturbed is unknown."
    words = (f"{canary['disturbed']} of {units.plural(canary['blocks'], 'block')} were disturbed "
             "by something else")
    return words + (f"; {canary['appended']} more were measured in their place."
                    if canary["appended"] else ".")
