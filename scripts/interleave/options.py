"""Which verbs, flags and names a person may type: scripts/options.txt as an argparse parser.

The shell checks the same table before anything is installed; this check is for callers in Python.
"""

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

from .manifest import SCHEMA, git
from .model_files import EVERY, meant_by, model_files, words_for
from .trouble import Usage

DURATION = re.compile(r"(\d{1,6})(?:\.(\d{1,6}))?(us|ms|s)")
RATE = re.compile(r"([a-z0-9]+)=(0(?:\.[0-9]{1,6})?|1(?:\.0{1,6})?)")
SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


@dataclass(frozen=True)
class Option:
    verb: str
    flag: str
    kind: list
    default: str
    help: str


def read_options(root):
    rows = []
    for line in (root / "scripts" / "options.txt").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        verb, flag, kind, default, text = (part.strip() for part in line.split("|", 4))
        if verb != "example":
            rows.append(Option(verb, flag, kind.split(), default, text))
    return rows


def scenario_names(root):
    text = (root / "bench" / "presets.cpp").read_text()
    return re.findall(r'^    \{"([a-z0-9-]*)", ".*', text, re.M)


def names_of(known, what):
    def parse(text):
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(
                    f"unknown {what} '{name}': choose from {', '.join(known)}")
        return list(dict.fromkeys(names))
    return parse


def chosen_models(models):
    """By comma: names, rungs, families, `all`, in any mixture; each model once."""
    def parse(text):
        names = []
        for word in text.split(","):
            meant = meant_by(word, models)
            if not meant:
                raise argparse.ArgumentTypeError(
                    f"unknown model '{word}': choose from {', '.join(words_for(models))}")
            names += meant
        return list(dict.fromkeys(names))
    return parse


def default_models(root):
    """Those that the table names. One whose file or library is missing is left out later."""
    return next(option.default.split(",") for option in read_options(root)
                if (option.verb, option.flag) == ("run", "--models"))


def duration_between(shortest, longest):
    def seconds(text):
        match = DURATION.fullmatch(text)
        if not match:
            raise argparse.ArgumentTypeError(
                f"'{text}' is not a duration: write for example 100ms or 1s")
        whole, part, unit = match.groups()
        return float(f"{whole}.{part or 0}") * SECONDS[unit]

    def parse(text):
        value = seconds(text)
        if not seconds(shortest) <= value <= seconds(longest):
            raise argparse.ArgumentTypeError(
                f"'{text}' is out of range: give {shortest} to {longest}")
        return value
    return parse


def number_between(least, most):
    def parse(text):
        if not re.fullmatch(r"[0-9]{1,12}", text):
            raise argparse.ArgumentTypeError(
                f"'{text}' is no whole number: give {least} to {most}")
        if not int(least) <= int(text) <= int(most):
            raise argparse.ArgumentTypeError(
                f"'{text}' is out of range: give {least} to {most}")
        return int(text)
    return parse


def rates_of(known):
    """NAME=RATE by comma, as the text that was given."""
    def parse(text):
        rates = {}
        for pair in text.split(","):
            match = RATE.fullmatch(pair)
            if not match:
                raise argparse.ArgumentTypeError(f"'{pair}' is not NAME=RATE with a rate from "
                                                 f"0 to 1: write {known[0]}=0.02")
            name, rate = match.groups()
            if name not in known:
                raise argparse.ArgumentTypeError(
                    f"unknown name '{name}': choose from {', '.join(known)}")
            if name in rates:
                raise argparse.ArgumentTypeError(f"'{text}' names {name} twice")
            rates[name] = round(float(rate) * 1e6)
        if sum(rates.values()) > 1_000_000:
            raise argparse.ArgumentTypeError(f"'{text}': the rates are more than 1 together")
        return text
    return parse


def one_of(known, what):
    def parse(text):
        if text not in known:
            raise argparse.ArgumentTypeError(
                f"unknown {what} '{text}': choose one of {', '.join(known)}")
        return text
    return parse


def result_folder(text):
    path = Path(text)
    try:
        manifest = (path / "manifest.json").read_text(errors="replace")
    except OSError:
        manifest = ""
    if '"interleave.manifest/' not in manifest or not (path / "plan.jsonl").is_file():
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a result: it needs a manifest.json and a plan.jsonl of this suite")
    if not re.search(rf'"schema": *"{re.escape(SCHEMA)}"', manifest):
        raise argparse.ArgumentTypeError(f"'{text}' is of another version: use the version of the "
                                         "suite that wrote it")
    if not (path / "plan.jsonl").stat().st_size:
        raise argparse.ArgumentTypeError(f"the plan.jsonl of '{text}' is empty: start a new run")
    return path


def new_folder(text):
    path = Path(text)
    if path.exists() and not path.is_dir():
        raise argparse.ArgumentTypeError(f"'{text}' is not a folder: name a new one")
    if path.is_dir() and any(path.iterdir()):
        raise argparse.ArgumentTypeError(f"'{text}' is not empty: name a new folder")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder '{path.parent}': make it first")
    return path


def result_or_revision(root):
    """The folder of a result as a Path, or a revision as the text that was given."""
    def parse(text):
        if Path(text).is_dir():
            return result_folder(text)
        if git(root, "rev-parse", "--verify", "--quiet", text + "^{commit}") is None:
            raise argparse.ArgumentTypeError(
                f"'{text}' is neither the folder of a result nor a git revision")
        return text
    return parse


def percent_between(least, most):
    """As a share: 5% is 0.05."""
    def parse(text):
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?%?", text):
            raise argparse.ArgumentTypeError(f"'{text}' is no percentage: write 5%")
        value = float(text.removesuffix("%"))
        if not int(least) <= value <= int(most):
            raise argparse.ArgumentTypeError(
                f"'{text}' is out of range: give {least}% to {most}%")
        return value / 100
    return parse


def there(test, what):
    def parse(text):
        if not test(Path(text)):
            raise argparse.ArgumentTypeError(f"there is no {what} '{text}': name one")
        return Path(text)
    return parse


def some_text(text):
    if not text:
        raise argparse.ArgumentTypeError("it is empty: give it a value")
    return text


def add(parser, option, root):
    kind, *parameters = [word for word in option.kind if word != "optional"]
    keywords = {"help": option.help}
    if kind == "switch":
        keywords["action"] = "store_true"
    elif kind == "choice":
        keywords |= {"choices": parameters, "default": option.default}
    elif kind == "models":
        choose = chosen_models(model_files(root))
        # A name in a default may be of a file that is missing; one that is empty is run's.
        meant = choose(EVERY) if option.default == EVERY else (
            option.default.split(",") if option.default else default_models(root))
        keywords |= {"type": choose, "default": meant}
    elif kind == "scenarios":
        keywords |= {"type": names_of(scenario_names(root), "scenario"), "default": None}
    elif kind == "scenario":
        keywords |= {"type": one_of(scenario_names(root), "scenario"), "default": option.default}
    elif kind == "number":
        # Words in the place of a default say what no number means.
        default = option.default if option.default.isdigit() else None
        keywords |= {"type": number_between(*parameters), "default": default}
    elif kind == "rates":
        keywords |= {"type": rates_of(parameters), "default": None}
    elif kind == "duration":
        keywords |= {"type": duration_between(*parameters), "default": option.default}
    elif kind == "new-folder":
        keywords |= {"type": new_folder, "default": None}
    elif kind == "percent":
        keywords |= {"type": percent_between(*parameters), "default": option.default}
    elif kind == "text":
        keywords |= {"type": some_text, "default": None}
    elif kind == "file":
        keywords |= {"type": there(Path.is_file, "file"), "default": None}
    elif kind == "folder":
        keywords |= {"type": there(Path.is_dir, "folder"), "default": root / option.default}
    elif kind == "result":
        keywords["type"] = result_folder
    elif kind == "result-or-revision":
        keywords["type"] = result_or_revision(root)
    else:
        raise Usage(f"scripts/options.txt gives {option.flag} an unknown kind '{kind}'")
    if "optional" in option.kind:
        keywords |= {"nargs": "?", "default": keywords.get("default")}
    name = option.flag if option.flag.startswith("-") else option.flag.lower()
    parser.add_argument(name, **keywords)


class Parser(argparse.ArgumentParser):
    """One line for an error, as the shell prints it, instead of argparse's usage text."""

    def error(self, message):
        raise Usage(message)


def build_parser(root):
    parser = Parser(prog="bench", allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", parser_class=Parser)
    parsers = {}
    for option in read_options(root):
        if not option.flag:
            parsers[option.verb] = verbs.add_parser(
                option.verb, help=option.help, allow_abbrev=False)
        else:
            add(parsers[option.verb], option, root)
    return parser


def parse(arguments, root):
    """`run` is the verb meant when the first argument names none."""
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help")):
        arguments = ["run", *arguments]
    return build_parser(root).parse_args(arguments)
