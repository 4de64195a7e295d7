"""What is the name of the source that measured, for good? The SWHID of its folder, from git.

A SWHID (ISO/IEC 18670) of a directory or a revision is git's own SHA-1 of it, so it can be told
without asking anybody; whether an archive has a copy is another question.
"""

from .manifest import git


def swhid_of(root, manifest):
    """Folder, qualified by the revision; None where git does not know the commit of a result, or
    where its code had changes that no commit holds."""
    commit = manifest.get("commit")
    if root is None or not commit or manifest.get("dirty") is not False:
        return None
    revision = git(root, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    tree = git(root, "rev-parse", "--verify", "--quiet", f"{commit}^{{tree}}")
    return f"swh:1:dir:{tree};anchor=swh:1:rev:{revision}" if revision and tree else None
