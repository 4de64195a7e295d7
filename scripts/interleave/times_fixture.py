"""A made-up result whose samples say where their time went and what CPU they took, for tests.

`python3 -m interleave.times_fixture DIR` writes one, to look at; with ALL after it, of every model.
"""

import json
import sys

from . import fixtures

MS = 1_000_000
# Of a run's makespan beyond waits and computing, how it is shared out, by family.
SHARES = {"asio": {"late_ns": 5, "queued_ns": 3, "starting_ns": 1, "ending_ns": 1},
          "libuv": {"late_ns": 8, "queued_ns": 1, "starting_ns": 1},
          "threads": {"starting_ns": 6, "held_up_ns": 3, "ending_ns": 1},
          "sequential": {"queued_ns": 1}}
OTHERS = {"queued_ns": 5, "late_ns": 4, "held_up_ns": 1}
COMPUTING = 3 * MS  # of the slowest chain, where turns compute


def write_result(path, models=None, slower=None):
    """As fixtures.write_result, with the fields that tell time and CPU apart."""
    folder = fixtures.write_result(path, models=models, slower=slower)
    file = folder / "samples.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps(row | more(row)) + "\n" for row in rows))
    return folder


def more(sample):
    if not sample.get("makespan_ns") or not sample.get("turns"):
        return {}
    turns, makespan = sample["turns"], sample["makespan_ns"]
    path = cut(sample, makespan)
    of_turns = {key: path[key] * turns // 2 for key in path
                if key not in ("starting_ns", "ending_ns")}
    empty = sample["scenario"] == "empty"
    asked = sample["params"]["cpu_share"] * sample["params"]["agents"] * 80 * MS
    threads = sample["family"] == "threads"
    return {"time_on_path": path, "time_of_turns": of_turns,
            "units": round(asked / 650), "unit_cost_ns": {"mix": 650.0 if asked else None},
            "waits": 0 if empty or sample["scenario"] == "compute" else turns - 1, "blocks": 0,
            "cpu_user_ns": sample["cpu_user_ns"] + 60 * MS,
            "nvcsw": turns * (2 if threads else 1) + 30, "nivcsw": turns // 4}


def cut(sample, makespan):
    """The makespan as an account of the chain that set it: it adds up to the nanosecond."""
    path = dict.fromkeys(("starting_ns", "waiting_ns", "blocked_ns", "late_ns", "queued_ns",
                          "computing_ns", "held_up_ns", "ending_ns"), 0)
    asked = min(sample["critical_path_ns"], makespan)
    if sample["params"]["cpu_share"] or sample["scenario"] == "compute":
        path["computing_ns"] = min(asked, COMPUTING)
    path["waiting_ns"] = asked - path["computing_ns"]
    shares = SHARES.get(sample["family"], OTHERS)
    left = makespan - asked
    for key, share in shares.items():
        path[key] = left * share // sum(shares.values())
    path[max(shares, key=shares.get)] += makespan - sum(path.values())
    return path


if __name__ == "__main__":
    print(write_result(sys.argv[1], fixtures.EVERY if sys.argv[2:] == ["ALL"] else None))
