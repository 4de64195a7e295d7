"""How two runs are kept from spoiling each other: one lock for the whole machine."""

import fcntl
import os

from .trouble import Trouble

# The same path in scripts/bench. Not $TMPDIR: that may differ from person to person.
LOCK = "/tmp/interleave.lock"


class MachineLock:
    """Held while measuring. The measured process inherits it: should the runner be killed, the
    machine is not free before its last process has ended too."""

    def __init__(self, path=LOCK):
        self.path = path
        self.fd = None

    def __enter__(self):
        self.fd = open_shared(self.path)
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self.fd)
            raise Trouble("another run is measuring on this machine: wait until it is done")
        return self

    def __exit__(self, *_):
        os.close(self.fd)


def open_shared(path):
    """Readable by all is enough for a lock; creating fails when the file is another user's."""
    try:
        return os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        fd = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
        return fd
    except OSError as error:
        raise Trouble(f"cannot open the lock {path}: {error.strerror}")
