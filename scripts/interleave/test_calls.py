"""Is a model's rate of calls held against its bare client as it should be?"""

import io

import pytest
from rich.console import Console

from .calls import BAR, row_of, table_of

ROUNDS = [{"asio": 80_000.0 + n, "bare asio": 100_000.0, "tbb": 10.0} for n in range(6)]


def printed(rows):
    console = Console(file=io.StringIO(), width=120)
    console.print(table_of(rows))
    return console.file.getvalue()


def test_a_ratio_is_that_of_the_same_round():
    rounds = [{"asio": 1.0, "bare asio": 2.0}, {"asio": 30.0, "bare asio": 30.0},
              {"asio": 9.0, "bare asio": 10.0}]
    row = row_of("asio", "asio", rounds)
    assert (row.ratio, row.low, row.high) == (0.9, 0.5, 1.0)
    assert (row.rate, row.bare) == (9.0, 10.0)


@pytest.mark.parametrize("rate, verdict", [(BAR * 100, "kept"), (BAR * 100 - 1, "missed")])
def test_the_bar_is_kept_from_its_value_on(rate, verdict):
    assert row_of("m", "c", [{"m": rate, "bare c": 100.0}] * 6).verdict == verdict


def test_a_model_without_a_bare_client_has_a_rate_and_no_verdict():
    row = row_of("tbb", None, ROUNDS)
    assert row.rate == 10.0 and row.ratio is None and row.verdict == ""
    assert "none" in printed([row])


def test_the_table_names_client_ratio_and_verdict():
    text = printed([row_of("asio", "asio", ROUNDS)])
    for word in ("asio", "80,002", "100,000", "0.80", "kept"):
        assert word in text, word
