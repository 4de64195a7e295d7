"""Do the built programs keep their promises when they are used by hand?"""

import hashlib
import json
import os
import resource
import signal
import subprocess
from pathlib import Path

import pytest

from .model_files import model_names

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
MODELS = [name for name in model_names(ROOT) if (BUILD / name).is_file()]
pytestmark = pytest.mark.skipif(not MODELS, reason="nothing is built in build/release")

SMALL = ["--scenario", "fanout", "--agents", "4", "--time-scale", "0.0001"]


def run(program, *flags, **kwargs):
    return subprocess.run([BUILD / program, *flags], capture_output=True, text=True, **kwargs)


def sample_of(program, tmp_path, *flags, **kwargs):
    file = tmp_path / "sample.jsonl"
    done = run(program, *flags, "--sample", str(file), **kwargs)
    return done, json.loads(file.read_text())


def test_every_model_can_be_built_by_its_name():
    text = (BUILD / "build.ninja").read_text()
    for model in MODELS:
        assert f"\nbuild {model}: " in text, model


@pytest.mark.parametrize("model", MODELS)
def test_a_model_writes_one_sample_and_one_benchmark(model, tmp_path):
    out = tmp_path / "benchmark.json"
    done, sample = sample_of(model, tmp_path, *SMALL, f"--benchmark_out={out}",
                             "--benchmark_out_format=json")
    assert done.returncode == 0, done.stderr
    assert sample["status"] == "ok" and sample["model"] == model
    [benchmark] = json.loads(out.read_text())["benchmarks"]
    assert benchmark["real_time"] * 1e6 == pytest.approx(sample["makespan_ns"])
    for counter in ("turns/s", "efficiency", "lb_efficiency", "overhead", "cpu_s", "switches",
                    "threads_peak", "vmhwm_bytes", "most_waiting", "most_computing",
                    "first_finish_s", "latency_p50_s"):
        assert benchmark[counter] >= 0, counter
    assert "latency_p90_s" not in benchmark  # six turns are too few for it


@pytest.mark.parametrize("model", MODELS)
def test_an_exported_workload_has_the_same_answer_when_it_is_read_again(model, tmp_path):
    file = tmp_path / "graph.json"
    assert run("describe", *SMALL, "--export-workload", str(file)).returncode == 0
    described = json.loads(run("describe", *SMALL).stdout)
    done, sample = sample_of(model, tmp_path, "--workload", str(file))
    assert done.returncode == 0, done.stderr
    assert (sample["digest"], sample["sum"]) == (described["digest"], described["sum"])


@pytest.mark.parametrize("model", MODELS)
def test_a_run_that_does_not_give_the_expected_answer_is_invalid(model, tmp_path):
    done, sample = sample_of(model, tmp_path, *SMALL, "--expect", "0" * 16 + ":" + "0" * 16)
    assert done.returncode == 1
    assert sample["status"] == "invalid" and sample["makespan_ns"] is None
    assert "sum over all turns" in sample["reason"] and "invalid" in done.stderr


@pytest.mark.parametrize("model", MODELS)
def test_a_trace_is_a_chrome_trace_with_a_bar_for_every_step(model, tmp_path):
    file = tmp_path / "trace.json"
    assert run(model, *SMALL, "--cpu-share", "0.5", "--trace", str(file)).returncode == 0
    trace = json.loads(file.read_text())
    bars = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert sorted(bar["name"] for bar in bars) == ["compute"] * 4 + ["wait"] * 4
    assert trace["otherData"]["model"] == model


def test_more_threads_than_a_limit_allows_is_a_skipped_row_and_no_crash(tmp_path):
    def little_address_space():  # a thread's stack takes 8 MiB of it
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    done, sample = sample_of("threads", tmp_path, "--scenario", "fanout", "--agents", "1000",
                             "--time-scale", "0.001", preexec_fn=little_address_space)
    assert done.returncode == 77, done.stderr
    assert sample["status"] == "skipped" and "limits" in sample["reason"]


def test_the_pizza_story_is_told_to_the_letter():
    for model in ("libuv", "asio"):
        if model not in MODELS:
            pytest.skip(f"{model} is not built")
        story = "".join(run(model, "--scenario", scenario, "--time-scale", "0.01",
                            "--narrate").stdout for scenario in ("pizza-chain", "pizza"))
        digest = hashlib.sha256(story.encode()).hexdigest()
        assert len(story) == 399 and digest.startswith("a50ad61f") and digest.endswith("a80f4b")


def test_a_broken_workload_file_is_one_line_and_exit_2(tmp_path):
    file = tmp_path / "broken.json"
    for text in ("", "{", "[]", '{"schema": "interleave.workload/1"}', "\0\xff"):
        file.write_text(text)
        done = run("asio", "--workload", str(file))
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1 and "broken.json" in done.stderr
    assert run("asio", "--workload", str(tmp_path)).returncode == 2
    assert run("asio", "--workload", str(tmp_path / "absent.json")).returncode == 2


def test_a_filter_that_matches_nothing_is_an_error():
    done = run("sequential", *SMALL, "--benchmark_filter=nonesuch")
    assert done.returncode == 2 and "--benchmark_filter" in done.stderr


def test_a_killed_model_leaves_no_sample(tmp_path):
    file = tmp_path / "sample.jsonl"
    child = subprocess.Popen([BUILD / "sequential", "--scenario", "pizza", "--time-scale", "1",
                              "--narrate", "--sample", str(file)], stdout=subprocess.PIPE)
    child.stdout.readline(), child.stdout.readline()  # it has begun
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert not file.exists() or file.read_text() == ""
