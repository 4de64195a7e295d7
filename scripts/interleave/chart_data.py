"""Which numbers does a figure show? Cells grouped into series, raw points, names, the footer."""

import json
from collections import defaultdict
from dataclasses import dataclass

from . import stats, style, units
from .records import Result


MOST_LINES = 10  # more lines in one panel cannot be told apart


@dataclass
class ChartData:
    """A summary and the measured samples behind it: all that a chart may look at."""

    result: Result
    summary: dict

    def __post_init__(self):
        self.about = {m["model"]: m for m in self.summary["models"]}  # in the order of every table
        self.styles = style.styles(self.summary["models"])
        self._raw = defaultdict(list)
        for sample in self.result.measured():
            self._raw[sample["cell_id"], sample["model"]].append(sample)

    def raw(self, cell, model):
        return self._raw[cell["cell_id"], model]

    def series(self, along):
        """Lists of cells that differ in one parameter only, sorted along it: two cells or more."""
        groups = defaultdict(list)
        for cell in self.summary["cells"]:
            if not cell["params"].get(along):
                continue  # a graph from a file has no such number
            rest = {k: v for k, v in cell["params"].items() if k != along}
            groups[cell["scenario"], json.dumps(rest, sort_keys=True)].append(cell)
        return [sorted(cells, key=lambda c: c["params"][along]) for cells in groups.values()
                if len({c["params"].get(along) for c in cells}) > 1]

    def over_agents(self):
        """Series along the agents, at the default workers, in which anything was measured."""
        default = self.summary["default_workers"]
        return [cells for cells in self.series("agents")
                if cells[0]["params"].get("workers") == default and has_measurements(cells)]

    def races(self):
        """The same, where makespan is the question: of each scenario the series that was measured
        most, for where the CPU share is varied the map tells more. In `parked` makespan is the
        wait, in `open-loop` the time within which sessions arrive."""
        def measured(cells):
            count = sum(row["n"] for cell in cells for row in cell["models"])
            return count, -(cells[0]["params"].get("cpu_share") or 0)

        series = {}
        for cells in self.over_agents():
            series.setdefault(cells[0]["scenario"], []).append(cells)
        return [max(rivals, key=measured) for name, rivals in series.items()
                if name not in ("parked", "open-loop")]

    def models_of(self, cells):
        present = {r["model"] for c in cells for r in c["models"]}
        return [model for model in self.about if model in present]

    def lines(self, cells):
        """The models of these cells that a panel has room for: all, or the plainest use of each
        library, then each library at its best, then the fastest of the others."""
        models = self.models_of(cells)
        if len(models) <= MOST_LINES:
            return models
        best = set(self.best_of_families(models))

        def rank(model):
            alone = len(self._family(model, models)) == 1
            group = (0 if self._is_headline(model, models) else
                     4 if self.about[model].get("rung") == "naive" else
                     3 if alone and self.about[model].get("rung") != "tuned" else
                     1 if model in best else 2)
            return group, self._losses(model), model

        return [m for m in models if m in sorted(models, key=rank)[:MOST_LINES]]

    def best_of_families(self, models):
        """Of each family the fastest of these models; a naive one only where there is no other."""
        families = {}
        for model in models:
            families.setdefault(self._family_name(model), []).append(model)

        def rank(model):
            return self.about[model].get("rung") == "naive", self._losses(model), model

        return [min(rivals, key=rank) for rivals in families.values()]

    def _is_headline(self, model, models):
        """It bears the name of a family of several, or all others are measured against it."""
        said = self.about[model]
        return (said.get("rung") == "reference" or said.get("structure") == "sequential"
                or model == said.get("family") and len(self._family(model, models)) > 1)

    def _family_name(self, model):
        return self.about[model].get("family") or model

    def _family(self, model, models):
        return [m for m in models if self._family_name(m) == self._family_name(model)]

    def _losses(self, model):
        """The middle of its times over the least of each cell. Where it was not run its bound
        counts, where it failed nothing could be worse."""
        ratios = []
        for cell in self.summary["cells"]:
            times = [r["makespan_ns"]["median"] for r in cell["models"] if r["makespan_ns"]]
            row = row_of(cell, model)
            if not times or row is None:
                continue
            time = known_time(row)
            ratios.append(float("inf") if time is None else time / min(times))
        return stats.median(ratios) if ratios else float("inf")

    def not_drawn(self, cells, drawn, where_all="The table has all."):
        """Says that not all models are drawn, which are, and where the others are."""
        models = self.models_of(cells)
        if len(drawn) == len(models):
            return ""
        return (f"{len(drawn)} of {len(models)} models: libraries in plain use, then at their best. "
                f"{where_all}")

    def marks(self, cells, drawn):
        """What the marks of rungs mean, and which models are not drawn."""
        words = style.rung_words([self.about[m] for m in drawn])
        return " ".join(filter(None, (words, self.not_drawn(cells, drawn))))

    def titles(self, series, along):
        """For each series its scenario and, after it, what tells it from others of that name."""
        rivals_of = self.over_agents() if along == "agents" else series  # drawn or not
        titles = []
        for cells in series:
            rivals = [s[0]["params"] for s in rivals_of
                      if s[0]["scenario"] == cells[0]["scenario"]]
            params = cells[0]["params"]
            differs = [describe(k, params[k]) for k in sorted(params) if k != along
                       and any(r.get(k) != params[k] for r in rivals)]
            titles.append((cells[0]["scenario"], ", ".join(differs)))
        return titles

    def footer(self, counts):
        machine = self.summary["machine"]
        n = sorted(set(counts))
        span = f"n = {n[0]}" if len(n) == 1 else f"n = {n[0]} to {n[-1]}" if n else "n = 0"
        parts = [machine.get("name"), machine.get("cpu_model"),
                 units.plural(machine["cpus"], "CPU") if machine.get("cpus") else None, span,
                 (self.summary.get("created_utc") or "")[:10], self.summary["trust"]["level"]]
        return f"{self.summary['result_id']} · " + " · ".join(p for p in parts if p)


def has_measurements(cells):
    return any(row["makespan_ns"] for cell in cells for row in cell["models"])


def known_time(row):
    """Its median, or the least time for which it was not run; None where it has neither."""
    if row["makespan_ns"]:
        return row["makespan_ns"]["median"]
    return row["lb_model_ns"] or None if row["skipped_by_bound"] else None


def row_of(cell, model):
    return next((r for r in cell["models"] if r["model"] == model), None)


def describe(parameter, value):
    """A parameter in words; nothing where it has no value, as in a graph from a file."""
    if value is None:
        return ""
    if parameter == "agents":
        return units.plural(value, "agent")
    if parameter == "workers":
        return units.plural(value, "worker")
    if parameter == "cpu_share":
        return f"CPU share {units.exact_percent(value)}"
    if parameter == "grain_us":
        return f"{units.duration(value * 1000)} of computing a turn"
    if parameter == "time_scale":
        return f"time scale {value:g}"
    if parameter == "io":
        return {"timer": "by timers", "tcp": "over TCP"}.get(value, f"io {value}")
    if parameter == "tokens":
        return f"{units.plural(value, 'token')} an answer"
    if parameter == "on_error":
        return {"fail-fast": "ends at the first failure", "first-error": "tells the first failure",
                "isolate": "failures isolated"}.get(value, f"on error {value}")
    if parameter == "stop_after_us":
        return f"stopped after {units.duration(value * 1000)}"
    return f"{parameter} {value}"


def cpu_words(cells):
    """How many CPUs the bounds of these cells assume, in words for a subtitle."""
    counts = {c.get("cpus") for c in cells}
    return units.plural(counts.pop(), "CPU") if len(counts) == 1 and None not in counts \
        else "as many CPUs"


IDEAL_WORDS = "Dashed: an ideal scheduler without any overhead."


def plotted(panel, model, kind, x, y, low=None, high=None, n=None):
    """One line of a figure's CSV."""
    return {"panel": panel, "model": model, "kind": kind, "x": x, "y": y,
            "low": low, "high": high, "n": n}
