"""A made-up result whose times are round, for tests of what cites and checks them.

In the k-th cell (from 1) asio took k * 300 ms, and 0 to 10 ms more from block to block: in `fanout`
with 1,000 agents and 2 workers, the third, 905 ms [900–910].
"""

import json

from . import fixtures

MS = 1_000_000
BASE = {"asio": 300, "libuv": 310, "tbb": 320, "threads": 330, "asyncio": 352, "sequential": 900}
ID = "20250102T030405Z_abc1234_quick"


def write_round_result(path):
    fixtures.write_result(path)
    rows = [json.loads(line) for line in (path / "samples.jsonl").read_text().splitlines()]
    for row in rows:
        if row["makespan_ns"] and row["mode"] == "timed":
            cell = int(row["exec_id"].split("-")[0])
            row["makespan_ns"] = ((cell + 1) * BASE[row["model"]] + 2 * row["block"]) * MS
    (path / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
