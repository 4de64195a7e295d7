"""Does the mock LLM outlive peers that are slow, broken, hostile or many, and answer others?"""

import contextlib
import json
import random
import re
import resource
import socket
import subprocess

import pytest

from .endpoint import PATH
from .endpoint_fixture import (
    PROGRAM, Wire, answer_to, answers, eventually, needs_endpoint, question, request_bytes,
    started)

pytestmark = needs_endpoint

# An idle connection costs less than the headers that it might send.
IDLE, MOST_IDLE_BYTES = 10_000, 8 << 10


@pytest.fixture(scope="module")
def endpoint():
    with started() as running:
        yield running


@pytest.fixture(autouse=True)
def it_still_answers(endpoint):
    """After every test, and nothing of it is left."""
    yield
    assert endpoint.process.poll() is None and answers(endpoint)
    stats = eventually(endpoint, lambda stats: stats["open_connections"] <= 1)
    assert (stats["in_flight"], stats["queued"]) == (0, 0)


def test_pipelined_requests_are_answered_in_their_order(endpoint):
    with Wire(endpoint) as wire:
        wire.send(b"".join(request_bytes(question(str(n))) for n in range(50)))
        for n in range(50):
            status, _, body = wire.reply()
            assert status == 200
            assert json.loads(body)["choices"][0]["message"]["content"] == answer_to(str(n))


def test_an_answer_that_takes_longer_is_not_overtaken_by_a_pipelined_one(endpoint):
    with Wire(endpoint) as wire:
        wire.send(request_bytes(question("1", mock={"first_ns": 30_000_000})) +
                  request_bytes(question("2")))
        for n in ("1", "2"):
            assert answer_to(n).encode() in wire.reply()[2]


def test_a_request_may_come_byte_by_byte(endpoint):
    with Wire(endpoint) as wire:
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request_bytes(question("7")):
            wire.send(bytes([byte]))
        assert answer_to("7").encode() in wire.reply()[2]


def test_the_head_of_a_reply_has_no_body_and_the_next_reply_follows_it(endpoint):
    with Wire(endpoint) as wire:
        wire.send(b"HEAD /v1/models HTTP/1.1\r\nHost: x\r\n\r\n" + request_bytes(question("7")))
        assert wire.reply(has_body=False)[0] == 200
        status, _, body = wire.reply()
        assert status == 200 and answer_to("7").encode() in body


def test_who_sends_no_more_is_answered_at_once_or_taken_for_gone(endpoint):
    """A closed half cannot be told from a closed connection, and a place in flight is not kept for
    a client that may be gone."""
    for body in (question("7"), question("7", stream=True, max_tokens=3)):
        with Wire(endpoint) as wire:
            wire.send(request_bytes(body))
            wire.socket.shutdown(socket.SHUT_WR)
            assert answer_to("7").encode() in wire.rest()
    for fault in ("silent", "stall"):
        with Wire(endpoint) as wire:
            wire.send(request_bytes(question("7", mock={"fault": fault})))
            wire.socket.shutdown(socket.SHUT_WR)
            assert answer_to("7").encode() not in wire.rest()
            eventually(endpoint, lambda stats: stats["in_flight"] == 0)


def test_an_error_in_a_request_body_leaves_the_connection_usable(endpoint):
    with Wire(endpoint) as wire:
        wire.send(request_bytes(b"{") + request_bytes(question("7")))
        assert wire.reply()[0] == 400
        assert wire.reply()[0] == 200


GARBAGE = {
    "nothing but lines": b"\r\n" * 20_000,
    "zeros": bytes(100_000),
    "a greeting of TLS": bytes.fromhex("16030100c8010000c40303") + bytes(range(200)),
    "HTTP/2 with prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    "no version": b"GET /healthz\r\n\r\n",
    "no such version": b"GET /healthz HTTP/9.9\r\n\r\n",
    "a line without end": b"GET /" + b"x" * 200_000,
    "headers without end": b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 20_000,
    "a length below zero": b"POST " + PATH.encode() + b" HTTP/1.1\r\nContent-Length: -1\r\n\r\n{}",
    "a length beyond all": b"POST " + PATH.encode() + b" HTTP/1.1\r\nContent-Length: " + b"9" * 40
                           + b"\r\n\r\n{}",
    "two lengths": b"POST " + PATH.encode() + b" HTTP/1.1\r\nContent-Length: 2\r\n"
                   b"Content-Length: 3\r\n\r\n{}",
    "a length and chunks": b"POST " + PATH.encode() + b" HTTP/1.1\r\nContent-Length: 2\r\n"
                           b"Transfer-Encoding: chunked\r\n\r\n{}",
    "a chunk without a size": b"POST " + PATH.encode() + b" HTTP/1.1\r\nTransfer-Encoding: chunked"
                              b"\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "a chunk beyond all": b"POST " + PATH.encode() + b" HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
                          b"\r\nffffffffffffffff\r\n{}",
    "a header with a zero": b"GET /healthz HTTP/1.1\r\nX: \0\r\n\r\n",
    "a header without a name": b"GET /healthz HTTP/1.1\r\n: x\r\n\r\n",
    "a folded header": b"GET /healthz HTTP/1.1\r\nX: a\r\n b\r\n\r\n",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_answered_with_an_error_or_the_end(endpoint, name):
    with Wire(endpoint) as wire:
        with contextlib.suppress(ConnectionError):  # it may have enough before it has all
            wire.send(GARBAGE[name])
            wire.socket.shutdown(socket.SHUT_WR)
        reply = wire.rest()
    assert not reply or re.match(rb"HTTP/1\.[01] (4\d\d|505) ", reply) or (
        name in ("a folded header", "a chunk without a size") and reply.startswith(b"HTTP/1.1 "))


def test_bytes_drawn_at_random_do_no_harm(endpoint):
    draw = random.Random(1)
    valid = request_bytes(question("7", stream=True, max_tokens=2))
    for _ in range(200):
        data = bytearray(valid)
        for _ in range(draw.randrange(1, 6)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        with Wire(endpoint) as wire:
            with contextlib.suppress(ConnectionError):
                wire.send(bytes(data[:draw.randrange(len(data) + 1)]))
                wire.socket.shutdown(socket.SHUT_WR)
            wire.rest()


def test_text_that_is_not_utf_8_and_json_that_is_deep_are_refused(endpoint):
    for body in (b'{"messages":[{"role":"user","content":"\xff\xfe"}]}',
                 b'{"messages":' * 20_000, b"[" * 500_000,
                 b'{"messages":[{"role":"user","content":"\\ud800"}]}'):
        with Wire(endpoint) as wire:
            wire.send(request_bytes(body))
            assert wire.reply()[0] == 400


def test_peers_that_break_off_anywhere_leave_nothing_behind(endpoint):
    whole = request_bytes(question("7", stream=True, max_tokens=100_000,
                                   mock={"gap_ns": 1_000_000}))
    for how_far in (0, 1, 30, len(whole) - 1, len(whole)):
        for leave in (Wire.reset, lambda wire: wire.socket.close()):
            for _ in range(20):
                wire = Wire(endpoint)
                wire.send(whole[:how_far])
                if how_far == len(whole):
                    wire.until(b"data: ")  # in the middle of a stream
                leave(wire)
    eventually(endpoint, lambda stats: stats["open_connections"] <= 1 and not stats["in_flight"])


def test_who_does_not_read_his_stream_costs_no_memory_without_bound(endpoint):
    """A window is full after some hundred kilobytes; what is not taken must not pile up."""
    before = endpoint.memory_bytes()
    wires = [Wire(endpoint) for _ in range(20)]
    for wire in wires:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.send(request_bytes(question("7", stream=True, max_tokens=100_000)))
    tokens, still = -1, 0
    while still < 20:  # as long as tokens leave, their number grows
        stats = endpoint.stats()
        still = still + 1 if stats["tokens"] == tokens else 0
        tokens = stats["tokens"]
    assert answers(endpoint)
    assert endpoint.memory_bytes() - before < 20 * 1_000_000
    for wire in wires:
        wire.reset()


# --- slow and many ---


def test_a_request_that_does_not_come_on_is_408_and_others_are_answered_meanwhile():
    whole = request_bytes(question("7"))
    with started("--patience-ms", "300") as impatient:
        wires = [Wire(impatient) for _ in range(100)]
        for i, wire in enumerate(wires):  # broken off in the head and in the body
            wire.send(whole[:1 + i * (len(whole) - 2) // 99])
        assert answers(impatient)
        for wire in wires:
            assert re.match(rb"HTTP/1\.1 408 ", wire.rest())
        eventually(impatient, lambda stats: stats["open_connections"] <= 1)


def test_a_drop_now_and_then_does_not_buy_more_time():
    whole = request_bytes(question("x" * 100_000))
    with started("--patience-ms", "300") as impatient, Wire(impatient) as wire:
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sent = 0
        with contextlib.suppress(ConnectionError):
            while not impatient_has_answered(wire):
                sent += 1
                assert sent < len(whole) - 1, "it waited for a hundred thousand single bytes"
                wire.send(whole[sent - 1:sent])
        assert re.match(rb"HTTP/1\.1 408 ", wire.rest())


def impatient_has_answered(wire):
    """Looks for 5 ms: that is the pace of the drops."""
    wire.socket.settimeout(0.005)
    try:
        wire.buffer += wire.socket.recv(65536)
        return True
    except TimeoutError:
        return False
    finally:
        wire.socket.settimeout(10)


def test_an_idle_connection_is_no_slow_request():
    with started("--patience-ms", "100") as impatient, Wire(impatient) as idle:
        for _ in range(2):
            with Wire(impatient) as late:  # runs into the time-out, which is later than idle's
                late.send(b"P")
                assert b" 408 " in late.rest()
            idle.send(request_bytes(question("7")))
            assert idle.reply()[0] == 200


def stated_limit():
    """Of all bodies and replies together, as the program's help states it."""
    told = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
    words = " ".join(told.split())
    return int(re.search(r"(\d+) MiB of bodies and replies together", words)[1]) << 20


def test_bodies_of_many_take_no_more_memory_than_is_stated():
    part = request_bytes(question("x" * 1_000_000))[:-1]
    with started() as endpoint, contextlib.ExitStack() as open_ones:
        alone, limit = endpoint.memory_bytes(), stated_limit()
        for _ in range(limit // len(part) + 100):
            wire = open_ones.enter_context(Wire(endpoint))
            with contextlib.suppress(ConnectionError):
                wire.send(part)
        assert answers(endpoint)
        assert endpoint.memory_bytes("VmHWM") - alone < 1.25 * limit
        open_ones.close()
        eventually(endpoint, lambda stats: stats["open_connections"] <= 1)


def descriptors(number):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < number:
        pytest.skip(f"{number} descriptors are needed, and the limit here is {hard} (ulimit -Hn)")
    return (max(soft, number), hard), (soft, hard)


def test_ten_thousand_idle_connections_cost_little_and_leave_nothing():
    raised, before = descriptors(IDLE + 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, raised)
    try:
        with started() as endpoint, contextlib.ExitStack() as open_ones:
            assert answers(endpoint)
            alone = endpoint.memory_bytes()
            first = [open_ones.enter_context(Wire(endpoint)) for _ in range(IDLE // 2)]
            for wire in first:  # half of them are idle after a call, as those of a pool are
                wire.send(request_bytes(question("7")))
            for wire in first:
                assert wire.reply()[0] == 200
            for _ in range(IDLE - len(first)):
                open_ones.enter_context(Wire(endpoint))
            eventually(endpoint, lambda stats: stats["open_connections"] >= IDLE)
            assert answers(endpoint)
            assert endpoint.memory_bytes() - alone < IDLE * MOST_IDLE_BYTES
            open_ones.close()
            eventually(endpoint, lambda stats: stats["open_connections"] <= 1)
            assert answers(endpoint)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
