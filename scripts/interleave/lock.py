"""How two runs are kept from spoiling each other: one lock for the whole machine."""

import fcntl
import os
from contextlib import contextmanager, suppress

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
            holder = holder_of(self.fd)
            os.close(self.fd)
            raise Trouble("another run is measuring on this machine"
                          f"{f' (process {holder})' if holder else ''}: wait until it is done")
        return self

    def __exit__(self, *_):
        os.close(self.fd)


def open_shared(path):
    """Whoever comes first makes the file, for all: reading it is enough for a lock."""
    try:
        try:
            return os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            fd = os.open(path, os.O_RDONLY | os.O_CREAT, 0o666)
            try:
                os.fchmod(fd, 0o666)  # whatever the umask says
            except PermissionError:
                pass  # another user was faster
            return fd
    except OSError as error:
        raise Trouble(f"cannot open the lock {path}: {error.strerror}")


def holder_of(fd):
    """The process that took the lock, as the kernel tells it; None where it does not."""
    file = os.fstat(fd)
    place = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    try:
        with open("/proc/locks") as locks:
            words = [line.split() for line in locks]
    except OSError:
        return None
    holders = (w[4] for w in words if len(w) > 5 and w[1] == "FLOCK" and w[5] == place)
    return next((pid for pid in holders if pid.isdigit() and pid != "0"), None)


def measuring_now(path=LOCK):
    """Whether a run is measuring on this machine at this moment; None where that is not told."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


@contextmanager
def drawing_into(folder):
    """Two that draw into one result would take each other's half-written files away: the second
    waits for the first."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems have no locks
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
