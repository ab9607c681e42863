"""Starts job servers for this process, and has remote jobs cancelled when it ends before they do.

Both are the work of a process of its own, `guard.py`, since this one may be killed at any moment. There is one a
process; the job servers are shared by all its Beam pipelines.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from components.engine import job_guard
from errors import ResourceError

START_SECONDS = 60.0
"""How long a job server may take to listen."""
CLOSE_SECONDS = job_guard.CANCEL_SECONDS + job_guard.STOP_SECONDS + 1.0
_KILLED = "the process that watches the Beam engine was killed: start the run again"


class Watch:
    """The guard of this process.

    Attributes:
        log: File that the servers' output is appended to.
    """

    def __init__(self) -> None:
        self.log = os.path.join(tempfile.gettempdir(), f"beam-engine-{os.getpid()}.log")
        self._guard: subprocess.Popen[str] | None = None
        self._owner = self._asked = 0
        self._servers: dict[tuple[str, ...], str] = {}
        self._lock = threading.RLock()

    def server(self, name: str, make: Any, key: Sequence[str]) -> str:
        """Give a job server, which is started on the first call and again where it does not answer any more.

        Args:
            name: What to call it.
            make: Makes its command and its HOST:PORT.
            key: What makes it differ from other servers.

        Returns:
            Its HOST:PORT.

        Raises:
            ResourceError: it cannot be started.
        """
        known = self._servers.get(tuple(key))
        if known is not None and self._owner == os.getpid():
            return known
        command, endpoint = make()
        answer = self._ask(
            do="serve",
            command=list(map(str, command)),
            port=int(endpoint.rpartition(":")[2]),
            log=self.log,
            seconds=START_SECONDS,
        )
        if "failed" in answer:
            raise ResourceError(f"the job server of {name} did not start; {answer['failed']}\nIts log: {self.log}")
        self._servers[tuple(key)] = endpoint
        return str(endpoint)

    @contextlib.contextmanager
    def job(self) -> Iterator["Job"]:
        """A job that is cancelled when what is within ends with an error, or this process ends."""
        job = Job(self)
        try:
            yield job
        except BaseException:
            with contextlib.suppress(ResourceError):
                job.cancel()
            raise
        else:
            job.ended()

    def close(self) -> None:
        """Cancel the jobs that still run, stop the servers, and wait until they have ended."""
        process, self._guard = self._guard, None
        self._servers.clear()
        if process is None or self._owner != os.getpid():
            return
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(CLOSE_SECONDS)
        process.stdout.close()

    def _tell(self, **order: Any) -> Any:
        if self._guard is None or self._owner != os.getpid():
            # A forked process has a guard of its own: that of its parent outlives it.
            self._servers.clear()
            self._owner = os.getpid()
            self._guard = subprocess.Popen(
                [sys.executable, "-I", job_guard.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                # Signals for the run's processes do not reach it: it ends after them.
                start_new_session=True,
            )
        assert self._guard.stdin is not None
        try:
            with self._lock:
                self._guard.stdin.write(json.dumps(order) + "\n")
                self._guard.stdin.flush()
        except BrokenPipeError as error:
            raise ResourceError(_KILLED) from error
        return self._guard

    def _ask(self, **order: Any) -> dict[str, Any]:
        with self._lock:
            self._asked += 1
            process = self._tell(number=self._asked, **order)
            for line in process.stdout:
                answer: dict[str, Any] = json.loads(line)
                # One that a signal kept from being read belongs to an earlier order.
                if answer["number"] == self._asked:
                    return answer
        raise ResourceError(_KILLED)


class Job:
    """One job at a job service, and how the guard knows it.

    Args:
        watch: The guard of this process.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch, self._key, self._noted = watch, uuid.uuid4().hex, False

    @property
    def name(self) -> str:
        """The name by which its service lists it."""
        return f"pipeline-{self._key}"

    def note(self, endpoint: str, job_id: str) -> None:
        """Say that it runs, or is about to."""
        self._noted = True
        self._watch._tell(do="note", key=self._key, endpoint=endpoint, name=self.name, job=job_id)

    def ended(self) -> None:
        """Say that it has ended."""
        if self._noted:
            self._watch._tell(do="forget", key=self._key)

    def cancel(self) -> None:
        """Cancel it."""
        if self._noted:
            self._watch._ask(do="cancel", key=self._key)


WATCH = Watch()
"""That of this process."""
