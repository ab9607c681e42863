"""Where a warm process can be reached: a socket in a folder that only its user can enter."""

import contextlib
import fcntl
import hashlib
import os
import socket
import stat
import sys
import tempfile

import project

SOCKET, LOCK = ".socket", ".lock"


def folder() -> str:
    """Return the folder of the sockets, which is created if it does not exist.

    Raises:
        OSError: it cannot be created, or other users have access to it.
    """
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    path = os.path.join(base, f"pipeline-warm-{os.getuid()}")
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
    facts = os.lstat(path)
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        raise PermissionError(f"{path} is not a folder that only this user can enter (mode 0700)")
    return path


def stem() -> str:
    """Return the path of this project's socket and lock, without their suffixes.

    Raises:
        OSError: as of `folder`.
    """
    names = "\0".join((project.REPOSITORY, project.folder(), sys.prefix))
    return os.path.join(folder(), hashlib.sha256(names.encode(errors="surrogateescape")).hexdigest()[:16])


class Taken:
    """The address of this project, for one process at a time.

    Attributes:
        listener: Its socket.

    Raises:
        OSError: another process has it, or there can be none.
    """

    def __init__(self) -> None:
        self._stem = stem()
        self._lock = self._locked()
        with contextlib.suppress(FileNotFoundError):
            # A process that was killed has left it.
            os.remove(self._stem + SOCKET)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self._stem + SOCKET)
        self.listener.listen()

    def _locked(self) -> int:
        while True:
            lock = os.open(self._stem + LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(lock).st_ino == os.stat(self._stem + LOCK).st_ino:
                    return lock
            except FileNotFoundError:
                pass
            except BaseException:
                os.close(lock)
                raise
            # The process that had it has just removed it.
            os.close(lock)

    def leave(self) -> None:
        """Give the address up."""
        for suffix in (SOCKET, LOCK):
            with contextlib.suppress(FileNotFoundError):
                os.remove(self._stem + suffix)
        self.close()

    def close(self) -> None:
        """Close the descriptors, as a forked process does, which does not have the address."""
        self.listener.close()
        os.close(self._lock)
