"""Worker processes, as the supervisor sees them: one that has imported TensorFlow and TFX, forked once for each run.

The imports take longer than most stages, so they begin before the config is read and serve every run of a supervisor.
The two sides talk over a socket: an order and two file descriptors go out, the forked worker's exit code comes back. An
order holds passwords, so it is in no argument list and no file.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import project
from components.fingerprints import code_digest
from orchestration.local import process_memory
from orchestration.local.run_order import RunOrder

STOP_SECONDS = 10.0
"""How long a worker may take to end after SIGTERM before it is killed."""
LIMIT_SECONDS = 2.0
"""The same for one that has gone past a limit."""
OURS = ("orchestration.local.execution",)
"""Our own modules that it imports before it knows of a run."""


class ForkServer:
    """The imported process; use it as a context, and for one run at a time.

    Attributes:
        ready: Whether the imports are done.
    """

    def __init__(self) -> None:
        self.ready = False
        self._code = ""
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  until __exit__

    def __enter__(self) -> "ForkServer":
        return self

    def begin(self) -> None:
        """Start the imports, where they are neither done nor going on."""
        if self._process is not None and self._process.poll() is None:
            if code_digest.code(*OURS) == self._code:
                return
            # What it has loaded was edited since.
            self._process.kill()
            self._process.wait()
        if self._socket is not None:
            # That process is gone, as where memory ran out; a run after it has one of its own.
            self._socket.close()
            self._log.seek(0)
            self._log.truncate()
            self.ready = False
        ours, theirs = socket.socketpair()
        environment = {
            **os.environ,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **project.environment(),
            "PYTHONUNBUFFERED": "1",
            # glibc gives each of TensorFlow's, Arrow's and Beam's threads a heap of its own, and takes none back.
            "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "orchestration.local.worker", str(theirs.fileno()), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            cwd=project.folder(),
            env=environment,
            pass_fds=[theirs.fileno()],
            # Ctrl-C reaches the supervisor alone, which then stops the worker.
            start_new_session=True,
        )
        theirs.close()
        self._socket = ours
        self._code = code_digest.code(*OURS)

    def __exit__(self, *_: object) -> None:
        if self._socket is not None and self._process is not None:
            self._socket.close()
            # What its imports write for good is written; a worker that it forked is already gone.
            self._process.kill()
            self._process.wait()
        self._log.close()

    @contextlib.contextmanager
    def run(self, order: RunOrder, *, events: int, log: int, lock: int) -> Iterator["Worker"]:
        """Fork a worker for one run, and leave none behind.

        Args:
            order: The run.
            events: File descriptor that the worker writes its events to.
            log: File descriptor that takes what it prints between stages.
            lock: File descriptor of the pipeline's lock, which the worker holds too.
        """
        self.begin()
        assert self._socket is not None
        assert self._process is not None
        worker = Worker(self._socket, self._process)
        text = order.to_json().encode()
        with contextlib.suppress(BrokenPipeError):
            socket.send_fds(self._socket, [len(text).to_bytes(8, "big")], [events, log, lock])
            self._socket.sendall(text)
        try:
            yield worker
        finally:
            worker.end()

    def said(self) -> bytes:
        """What the imports printed, to tell why they failed."""
        self._log.seek(0)
        return self._log.read()


class Worker:
    """One forked worker.

    Args:
        channel: The socket to the process that forks it.
        server: That process.

    Attributes:
        pid: Its process, as its first event tells; None while the imports go on.
    """

    def __init__(self, channel: socket.socket, server: "subprocess.Popen[bytes]") -> None:
        self._channel, self._server = channel, server
        self._code: int | None = None
        self.pid: int | None = None

    def memory(self) -> int:
        """Resident bytes of the worker and of what it started; pages that it shares with its parent count."""
        return process_memory.of_session(self._server.pid, without=self._server.pid)

    def wait(self, seconds: float | None = None) -> int:
        """Wait for its end.

        Returns:
            Its exit code, or the negative number of the signal that killed it or the process that forks it.

        Raises:
            TimeoutError: it goes on.
        """
        if self._code is None:
            self._channel.settimeout(seconds)
            try:
                answer = self._channel.recv(4)
            except ConnectionResetError:
                answer = b""
            self._code = int.from_bytes(answer, "big", signed=True) if answer else self._server.wait()
        return self._code

    def end(self, seconds: float = STOP_SECONDS, *, at_once: bool = False) -> None:
        """Stop it where it still runs.

        Args:
            seconds: How long it may take to end before it is killed.
            at_once: Whether it is killed without a warning.
        """
        if self._code is not None:
            return
        if self.pid is None:
            # Imports are still going on, so nothing has begun that had to end well.
            self._server.kill()
        for number in (signal.SIGKILL,) if at_once else (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(TimeoutError):
                if self.pid is not None:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(self.pid, number)
                self.wait(seconds)
                return
