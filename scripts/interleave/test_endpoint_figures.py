"""Are the endpoint's figures set against what it is held to, and is a broken stream noticed?"""

import io
import os
import socket
import threading

import pytest
from rich.console import Console

from . import endpoint_figures
from .cli import Session
from .endpoint_figures import Figure, share_of_cpus, table_of
from .streams import Streams, fault_of, without_chunks
from .units import three_digits


def chunked(*parts):
    return b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in (*parts, b""))


HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ROLE = b'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n'
TOKEN = b'data: {"choices":[{"delta":{"content":"word "}}]}\n\n'
FINISH = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


def test_a_whole_stream_has_no_fault_however_it_is_cut_into_chunks():
    frames = ROLE + TOKEN * 3 + FINISH + DONE
    for size in (1, 7, 50, len(frames)):
        parts = [frames[i:i + size] for i in range(0, len(frames), size)]
        assert fault_of(HEAD + chunked(*parts), 3) is None


@pytest.mark.parametrize("reply, words", [
    (b"", "began with"), (HEAD, "broke off"),
    (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "began with"),
    (HEAD + chunked(ROLE + TOKEN * 3 + FINISH + DONE)[:-5], "broke off"),
    (HEAD + chunked(ROLE + TOKEN * 3 + FINISH), "ended with"),
    (HEAD + chunked(ROLE + TOKEN * 2 + FINISH + DONE), "2 tokens of 3"),
    (HEAD + chunked(ROLE + TOKEN * 4 + FINISH + DONE), "4 tokens of 3"),
    (HEAD + b"zz\r\n", "broke off")], ids=lambda value: str(value)[-30:])
def test_a_stream_that_is_not_whole_is_noticed(reply, words):
    assert words in fault_of(reply, 3)


def test_chunks_are_taken_off_and_their_extensions():
    assert without_chunks(chunked(b"ab", b"c\r\n")) == b"abc\r\n"
    assert without_chunks(b"2;x=y\r\nab\r\n0\r\n\r\n") == b"ab"
    for broken in (b"", b"2\r\na", b"2\r\nabc\r\n", b"\r\n", b"-1\r\n\r\n"):
        assert without_chunks(broken) is None


def test_streams_are_read_until_each_has_ended_and_the_marks_are_set_once():
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve():
            peers = [server.accept()[0] for _ in range(3)]
            for peer in peers:
                peer.recv(65536)
            for i, peer in enumerate(peers):  # the last one breaks off
                peer.sendall(HEAD + chunked(ROLE + TOKEN + FINISH + DONE)[:None if i < 2 else 20])
                peer.close()

        thread = threading.Thread(target=serve)
        thread.start()
        streams, marks = Streams(server.getsockname()[1], 3, 1), []
        streams.read(lambda: marks.append("running"), lambda: marks.append("ended"))
        thread.join()
    assert marks == ["running", "ended"]
    assert len(streams.faults()) == 1


def figures(calls, lateness):
    return [Figure("calls", calls, 60_000, True, lambda v: f"{v:,.0f}"),
            Figure("late", lateness, 2.0, False, three_digits)]


def shown(rows):
    console = Console(file=io.StringIO(), width=120)
    console.print(table_of(rows))
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def test_a_figure_stands_beside_what_it_is_held_to_with_its_ratio():
    assert shown(figures(90_000, 1.0))[1:] == ["calls 90,000 at least 60,000 1.50 yes",
                                               "late 1.00 at most 2.00 0.500 yes"]
    assert shown(figures(30_000, 4.0))[1:] == ["calls 30,000 at least 60,000 0.500 no",
                                               "late 4.00 at most 2.00 2.00 no"]


def test_the_screen_fits_80_columns(monkeypatch, tmp_path):
    monkeypatch.setattr(endpoint_figures, "calls_a_second", lambda *_: 123_456.0)
    monkeypatch.setattr(endpoint_figures, "streamed", lambda *_: (12_345_678, 0.2512))
    console = Console(file=io.StringIO(), width=80)
    endpoint_figures.tell_figures(Session(tmp_path, console))
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line.startswith("cores for the streams")]


def test_what_was_not_measured_has_no_ratio():
    assert shown(figures(None, 1.0))[1] == "calls - at least 60,000 - -"


def test_the_endpoint_has_a_cpu_for_itself_where_there_are_two(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5})
    assert share_of_cpus() == ({5}, {0, 3})
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {4})
    assert share_of_cpus() == ({4}, {4})


def test_without_wrk_the_rest_is_measured(monkeypatch):
    monkeypatch.setattr(endpoint_figures.shutil, "which", lambda _: None)
    monkeypatch.setattr(endpoint_figures, "streamed", lambda *_: (1_000_000, 0.25))
    calls, lateness, share = endpoint_figures.measure("nowhere")
    assert calls.value is None
    assert (lateness.ratio(), share.ratio()) == (0.5, 0.5) and lateness.kept() and share.kept()
