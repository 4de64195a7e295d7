"""Does a result say of itself what is true of it? Each rule by invented data."""

import pytest

from . import trust as rules
from .trust import LEVELS, RULES, trust

GOOD = {"profile": "publication", "blocks": 30, "dirty": False, "finished_utc": "x",
        "flags": "Release", "machine": {"cpus": 16, "hypervisor": "none"},
        "environment": {"before": {}, "after": {}}}


def pair(median, low, high, cell="fanout/a", model="asio"):
    return {"cell_id": cell, "model": model, "n": 30,
            "ratio": {"median": median, "low": low, "high": high}}


CANARY = {"n": 40, "disturbed": 0, "appended": 0, "kernel_off": [0.004, 0.02],
          "sleep_off": [0.001, 0.01]}
QUIET = {"floor": 0.004, "pairs": [pair(1.004, 0.99, 1.01)], "canary": CANARY}
GUARDS = {"run_delay_ns": 0, "steal_ns": 0, "pressure_cpu_ns": 900_000, "pressure_io_ns": 0,
          "pressure_memory_ns": 0}


def sample(block=0, status="ok", **change):
    return {"cell_id": "fanout/a", "scenario": "fanout", "params": {"agents": 1000},
            "mode": "timed", "model": "asio", "block": block, "status": status,
            "wall_ns": 1_000_000, "guards": GUARDS} | change


SAMPLES = [sample(block) for block in range(30)]


def found(change=(), samples=SAMPLES, planned=None, above_one=0, oddities=0, noise=QUIET,
          disturbed=()):
    return trust(GOOD | dict(change), samples, len(samples) if planned is None else planned,
                 above_one, oddities, noise, disturbed)


def test_a_clean_publication_run_on_a_real_machine_is_citable():
    assert found() == {"level": "citable", "reasons": [],
                       "guards": {"steal": 0, "memory": 0, "io": 0}}


def guards(**change):
    return [sample(b, guards=GUARDS | change) for b in range(30)]


def blocks(*numbers):
    return {("fanout/a", number) for number in numbers}


CAUTION, VOID = LEVELS[1], LEVELS[2]
# What is changed, the level that follows, and words of the reason. In the order of the rules.
CASES = [
    (dict(change={"profile": "smoke", "blocks": 1}), VOID, "smoke"),
    (dict(change={"blocks": 5}), VOID, "5 blocks"),
    (dict(change={"dirty": True}), VOID, "dirty"),
    (dict(change={"finished_utc": None}), VOID, "not finished"),
    (dict(samples=[*SAMPLES, sample(30, "invalid", model="x")]), VOID, "proof of work (x)"),
    (dict(oddities=1), VOID, "1 oddity, named below"),
    (dict(oddities=3), VOID, "3 oddities"),
    (dict(change={"flags": "Debug"}), VOID, "\"Debug\""),
    (dict(change={"flags": "address,undefined"}), VOID, "slower"),
    (dict(disturbed=blocks(*range(16))), VOID, "16 of 30 blocks"),
    (dict(samples=[*SAMPLES, *(sample(30 + b, "timeout") for b in range(4))]), VOID,
     "12 % of the processes"),
    (dict(change={"profile": "quick", "blocks": 6}), CAUTION, "no verdicts"),
    (dict(noise=QUIET | {"floor": 0.042, "pairs": [pair(1.042, 0.99, 1.09)]}), CAUTION,
     "4.2 % (asio in fanout of 1,000 agents)"),
    (dict(noise=QUIET | {"pairs": [pair(1.02, 1.005, 1.05)]}), CAUTION,
     "told apart in 1 of 1 cell"),
    (dict(disturbed=blocks(*range(4))), CAUTION, "4 of 30 blocks"),
    (dict(samples=SAMPLES[:8], disturbed=blocks(0, 1, 2)), CAUTION, "1 cell with fewer than 6"),
    (dict(samples=guards(steal_ns=160_000)), CAUTION, "1.0 % of the CPU time"),
    (dict(samples=guards(pressure_memory_ns=20_000)), CAUTION, "waited for memory"),
    (dict(samples=guards(pressure_io_ns=20_000)), CAUTION, "waited for the disk"),
    (dict(noise=QUIET | {"canary": CANARY | {"failed": 40}}), CAUTION, "recorded: the canary."),
    (dict(noise=None), CAUTION, "Not recorded: a model against itself (A/A) and the canary."),
    (dict(samples=[sample(b, guards=None) for b in range(30)]), CAUTION, "that the host took."),
    (dict(samples=[*SAMPLES, sample(30, "crash", model="tbb")]), CAUTION,
     "1 process crashed (tbb)"),
    (dict(planned=32), CAUTION, "2 planned samples not taken."),
    (dict(above_one=2), CAUTION, "2 samples faster than the ideal"),
    (dict(change={"resumed_utc": ["x", "y"]}), CAUTION, "resumed 2 times"),
    (dict(change={"dirty": None}), CAUTION, "unknown"),
    (dict(change={"flags": "RelWithDebInfo"}), CAUTION, "RelWithDebInfo"),
    (dict(change={"machine": {"cpus": 16, "hypervisor": "kvm"}}), CAUTION, "(kvm)"),
    (dict(change={"machine": {"cpus": 16, "hypervisor": "unnamed"}}), CAUTION, "machine: other"),
    (dict(change={"machine": {"cpus": 2, "hypervisor": None}}), CAUTION, "2 CPUs"),
    (dict(change={"machine": {"cpus": 16, "usable_cpus": 2}}), CAUTION, "2 CPUs"),
    (dict(change={"environment": {"before": {"smt": {"value": "on", "state": "warn"}}}}), CAUTION,
     "Before the run: two threads on a core (SMT) on. CPUs that share"),
    (dict(change={"environment": {"after": {"steal": {"value": 3, "state": "fail"}}}}), CAUTION,
     "After the run: steal 3."),
    (dict(change={"environment": {"before": {"governor": {"value": None, "state": "unknown"},
                                             "turbo": {"value": None, "state": "unknown"}}}}),
     CAUTION, "before the run: frequency governor, turbo."),
    (dict(change={"trimmed": ["a cell"]}), CAUTION, "1 cell left out"),
    (dict(change={"trimmed": [{"what": "blocks", "why": "6 of 30 blocks: a"}]}), CAUTION,
     "Fewer blocks"),
]


@pytest.mark.parametrize("case, level, words", CASES)
def test_each_blemish_has_its_level_and_is_the_only_one_named(case, level, words):
    told = found(**case)
    assert told["level"] == level
    assert sum(words in reason for reason in told["reasons"]) == 1
    # What else is said of the same data follows from it: disturbed blocks leave fewer.
    assert len(told["reasons"]) <= 2


def test_every_rule_is_seen_in_a_case():
    texts = [reason for case, _, _ in CASES for reason in found(**case)["reasons"]]
    for rule in rules._RULES:
        own = [text for case, _, _ in CASES for text in rule.seen(rules.Evidence(
            GOOD | dict(case.get("change", {})), case.get("samples", SAMPLES),
            case.get("planned", len(case.get("samples", SAMPLES))), case.get("above_one", 0),
            case.get("oddities", 0), case.get("noise", QUIET) or {},
            frozenset(case.get("disturbed", ()))))]
        assert own and set(own) <= set(texts), rule.words


@pytest.mark.parametrize("case", [
    dict(noise=QUIET | {"floor": 0.03}),
    # An interval that excludes 1 by next to nothing: it would be called equivalent.
    dict(noise=QUIET | {"pairs": [pair(1.01, 1.002, 1.02)]}),
    # One miss among twenty intervals of 95 % is what to expect.
    dict(noise=QUIET | {"pairs": [pair(1.02, 1.005, 1.05), *[pair(1, 0.98, 1.02)] * 19]}),
    # Too few blocks for an interval say nothing.
    dict(noise=QUIET | {"pairs": [pair(1.02, None, None)]}),
    dict(disturbed=blocks(0, 1, 2)),
    dict(disturbed=blocks(*range(100, 130))),  # of nothing that ran
    dict(samples=guards(steal_ns=80_000)),  # of 16 CPUs: half a per cent
    dict(samples=guards(pressure_cpu_ns=900_000, run_delay_ns=10**9)),
    dict(change={"environment": {"before": {"smt": {"value": "off", "state": "ok"}}}}),
    dict(change={"machine": {"cpus": 4, "hypervisor": "none"}}),
    dict(samples=[*SAMPLES, *(sample(b, "skipped", guards=None) for b in range(20))]),
])
def test_what_is_within_the_limits_costs_nothing(case):
    told = found(**case)
    assert (told["level"], told["reasons"]) == ("citable", [])


def test_six_blocks_that_were_not_disturbed_are_enough_for_an_interval():
    told = found(samples=SAMPLES[:9], disturbed=blocks(0, 1, 2))["reasons"]
    assert len(told) == 1 and "3 of 9 blocks" in told[0]


def test_what_was_skipped_does_not_make_failures_rarer():
    failed = [sample(30 + b, "timeout") for b in range(4)]
    skipped = [sample(b, "skipped", guards=None) for b in range(20)]
    assert found(samples=[*SAMPLES, *failed, *skipped])["level"] == VOID


def test_a_virtual_machine_is_told_once():
    told = found(change={"machine": {"cpus": 16, "hypervisor": "kvm"}, "environment": {
        "before": {"hypervisor": {"value": "kvm", "state": "warn"}}}})["reasons"]
    assert len(told) == 1 and "(kvm)" in told[0]


def test_guards_are_shares_of_the_time_of_all_samples_and_unknown_where_none_tells():
    told = found(samples=[*guards(steal_ns=160_000, pressure_io_ns=5_000), sample(30, guards=None)])
    assert told["guards"] == {"steal": 0.01, "memory": 0, "io": 0.005}
    assert found(samples=[sample(guards=None)])["guards"] == {"steal": None, "memory": None,
                                                              "io": None}


def test_more_pairs_told_apart_than_chance_allows_are_named():
    apart = pair(1.04, 1.01, 1.09, model="tbb")
    told = found(noise=QUIET | {"pairs": [apart] * 4 + [pair(1, 0.98, 1.02)] * 16})
    assert "told apart in 4 of 20 cells (most: tbb in fanout of 1,000 agents)" in told["reasons"][0]


def test_the_gravest_reasons_stand_first():
    told = found(change={"machine": {"cpus": 2}, "dirty": True, "profile": "quick"}, oddities=1)
    assert told["level"] == VOID
    assert [("dirty" in r, "oddity" in r) for r in told["reasons"][:2]] == [(True, False),
                                                                           (False, True)]


def test_a_check_that_was_no_better_afterwards_is_one_line():
    warn = {"turbo": {"value": "on", "state": "warn"}}
    told = found(change={"environment": {"before": warn, "after": warn}})
    assert len(told["reasons"]) == 1
    assert told["reasons"][0].startswith("Before and after the run: turbo on. How long")


def test_a_smoke_run_is_told_once_what_it_lacks():
    assert len(found(change={"profile": "smoke", "blocks": 1}, noise=None)["reasons"]) == 1


@pytest.mark.parametrize("change", [
    {"environment": {"before": None, "after": {"load": "high"}}}, {"environment": None},
    {"machine": None, "trimmed": None, "resumed_utc": None, "flags": 5, "blocks": None},
    {"trimmed": [5], "environment": {"before": {"load": {"state": "warn"}}}}])
@pytest.mark.parametrize("noise", [None, {"floor": None, "pairs": None, "canary": None},
                                   {"pairs": [{"ratio": None}, {}]}])
def test_what_a_stranger_left_out_is_no_reason_to_stop(change, noise):
    assert found(change=change, samples=[{}, {"status": "ok"}], noise=noise)["level"] in LEVELS


def test_the_rules_are_levels_and_sentences_for_whoever_writes_them_down():
    assert [level for level, _ in RULES] == sorted((level for level, _ in RULES),
                                                   key=LEVELS.index, reverse=True)
    for level, words in RULES:
        assert level in LEVELS[1:] and words[0].isupper() and words[-1] in ".)"
