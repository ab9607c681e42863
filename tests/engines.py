"""Real Beam engines on this machine, for tests."""

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
    """The binary of Prism, of Beam's version; skips the test where it cannot be had."""
    try:
        return str(prism.location(importlib.metadata.version("apache-beam")))
    except prism.MissingError as error:
        pytest.skip(str(error))


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def serving(port: int, command: Sequence[Any], folder: Path, name: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A server in a session of its own, in a folder of its own, until the end or until it is killed."""
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
    """Wait until something listens."""
    for _ in range(1200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on {port}")


def prism_server(folder: Path) -> Any:
    """A context with a Prism that runs by itself; gives its port and its process."""
    port = free_port()
    return port, serving(port, [prism_path(), "-job_port", port, "-serve_http=false"], folder, "prism")


def job_service(folder: Path) -> Any:
    """The port, and a context with Beam's own job service."""
    port = free_port()
    module = "apache_beam.runners.portability.local_job_service_main"
    return port, serving(port, [sys.executable, "-m", module, "-p", port], folder, "service")


def worker_pool(folder: Path) -> Any:
    """The port, and a context with Beam's own worker pool."""
    port = free_port()
    module = "apache_beam.runners.worker.worker_pool_main"
    return port, serving(port, [sys.executable, "-m", module, f"--service_port={port}"], folder, "pool")


def job_states(port: int) -> list[int]:
    """JobState of each job that a service knows."""
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
    """Whether a process runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def command_of(pid: int) -> list[str]:
    """The command line of a process; empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def left(pids: Sequence[int], seconds: float = 15.0) -> list[int]:
    """Those of some processes that do not end within a time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(map(alive, pids)):
        time.sleep(0.02)
    return [pid for pid in pids if alive(pid)]
