"""Do the shell and Python mean the same models by the same words?"""

import subprocess
from pathlib import Path

import pytest

from .fake_root import make_root
from .model_files import meant_by, model_files, model_names, words_for
from .options import default_models, parse
from .trouble import Usage

SCRIPTS = Path(__file__).resolve().parents[1]
FILES = {
    "asio.cpp": 'const bench::Model bench::model{"asio", Rung::idiomatic, Structure::workers,\n  x',
    "asio_single.cpp": 'const bench::Model bench::model{"asio", bench::Rung::naive, x};\n',
    "asio_tuned.cpp": '// Rung  tuned: why\nconst Model bench::model {"asio",  Rung::tuned, x};\n',
    "naive_test.cpp": 'bench::model{"test", Rung::naive, x};\n',
    "half_written.cpp": "// Nothing yet\n",
    "tuned.cpp": 'const bench::Model bench::model{"own", Rung::idiomatic, x};\n',
    "asyncio.py": "import sys\nMODEL = Model(family='asyncio', rung = 'reference', structure=1)\n",
    "trio.py": 'ABOUT = {"family": "trio", "rung": "reference", "structure": "workers"}\n',
    "asyncio_test.py": 'MODEL = Model(family="test", rung="reference")\n',
    "CMakeLists.txt": "add_model(asio)\n",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = make_root(tmp_path_factory.mktemp("checkout") / "root", [])
    for name, text in FILES.items():
        (root / "models" / name).write_text(text)
    return root


def shell(root, call):
    """Calls a function of scripts/bench, which ends where its work would begin."""
    text = (SCRIPTS / "bench").read_text()
    head = text[:text.index("\nverb=run out= result=")].replace(
        "here=$(readlink", f"here={root}/scripts/bench #")
    answer = subprocess.run(["bash", "-c", f"{head}\nmodel_table=$(read_models)\n{call}"],
                            capture_output=True, text=True)
    return answer.stdout.split("\n")[:-1]


def test_family_and_rung_are_read_from_the_file_whatever_its_spaces_and_quotes(root):
    assert {m.name: (m.family, m.rung) for m in model_files(root)} == {
        "asio": ("asio", "idiomatic"), "asio_single": ("asio", "naive"),
        "asio_tuned": ("asio", "tuned"), "asyncio": ("asyncio", "reference"),
        "half_written": (None, None), "trio": ("trio", "reference"),
        "tuned": ("own", "idiomatic")}


def test_what_an_editor_leaves_beside_the_models_is_no_model(tmp_path):
    root = make_root(tmp_path / "root", ["good"])
    (root / "models" / ".#asio.cpp").symlink_to("someone@somewhere.1234:5678")
    (root / "models" / "dangling.cpp").symlink_to("nowhere.cpp")
    (root / "models" / ".asio.cpp").write_text(FILES["asio.cpp"])
    (root / "models" / "folder.cpp").mkdir()
    (root / "models" / "good_test.old.cpp").write_text("")
    (root / "models" / "latin.cpp").write_bytes(b"// caf\xe9\n")
    assert model_names(root) == ["good", "latin"]
    assert [line.split()[0] for line in shell(root, "read_models")] == ["good", "latin"]


def test_shell_and_python_read_the_same_of_every_file(root):
    said = [f"{m.name} {m.family or '?'} {m.rung or '?'}" for m in model_files(root)]
    assert sorted(shell(root, "read_models")) == said


@pytest.mark.parametrize("word, names", [
    ("asio", ["asio"]),  # the model, not its family
    ("family:asio", ["asio", "asio_single", "asio_tuned"]),
    ("naive", ["asio_single"]),
    ("tuned", ["tuned"]),  # a model of that name
    ("reference", ["asyncio", "trio"]),
    ("idiomatic", ["asio", "tuned"]),
    ("all", ["asio", "asio_single", "asio_tuned", "asyncio", "half_written", "trio", "tuned"]),
    ("family:nonesuch", []), ("family:", []), ("nonesuch", []), ("?", []), ("family:?", []),
    ("*", []), ("", [])])
def test_a_word_means_the_same_models_to_shell_and_python(root, word, names):
    assert meant_by(word, model_files(root)) == names
    assert sorted(shell(root, f"meant_by '{word}'")) == names


def test_words_may_be_mixed_and_each_model_comes_once(root):
    typed = "reference,asio,family:asio,asio"
    chosen = parse(["--models", typed], root).models
    assert chosen == ["asyncio", "trio", "asio", "asio_single", "asio_tuned"]
    assert shell(root, f"chosen_models {typed}") == sorted(chosen)


def test_all_that_may_be_typed_is_named_in_a_refusal_by_both(root):
    with pytest.raises(Usage) as refusal:
        parse(["--models", "asio,nonesuch"], root)
    known = str(refusal.value).split("choose from ")[1].split(", ")
    assert known == words_for(model_files(root))
    assert {"all", "naive", "reference", "family:asio", "half_written"} <= set(known)
    assert "family:?" not in known
    said = shell(root, "(check_models --models asio,nonesuch 2>&1)")
    assert len(said) == 1 and "'nonesuch'" in said[0]
    assert sorted(said[0].split("choose from ")[1].split(", ")) == sorted(known)


def test_the_help_groups_models_by_family_and_rung(root):
    lines = [line.split() for line in shell(root, "models_by_family")]
    assert ["asio", "naive", "asio_single"] in lines
    assert ["asyncio", "reference", "asyncio"] in lines
    assert ["?", "?", "half_written"] in lines
    assert len(lines) == 7


def test_the_default_is_written_once_and_names_the_headline_models_and_the_reference():
    root = SCRIPTS.parent
    expected = ["sequential", "threads", "libuv", "asio", "tbb", "asyncio"]
    assert default_models(root) == parse([], root).models == expected
    assert shell(root, "default_models run") == [",".join(expected)]


def test_a_default_model_without_a_file_is_no_error_of_the_person_who_typed(tmp_path):
    root = make_root(tmp_path / "root", ["good"])
    assert shell(root, "chosen_models good,gone") == ["good"]


def test_only_what_is_meant_is_built_and_of_a_result_its_own_models(root, tmp_path):
    (tmp_path / "manifest.json").write_text('{\n "models": [\n  {\n   "model": "asio",\n'
                                            '   "family": "asio"\n  }\n ]\n}\n')
    assert shell(root, "verb=run; model_words=naive,asio; programs_to_build") == [
        "describe", "canary", "asio", "asio_single"]
    assert shell(root, f"verb=resume; result={tmp_path}; programs_to_build") == [
        "describe", "canary", "asio"]
    (tmp_path / "manifest.json").write_text(
        '{"machine":{"cpu_model":"x"},"models":[{"model":"asio"},{"model": "trio"}]}')
    assert shell(root, f"verb=resume; result={tmp_path}; programs_to_build") == [
        "describe", "canary", "asio", "trio"]


@pytest.mark.parametrize("verb, programs", [
    ("serve", ["mock_llm"]), ("endpoint", ["mock_llm"]),
    ("calls", ["describe", "asio", "mock_llm", "bare_calls"]),
    ("soak", ["describe", "asio", "mock_llm", "asio_soak"]),
    ("micro", ["describe", "asio", "micro", "asio_turn"])])
def test_other_verbs_build_their_own_programs(root, verb, programs):
    assert shell(root, f"verb={verb}; model_words=asio; programs_to_build") == programs


def test_every_model_of_the_suite_says_its_family_and_rung():
    silent = [m for m in model_files(SCRIPTS.parent) if m.rung is None]
    assert silent == []
    assert model_names(SCRIPTS.parent)
