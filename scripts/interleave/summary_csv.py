"""How is a summary written as CSV? One line per cell and model."""

import csv
import io

from .samples import STATUSES
from .tables import table_cells

FAILED = [status for status in STATUSES if status != "ok"]
CSV_COLUMNS = [
    "cell_id", "scenario", "agents", "workers", "cpu_share", "io", "tokens", "on_error",
    "stop_after_us", "model", "family", "rung", "n",
    *FAILED, "missing", "makespan_ns", "makespan_low_ns", "makespan_high_ns", "efficiency",
    "efficiency_low", "efficiency_high", "lb_efficiency", "overhead", "ceiling", "lb_ns",
    "greedy_ns", "lb_model_ns", "threads_peak", "own_memory_bytes", "cpu_s_per_1000_turns",
    "reasons"]


def as_csv(summary):
    out = io.StringIO()
    writer = csv.DictWriter(out, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for cell in table_cells(summary):
        for row in cell["models"]:
            writer.writerow(_csv_row(cell, row))
    return out.getvalue()


def _csv_row(cell, row):
    def part(key, which):
        return row[key][which] if row[key] else None

    params = cell["params"]
    return {
        "cell_id": cell["cell_id"], "scenario": cell["scenario"],
        **{k: params.get(k) for k in ("agents", "workers", "cpu_share", "io", "tokens", "on_error",
                                      "stop_after_us")},
        **{k: row[k] for k in ("model", "family", "rung", "n", "ceiling", "lb_model_ns",
                               "threads_peak", "missing")},
        **{k: row["status"].get(k, 0) for k in FAILED},
        **{k: cell[k] for k in ("lb_ns", "greedy_ns")},
        "makespan_ns": part("makespan_ns", "median"),
        "makespan_low_ns": part("makespan_ns", "low"),
        "makespan_high_ns": part("makespan_ns", "high"),
        "efficiency": part("efficiency", "median"),
        "efficiency_low": part("efficiency", "low"),
        "efficiency_high": part("efficiency", "high"),
        **{k: part(k, "median") for k in ("lb_efficiency", "overhead", "own_memory_bytes",
                                          "cpu_s_per_1000_turns")},
        "reasons": "; ".join(f"{r['status']}: {r['reason']}" for r in row["reasons"]),
    }
