"""By what does a check know later which result and which cell a table is of? Marks in comments."""

import re

RESULT, CELL = "interleave-result", "interleave-cell"
MARK = re.compile(rf"({RESULT}|{CELL}):\s*(\S+)")
# As manifest.result_id makes them: when, which commit, which profile.
ID = re.compile(r"\b\d{8}T\d{6}Z_[0-9a-z]+_[a-z]+\b")


def mark_of(summary, cell=None):
    return f"{CELL}: {cell['cell_id']}" if cell else f"{RESULT}: {summary['result_id']}"
