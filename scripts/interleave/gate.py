"""Has one model become slower in one cell? One comparison, named beforehand.

Exit status: 0 no; 1 yes, for certain; 2 the question cannot be asked; 3 this data does not say.
"""

import math
import traceback
from collections import Counter
from dataclasses import dataclass

from . import machine, stats
from .cells import chosen_cells
from .comparison_words import change_words, p_words, ratio_words
from .compare import measured, refuse_mixture, tell_where
from .environments import FAILED, differences, incomparable, interleaved, notes, other_work
from .in_turns import default_folder, measure_in_turns
from .lock import MachineLock
from .model_files import model_names
from .plan import Profile
from .records import read_result
from .revisions import build_sides, common_cells, common_models
from .side_by_side import interval_of, ratio_document, side_document
from .trouble import Trouble, Usage
from .two_results import ratio_of, times_of
from .units import exact_percent, plural

WITHIN, SLOWER, CANNOT_SAY, NOT_RESOLVED = 0, 1, 2, 3
WORDS = {WITHIN: "within the limit", SLOWER: "slower", NOT_RESOLVED: "not resolved"}
MOST_BLOCKS = 1000  # that are ever advised
MOST_CANDIDATES = 12


@dataclass(frozen=True)
class Decision:
    """`blocks`: how many would probably do; None: this many did, or more than anyone has time for.
    """

    status: int
    ratio: stats.Ratio
    limit: float  # the greatest ratio that is accepted
    blocks: int | None = None
    without: str | None = None  # which processes it knows nothing of, and would have to


def decide(ratio, max_slowdown, failed=("", "")):
    """ratio: of B over A; max_slowdown: as a share; failed: in words which processes of A and of B
    left no time, empty where all did.

    Within the limit: the interval ends at or below it, so that B is that little slower at most,
    wherever in the interval the truth lies. Slower: the whole interval lies above 1, and it is not
    shown to be within the limit. What does neither is not resolved: no pass and no failure.

    A process that ran out of time was slow, and one that crashed might have been. So B does not
    pass by the times that are left of it, and does not fail by those that are left of A.
    """
    limit = 1 + max_slowdown
    for status, holds, words in (
            (WITHIN, ratio.low is not None and ratio.high <= limit, failed[1]),
            (SLOWER, ratio.low is not None and ratio.low > 1, failed[0])):
        if holds:
            return Decision(NOT_RESOLVED if words else status, ratio, limit, without=words or None)
    return Decision(NOT_RESOLVED, ratio, limit, blocks_needed(ratio, limit))


def blocks_needed(ratio, limit):
    """With the same scatter about the same median an interval is as wide as 1 / sqrt(n): as many as
    bring one of its ends to the right side of where it has to be. None: too many, or unknown."""
    if ratio.low is None:
        return stats.ENOUGH_BLOCKS
    centre, room = math.log(ratio.median), math.log(limit)
    upper, lower = math.log(ratio.high) - centre, centre - math.log(ratio.low)
    factors = [width / space for width, space in ((upper, room - centre), (lower, centre))
               if space > 0]
    if not factors:
        return None
    blocks = math.ceil(ratio.n * max(1.0, min(factors)) ** 2) + 1
    return blocks if blocks <= MOST_BLOCKS else None


def main(session, options):
    """Whoever reads the exit status takes 1 for slower: whatever else goes wrong must not be 1."""
    try:
        return gate(session, options)
    except Usage:
        raise
    except Trouble as error:
        raise Usage(str(error))
    except OSError as error:
        raise Usage(f"{error.filename or 'writing failed'}: {error.strerror or error}")
    except Exception:
        traceback.print_exc()
        return CANNOT_SAY


def gate(session, options):
    for flag in ("model", "cell"):
        if getattr(options, flag) is None:
            raise Usage(f"gate needs --{flag}: one comparison, named beforehand")
    if refuse_mixture(options.a, options.b):
        a, b = read_result(options.a), read_result(options.b)
        cell_id = one_cell(options.cell, cells_of_both(a, b, options.model))
        return judge(session, options, a, b, cell_id)
    return judge_revisions(session, options)


def judge_revisions(session, options):
    """Measures the one cell now, in turns, and nothing else."""
    if options.model not in model_names(session.root):
        raise Usage(f"unknown model '{options.model}' in --model: choose one of "
                    f"{', '.join(model_names(session.root))}")
    cells = {cell.id(): cell for cell in chosen_cells(machine.usable_cores(), "publication")}
    cell = cells[one_cell(options.cell, list(cells))]
    folder = default_folder(session, "gate", (options.a, options.b))
    # No budget: what was asked for is run, however long it takes.
    profile = Profile("gate", options.blocks, math.inf, math.inf)
    with MachineLock(session.lock) as lock:
        sides = build_sides(session, (options.a, options.b), [options.model])
        models = common_models(session, sides, [options.model])
        cells, answers = common_cells(session, sides, [cell])
        status = measured(session, lambda: measure_in_turns(
            session, sides, models, cells, answers, profile, folder,
            ["./scripts/bench", *options.typed], lock), folder)
    if status:
        return status
    tell_where(session, folder)
    a, b = (read_result(folder / name) for name in "AB")
    return judge(session, options, a, b, cell.id())


def cells_of_both(a, b, model):
    """The cells of which both have a time of this model."""
    if a.manifest["machine"].get("name") != b.manifest["machine"].get("name"):
        raise Usage("the two results come from two machines: a gate compares code on one machine")
    why = incomparable(a, b)
    if why:
        raise Usage(f"these results cannot be compared: {why}")
    ours, theirs = times_of(a), times_of(b)
    common = {m for c, m in ours if (c, m) in theirs}
    if model not in common:
        if not common:
            raise Usage("no model has a time in the same cell of both results: name other results")
        raise Usage(f"no time of '{model}' is in the same cell of both results: choose a --model "
                    f"of {', '.join(sorted(common))}")
    without = set(other_work(a, b))
    return [c for c, m in ours if m == model and (c, m) in theirs and c not in without]


def one_cell(text, cells):
    """The one that is meant: its id, or a part of it that is in no other."""
    if text in cells:
        return text
    found = [cell for cell in cells if text in cell]
    if len(found) == 1:
        return found[0]
    shown_cells = found or cells
    listed = ", ".join(shown_cells[:MOST_CANDIDATES])
    more = len(shown_cells) - MOST_CANDIDATES
    listed += f" and {more} more" if more > 0 else ""
    if found:
        raise Usage(f"--cell '{text}' is in {len(found)} cells: write more of one of {listed}")
    raise Usage(f"--cell '{text}' is in no cell: choose from {listed}")


def judge(session, options, a, b, cell_id):
    ours, theirs = (times_of(result).get((cell_id, options.model)) for result in (a, b))
    paired = interleaved(a, b)
    ratio = ratio_of(ours, theirs, paired) if ours and theirs else None
    if ratio is None:
        raise Usage(f"{options.model} has no time to compare in {cell_id}: "
                    f"{why_no_time(a, b, cell_id, options.model)}")
    failed = tuple(failed_words(result, cell_id, options.model) for result in (a, b))
    decision = decide(ratio, options.max_slowdown, failed)
    if options.json:
        session.answer("gate", document(options, a, b, cell_id, paired, decision))
    else:
        for each in differences(a, b):
            session.say(f"Differs: {each.what}: {each.a}; {each.b}")
        for note in notes(a, b, {options.model}):
            session.say(note)
        session.say(sentence(options.model, cell_id, decision, paired))
    return decision.status


def failed_words(result, cell_id, model):
    """Of the processes that would be compared."""
    states = Counter(s["status"] for s in result.samples
                     if (s["cell_id"], s["model"], s["mode"]) == (cell_id, model, "timed")
                     and s["status"] in FAILED
                     and (cell_id, s["block"]) not in result.left_out)
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items()))


def why_no_time(a, b, cell_id, model):
    for name, result in (("A", a), ("B", b)):
        rows = [s for s in result.samples if (s["cell_id"], s["model"]) == (cell_id, model)]
        bad = next((s for s in rows if s.get("status") != "ok"), None)
        if bad:
            return f"in {name} {bad['status']}: {bad.get('reason')}"
    return "no block has both"


def sentence(model, cell_id, decision, paired):
    """All that a log should keep, in one line."""
    ratio, limit = decision.ratio, decision.limit
    how = plural(ratio.n, "block") if paired else f"{plural(ratio.n, 'sample')} a side, unpaired"
    if ratio.low is None:
        interval = "too few for an interval"
    else:
        interval = f"95 % interval {interval_of(ratio)}, p {p_words(ratio.p)}"
    seen = ("" if ratio.detectable is None
            else f" The smallest change it could have seen: {change_words(ratio.detectable)}.")
    apart = (" The two were measured at different times: some of it may be the machine's."
             if decision.status == SLOWER and not paired else "")
    return (f"{WORDS[decision.status].upper()}: {model} in {cell_id} takes "
            f"{ratio_words(ratio.median)} times as long in B as in A ({interval}, {how}); accepted "
            f"is up to {ratio_words(limit)}. {meaning(decision)}{apart}{seen}")


def meaning(decision):
    limit = exact_percent(decision.limit - 1)
    if decision.without:
        return (f"Those are the times of the processes that ended well. Of the others of one side "
                f"({decision.without}) nobody knows: find out why they failed first.")
    if decision.status == WITHIN:
        return f"It is at most {limit} slower."
    if decision.status == SLOWER:
        return "It is slower for certain" + (
            ", and by more than is accepted." if decision.ratio.low > decision.limit
            else f", and whether by less than {limit} is not shown.")
    if decision.blocks is None:
        return (f"Neither is shown, and no number of blocks up to {MOST_BLOCKS:,} would probably "
                "show it: accept more, or measure on a quieter machine.")
    return f"Neither is shown: about {plural(decision.blocks, 'block')} would probably do."


def document(options, a, b, cell_id, paired, decision):
    ratio = decision.ratio
    return {"verdict": WORDS[decision.status], "exit_status": decision.status,
            "model": options.model, "cell_id": cell_id, "paired": paired, **ratio_document(ratio),
            "limit": decision.limit, "blocks_that_would_do": decision.blocks,
            "without": decision.without,
            "sentence": sentence(options.model, cell_id, decision, paired),
            "differences": [each.as_dict() for each in differences(a, b)],
            "a": side_document(a), "b": side_document(b)}
