"""The loop of the process with the imports: forks a worker for each order of the command that it serves.

Its first command is its parent, over a socket pair. If that asks it to, it stays after the end of the command, and
serves those that connect to its address, one at a time. It never reads an order, and runs no stage itself.
"""

import contextlib
import ctypes
import importlib
import os
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import project
from orchestration.local import process_memory
from orchestration.local.warm import inherited, messages, place
from orchestration.local.warm.loaded_files import LoadedFiles

GREETING_SECONDS = 1.0
"""Time that a command has for its first message."""
_PR_SET_PDEATHSIG = 1
Work = Callable[..., int]
"""Runs an order: pid of this process, descriptors of events, log, lock and order -> exit code."""


class ForkLoop:
    """The state of this process; create it before the imports.

    Args:
        channel: The socket of its parent.
        work: Runs an order in the forked worker.
    """

    def __init__(self, channel: socket.socket, work: Work) -> None:
        self._client: socket.socket | None = channel
        self._work = work
        self._inherited = inherited.facts(os.environ)
        self._loaded = LoadedFiles()
        self._environment = inherited.free(os.environ)
        self._place: place.Taken | None = None
        self._worker: int | None = None
        self._stays, self._seconds, self._until, self._ended = False, 0.0, 0.0, False
        self._wake = -1, -1

    def run(self) -> int:
        """Serve until the command ends, or, if this process stays, until its time is over; return its exit code."""
        self._wake = os.pipe()
        for descriptor in self._wake:
            os.set_blocking(descriptor, False)
        # Without a handler nothing is written to the pipe.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake[1])
        try:
            while not self._ended and (self._client is not None or time.monotonic() < self._until):
                self._step()
            return 0
        finally:
            if self._place is not None:
                self._place.leave()

    def _step(self) -> None:
        watched: list[Any] = [self._wake[0]]
        watched += [self._client] if self._client is not None else []
        watched += [self._place.listener] if self._place is not None else []
        timeout = max(0.0, self._until - time.monotonic()) if self._client is None else None
        ready, _, _ = select.select(watched, [], [], timeout)
        if self._wake[0] in ready:
            os.read(self._wake[0], 1 << 12)
            self._reap()
        if self._client in ready:
            self._hear()
        if self._place is not None and self._place.listener in ready and not self._ended:
            with contextlib.suppress(OSError, ValueError, KeyError):
                self._greet()

    def _reap(self) -> None:
        """Notify the command that its worker has ended."""
        if self._worker is None:
            return
        pid, status = os.waitpid(self._worker, os.WNOHANG)
        if pid:
            self._worker = None
            if self._client is not None:
                with contextlib.suppress(OSError):
                    messages.reply(self._client, os.waitstatus_to_exitcode(status))

    def _hear(self) -> None:
        """Process a message of the command that this process serves."""
        assert self._client is not None
        message, descriptors = messages.receive(self._client)
        if message is None:
            self._leave_client()
        elif descriptors:
            self._fork(descriptors)
        elif "keep" in message:
            self._keep(float(message["keep"]))
            messages.reply(self._client, int(self._stays))
        else:
            messages.reply(self._client, int(not self._difference(message)))

    def _leave_client(self) -> None:
        """End a worker whose command was killed, and stay or end."""
        if self._worker is not None:
            os.kill(self._worker, signal.SIGKILL)
            os.waitpid(self._worker, 0)
            self._worker = None
        assert self._client is not None
        self._client.close()
        self._client = None
        self._ended = not self._stays
        self._until = time.monotonic() + self._seconds

    def _fork(self, descriptors: list[int]) -> None:
        server, pid = os.getpid(), os.fork()
        if pid == 0:
            try:
                self._become_worker()
                # Exit handlers that the imports registered belong to the parent.
                os._exit(self._work(server, *descriptors))
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
            finally:
                os._exit(1)
        self._worker = pid
        for descriptor in descriptors:
            os.close(descriptor)

    def _become_worker(self) -> None:
        """Reset the state that a forked process inherits to that of a new process."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in self._wake:
            os.close(descriptor)
        if self._client is not None:
            self._client.close()
        if self._place is not None:
            self._place.close()
        for name in inherited.FREE:
            os.environ.pop(name, None)
        os.environ.update(self._environment)
        # The folder may have been replaced by another with its name.
        os.chdir(project.folder())
        importlib.invalidate_caches()
        if numpy := sys.modules.get("numpy"):
            # Its state is a copy of this process's; Python's own generator is seeded again by the fork.
            numpy.random.seed()

    def _keep(self, seconds: float) -> None:
        """Stay for some seconds after the end of the command, if this is possible."""
        if self._place is None:
            self._loaded.settle()
            if self._loaded.changed():
                return
            try:
                self._place = place.Taken()
            except OSError:
                return
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, 0)
            # The output of the imports was for the command.
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            os.close(nowhere)
        self._seconds, self._stays = seconds, True

    def _greet(self) -> None:
        """Answer a process that has connected to the address."""
        assert self._place is not None
        guest, _ = self._place.listener.accept()
        with contextlib.ExitStack() as closing:
            closing.callback(guest.close)
            guest.settimeout(GREETING_SECONDS)
            if messages.peer(guest)[1] != os.getuid():
                return
            message, descriptors = messages.receive(guest)
            for descriptor in descriptors:
                os.close(descriptor)
            ask = (message or {}).get("ask")
            if ask == "facts":
                messages.send(guest, self._facts())
            elif ask == "end":
                self._ended = self._client is None
                if self._ended:
                    # Before the answer: another process takes the address then.
                    self._place.leave()
                    self._place = None
                messages.send(guest, {"ended": self._ended})
            elif ask == "serve":
                reason = self._refusal(message or {})
                messages.send(guest, {"refused": reason} if reason else {"pid": os.getpid()})
                if not reason:
                    closing.pop_all()
                    guest.settimeout(None)
                    self._client, self._stays = guest, False
                    self._environment = dict((message or {})["free"])

    def _refusal(self, message: Mapping[str, Any]) -> str:
        """Return why this process does not serve a command; empty if it does."""
        if self._client is not None:
            return "it serves another command"
        return self._difference(message)

    def _difference(self, message: Mapping[str, Any]) -> str:
        if path := self._loaded.changed():
            # No later command can use it either.
            self._ended = self._client is None
            return f"{project.shown(path)} has changed"
        name = inherited.difference(self._inherited, message["inherited"])
        return f"{name} differs" if name else ""

    def _facts(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "project": project.folder(),
            "busy": self._client is not None,
            "seconds": max(0.0, self._until - time.monotonic()),
            "bytes": process_memory.of_process(os.getpid()),
        }
