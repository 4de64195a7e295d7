"""Is the demo's text the known one, byte for byte, and is a wrong one noticed?"""

import hashlib
import io
import json

import pytest
from rich.console import Console

from . import pizza
from .executables import Executables
from .pizza import ASYNC, SYNC, bars, is_right
from .trouble import Trouble

VEGGIE_LAST = "Veggie pizza is ready!\n"


def test_both_halves_together_are_the_known_399_bytes():
    text = (SYNC + ASYNC).encode()
    mark = hashlib.sha256(text).hexdigest()
    assert len(text) == 399
    assert mark.startswith("a50ad61f") and mark.endswith("a80f4b")


def other_order(text):
    """The same lines with the last one moved to the front of those that say ready."""
    head = text.index("Cheese pizza is ready!")
    return text[:head] + VEGGIE_LAST + text[head:-len(VEGGIE_LAST)]


def test_another_order_is_right_only_where_several_threads_speak():
    assert is_right("pizza", ASYNC, ordered=True)
    assert is_right("pizza", other_order(ASYNC), ordered=False)
    assert not is_right("pizza", other_order(ASYNC), ordered=True)


class Session:
    """Listens, and has programs that are never started."""

    def __init__(self, folder):
        self.said = []
        self.console = Console(file=io.StringIO())
        self.executables = Executables(folder)

    def say(self, text):
        self.said.append(text)


@pytest.mark.parametrize("structure, words", [
    ("thread_per_turn", "the kernel chooses"), ("workers", "the graph leaves it open"),
    ("blocking_workers", "does not order"), ("one_loop", None), ("sequential", None)])
def test_the_structure_of_a_model_says_whether_another_order_is_right(tmp_path, monkeypatch,
                                                                     structure, words):
    def baked(text):
        session = Session(tmp_path)
        monkeypatch.setattr(pizza, "watch", lambda *_: text)
        pizza.bake_one(session, "any", ["pizza"], structure, 0.1, tmp_path)
        return " ".join(session.said)

    monkeypatch.setattr(pizza, "units_of", lambda *_: 3.0)
    assert baked(ASYNC) == ""
    if words:
        assert words in baked(other_order(ASYNC))
    else:
        with pytest.raises(Trouble):
            baked(other_order(ASYNC))


@pytest.mark.parametrize("wrong", [
    "", SYNC, ASYNC[1:], ASYNC + "\n", ASYNC.replace("Cheese", "Ham", 1),
    ASYNC.replace(VEGGIE_LAST, ""), SYNC.replace("SYNC (One after another)", "ASYNC (All at once)"),
])
def test_wrong_lines_are_wrong_in_any_order(wrong):
    assert not is_right("pizza", wrong, ordered=False)
    assert not is_right("pizza", wrong, ordered=True)


def test_one_after_another_has_one_order_for_everybody():
    assert is_right("pizza-chain", SYNC, ordered=False)
    assert not is_right("pizza-chain", ASYNC, ordered=False)


def test_the_bars_begin_with_the_first_wait_and_are_in_the_order_of_the_pizzas(tmp_path):
    waits = [{"ph": "X", "name": "wait", "ts": 1000 + 300 * agent, "dur": 300, "tid": agent}
             for agent in (2, 0, 1)]
    (tmp_path / "trace.json").write_text(json.dumps(
        {"traceEvents": [{"ph": "M", "name": "thread_name"}, *waits]}))
    assert [(name, round(begin * 1e6), round(end * 1e6))
            for name, begin, end in bars(tmp_path / "trace.json")] == [
        ("Cheese", 0, 300), ("Pepperoni", 300, 600), ("Veggie", 600, 900)]
