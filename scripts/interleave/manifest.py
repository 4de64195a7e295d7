"""What is written about a run as a whole: manifest.json, and the name of its folder."""

import os
import subprocess
from datetime import datetime, timezone

from . import checks, machine
from .cite_suite import version_of
from .samples import read_json, sha256_of, write_json
from .schema import fault_of, schema_of
from .trouble import Trouble, Usage

SCHEMA = schema_of("manifest")["properties"]["schema"]["const"]


def utc_second():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_manifest(path):
    """What every reader of a result relies on is there, in a schema that is known here. Otherwise
    the folder is no argument to accept: nothing has been done with it yet."""
    try:
        manifest = read_json(path)
    except Trouble as error:
        raise Usage(str(error))
    schema = manifest.get("schema") if isinstance(manifest, dict) else None
    if schema != SCHEMA:
        raise Usage(f"{path} is of schema {schema}, and only {SCHEMA} is known here: use the "
                    "version of the suite that wrote it")
    fault = fault_of("manifest", manifest)
    if fault:
        raise Usage(f"{path} is damaged: {fault}")
    return manifest


def git(root, *arguments):
    # A hook or an alias of git sets GIT_DIR and its like, which mean another repository.
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("GIT_")}
    try:
        answer = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True,
                                text=True, stdin=subprocess.DEVNULL, env=environment)
    except OSError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def commit_of(root):
    """(short commit, whether files differ from it). Without the git program its folder is read."""
    top = git(root, "rev-parse", "--show-toplevel")
    # A copy of the suite inside another repository has that one's commit no more than its name.
    inside = top is not None and os.path.realpath(top) == os.path.realpath(root)
    commit = git(root, "rev-parse", "--short=7", "HEAD") if inside else None
    if commit:
        status = git(root, "status", "--porcelain", "--untracked-files=normal", "--", ".",
                     ":!results")
        return commit, None if status is None else bool(status)
    return commit_in_folder(root / ".git") or "nogit", None


def commit_in_folder(folder):
    try:
        head = (folder / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head[:7]
        name = head[len("ref: "):]
        if (folder / name).is_file():
            return (folder / name).read_text().strip()[:7]
        for line in (folder / "packed-refs").read_text().splitlines():
            if line.endswith(" " + name):
                return line[:7]
    except OSError:
        pass
    return None


def result_id(created_utc, commit, profile):
    stamp = created_utc.replace("-", "").replace(":", "")
    return f"{stamp}_{commit}_{profile}"


def binary_hashes(executables, names):
    return {name: sha256_of(executables.path(name)) for name in names}


def new_manifest(root, plan, answers, about, executables, command):
    """about: model -> its answer to --about."""
    created = utc_second()
    commit, dirty = commit_of(root)
    first = next(iter(about.values()))
    return {
        "schema": SCHEMA, "result_id": result_id(created, commit, plan.profile.name),
        "suite_version": version_of(root),
        "workload_version": answers[0]["workload_version"] if answers else None,
        "profile": plan.profile.name, "blocks": plan.profile.blocks, "commit": commit,
        "dirty": dirty, "created_utc": created, "finished_utc": None,
        "machine": machine.machine(),
        "environment": {"before": checks.environment(), "after": None},
        "compiler": first.get("compiler"), "flags": first.get("build"),
        "libraries": {model: said.get("library") for model, said in about.items()},
        "models": [{key: said.get(key) for key in ("model", "family", "rung", "structure")}
                   for said in about.values()],
        "command": command, "order_seed": plan.order_seed,
        "predicted_s": round(plan.predicted_s(), 1), "trimmed": plan.trimmed,
        "resumed_utc": [], "binaries": binary_hashes(executables, about), "sha256": {}}


def finish(result, ticks, runner=None):
    """Marks the measuring as complete; ticks: machine.cpu_ticks() when measuring began; runner:
    what measuring itself has cost."""
    manifest = read_json(result / "manifest.json")
    manifest["finished_utc"] = utc_second()
    manifest["runner"] = runner
    manifest["environment"]["after"] = checks.environment(since=ticks)
    write_json(result / "manifest.json", manifest)
    return manifest
