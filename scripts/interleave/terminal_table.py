"""How is a summary written on a terminal, at whatever width it has?"""

from rich import box
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from . import style
from .tables import cell_names, entry, models_in, rung_of, table_cells


def terminal_table(summary, console):
    """The widest shape that fits: one column per model, else one row per cell and model."""
    wide = console.options.update(width=10_000)
    for lines, breaks, bare in ((2, (), False), (3, (", ",), False), (3, (", ",), True),
                                (3, (", ", " agent"), True)):
        table = _by_columns(summary, lines, breaks, bare)
        if Measurement.get(console, wide, table).maximum <= console.width:
            return table
    return _by_rows(summary)


def _by_columns(summary, lines, breaks, bare):
    """`lines`: of an entry; `breaks`: where the name of a cell is broken into lines; `bare`: an
    interval without its brackets."""
    models, names = models_in(summary), cell_names(summary)
    looks = style.styles(summary["models"])
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True,
                  padding=(0, 1) if lines == 2 else 0, show_edge=lines == 2)
    table.add_column("", no_wrap=True)
    for said in models:
        head = Text.assemble((said["model"], f"bold {_readable(looks[said['model']])}"), "\n",
                             (rung_of(said), "dim"))
        table.add_column(head, justify="right", no_wrap=True)
    cells = table_cells(summary)
    for i, cell in enumerate(cells):
        scenario, told = names[cell["cell_id"]]
        last = i + 1 == len(cells) or cells[i + 1]["scenario"] != scenario
        for words in breaks:
            told = told.replace(words, "\n" + words.strip(", "))
        found = {r["model"]: r for r in cell["models"]}
        texts = [Text.assemble((scenario, "bold"), "\n", (told, "dim"))]
        texts += [_stacked(entry(found[m["model"]]), lines, bare) if m["model"] in found else Text("")
                  for m in models]
        table.add_row(*texts, end_section=last)
    return table


def _stacked(parts, lines, bare):
    """The parts of an entry in two or three lines, as narrow as they go."""
    main, interval, share, remark = parts
    if bare:
        interval = interval.strip("[]")
    below = Text(interval or remark, "dim")
    if interval and remark:
        below.append(f"\n{remark}")
    rows = [Text("  ".join(filter(None, (main, share)))), below] if lines == 2 else \
        [Text(main), below, Text(share)]
    return Text("\n").join(row for row in rows if row)


def _by_rows(summary):
    names = cell_names(summary)
    looks = style.styles(summary["models"])
    rungs = {said["model"]: rung_of(said) for said in summary["models"]}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), collapse_padding=True,
                  show_edge=False)
    table.add_column("model", no_wrap=True)
    for name in ("median", "interval", "share"):
        table.add_column(name, justify="right", no_wrap=True)
    for cell in table_cells(summary):
        scenario, told = names[cell["cell_id"]]
        table.add_row(Text.assemble((scenario, "bold"), "\n", (told.replace(", ", "\n"), "dim")))
        for i, row in enumerate(cell["models"]):
            main, interval, share, remark = entry(row)
            name = Text.assemble((f" {row['model']}", _readable(looks[row["model"]])),
                                 (f" {rungs[row['model']]}", "dim"))
            beside = Text("\n".join(filter(None, (interval, remark))), "dim")
            table.add_row(name, Text(main), beside, Text(share),
                          end_section=i + 1 == len(cell["models"]))
    return table


def _readable(look):
    """Black on a dark terminal is nothing to read: the default colour stands in for it."""
    return "default" if look.colour == style.BLACK else look.colour
