"""What is written about a run as a whole: manifest.json, and the name of its folder."""

import subprocess
from datetime import datetime, timezone

from . import machine
from .samples import read_json, sha256_of, write_json

SCHEMA = "interleave.manifest/1"


def utc_second():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def git(root, *arguments):
    try:
        answer = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True,
                                text=True, stdin=subprocess.DEVNULL)
    except OSError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def commit_of(root):
    """(short commit, whether files differ from it). Without the git program its folder is read."""
    commit = git(root, "rev-parse", "--short=7", "HEAD")
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
        "workload_version": answers[0]["workload_version"] if answers else None,
        "profile": plan.profile.name, "blocks": plan.profile.blocks, "commit": commit,
        "dirty": dirty, "created_utc": created, "finished_utc": None,
        "machine": machine.machine(),
        "environment": {"before": machine.environment(), "after": None},
        "compiler": first.get("compiler"), "flags": first.get("build"),
        "libraries": {model: said.get("library") for model, said in about.items()},
        "models": [{key: said.get(key) for key in ("model", "family", "rung", "structure")}
                   for said in about.values()],
        "command": command, "order_seed": plan.order_seed,
        "predicted_s": round(plan.predicted_s(), 1), "trimmed": plan.trimmed,
        "resumed_utc": [], "binaries": binary_hashes(executables, about), "sha256": {}}


def finish(result, ticks):
    """Marks the measuring as complete; ticks: machine.cpu_ticks() when measuring began."""
    manifest = read_json(result / "manifest.json")
    manifest["finished_utc"] = utc_second()
    manifest["environment"]["after"] = machine.environment(since=ticks)
    write_json(result / "manifest.json", manifest)
    return manifest
