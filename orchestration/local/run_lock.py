"""Lock that allows one run of a pipeline at a time under a root: a file that supervisor and worker hold with flock.

The kernel releases it when both processes have exited, even if they are killed. So a lock that is held means that the
run is alive.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator

NAME = ".lock"


class Lock:
    """The lock, while it is held.

    Attributes:
        descriptor: The open file, to pass to the worker.
        last: The run that held it last, or None.
        waited: Whether another run held it first, during which anything may have changed.
    """

    def __init__(self, descriptor: int, waited: bool) -> None:
        self.descriptor, self.waited = descriptor, waited
        self.last: str | None = _holder(descriptor).get("run_id")

    def name(self, run_id: str) -> None:
        """Record the run that holds it."""
        text = json.dumps({"run_id": run_id, "pid": os.getpid()}).encode()
        os.pwrite(self.descriptor, text, 0)
        os.ftruncate(self.descriptor, len(text))


@contextlib.contextmanager
def held(folder: str, say: Callable[[str], None]) -> Iterator[Lock]:
    """Hold a pipeline's lock, after waiting for any run that has it.

    Args:
        folder: The pipeline's folder; created if it is missing.
        say: Logs which run it waits for.
    """
    os.makedirs(folder, exist_ok=True)
    descriptor = os.open(os.path.join(folder, NAME), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    has_waited = False
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(descriptor)
            holder_text = f"run {holder['run_id']} (process {holder['pid']})" if holder else "another run"
            say(f"{holder_text} of {os.path.basename(folder)} is running under this root: waiting for it to end")
            has_waited = True
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield Lock(descriptor, has_waited)
    finally:
        os.close(descriptor)


def _holder(descriptor: int) -> dict[str, str]:
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
    except ValueError:
        # The file is empty, or was partly written by a run that has just started or was killed.
        return {}
    return holder if isinstance(holder, dict) else {}
