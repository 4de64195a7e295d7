"""Does what was measured survive an interruption at any byte?"""

import pytest

from .samples import Log, cut_torn_line, fault_of_measurements, from_json, read_lines, to_line
from .trouble import Trouble


def no_fault(row):
    return None


def test_an_interruption_at_any_byte_loses_at_most_the_last_line(tmp_path):
    path = tmp_path / "samples.jsonl"
    log = Log(path)
    for number in range(3):
        log.append({"number": number, "text": "a\nb"})
    log.close()
    whole = path.read_bytes()
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        torn = cut_torn_line(path)
        complete = whole[:length].count(b"\n")
        assert [row["number"] for row in read_lines(path, no_fault)] == list(range(complete))
        assert path.stat().st_size == length - torn


def test_a_damaged_line_in_the_middle_is_named(tmp_path):
    path = tmp_path / "samples.jsonl"
    path.write_text('{"a":1}\n{"a":\n{"a":3}\n')
    with pytest.raises(Trouble, match="line 2"):
        read_lines(path, no_fault)


def test_a_number_that_is_none_can_be_neither_written_nor_read():
    with pytest.raises(ValueError):
        to_line({"makespan_ns": float("nan")})
    with pytest.raises(ValueError):
        from_json('{"makespan_ns": NaN}')
    with pytest.raises(ValueError):
        from_json('{"makespan_ns": 1e999}')
    with pytest.raises(ValueError, match="too large"):
        from_json('{"makespan_ns": 1' + "0" * 300 + "}")
    assert from_json('{"seed": 18446744073709551615, "sha": "' + "1" * 64 + '"}')["seed"] == 2**64 - 1


STOP = {"asked_ns": 1, "why": "enough", "acknowledged_ns": 2, "started_after": 0, "finished": 3,
        "cpu_after_ns": 4, "threads_left": 0, "descriptors_left": 0, "heap_left_bytes": -64}


def test_what_is_known_of_the_outside_world_may_be_null_or_absent():
    for row in ({}, {"endpoint": None, "stop": None, "healthy": None, "fairness": None},
                {"healthy": {"n": 3, "p50": 1, "p90": None, "p99": None, "max": 7}},
                {"endpoint": {"cpu_ns": 5, "own_cpu": False, "lateness_p99_ns": None}},
                {"stop": STOP}, {"stop": STOP | {"cpu_after_ns": None}}, {"fairness": 1.0}):
        assert fault_of_measurements(row) is None, row


@pytest.mark.parametrize("row, fault", [
    ({"retries": -1}, "retries is no number"),
    ({"stop": 5}, "stop is of the wrong type"),
    ({"stop": STOP | {"why": "tired"}}, "stop.why"),
    ({"stop": STOP | {"acknowledged_ns": None}}, "stop.acknowledged_ns is missing"),
    ({"stop": STOP | {"started_after": -1}}, "stop.started_after"),
    ({"stop": STOP | {"threads_left": 0.5}}, "stop.threads_left"),
    ({"endpoint": {"own_cpu": "yes"}}, "endpoint.own_cpu"),
    ({"endpoint": {"cpu_ns": True}}, "endpoint.cpu_ns"),
    ({"healthy": {"p99": -3}}, "healthy.p99"),
    ({"fairness": 1.5}, "fairness is more than 1")])
def test_what_is_out_of_range_is_named(row, fault):
    assert fault in fault_of_measurements(row)
