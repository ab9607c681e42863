"""Beam engines on this machine, for tests."""

import contextlib
import importlib.metadata
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from . import prism

REPOSITORY = Path(__file__).parents[1]


def prism_path() -> str:
    """Return the path of Prism in Beam's version; skip the test if it cannot be built."""
    try:
        return str(prism.location(importlib.metadata.version("apache-beam")))
    except prism.MissingError as error:
        pytest.skip(str(error))


def free_port() -> int:
    """Return an unused port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def serving(port: int, command: Sequence[Any], folder: Path, name: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a server in its own session and folder until the context ends."""
    # Workers start `python` from PATH, and unpickle functions of our packages.
    path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(REPOSITORY), "TF_CPP_MIN_LOG_LEVEL": "3"}
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f"{name}.log", "wb") as log:
        process = subprocess.Popen(
            list(map(str, command)),
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_for(port)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()


def wait_for(port: int) -> None:
    """Wait until a server listens on the port."""
    for _ in range(1200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on {port}")


def prism_server(folder: Path) -> Any:
    """Return a port, and a context manager that runs Prism on it."""
    port = free_port()
    return port, serving(port, [prism_path(), "-job_port", port, "-serve_http=false"], folder, "prism")


def job_service(folder: Path) -> Any:
    """Return a port, and a context manager that runs Beam's job service on it."""
    port = free_port()
    module = "apache_beam.runners.portability.local_job_service_main"
    return port, serving(port, [sys.executable, "-m", module, "-p", port], folder, "service")


def worker_pool(folder: Path) -> Any:
    """Return a port, and a context manager that runs Beam's worker pool on it."""
    port = free_port()
    module = "apache_beam.runners.worker.worker_pool_main"
    return port, serving(port, [sys.executable, "-m", module, f"--service_port={port}"], folder, "pool")


def job_states(port: int) -> list[int]:
    """Return the JobState of each job of a job service."""
    import grpc

    from components.engine import job_guard

    with grpc.insecure_channel(f"localhost:{port}") as channel:

        def call(method: str, request: bytes = b"") -> bytes:
            answer: bytes = channel.unary_unary(job_guard.JOB_SERVICE + method)(request, timeout=10)
            return answer

        jobs = [job for job, _ in job_guard.jobs(call("GetJobs"))]
        return [job_guard.number(call("GetState", job_guard.job_request(job)), 1) for job in jobs]


RUNNING, CANCELLED = 2, 5


def alive(pid: int) -> bool:
    """Return whether a process is running."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def command_of(pid: int) -> list[str]:
    """Return the command line of a process; empty if it does not exist."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def left(pids: Sequence[int], seconds: float = 15.0) -> list[int]:
    """Return the processes that are still running after a time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(map(alive, pids)):
        time.sleep(0.02)
    return [pid for pid in pids if alive(pid)]
