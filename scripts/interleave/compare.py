"""What differs between two results, and which times? Two revisions are measured first, in turns."""

import shutil
from pathlib import Path

from . import machine
from .cells import chosen_cells
from .cli import INTERRUPTED, derive, shown
from .in_turns import default_folder, measure_in_turns, rows_of
from .lock import MachineLock
from .plan import PROFILES
from .records import read_result
from .revisions import build_sides, common_cells, common_models
from .side_by_side import document, tell_environments, tell_times
from .trouble import Usage
from .two_results import compare_results
from .units import plural

COMPARED, NOT_COMPARABLE = 0, 1


def main(session, options):
    if refuse_mixture(options.a, options.b):
        both = compare_results(read_result(options.a), read_result(options.b))
        return tell(session, both, options.json)
    return compare_revisions(session, options)


def refuse_mixture(a, b):
    """Whether both are results (paths); neither is one: both are revisions (texts)."""
    results = [isinstance(each, Path) for each in (a, b)]
    if any(results) and not all(results):
        result, revision = (a, b) if results[0] else (b, a)
        raise Usage(f"{result} is a result and {revision} a git revision: name two results, or two "
                    "revisions to measure both now")
    return all(results)


def compare_revisions(session, options):
    folder = options.out or default_folder(session, "compare", (options.a, options.b))
    with MachineLock(session.lock) as lock:
        sides = build_sides(session, (options.a, options.b), options.models)
        models = common_models(session, sides, options.models)
        cells, answers = common_cells(session, sides, chosen_cells(
            machine.usable_cores(), options.profile, options.scenarios))
        status = measured(session, lambda: measure_in_turns(
            session, sides, models, cells, answers, PROFILES[options.profile], folder,
            ["./scripts/bench", *options.typed], lock), folder)
    if status:
        return status
    tell_where(session, folder)
    return tell(session, compare_results(*map(read_result, (folder / "A", folder / "B"))),
                options.json)


def measured(session, measure, folder):
    """Measures; of Ctrl-C says what is kept. Returns the exit status, 0 if all was measured."""
    try:
        draw_both(session, measure())
    except KeyboardInterrupt:
        results = [folder / name for name in "AB" if (folder / name).is_dir()]
        rows = [rows_of(result) for result in results]
        if not any(rows):
            for result in results:
                shutil.rmtree(result)
        if len(rows) < 2 or not all(rows):
            raise
        session.say(f"Interrupted. {plural(sum(rows), 'process', 'es')} of both are on disk, and "
                    "this says what they show:")
        session.say(f"    ./scripts/bench compare {shown(folder / 'A')} {shown(folder / 'B')}")
        return INTERRUPTED
    return 0


def draw_both(session, results):
    """What belongs to an ordinary result. A fault there must not cost the comparison."""
    session.say("Drawing both")
    for result in results:
        try:
            derive(session, result)
        except Exception as error:
            session.say(f"The figures are not finished ({type(error).__name__}: {error}); this "
                        f"draws again: ./scripts/bench plot {shown(result)}")


def tell_where(session, folder):
    session.say(f"Both results: {shown(folder / 'A')}, {shown(folder / 'B')}")
    session.say()


def tell(session, both, as_json):
    if as_json:
        session.answer("compare", document(both))
    else:
        tell_environments(session, both)
        tell_times(session, both)
    return COMPARED if both.why_not is None else NOT_COMPARABLE
