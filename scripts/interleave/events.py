"""What does an event of a stream cost, and what a call with and without a kept connection?

An event is a piece of an answer that comes over TCP. Its cost is a slope: CPU time of a run whose
answers have many tokens, less that of one whose answers have few, over the events that it got more.
What is set up once, and what a call costs, cancels. CPU time of the mock LLM is not in it.
"""

from . import units
from .cpu_cost import cpu_ns
from .sockets import told_of
from .twins import by_block, over_runs, paired, twins, with_interval

KEPT, OWN = "calls", "connect"


def events(result, cells):
    """Of each model the cost of an event, and of a call in either way; None without any."""
    tcp = [c for c in cells if c["params"].get("io") == "tcp" and not c["stopped"]]
    samples = by_block(result)
    streams = [cell for group in twins(tcp, "tokens") if (cell := _stream(group, samples))]
    kept = [cell for group in twins(tcp, None, (KEPT, OWN)) if (cell := _calls(group, samples))]
    return {"streams": streams, "calls": kept} if streams or kept else None


def _stream(group, samples):
    """From the fewest tokens to the most."""
    tokens = sorted(t for t in group if t is not None)
    if len(tokens) < 2:
        return None
    few, many = group[tokens[0]], group[tokens[-1]]
    rows = [{"model": r["model"], "cpu_ns": cost, "events_per_s": rate} for r in many["models"]
            if (cost := paired(samples[many["cell_id"], r["model"]],
                               samples[few["cell_id"], r["model"]], _cost_of_an_event))
            and (rate := over_runs(samples[many["cell_id"], r["model"]].values(), _rate))]
    if not rows:
        return None
    return {"cell_id": many["cell_id"], "few_cell_id": few["cell_id"],
            "scenario": many["scenario"], "params": many["params"], "from_tokens": tokens[0],
            "to_tokens": tokens[-1], "models": rows}


def _cost_of_an_event(many, few):
    counts = many.get("events"), few.get("events")
    if None in counts or counts[0] <= counts[1] or None in (many.get("cpu_user_ns"),
                                                            few.get("cpu_user_ns")):
        return None
    return (cpu_ns(many) - cpu_ns(few)) / (counts[0] - counts[1])


def _rate(sample):
    return sample["events"] / sample["makespan_ns"] * 1e9 if sample.get("events") else None


def _calls(group, samples):
    if not {KEPT, OWN} <= set(group):
        return None
    rows = []
    for model in [r["model"] for r in group[KEPT]["models"]]:
        kept, own = (samples[group[name]["cell_id"], model] for name in (KEPT, OWN))
        row = {"model": model, "kept_ns": over_runs(kept.values(), _cpu_of_a_call),
               "own_ns": over_runs(own.values(), _cpu_of_a_call),
               "more": paired(own, kept, _times_as_much),
               "kept_per_s": over_runs(kept.values(), _calls_a_second),
               "own_per_s": over_runs(own.values(), _calls_a_second)}
        if row["kept_ns"] or row["own_ns"]:
            rows.append(row)
    if not rows:
        return None
    cell = group[KEPT]
    return {"cell_id": cell["cell_id"], "own_cell_id": group[OWN]["cell_id"],
            "scenario": cell["scenario"], "params": cell["params"], "models": rows}


def _cpu_of_a_call(sample):
    known = sample.get("calls") and sample.get("cpu_user_ns") is not None
    return cpu_ns(sample) / sample["calls"] if known else None


def _calls_a_second(sample):
    return sample["calls"] / sample["makespan_ns"] * 1e9 if sample.get("calls") else None


def _times_as_much(own, kept):
    costs = _cpu_of_a_call(own), _cpu_of_a_call(kept)
    return costs[0] / costs[1] if costs[0] is not None and costs[1] else None


def events_table(summary):
    """For the page."""
    section = summary.get("events")
    if not section:
        return ""
    parts = ["## What calls and streamed events cost\n",
             "CPU time of the model alone; medians with 95 % intervals. An event is a piece of an "
             "answer: its cost is the slope between runs with few and with many tokens, within "
             "blocks. A call is answered at once, on a connection that is kept, or on one of its "
             "own.\n"]
    for cell in section["streams"]:
        parts.append(f"| **{cell['scenario']}** {told_of(cell)}, against {cell['from_tokens']:,} "
                     "| CPU time of an event | events a second |\n|---|---:|---:|")
        parts += [f"| `{row['model']}` | {with_interval(row['cpu_ns'], units.duration)} | "
                  f"{with_interval(row['events_per_s'], rate)} |" for row in cell["models"]]
        parts.append("")
    for cell in section["calls"]:
        parts.append(f"| **{KEPT}**, **{OWN}** {told_of(cell)} | CPU time of a call, connection "
                     "kept | its own connection | times as much | calls a second, kept | its own "
                     "|\n|---|" + "---:|" * 5)
        parts += ["| " + " | ".join([
            f"`{row['model']}`", *(with_interval(row[k], units.duration)
                                   for k in ("kept_ns", "own_ns")),
            with_interval(row["more"], lambda x: f"{x:.2f}×"),
            *(with_interval(row[k], rate) for k in ("kept_per_s", "own_per_s"))]) + " |"
            for row in cell["models"]]
        parts.append("")
    return "\n".join(parts)


def rate(value):
    """Three significant digits, as a whole number where it is large."""
    return f"{round(float(f'{value:.3g}')):,}" if value >= 100 else units.three_digits(value)
