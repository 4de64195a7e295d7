"""Is METG where a curve known in closed form has it, and does the figure show just that?"""

import hashlib
import json
import math
import random
import re

import pytest

from interleave import fixtures
from interleave.chart_data import ChartData
from interleave.chart_grain import how_small_may_the_work_be, metg_text
from interleave.charts import draw_all
from interleave.chart_makespan import what_does_one_more_worker_buy
from interleave.grain import ABOVE, BELOW, NEVER, curves, grain, metg, middle
from interleave.grain_table import grain_table
from interleave.records import read_result
from interleave.sheet import COLUMN, PAGE, NothingToDraw, settings
from interleave.summary import as_json, summarise
from interleave.test_charts import check_texts

GRAINS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10000)
UNIT_NS = 650.0  # a unit is only about a microsecond


def curve(cost_ns, grains=GRAINS):
    """What a turn costs on top of its grain gives e = g / (g + cost): half at g = cost."""
    return [(g * UNIT_NS, g / (g + cost_ns / UNIT_NS)) for g in grains]


@pytest.mark.parametrize("cost_ns", [700.0, 2000.0, 19_500.0, 600_000.0])
def test_a_fixed_cost_of_a_turn_is_its_metg_however_coarse_the_grains(cost_ns):
    assert metg(curve(cost_ns)) == pytest.approx(cost_ns, rel=1e-9)
    assert metg(curve(cost_ns, (1, 1000))) == pytest.approx(cost_ns, rel=1e-9)


def test_the_order_of_the_points_does_not_matter():
    assert metg(curve(2000.0)[::-1]) == pytest.approx(2000.0)


def test_a_curve_that_never_falls_to_half_is_below_and_one_that_never_reaches_it_above():
    assert metg(curve(100.0)) == BELOW
    assert metg(curve(1e9)) == ABOVE
    assert metg([(1000.0, 0.5), (2000.0, 0.9)]) == BELOW  # exactly half is half


def test_of_several_crossings_the_largest_counts():
    up_down_up = [(1e3, 0.2), (1e4, 0.8), (1e5, 0.4), (1e6, 0.6)]
    # Odds of 2/3 and 3/2: the middle, on a scale of logarithms.
    assert metg(up_down_up) == pytest.approx(math.sqrt(1e5 * 1e6))
    assert metg([(1e3, 0.2), (1e4, 0.8), (1e5, 0.4)]) == ABOVE


def test_efficiency_above_one_does_no_harm():
    assert 1e3 < metg([(1e3, 0.2), (1e4, 1.02)]) < 1e4
    assert 1e3 < metg([(1e3, 0.0), (1e4, 1.0)]) < 1e4


def test_a_median_over_blocks_orders_what_is_no_number_around_the_numbers():
    shown = middle([3.0, BELOW, 1.0, 2.0, ABOVE, 4.0])
    assert (shown["low"], shown["median"], shown["high"]) == (BELOW, 2.5, ABOVE)
    assert middle([BELOW, BELOW, 1.0, 2.0])["median"] == 1.0  # the less flattering of the two
    assert middle([1.0, ABOVE])["median"] == ABOVE
    few = middle([1.0, 2.0, 3.0])
    assert (few["n"], few["median"], few["low"], few["high"]) == (3, 2.0, None, None)


# A turn's cost in ns, by model; where it is not named here, by rung.
COSTS = {"asio": 4100.0, "libuv": 9000.0, "tbb": 800.0, "threads": 31_000.0, "asyncio": 90_000.0,
         "std_async": 45_000.0, "openmp": 300.0}
BY_RUNG = {"naive": 7000.0, "idiomatic": 3000.0, "tuned": 1300.0}


def write(folder, models=None, blocks=6, workers=(2,), grains=GRAINS, change=None,
          scenarios=("grain", "grain-waits")):
    """A result of these two graphs alone. change: takes a sample and returns it, or None."""
    models, noise = models or fixtures.MODELS, random.Random(5)
    folder.mkdir(parents=True, exist_ok=True)
    plan, samples = [], []
    for scenario in scenarios:
        for count in workers:
            for g in grains:
                for block in range(blocks):
                    for model in sorted(models):
                        row, more = sample_of(scenario, count, g, block, model, models, noise)
                        plan.append(row)
                        changed = change(row | more) if change else row | more
                        samples += [changed] if changed else []
    about = [dict(zip(("model", "family", "rung", "structure"), (m, *models[m])))
             for m in sorted(models)]
    manifest = {"schema": "interleave.manifest/1", "result_id": "20250102T030405Z_abc_quick",
                "workload_version": 1, "profile": "quick", "blocks": blocks, "commit": "abc",
                "dirty": False, "created_utc": "2025-01-02T03:04:05Z", "finished_utc": "x",
                "machine": {"name": "madeup-2x", "cpu_model": "Made-up CPU", "cpus": 2},
                "environment": {}, "models": about}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    for name, rows in (("plan", plan), ("samples", samples)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return folder


def sample_of(scenario, workers, g, block, model, models, noise):
    family, rung, structure = models[model]
    turns, wait = 10_000, 40_000_000 if scenario == "grain-waits" else 0
    computing = turns * g * UNIT_NS
    greedy = wait + computing / workers
    alone = structure in ("sequential", "one_loop")
    bound = max(greedy, (turns * 1e6 if wait and structure == "sequential" else 0)
                + computing if alone else 0)
    cost = COSTS.get(model, BY_RUNG[rung] if rung in BY_RUNG else 1000.0)
    makespan = (bound + turns * cost / workers) * (1 + noise.gauss(0, 0.01))
    params = {"agents": 64, "workers": workers, "cpu_share": 0.0, "time_scale": 0.01, "seed": 1,
              "io": "timer", "grain_us": g}
    row = {"exec_id": f"{scenario}-{workers}-{g}-{model}-b{block}", "model": model,
           "cell_id": f"{scenario}/{workers}/{g}", "scenario": scenario, "params": params,
           "mode": "timed", "block": block, "position": 0}
    more = {"schema": "interleave.sample/1", "family": family, "rung": rung, "cpus": workers,
            "structure": structure, "status": "ok", "reason": None, "turns": turns,
            "lb_ns": int(greedy), "lb_model_ns": int(bound), "greedy_ns": int(greedy),
            "makespan_ns": int(max(makespan, greedy)),
            "unit_cost_usual_ns": {"mix": UNIT_NS, "json": None, "topk": None}}
    return row, more


def read(folder):
    result = read_result(folder)
    return ChartData(result, summarise(result))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return read(write(tmp_path_factory.mktemp("small")))


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return read(write(tmp_path_factory.mktemp("large"), fixtures.EVERY, workers=(1, 2)))


def drawn(data, width=PAGE):
    with settings():
        return how_small_may_the_work_be(data, width)


def rows_of(data, scenario="grain", workers=2):
    return {r["model"]: r for r in data.summary["grain"]
            if r["scenario"] == scenario and r["params"]["workers"] == workers}


def test_the_section_finds_each_models_cost_again(small):
    rows = rows_of(small)
    for model in ("asio", "libuv", "tbb", "threads", "asyncio"):
        e = rows[model]["metg_ns"]
        assert e["median"] == pytest.approx(COSTS[model], rel=0.05), model
        assert e["low"] <= e["median"] <= e["high"] and e["n"] == 6
    assert rows["asio"]["smallest_ns"] == UNIT_NS
    assert rows["asio"]["largest_ns"] == 10_000 * UNIT_NS


def test_a_structure_that_allows_half_at_most_never_reaches_it_whatever_the_noise(small):
    assert rows_of(small)["sequential"]["metg_ns"]["median"] == NEVER


def test_alone_on_one_cpu_the_same_structure_does(large):
    assert rows_of(large, workers=1)["sequential"]["metg_ns"]["median"] == pytest.approx(
        BY_RUNG["idiomatic"], rel=0.1)
    assert rows_of(large, workers=1)["openmp"]["metg_ns"]["median"] == BELOW


def test_a_block_that_lacks_a_grain_has_no_say(tmp_path):
    def lost(sample):
        gone = sample["model"] == "asio" and sample["block"] in (2, 4) and (
            sample["params"]["grain_us"] == 3)
        return None if gone else sample

    assert rows_of(read(write(tmp_path, change=lost)))["asio"]["metg_ns"]["n"] == 4


def test_a_size_that_was_not_run_for_its_bound_is_no_size_at_which_half_is_left(tmp_path):
    """Measured from 100 us on, where it has more than half; below its structure allows less."""
    def slow(sample):
        g = sample["params"]["grain_us"]
        if sample["model"] != "asio":
            return sample
        allowed = g / (g + 50)
        more = {"lb_model_ns": int(sample["greedy_ns"] / allowed)}
        if g < 100:
            return sample | more | {"status": "skipped", "reason": "bound", "makespan_ns": None}
        return sample | more | {"makespan_ns": int(sample["greedy_ns"] / allowed)}

    folder = write(tmp_path, change=slow, scenarios=("grain",))
    plan = [json.loads(line) for line in (folder / "plan.jsonl").read_text().splitlines()]
    for row in plan:
        if row["model"] == "asio" and row["params"]["grain_us"] < 100:
            row["skip_reason"] = "bound"
    (folder / "plan.jsonl").write_text("".join(json.dumps(r) + "\n" for r in plan))
    e = rows_of(read(folder))["asio"]["metg_ns"]
    assert e["median"] == pytest.approx(50 * UNIT_NS, rel=1e-3)


def test_a_result_without_grains_has_an_empty_section_and_a_reason(data):
    assert data.summary["grain"] == []
    assert grain_table(data.summary) == ""
    with pytest.raises(NothingToDraw, match="two sizes"):
        drawn(data)


def test_one_grain_is_no_curve(tmp_path):
    with pytest.raises(NothingToDraw):
        drawn(read(write(tmp_path, grains=(10,))))


def test_without_the_cost_of_a_unit_there_is_no_grain(tmp_path):
    data = read(write(tmp_path, grains=(1, 10), change=lambda s: s | {"unit_cost_usual_ns": None}))
    assert data.summary["grain"] == []
    with pytest.raises(NothingToDraw):
        drawn(data)


def test_the_figure_marks_what_the_section_says_and_nothing_where_it_is_no_number(small):
    drawing = drawn(small)
    marked = {(r["panel"], r["model"]): r for r in drawing.rows if r["kind"].startswith("METG")}
    for scenario in ("grain", "grain-waits"):
        for model, row in rows_of(small, scenario).items():
            assert marked[scenario, model]["x"] == row["metg_ns"]["median"]
    ax = drawing.axes[0]
    at_half = [line.get_xdata()[0] for line in ax.lines
               if line.get_markersize() == 7.5 and list(line.get_ydata()) == [0.5]]
    numbers = [r["metg_ns"]["median"] for r in rows_of(small).values()
               if not isinstance(r["metg_ns"]["median"], str)]
    assert sorted(at_half) == sorted(numbers) and len(numbers) < len(rows_of(small))


def test_the_list_has_the_smallest_first_and_what_never_gets_there_last(small):
    texts = [t for t in drawn(small).axes[0].texts if "  " in t.get_text()]
    texts.sort(key=lambda t: -t.get_position()[1])
    names = [t.get_text().split("  ")[0] for t in texts]
    assert names == ["tbb", "asio", "libuv", "threads", "asyncio (reference)", "sequential"]
    assert texts[-1].get_text() == "sequential  never"


def test_what_is_below_or_above_is_written_so_and_explained(large):
    rows = rows_of(large)
    assert metg_text(rows["openmp"]) == "< 650 ns"
    assert "[" not in grain_table(large.summary).split("`openmp`")[1].split("\n")[0]
    assert "| below 650 ns |" in grain_table(large.summary)
    assert metg_text(None) == "not known"


def test_the_panels_have_ten_lines_at_most_and_the_default_workers(large):
    drawing = drawn(large)
    assert {r["panel"] for r in drawing.rows} == {"grain", "grain-waits"}
    assert len({r["model"] for r in drawing.rows}) == 10
    assert "10 of 21 models" in drawing.reading
    used = {r["x"] for r in drawing.rows if r["model"] == "asio" and r["kind"][:4] == "METG"}
    assert used == {rows_of(large, s)["asio"]["metg_ns"]["median"]
                    for s in ("grain", "grain-waits")}


def test_the_table_has_every_model_and_every_number_of_workers(large):
    table = grain_table(large.summary)
    for name in fixtures.EVERY:
        assert f"| `{name}` |" in table
    assert re.search(r"`asio` .* \| 4\.\d\d µs \[4\.\d\d–4\.\d\d\] \|", table)  # one unit for all
    for workers in ("1 worker", "2 workers"):
        for scenario in ("grain", "grain-waits"):
            assert f"`{scenario}`<br>{workers}" in table


@pytest.mark.parametrize("which", ["small", "large"])
@pytest.mark.parametrize("width", [PAGE, COLUMN])
def test_no_text_lies_on_another_or_leaves_the_figure(which, width, request):
    drawing = drawn(request.getfixturevalue(which), width)
    check_texts(drawing)


def test_identical_data_gives_identical_bytes(small, tmp_path):
    names = []
    for name in ("a", "b"):
        again = read_result(small.result.path)
        drawn_all, _ = draw_all(again, summarise(again), tmp_path / name,
                                only=("efficiency-over-grain",))
        assert len(drawn_all) == 1
        names.append({p.name: hashlib.sha256(p.read_bytes()).hexdigest()
                      for p in sorted((tmp_path / name).iterdir())})
    assert names[0] == names[1] and len(names[0]) == 7
    assert as_json(summarise(read_result(small.result.path))) == as_json(small.summary)


def test_one_grain_at_two_numbers_of_workers_is_no_panel_of_the_scaling_figure(large):
    with pytest.raises(NothingToDraw), settings():
        what_does_one_more_worker_buy(large, PAGE)


def test_other_data_gives_another_metg(tmp_path):
    slower = read(write(tmp_path, change=lambda s: s | {
        "makespan_ns": s["makespan_ns"] * (3 if s["model"] == "asio" else 1)}))
    assert rows_of(slower)["asio"]["metg_ns"]["median"] == ABOVE
    assert rows_of(slower)["tbb"]["metg_ns"]["median"] == pytest.approx(COSTS["tbb"], rel=0.05)


def test_the_section_takes_nothing_from_other_scenarios(data):
    assert grain(data.result, data.summary["cells"]) == []


def test_agents_may_follow_the_grain(tmp_path):
    def fewer(row):
        row = json.loads(json.dumps(row))
        row["params"]["agents"] = 1000 if row["params"]["grain_us"] < 100 else 50
        return row

    folder = write(tmp_path, change=fewer)
    plan = [fewer(json.loads(line)) for line in (folder / "plan.jsonl").read_text().splitlines()]
    (folder / "plan.jsonl").write_text("".join(json.dumps(row) + "\n" for row in plan))
    data = read(folder)
    assert rows_of(data)["asio"]["metg_ns"]["median"] == pytest.approx(COSTS["asio"], rel=0.05)
    assert "agents" not in rows_of(data)["asio"]["params"]
    marked = [r for r in drawn(data).rows if r["kind"].startswith("METG")]
    assert len(marked) == 12


def test_of_several_numbers_of_agents_at_one_grain_a_curve_has_that_which_all_grains_have():
    def cell(grain_us, agents):
        return {"scenario": "grain", "params": {"grain_us": grain_us, "agents": agents}}

    [curve] = curves([cell(1, 10), cell(1, 99), cell(10, 10), cell(100, 10), cell(100, 5)])
    assert [c["params"]["agents"] for c in curve] == [10, 10, 10]
    [curve] = curves([cell(1, 10), cell(1, 99), cell(10, 7)])
    assert [c["params"]["agents"] for c in curve] == [99, 7]
