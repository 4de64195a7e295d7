"""Does completion offer what ./scripts/bench accepts, at each place of the command line?"""

import subprocess

import pytest

from .cite_suite import ROOT
from .model_files import model_files
from .options import read_options, scenario_names

ASK = """
. "$1/scripts/completion.bash"
shift
COMP_WORDS=(bench "$@")
COMP_CWORD=$#
compopt() { :; }
_interleave_bench
printf '%s\\n' "${COMPREPLY[@]}"
"""


def offered(*arguments, cwd=ROOT):
    answer = subprocess.run(["bash", "-uc", ASK, "bash", ROOT, *arguments], cwd=cwd,
                            capture_output=True, text=True, check=True)
    assert answer.stderr == ""
    return [line for line in answer.stdout.splitlines() if line]


def test_every_verb_is_offered_first():
    verbs = {option.verb for option in read_options(ROOT)}
    assert set(offered("")) == verbs
    assert offered("veri") == ["verify"]


def test_every_flag_of_a_verb_is_offered_and_of_run_where_no_verb_is_named():
    for verb in {option.verb for option in read_options(ROOT)}:
        flags = {o.flag for o in read_options(ROOT) if o.verb == verb and o.flag.startswith("--")}
        assert set(offered(verb, "--")) == flags | {"--help"}, verb
    assert "--profile" in offered("--pro") and "--dry-run" in offered("--profile", "quick", "--")


@pytest.mark.parametrize("arguments, names", [
    (["cite", "--format", ""], ["text", "bibtex", "markdown", "csv", "latex"]),
    (["cite", "--format", "l"], ["latex"]),
    (["cite", "--format", "=", "l"], ["latex"]),  # as bash takes --format=l apart
    (["--profile", "st"], ["standard"])])
def test_choices_are_offered(arguments, names):
    assert offered(*arguments) == names


def test_models_and_scenarios_are_offered_also_behind_a_comma():
    names = {model.name for model in model_files(ROOT)}
    assert set(offered("run", "--models", "")) == names | {"all"}
    first = sorted(names)[0]
    assert f"{first},{first}" in offered("run", "--models", f"{first},{first[:2]}")
    assert set(offered("run", "--scenarios", "")) == set(scenario_names(ROOT))


def test_where_a_result_is_meant_folders_are_offered(tmp_path):
    (tmp_path / "a result").mkdir()
    (tmp_path / "a file").write_text("")
    assert offered("verify", "", cwd=tmp_path) == ["a result"]
    assert offered("cite", "a", cwd=tmp_path) == ["a result"]
    assert sorted(offered("cite", "--check", "a", cwd=tmp_path)) == ["a file", "a result"]


def test_what_takes_no_value_or_none_that_is_known_offers_nothing():
    assert offered("gate", "--max-slowdown", "") == []
    assert offered("doctor", "") == [] and offered("nonesuch", "--") == ["--help"]
