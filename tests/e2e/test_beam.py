"""Another Beam runner: the same pipeline through Beam's portable job service."""

import json
import os
import socket
import subprocess
import sys
import time

import pytest

from .conftest import QUICK, runner

SPLITS = "houses/artifacts/ingestion/examples/*/counts/*.json"


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(port):
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"nothing listens on {port}")


@pytest.fixture
def portable(small_tree):
    """Arguments of a job service and a worker pool that run here."""
    job, pool = free_port(), free_port()
    binaries = os.path.dirname(sys.executable)
    # Workers start `python` from PATH, and unpickle functions of our packages.
    environment = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}", "PYTHONPATH": str(small_tree)}
    modules = [
        ["apache_beam.runners.portability.local_job_service_main", "-p", str(job)],
        ["apache_beam.runners.worker.worker_pool_main", f"--service_port={pool}"],
    ]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", *module],
            env=environment,
            cwd=small_tree,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for module in modules
    ]
    wait_for(job)
    wait_for(pool)
    yield (
        f"--runner=PortableRunner --job_endpoint=localhost:{job} --environment_type=EXTERNAL "
        f"--environment_config=localhost:{pool}"
    )
    for process in processes:
        os.killpg(process.pid, 9)
        process.wait()


def counts(root):
    totals = {}
    for path in root.glob(SPLITS):
        for name, rows in json.loads(path.read_text()).items():
            totals[name] = totals.get(name, 0) + rows
    return totals


def test_the_portable_runner_gives_equal_counts(small_tree, portable):
    by_memory, by_portable = small_tree / "memory", small_tree / "portable"
    first = runner("--local", "--root", by_memory, *QUICK, tree=small_tree)
    second = runner("--local", "--root", by_portable, *QUICK, "--beam", portable, tree=small_tree, timeout=900)
    assert first.code == 0, first.err
    assert second.code == 0, second.err
    assert counts(by_memory) == counts(by_portable)
    assert sum(counts(by_portable).values()) == 1500
