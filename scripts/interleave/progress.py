"""What a person sees while measuring: a bar with the time left, or plain lines without a terminal.

The bar is drawn between processes only: nothing here may use the CPU while one is measured.
"""

import time

from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from .units import plural

LINE_EVERY_S = 10.0


def spoken(seconds):
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


class TimeLeft:
    """The predicted times of what is left, corrected by how predictions fared so far."""

    def __init__(self, predictions):
        self.left = sum(predictions)
        # A prior of ten seconds keeps the first, shortest processes from swinging the estimate.
        self.predicted = self.taken = 10.0

    def add(self, predictions):
        self.left += sum(predictions)

    def done(self, predicted, taken):
        self.left -= predicted
        self.predicted += predicted
        self.taken += taken

    def seconds(self):
        return max(0.0, self.left) * self.taken / self.predicted


class Display:
    """started(entry) before each process, done(entry, row) after it, note(text) for what is odd."""

    def __init__(self, console, entries, blocks):
        self.console = console
        self.blocks = blocks
        self.time_left = TimeLeft(entry["predicted_s"] for entry in entries)
        self.total, self.count, self.bad_blocks = len(entries), 0, 0
        self.last_line = time.monotonic()
        self.live = console.is_terminal and not console.is_dumb_terminal
        self.progress = self.task = None

    def __enter__(self):
        if self.live:
            self.progress = Progress(
                TextColumn("{task.completed}/{task.total}"), BarColumn(bar_width=24),
                TextColumn("{task.fields[left]} left"), TextColumn("{task.description}"),
                console=self.console, auto_refresh=False)
            self.task = self.progress.add_task("", total=self.total, left="")
            self.progress.start()
        return self

    def __exit__(self, *_):
        if self.progress:
            self.progress.stop()

    def started(self, entry):
        left = spoken(self.time_left.seconds())
        what = self.what(entry) + (f"  ({self.bad_blocks} disturbed)" if self.bad_blocks else "")
        if self.live:
            self.progress.update(self.task, description=what, left=left, completed=self.count)
            self.progress.refresh()
        elif self.count == 0 or time.monotonic() - self.last_line >= LINE_EVERY_S:
            self.last_line = time.monotonic()
            self.say(f"{self.count}/{self.total}  {left} left  {what}")

    def what(self, entry):
        params = entry["params"]
        model = entry["model"] + (" again" if entry["mode"] == "aa" else "")
        return f"{self.part(entry)}  {entry['scenario']} {params['agents']:,}  {model}"

    def part(self, entry):
        if entry["block"] is None:
            return "timeline"
        if entry.get("instead_of") is not None:
            return f"extra block, for {entry['instead_of'] + 1}"
        return f"block {entry['block'] + 1}/{self.blocks}"

    def done(self, entry, row):
        self.count += 1
        self.time_left.done(entry["predicted_s"], row["wall_ns"] * 1e-9)
        if self.live and self.count == self.total:
            self.progress.update(self.task, completed=self.count, description="", left="0 s")
            self.progress.refresh()

    def disturbed(self, count):
        """So many blocks were disturbed so far."""
        self.bad_blocks = count

    def more(self, entries, disturbed):
        """Entries that are added to the plan, in the place of disturbed blocks."""
        self.total += len(entries)
        self.time_left.add(entry["predicted_s"] for entry in entries)
        if self.live:
            self.progress.update(self.task, total=self.total)
        blocks = len({(entry["cell_id"], entry["block"]) for entry in entries})
        seconds = sum(entry["predicted_s"] for entry in entries)
        self.say(f"{plural(disturbed, 'block')} disturbed so far (a canary more than 5 % off): "
                 f"{plural(blocks, 'block')} more instead, about {spoken(seconds)}.")

    def say(self, text):
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def note(self, text):
        self.console.print(f"[yellow]{escape(text)}[/]", highlight=False, soft_wrap=True)
