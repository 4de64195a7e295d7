"""What does `describe` say of each cell? Writes described.json, for the tests of the plan."""

import sys
from pathlib import Path

from .cells import catalogue
from .executables import Executables
from .samples import write_json

KEPT = ("workload_version", "digest", "sum", "lb_ns", "greedy_ns", "lb_model_ns",
        "unit_cost_ns", "turns", "waits", "calls", "blocks")
CORES = 2


def main(build):
    executables = Executables(Path(build))
    described = {}
    for _, cell in catalogue(CORES):
        answer = executables.describe(cell)
        described[cell.id()] = {key: answer[key] for key in KEPT}
    write_json(Path(__file__).parent / "described.json", described)


if __name__ == "__main__":
    main(*sys.argv[1:] or [Path(__file__).resolve().parents[2] / "build" / "release"])
