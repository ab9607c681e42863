"""Ports on which no other process listens, for servers that must be told their port before they start."""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

_SPAN = 8000
_FOLDER = Path(tempfile.gettempdir(), f"pipeline-test-ports-{os.getuid()}")
_held: list[int] = []
"""Open locks of ports, until this process ends."""


def unused() -> int:
    """Return a port that no other process gets before this one ends.

    The system gives a port that was found free and closed again to any program that asks for one. This port is below
    those that it gives, and locked against other test processes.
    """
    first_given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    _FOLDER.mkdir(exist_ok=True)
    # Not Python's own generator, whose numbers a test may have fixed.
    for port in random.SystemRandom().sample(range(first_given - _SPAN, first_given), _SPAN):
        lock = os.open(_FOLDER / str(port), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            os.close(lock)
            continue
        _held.append(lock)
        return port
    raise AssertionError(f"all of the {_SPAN} ports below {first_given} are in use")
