"""What may be in a file of a result? results/schema/ says so once, for people and for code."""

import json
from functools import lru_cache
from pathlib import Path

import fastjsonschema

from .trouble import Trouble

FOLDER = Path(__file__).resolve().parents[2] / "results" / "schema"


@lru_cache(maxsize=None)
def schema_of(name):
    path = FOLDER / f"{name}.schema.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Trouble(f"cannot read {path}, a part of this suite: {error}: check it out again")


def referred(address):
    """A schema that another refers to by the name of its file."""
    return schema_of(address.rpartition("/")[2].removesuffix(".schema.json"))


# In the place of a definition: all of the schema, but what it requires beyond its identity may be
# missing, as in files of before.
WHAT_IS_THERE = "what is there"


@lru_cache(maxsize=None)
def compiled(name, definition):
    schema = schema_of(name)
    if definition == WHAT_IS_THERE:
        schema = {key: value for key, value in schema.items() if key != "required"}
    elif definition:
        schema = {"$id": schema["$id"], "definitions": schema["definitions"],
                  "$ref": f"#/definitions/{definition}"}
    return fastjsonschema.compile(schema, handlers={"https": referred}, use_default=False)


def fault_of(name, value, definition=None):
    """What is wrong with a value by a schema, or by one of its definitions, in words; None:
    nothing."""
    try:
        compiled(name, definition)(value)
    except fastjsonschema.JsonSchemaValueException as error:
        return in_words(error)
    return None


def in_words(error):
    where = error.name.removeprefix("data").lstrip(".") or "it"
    if error.rule == "required":
        missing = next(key for key in error.rule_definition if key not in error.value)
        return f"{missing} is missing" if where == "it" else f"{where}.{missing} is missing"
    if error.value is None:
        return f"{where} is missing"
    return f"{where} is {what_is_wrong(error)}"


KINDS = {"string": "no text", "boolean": "neither true nor false", "object": "of the wrong type",
         "array": "of the wrong type"}


def what_is_wrong(error):
    rule, wanted, value = error.rule, error.rule_definition, error.value
    if rule == "maximum":
        return f"more than {wanted:g}"
    if rule in ("const", "enum"):
        known = [wanted] if rule == "const" else wanted
        return f"{str(value)[:40]!r}, not {' or '.join(map(str, known))}"
    if rule == "minLength":
        return "empty"
    if rule not in ("type", "minimum"):
        return "malformed"
    kinds = [kind for kind in listed(error.definition["type"]) if kind != "null"]
    if not {"integer", "number"}.issuperset(kinds):
        return KINDS[kinds[0]] if len(kinds) == 1 else "of the wrong type"
    whole = "whole " if isinstance(value, float) and "number" not in kinds else ""
    least = error.definition.get("minimum")
    return f"no {whole}number" + (f" of at least {least:g}" if least is not None else "")


def listed(kinds):
    return [kinds] if isinstance(kinds, str) else kinds


def described(schema, name):
    """The properties of a schema, or of one of its definitions, with those it refers to."""
    found = dict(schema.get("properties", {}))
    for part in schema.get("allOf", []):
        file, _, definition = part.get("$ref", "").partition("#/definitions/")
        other = file.removesuffix(".schema.json") or name
        if definition:
            found = described(schema_of(other)["definitions"][definition], other) | found
    return found


@lru_cache(maxsize=None)
def fields_of(name, definition=None):
    """The names of the fields, in the order of the schema."""
    schema = schema_of(name)
    return tuple(described(schema["definitions"][definition] if definition else schema, name))


@lru_cache(maxsize=None)
def known_paths(name):
    """Every field by its path, such as stop.why or cells.models.n; and those that may hold any."""
    paths, anything = set(), set()

    def add(schema, where):
        if "$ref" in schema:
            schema = schema_of(name)["definitions"][schema["$ref"].rpartition("/")[2]]
        fields = described(schema, name)
        if not fields and "items" in schema:
            return add(schema["items"], where)
        if schema.get("additionalProperties") or not fields:
            anything.add(where)
        for key, part in fields.items():
            paths.add(where + key)
            add(part, f"{where}{key}.")

    add(schema_of(name), "")
    return paths, anything


def unknown_fields(name, value):
    """The fields of a value, at any depth, that the schema does not know: of a newer version."""
    paths, anything = known_paths(name)

    def unknown(value, where):
        if isinstance(value, list):
            return [path for part in value if isinstance(part, dict) for path in
                    unknown(part, where)]
        found = [where + key for key in value if where + key not in paths]
        return found + [path for key, part in value.items() if isinstance(part, (dict, list))
                        and (inner := f"{where}{key}.") not in anything
                        for path in unknown(part, inner)]

    return set(unknown(value, ""))
