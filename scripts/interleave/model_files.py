"""Which models are there, and which of them does a person mean? The folder of models is the list.

A model is one file, models/NAME.cpp or models/NAME.py. Its family and rung stand in one line of it,
which is read here before anything is built; scripts/bench reads the same line.
"""

import re
from dataclasses import dataclass

RUNGS = ("naive", "idiomatic", "tuned", "reference")
EVERY = "all"
A_FAMILY = "family:"
SAID = {
    ".cpp": re.compile(r'bench::model *\{ *"(?P<family>\w+)", *(?:bench::)?Rung::(?P<rung>[a-z]+)'),
    ".py": re.compile(r"""family["']? *[=:] *["'](?P<family>\w+)["'], *"""
                      r"""["']?rung["']? *[=:] *["'](?P<rung>[a-z]+)"""),
}


@dataclass(frozen=True)
class ModelFile:
    """`family` and `rung` are None where the file does not say them."""

    name: str
    family: str | None
    rung: str | None
    file: str


def model_files(root):
    """File = model = program = the name in the results, in the order of the names."""
    found = []
    for path in (root / "models").iterdir():
        if is_model_file(path):
            said = SAID[path.suffix].search(path.read_text(errors="replace"))
            family, rung = said.group("family", "rung") if said else (None, None)
            found.append(ModelFile(path.stem, family, rung, path.name))
    return sorted(found, key=lambda model: model.name)


def is_model_file(path):
    # Hidden ones are an editor's: a lock that is a link to nowhere, a copy.
    return (path.suffix in SAID and "_test." not in path.name and not path.name.startswith(".")
            and path.is_file())


def model_names(root):
    return [model.name for model in model_files(root)]


def meant_by(word, models):
    """The names that one word of --models stands for; none where it is not known."""
    names = [model.name for model in models]
    if word in names:
        return [word]
    if word == EVERY:
        return names
    if word.startswith(A_FAMILY):
        return [m.name for m in models if m.family == word[len(A_FAMILY):]]
    return [m.name for m in models if word in RUNGS and m.rung == word]


def words_for(models):
    """All that --models takes: the names, then what stands for several."""
    said = {model.rung for model in models}
    families = sorted({model.family for model in models} - {None})
    return [*(m.name for m in models), *(rung for rung in RUNGS if rung in said), EVERY,
            *(A_FAMILY + family for family in families)]
