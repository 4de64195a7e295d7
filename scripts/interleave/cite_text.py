"""What does a write-up say, once its markup is taken off? Paragraphs, tables and pictures, by line.

Of Markdown and LaTeX as much as changes how a number, a name or a table is written, and no more.
Code keeps its backticks: a name in them is a name, and no word. Listings are left out.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from .cite_marks import CELL, ID, MARK, RESULT


@dataclass
class Row:
    line: int
    cells: list
    cell_id: str | None = None  # from a mark


@dataclass
class Table:
    line: int
    rows: list
    section: int
    result: str | None = None  # from a mark


@dataclass
class Paragraph:
    section: int
    text: str = ""
    starts: list = field(default_factory=list)  # (offset, line) of each line

    def add(self, line, text):
        self.text += " " if self.text else ""
        self.starts.append((len(self.text), line))
        self.text += text

    def line_at(self, offset):
        return self.starts[bisect_right(self.starts, (offset, float("inf"))) - 1][1]

    @property
    def line(self):
        return self.starts[0][1]


@dataclass
class Picture:
    line: int
    alt: str
    path: str


@dataclass
class Document:
    tables: list = field(default_factory=list)
    paragraphs: list = field(default_factory=list)
    pictures: list = field(default_factory=list)
    ids: list = field(default_factory=list)  # (line, section, result ID)


UNICODE = {"\u00a0": " ", "\u2009": " ", "\u2007": " ", "μ": "µ", "−": "-", "‑": "-"}


def plain(text):
    for sign, instead in UNICODE.items():
        text = text.replace(sign, instead)
    return re.sub(r"(?<=\d)\u202f(?=\d{3}(?!\d))", ",", text).replace("\u202f", " ")


def read_document(text, is_latex):
    reader = _Latex() if is_latex else _Markdown()
    for number, line in enumerate(text.splitlines(), 1):
        reader.read(number, line)
    reader.end()
    return reader.document


class _Reader:
    """What both have in common: where a paragraph, a table and a section end."""

    def __init__(self):
        self.document = Document()
        self.section = 0
        self.paragraph = None
        self.table = None
        self.mark = None

    def note(self, number, raw):
        """Result IDs and marks, wherever they stand."""
        raw = raw.replace("\\_", "_")
        self.document.ids += [(number, self.section, found) for found in ID.findall(raw)]
        for kind, value in MARK.findall(raw):
            self.on_mark(kind, value)

    def on_mark(self, kind, value):
        if kind == RESULT:
            self.mark = value

    def say(self, number, text):
        if self.paragraph is None:
            self.paragraph = Paragraph(self.section)
            self.document.paragraphs.append(self.paragraph)
        self.paragraph.add(number, text)

    def begin_table(self, number):
        self.close()
        self.table = Table(number, [], self.section, self.mark)
        self.document.tables.append(self.table)

    def close(self):
        self.paragraph = self.table = None

    def end(self):
        self.close()


class _Markdown(_Reader):
    def __init__(self):
        super().__init__()
        self.fence = None
        self.blank = True
        self.in_list = False

    def read(self, number, raw):
        self.note(number, raw)
        fence = re.match(r"\s*(```+|~~~+)", raw)
        if self.fence:
            self.fence = None if fence and raw.strip().startswith(self.fence) else self.fence
            return
        if fence:
            self.close()
            self.fence = fence[1]
            return
        was_blank, self.blank = self.blank, not raw.strip()
        if raw.startswith("    ") and not self.in_list and (was_blank or self.paragraph is None):
            self.blank = was_blank
            return  # code by its indentation
        text = markdown_plain(re.sub(r"<!--.*?-->", "", raw))
        self._pictures(number, raw)
        if not text.strip():
            self.close()
            if not raw.strip().startswith("<!--") and raw.strip():
                return
            if not raw.strip() and self.mark and self.document.tables \
                    and self.document.tables[-1].result == self.mark:
                self.mark = None  # it was of the table above
        elif text.lstrip().startswith("|"):
            self._row(number, text)
        else:
            self._words(number, raw, text)

    def _pictures(self, number, raw):
        self.document.pictures += [Picture(number, alt, path) for alt, path in
                                   re.findall(r"!\[(.*?)\]\(([^)\s]+)\)", raw)]

    def _row(self, number, text):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", text.strip().strip("|"))]
        if self.table is None:
            self.begin_table(number)
        if not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            self.table.rows.append(Row(number, cells))

    def _words(self, number, raw, text):
        if self.table is not None:
            self.close()
        if re.match(r"\s*#{1,6} ", raw):
            self.close()
            self.section += 1
            self.in_list = False
        elif re.match(r"\s*([-*+]|\d+[.)]) ", raw):
            self.close()
            self.in_list = True
        elif not raw.startswith(" "):
            self.in_list = self.in_list and self.paragraph is not None
        self.say(number, text)
        if raw.lstrip().startswith("#"):
            self.close()


def markdown_plain(text):
    text = re.sub(r"!\[.*?\]\([^)]*\)", " ", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<[a-zA-Z/][^>]*>", " ", text)
    for entity, sign in (("&nbsp;", " "), ("&thinsp;", " "), ("&micro;", "µ"), ("&times;", "×"),
                         ("&ge;", "≥"), ("&ndash;", "–"), ("&amp;", "&")):
        text = text.replace(entity, sign)
    text = re.sub(r"^\s*(?:>\s?)+", "", text)
    text = re.sub(r"^\s*(?:#{1,6}|[-*+]|\d+[.)])\s+", "", text)
    text = text.replace("**", "").replace("__", "")
    text = re.sub(r"(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)", "", text)
    return plain(re.sub(r"\\([_*|\[\]#%&~`])", r"\1", text))


SKIPPED = ("verbatim", "lstlisting", "minted", "comment", "thebibliography")
TABULARS = ("tabular", "tabular*", "tabularx", "tabulary", "longtable", "tblr")
OF_SIUNITX = {"milli": "m", "micro": "µ", "nano": "n", "kilo": "k", "mega": "M", "giga": "G",
              "second": "s", "byte": "B", "percent": "%"}
NO_WORDS = (r"\\(?:[cC]ite\w*|\w*ref|label|includegraphics|input|url|usepackage|documentclass|"
            r"begin|end|cmidrule|bibliography\w*|[hv]space|footnotemark|addlinespace)\*?"
            r"(?:\([^)]*\))?(?:\[[^\]]*\])*\{[^{}]*\}")
SIGNS = [(r"\\(?:times|texttimes)(?![a-zA-Z])", "×"),
         (r"\\(?:mu|textmu|micro)(?![a-zA-Z])(?:\{\})?\s*", "µ"),
         (r"\\geq?(?![a-zA-Z])", "≥"), (r"\\leq?(?![a-zA-Z])", "≤"),
         (r"\\(?:approx|sim)(?![a-zA-Z])", "≈"), (r"\\(?:dots|ldots)(?![a-zA-Z])", "…"),
         (r"\\textasciitilde(?:\{\})?", "~"), (r"---?", "–")]


class _Latex(_Reader):
    def __init__(self):
        super().__init__()
        self.skipped = None
        self.row, self.row_line = "", None
        self.cell_id = None

    def on_mark(self, kind, value):
        super().on_mark(kind, value)
        if kind == CELL:
            self.cell_id = value

    def read(self, number, raw):
        self.note(number, raw)
        if self.skipped:
            self.skipped = None if f"\\end{{{self.skipped}}}" in raw else self.skipped
            return
        begins = re.search(r"\\begin\{([a-z*]+)\}", raw)
        if begins and begins[1] in SKIPPED:
            self.skipped = None if f"\\end{{{begins[1]}}}" in raw else begins[1]
            return
        if "\\begin{document}" in raw:  # what was before it is no text
            self.document.paragraphs.clear()
            self.close()
        if re.search(r"\\(?:part|chapter|(?:sub)*section)\*?\{", raw):
            self.close()
            self.section += 1
        code = re.sub(r"(?<!\\)%.*", "", raw)
        if begins and begins[1] in TABULARS:
            self.begin_table(number)
            self.cell_id, self.row = None, ""
            code = re.sub(r".*\\begin\{[a-z*]+\}(?:\[[^\]]*\])?(?:\{[^{}]*\})?"
                          r"\{(?:[^{}]|\{[^{}]*\})*\}", "", code)
        if self.table is not None:
            self._in_table(number, code)
        elif not code.strip():
            if not raw.strip():
                self.close()
        else:
            if "\\item" in code or "\\caption" in code:
                self.close()
            self.say(number, latex_plain(code))

    def _in_table(self, number, code):
        for piece in re.split(r"(\\\\(?:\[[^\]]*\])?|\\tabularnewline|\\end\{[a-z*]+\})", code):
            if re.match(r"\\\\|\\tabularnewline", piece):
                self._row()
            elif piece.startswith("\\end{"):
                self._row()
                self.close()
                self.mark = None
                return
            elif piece.strip():
                if self.row_line is None and latex_plain(piece).strip():
                    self.row_line = number
                self.row += " " + piece

    def _row(self):
        cells = [latex_plain(cell).strip() for cell in re.split(r"(?<!\\)&", self.row)]
        if any(cells):
            self.table.rows.append(Row(self.row_line, cells, self.cell_id))
        self.row, self.row_line = "", None


def latex_plain(text):
    text = re.sub(r"\\(?:SI|qty)(?:\[[^\]]*\])?\{([^{}]*)\}\{([^{}]*)\}", _quantity, text)
    text = re.sub(r"\\(?:SIrange|qtyrange)(?:\[[^\]]*\])?\{([^{}]*)\}\{([^{}]*)\}\{([^{}]*)\}",
                  lambda m: f"{_number(m[1])}–{_number(m[2])} {_unit(m[3])}", text)
    text = re.sub(r"\\num(?:\[[^\]]*\])?\{([^{}]*)\}", lambda m: _number(m[1]), text)
    text = re.sub(r"\\(?:verb|lstinline)\*?([|!+/])(.*?)\1", r"`\2`", text)
    text = re.sub(r"\\(?:texttt|code|lstinline)\{([^{}]*)\}", r"`\1`", text)
    text = re.sub(r"\\multicolumn\{\d+\}\{(?:[^{}]|\{[^{}]*\})*\}", "", text)
    text = re.sub(NO_WORDS, "", text)
    text = text.replace("{,}", ",")
    text = re.sub(r"(?<=\d)\\,(?=\d{3}(?!\d))", ",", text)
    text = re.sub(r"\\[,;:! ]|(?<!\\)~|\\(?:thinspace|nobreakspace|quad|qquad)(?![a-zA-Z])", " ",
                  text)
    for pattern, sign in SIGNS:
        text = re.sub(pattern, sign, text)
    text = re.sub(r"(?<!\\)\$|\\[()\[\]]", "", text)
    text = re.sub(r"\\([%_&#$])", r"\1", text)
    text = re.sub(r"\\[a-zA-Z]+\*?(?:\[[^\]]*\])?", " ", text)
    return plain(re.sub(r"[{}]", "", text))


def _quantity(match):
    return f"{_number(match[1])} {_unit(match[2])}"


def _number(text):
    """1000 and 1,000 are the same, and of a number in LaTeX the spaces mean nothing."""
    text = re.sub(r"[\s~]|\\,", "", text.replace("{,}", ","))
    return text


def _unit(text):
    words = re.findall(r"\\([a-zA-Z]+)", text)
    return "".join(OF_SIUNITX.get(word, word) for word in words) if words else \
        text.replace("\\%", "%").strip()
