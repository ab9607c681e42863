"""Job servers of this process, and cancellation of its remote jobs if it ends before them.

A separate guard process (`job_guard.py`) does both, because this process may be killed at any time. Each process has at
most one guard; all its Beam pipelines share the job servers.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from components.engine import job_guard
from errors import ResourceError

START_SECONDS = 60.0
"""Timeout for the start of a job server."""
CLOSE_SECONDS = job_guard.CANCEL_SECONDS + job_guard.STOP_SECONDS + 1.0
_GUARD_KILLED = "the guard process of the Beam engine was killed: start the run again"


class JobServers:
    """Client of the guard process.

    Attributes:
        log: File that the output of the job servers is appended to.
    """

    def __init__(self) -> None:
        self.log = os.path.join(tempfile.gettempdir(), f"beam-engine-{os.getpid()}.log")
        self._guard: subprocess.Popen[str] | None = None
        self._owner = self._requests = 0
        self._servers: dict[tuple[str, ...], str] = {}
        self._lock = threading.RLock()

    def start(self, name: str, make_command: Callable[[], tuple[list[Any], str]], key: Sequence[str]) -> str:
        """Start a job server, once per process and key.

        Args:
            name: Name of the server in messages.
            make_command: Returns its command and its HOST:PORT.
            key: Identifies the server among those of this process.

        Returns:
            Its HOST:PORT.

        Raises:
            ResourceError: the server does not start.
        """
        running = self._servers.get(tuple(key))
        if running is not None and self._owner == os.getpid():
            return running
        command, endpoint = make_command()
        response = self.call(
            "start_server",
            command=list(map(str, command)),
            port=int(endpoint.rpartition(":")[2]),
            log=self.log,
            seconds=START_SECONDS,
        )
        if "failed" in response:
            raise ResourceError(f"the job server of {name} did not start: {response['failed']}\nIts log: {self.log}")
        self._servers[tuple(key)] = endpoint
        return str(endpoint)

    @contextlib.contextmanager
    def job(self) -> Iterator["Job"]:
        """Open a context with a job, which is cancelled if the context exits with an error or this process ends."""
        job = Job(self)
        try:
            yield job
        except BaseException:
            with contextlib.suppress(ResourceError):
                job.cancel()
            raise
        else:
            job.remove()

    def close(self) -> None:
        """Cancel the running jobs, stop the servers, and wait until they have exited."""
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

    def send(self, method: str, **request: Any) -> Any:
        """Send a request to the guard process, which is started on the first one.

        Args:
            method: Name of a method of `job_guard.Guard`.
            request: Arguments of the request.

        Returns:
            The guard process.

        Raises:
            ResourceError: the guard process was killed.
        """
        if self._guard is None or self._owner != os.getpid():
            # A forked process starts its own guard, because its parent's may outlive it.
            self._servers.clear()
            self._owner = os.getpid()
            self._guard = subprocess.Popen(
                [sys.executable, "-I", job_guard.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                # Signals to the processes of the run do not reach the guard, which exits after them.
                start_new_session=True,
            )
        assert self._guard.stdin is not None
        try:
            with self._lock:
                self._guard.stdin.write(json.dumps({"method": method, **request}) + "\n")
                self._guard.stdin.flush()
        except BrokenPipeError as error:
            raise ResourceError(_GUARD_KILLED) from error
        return self._guard

    def call(self, method: str, **request: Any) -> dict[str, Any]:
        """Send a request and wait for its response.

        Args:
            method: Name of a method of `job_guard.Guard`.
            request: Arguments of the request.

        Raises:
            ResourceError: the guard process was killed.
        """
        with self._lock:
            self._requests += 1
            process = self.send(method, request_id=self._requests, **request)
            for line in process.stdout:
                response: dict[str, Any] = json.loads(line)
                # A response to a previous request is left if a signal interrupted its reader.
                if response["request_id"] == self._requests:
                    return response
        raise ResourceError(_GUARD_KILLED)


class Job:
    """One job at a job service.

    Args:
        servers: The guard process that it is registered with.
    """

    def __init__(self, servers: JobServers) -> None:
        self._servers, self._key, self._registered = servers, uuid.uuid4().hex, False

    @property
    def name(self) -> str:
        """Unique name of the job in its service."""
        return f"pipeline-{self._key}"

    def register(self, endpoint: str, job_id: str) -> None:
        """Register the job, so that it is cancelled if this process ends before it."""
        self._registered = True
        self._servers.send("register_job", key=self._key, endpoint=endpoint, name=self.name, job=job_id)

    def remove(self) -> None:
        """Remove the registration of a finished job."""
        if self._registered:
            self._servers.send("remove_job", key=self._key)

    def cancel(self) -> None:
        """Cancel the job."""
        if self._registered:
            self._servers.call("cancel_job", key=self._key)


JOB_SERVERS = JobServers()
"""The job servers of this process."""
