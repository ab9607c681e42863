"""A process that keeps job servers and remote jobs from outliving the process that needs them.

Started by `watch.py` as a program of its own, in a session of its own. It reads one JSON object a line from standard
input: start a server, note a job, cancel a job, stop. When its input closes, because its owner ended in whatever way,
it cancels the jobs that still run, stops the servers and ends. Imports the standard library alone, and grpc when a job
has to be cancelled.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

CANCEL_SECONDS = 3.0
"""How long a job service may take to cancel a job."""
STOP_SECONDS = 2.0
"""How long a server may take to end after SIGTERM before it is killed."""
TICK_SECONDS = 0.05
SHOWN = 3
"""Lines of a server's log that tell why it did not start."""
JOB_SERVICE = "/org.apache.beam.model.job_management.v1.JobService/"
ENDED = (3, 4, 5, 6, 8)
"""Numbers of JobState.Enum with which a job has ended: DONE, FAILED, CANCELLED, UPDATED and DRAINED."""
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


class Guard:
    """The servers that were started and the jobs that run."""

    def __init__(self) -> None:
        self._servers: list[subprocess.Popen[bytes]] = []
        self._jobs: dict[str, dict[str, str]] = {}

    def serve(self, command: list[str], port: int, log: str, seconds: float) -> dict[str, Any]:
        """Start a server and wait until it listens.

        Args:
            command: Program and arguments.
            port: Where it will listen.
            log: File that its output is appended to.
            seconds: How long it may take.

        Returns:
            `failed`, the reason, where it does not listen; else nothing.
        """
        parent = os.getpid()

        def end_with_parent() -> None:
            # Where this process is killed, nobody else would stop the server.
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)

        with open(log, "ab") as file:
            start = file.tell()
            try:
                server = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=end_with_parent,
                )
            except OSError as error:
                return {"failed": f"{command[0]} cannot be started: {error.strerror}"}
        self._servers.append(server)
        due = time.monotonic() + seconds
        while time.monotonic() < due and not _closed():
            code = server.poll()
            if code is not None:
                how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
                return {"failed": f"it {how}: {_last_lines(log, start)}"}
            if _listens(port):
                return {}
            time.sleep(TICK_SECONDS)
        return {"failed": f"it did not listen within {seconds:g} s: {_last_lines(log, start)}"}

    def note(self, key: str, endpoint: str, name: str, job: str) -> None:
        """Remember a job that runs, or is about to: by then its id is that of its preparation."""
        self._jobs[key] = {"endpoint": endpoint, "name": name, "id": job}

    def forget(self, key: str) -> None:
        """Forget a job that has ended."""
        self._jobs.pop(key, None)

    def cancel(self, key: str) -> dict[str, Any]:
        """Cancel a job and wait until it has ended, or for CANCEL_SECONDS.

        Returns:
            `ended`: whether its service says so.
        """
        job = self._jobs.pop(key, None)
        return {"ended": job is None or _cancel(**job)}

    def stop(self) -> None:
        """Cancel all jobs and stop all servers."""
        for key in list(self._jobs):
            self.cancel(key)
        for server in self._servers:
            _signal(server, signal.SIGTERM)
        due = time.monotonic() + STOP_SECONDS
        for server in self._servers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(max(0.0, due - time.monotonic()))
            # Also what it started, such as workers in processes.
            _signal(server, signal.SIGKILL)
            server.wait()
        self._servers.clear()


def _signal(server: "subprocess.Popen[bytes]", number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, number)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("localhost", port)) == 0


def _last_lines(path: str, start: int) -> str:
    with open(path, "rb") as file:
        file.seek(start)
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    return " / ".join(lines[-SHOWN:]) or "it printed nothing"


def _cancel(endpoint: str, name: str, id: str) -> bool:
    """Cancel a job by its id, or by its name where its service gave it another id since it was noted."""
    import grpc

    due = time.monotonic() + CANCEL_SECONDS
    with grpc.insecure_channel(endpoint) as channel:

        def call(method: str, request: bytes) -> bytes:
            answer: bytes = channel.unary_unary(JOB_SERVICE + method)(
                request, timeout=max(0.1, due - time.monotonic()), wait_for_ready=False
            )
            return answer

        ids = {id}
        # Services that keep no list know the job by the id of its preparation.
        with contextlib.suppress(grpc.RpcError):
            ids |= {job for job, named in _jobs(call("GetJobs", b"")) if named == name}
        ended = True
        for job in ids:
            request = b"\x0a" + _varint(len(job.encode())) + job.encode()
            state = 0
            with contextlib.suppress(grpc.RpcError):
                while state not in ENDED and time.monotonic() < due:
                    # Once more each time: a job that was about to run is cancelled only when it runs.
                    call("Cancel", request)
                    state = _number(call("GetState", request), 1)
                    time.sleep(0 if state in ENDED else TICK_SECONDS)
            ended = ended and state in ENDED
    return ended


# The few messages of Beam's job service that are needed here: importing Beam takes seconds.


def _varint(number: int) -> bytes:
    made = b""
    while number > 0x7F:
        made += bytes([number & 0x7F | 0x80])
        number >>= 7
    return made + bytes([number])


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Number and value of each field of a serialized protocol buffer."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    while at < len(message):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        size = varint() if kind == 2 else {1: 8, 5: 4}[kind]
        yield key >> 3, message[at : at + size]
        at += size


def _number(message: bytes, field: int) -> int:
    return next((value for number, value in _fields(message) if number == field), 0)


def _jobs(response: bytes) -> Iterator[tuple[str, str]]:
    """Id and name of each job of a GetJobsResponse."""
    for number, info in _fields(response):
        if number == 1:
            fields = dict(_fields(info))
            yield fields.get(1, b"").decode(), fields.get(2, b"").decode()


def _closed() -> bool:
    """Whether standard input was closed; what waits there to be read stays."""
    poll = select.poll()
    poll.register(0, select.POLLHUP)
    return any(event & select.POLLHUP for _, event in poll.poll(0))


def main() -> None:
    """Do what the owner asks for, until it is gone."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A handler and not SIG_IGN, which the servers would inherit.
        signal.signal(number, lambda *_: None)
    guard = Guard()
    try:
        for line in sys.stdin:
            order = json.loads(line)
            number = order.pop("number", None)
            answer = getattr(guard, order.pop("do"))(**order)
            if answer is not None:
                os.write(1, json.dumps({**answer, "number": number}).encode() + b"\n")
    except BrokenPipeError:
        pass
    finally:
        guard.stop()


if __name__ == "__main__":
    main()
