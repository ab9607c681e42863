"""Beam engines on this machine, for tests."""

import contextlib
import importlib.metadata
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from . import ports, prism, processes

REPOSITORY = Path(__file__).parents[1]


def prism_path() -> str:
    """Return the path of Prism in Beam's version; skip the test if it cannot be built."""
    try:
        return str(prism.location(importlib.metadata.version("apache-beam")))
    except prism.MissingError as error:
        pytest.skip(str(error))


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
        processes.wait_until(lambda: listens(port), lambda: f"nothing listens on {port}")
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()


def listens(port: int) -> bool:
    """Return whether a server listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def prism_server(folder: Path) -> Any:
    """Return a port, and a context manager that runs Prism on it."""
    port = ports.unused()
    return port, serving(port, [prism_path(), "-job_port", port, "-serve_http=false"], folder, "prism")


def job_service(folder: Path) -> Any:
    """Return a port, and a context manager that runs Beam's job service on it."""
    port = ports.unused()
    module = "apache_beam.runners.portability.local_job_service_main"
    return port, serving(port, [sys.executable, "-m", module, "-p", port], folder, "service")


def worker_pool(folder: Path) -> Any:
    """Return a port, and a context manager that runs Beam's worker pool on it."""
    port = ports.unused()
    module = "apache_beam.runners.worker.worker_pool_main"
    return port, serving(port, [sys.executable, "-m", module, f"--service_port={port}"], folder, "pool")


def job_states(port: int) -> list[int]:
    """Return the JobState of each job of a job service."""
    import grpc

    from components.engine import job_guard

    with grpc.insecure_channel(f"localhost:{port}") as channel:

        def call(method: str, request: bytes = b"") -> bytes:
            answer: bytes = channel.unary_unary(job_guard.JOB_SERVICE + method)(request, timeout=processes.WAIT)
            return answer

        jobs = [job for job, _ in job_guard.jobs(call("GetJobs"))]
        return [job_guard.number(call("GetState", job_guard.job_request(job)), 1) for job in jobs]


RUNNING, CANCELLED = 2, 5


def command_of(pid: int) -> list[str]:
    """Return the command line of a process; empty if it does not exist."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []
