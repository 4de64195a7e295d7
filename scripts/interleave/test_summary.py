import json

import pytest

from interleave import fixtures, stats
from interleave.cells import catalogue
from interleave.memory import MANY_THREADS, own_memory
from interleave.races_fixture import race, summary_of
from interleave.records import read_result
from interleave.summary import as_json, memory_per_agent, summarise
from interleave.summary_csv import as_csv
from interleave.trouble import Trouble


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return fixtures.write_result(tmp_path_factory.mktemp("result"))


@pytest.fixture(scope="module")
def summary(folder):
    return summarise(read_result(folder))


def row(summary, scenario, agents, model, workers=2):
    for cell in summary["cells"]:
        p = cell["params"]
        if (cell["scenario"], p["agents"], p["workers"]) == (scenario, agents, workers):
            return next(r for r in cell["models"] if r["model"] == model)
    raise AssertionError("no such cell")


def raw(folder, scenario, agents, model, workers=2):
    return [s for s in read_result(folder).samples
            if (s["scenario"], s["model"]) == (scenario, model) and s["mode"] == "timed"
            and s["params"]["agents"] == agents and s["params"]["workers"] == workers]


def append(folder, line):
    with (folder / "samples.jsonl").open("a") as file:
        file.write(line)


def test_a_median_is_that_of_the_samples_on_disk(folder, summary):
    times = sorted(s["makespan_ns"] for s in raw(folder, "fanout", 1000, "asio"))
    shown = row(summary, "fanout", 1000, "asio")["makespan_ns"]
    assert shown == {"n": 6, "median": round(stats.median(times)), "low": times[0],
                     "high": times[-1], "coverage": 0.9688}


def test_efficiency_is_taken_sample_by_sample(folder, summary):
    shares = [s["greedy_ns"] / s["makespan_ns"] for s in raw(folder, "layers", 64, "tbb")]
    assert row(summary, "layers", 64, "tbb")["efficiency"]["median"] == pytest.approx(
        stats.median(shares), rel=1e-5)


def test_an_invalid_sample_is_counted_and_named_but_in_no_median(folder, summary):
    found = row(summary, "react", 100, "libuv")
    assert found["status"] == {"invalid": 1, "ok": 5}
    assert found["reasons"] == [{"status": "invalid", "reason": "turn 17 ran twice", "count": 1}]
    assert found["makespan_ns"]["n"] == 5
    assert found["makespan_ns"]["low"] is None
    assert found["makespan_ns"]["median"] > 100_000_000  # the invalid one claims 1.2 ms


def test_cpu_time_of_which_a_part_is_not_known_is_not_known():
    half = {(0, "rook", block): {"cpu_user_ns": 5, "cpu_sys_ns": None} for block in range(8)}
    [cell] = summary_of([race("fanout", 16, 0.01, {"rook": 10, "owl": 20})], None, half)["cells"]
    assert all(r["cpu_s_per_1000_turns"] is None for r in cell["models"])


def test_a_trace_sample_is_in_no_median(folder, summary):
    assert any(s["mode"] == "trace" for s in read_result(folder).samples)
    assert row(summary, "layers", 16, "asio")["n"] == 6


def test_a_model_skipped_by_its_bound_has_the_bound_and_no_time(summary):
    found = row(summary, "fanout", 10000, "sequential")
    assert found["skipped_by_bound"] and found["makespan_ns"] is None
    assert found["lb_model_ns"] == 808_000_000_000
    assert found["missing"] == 0


def test_a_model_skipped_by_the_machine_is_not_taken_for_one_skipped_by_its_bound(summary):
    found = row(summary, "parked", 100000, "threads")
    assert not found["skipped_by_bound"]
    assert found["reasons"][0]["reason"].startswith("100,000 threads exceed")


def test_the_ceiling_of_sequential_is_the_greedy_time_over_its_own_bound(summary):
    cell = next(c for c in summary["cells"] if c["params"]["agents"] == 10
                and c["scenario"] == "fanout")
    found = row(summary, "fanout", 10, "sequential")
    assert found["ceiling"] == pytest.approx(cell["greedy_ns"] / found["lb_model_ns"], rel=1e-5)


def test_samples_that_were_planned_and_not_taken_are_missing(tmp_path):
    folder = fixtures.write_result(tmp_path)
    lines = (folder / "samples.jsonl").read_text().splitlines(keepends=True)
    kept = [x for x in lines if json.loads(x)["exec_id"] not in ("03-asio-b4", "03-asio-b5")]
    (folder / "samples.jsonl").write_text("".join(kept))
    summary = summarise(read_result(folder))
    assert row(summary, "fanout", 10000, "asio")["missing"] == 2
    assert "2 planned samples not taken." in summary["trust"]["reasons"]


def test_a_damaged_last_line_is_left_out_and_named(tmp_path, summary):
    folder = fixtures.write_result(tmp_path)
    append(folder, '{"exec_id": "99-asio-b0", "status": "o')
    result = read_result(folder)
    assert len(result.messages) == 1 and "damaged" in result.messages[0]
    assert summarise(result)["cells"] == summary["cells"]


def test_a_line_with_bytes_that_are_no_text_is_left_out_and_named(tmp_path):
    folder = fixtures.write_result(tmp_path)
    with (folder / "samples.jsonl").open("ab") as file:
        file.write(b"\xff\xfe\x00\n")
    assert len(read_result(folder).messages) == 1


def test_a_second_line_for_one_process_cannot_replace_the_first(tmp_path, summary):
    folder = fixtures.write_result(tmp_path)
    better = raw(folder, "fanout", 1000, "asio")[0] | {"makespan_ns": 1}
    append(folder, json.dumps(better) + "\n")
    result = read_result(folder)
    assert "twice" in result.messages[0]
    assert summarise(result)["cells"] == summary["cells"]


def test_identical_data_gives_identical_bytes_whatever_the_order_of_the_lines(tmp_path, summary):
    folder = fixtures.write_result(tmp_path)
    lines = (folder / "samples.jsonl").read_text().splitlines(keepends=True)
    (folder / "samples.jsonl").write_text("".join(reversed(lines)))
    again = summarise(read_result(folder))
    assert as_json(again) == as_json(summary)
    assert as_csv(again) == as_csv(summary)


def test_other_data_gives_other_numbers(tmp_path, summary):
    folder = fixtures.write_result(tmp_path, slower={"asio": 1.5})
    slower = summarise(read_result(folder))
    before = row(summary, "fanout", 1000, "asio")["makespan_ns"]["median"]
    after = row(slower, "fanout", 1000, "asio")["makespan_ns"]["median"]
    assert after > before * 1.3


def test_own_memory_is_what_the_run_added_and_unknown_where_it_was_not_measured():
    sample = {"vmhwm_bytes": 1000, "rss_before_bytes": 400, "page_tables_peak_bytes": 60,
              "page_tables_before_bytes": 10}
    assert own_memory(sample) == 650
    assert own_memory(sample | {"rss_before_bytes": None}) is None


def test_what_the_kernel_keeps_for_threads_counts_and_a_machine_in_motion_does_not():
    sample = {"vmhwm_bytes": 1000, "rss_before_bytes": 400, "kernel_stacks_peak_bytes": 70_000,
              "kernel_stacks_before_bytes": 20_000, "slab_peak_bytes": 9_000_000,
              "slab_before_bytes": 5_000_000}
    assert own_memory(sample | {"threads_peak": 4}) == 50_600
    assert own_memory(sample | {"threads_peak": 1000}) == 4_050_600


def test_memory_of_many_threads_is_unknown_where_the_kernels_part_is():
    sample = {"vmhwm_bytes": 1000, "rss_before_bytes": 400, "threads_peak": 1001,
              "slab_peak_bytes": 9_000_000, "slab_before_bytes": 5_000_000}
    assert own_memory(sample) is None
    assert own_memory(sample | {"threads_peak": 3}) == 600
    stacks = {"kernel_stacks_peak_bytes": 70_000, "kernel_stacks_before_bytes": 20_000}
    assert own_memory(sample | stacks) == 4_050_600
    assert own_memory(sample | stacks | {"slab_peak_bytes": None}) is None


def test_no_cell_has_a_size_at_which_its_samples_would_be_counted_in_two_ways():
    for _, cell in catalogue(2):
        assert not MANY_THREADS / 1.5 < cell.agents < MANY_THREADS * 1.5


def test_both_ends_of_a_slope_count_the_same_things():
    def sample(agents, threads, slab):
        return {"scenario": "parked", "model": "threads", "block": 0, "vmhwm_bytes": agents * 100,
                "rss_before_bytes": 0, "kernel_stacks_peak_bytes": agents * 1000,
                "kernel_stacks_before_bytes": 0, "slab_peak_bytes": slab, "slab_before_bytes": 0,
                "threads_peak": threads, "params": {"agents": agents, "workers": 2}}

    found, = memory_per_agent([sample(400, 401, 9_000_000), sample(2400, 2401, 13_000_000)])
    assert found["bytes_per_agent"]["median"] == 100 + 1000 + 2000  # and not 7,600
    few, = memory_per_agent([sample(400, 4, 9_000_000), sample(2400, 4, 13_000_000)])
    assert few["bytes_per_agent"]["median"] == 1100


def test_bytes_per_agent_is_a_slope_so_that_a_constant_does_not_count():
    def sample(agents, block, memory):
        return {"scenario": "parked", "model": "asio", "block": block, "vmhwm_bytes": memory,
                "rss_before_bytes": 0, "params": {"agents": agents, "workers": 2}}

    constant = 5_000_000
    samples = [sample(n, b, constant + n * (100 + b)) for n in (1000, 3000) for b in range(6)]
    found, = memory_per_agent(samples)
    assert found["bytes_per_agent"]["median"] == 102.5
    assert (found["bytes_per_agent"]["low"], found["bytes_per_agent"]["high"]) == (100, 105)


def test_a_sample_that_nobody_planned_is_left_out_and_the_result_not_citable(tmp_path):
    folder = fixtures.write_result(tmp_path)
    [sample] = raw(folder, "fanout", 1000, "asio")[:1]
    append(folder, json.dumps(sample | {"exec_id": "99-mine"}) + "\n")
    result = read_result(folder)
    assert "99-mine was not planned" in result.messages[0]
    assert "99-mine" not in {s["exec_id"] for s in result.samples}
    assert summarise(result)["trust"]["level"] == "not citable"


@pytest.mark.parametrize("damage", [b"5", b'{"exec_id": []}', b"\xff\xfe", b"[" * 100_000],
                         ids=["number", "list", "bytes", "deep"])
def test_a_damaged_line_makes_the_result_not_citable(tmp_path, damage):
    folder = fixtures.write_result(tmp_path)
    with (folder / "samples.jsonl").open("ab") as file:
        file.write(damage + b"\n")
    summary = summarise(read_result(folder))
    assert summary["trust"]["level"] == "not citable"
    assert any("damaged" in message for message in summary["messages"])


def test_a_result_without_a_plan_is_not_citable(tmp_path):
    folder = fixtures.write_result(tmp_path)
    (folder / "plan.jsonl").write_text("")
    summary = summarise(read_result(folder))
    assert summary["trust"]["level"] == "not citable" and not summary["cells"]


@pytest.mark.parametrize("file, schema", [("manifest.json", "interleave.manifest/1"),
                                          ("samples.jsonl", "interleave.sample/1")])
def test_a_schema_of_another_version_is_refused(tmp_path, file, schema):
    folder = fixtures.write_result(tmp_path)
    text = (folder / file).read_text()
    (folder / file).write_text(text.replace(schema, schema[:-1] + "9"))
    with pytest.raises(Trouble, match=f"schema {schema[:-1]}9"):
        read_result(folder)
