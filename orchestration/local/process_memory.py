"""Memory of processes, from Linux's /proc."""

import contextlib
import os

_PAGE = os.sysconf("SC_PAGE_SIZE")
_SESSION, _PAGES = 3, 21
"""Fields of /proc/PID/stat, counted after the command's name."""


def of_process(pid: int) -> int:
    """Return the resident bytes of a process."""
    with open(f"/proc/{pid}/statm", encoding="utf-8") as file:
        return int(file.read().split()[1]) * _PAGE


def of_session(session: int, *, without: int) -> int:
    """Return the resident bytes of all processes of a session but one.

    Args:
        session: The session's id, which is the pid of its first process.
        without: A pid that does not count.
    """
    total = 0
    for name in os.listdir("/proc"):
        if name.isdecimal() and int(name) != without:
            # A process may end meanwhile.
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
                if int(fields[_SESSION]) == session:
                    total += int(fields[_PAGES]) * _PAGE
    return total
