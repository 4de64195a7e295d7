"""How is a result cited in a sentence? Numbers, how sure they are, where they are from, whose."""

from . import units
from .cite_suite import suite
from .comparisons import NO_RACE
from .machine import is_virtual
from .tables import cell_names, entry

SELF_RUN = "self-run, not independently reproduced"
LEVEL_WORDS = {"citable": "citable", "with caution": "to be cited with caution",
               "not citable": "not citable"}
NAMED = 8  # models in a sentence; with more, the fastest and the slowest of them


def headline_cells(summary):
    """Those that the run measured most: of each scenario the cell with the most samples, the
    default workers and the most agents; and of these, the ones that got all blocks of the run."""
    best = {}
    for cell in summary["cells"]:
        if compared(cell) and _weight(summary, cell) > _weight(summary, best.get(cell["scenario"])):
            best[cell["scenario"]] = cell
    most = max((samples_of(cell)[1] for cell in best.values()), default=0)
    return [cell for cell in summary["cells"]
            if best.get(cell["scenario"]) is cell and samples_of(cell)[1] == most]


def compared(cell):
    return cell["scenario"] not in NO_RACE and sum(row["n"] > 0 for row in cell["models"]) > 1


def samples_of(cell):
    """The fewest and the most samples behind one of its medians."""
    counts = [row["n"] for row in cell["models"] if row["makespan_ns"]]
    return min(counts, default=0), max(counts, default=0)


def _weight(summary, cell):
    if cell is None:
        return ()
    params = cell["params"]
    return (samples_of(cell)[1], params.get("workers") == summary["default_workers"],
            params.get("agents") or 0, sum(row["n"] for row in cell["models"]),
            -(params.get("cpu_share") or 0))


def sentences(summary, manifest):
    """One for each headline cell, each complete in itself."""
    names = cell_names(summary)
    return [f"{_standing(summary)}{', '.join(filter(None, names[cell['cell_id']]))}: "
            f"{times_words(cell)} (median time to finish everything{_interval_words(cell)}, "
            f"{n_words(cell)}; {source_words(summary, manifest)}; {SELF_RUN})."
            for cell in headline_cells(summary)]


def sentence(summary, manifest):
    """One of them: measured most, at the default workers, and first in every table. Where no two
    models were compared, one without numbers."""
    cells, found = headline_cells(summary), sentences(summary, manifest)
    if not found:
        return f"{_standing(summary)}{source_words(summary, manifest)}; {SELF_RUN}."
    return max(zip(cells, found), key=lambda pair: _weight(summary, pair[0])[:2])[1]


def _standing(summary):
    """What must be said before any number of a result that is not citable: that, and why."""
    trust = summary["trust"]
    if trust["level"] != "not citable":
        return ""
    first, *more = [reason.rstrip(".") for reason in trust["reasons"]] or ["no reason is given"]
    rest = f"; and {units.plural(len(more), 'reason')} more" if more else ""
    return f"NOT CITABLE ({first}{rest}). "


def times_words(cell):
    """The models from the fastest on, and those that were not run at the end."""
    measured = sorted((row for row in cell["models"] if row["makespan_ns"]),
                      key=lambda row: (row["makespan_ns"]["median"], row["model"]))
    bounded = sorted((row for row in cell["models"] if row["skipped_by_bound"]),
                     key=lambda row: (row["lb_model_ns"] or 0, row["model"]))
    told = [f"{row['model']} {time_words(row)}" for row in measured]
    if len(told) > NAMED:
        told = [*told[:NAMED - 1], f"{len(told) - NAMED} more", told[-1]]
    told += [f"{row['model']} not run (by its structure {entry(row)[0]})"
             for row in bounded[:NAMED] if row["lb_model_ns"]]
    return ", ".join(told)


def time_words(row):
    main, interval, _, _ = entry(row)
    return " ".join(filter(None, (main, interval)))


def _interval_words(cell):
    known = any(row["makespan_ns"] and row["makespan_ns"]["low"] is not None
                for row in cell["models"])
    return " [95 % interval]" if known else ", without interval, for there are too few processes"


def n_words(cell):
    """How many processes stand behind each median."""
    return f"n = {units.span(samples_of(cell))}"


def source_words(summary, manifest):
    """Suite, result, what it says of itself, machine, day."""
    machine = summary["machine"]
    cpus = machine.get("cpus")
    hardware = ", ".join(filter(None, (
        machine.get("name"), units.plural(cpus, "CPU") if cpus else None,
        "virtual machine" if is_virtual(machine.get("hypervisor")) else None)))
    day = (summary.get("created_utc") or "")[:10]
    return ", ".join(filter(None, (
        f"{suite_words(manifest)} at commit {summary['commit']}",
        f"workload version {summary['workload_version']}",
        f"result {summary['result_id']}", summary["trust"]["level"], hardware, day)))


def suite_words(manifest):
    """Its name, and the version that measured. Results of before that was stored have the commit
    alone: today's version may be another."""
    return " ".join(filter(None, (suite().name, manifest.get("suite_version"))))


def provenance(summary, manifest):
    """What all sentences have in common, in full: versions, machine, reasons."""
    machine = summary["machine"]
    memory = machine.get("memory_bytes")
    hardware = ", ".join(str(fact) for fact in (
        machine.get("cpu_model"), units.plural(machine["cpus"], "CPU") if machine.get("cpus")
        else None, units.gibibytes(memory) if memory else None,
        machine.get("system"), f"Linux {machine['kernel']}" if machine.get("kernel") else None,
        "virtual machine" if is_virtual(machine.get("hypervisor")) else None) if fact)
    measured = summary.get("created_utc") or "at an unknown time"
    dirty = " with changes that no commit holds" if manifest.get("dirty") else ""
    lines = [
        f"Result: {summary['result_id']}, measured {measured}, profile {summary['profile']}, "
        f"{SELF_RUN}.",
        f"Suite: {suite_words(manifest)}, commit {summary['commit']}{dirty}, workload version "
        f"{summary['workload_version']}, {manifest.get('compiler') or 'compiler not known'}, "
        f"{manifest.get('flags') or 'flags not known'}.",
        f"Libraries as loaded: {libraries_words(manifest)}.",
        f"Machine: {machine.get('name') or 'its name is not known'}: {hardware}."]
    return lines + [verdict_words(summary["trust"])]


def libraries_words(manifest):
    """Each version once, with the models that use it."""
    users = {}
    for model, version in sorted((manifest.get("libraries") or {}).items()):
        users.setdefault(version, []).append(model)
    told = [f"{', '.join(models)}: {version}" for version, models in users.items() if version]
    return "; ".join(told) or "not known"


def verdict_words(trust):
    return f"By its own rules this result is {LEVEL_WORDS[trust['level']]}" + (
        ": " + " ".join(trust["reasons"]) if trust["reasons"] else ".")
