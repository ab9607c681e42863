"""Worker processes, as the supervisor sees them: one that has imported TensorFlow and TFX, forked once for each run.

The imports take longer than most stages, so they start before the config is read and serve every run of a supervisor,
and those of the next commands while the process stays (warm). The two sides communicate over a socket: the supervisor
sends an order and three file descriptors, and receives the exit code of the forked worker. An order may contain a
password, so it is in no argument list and no file on a disk.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import printing
import project
from components.fingerprints import code_digest
from orchestration.local import process_memory
from orchestration.local.run_order import RunOrder
from orchestration.local.warm import messages, warm_process
from orchestration.local.warm.warm_process import WarmProcess

STOP_SECONDS = 10.0
"""Time that a worker has to end after SIGTERM before it is killed."""
LIMIT_SECONDS = 2.0
"""The same for a worker that exceeded a limit."""
KEEP_SECONDS = 10.0
"""Time that the process has to say whether it stays."""
MODULE = "orchestration.local.worker"
"""The program of the process."""
OURS = ("orchestration.local.execution",)
"""Modules of this repository that it imports before it receives an order."""


class ForkServer:
    """The process with the imports; use it as a context, and for one run at a time.

    Args:
        warm: Whether it may be that of an earlier command, and may stay for the next one.

    Attributes:
        ready: Whether the imports are done.
        keep_minutes: How long it stays, as in `limits.keep_warm`.
        refused: Why the process of an earlier command is not used; empty if there is none, or it is used.
    """

    def __init__(self, *, warm: bool = False) -> None:
        self.ready = False
        self.keep_minutes: float | None = 0.0
        self.refused = ""
        self._warm = warm
        self._code = ""
        self._idle = True
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | WarmProcess | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  until __exit__

    def __enter__(self) -> "ForkServer":
        return self

    def begin(self) -> None:
        """Start the imports, unless they are done or running."""
        if self._process is not None and self._process.poll() is None:
            if self._is_current():
                return
            # Code that it has loaded was edited since.
            self._process.kill()
            self._process.wait()
        if self._socket is not None:
            # The process has exited, for example out of memory; the next run gets a new one.
            self._socket.close()
            self._log.seek(0)
            self._log.truncate()
            self.ready = False
        environment = _environment()
        if self._warm:
            self._process, self.refused = warm_process.take(environment)
            if self._process is not None:
                self._socket, self.ready = self._process.channel, True
                return
        channel, server_channel = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-m", MODULE, str(server_channel.fileno()), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            cwd=project.folder(),
            env=environment,
            pass_fds=[server_channel.fileno()],
            # Ctrl-C reaches only the supervisor, which then stops the worker.
            start_new_session=True,
        )
        server_channel.close()
        self._socket = channel
        self._code = code_digest.code(*OURS)

    def _is_current(self) -> bool:
        """Whether the process has loaded the code as it is now."""
        if not isinstance(self._process, WarmProcess):
            return code_digest.code(*OURS) == self._code
        try:
            return self._asked(**warm_process.introduction(_environment()))
        except OSError:
            return False

    def _asked(self, **message: Any) -> bool:
        """Return the answer of the idle process."""
        assert self._socket is not None
        self._socket.settimeout(KEEP_SECONDS)
        messages.send(self._socket, message)
        answer = self._socket.recv(messages.CODE_BYTES)
        self._socket.settimeout(None)
        return int.from_bytes(answer, "big") == 1

    def __exit__(self, *_: object) -> None:
        if self._socket is not None and self._process is not None:
            if not self._stays():
                # The worker that it forked has already exited.
                self._process.kill()
                self._process.wait()
            elif isinstance(self._process, subprocess.Popen):
                # It is no child whose end anybody waits for.
                self._process.returncode = 0
            self._socket.close()
        self._log.close()

    def _stays(self) -> bool:
        """Ask the process to stay, if the user wants it, and return whether it does."""
        minutes = warm_process.default_minutes() if self.keep_minutes is None else self.keep_minutes
        if not (self._warm and self.ready and self._idle and minutes):
            return False
        is_new = not isinstance(self._process, WarmProcess)
        try:
            if is_new:
                # The newest one is that of the environment in which the user works.
                warm_process.end()
            stays = self._asked(keep=60 * minutes)
        except OSError:
            return False
        if stays and is_new:
            printing.line(f"TensorFlow stays loaded for {minutes:g} min, for the next command (--no-warm: it does not)")
        return stays

    @contextlib.contextmanager
    def run(self, order: RunOrder, *, events: int, log: int, lock: int) -> Iterator["Worker"]:
        """Fork a worker for one run, and stop it at the end.

        Args:
            order: The run.
            events: File descriptor that the worker writes its events to.
            log: File descriptor for its output between stages.
            lock: File descriptor of the pipeline's lock, which the worker holds too.
        """
        self.begin()
        assert self._socket is not None
        assert self._process is not None
        worker = Worker(self._socket, self._process)
        with contextlib.suppress(BrokenPipeError):
            messages.send_order(self._socket, order.to_json(), events, log, lock)
        self._idle = False
        try:
            yield worker
        finally:
            worker.end()
            self._idle = worker.ended

    def output(self) -> bytes:
        """Return the output of the imports, which contains the reason of a failure."""
        self._log.seek(0)
        return self._log.read()


def _environment() -> dict[str, str]:
    """Return the environment of the process."""
    return {
        **os.environ,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **project.environment(),
        "PYTHONUNBUFFERED": "1",
        # glibc gives each thread of TensorFlow, Arrow and Beam its own heap, and never returns it.
        "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),
    }


class Worker:
    """One forked worker.

    Args:
        channel: The socket to the process that forks it.
        server: That process.

    Attributes:
        pid: Its process, from its first event; None while the imports run.
    """

    def __init__(self, channel: socket.socket, server: "subprocess.Popen[bytes] | WarmProcess") -> None:
        self._channel, self._server = channel, server
        self._code: int | None = None
        self.pid: int | None = None

    @property
    def ended(self) -> bool:
        """Whether its end has been reported."""
        return self._code is not None

    def memory(self) -> int:
        """Return the resident bytes of the worker and its child processes, including pages shared with its parent."""
        return process_memory.of_session(self._server.pid, without=self._server.pid)

    def wait(self, seconds: float | None = None) -> int:
        """Wait for its end.

        Returns:
            Its exit code, or the negative number of the signal that killed it or the process that forks it.

        Raises:
            TimeoutError: it is still running.
        """
        if self._code is None:
            self._channel.settimeout(seconds)
            try:
                reply = self._channel.recv(messages.CODE_BYTES)
            except ConnectionResetError:
                reply = b""
            self._code = int.from_bytes(reply, "big", signed=True) if reply else self._server.wait()
        return self._code

    def end(self, seconds: float = STOP_SECONDS, *, at_once: bool = False) -> None:
        """Stop it if it is running.

        Args:
            seconds: Time that it has to end before it is killed.
            at_once: Whether to kill it without SIGTERM.
        """
        if self._code is not None:
            return
        if self.pid is None:
            # The imports are running, so there is nothing to clean up.
            self._server.kill()
        for number in (signal.SIGKILL,) if at_once else (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(TimeoutError):
                if self.pid is not None:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(self.pid, number)
                self.wait(seconds)
                return
