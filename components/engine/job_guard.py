"""Guard process: stops job servers and cancels remote jobs when the process that started them ends.

`job_servers.py` starts it as a separate program in a new session. It reads requests from standard input, one JSON
object per line: start a server, register or remove a job, cancel a job. When its input closes, because its owner ended,
even by SIGKILL, it cancels the running jobs, stops the servers and exits. It imports only the standard library, and
grpc to cancel a job.
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
"""Timeout for the cancellation of a job."""
STOP_SECONDS = 2.0
"""Time between SIGTERM and SIGKILL for a server."""
TICK_SECONDS = 0.05
LOG_LINES = 3
"""Lines of a server's log that an error shows."""
JOB_SERVICE = "/org.apache.beam.model.job_management.v1.JobService/"
TERMINAL_STATES = (3, 4, 5, 6, 8)
"""JobState.Enum: DONE, FAILED, CANCELLED, UPDATED and DRAINED."""
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


class Guard:
    """The started servers and the running jobs. Public methods are the requests of the owner."""

    def __init__(self) -> None:
        self._servers: list[subprocess.Popen[bytes]] = []
        self._jobs: dict[str, dict[str, str]] = {}

    def start_server(self, command: list[str], port: int, log: str, seconds: float) -> dict[str, Any]:
        """Start a server and wait until it listens.

        Args:
            command: Program and arguments.
            port: Port that it will listen on.
            log: File that its output is appended to.
            seconds: Timeout.

        Returns:
            `failed`: the reason, if the server does not listen; else empty.
        """
        parent = os.getpid()

        def end_with_parent() -> None:
            # If this process is killed, nothing else stops the server.
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
                reason = f"was killed by signal {-code}" if code < 0 else f"exited with code {code}"
                return {"failed": f"it {reason}: {_last_lines(log, start)}"}
            if _listens(port):
                return {}
            time.sleep(TICK_SECONDS)
        return {"failed": f"it does not listen after {seconds:g} s: {_last_lines(log, start)}"}

    def register_job(self, key: str, endpoint: str, name: str, job: str) -> None:
        """Register a job before it runs (its id is then the id of its preparation) or after its start."""
        self._jobs[key] = {"endpoint": endpoint, "name": name, "id": job}

    def remove_job(self, key: str) -> None:
        """Remove a job that has finished."""
        self._jobs.pop(key, None)

    def cancel_job(self, key: str) -> dict[str, Any]:
        """Cancel a job and wait for it, at most CANCEL_SECONDS.

        Returns:
            `ended`: whether its service reports a terminal state.
        """
        job = self._jobs.pop(key, None)
        return {"ended": job is None or _cancel(**job)}

    def stop(self) -> None:
        """Cancel all jobs and stop all servers."""
        for key in list(self._jobs):
            self.cancel_job(key)
        for server in self._servers:
            _signal(server, signal.SIGTERM)
        due = time.monotonic() + STOP_SECONDS
        for server in self._servers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(max(0.0, due - time.monotonic()))
            # Also kills its child processes, such as workers.
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
    return " / ".join(lines[-LOG_LINES:]) or "it printed nothing"


def _cancel(endpoint: str, name: str, id: str) -> bool:
    """Cancel a job by its id, and by its name, as the service may have changed its id after the registration."""
    import grpc

    due = time.monotonic() + CANCEL_SECONDS
    with grpc.insecure_channel(endpoint) as channel:

        def call(method: str, request: bytes) -> bytes:
            response: bytes = channel.unary_unary(JOB_SERVICE + method)(
                request, timeout=max(0.1, due - time.monotonic()), wait_for_ready=False
            )
            return response

        ids = {id}
        # A service without a list of jobs knows the job by the id of its preparation.
        with contextlib.suppress(grpc.RpcError):
            ids |= {job for job, job_name in jobs(call("GetJobs", b"")) if job_name == name}
        is_over = True
        for job in ids:
            request = job_request(job)
            state = 0
            with contextlib.suppress(grpc.RpcError):
                while state not in TERMINAL_STATES and time.monotonic() < due:
                    # Repeated, because a job that is about to run can only be cancelled once it runs.
                    call("Cancel", request)
                    state = number(call("GetState", request), 1)
                    time.sleep(0 if state in TERMINAL_STATES else TICK_SECONDS)
            is_over = is_over and state in TERMINAL_STATES
    return is_over


# Messages of Beam's job service, encoded and decoded here because importing Beam takes seconds.


def job_request(job: str) -> bytes:
    """Encode a request that names a job by its id, such as GetJobStateRequest."""
    return b"\x0a" + _varint(len(job.encode())) + job.encode()


def _varint(value: int) -> bytes:
    encoded = b""
    while value > 0x7F:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Yield number and value of each field of a serialized protocol buffer."""
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    while position < len(message):
        key = varint()
        wire_type = key & 7
        if wire_type == 0:
            yield key >> 3, varint()
            continue
        size = varint() if wire_type == 2 else {1: 8, 5: 4}[wire_type]
        yield key >> 3, message[position : position + size]
        position += size


def number(message: bytes, field: int) -> int:
    """Read an integer field of a message; 0 if it is not set."""
    return next((value for key, value in _fields(message) if key == field), 0)


def jobs(response: bytes) -> Iterator[tuple[str, str]]:
    """Yield id and name of each job of a GetJobsResponse."""
    for key, info in _fields(response):
        if key == 1:
            fields = dict(_fields(info))
            yield fields.get(1, b"").decode(), fields.get(2, b"").decode()


def _closed() -> bool:
    """Whether standard input is closed; unread data stays in the pipe."""
    poll = select.poll()
    poll.register(0, select.POLLHUP)
    return any(event & select.POLLHUP for _, event in poll.poll(0))


def main() -> None:
    """Serve the owner's requests until it ends."""
    for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A handler instead of SIG_IGN, which the servers would inherit.
        signal.signal(signal_number, lambda *_: None)
    guard = Guard()
    try:
        for line in sys.stdin:
            request = json.loads(line)
            request_id = request.pop("request_id", None)
            response = getattr(guard, request.pop("method"))(**request)
            if response is not None:
                os.write(1, json.dumps({**response, "request_id": request_id}).encode() + b"\n")
    except BrokenPipeError:
        pass
    finally:
        guard.stop()


if __name__ == "__main__":
    main()
