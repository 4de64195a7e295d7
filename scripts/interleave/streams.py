"""How are many streamed answers read at once? In one thread; they are proved when all are over."""

import json
import select
import socket
import time
from collections import deque

from .endpoint import PATH


def request_for(port, number, tokens, first_ns, gap_ns):
    body = json.dumps({"messages": [{"role": "user", "content": str(number)}], "stream": True,
                       "max_tokens": tokens, "mock": {"first_ns": first_ns, "gap_ns": gap_ns}})
    return (f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()


class Streams:
    """`count` streams, each of `tokens`; their requests leave evenly spread over `spread_s`."""

    def __init__(self, port, count, tokens, first_ns=0, gap_ns=0, spread_s=0.0):
        self.port, self.tokens, self.spread_s = port, tokens, spread_s
        self.requests = [request_for(port, i, tokens, first_ns, gap_ns) for i in range(count)]
        self.replies = {}

    def read(self, on_all_running=lambda: None, on_first_end=lambda: None):
        """Until all have ended. Tells when the last request has left, and when the first ends."""
        sockets = {}
        try:
            for _ in self.requests:  # connected before: a connection is no part of a stream
                s = socket.create_connection(("127.0.0.1", self.port))
                sockets[s.fileno()] = s
                self.replies[s.fileno()] = bytearray()
            self.exchange(sockets, on_all_running, on_first_end)
        finally:
            for s in sockets.values():
                s.close()

    def exchange(self, sockets, on_all_running, on_first_end):
        begin, apart_s = time.monotonic(), self.spread_s / len(self.requests)
        to_send = deque((begin + i * apart_s, fd) for i, fd in enumerate(sockets))
        requests = dict(zip(sockets, self.requests))
        left, ended = len(sockets), False
        with select.epoll() as epoll:
            while left:
                while to_send and to_send[0][0] <= time.monotonic():
                    fd = to_send.popleft()[1]
                    sockets[fd].sendall(requests[fd])
                    epoll.register(fd, select.EPOLLIN)
                    if not to_send:
                        on_all_running()
                patience = max(0, to_send[0][0] - time.monotonic()) if to_send else 30
                ready = epoll.poll(patience)
                if not ready and not to_send:
                    return  # the proof finds what did not come
                for fd, _ in ready:
                    if not self.receive(sockets[fd]):
                        epoll.unregister(fd)
                        left -= 1
                        if not ended:
                            ended = True
                            on_first_end()

    def receive(self, s):
        try:
            data = s.recv(65536)
        except ConnectionError:
            return False
        self.replies[s.fileno()] += data
        return bool(data)

    def faults(self):
        """What is wrong with the replies, one line for each that is."""
        return [fault for fault in (fault_of(bytes(reply), self.tokens)
                                    for reply in self.replies.values()) if fault]


def without_chunks(data):
    """The body behind chunked encoding; None where that is broken off or broken."""
    body, at = bytearray(), 0
    while True:
        line = data.find(b"\r\n", at)
        try:
            size = int(data[at:line].split(b";")[0], 16) if line > at else None
        except ValueError:
            size = None
        if size is None or data[line + 2 + size:line + 4 + size] != b"\r\n":
            return None
        if size == 0:
            return bytes(body)
        body += data[line + 2:line + 2 + size]
        at = line + 4 + size


def frames_of(body):
    """What stands behind each `data: ` of an event stream."""
    return [frame.removeprefix(b"data: ") for frame in body.split(b"\n\n") if frame]


def fault_of(reply, tokens):
    head, _, data = reply.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        return f"a stream began with {head[:40]!r}"
    body = without_chunks(data)
    if body is None:
        return "a stream broke off"
    *frames, last = frames_of(body)
    if last != b"[DONE]":
        return f"a stream ended with {last[:40]!r}"
    came = sum(b'"content":' in frame and b'"role":' not in frame for frame in frames)
    return None if came == tokens else f"a stream had {came} tokens of {tokens}"
