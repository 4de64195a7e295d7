"""Does what was measured survive an interruption at any byte?"""

import pytest

from .samples import Log, cut_torn_line, from_json, read_lines, to_line
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
