"""Is a machine made ready without touching what is there, and is what is missing said plainly?"""

import shutil
import subprocess
from pathlib import Path

import pytest

from .lock import MachineLock

PREPARE = Path(__file__).resolve().parents[1] / "prepare.sh"
TOOLS = ("bash", "cat", "sed", "grep", "mkdir", "tail", "env", "sort", "sleep")
INSTALLED = "printf 'install ok installed'"


class Machine:
    """A PATH of fake programs; what apt-get was asked for is written down."""

    def __init__(self, folder):
        self.folder, self.bin = folder, folder / "bin"
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))

    def program(self, name, script):
        path = self.bin / name
        path.write_text(f"#!{shutil.which('bash')}\n{script}\n")
        path.chmod(0o755)

    def debian(self, user=0, installed=(), apt="exit 0", boost="1.74.0"):
        cases = "".join(f"{name}) {INSTALLED} ;; " for name in installed)
        self.program("dpkg-query", f'case "${{@: -1}}" in {cases} *) exit 1 ;; esac')
        self.program("id", f"echo {user}")
        self.program("apt-get", f'echo "$@" >>{self.folder}/asked; {apt}')
        self.program("apt-cache", 'case $1 in '
                     f'policy) echo "  Candidate: {boost}" ;; '
                     '*) echo "libboost1.74-dev - old"; echo "libboost1.81-dev - new" ;; esac')
        self.program("dpkg", '[ "$(printf "%s\\n" "$4" "$2" | sort -V | sed -n 1p)" = "$4" ]')

    def run(self, call):
        script = f"set -euo pipefail; root={self.folder}; . {PREPARE}; "
        script += f"python_places='python3 python3.13'; {call}"
        return subprocess.run([self.bin / "bash", "-c", script], env={"PATH": str(self.bin)},
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)

    def asked(self):
        path = self.folder / "asked"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_only_missing_packages_are_asked_for_and_none_is_removed_or_upgraded(machine):
    machine.debian(installed=["libuv1-dev", "libfmt-dev", "python3"])
    machine.program("cmake", "")
    machine.run("prepare_machine")
    update, install = machine.asked()
    words = install.split()
    assert update.endswith("update")
    assert {"--no-install-recommends", "--no-remove", "--no-upgrade"} <= set(words)
    assert {"g++", "ninja-build", "libtbb-dev", "libboost1.81-dev",
            "libboost-fiber1.81-dev", "python3-rich"} <= set(words)
    assert not {"cmake", "libuv1-dev", "libfmt-dev", "python3"} & set(words)
    assert not {"python3-scipy", "python3-seaborn"} & set(words)


def test_the_default_boost_is_taken_where_it_is_new_enough(machine):
    machine.debian(boost="1.83.0.1")
    machine.run("prepare_machine")
    assert {"libboost-dev", "libboost-fiber-dev"} <= set(machine.asked()[1].split())


def test_without_root_and_sudo_the_command_to_run_is_shown(machine):
    machine.debian(user=1000)
    answer = machine.run("prepare_machine")
    assert answer.returncode == 1 and machine.asked() == []
    assert "apt-get install --no-install-recommends g++" in answer.stderr
    assert "libboost1.81-dev libboost-fiber1.81-dev" in answer.stderr


def test_with_sudo_others_install_too(machine):
    machine.debian(user=1000)
    machine.program("sudo", '[ "$1" = -n ] && shift; exec "$@"')
    machine.run("prepare_machine")
    assert len(machine.asked()) == 2


def test_a_failed_installation_shows_its_log_and_where_it_is(machine):
    machine.debian(apt="case $* in *install*) echo no space left; exit 100 ;; esac")
    answer = machine.run("prepare_machine")
    assert answer.returncode == 1
    assert "no space left" in answer.stderr and "build/log/install.log" in answer.stderr


def test_without_apt_everything_missing_is_listed_by_its_own_name(machine):
    answer = machine.run("prepare_machine")
    assert answer.returncode == 1
    for name in ("a C++20 compiler", "CMake", "Ninja", "Google Benchmark", "libuv", "oneTBB",
                 "Boost headers", "Boost.Fiber", "GoogleTest", "nlohmann-json", "CLI11", "fmt"):
        assert f"  - {name}" in answer.stderr


def test_without_a_python_the_requirements_are_named(machine):
    answer = machine.run("prepare_python matplotlib rich")
    assert answer.returncode == 1 and "scripts/requirements.txt" in answer.stderr


def test_a_python_that_was_named_but_does_not_fit_is_said_to_be_the_fault(machine):
    machine.program("mypython", "exit 1")
    answer = machine.run("INTERLEAVE_PYTHON=mypython; prepare_python matplotlib")
    assert answer.returncode == 1 and "INTERLEAVE_PYTHON is mypython" in answer.stderr


def test_the_first_python_that_imports_all_modules_is_taken(machine):
    machine.program("python3", "exit 1")
    machine.program("python3.13", '[ "$2" = "import sys, matplotlib; '
                    'sys.exit(sys.version_info < (3, 10))" ]')
    answer = machine.run("prepare_python matplotlib; echo $PYTHON")
    assert answer.stdout.strip() == "python3.13"


def test_a_build_that_fails_shows_its_errors(machine):
    machine.program("cmake", 'case $* in *--build*) echo "[1/2] x"; echo "a.cpp:1: error: no"; '
                    'exit 1 ;; esac')
    machine.program("tee", f'exec {shutil.which("tee")} "$@"')
    answer = machine.run("build release")
    assert answer.returncode == 1
    assert "a.cpp:1: error: no" in answer.stderr and "build/log/release.log" in answer.stderr


def test_a_build_with_nothing_to_do_says_nothing(machine):
    (machine.folder / "build" / "release").mkdir(parents=True)
    (machine.folder / "build" / "release" / "build.ninja").write_text("build asio: LINK\n")
    machine.program("tee", f'exec {shutil.which("tee")} "$@"')
    machine.program("cmake", f'echo "$@" >>{machine.folder}/asked; echo "ninja: no work to do."')
    answer = machine.run("build release asio model_without_library")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    assert machine.asked() == ["--build --preset release --target build.ninja",
                               "--build --preset release --target asio"]


def test_a_checkout_that_cannot_be_written_is_said_to_be_so_in_one_line(machine):
    (machine.folder / "build").write_text("in the way, for root may write everywhere else")
    answer = machine.run("build release")
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1 and "build cannot be written" in answer.stderr


def test_a_build_of_what_has_no_target_builds_nothing_else(machine):
    (machine.folder / "build" / "release").mkdir(parents=True)
    (machine.folder / "build" / "release" / "build.ninja").write_text("build asio: LINK\n")
    machine.program("cmake", f'echo "$@" >>{machine.folder}/asked')
    answer = machine.run("build release model_without_library; echo $?")
    assert (answer.returncode, answer.stdout) == (0, "0\n")
    assert machine.asked() == ["--build --preset release --target build.ninja"]


def test_who_waits_for_another_build_says_so(machine):
    (machine.folder / "build" / "release").mkdir(parents=True)
    (machine.folder / "build" / "release" / "build.ninja").write_text("build asio: LINK\n")
    machine.program("cmake", "exit 0")
    machine.program("flock", 'case $* in -n*) exit 1 ;; esac')
    answer = machine.run("build release nothing")
    assert (answer.returncode, answer.stdout) == (0, "Waiting for another build in this checkout\n")


def test_only_missing_clients_are_asked_for_by_the_names_of_their_packages(machine):
    machine.debian()
    machine.program("curl", "")
    answer = machine.run("prepare_clients curl wrk node npm; echo $?")
    assert answer.stdout.endswith("\n0\n")
    assert machine.asked()[1].split()[-3:] == ["wrk", "nodejs", "npm"]


def test_a_browser_and_what_drives_it_are_clients_too(machine):
    machine.debian()
    machine.program("chromium", "")
    machine.run("prepare_clients chromium chromedriver selenium")
    assert machine.asked()[1].split()[-2:] == ["chromium-driver", "python3-selenium"]


def test_what_python_imports_is_not_asked_for(machine):
    machine.debian()
    machine.program("chosen", '[ "$2" = "import selenium" ]')
    answer = machine.run("PYTHON=chosen; prepare_clients selenium")
    assert (answer.returncode, answer.stdout, machine.asked()) == (0, "", [])


@pytest.mark.parametrize("apt", [None, "exit 100"])
def test_a_client_that_is_not_to_be_had_is_named_and_ends_nothing(machine, apt):
    if apt:
        machine.debian(apt=apt)
    machine.program("curl", "")
    answer = machine.run("prepare_clients curl wrk; echo goes on")
    assert answer.returncode == 0
    assert answer.stdout.endswith("missing here: wrk\ngoes on\n")


def test_nothing_is_said_of_clients_that_are_there(machine):
    machine.debian()
    machine.program("curl", "")
    answer = machine.run("prepare_clients curl")
    assert (answer.returncode, answer.stdout, machine.asked()) == (0, "", [])


def test_a_library_that_does_not_link_is_asked_for_though_its_headers_are_there(machine):
    machine.debian()
    machine.program("g++", 'case $* in *-lboost_fiber*) exit 1 ;; *-E*) printf "new_boost\\n"; '
                    'while read -r _ package; do echo "found $package"; done ;; esac')
    machine.run("prepare_machine")
    words = machine.asked()[1].split()
    assert "libboost-fiber1.81-dev" in words and "libboost1.81-dev" not in words


def made_up_test(folder, has):
    """scripts/test, which says what it would do; `has` decides about programs."""
    for name in ("scripts", "models", "bin"):
        (folder / name).mkdir()
    for name in ("tbb", "tbb_blocking", "asio"):
        (folder / "models" / f"{name}.cpp").write_text("")
    shutil.copy(PREPARE.with_name("test"), folder / "scripts" / "test")
    (folder / "scripts" / "prepare.sh").write_text(
        "python_modules=\nprepare_machine() { :; }\nprepare_python() { PYTHON=true; }\n"
        "prepare_clients() { echo clients \"$@\"; }\n"
        f"has() {{ {has}; }}\nnpm() {{ echo npm \"$@\"; }}\nnode() {{ echo node \"$@\"; }}\n"
        "build() { echo build \"$@\"; }\nctest() { echo ctest \"$@\"; }\n")
    link = folder / "bin" / "test-of-interleave"
    link.symlink_to(folder / "scripts" / "test")
    return link


def said_by(link, *arguments):
    answer = subprocess.run(["bash", link, *arguments], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.splitlines()


def test_every_model_is_built_and_tested_under_both_sanitizers(tmp_path):
    link = made_up_test(tmp_path, "false")
    said = said_by(link)
    programs = ("mock_llm_tests exchange_tests asio_conformance tbb_conformance "
                "tbb_blocking_conformance")
    assert f"build tsan {programs}" in said and f"build asan {programs}" in said
    assert f"build asan bench_tests {programs}" in said_by(link, "--full")
    for build in ("tsan", "asan", "release"):
        [_] = [line for line in said if line.startswith("ctest") and f"build/{build} " in line]


def test_the_full_test_alone_runs_openais_client_and_says_where_it_cannot(tmp_path):
    link = made_up_test(tmp_path, '[ -n "${ALL-}" ]')
    program = tmp_path / "build" / "release" / "mock_llm"
    program.parent.mkdir(parents=True)
    program.write_text("")
    program.chmod(0o755)
    (tmp_path / "scripts" / "openai_client").mkdir()
    assert "clients curl wrk" in said_by(link) and "clients node npm" not in said_by(link)
    said = said_by(link, "--full")
    assert "clients node npm" in said
    assert "node and npm are not installed: OpenAI's client is left out" in said
    prepare = tmp_path / "scripts" / "prepare.sh"
    prepare.write_text("ALL=yes\n" + prepare.read_text())
    said = said_by(link, "--full")
    assert said[-2].startswith("npm ci") and said[-1] == "node --test"


@pytest.mark.skipif(not shutil.which("flock"), reason="without flock only Python asks for the lock")
def test_the_shell_refuses_beside_a_run_and_not_where_the_lock_tells_nothing(tmp_path):
    text = PREPARE.with_name("bench").read_text()
    text = text.replace("/tmp/interleave.lock", f"{tmp_path}/lock")
    function = text[text.index("refuse_beside_a_run() {"):text.index("\nverb=run out=")]

    def ask(before=""):
        script = f"set -euo pipefail\n{function}\n{before}\nrefuse_beside_a_run"
        return subprocess.run(["bash", "-c", script], capture_output=True, text=True)

    assert ask().returncode == 0
    with MachineLock(str(tmp_path / "lock")):
        assert ask().returncode == 1 and "another run is measuring" in ask().stderr
    assert ask().returncode == 0
    assert ask("flock() { return 66; }").returncode == 0
