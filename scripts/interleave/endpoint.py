"""How is the mock LLM started from here? As a child, on a port that it picks; it ends with us."""

import contextlib
import json
import os
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from .process import die_with, interruption_deferred, last_line, signal_name
from .trouble import Trouble

PATH = "/v1/chat/completions"


class MockLlm:
    """`with MockLlm(program, flags) as endpoint:` listens; afterwards nothing of it is left.

    cpus: where it may run, a set as of os.sched_setaffinity; None: wherever this process may.
    """

    def __init__(self, program, flags=(), cpus=None):
        self.command = [str(program), "--until-stdin-closes", *map(str, flags)]
        self.cpus = cpus
        self.process = None

    def __enter__(self):
        with tempfile.NamedTemporaryFile(prefix="interleave-endpoint-", delete=False) as stderr:
            self.stderr = Path(stderr.name)
            try:
                with interruption_deferred():
                    self.process = self.start(stderr)
            except BaseException:
                self.__exit__()
                raise
        try:
            self.read_ports(self.process.stdout.readline())
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self, stderr):
        parent, cpus = os.getpid(), self.cpus

        def in_the_child():
            die_with(parent)
            if cpus:
                os.sched_setaffinity(0, cpus)

        try:
            # A session of its own: Ctrl-C is for us, and we end it.
            return subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                    stderr=stderr, start_new_session=True, preexec_fn=in_the_child)
        except OSError as error:
            raise Trouble(f"cannot start {self.command[0]}: {error.strerror}: build it first")

    def read_ports(self, line):
        try:
            said = json.loads(line)
            self.port, self.refusing_port = said["port"], said["refusing_port"]
        except (ValueError, KeyError, TypeError):
            self.process.stdin.close()
            raise Trouble(f"the mock LLM did not start: {self.how_it_ended()}")

    def how_it_ended(self):
        """Waits for its end; in words why, as far as it told."""
        # A signal just before a wait without end would not be seen: Python looks for it afterwards.
        code = None
        while code is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self.process.wait(1)
        complaint = last_line(self.stderr)
        return complaint or (signal_name(-code) if code < 0 else f"exit status {code}")

    def __exit__(self, *_):
        if self.process:
            self.process.stdin.close()
            self.process.terminate()
            self.process.wait()
            self.process.stdout.close()
        self.stderr.unlink(missing_ok=True)

    def url(self, path=""):
        return f"http://127.0.0.1:{self.port}{path}"

    def stats(self):
        """What it says of itself; `lateness` is that of all tokens and answers so far."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.url("/stats"), timeout=30) as answer:
            return json.load(answer)

    def cpu_ns(self):
        """The CPU time of all its threads so far."""
        # What clock_getcpuclockid(3) makes of a process id; Python has no name for it.
        return time.clock_gettime_ns((~self.process.pid << 3) | 2)

    def memory_bytes(self, what="VmRSS"):
        """What of its memory is resident now; VmHWM: at most so far."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{what}:"):
                return int(line.split()[1]) * 1024
        return 0
