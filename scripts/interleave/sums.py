"""Is each file still what it was? SHA256SUMS has the check sums of all files of a result as they
are; manifest.json has those of what was measured, taken once, when the measuring was finished.

So drawing again can renew the former, and can never make up for samples that somebody changed.
"""

import os
import stat
from pathlib import Path

from .samples import read_json, sha256_of, write_json, write_whole

SUMS = "SHA256SUMS"
MEASURED_FILES = ("plan.jsonl", "samples.jsonl", "canary.jsonl")
MEASURED_FOLDERS = ("hist", "trace")


def is_measured(name):
    """name: a path inside the folder, with slashes."""
    return name in MEASURED_FILES or name.partition("/")[0] in MEASURED_FOLDERS


def entries_of(folder):
    """(path inside the folder, its lstat) of all that is in it and is no folder, in the order of
    the paths. A symbolic link is not followed."""
    found = []
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in files + links:
            path = Path(place, name)
            found.append((path.relative_to(folder).as_posix(), path.lstat()))
    return sorted(found)


def plain_files(folder):
    """The paths of all plain files but SHA256SUMS itself, and but names that are no text."""
    return [name for name, about in entries_of(folder)
            if stat.S_ISREG(about.st_mode) and name != SUMS and is_text(name)]


def is_text(name):
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False


def sum_line(name, digest):
    """As sha256sum writes it; it marks a name in which it had to escape something."""
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{'' if escaped == name else chr(92)}{digest}  {escaped}\n"


def write_sums(folder):
    folder = Path(folder)
    write_whole(folder / SUMS, "".join(sum_line(name, sha256_of(folder / name))
                                       for name in plain_files(folder)))


def record_measured(folder):
    """At the end of measuring: from now on these files stay as they are."""
    folder = Path(folder)
    manifest = read_json(folder / "manifest.json")
    manifest["sha256"] = {name: sha256_of(folder / name) for name in plain_files(folder)
                          if is_measured(name)}
    write_json(folder / "manifest.json", manifest)


def seal(folder, commit, dirty):
    """After drawing: says which version of the suite drew, and takes the check sums of all."""
    folder = Path(folder)
    manifest = read_json(folder / "manifest.json")
    kept = {name: digest for name, digest in (manifest.get("sha256") or {}).items()
            if is_measured(name)}
    manifest["sha256"] = kept if manifest.get("finished_utc") else {}
    manifest["derived"] = {"commit": commit, "dirty": dirty}
    write_json(folder / "manifest.json", manifest)
    if manifest.get("finished_utc") and not kept:
        record_measured(folder)
    write_sums(folder)


def changed_since_measured(folder, manifest):
    """The measured files that are no longer what manifest.json has, each with why."""
    def now(name):
        path = Path(folder, name)
        return None if path.is_symlink() or not path.is_file() else sha256_of(path)

    return [f"{name} {why}" for name, why in differing_from_measured(manifest, now)]


def differing_from_measured(manifest, hash_of):
    """(name, why) of each; hash_of: the check sum of a path inside the folder as it is now, or
    None."""
    known = manifest.get("sha256")
    if not manifest.get("finished_utc") or not isinstance(known, dict):
        return
    for name, digest in sorted(known.items()):
        if not is_measured(name) or ".." in Path(name).parts:
            continue
        now = hash_of(name)
        if now is None:
            yield name, "is missing: it was there when the measuring was finished"
        elif now != digest:
            yield name, ("is not what was measured: its SHA-256 differs from that in "
                         "manifest.json")
