"""Does `./scripts/bench serve` say how to use it, and is nothing left of it, however it ends?"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .endpoint import MockLlm
from .endpoint_fixture import PROGRAM, ROOT, answer_to, free_port, needs_endpoint, needs_program
from .options import parse
from .serve import flags_of
from .trouble import Trouble

# Stands in for the program where the test is of its parent: tells what it was asked for.
FAKE = """import json, os, sys
if "--refuse" in sys.argv: sys.exit("port 1 cannot be had")
print(json.dumps({"port": os.getpid(), "refusing_port": 2}), flush=True)
if "--die" in sys.argv: os.kill(os.getpid(), 11)
sys.stdin.read()
"""


@pytest.fixture
def fake(tmp_path):
    program = tmp_path / "mock_llm"
    program.write_text(f"#!{sys.executable} -SE\n{FAKE}")
    program.chmod(0o755)
    return program


def test_flags_of_a_person_become_flags_of_the_program():
    options = parse(["serve", "--port", "80", "--first", "1s", "--gap", "500us", "--rate", "7",
                     "--faults", "429=0.5,cut=0.1", "--in-flight", "9"], ROOT)
    assert flags_of(options) == ["--first-ms", "1000", "--gap-ms", "0.5", "--port", "80",
                                 "--faults", "429=0.5,cut=0.1", "--rate", "7", "--burst", "7",
                                 "--in-flight", "9", "--queue", "1000000"]
    assert flags_of(parse(["serve"], ROOT)) == ["--first-ms", "300", "--gap-ms", "25"]


def test_a_program_that_does_not_start_is_said_to_be_the_fault(fake, tmp_path):
    with pytest.raises(Trouble, match="did not start: port 1 cannot be had"):
        MockLlm(fake, ["--refuse"]).__enter__()
    with pytest.raises(Trouble, match="build it first"):
        MockLlm(tmp_path / "nonesuch").__enter__()
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\nexit 3\n")
    silent.chmod(0o755)
    with pytest.raises(Trouble, match="exit status 3"):
        MockLlm(silent).__enter__()


def test_its_end_is_told_with_the_signal(fake):
    with MockLlm(fake, ["--die"]) as endpoint:
        assert endpoint.how_it_ended() == "SIGSEGV"


def test_nothing_is_left_after_the_block_even_if_that_fails(fake):
    with pytest.raises(KeyError), MockLlm(fake) as endpoint:
        raise KeyError
    assert endpoint.process.returncode is not None
    assert not endpoint.stderr.exists()


def has_ended(pid):
    """Whether it ends at once; it is no child of ours, so its descriptor is waited for."""
    import select
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        ready, _, _ = select.select([fd], [], [], 10)
        return bool(ready)
    finally:
        os.close(fd)


def serving(*flags):
    """The command as a person types it, once it listens, with its first lines."""
    command = subprocess.Popen(
        [sys.executable, "-m", "interleave", "serve", *flags], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "scripts"), "COLUMNS": "80"})
    lines = []
    for line in command.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith("Ctrl-C"):
            break
    return command, lines


def child_of(command):
    [pid] = Path(f"/proc/{command.pid}/task/{command.pid}/children").read_text().split()
    return int(pid)


@needs_endpoint
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_ends_it_and_what_it_started(number):
    command, _ = serving()
    with command:
        child = child_of(command)
        command.send_signal(number)
        rest = command.stdout.read()
        code = command.wait(10)
        assert has_ended(child)
        if number != signal.SIGKILL:
            assert code == 130 and rest == "Interrupted.\n"


@needs_endpoint
def test_ctrl_c_reaches_the_whole_group_of_a_terminal_and_is_one_word():
    command, _ = serving()
    with command:
        child = child_of(command)
        os.killpg(command.pid, signal.SIGINT)
        assert command.stdout.read() == "Interrupted.\n" and command.wait(10) == 130
        assert has_ended(child)


@needs_endpoint
def test_a_program_that_is_killed_ends_the_command_with_a_reason():
    command, _ = serving()
    with command:
        os.kill(child_of(command), signal.SIGKILL)
        assert command.stdout.read() == "bench: the mock LLM ended by itself: SIGKILL\n"
        assert command.wait(10) == 1


@needs_endpoint
@needs_program("curl")
def test_the_lines_to_try_work_as_they_stand_there():
    command, lines = serving("--first", "1ms", "--gap", "0ms")
    with command:
        typed = re.findall(r"^ {4}(curl .*(?:\n {8}.*)+)", "\n".join(lines), re.M)
        plain, stream = (subprocess.run(["bash", "-c", line], capture_output=True, text=True,
                                        timeout=20).stdout for line in typed)
        command.terminate()
    assert f'"{answer_to("hello")}"' in plain
    assert stream.count("data: ") == 23 and stream.endswith("data: [DONE]\n\n")


@needs_endpoint
def test_it_says_where_it_listens_and_what_its_callers_meet():
    port = free_port()
    command, lines = serving("--port", str(port), "--faults", "429=0.5", "--rate", "7")
    with command:
        command.terminate()
    text = "\n".join(lines)
    assert set(re.findall(r"http://127\.0\.0\.1:(\d+)", text)) == {str(port)}
    for words in ("300 ms", "25 ms", "429=0.5", "7 calls a second"):
        assert words in text
    assert max(map(len, lines)) <= 80


@needs_endpoint
def test_a_port_that_is_taken_is_one_line_and_exit_1():
    with MockLlm(PROGRAM) as other:
        command, lines = serving("--port", str(other.port))
        with command:
            assert command.wait(10) == 1
    assert len(lines) == 1 and lines[0].startswith("bench: ") and str(other.port) in lines[0]
