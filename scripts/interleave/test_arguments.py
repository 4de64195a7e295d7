"""Is every bad argument refused in one clear line, before anything is installed or built?"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .fake_root import make_root
from .manifest import SCHEMA
from .options import build_parser, parse, read_options
from .trouble import Usage

# Name in the refusal, then the arguments.
BAD = [
    ("foo", ["--profile", "foo"]),
    ("--profile", ["--profile"]),
    ("--profile", ["--profile", "--dry-run"]),
    ("nonesuch", ["--models", "good,nonesuch"]),
    ("--models", ["--models="]),
    ("--models", ["--models", "good,"]),
    ("--scenarios", ["--scenarios", ","]),
    ("nonesuch", ["--scenarios=nonesuch"]),
    ("naive", ["--models", "naive"]),  # no model here is
    ("family:nonesuch", ["--models", "good,family:nonesuch"]),
    ("family:", ["--models", "family:"]),
    ("good_test", ["--models", "good_test"]),
    ("--dry-run", ["--dry-run=yes"]),
    ("--fast", ["run", "--fast"]),
    ("-x", ["-x"]),
    ("extra", ["run", "extra"]),
    ("bake", ["bake"]),
    ("run?plot", ["run\nplot"]),
    ("--out", ["--out", "-x"]),
    ("a_file", ["--out", "a_file"]),
    ("not empty", ["--out", "full"]),
    ("missing", ["--out", "missing/result"]),
    ("a_file", ["--out", "a_file/result"]),
    ("resume", ["resume"]),
    ("missing", ["resume", "missing"]),
    ("full", ["plot", "full"]),
    ("planless", ["resume", "planless"]),
    ("another version", ["plot", "of_tomorrow"]),
    ("--models", ["resume", "--models", "good"]),
    ("--unit", ["pizza", "--unit", "0s"]),
    ("--unit", ["pizza", "--unit", "2h"]),
    ("--unit", ["pizza", "--unit", "-1s"]),
    ("--unit", ["pizza", "--unit", "1"]),
    ("--unit", ["pizza", "--unit", "99s"]),
    ("stray", ["pizza", "stray"]),
    ("--port", ["serve", "--port", "0"]),
    ("--port", ["serve", "--port", "65536"]),
    ("--port", ["serve", "--port", "http"]),
    ("--port", ["serve", "--port"]),
    ("--first", ["serve", "--first", "300"]),
    ("--gap", ["serve", "--gap", "11s"]),
    ("--rate", ["serve", "--rate", "0"]),
    ("--rate", ["serve", "--rate", "1.5"]),
    ("--in-flight", ["serve", "--in-flight", "-1"]),
    ("--faults", ["serve", "--faults", ""]),
    ("--faults", ["serve", "--faults", "429"]),
    ("--faults", ["serve", "--faults", "429=0.1,"]),
    ("429=2", ["serve", "--faults", "429=2"]),
    ("429=-0.1", ["serve", "--faults", "429=-0.1"]),
    ("429=1.000001", ["serve", "--faults", "429=1.000001"]),
    ("429=1e-3", ["serve", "--faults", "429=1e-3"]),
    ("404", ["serve", "--faults", "cut=0.1,404=0.1"]),
    ("twice", ["serve", "--faults", "cut=0.1,cut=0.1"]),
    ("more than 1", ["serve", "--faults", "cut=0.5,429=0.500001"]),
    ("stray", ["serve", "stray"]),
    ("--models", ["endpoint", "--models", "good"]),
    ("DIR", ["verify"]),
    ("missing", ["report", "missing"]),
    ("full", ["verify", "full"]),
    ("another version", ["cite", "of_tomorrow"]),
    ("stray", ["doctor", "stray"]),
    ("--json", ["doctor", "--json=yes"]),
    ("needs A", ["compare"]),
    ("needs B", ["compare", "of_today"]),
    ("neither", ["compare", "of_today", "no_revision"]),
    ("neither", ["gate", "a b", "of_today"]),
    ("another version", ["compare", "of_today", "of_tomorrow"]),
    ("stray", ["compare", "of_today", "of_today", "of_today"]),
    ("--max-slowdown", ["gate", "of_today", "of_today", "--max-slowdown", "five"]),
    ("--max-slowdown", ["gate", "of_today", "of_today", "--max-slowdown", "1001%"]),
    ("--blocks", ["gate", "of_today", "of_today", "--blocks", "5"]),
    ("--model", ["gate", "of_today", "of_today", "--model", ""]),
    ("html", ["cite", "of_today", "--format", "html"]),
    ("missing.tex", ["cite", "--check", "missing.tex"]),
    ("missing", ["list", "missing"]),
    ("a_file", ["list", "a_file"]),
]
TOOLS = ("bash", "sed", "grep", "ls", "mkdir", "rmdir", "dirname", "env", "readlink", "sort")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A checkout without a build, and a PATH on which there is neither Python nor a compiler."""
    root = make_root(tmp_path_factory.mktemp("checkout") / "root", ["good", "also_good"])
    shutil.rmtree(root / "build")
    (root / "tools").mkdir()
    for tool in TOOLS:
        (root / "tools" / tool).symlink_to(shutil.which(tool))
    (root / "a_file").write_text("")
    (root / "full").mkdir()
    (root / "full" / "something").write_text("")
    tomorrow = SCHEMA.split("/")[0] + "/2"
    for name, plan, schema, models in (
            ("of_today", "{}\n", SCHEMA, '[{"model":"good"}]'),
            ("planless", "", SCHEMA, '[{"model":"good"}]'),
            ("of_tomorrow", "{}\n", tomorrow, '[{"model":"good"}]'),
            ("modelless", "{}\n", SCHEMA, "[]"),
            ("of_a_lost_model", "{}\n", SCHEMA, '[{"model":"good"}, {"model":"lost"}]')):
        (root / name).mkdir()
        (root / name / "plan.jsonl").write_text(plan)
        (root / name / "manifest.json").write_text(f'{{"schema":"{schema}","models":{models}}}')
    return root


def shell(root, arguments):
    return subprocess.run(
        [root / "tools" / "bash", root / "scripts" / "bench", *arguments], cwd=root, text=True,
        capture_output=True, env={"PATH": str(root / "tools"), "LC_ALL": "C"},
        stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("named, arguments", BAD, ids=lambda value: str(value))
def test_the_shell_refuses_in_one_line_that_names_the_fault(root, named, arguments):
    before = sorted(root.rglob("*"))
    answer = shell(root, arguments)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1 and answer.stderr.startswith("bench: ")
    assert named in answer.stderr
    assert sorted(root.rglob("*")) == before


@pytest.mark.parametrize("named, arguments", BAD, ids=lambda value: str(value))
def test_python_refuses_what_the_shell_refuses(root, named, arguments, monkeypatch):
    monkeypatch.chdir(root)
    with pytest.raises(Usage):
        parse(arguments, root)


@pytest.mark.parametrize("folder, named", [("modelless", "names no model"),
                                           ("of_a_lost_model", "models/lost")])
def test_a_result_that_cannot_go_on_is_refused_before_anything_is_built(root, folder, named):
    answer = shell(root, ["resume", folder])
    assert answer.returncode == 2 and answer.stderr.count("\n") == 1 and named in answer.stderr


def test_help_names_every_verb_flag_and_known_name(root):
    answer = shell(root, ["--help"])
    assert answer.returncode == 0 and answer.stderr == ""
    for option in read_options(root):
        assert option.verb in answer.stdout and option.flag in answer.stdout
        assert option.help in answer.stdout
    for name in ("also_good", "pizza-chain", "./scripts/bench pizza --unit 1s"):
        assert name in answer.stdout
    assert "good_test" not in answer.stdout


def test_help_is_the_same_wherever_it_is_asked_for(root):
    expected = shell(root, ["help"]).stdout
    for arguments in (["-h"], ["--profile", "quick", "--help"]):
        assert shell(root, arguments).stdout == expected


def test_help_of_a_verb_is_about_that_verb_and_shows_its_examples(root):
    for arguments in (["gate", "--help"], ["gate", "HEAD", "HEAD", "-h"]):
        text = shell(root, arguments).stdout
        assert text.startswith("usage: ./scripts/bench gate A B [FLAGS]")
        assert "--max-slowdown" in text and "--profile" not in text
        assert "./scripts/bench gate main HEAD" in text and "./scripts/bench cite" not in text
    assert "./scripts/bench --profile smoke" in shell(root, ["run", "--help"]).stdout


def test_no_line_of_the_help_is_wider_than_80(root):
    assert max(len(line) for line in shell(root, ["--help"]).stdout.splitlines()) <= 80


def test_python_takes_every_flag_of_the_table(root):
    parser = build_parser(root)
    options = parser.parse_args(["run", "--profile", "smoke", "--models", "good,good",
                                 "--scenarios", "pizza", "--dry-run"])
    assert (options.profile, options.models, options.scenarios, options.dry_run) == (
        "smoke", ["good"], ["pizza"], True)


def test_families_rungs_and_all_may_be_named(root):
    for words, names in (("all", {"good", "also_good"}), ("idiomatic", {"good", "also_good"}),
                         ("family:good", {"good"}), ("good,family:good", {"good"})):
        assert set(parse(["--models", words], root).models) == names


def test_run_is_meant_when_no_verb_is_named(root):
    assert parse([], root).verb == "run"
    assert parse(["--profile", "smoke"], root).profile == "smoke"
    assert parse([], root).profile == "quick"


def test_a_duration_is_read_in_every_unit(root):
    for text, seconds in (("1s", 1), ("0.5s", 0.5), ("100ms", 0.1), ("2500us", 0.0025)):
        assert parse(["pizza", "--unit", text], root).unit == pytest.approx(seconds)
    assert parse(["pizza"], root).unit == 0.1


def test_rates_of_faults_may_be_one_together(root):
    for text in ("429=0.02,cut=0.98", "silent=1", "merge=1.000,split=0", "500=0.000001"):
        assert parse(["serve", "--faults", text], root).faults == text
        assert shell(root, ["serve", "--faults", text, "--help"]).returncode == 0


def test_what_is_not_said_of_the_endpoint_is_left_to_it(root):
    options = parse(["serve"], root)
    assert (options.port, options.faults, options.rate, options.in_flight) == (None,) * 4
    assert (options.first, options.gap) == (0.3, 0.025)


def test_a_folder_that_cannot_be_written_is_refused(root):
    answer = shell(root, ["--out", "/proc/result"])
    assert answer.returncode == 2 and "/proc/result" in answer.stderr


def test_a_line_break_in_an_argument_does_not_break_the_message(root):
    answer = shell(root, ["--profile", "a\nb"])
    assert answer.returncode == 2 and answer.stderr.count("\n") == 1


def test_a_link_to_the_command_works_from_anywhere(root, tmp_path):
    link = tmp_path / "bench"
    link.symlink_to(root / "scripts" / "bench")
    answer = subprocess.run([root / "tools" / "bash", link, "--help"], capture_output=True,
                            text=True, env={"PATH": str(root / "tools")})
    assert answer.returncode == 0 and "also_good" in answer.stdout
