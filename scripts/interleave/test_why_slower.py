"""Does the sentence on the slower say no more than was measured, in numbers that can be read?"""

from interleave.time_spent import CATEGORIES
from interleave.why_slower import why

MS = 1_000_000


def row(model, ns, near=0, **parts):
    path = dict.fromkeys(CATEGORIES, 0) | parts
    path["computing_ns"] += ns - sum(path.values())
    return {"model": model, "on_path": path,
            "makespan_ns": {"n": 6, "median": ns, "low": ns - near, "high": ns + near}}


def test_a_time_that_the_rounding_would_make_nothing_is_told_in_its_own_unit():
    sentence = why(row("slow", 2230 * MS, queued_ns=2200 * MS), row("fast", 39 * MS))
    assert "(2.2 s against 39.0 ms)" in sentence
    assert "(2.2 against 1.0 s)" in why(row("slow", 2230 * MS), row("fast", 1030 * MS))


def test_intervals_that_overlap_prove_no_tie():
    sentence = why(row("slow", 304 * MS, 9 * MS), row("fast", 295 * MS, 9 * MS))
    assert "not told apart" in sentence and "tie" not in sentence
