"""What the tests of the mock LLM share: the built program, and what it must answer."""

import json
import shutil
import socket
import struct
import time
from contextlib import closing
from pathlib import Path

import pytest

from .endpoint import PATH, MockLlm

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build" / "release" / "mock_llm"
needs_endpoint = pytest.mark.skipif(not PROGRAM.is_file(),
                                    reason="build/release/mock_llm is not built")


def needs_program(name):
    return pytest.mark.skipif(not shutil.which(name), reason=f"{name} is not installed: "
                              "./scripts/test installs it where apt is")


def started(*flags):
    return MockLlm(PROGRAM, flags)


def mix64(x):
    """bench/random.hpp once more: a second hand must come to the same answers."""
    mask = (1 << 64) - 1
    x = (x + 0x9e3779b97f4a7c15) & mask
    x = ((x ^ (x >> 30)) * 0xbf58476d1ce4e5b9) & mask
    x = ((x ^ (x >> 27)) * 0x94d049bb133111eb) & mask
    return x ^ (x >> 31)


def fnv1a(text):
    h = 0xcbf29ce484222325
    for byte in text.encode():
        h = ((h ^ byte) * 0x100000001b3) & ((1 << 64) - 1)
    return h


def answer_to(content, seed=0):
    """The sixteen digits that the last message asks for."""
    is_number = content.isascii() and content.isdigit() and int(content) < 1 << 64
    n = int(content) if is_number else fnv1a(content)
    return f"{mix64(mix64(mix64(seed) ^ 1) ^ n):016x}"  # stream 1: what the outside world answers


def question(content="7", **fields):
    return {"messages": [{"role": "user", "content": content}], **fields}


def request_bytes(body, *headers, path=PATH, version="1.1"):
    """One POST as it goes over a socket."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"POST {path} HTTP/{version}", "Host: 127.0.0.1", "Content-Type: application/json",
             f"Content-Length: {len(data)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


class Wire:
    """A TCP connection on which a test says what it likes, and reads replies one by one."""

    def __init__(self, endpoint, timeout_s=10):
        self.socket = socket.create_connection(("127.0.0.1", endpoint.port), timeout=timeout_s)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def until(self, mark):
        """All up to and with the mark; raises EOFError where the peer closes before it."""
        while mark not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(self.buffer)
            self.buffer += data
        got, _, self.buffer = self.buffer.partition(mark)
        return got + mark

    def reply(self, has_body=True):
        """(status, headers by lower-case name, body) of a reply with a Content-Length."""
        first, *lines = self.until(b"\r\n\r\n").decode().strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = int(headers.get("content-length", 0)) if has_body else 0
        while len(self.buffer) < length:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(self.buffer)
            self.buffer += data
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return int(first.split()[1]), headers, body

    def rest(self):
        """What comes until the peer closes, or breaks off."""
        try:
            while data := self.socket.recv(65536):
                self.buffer += data
        except ConnectionError:
            pass
        return self.buffer

    def reset(self):
        """Leaves without a farewell: the peer's next look at this connection is an error."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def answers(endpoint, content="7", **fields):
    """Whether it still does, on a connection of its own."""
    with Wire(endpoint) as wire:
        wire.send(request_bytes(question(content, **fields)))
        status, _, body = wire.reply()
    digits = json.loads(body)["choices"][0]["message"]["content"] if status == 200 else ""
    return digits.endswith(answer_to(content))


def eventually(endpoint, holds, patience_s=10):
    """Asks for its figures until they are as they should be: each question is a call of its own,
    which takes the endpoint's time and not ours."""
    end = time.monotonic() + patience_s
    while not holds(stats := endpoint.stats()):
        assert time.monotonic() < end, stats
    return stats


def free_port():
    """One that nobody listened on a moment ago."""
    with closing(socket.create_server(("127.0.0.1", 0))) as s:
        return s.getsockname()[1]
