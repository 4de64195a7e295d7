"""What the built programs say of themselves: the models there are, and what a cell asks of them."""

import json
import os
import subprocess

from .process import die_with
from .trouble import Trouble


def ask(command):
    """Runs a program that answers with one JSON object on standard output."""
    asker = os.getpid()
    try:
        answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                preexec_fn=lambda: die_with(asker))
    except OSError as error:
        raise Trouble(f"cannot start {command[0]}: {error.strerror}: build first")
    if answer.returncode:
        complaint = (answer.stderr.strip().splitlines() or [f"exit {answer.returncode}"])[-1]
        raise Trouble(f"{' '.join(map(str, command))} failed: {complaint}")
    try:
        return json.loads(answer.stdout)
    except ValueError as error:
        raise Trouble(f"{' '.join(map(str, command))} did not answer in JSON: {error}")


class Executables:
    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return self.folder / name

    def about(self, models):
        """What each built model says of itself, and the models that were not built."""
        built = [name for name in models if self.path(name).is_file()]
        answers = {name: ask([str(self.path(name)), "--about"]) for name in built}
        return answers, [name for name in models if name not in answers]

    def presets(self):
        return ask([str(self.path("describe")), "--list"])

    def describe(self, cell):
        return ask([str(self.path("describe")), *cell.flags()])

    def describe_all(self, cells, on_done=lambda: None):
        """The reference answers and bounds of all cells, computed once each."""
        answers = []
        for cell in cells:
            answers.append(self.describe(cell))
            on_done()
        return answers
