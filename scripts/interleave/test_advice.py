"""Does the advice follow from the data alone? Other data, other text; no model is known by name."""

import ast
import re
from pathlib import Path

import pytest

from interleave import fixtures
from interleave.advice import advice, when_to_use_which
from interleave.races_fixture import FAMILY, MS, race, summary_of

HERE = Path(__file__).resolve().parent
FEW, MANY, HALF = "A few agents", "Many agents that", "Agents that wait, and compute"
ONLY, SMALL, MEANWHILE, PARKED = "Only computing", "A stream", "Something else", "Very many"


def everywhere(**times):
    """Races of all kinds, in all of which the models take the same times."""
    return [race("fanout", 16, 0.01, times), race("fanout", 1000, 0.01, times),
            race("layers", 8, 0.5, times), race("compute", 32, 0, times, waits=0),
            race("cascade", 100, 0, times, waits=0, piece_ms=0)]


def rows(summary):
    return {row.situation: row for row in advice(summary)}


def row(summary, situation):
    [found] = [r for words, r in rows(summary).items() if words.startswith(situation)]
    return found


def estimate(median, low=None, high=None, n=8):
    return {"n": n, "median": median, "low": low, "high": high, "coverage": 0.99}


def memory(**bytes_of):
    return [{"scenario": "parked", "params": {"cpu_share": 0, "workers": 2}, "model": m,
             "from_agents": 1000, "to_agents": 1_000_000,
             "bytes_per_agent": estimate(b, b * 0.99, b * 1.01)} for m, b in bytes_of.items()]


def heartbeats(**late):
    """late: model -> (share of beats more than 10 ms late, its interval, p99 in ms)."""
    models = [{"model": m, "p99_ns": int(p99 * MS), "of_a_run": {
        "share_over_10ms": estimate(share, low, high)}} for m, (share, low, high, p99)
        in late.items()]
    return {"cells": [{"cell_id": "cpu-heavy/1", "scenario": "cpu-heavy", "models": models,
                       "params": {"agents": 64, "workers": 2, "cpu_share": 0.05,
                                  "heartbeat_us": 1000}}]}


def test_where_sequential_code_is_fastest_everywhere_every_row_says_that_it_is_enough():
    found = rows(summary_of(everywhere(rook=100, owl=150, wren=130, crow=131)))
    assert len(found) == 5
    for r in found.values():
        assert r.use == ("**`rook`**: plain sequential code is enough, nothing measured is faster")
        assert "`wren` 1.30×" in r.avoid and "`owl` 1.50×" in r.avoid


def test_the_opposite_data_give_the_opposite_advice():
    found = rows(summary_of(everywhere(rook="≥ 9000", owl=150, wren=100, crow=200)))
    for r in found.values():
        assert r.use == ("**`wren`** (an event loop or tasks on all CPUs): faster than "
                         "3 other models")
        assert r.avoid.startswith("`rook` at least 69×, `owl` 1.5")  # over the high end of the best
        assert "enough" not in r.use


def test_where_threads_keep_up_the_row_says_so_first_and_who_else_does():
    found = row(summary_of(everywhere(rook=900, wren=100, crow=100.1, owl=101, loon=100.5)), MANY)
    assert found.use.startswith("**`owl`**: a thread for each turn is enough, nothing measured "
                                "is clearly faster. Just as good: ")
    assert all(f"`{m}`" in found.use for m in ("wren", "crow", "loon"))
    assert found.avoid.startswith("`rook` 9.0×")
    assert "1.01× the time of `wren`, the least" in re.sub(r" \[[^]]*\]", "", found.because)


def test_sequential_code_that_ties_is_named_before_everything_that_ties_with_it():
    found = row(summary_of(everywhere(crow=100, wren_plain=100, owl=100.2, rook=100.9)), FEW)
    assert found.use.startswith("**`rook`**: plain sequential code is enough")
    assert found.avoid == "nothing is proved to be worse"


def test_the_reason_is_the_measured_time_with_its_interval():
    found = row(summary_of([race("fanout", 16, 0.01, {"owl": tuple(range(200, 208)),
                                                      "rook": 500}, weather=(1,))]), FEW)
    assert found.because == "204 ms [200 to 207 ms]"
    assert found.where == "`fanout`, 16 agents, CPU share 1 %"


def test_a_stream_of_small_tasks_is_told_by_what_each_costs():
    found = row(summary_of([race("empty", 9998, 0, {"rook": 10, "owl": 400}, waits=0, piece_ms=0,
                                 weather=(1,))]), SMALL)
    assert found.because.startswith("1.00 µs") and found.because.endswith(" a task")
    assert "`owl` 40×" in found.avoid


def test_what_is_not_resolved_says_so_and_recommends_nothing():
    noisy = tuple(100 * x for x in (1, 1.4, 0.8, 1.3, 0.7, 1.2, 0.9, 1.5))
    for r in advice(summary_of(everywhere(owl=noisy, wren=100))):
        assert r.use == "not resolved here: **`wren`** or `owl`"
    for r in advice(summary_of([race("fanout", 16, 0.01, {"rook": 1, "owl": 9}, blocks=5)])):
        assert r.use.startswith("not resolved here")
    mixed = row(summary_of(everywhere(owl=noisy, wren=100, crow=100.2)), ONLY)
    assert mixed.use.startswith("**`") and mixed.avoid == "not resolved: `owl`"


def test_situations_are_told_by_what_a_cell_is_and_not_by_its_name():
    times = {"rook": 10, "owl": 20}
    found = rows(summary_of([race("whatever", 12, 0.02, times), race("new", 500, 0.01, times),
                             race("some", 30, 0.4, times), race("thing", 64, 0, times, waits=0),
                             race("tiny", 900, 0, times, waits=0, piece_ms=0.005)]))
    assert [r.where.split("`")[1] for r in found.values()] == ["whatever", "new", "some", "thing",
                                                               "tiny"]


@pytest.mark.parametrize("one", [
    race("fanout", 1, 0.01, {"rook": 1, "owl": 2}),        # one agent is not several
    race("fanout", 100, 0.01, {"rook": 1, "owl": 2}),      # neither few nor many
    race("react", 16, 0.1, {"rook": 1, "owl": 2}),         # neither mostly waiting nor half
    race("parked", 1000, 0, {"rook": 1, "owl": 2}),        # its time is its wait
    race("fanout", 16, 0.01, {"rook": 1}),                 # nobody to compare with
    race("fanout", 16, 0.01, {"rook": 1, "owl": 2}, heartbeat_us=1000)])
def test_a_cell_that_shows_none_of_the_situations_gives_no_row(one):
    assert advice(summary_of([one])) == []
    assert when_to_use_which(summary_of([one])) == ""


def test_the_default_workers_come_before_others_and_more_rivals_before_fewer():
    times = {"rook": 10, "owl": 20}
    races = [race("fanout", 8, 0.01, times, workers=1), race("fanout", 6, 0.01, times),
             race("fanout", 4, 0.01, times | {"crow": 3}), race("fanout", 7, 0.01, times)]
    assert row(summary_of(races), FEW).where == "`fanout`, 4 agents, CPU share 1 %"
    races[2] = race("fanout", 4, 0.01, times)
    assert row(summary_of(races), FEW).where == "`fanout`, 7 agents, CPU share 1 %"


def test_a_model_that_is_least_in_memory_is_advised_whatever_it_is():
    summary = summary_of(everywhere(rook=10, owl=20, wren=30))
    threads = row(summary | {"memory_per_agent": memory(owl=200, wren=30_000)}, PARKED)
    assert threads.use == "**`owl`**: a thread for each turn is enough, nothing measured is smaller"
    assert threads.because == "200 B [198 to 202 B] for each more agent, 200 MB for a million"
    assert threads.avoid == "`wren` 150× [147 to 153] the memory"
    others = row(summary | {"memory_per_agent": memory(owl=30_000, wren=200)}, PARKED)
    assert others.use.startswith("**`wren`**") and others.avoid.startswith("`owl` 150×")
    assert others.where == "`parked`, up to 1,000,000 agents"


def test_responsive_is_who_keeps_all_but_one_in_a_hundred_within_ten_milliseconds():
    summary = summary_of(everywhere(rook=10, owl=20))
    told = {"owl": (0.0, 0.0, 0.002, 1.5), "wren": (0.2, 0.15, 0.3, 60),
            "crow": (0.001, 0.0, 0.004, 4), "wren_plain": (0.01, 0.002, 0.03, 11)}
    summary["models"] += [{"model": m, "family": FAMILY[m][0], "rung": FAMILY[m][1],
                           "structure": FAMILY[m][2]} for m in told if m != "owl"]
    found = row(summary | {"responsiveness": heartbeats(**told)}, MEANWHILE)
    assert found.use == "**`owl`**: a thread for each turn is enough. Just as good: `crow`"
    assert "1.50 ms" in found.because and "2 of 4 keep" in found.because
    assert found.avoid == "`wren` 60.0 ms, 1 in 100 later"
    told["owl"], told["wren"] = told["wren"], told["owl"]
    found = row(summary | {"responsiveness": heartbeats(**told)}, MEANWHILE)
    assert found.use.startswith("**`crow`**") or found.use.startswith("**`wren`**")
    assert found.avoid == "`owl` 60.0 ms, 1 in 100 later"


def test_heartbeats_that_hold_a_worker_recommend_nobody_while_others_are_in_time():
    summary = summary_of(everywhere(rook=10, owl=20))
    summary["models"].append({"model": "pool", "family": "pool", "rung": "idiomatic",
                              "structure": "blocking_workers"})
    told = {"pool": (0.0, 0.0, 0.0, 0.1), "owl": (0.0, 0.0, 0.002, 1.5), "rook": (1, 1, 1, 90)}
    found = row(summary | {"responsiveness": heartbeats(**told)}, MEANWHILE)
    assert found.use == "**`owl`**: a thread for each turn is enough"
    assert "2 of 3 keep" in found.because


def test_where_nobody_stays_responsive_nobody_is_recommended():
    summary = summary_of(everywhere(rook=10, owl=20))
    late = {"rook": (0.5, 0.4, 0.6, 300), "owl": (0.3, 0.2, 0.4, 20)}
    found = row(summary | {"responsiveness": heartbeats(**late)}, MEANWHILE)
    assert found.use == "nothing measured keeps 99 of 100 heartbeats within 10 ms"
    assert found.because == "least late: `owl`, p99 20.0 ms"
    few = {m: (share, None, None, p99) for m, (share, _, _, p99) in late.items()}
    assert row(summary | {"responsiveness": heartbeats(**few)}, MEANWHILE).use.startswith(
        "not resolved here")


def test_the_text_is_the_same_whatever_the_models_are_called():
    races = everywhere(rook=900, wren=100, crow=100.1, owl=101, owl_best=130)
    renamed = {"rook": "a1", "owl": "b1", "owl_best": "b2", "wren": "c1", "crow": "d1"}
    others = [told | {"times": {renamed[m]: t for m, t in told["times"].items()}}
              for told in races]
    text = when_to_use_which(summary_of(races))
    for old in sorted(renamed, key=len, reverse=True):
        text = text.replace(f"`{old}`", f"`{renamed[old]}`")
    assert text == when_to_use_which(summary_of(others, {
        renamed[m]: said for m, said in FAMILY.items() if m in renamed}))


def words_of(source):
    """All words of a module that could reach a reader or a decision: not what explains the code."""
    tree = ast.parse(source)
    explained = {id(node.body[0].value) for node in ast.walk(tree)
                 if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef))
                 and node.body and isinstance(node.body[0], ast.Expr)}
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)
             and isinstance(node.value, str) and id(node) not in explained]
    names = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return set(re.findall(r"\w+", " ".join(texts + names)))


# A structure, and a plain word of English: as words of their own they decide nothing.
NO_NAMES = {"sequential", "threads"}


@pytest.mark.parametrize("module", ["advice", "winner_map", "chart_map", "verdicts", "stats"])
def test_no_model_is_named_in_the_source(module):
    suite = {path.stem for path in (HERE.parent.parent / "models").glob("*.*")} | set(
        fixtures.EVERY)
    assert len(suite) > 20
    assert words_of((HERE / f"{module}.py").read_text()) & (suite - NO_NAMES) == set()
    assert words_of('x = f"use {asio} or tbb"') & suite == {"asio", "tbb"}


def test_the_page_has_at_most_seven_rows_and_none_without_data():
    summary = summary_of(everywhere(rook=10, owl=20, wren=30)) | {
        "memory_per_agent": memory(owl=200, wren=30_000),
        "responsiveness": heartbeats(owl=(0, 0, 0.001, 2), rook=(0.5, 0.4, 0.6, 80))}
    text = when_to_use_which(summary)
    assert text.startswith("## When to use which\n")
    table = [line for line in text.splitlines() if line.startswith("| **")]
    assert len(table) == 7
    assert all(line.count(" | ") == 3 for line in table)
    assert "None" not in text and "nan" not in text
    assert when_to_use_which({"cells": [], "models": [], "default_workers": None}) == ""


def test_few_blocks_make_the_table_a_hint():
    times = {"rook": 10, "owl": 20}
    summary = summary_of(everywhere(**times))
    assert "With 8 blocks this is a hint and no verdict." in when_to_use_which(summary)
    enough = summary_of([race("fanout", 16, 0.01, times, blocks=15)])
    assert "hint" not in when_to_use_which(enough | {"blocks": 15})


def test_the_table_says_whether_a_comparison_stands_by_itself():
    times = {"rook": 10, "owl": 20}
    few = when_to_use_which(summary_of(everywhere(**times)))
    assert "each comparison by itself. With 8 blocks" in few and "Holm" not in few
    judged = summary_of([race("fanout", 16, 0.01, times, blocks=15)]) | {"blocks": 15}
    text = when_to_use_which(judged)
    assert "all pairs of its cell together (Holm).\n" in text and "itself" not in text
    more = {"memory_per_agent": memory(owl=200, rook=30_000)}
    text = when_to_use_which(judged | more)
    assert "(Holm); for heartbeats and memory, each comparison stands by itself." in text
    mixed = summary_of([race("fanout", 16, 0.01, times, blocks=15),
                        race("layers", 8, 0.5, times, blocks=6)]) | {"blocks": 15}
    assert "(Holm); in hints, each comparison stands by itself." in when_to_use_which(mixed)


def test_what_chance_may_explain_among_many_models_is_not_called_a_loss():
    """Slower in 13 of 15 blocks: enough for two models, not for one of 21 pairs."""
    near = tuple(100 * (0.98 if b in (3, 9) else 1.05) for b in range(15))
    rivals = {"rook": 100, "owl": near}
    two = summary_of([race("fanout", 16, 0.01, rivals, blocks=15, weather=(1,))])
    assert two["winning_tiers"][0]["slower"] == ["owl"]
    others = {m: 100.1 for m in FAMILY if m not in rivals}
    all_of_them = summary_of([race("fanout", 16, 0.01, rivals | others, blocks=15, weather=(1,))])
    [tier] = all_of_them["winning_tiers"]
    assert tier["unresolved"] == ["owl"] and not tier["hint"]


def test_a_cell_with_fewer_blocks_than_the_run_says_so_in_its_row():
    races = [race("fanout", 16, 0.01, {"rook": 10, "owl": 20}, blocks=15),
             race("layers", 8, 0.5, {"rook": 10, "owl": 20}, blocks=6)]
    summary = summary_of(races) | {"blocks": 15}
    assert row(summary, HALF).where.endswith(", in 6 blocks: a hint")
    assert "hint" not in row(summary, FEW).where


def test_who_is_left_where_all_others_failed_is_recommended_for_nothing():
    for model in ("rook", "wren"):
        failed = summary_of([race("fanout", 16, 0.01, {model: 100, "owl": None, "crow": None})])
        assert failed["winning_tiers"] == [] and advice(failed) == []


def test_beside_what_is_not_resolved_nothing_is_said_to_be_the_fastest():
    noisy = tuple(100 * x for x in (1, 1.4, 0.8, 1.3, 0.7, 1.2, 0.9, 1.5))
    found = row(summary_of([race("fanout", 16, 0.01, {"rook": 100, "crow": 100.2, "owl": noisy})]),
                FEW)
    assert "nothing measured is clearly faster" in found.use and "`owl`" in found.avoid


def test_where_nobody_knows_whether_agents_wait_nobody_says_that_they_do_not():
    times = {"rook": 10, "owl": 20}
    unknown = {(0, m, b): {"waits": None} for m in times for b in range(8)}
    assert advice(summary_of([race("old", 64, 0, times, waits=0)], None, unknown)) == []
    assert row(summary_of([race("old", 64, 0, times, waits=0)]), ONLY)


def test_memory_of_agents_that_compute_or_send_is_no_memory_of_waiting():
    summary = summary_of(everywhere(rook=10, owl=20, wren=30))
    others = [m | {"scenario": "compute"} for m in memory(owl=200, wren=30_000)]
    assert PARKED not in "".join(rows(summary | {"memory_per_agent": others}))
    found = row(summary | {"memory_per_agent": others + [
        m | {"to_agents": 10_000} for m in memory(owl=30_000, wren=200)]}, PARKED)
    assert found.use.startswith("**`wren`**")
    assert found.because.endswith("which would be 200 MB for a million")


def test_who_did_not_reach_the_most_agents_is_not_recommended_for_them():
    summary = summary_of(everywhere(rook=10, owl=20, wren=30, crow=40))
    small, large = memory(rook=100, owl=30_000), memory(wren=200, crow=300)
    small = [m | {"to_agents": 10_000} for m in small]
    found = row(summary | {"memory_per_agent": small + large}, PARKED)
    assert found.use.startswith("**`wren`**") and found.where == "`parked`, up to 1,000,000 agents"
    assert "`rook`" not in found.use + found.avoid and "`owl` 150×" in found.avoid


def test_old_results_are_advised_from_what_they_have():
    old = summary_of(everywhere(rook=10, owl=20))
    for key in ("winning_tiers", "responsiveness", "memory_per_agent"):
        old.pop(key, None)
    assert advice(old) == []
