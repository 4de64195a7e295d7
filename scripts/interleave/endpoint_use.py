"""What did the mock LLM take beside the runs, and did it share their CPUs?"""

from . import stats, units
from .chart_data import describe
from .sockets import told_of
from .twins import over_runs


def endpoint_use(result, cells):
    """A row for each cell with runs over TCP, all models together; None without any."""
    runs = {}
    for sample in result.measured():
        if sample.get("endpoint"):
            runs.setdefault(sample["cell_id"], []).append(sample)
    rows = [{"cell_id": cell["cell_id"], "scenario": cell["scenario"], "params": cell["params"],
             **_row(runs[cell["cell_id"]])} for cell in cells if cell["cell_id"] in runs]
    return {"cells": rows} if rows else None


def _row(samples):
    def of_endpoint(key):
        return lambda s: s["endpoint"].get(key)

    def of_a_cpu(sample):
        cpu = sample["endpoint"].get("cpu_ns")
        return None if cpu is None else cpu / sample["makespan_ns"]

    peaks = [b for s in samples if (b := s["endpoint"].get("peak_resident_bytes")) is not None]
    own = {s["endpoint"].get("own_cpu") for s in samples}
    return {"runs": len(samples), "own_cpu": own.pop() if len(own) == 1 else None,
            "cpu_share": over_runs(samples, of_a_cpu),
            "peak_bytes": max(peaks, default=None),
            "requests": round(stats.median([s["endpoint"].get("requests") or 0 for s in samples])),
            "connections": over_runs(samples, of_endpoint("connections"), whole=True),
            "lateness_p99_ns": over_runs(samples, of_endpoint("lateness_p99_ns"), whole=True)}


def sharing_words(cells):
    """How CPUs were shared, in a sentence."""
    own = {cell["own_cpu"] for cell in cells}
    if own == {True}:
        return "The mock LLM had a CPU of its own that the models did not use."
    if own == {False}:
        return ("The mock LLM shared the CPUs of the models, for there was none to spare: what it "
                "took, they did not get.")
    return "Whether the mock LLM had a CPU of its own differs from cell to cell, or is not known."


def _median(e, words):
    """Models differ in what they ask of it: an interval over them would say nothing."""
    return "–" if e is None else words(e["median"])


def _told(row):
    """Two cells may differ in how they end only."""
    more = [describe(k, row["params"][k]) for k in ("on_error", "stop_after_us")
            if row["params"].get(k, "isolate") != "isolate"]
    return ", ".join([told_of(row), *more])


def endpoint_table(summary):
    """For the page: what is charged to nobody."""
    section = summary.get("endpoint")
    if not section:
        return ""
    lines = ["## What the mock LLM took\n",
             f"{sharing_words(section['cells'])} It is in no model's figures. Late: how "
             "much later than due 99 of 100 tokens and answers left it at most. Medians over the "
             "runs of all models.\n",
             "| cell | its CPU | CPU time, of one CPU | memory | requests | connections | late |",
             "|---|---|" + "---:|" * 5]
    for row in section["cells"]:
        own = {True: "its own", False: "shared"}.get(row["own_cpu"], "not known")
        memory = "–" if row["peak_bytes"] is None else units.size(row["peak_bytes"])
        lines.append("| " + " | ".join([
            f"**{row['scenario']}** {_told(row)}", own,
            _median(row["cpu_share"], units.percent), memory, f"{row['requests']:,}",
            _median(row["connections"], lambda n: f"{round(n):,}"),
            _median(row["lateness_p99_ns"], units.duration)]) + " |")
    return "\n".join(lines) + "\n"
