"""How are two revisions of the suite built aside, each in a checkout of its own?

Below build/revisions/, by commit, each a worktree of the local repository; one that is there is
used again, and what was used longest ago goes first when there are too many.
"""

import hashlib
import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import canary
from .executables import Executables
from .manifest import git
from .process import die_with
from .trouble import Trouble, Usage
from .units import plural

KEPT = 4  # checkouts; each is built, so it has some hundred megabytes
STDERR = 2
# Called with the folder whose prepare.sh knows how to build, the checkout, and what to build in it.
BUILD = """set -euo pipefail
scripts=$1 root=$2
shift 2
. "$scripts/prepare.sh"
build release "$@"
"""
# Of what describe answers, all that a plan is made of.
ANSWERED = {"workload_version": int, "digest": str, "sum": str, "greedy_ns": int, "lb_ns": int,
            "lb_model_ns": dict}


@dataclass
class Side:
    """One of the two revisions, built."""

    name: str      # A or B
    revision: str  # as it was typed
    sha: str
    root: Path
    executables: Executables
    about: dict    # model -> what it says of itself

    def words(self):
        return words_for(self.name, self.revision, self.sha)


def words_for(name, revision, sha):
    return f"{name} ({revision})" if sha.startswith(revision) else f"{name} ({revision}, {sha[:7]})"


def build_sides(session, revisions, models):
    """Both sides; a revision that is named twice is built once."""
    shas = [commit_named(session.root, revision) for revision in revisions]
    tell_uncommitted(session, shas)
    folders = {sha: checkout(session.root, sha) for sha in dict.fromkeys(shas)}
    sides, built = [], {}
    for name, revision, sha in zip("AB", revisions, shas):
        words = words_for(name, revision, sha)
        if sha not in built:
            session.say(f"Building {words}: describe, {', '.join(models)}")
            build(session, folders[sha], words, ["describe", canary.PROGRAM, *models])
            built[sha] = about(folders[sha], models, words)
        sides.append(Side(name, revision, sha, folders[sha], executables_of(folders[sha]),
                          built[sha]))
    tidy(session.root, set(folders.values()))
    return sides


def commit_named(root, revision):
    top = git(root, "rev-parse", "--show-toplevel")
    if top is None or os.path.realpath(top) != os.path.realpath(root):
        raise Usage(f"{root} is no git checkout of its own, so it has no revisions: "
                    "name two results")
    sha = git(root, "rev-parse", "--verify", "--quiet", revision + "^{commit}")
    if sha is None:
        raise Usage(f"'{revision}' is no git revision here")
    return sha


def tell_uncommitted(session, shas):
    head = git(session.root, "rev-parse", "HEAD")
    if head in shas and git(session.root, "status", "--porcelain", "--untracked-files=no"):
        session.say("What is changed here and in no commit yet is not part of the comparison.")


def checkout(root, sha):
    """A folder that has exactly the files of this commit, and perhaps a build of them."""
    folder = root / "build" / "revisions" / sha
    if git(folder, "rev-parse", "HEAD") == sha and is_worktree(folder) and git(
            folder, "status", "--porcelain", "--untracked-files=no") == "":
        os.utime(folder)
        return folder
    remove(root, folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    added = run_git(root, "worktree", "add", "--detach", "--force", str(folder), sha)
    if added.returncode:
        raise Trouble(f"cannot check out {sha[:7]} below {folder.parent}: "
                      f"{last_line(added.stderr)}")
    return folder


def is_worktree(folder):
    """Not merely a folder inside the repository, whose HEAD is the repository's."""
    top = git(folder, "rev-parse", "--show-toplevel") if folder.is_dir() else None
    return top is not None and os.path.realpath(top) == os.path.realpath(folder)


def run_git(root, *arguments):
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("GIT_")}
    return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, env=environment)


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1] if lines else "git does not say why"


def remove(root, folder):
    shutil.rmtree(folder, ignore_errors=True)
    git(root, "worktree", "prune")  # forgets the checkouts whose folder is gone


def tidy(root, in_use):
    old = sorted((path for path in (root / "build" / "revisions").iterdir()
                  if path.is_dir() and path not in in_use),
                 key=lambda path: path.stat().st_mtime, reverse=True)
    for folder in old[max(0, KEPT - len(in_use)):]:
        remove(root, folder)


def build(session, folder, words, programs):
    """By this checkout's own prepare.sh: an older one may build in another way."""
    if not (folder / "CMakePresets.json").is_file():
        raise Trouble(f"{words} has no CMakePresets.json: it is from before the suite could be "
                      "built like this; name a later revision")
    parent = os.getpid()
    builder = subprocess.Popen(
        ["bash", "-c", BUILD, "bench", str(session.root / "scripts"), str(folder), *programs],
        stdin=subprocess.DEVNULL, stdout=STDERR if session.console.stderr else None,
        start_new_session=True, preexec_fn=lambda: die_with(parent))
    try:
        status = builder.wait()
    except BaseException:
        os.killpg(builder.pid, signal.SIGTERM)  # Ninja takes its half-written files along
        builder.wait()
        raise
    if status:
        raise Trouble(f"{words} does not build here (above): name a revision that does")


def executables_of(folder):
    return Executables(folder / "build" / "release")


# What the linker adds as a mark of all other bytes, the path of the checkout among them.
BUILD_ID = re.compile(rb"(\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0).{20}", re.DOTALL)


def hash_without_path(program, folder):
    """Of a program as if it had been built elsewhere: the same source, the same hash."""
    data = program.read_bytes().replace(os.fsencode(os.path.realpath(folder)), b"")
    return hashlib.sha256(BUILD_ID.sub(rb"\1", data)).hexdigest()


def about(folder, models, words):
    """What each of its models says of itself, with everything that a plan asks for."""
    executables = executables_of(folder)
    if not executables.path("describe").is_file():
        raise Trouble(f"{words} has no program `describe`, which works out the reference answers: "
                      "name a later revision")
    try:
        answers, _ = executables.about(models)
    except Trouble as error:
        raise Trouble(f"{words}: {error}")
    usual = {"family": None, "rung": None, "structure": None}
    return {model: usual | said for model, said in answers.items() if isinstance(said, dict)}


def common_models(session, sides, models):
    """Those that both have; says of the others where they are missing."""
    a, b = sides
    for side, other in ((a, b), (b, a)):
        only = [model for model in models if model in side.about and model not in other.about]
        if only:
            session.say(f"Only in {side.words()}, so left out: {', '.join(only)}.")
    common = [model for model in models if model in a.about and model in b.about]
    if not common:
        raise Trouble(f"neither of {', '.join(models)} is built in both revisions: name models "
                      "that both have")
    return common


def common_cells(session, sides, cells):
    """(cells, A's answers) of those that are the same work in both revisions; says why others are
    not."""
    kept, left_out = [], {}
    for cell in cells:
        answers = []
        for side in sides:
            if answers and side.sha == sides[0].sha:
                answers.append(answers[0])
                continue
            answer, why = answer_of(side, cell)
            if answer is None:
                why = f"{side.words()} cannot tell its answer: {why}"
                left_out.setdefault(why, []).append(cell)
                break
            answers.append(answer)
        if len(answers) < 2:
            continue
        why = unlike(*answers)
        if why:
            left_out.setdefault(why, []).append(cell)
        else:
            kept.append((cell, answers[0]))
    for why, which in left_out.items():
        session.say(f"Left out {plural(len(which), 'cell')} "
                    f"({'; '.join(cell.short() for cell in which[:3])}"
                    f"{'; ...' if len(which) > 3 else ''}): {why}.")
    if not kept:
        raise Trouble(f"no cell is the same work in {sides[0].words()} and {sides[1].words()}: "
                      "name revisions that are closer, or other scenarios")
    return [cell for cell, _ in kept], [answer for _, answer in kept]


def answer_of(side, cell):
    try:
        answer = side.executables.describe(cell)
    except Trouble as error:
        return None, str(error).rpartition("failed: ")[2]
    for key, kind in ANSWERED.items():
        if not isinstance(answer, dict) or not isinstance(answer.get(key), kind):
            return None, f"its describe does not say {key}, so it is too old for this comparison"
    return answer, None


def unlike(a, b):
    if a["workload_version"] != b["workload_version"]:
        return (f"A has workload version {a['workload_version']} and B {b['workload_version']}: "
                "other work")
    if (a["digest"], a["sum"]) != (b["digest"], b["sum"]):
        return "its reference answer is another one in B: other work"
    return None
