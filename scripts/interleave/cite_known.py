"""What does a result say? Its numbers by cell and model, the texts of its tables by their heads.

The numbers are worked out from the samples; of texts, those of its page on disk count as well, for
that is what people copy from.
"""

import re
from functools import cached_property
from pathlib import Path

from .chart_data import describe, row_of
from .cite_text import read_document
from .records import read_result
from .summary import summarise
from .tables import PARAMETERS, USUAL, cell_names, table_cells


def bare(text):
    """A label without what only formats it."""
    return re.sub(r"\s+", " ", text.replace("`", "").replace("*", "")).strip(" ,:").lower()


def key_of(text):
    """The same, and of numbers how they are written: 1,000 is 1000."""
    return re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", bare(text))


class Known:
    def __init__(self, folder):
        result = read_result(folder)
        self.folder = Path(folder)
        self.summary = summary = summarise(result)
        self.id = summary["result_id"]
        self.cells = table_cells(summary)
        self.by_id = {cell["cell_id"]: cell for cell in self.cells}
        self.names = {cell_id: ", ".join(filter(None, names))
                      for cell_id, names in cell_names(summary).items()}
        self.models = {said["model"] for said in summary["models"]}
        self.scenarios = {cell["scenario"] for cell in self.cells}
        self._labels = {}
        for cell_id, (scenario, told) in cell_names(summary).items():
            for label in (f"{scenario} {told}", f"{scenario}, {told}", f"{scenario}: {told}"):
                self._labels.setdefault(key_of(label), set()).add(cell_id)
        self._tables, self._alts = {}, {}
        self.named = {}  # label -> cell, of labels that were looked up
        for text in self._texts():
            self._learn(read_document(text, is_latex=False))

    def _texts(self):
        from .advice import when_to_use_which
        from .result_page import SECTIONS
        yield from filter(None, (section(self.summary) for _, section in SECTIONS))
        yield when_to_use_which(self.summary) or ""
        page = self.folder / "README.md"
        if page.is_file():
            yield page.read_text(errors="replace")

    def _learn(self, document):
        for table in document.tables:
            head, *rows = [row.cells for row in table.rows]
            for row in rows:
                for column, text in list(zip(head, row))[1:]:
                    key = key_of(head[0]), key_of(row[0]), key_of(column)
                    self._tables.setdefault(key, []).append(text)
        for picture in document.pictures:
            self._alts.setdefault(picture.path.split("figures/")[-1], []).append(picture.alt)

    def texts_at(self, corner, row, column):
        """What stands at this place of its tables, in whichever of them has it."""
        return self._tables.get((key_of(corner), key_of(row), key_of(column)), [])

    def alts_of(self, figure):
        return self._alts.get(figure, [])

    def row(self, cell, model):
        return row_of(cell, model)

    def cell_called(self, label):
        """By its name in every table of the result; None where the name is no cell's, or two's."""
        found = self._labels.get(key_of(label), set())
        return self.by_id[next(iter(found))] if len(found) == 1 else None

    def cells_like(self, scenario, stated):
        """Of this scenario, with these parameters; what is not stated is as usual, where the cells
        differ in it."""
        cells = [cell for cell in self.cells if cell["scenario"] == scenario
                 and all(cell["params"].get(key) == value for key, value in stated.items())]
        usual = USUAL | {"workers": self.summary["default_workers"], "stop_after_us": None}
        for key, value in usual.items():
            if key not in stated and len(cells) > 1:
                cells = [c for c in cells if c["params"].get(key) in (value, None)] or cells
        return cells

    @cached_property
    def phrases(self):
        """Words for a parameter -> (parameter, value), as all texts of the suite write it."""
        return {describe(key, cell["params"][key]): (key, cell["params"][key])
                for cell in self.cells for key in PARAMETERS
                if cell["params"].get(key) is not None and key not in ("seed",)}

    def ratios(self, cell, model, other=None):
        """What a ratio of their times may say: paired by blocks, or of the medians. Without another
        model: over the best of the cell."""
        rows = {row["model"]: row["makespan_ns"]["median"] for row in cell["models"]
                if row["makespan_ns"]}
        if other is None:
            other = min(rows, key=rows.get, default=None)
        found = [rows[model] / rows[other]] if model in rows and other in rows else []
        for tier in self.summary.get("winning_tiers") or []:
            if tier["cell_id"] == cell["cell_id"] and tier["best"] == other:
                ratio = tier["ratios"].get(model)
                found += [ratio["median"]] if ratio else []
                found += [tier["at_least"][model]] if model in tier["at_least"] else []
        for part in self.summary.get("comparisons") or []:
            for pair in part["pairs"] if part["cell_id"] == cell["cell_id"] else []:
                if pair["ratio"] and pair["ratio"].get("median"):
                    if (pair["one"], pair["other"]) == (model, other):
                        found.append(pair["ratio"]["median"])
                    elif (pair["one"], pair["other"]) == (other, model):
                        found.append(1 / pair["ratio"]["median"])
        return found

    def bytes_per_agent(self, model):
        return [row["bytes_per_agent"]["median"] for row in self.summary["memory_per_agent"]
                if row["model"] == model and row["scenario"] == "parked"]
