"""Is the plan balanced, does it fit its budget, and does it say what it leaves out?"""

import json
from collections import Counter
from pathlib import Path

import pytest

from .cells import PROFILE_ORDER, Cell, catalogue, chosen_cells, traced_cells, worker_counts
from .options import scenario_names
from .plan import PROFILES, latin_order, make_plan

ROOT = Path(__file__).resolve().parents[2]
STRUCTURES = {"asio": "workers", "libuv": "one_loop", "sequential": "sequential",
              "tbb": "workers", "threads": "thread_per_turn"}
CORES = 2
# What `describe` says of every cell on two cores. Written anew by:
#   PYTHONPATH=scripts python3 -m interleave.write_described
DESCRIBED = json.loads((Path(__file__).parent / "described.json").read_text())


def made(profile, scenarios=None, structures=STRUCTURES):
    cells = chosen_cells(CORES, profile, scenarios)
    answers = [DESCRIBED[cell.id()] for cell in cells]
    return make_plan(PROFILES[profile], cells, answers, structures, CORES)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_predicted_time_of_each_profile_fits_its_budget(profile):
    assert 0 < made(profile).predicted_s() <= PROFILES[profile].budget_s


@pytest.mark.parametrize("profile", PROFILES)
def test_on_two_cores_no_cell_of_a_profile_has_to_be_left_out(profile):
    assert made(profile).trimmed == []


def test_quick_holds_the_cells_that_the_suite_is_judged_by():
    cells = {entry["cell_id"].split("/time_scale")[0] for entry in made("quick").entries}
    assert "fanout/agents=1000/workers=2/cpu_share=0.01" in cells
    assert "compute/agents=32/workers=2/cpu_share=0" in cells


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
                     {f"m{number}": "workers" for number in range(5)}, CORES)
    assert [cell["cell_id"] for cell in plan.trimmed] == [cells[2].id()]
    assert "fanout, 30 agents" in plan.trimmed[0]["why"]


def test_every_model_has_a_timeline_of_the_traced_cell():
    (cell,) = traced_cells(CORES)
    traced = [e for e in made("quick").entries if e["mode"] == "trace"]
    assert {e["cell_id"] for e in traced} == {cell.id()}
    assert {e["model"] for e in traced} == set(STRUCTURES)
