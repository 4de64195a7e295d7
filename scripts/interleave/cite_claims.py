"""What does a number in a write-up claim, and what does the result say instead?"""

from dataclasses import dataclass

from .cite_numbers import Said

NOT_MEASURED = "has no such number"


@dataclass(frozen=True)
class Claim:
    """One number. `key` is its place: the claims of several results about it share that. `certain`:
    there is one thing only that it can be about. `close`: what the result has is nearly that."""

    key: tuple
    line: int
    says: str
    instead: str
    where: str
    agrees: bool
    certain: bool
    close: bool = False


def claim(key, line, said: Said, measured, where, certain=True):
    """measured: what the result has there, each of them right; none: it has nothing."""
    return Claim(key, line, said.words(), said.instead(measured[0]) if measured else NOT_MEASURED,
                 where, any(said.agrees(value) for value in measured), certain,
                 any(said.is_close(value) for value in measured))


def place(known, cell, model=None):
    name = known.names[cell["cell_id"]]
    return f"{model}, {name}" if model else name


def time_of(known, cell, model, role):
    """[value] of one number in the place of a model in a table of times."""
    row = known.row(cell, model)
    if row is None:
        return []
    if role == "bound":
        return [row["lb_model_ns"]] if row["lb_model_ns"] else []
    if role == "n":
        return [row["n"]]
    if role == "planned":
        return [row["planned"]]
    estimate = row["efficiency"] if role == "share" else row["makespan_ns"]
    key = "median" if role == "share" else role
    return [estimate[key]] if estimate and estimate[key] is not None else []
