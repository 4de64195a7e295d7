"""Is the plan balanced, does it fit its budget, and does it say what it leaves out?"""

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from .cells import (
    PROFILE_ORDER, Cell, catalogue, chosen_cells, more_of_the_same, traced_cells, worker_counts)
from .model_files import model_files
from .options import default_models, scenario_names
from .plan import CANARY_S, PROFILES, latin_order, make_plan, predicted_s
from .plan_words import tell_cells, tell_plan

ROOT = Path(__file__).resolve().parents[2]


def said(structure, rung="idiomatic"):
    return {"structure": structure, "rung": rung}


# Of every model what its file says: rung and structure.
SAYS = (re.compile(r"\bRung::([a-z]+),\s*(?:(?:bench::)?Structure::)?([a-z_]+)"),
        re.compile(r"""\brung="([a-z]+)",\s*structure="([a-z_]+)"""))


def said_in(model):
    text = (ROOT / "models" / model.file).read_text()
    (rung, structure), = [say.search(text).groups() for say in SAYS if say.search(text)]
    return said(structure, rung)


ALL = {model.name: said_in(model) for model in model_files(ROOT)}
DEFAULT = {name: ALL[name] for name in default_models(ROOT)}
CORES = 2
# What `describe` says of every cell on two cores. Written anew by:
#   PYTHONPATH=scripts python3 -m interleave.write_described
DESCRIBED = json.loads((Path(__file__).parent / "described.json").read_text())


def made(profile, scenarios=None, about=DEFAULT):
    cells = chosen_cells(CORES, profile, scenarios)
    answers = [DESCRIBED[cell.id()] for cell in cells]
    return make_plan(PROFILES[profile], cells, answers, about, CORES)


def measured_cells(plan):
    """"SCENARIO AGENTS" of every cell of which processes are planned."""
    return {f"{e['scenario']} {e['params']['agents']}" for e in plan.entries
            if e["mode"] == "timed" and not e["skip_reason"]}


def test_every_model_says_a_structure_that_has_a_bound():
    known = DESCRIBED[Cell("fanout", 16, 2, 0.01).id()]["lb_model_ns"]
    assert {said["structure"] for said in ALL.values()} == set(known)


@pytest.mark.parametrize("about", [DEFAULT, ALL], ids=["default", "all"])
@pytest.mark.parametrize("profile", PROFILES)
def test_the_predicted_time_of_each_profile_fits_its_budget(profile, about):
    assert 0 < made(profile, about=about).predicted_s() <= PROFILES[profile].budget_s


@pytest.mark.parametrize("profile", ["smoke", "quick"])
def test_on_two_cores_all_of_a_small_profile_is_measured_in_every_block(profile):
    assert made(profile).trimmed == []


@pytest.mark.parametrize("profile", ["standard", "publication"])
def test_on_two_cores_a_large_profile_leaves_out_no_more_than_more_of_the_same(profile):
    left_out = {entry["cell_id"] for entry in trimmed(made(profile), "cell")}
    assert left_out <= {cell.id() for cell in more_of_the_same(CORES)}


def test_quick_holds_the_cells_that_the_suite_is_judged_by():
    cells = {entry["cell_id"].split("/time_scale")[0] for entry in made("quick").entries}
    assert "fanout/agents=1000/workers=2/cpu_share=0.01" in cells
    assert "compute/agents=32/workers=2/cpu_share=0" in cells


def test_with_every_model_quick_still_measures_what_is_most_instructive():
    measured = measured_cells(made("quick", about=ALL))
    assert {"fanout 1000", "fanout 16", "compute 32", "parked 1000"} <= measured


def test_with_every_model_smoke_still_measures_something_and_draws_no_timeline():
    plan = made("smoke", about=ALL)
    assert {"fanout 1000", "compute 32"} <= measured_cells(plan)
    assert not [e for e in plan.entries if e["mode"] == "trace"]


def trimmed(plan, what):
    return [entry for entry in plan.trimmed if entry["what"] == what]


def short(cell_id):
    """Without what is the same in nearly all cells."""
    return cell_id.replace("/time_scale=0.01/seed=1/io=timer", "")


def runs_of(plan):
    return Counter((short(e["cell_id"]), e["model"]) for e in plan.entries
                   if e["mode"] == "timed" and not e["skip_reason"])


def test_with_every_model_publication_measures_what_the_suite_is_read_for():
    plan = made("publication", about=ALL)
    assert {"react 128", "parked 1000000", "parked 100000", "layers 80", "empty 10000"} <= \
        measured_cells(plan)
    assert "react 128" in measured_cells(made("standard", about=ALL))


@pytest.mark.parametrize("profile", ["standard", "publication"])
def test_a_cell_has_fewer_blocks_before_it_is_left_out_and_the_plan_says_how_many(profile):
    plan = made(profile, about=ALL)
    fewer = {short(cell): entry["why"] for entry in trimmed(plan, "blocks")
             for cell in entry["cell_ids"]}
    assert fewer
    for (cell, _), blocks in runs_of(plan).items():
        full = 6 if cell.startswith(("parked/agents=100000/", "parked/agents=1000000/")) else \
            PROFILES[profile].blocks
        assert 6 <= blocks <= full
        assert blocks == full or fewer[cell].startswith(f"{blocks} of {full} blocks: ")


def test_blocks_of_what_is_most_instructive_come_before_more_of_the_same():
    plan = made("publication", about=ALL)
    assert runs_of(plan)["fanout/agents=1000/workers=2/cpu_share=0.01", "asio"] >= 6
    assert "fanout, 4,000 agents, 2 workers, CPU share 0.01" in str(trimmed(plan, "cell"))


@pytest.mark.parametrize("profile", PROFILES)
def test_no_cell_is_named_twice_as_cut(profile):
    cut = [cell for entry in made(profile, about=ALL).trimmed if entry["what"] != "timelines"
           for cell in entry.get("cell_ids", [entry.get("cell_id")])]
    assert len(cut) == len(set(cut))


def test_timelines_that_do_not_fit_are_named():
    (entry,) = trimmed(made("smoke", about=ALL), "timelines")
    assert "timelines of layers, 8 agents" in entry["why"]


def test_a_cell_left_out_but_for_its_timelines_says_so():
    (cell,) = traced_cells(CORES)
    (why,) = (e["why"] for e in trimmed(made("quick", about=ALL), "cell")
              if e["cell_id"] == cell.id())
    assert why.endswith("(only its timelines are drawn)")


class Listener(list):
    say = list.append


def test_a_person_is_told_of_fewer_blocks_and_of_missing_timelines():
    smoke, publication = Listener(), Listener()
    tell_plan(smoke, made("smoke", about=ALL))
    tell_plan(publication, made("publication", about=ALL))
    assert "timelines of layers" in " ".join(smoke)
    words = " ".join(publication)
    assert "in up to 30 blocks" in words and "only 6 of 30 blocks: " in words


def test_a_dry_run_tells_the_blocks_of_each_cell():
    lines = Listener()
    tell_cells(lines, made("publication"))
    assert [line for line in lines if "15 blocks  fanout/agents=1000/" in line]
    assert [line for line in lines if " 6 blocks  parked/agents=1000000/" in line]


def test_react_under_load_is_measured_when_asked_for_and_in_standard():
    assert measured_cells(made("quick", ["react"])) == {"react 160"}
    assert measured_cells(made("quick", ["react"], ALL)) == {"react 160"}
    standard = made("standard")
    assert {"react 128", "react 160", "empty 10000"} <= measured_cells(standard)
    (share,) = {e["params"]["cpu_share"] for e in standard.entries
                if (e["scenario"], e["params"]["agents"]) == ("react", 128)}
    assert share == 0.05


OUTSIDE = ["react", "faulty", "storm", "first-k", "stream", "calls", "connect"]


def cells_of(plan):
    return {(e["scenario"], e["params"]["io"], e["params"].get("tokens"),
             e["params"].get("on_error"), e["params"].get("stop_after_us") is not None)
            for e in plan.entries if not e["skip_reason"]}


@pytest.mark.parametrize("profile, scenarios", [("quick", OUTSIDE), ("standard", None)])
def test_all_that_the_charts_of_the_outside_world_need_is_measured(profile, scenarios):
    plan = made(profile, scenarios)
    twins = {(name, io, None, None, False) for name in ("react", "storm", "first-k")
             for io in ("timer", "tcp")}
    stops = {("react", io, None, None, True) for io in ("timer", "tcp")}
    calls = {(name, "tcp", None, None, False) for name in ("calls", "connect")}
    streams = {("stream", "tcp", tokens, None, False) for tokens in (1, 200)}
    others = {("faulty", "timer", None, None, False), ("storm", "timer", None, "fail-fast", False)}
    assert twins | stops | calls | streams | others <= cells_of(plan)
    assert plan.predicted_s() <= PROFILES[profile].budget_s


def test_a_cell_over_tcp_has_a_twin_by_timers_or_is_about_calls():
    cells = {cell for _, cell in catalogue(CORES)}
    for cell in cells:
        if cell.io == "tcp" and cell.scenario not in ("calls", "connect", "stream"):
            small = cell.scenario == "fanout" and cell.agents == 16  # whether calling works at all
            assert small or replace(cell, io="timer") in cells, cell.short()


def test_calls_over_tcp_are_predicted_to_take_longer_than_timers():
    answer = {"greedy_ns": 1e8, "lb_ns": 1e8, "lb_model_ns": {}, "turns": 100, "calls": 10_000}
    timer, tcp, none = (predicted_s(answer | {"calls": calls}, said("workers"), {"io": io})
                        for io, calls in (("timer", 10_000), ("tcp", 10_000), ("tcp", 0)))
    assert timer < none < timer + 0.1 < tcp


def test_a_run_that_is_stopped_is_predicted_to_end_then():
    answer = {"greedy_ns": 3e9, "lb_ns": 3e9, "lb_model_ns": {}, "turns": 0}
    whole, half = (predicted_s(answer, said("workers"), params)
                   for params in ({}, {"stop_after_us": 1_500_000}))
    assert half < 0.6 * whole


def test_smoke_makes_a_call_over_tcp():
    assert [e for e in made("smoke").entries if e["params"]["io"] == "tcp"]


def test_a_cell_tells_its_outside_world_only_where_it_has_one():
    plain = Cell("react", 3, 2, 0.05)
    assert plain.id().endswith("/seed=1/io=timer") and "--io" not in plain.flags()
    told = replace(plain, io="tcp", tokens=20, on_error="fail-fast", stop_after_us=1500)
    assert told.id().endswith("/io=tcp/tokens=20/on_error=fail-fast/stop_after_us=1500")
    assert told.flags()[-8:] == ["--tokens", "20", "--on-error", "fail-fast", "--stop-after-us",
                                 "1500", "--io", "tcp"]
    assert told.short() == ("react, 3 agents, 2 workers, CPU share 0.05, 20 tokens an answer, over "
                            "TCP, fail-fast, stopped after 1.5 ms")


def test_a_million_waiting_agents_are_for_publication_only_and_for_few_blocks():
    parked = {"parked 1000000", "parked 100000"}
    assert not parked & measured_cells(made("standard"))
    plan = made("publication")
    assert parked <= measured_cells(plan)
    runs = Counter((e["params"]["agents"], e["model"]) for e in plan.entries
                   if e["scenario"] == "parked" and e["mode"] == "timed" and not e["skip_reason"])
    assert runs[1_000_000, "asio"] == 6 and runs[1000, "asio"] >= 15


def test_a_reference_is_predicted_to_take_longer_than_a_model_of_its_structure():
    answer = DESCRIBED[Cell("empty", 10_000, 1, 0).id()]
    native, reference = (predicted_s(answer, about) for about in (
        said("workers"), said("workers", "reference")))
    assert native < 0.1 < 0.3 < reference


def test_a_bound_of_nothing_is_planned_and_skips_nobody():
    plan = made("smoke", ["empty"])
    assert {e["model"] for e in plan.entries} == set(DEFAULT)
    assert all(e["lb_ns"] == 0 and e["skip_reason"] is None for e in plan.entries)


def test_a_larger_profile_measures_all_that_a_smaller_one_does():
    chosen = [set(chosen_cells(CORES, profile)) for profile in PROFILE_ORDER]
    for smaller, larger in zip(chosen, chosen[1:]):
        assert smaller < larger


def test_every_preset_has_a_cell_in_every_profile_when_named():
    for profile in PROFILES:
        for scenario in scenario_names(ROOT):
            cells = chosen_cells(CORES, profile, [scenario])
            assert cells and {cell.scenario for cell in cells} == {scenario}


def test_no_cell_stands_twice_in_the_catalogue_whatever_the_cores():
    for cores in (1, 2, 3, 64):
        cells = [cell for _, cell in catalogue(cores)]
        assert len(cells) == len(set(cells))


def test_worker_counts_are_powers_of_two_and_all_cores():
    assert [worker_counts(cores) for cores in (1, 2, 6, 8)] == [
        [1], [1, 2], [1, 2, 4, 6], [1, 2, 4, 8]]


def test_each_model_stands_once_at_each_position_of_a_square():
    models = ["a", "b", "c", "d", "e"]
    orders = [latin_order(models, "cell", block, 1) for block in range(len(models))]
    for position in range(len(models)):
        assert {order[position] for order in orders} == set(models)


def test_each_square_is_shuffled_afresh_and_the_same_for_the_same_seed():
    models = ["a", "b", "c", "d", "e"]
    squares = [[latin_order(models, "cell", 5 * square + row, 1) for row in range(5)]
               for square in range(6)]
    assert len({str(square) for square in squares}) > 1
    assert squares[0] == [latin_order(models, "cell", row, 1) for row in range(5)]


def again_in(plan):
    return sorted({(e["cell_id"], e["model"]) for e in plan.entries if e["mode"] == "aa"})


@pytest.mark.parametrize("about", [DEFAULT, ALL], ids=["default", "all"])
@pytest.mark.parametrize("profile", ["quick", "standard", "publication"])
def test_one_model_runs_twice_in_a_cell_that_computes_and_in_one_that_waits(profile, about):
    pairs = again_in(made(profile, about=about))
    waits = {cell: DESCRIBED[cell]["waits"] > 0 for cell, _ in pairs}
    assert len(pairs) == 2 and sorted(waits.values()) == [False, True]
    assert all(about[model]["rung"] != "reference" for _, model in pairs)
    assert all(DESCRIBED[cell]["greedy_ns"] >= 1e8 for cell in waits)


def test_smoke_runs_no_model_twice():
    assert again_in(made("smoke")) == []


def plan_of_times(times, **more):
    """A quick plan of cells whose ideal takes so many ns; and the cells."""
    cells = [Cell("fanout", 10 + number, 2, 0.01) for number in range(len(times))]
    answers = [{"digest": "0", "sum": "0", "greedy_ns": ns, "lb_ns": ns, "waits": 1,
                "lb_model_ns": {"workers": ns}} | more for ns in times]
    about = {f"m{number}": said("workers") for number in range(3)}
    return make_plan(PROFILES["quick"], cells, answers, about, CORES), cells


@pytest.mark.parametrize("times, chosen", [
    ([2e7, 3e8, 1.5e8, 4e8], 2), ([2e6, 5e6, 3e6], 1), ([2e7, 9e9, 1.5e8], 2)],
    ids=["the cheapest that is long enough", "the longest where none is", "not one left out"])
def test_the_cell_with_the_second_run_is(times, chosen):
    plan, cells = plan_of_times(times)
    assert [cell for cell, _ in again_in(plan)] == [cells[chosen].id()]


def test_a_cell_that_computes_nothing_shows_no_noise():
    assert again_in(plan_of_times([2e8], unit_cost_ns={"mix": None})[0]) == []
    assert again_in(plan_of_times([2e8], unit_cost_ns={"mix": 600.0})[0])


def test_a_cell_of_another_outside_world_or_with_few_models_shows_no_noise():
    cells = [replace(Cell("react", 160, 2, 0.01), **more) for more in (
        {"io": "tcp"}, {"heartbeat_us": 1000}, {"stop_after_us": 10}, {"on_error": "fail-fast"})]
    answer = {"digest": "0", "sum": "0", "greedy_ns": 2e8, "lb_ns": 2e8, "waits": 1,
              "lb_model_ns": {"workers": 2e8}}
    three = {f"m{number}": said("workers") for number in range(3)}
    assert again_in(make_plan(PROFILES["quick"], cells, [answer] * 4, three, CORES)) == []
    two = {name: three[name] for name in ("m0", "m1")}
    plain = [Cell("react", 160, 2, 0.01)]
    assert again_in(make_plan(PROFILES["quick"], plain, [answer], two, CORES)) == []
    assert again_in(make_plan(PROFILES["quick"], plain, [answer], three, CORES))


def test_the_second_run_has_a_place_of_its_own_in_each_row_of_the_square():
    plan = made("standard")
    for cell, model in again_in(plan):
        blocks = {}
        for e in plan.entries:
            if e["cell_id"] == cell and e["block"] is not None and not e["skip_reason"]:
                blocks.setdefault(e["block"], {})[e["position"]] = (e["model"], e["mode"])
        size = len(blocks[0])
        assert all(sorted(order) == list(range(size)) for order in blocks.values())
        assert all((model, mode) in order.values() for order in blocks.values()
                   for mode in ("timed", "aa"))
        places = [p for b in range(size) for p, who in blocks[b].items() if who == (model, "aa")]
        assert sorted(places) == list(range(size))


def test_which_model_runs_twice_is_drawn_by_the_seed():
    profile, cells = PROFILES["quick"], chosen_cells(CORES, "quick")
    answers = [DESCRIBED[cell.id()] for cell in cells]
    drawn = {tuple(again_in(make_plan(profile, cells, answers, DEFAULT, CORES, seed)))
             for seed in range(12)}
    assert len({model for pairs in drawn for _, model in pairs}) > 2
    assert again_in(made("quick")) == again_in(made("quick"))


def test_the_predicted_time_holds_a_canary_for_each_block():
    plan = made("quick")
    blocks = {(e["cell_id"], e["block"]) for e in plan.entries if e["mode"] == "timed"
              and not e["skip_reason"]}
    processes = sum(e["predicted_s"] for e in plan.entries)
    assert plan.predicted_s() - processes == pytest.approx(CANARY_S * (len(blocks) + 5))


def test_each_block_runs_every_model_of_a_cell_once():
    plan = made("quick")
    timed = [e for e in plan.entries if e["mode"] == "timed" and not e["skip_reason"]]
    assert set(Counter((e["cell_id"], e["block"], e["model"]) for e in timed).values()) == {1}
    by_cell = Counter((e["cell_id"], e["model"]) for e in timed)
    assert set(by_cell.values()) == {PROFILES["quick"].blocks}


def test_names_of_processes_are_unique_and_safe_as_file_names():
    names = [entry["exec_id"] for entry in made("publication").entries]
    assert len(names) == len(set(names))
    assert all(name.replace("-", "").replace("_", "").isalnum() for name in names)


def test_a_model_whose_bound_exceeds_the_limit_is_planned_once_with_its_reason():
    plan = made("quick")
    skipped = [e for e in plan.entries if e["skip_reason"]]
    assert skipped and all(e["lb_model_ns"] > 8e9 and "8 s" in e["skip_reason"] for e in skipped)
    assert set(Counter((e["cell_id"], e["model"]) for e in skipped).values()) == {1}


def test_cells_beyond_the_budget_are_listed_with_why():
    cells = [Cell("fanout", size, 2, 0.01) for size in (10, 20, 30)]
    slow = {"digest": "0", "sum": "0", "greedy_ns": 1.4e9, "lb_ns": 1e9,
            "lb_model_ns": {"workers": 1e9}}
    plan = make_plan(PROFILES["smoke"], cells, [slow] * 3,
                     {f"m{number}": said("workers") for number in range(5)}, CORES)
    assert [cell["cell_id"] for cell in plan.trimmed] == [cells[2].id()]
    assert "fanout, 30 agents" in plan.trimmed[0]["why"]


def test_every_model_has_a_timeline_of_the_traced_cell():
    (cell,) = traced_cells(CORES)
    traced = [e for e in made("quick").entries if e["mode"] == "trace"]
    assert {e["cell_id"] for e in traced} == {cell.id()}
    assert {e["model"] for e in traced} == set(DEFAULT)
