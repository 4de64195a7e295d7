"""Do the check sums cover every file, and can drawing again not hide that samples were changed?"""

import json
import os
import shutil
import subprocess

import pytest

from . import fixtures
from .records import read_result
from .sums import SUMS, changed_since_measured, record_measured, seal, write_sums


@pytest.fixture
def result(tmp_path):
    folder = fixtures.write_result(tmp_path / "result", blocks=1)
    (folder / "README.md").write_text("drawn\n")
    record_measured(folder)
    seal(folder, "abc1234", False)
    return folder


def manifest_of(folder):
    return json.loads((folder / "manifest.json").read_text())


def test_every_file_is_covered_but_the_sums_themselves(result):
    named = {line.split("  ", 1)[1] for line in (result / SUMS).read_text().splitlines()}
    there = {str(path.relative_to(result)) for path in result.rglob("*") if path.is_file()}
    assert named == there - {SUMS} and "manifest.json" in named and "README.md" in named


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="there is no sha256sum here")
def test_sha256sum_reads_them_whatever_a_file_is_called(result):
    for name in ("a b", "back\\slash", "two\nlines"):
        (result / name).write_text(name)
    write_sums(result)
    assert subprocess.run(["sha256sum", "-c", "--strict", "--quiet", SUMS],
                          cwd=result).returncode == 0
    (result / "README.md").write_text("Drawn\n")
    assert subprocess.run(["sha256sum", "-c", "--quiet", SUMS], cwd=result,
                          capture_output=True).returncode != 0


def test_the_manifest_knows_what_was_measured_and_who_drew(result):
    manifest = manifest_of(result)
    traces = {f"trace/{path.name}" for path in (result / "trace").iterdir()}
    assert set(manifest["sha256"]) == {"plan.jsonl", "samples.jsonl"} | traces
    assert manifest["derived"] == {"commit": "abc1234", "dirty": False}


def test_drawing_again_does_not_hide_that_samples_were_changed(result):
    samples = result / "samples.jsonl"
    samples.write_text(samples.read_text().replace('"makespan_ns": 3', '"makespan_ns": 2', 1))
    seal(result, "abc1234", False)
    (fault,) = changed_since_measured(result, manifest_of(result))
    assert fault.startswith("samples.jsonl is not what was measured")
    assert fault in read_result(result).messages


def test_a_measured_file_that_is_gone_is_missed(result):
    trace = next((result / "trace").iterdir())
    trace.unlink()
    (fault,) = changed_since_measured(result, manifest_of(result))
    assert fault.startswith(f"trace/{trace.name} is missing")


def test_a_result_of_before_the_sums_keeps_only_the_hashes_of_what_was_measured(result):
    manifest = manifest_of(result)
    manifest["sha256"]["README.md"] = "0" * 64
    (result / "manifest.json").write_text(json.dumps(manifest))
    seal(result, "abc1234", None)
    assert "README.md" not in manifest_of(result)["sha256"]
    assert changed_since_measured(result, manifest_of(result)) == []


def test_of_a_run_that_is_not_finished_nothing_is_final(result):
    manifest = manifest_of(result) | {"finished_utc": None}
    (result / "manifest.json").write_text(json.dumps(manifest))
    seal(result, "abc1234", False)
    assert manifest_of(result)["sha256"] == {}
    with open(result / "samples.jsonl", "a") as file:
        file.write("\n")
    assert changed_since_measured(result, manifest_of(result)) == []


def test_a_link_out_of_the_folder_is_not_followed(result, tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_text("x")
    os.symlink(tmp_path / "secret", result / "figures")
    os.symlink(tmp_path / "secret" / "file", result / "link")
    write_sums(result)
    assert "figures" not in (result / SUMS).read_text()
    assert "link" not in (result / SUMS).read_text()
