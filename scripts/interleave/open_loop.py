"""What rate of arrivals does each model keep up with? Sessions come whether it is ready or not.

How long a session takes counts from the moment it was meant to arrive, so that one that a busy
model lets in late has waited as long as its user did. Percentiles are those of merged histograms.

The knee, by a rule fixed before anything was measured: the highest of the measured rates up to
which nine of ten sessions take at most TWICE as long as with the best model at the lowest rate. The
yardstick is the best model's, not the model's own: one that is swamped at the lowest rate already
would otherwise be measured against its own misery.
"""

import json
from collections import defaultdict

from . import histograms, stats, units
from .chart_data import describe
from .cpu_cost import cpu_ns
from .estimates import six_digits

SCENARIO = "open-loop"
TWICE = 2
LITTLE_LIMIT = 0.02  # beyond rounding, and beyond what the ends of a run could excuse


def open_loop(result, cells):
    """Series over rates, one for each set of the other parameters; None where nothing arrived."""
    taken = defaultdict(list)
    for sample in result.measured():
        if (sample.get("results") or {}).get("arrivals_ns"):
            taken[sample["cell_id"], sample["model"]].append(sample)
    groups = defaultdict(list)
    for cell in cells:
        rest = {k: v for k, v in cell["params"].items() if k != "agents"}
        plain = cell["scenario"] == SCENARIO and not rest.get("heartbeat_us")
        if plain and any(taken[cell["cell_id"], row["model"]] for row in cell["models"]):
            groups[json.dumps(rest, sort_keys=True)].append(cell)
    if not groups:
        return None
    return {"series": [_series(json.loads(rest), group, taken) for rest, group in groups.items()],
            "littles_law": _littles_law([s for group in groups.values() for cell in group
                                         for row in cell["models"]
                                         for s in taken[cell["cell_id"], row["model"]]])}


def _series(rest, cells, taken):
    cells = sorted(cells, key=lambda c: c["params"].get("agents") or 0)
    models = list(dict.fromkeys(row["model"] for cell in cells for row in cell["models"]))
    rates = {model: [_at_rate(cell, taken[cell["cell_id"], model]) for cell in cells
                     if taken[cell["cell_id"], model]] for model in models}
    yardstick = _yardstick(rates)
    return {"params": rest, "cpus": cells[0]["cpus"], "yardstick_p90_ns": yardstick,
            "lowest_rate_per_s": min(r["rate_per_s"] for rows in rates.values() for r in rows),
            "highest_rate_per_s": max(r["rate_per_s"] for rows in rates.values() for r in rows),
            "capacity": _capacity(cells, models, taken),
            "models": [{"model": model, "rates": rates[model], **knee(rates[model], yardstick)}
                       for model in models if rates[model]],
            "not_run": [{"model": model, "at_most_per_s": most} for model in models
                        if not rates[model] and (most := _most_by_structure(cells, model))]}


def _at_rate(cell, samples):
    found = [s["results"] for s in samples]
    merged = histograms.merge(r.get("histogram") for r in found)
    longest = max(r["max"] for r in found) if all(r.get("max") is not None for r in found) \
        else None
    throughput = [r["n"] / r["span_ns"] * 1e9 for r in found if r.get("span_ns")]
    return {"agents": cell["params"].get("agents"),
            "rate_per_s": six_digits(found[0]["n"] / found[0]["arrivals_ns"] * 1e9),
            "runs": len(found), "n": histograms.count(merged),
            **{f"p{q}_ns": histograms.percentile(merged, q, longest) for q in (50, 90, 99)},
            "max_ns": longest,
            "throughput_per_s": six_digits(stats.median(throughput)) if throughput else None}


def _most_by_structure(cells, model):
    """Of a model that was not run because its bound is too long: the sessions of the largest cell
    over that bound, the least time in which its structure gets through them."""
    bounds = [(cell["params"].get("agents") or 0, row["lb_model_ns"]) for cell in cells
              for row in cell["models"]
              if row["model"] == model and row["skipped_by_bound"] and row["lb_model_ns"]]
    agents, bound = max(bounds, default=(0, None))
    return six_digits(agents / bound * 1e9) if agents else None


def _yardstick(rates):
    """The least p90 at the lowest rate at which one is known."""
    known = [(r["rate_per_s"], r["p90_ns"]) for rows in rates.values() for r in rows if r["p90_ns"]]
    return min(known)[1] if known else None


def knee(rates, yardstick):
    """`rates` ascend. not reached: it kept up with all that it was measured at. below: it did not
    even with the lowest. unknown: too few sessions for any p90."""
    last = None
    for row in rates:
        if row["p90_ns"] is None:
            continue
        if row["p90_ns"] > TWICE * yardstick:
            return {"knee": "below" if last is None else "reached", "knee_per_s": last}
        last = row["rate_per_s"]
    return {"knee": "unknown" if last is None else "not reached", "knee_per_s": last}


def _capacity(cells, models, taken):
    """The rate at which all CPUs compute all the time: by the CPU time of a session with the model
    that needs least, where most sessions were. None needs less than what the sessions compute."""
    for cell in reversed(cells):
        costs = []
        for model in models:
            each = [cpu_ns(s) / s["results"]["n"] for s in taken[cell["cell_id"], model]
                    if s.get("cpu_user_ns") is not None and s.get("cpu_sys_ns") is not None]
            if each and stats.median(each) > 0:
                costs.append((stats.median(each), model))
        if costs and cell["cpus"]:
            least, model = min(costs)
            return {"rate_per_s": six_digits(cell["cpus"] * 1e9 / least), "model": model,
                    "cpu_ns_per_session": round(least)}
    return None


def _littles_law(samples):
    """Sessions under way = sessions a second x how long each takes, whatever the model does. The
    left side is counted moment by moment, the right side from the latencies: where they differ,
    one of the two is wrong."""
    checked = []
    for s in samples:
        r = s["results"]
        if r.get("in_system") and r.get("span_ns") and r.get("mean_ns"):
            by_law = r["n"] / r["span_ns"] * r["mean_ns"]
            off = abs(r["in_system"] - by_law) / max(r["in_system"], by_law)
            checked.append((off, s["exec_id"], s["model"], r["in_system"], by_law))
    if not checked:
        return None
    off, _, model, in_system, by_law = max(checked)
    return {"runs": len(checked), "largest_difference": six_digits(off), "model": model,
            "in_system": six_digits(in_system), "by_law": six_digits(by_law),
            "holds": off <= LITTLE_LIMIT}


def little_words(law):
    """One sentence: that the check was passed, or that it was not."""
    if law is None:
        return ""
    if law["holds"]:
        tenths = max(1, -(-law["largest_difference"] * 1000 // 1))
        return ("Check of the counting: sessions under way = rate × time of each (Little's law) "
                f"holds within {tenths / 10:g} %.")
    return (f"WARNING: by their rate and times {law['by_law']:.3g} sessions were under way in a "
            f"run of {law['model']}, counted were {law['in_system']:.3g}: Little's law is broken, "
            "so these times cannot be right.")


def knee_words(row, lowest):
    """What a model keeps up with, for a table or beside its name."""
    if row["knee"] == "unknown":
        return "?"
    if row["knee"] == "below":  # the lowest of all, unless it failed there
        lowest = next((r["rate_per_s"] for r in row["rates"] if r["p90_ns"] is not None), lowest)
        return f"< {rate_words(lowest)}"
    return ("≥ " if row["knee"] == "not reached" else "") + rate_words(row["knee_per_s"])


def at_most_words(row):
    return f"≤ {rate_words(row['at_most_per_s'])} (not run)"


def rate_words(rate):
    return f"{float(f'{rate:.3g}'):,.10g}/s"


def open_loop_table(summary):
    """For the page: what each model keeps up with, and p90 (p99) at each rate."""
    section = summary.get("open_loop")
    if not section:
        return ""
    parts = ["## Sessions that arrive at a given rate\n"]
    for series in section["series"]:
        rates = sorted({r["rate_per_s"] for m in series["models"] for r in m["rates"]})
        workers = describe("workers", series["params"].get("workers"))
        parts.append(f"With {workers}: the highest rate that each keeps up with, and at each rate "
                     "the time that 90 % (99 %) of the sessions take at most; – where they are too "
                     "few to tell. Not run: what its structure would get through at most.\n")
        lines = ["| model | keeps up with | " + " | ".join(rate_words(r) for r in rates) + " |",
                 "|---|---:|" + "---:|" * len(rates)]
        for row in series["models"]:
            found = {r["rate_per_s"]: _times(r) for r in row["rates"]}
            lines.append(f"| `{row['model']}` | {knee_words(row, series['lowest_rate_per_s'])} | "
                         + " | ".join(found.get(rate, "") for rate in rates) + " |")
        lines += [f"| `{row['model']}` | {at_most_words(row)} | " + " | " * len(rates)
                  for row in series["not_run"]]
        parts.append("\n".join(lines) + "\n")
    law = little_words(section["littles_law"])
    return "\n".join([*parts, f"{law}\n" if law else ""])


def _times(rate):
    p90, p99 = rate["p90_ns"], rate["p99_ns"]
    return (units.duration(p90) if p90 else "–") + (f" ({units.duration(p99)})" if p99 else "")
