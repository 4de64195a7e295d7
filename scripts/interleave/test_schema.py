"""Do the schemas in results/schema say what is really in a result, and is each field explained?"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .schema import FOLDER, fault_of, fields_of, schema_of, unknown_fields
from .summary import as_json

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = sorted((ROOT / "results" / "published").glob("*/manifest.json"))
NAMES = sorted(path.name.removesuffix(".schema.json") for path in FOLDER.glob("*.schema.json"))


def undescribed(schema, where):
    """The places of all fields, at any depth, that nobody explains."""
    for name, field in (schema.get("properties") or {}).items():
        condition = where.endswith(".if") or where.endswith(".then")
        if "description" not in field and not condition:
            yield f"{where}.{name}"
        yield from undescribed(field, f"{where}.{name}")
    for key in ("items", "additionalProperties", "if", "then"):
        if isinstance(schema.get(key), dict):
            yield from undescribed(schema[key], f"{where}.{key}")
    for name, part in (schema.get("definitions") or {}).items():
        yield from undescribed(part, f"{where}/{name}")


@pytest.mark.parametrize("name", NAMES)
def test_each_field_is_explained_and_the_schema_has_a_versioned_name(name):
    schema = schema_of(name)
    assert list(undescribed(schema, name)) == []
    assert schema["$id"].endswith(f"/1/{name}.schema.json") and schema["title"].endswith("/1")
    assert fault_of(name, []) == "it is of the wrong type"  # and it compiles


def test_there_is_a_schema_for_each_kind_of_file():
    assert NAMES == ["canary", "manifest", "plan", "sample", "summary"]


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize("manifest", PUBLISHED, ids=lambda path: path.parent.name)
def test_published_results_are_as_the_schemas_say_and_have_no_other_fields(manifest):
    folder = manifest.parent
    files = {"plan": lines(folder / "plan.jsonl"), "sample": lines(folder / "samples.jsonl"),
             "canary": lines(folder / "canary.jsonl"),
             "manifest": [json.loads(manifest.read_text())],
             "summary": [json.loads((folder / "derived" / "summary.json").read_text())]}
    for name, values in files.items():
        assert [fault for value in values if (fault := fault_of(name, value))] == []
        assert set().union(*(unknown_fields(name, value) for value in values)) == set()


def test_each_section_of_a_summary_is_described(data):
    assert fault_of("summary", json.loads(as_json(data.summary))) is None
    assert unknown_fields("summary", json.loads(as_json(data.summary))) == set()


def test_all_that_a_real_program_writes_is_described(tmp_path):
    program = ROOT / "build" / "release" / "asio"
    if not program.is_file():
        pytest.skip("asio is not built in build/release")
    subprocess.run([program, "--scenario", "pizza", "--sample", tmp_path / "sample.jsonl"],
                   check=True, capture_output=True)
    (sample,) = lines(tmp_path / "sample.jsonl")
    assert unknown_fields("sample", sample) == set()
    own = set(fields_of("sample", "own")) - {"model", "scenario", "params"}
    assert own <= set(sample)
    assert fault_of("sample", sample, "own") is None


GOOD = {"schema": "interleave.sample/1", "exec_id": "01-a-b00", "cell_id": "pizza", "model": "a",
        "scenario": "pizza", "params": {"agents": 3}, "mode": "timed", "block": 0, "position": 0,
        "status": "ok", "makespan_ns": 5}


@pytest.mark.parametrize("change, words", [
    ({"status": "tired"}, "status is 'tired', not ok or invalid"),
    ({"schema": "interleave.sample/2"}, "schema is 'interleave.sample/2', not interleave.sample/1"),
    ({"makespan_ns": None}, "makespan_ns is missing"),
    ({"makespan_ns": 0}, "makespan_ns is no number of at least 1"),
    ({"makespan_ns": 1.5}, "makespan_ns is no whole number of at least 0"),
    ({"exec_id": "../a"}, "exec_id is malformed"), ({"exec_id": ""}, "exec_id is empty"),
    ({"params": {"agents": []}}, "params.agents is no number of at least 1"),
    ({"params": {"more": []}}, "params.more is of the wrong type"),
    ({"guards": {"steal_ns": "1"}}, "guards.steal_ns is no number of at least 0"),
    ({"heartbeat": {}}, "heartbeat.n is missing"),
    ({"mode": "sideways"}, "mode is 'sideways', not timed or trace or aa")])
def test_what_is_wrong_is_said_in_one_plain_line(change, words):
    assert fault_of("sample", GOOD) is None
    assert words in fault_of("sample", GOOD | change)


def test_a_field_of_a_newer_version_of_the_suite_is_no_fault():
    assert fault_of("sample", GOOD | {"phase_of_the_moon": "full"}) is None


@pytest.mark.parametrize("name", ["\x1b[31mred", "two\nlines", "\x7f", "a/b", ""])
def test_a_name_that_would_move_a_cursor_or_leave_the_folder_is_malformed(name):
    identity = {"exec_id": name, "cell_id": "c", "model": "asio", "scenario": "s", "params": {},
                "mode": "timed"}
    assert fault_of("plan", identity, "identity")
    assert fault_of("plan", identity | {"exec_id": "01-asio-b00"}, "identity") is None


def test_a_checkout_without_its_schemas_says_so_in_one_line(tmp_path):
    """Before anything else can be imported; and never with the status by which gate says slower."""
    shutil.copytree(ROOT / "scripts" / "interleave", tmp_path / "scripts" / "interleave",
                    ignore=shutil.ignore_patterns("__pycache__", "test_*"))
    answer = subprocess.run([sys.executable, "-m", "interleave", "gate"], capture_output=True,
                            text=True, cwd=tmp_path,
                            env=os.environ | {"PYTHONPATH": str(tmp_path / "scripts")})
    assert answer.returncode == 2 and answer.stderr.count("\n") == 1
    assert "results/schema" in answer.stderr
