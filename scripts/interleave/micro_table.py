"""How is the comparison of models with their raw primitives told? To a newcomer, on a terminal."""

from rich import box
from rich.table import Table
from rich.text import Text

from .units import duration, plural

LEDGER = "ledger_turn"
PLAN = "plan_turn"
NEW_PAGE = "page_first_touch"


def spoken_ratio(row):
    return "" if row.ratio is None else f"{row.ratio:.2f} ({row.low:.2f} to {row.high:.2f})"


def spoken_bar(row):
    return "" if row.ratio is None else f"{row.bar:g}: {row.verdict}" if row.bar else "no bar"


def spoken(ns):
    return "" if ns is None else duration(ns)


def spoken_sum(parts):
    """asio_post 37.1 ns + asio_co_spawn 313 ns."""
    return " + ".join(f"{name} {duration(ns)}" for name, ns in parts)


def plain_line(row):
    text = f"{row.model} ({row.rung}): "
    if row.turn is None:
        return text + f"{duration(row.first)} a turn in a fresh process; no raw primitives"
    text += (f"{duration(row.turn)} a turn, {spoken(row.first)} in a fresh process; "
             f"the suite's own {spoken_sum(row.own)}, left {duration(row.left)}")
    if row.ratio is None:
        return text + "; no primitives of a library"
    bar = f"; at most {row.bar:g}: {row.verdict}" if row.bar else "; no bar"
    return text + (f"; made of {spoken_sum(row.parts)} = {duration(row.total)}; "
                   f"ratio {spoken_ratio(row)}{bar}")


def simple_table():
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))


def model_table(rows):
    table = simple_table()
    table.add_column("model", no_wrap=True)
    table.add_column("rung", no_wrap=True)
    for title in ("a turn\ncosts", "less the\nsuite's own", "its\nparts", "ratio", "rounds"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("at most", no_wrap=True)
    colours = {"kept": "green", "missed": "red", "": ""}
    for row in rows:
        has = row.ratio is not None
        table.add_row(row.model, row.rung, spoken(row.turn), spoken(row.left),
                      spoken(row.total) if has else "", f"{row.ratio:.2f}" if has else "",
                      f"{row.low:.2f}–{row.high:.2f}" if has else "",
                      Text(spoken_bar(row), colours[row.verdict]))
    return table


def make_up_table(rows):
    """What is too wide for the first one."""
    table = simple_table()
    table.add_column("model", no_wrap=True)
    table.add_column("in a fresh\nprocess", justify="right", no_wrap=True)
    table.add_column("the suite's own")
    table.add_column("the library's parts")
    for row in rows:
        own = "" if row.turn is None else spoken_sum(row.own)
        table.add_row(row.model, spoken(row.first), own, spoken_sum(row.parts))
    return table


def primitive_table(primitives):
    table = simple_table()
    table.add_column("raw primitive")
    table.add_column("costs", justify="right")
    for name, ns in primitives.items():
        table.add_row(name, duration(ns))
    return table


def notes(primitives, rounds, sizes):
    page = f" ({duration(primitives[NEW_PAGE])} a page)" if NEW_PAGE in primitives else ""
    return [
        f"A turn without steps, on one worker: what a run of {sizes[1]:,} agents takes longer than "
        f"one of {sizes[0]}, for each turn. What is set up once is not in it.",
        f"The suite's own: the ledger, its proof, takes {duration(primitives[LEDGER])} of every "
        f"turn; the Plan, its countdown, {duration(primitives[PLAN])} in models whose library has "
        "no graph. What is left is the model's.",
        "The ratio is what is left, divided by the sum of the library's raw primitives that a turn "
        "is made of. At 1 the model adds nothing to them; below 1 its work overlaps with the "
        "suite's.",
        "Turns and primitives are measured in processes that have run for a while. A fresh process "
        f"costs more, for it touches its memory for the first time{page}.",
        f"Medians of {plural(rounds, 'round')}, of the ratio too; beside it the least and the "
        "greatest of a round. The files in models/micro say what is in each primitive.",
    ]


def tell(session, rows, primitives, rounds, sizes):
    """As tables on a terminal, else a line for each model and primitive."""
    console = session.console
    if console.is_terminal and not console.is_dumb_terminal:
        console.print(model_table(rows))
        console.print(make_up_table(rows))
        console.print(primitive_table(primitives))
        for note in notes(primitives, rounds, sizes):
            console.print(Text(f"· {note}", "dim"))
        return
    for row in rows:
        session.say(plain_line(row))
    for name, ns in primitives.items():
        session.say(f"{name}: {duration(ns)}")
    for note in notes(primitives, rounds, sizes):
        session.say(note)
