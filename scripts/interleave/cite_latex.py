"""How is a result cited in LaTeX? Tables for booktabs, which need no other package.

Above the rows of a cell stands a comment that names it, so that `cite --check` knows what a number
is even where the words around it have been changed.
"""

from .cite_marks import mark_of
from .cite_words import SELF_RUN, source_words
from .tables import cell_names, entry, models_in, table_cells

SPECIAL = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "%": r"\%", "&": r"\&", "#": r"\#",
           "$": r"\$", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
           "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
           "–": "--", "—": "---", "×": r"\(\times\)", "≥": r"\(\geq\)", "≤": r"\(\leq\)",
           "≈": r"\(\approx\)", "µ": r"\(\mu\)", "μ": r"\(\mu\)", "−": r"\(-\)", "·": r"\(\cdot\)",
           "…": r"\dots{}", "’": "'", "‘": "`", "“": "``", "”": "''", "\u00a0": "~"}
ROWS = 44  # of models in one table: what a page has room for


def escape(text):
    """Plain text as LaTeX: what has a meaning there, and what is no ASCII. A sign of which nothing
    is known is left as it is; today's LaTeX reads UTF-8."""
    return "".join(SPECIAL.get(sign, sign) for sign in str(text))


def latex_table(summary, manifest=None, cells=None):
    """Tables of these cells, or of all: of each cell its models with median, interval and n."""
    cells = table_cells(summary) if cells is None else cells
    cells = [cell for cell in cells if cell["models"]]
    header = [f"% {mark_of(summary)}",
              "% Needs \\usepackage{booktabs}. Check later: ./scripts/bench cite --check FILE.tex"]
    parts = list(_parts(cells))
    tables = [_table(summary, manifest or {}, part, number, len(parts))
              for number, part in enumerate(parts, 1)]
    return "\n".join(header) + "\n" + "\n".join(tables)


def _parts(cells):
    """Cells by scenario, and no more in one table than fit a page."""
    part, rows = [], 0
    for cell in cells:
        more = len(cell["models"]) + 1
        if part and rows + more > ROWS:
            yield part
            part, rows = [], 0
        part.append(cell)
        rows += more
    if part:
        yield part


def _table(summary, manifest, cells, number, count):
    names, order = cell_names(summary), [said["model"] for said in models_in(summary)]
    of = f" ({number} of {count})" if count > 1 else ""
    lines = [r"\begin{table}", r"  \centering",
             f"  \\caption{{Median time to finish everything, its 95\\,\\% interval, number of "
             f"processes, and share of the possible speed{of}.}}",
             f"  \\label{{tab:interleave-{number}}}",
             r"  \begin{tabular}{lrrrr}", r"    \toprule",
             r"    Model & Median & 95\,\% interval & $n$ & Of possible \\"]
    for cell in cells:
        words = escape(", ".join(filter(None, names[cell["cell_id"]])))
        lines += [r"    \midrule", f"    % {mark_of(summary, cell)}",
                  f"    \\multicolumn{{5}}{{l}}{{\\emph{{{words}}}}} \\\\"]
        rows = sorted(cell["models"], key=lambda row: order.index(row["model"]))
        lines += [f"    {_row(row)} \\\\" for row in rows]
    lines += [r"    \bottomrule",
              f"    \\multicolumn{{5}}{{p{{0.9\\linewidth}}}}{{\\footnotesize "
              f"{escape(source_words(summary, manifest))}; {SELF_RUN}.}} \\\\",
              r"  \end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def _row(row):
    main, interval, share, _ = entry(row)
    texts = [_quantity(main), escape(interval.strip("[]()")) if row["makespan_ns"] else
             escape(interval), str(row["n"]), _quantity(share)]
    return f"\\texttt{{{escape(row['model'])}}} & " + " & ".join(texts)


def _quantity(text):
    """A number and its unit do not part at the end of a line."""
    return escape(text).replace(" ", r"\,")
