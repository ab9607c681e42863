"""Client of the warm process: find, use, list and end it. After any failure the command starts a new process."""

import contextlib
import os
import select
import signal
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from orchestration.local.warm import inherited, messages, place

ANSWER_SECONDS = 5.0
"""Timeout of an answer in seconds; a new process takes about as long to start."""
SCHEDULED = "PIPELINE_SCHEDULED"
"""Environment variable of runs that a schedule starts."""
MINUTES = 10.0
"""Default time that an idle process stays, in minutes."""


class WarmProcess:
    """A process that serves this command; like `subprocess.Popen`, as far as a fork server needs it.

    Args:
        channel: The socket to it.
        pid: Its process.
    """

    def __init__(self, channel: socket.socket, pid: int) -> None:
        self.channel, self.pid = channel, pid

    def poll(self) -> int | None:
        """Return None while it lives."""
        try:
            ready, _, _ = select.select([self.channel], [], [], 0)
            return None if not ready or self.channel.recv(1, socket.MSG_PEEK) else -signal.SIGKILL
        except (OSError, ValueError):
            return -signal.SIGKILL

    def wait(self) -> int:
        """Wait for its end."""
        self.channel.settimeout(None)
        with contextlib.suppress(OSError):
            while self.channel.recv(messages.CODE_BYTES):
                pass
        return -signal.SIGKILL

    def kill(self) -> None:
        """Kill it, and its worker with it."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def default_minutes() -> float:
    """Return the default minutes that an idle process stays: 0 in CI and in scheduled runs, which nobody repeats."""
    is_ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
    return 0.0 if is_ci or os.environ.get(SCHEDULED) else MINUTES


def take(environment: Mapping[str, str]) -> tuple[WarmProcess | None, str]:
    """Let the warm process of this project serve this command.

    Args:
        environment: Environment of a worker.

    Returns:
        The process, or None; and why there is one that cannot be used, empty if there is none.
    """
    try:
        channel = _connect(place.stem() + place.SOCKET)
    except OSError:
        return None, ""
    try:
        messages.send(channel, {"ask": "serve", **introduction(environment)})
        message, _ = messages.receive(channel)
        if message is not None and "pid" in message:
            channel.settimeout(None)
            return WarmProcess(channel, int(message["pid"])), ""
        reason = (message or {}).get("refused", "it has ended")
    except (OSError, ValueError) as error:
        reason = f"{error}"
    channel.close()
    return None, str(reason)


def introduction(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the facts by which the warm process decides whether it can serve a command."""
    return {"inherited": inherited.facts(environment), "free": inherited.free(environment)}


def end() -> None:
    """End the warm process of this project, unless it serves another command."""
    with contextlib.suppress(OSError, ValueError):
        _ask(place.stem() + place.SOCKET, "end")


def found() -> Iterator[dict[str, Any]]:
    """Yield facts on each warm process of this user: `pid`, `project`, `busy`, `seconds`, `bytes`."""
    try:
        folder = place.folder()
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        if name.endswith(place.SOCKET):
            with contextlib.suppress(OSError, ValueError):
                if facts := _ask(os.path.join(folder, name), "facts"):
                    yield facts


def shown() -> str:
    """Return a line on all warm processes of this user."""
    lines = []
    for facts in found():
        state = "at work" if facts["busy"] else f"ends in {facts['seconds'] / 60:.0f} min"
        lines.append(f"{facts['pid']} of {facts['project']}, {facts['bytes'] / 1e9:.1f} GB, {state}")
    return "; ".join(lines) or "none"


def _ask(path: str, request: str) -> dict[str, Any] | None:
    with contextlib.closing(_connect(path)) as channel:
        messages.send(channel, {"ask": request})
        return messages.receive(channel)[0]


def _connect(path: str) -> socket.socket:
    """Connect to a process of this user.

    Raises:
        OSError: none listens there, or it is another user's.
    """
    channel = socket.socket(socket.AF_UNIX)
    try:
        channel.settimeout(ANSWER_SECONDS)
        channel.connect(path)
        if messages.peer(channel)[1] != os.getuid():
            raise PermissionError(f"{path}: another user listens there")
    except BaseException:
        channel.close()
        raise
    return channel
