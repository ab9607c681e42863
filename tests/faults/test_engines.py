"""Beam engines that are stopped, killed or unreachable, and errors that they must report."""

import json
import os
import signal
import time

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv

from .. import engines, ports, processes, warm
from .test_stops import facts

PIPELINE = "points-xor_linear"
ROWS = 250_000
"""Rows of a file: several megabytes, so that preflight does not see the middle, and ingestion takes a second."""


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Two files of points, and two of which both have a broken row in the middle."""
    folder, random = tmp_path_factory.mktemp("tables"), np.random.default_rng(4)
    for number in range(2):
        x1, x2 = (random.uniform(-1, 1, ROWS).round(6) for _ in range(2))
        path = folder / f"whole-{number}.csv"
        csv.write_csv(pa.table({"x1": x1, "x2": x2, "y": (x1 * x2 > 0).astype(int)}), path)
        lines = path.read_text().splitlines()
        lines[ROWS // 2 + number] = "0.5,oops,1"
        (folder / f"broken-{number}.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def start(tables, tmp_path):
    """Start ingestion and statistics of some files on an engine."""

    def begin(files, beam, **options):
        _before[tmp_path / "runs"] = set(drafts(tmp_path / "runs"))
        return warm.shared().start(
            *("--local", "--pipeline", "points", "--variant", "xor_linear", "--to", "statistics"),
            *("--set", f"data.path={files}-*.csv", "--data-root", tables, "--root", tmp_path / "runs", "--beam", beam),
            **options,
        )

    return begin


def own_prism():
    return f"--runner=PrismRunner --prism_location={engines.prism_path()}"


def at(port, environment="--environment_type=LOOPBACK"):
    return f"--runner=PortableRunner --job_endpoint=localhost:{port} {environment} --sdk_container_image=unused"


_before = {}
"""Root -> files that the workers of an earlier run were writing when they were killed."""


def drafts(root):
    return (root / PIPELINE / "artifacts" / "ingestion" / "examples").glob("*/.temporary-*/files/*")


def at_work(running, root):
    """Wait until a worker of the engine writes its first file; the run's processes."""
    end = time.monotonic() + 120
    while time.monotonic() < end and running.going:
        if set(drafts(root)) - _before[root]:
            return running.processes()
        time.sleep(0.005)
    raise AssertionError(f"never at work: {running.out} {running.err}")


def name(pid):
    return " ".join(engines.command_of(pid))


def test_every_process_of_an_engine_ends(start, tmp_path, figure):
    """Fault 50: SIGTERM of the supervisor, then kills of the worker and of the supervisor."""
    beam, slowest = own_prism(), 0.0
    for place, number, code in ((0, signal.SIGTERM, 130), (2, signal.SIGKILL, 4), (0, signal.SIGKILL, -9)):
        running = start("whole", beam)
        pids = at_work(running, tmp_path / "runs")
        assert sum("prism" in name(pid) for pid in pids) == 1
        assert sum("guard.py" in name(pid) for pid in pids) == 1
        began = time.monotonic()
        os.kill(pids[place], number)
        assert running.wait().code == code, running.err
        assert processes.left(pids) == []
        slowest = max(slowest, time.monotonic() - began)
    figure(50, f"a stop and 2 kills: processes left = 0, at most {slowest:.1f} s")


def test_a_stop_cancels_the_job_of_a_remote_server(start, tmp_path, figure):
    """Fault 51: SIGTERM while a worker writes."""
    port, server = engines.prism_server(tmp_path / "prism")
    with server:
        running = start("whole", at(port))
        at_work(running, tmp_path / "runs")
        assert engines.job_states(port) == [engines.RUNNING]
        os.kill(running.pid, signal.SIGTERM)
        assert running.wait().code == 130, running.err
        assert engines.job_states(port) == [engines.CANCELLED]
    figure(51, "SIGTERM: the job is CANCELLED when the run has ended")


def test_a_dead_endpoint_is_reported_before_the_run(start, tmp_path, figure):
    """Fault 52: a job endpoint where nothing listens."""
    began = time.monotonic()
    running = start("whole", at(ports.unused())).wait()
    took = time.monotonic() - began
    assert running.code == 5
    assert "nothing listens on this port: start the engine's job server, or fix the address" in running.err
    assert running.err.count("\n") == 1
    # The refused run is recorded, and no stage has run.
    [record] = (tmp_path / "runs" / PIPELINE / "runs").glob("*/run.json")
    assert json.loads(record.read_text())["state"] == "FAILED"
    assert not (tmp_path / "runs" / PIPELINE / "artifacts").exists()
    figure(52, f"refused {took:.1f} s after the start")


def test_a_killed_engine_is_named_and_the_same_command_resumes(start, tmp_path, figure):
    """Fault 53: the job server is killed within a stage."""
    beam = own_prism()
    running = start("whole", beam)
    pids = at_work(running, tmp_path / "runs")
    [server] = [pid for pid in pids if "prism" in name(pid)]
    os.kill(server, signal.SIGKILL)
    assert running.wait().code == 4
    message = "error: stage ingestion failed: the job server of PrismRunner no longer answers"
    assert running.err.startswith(message)
    assert "Run the same command again to resume.\n       Its log: " in running.err
    assert "Traceback" not in running.err
    assert processes.left(pids) == []
    resumed = start("whole", beam)
    pids = at_work(resumed, tmp_path / "runs")
    assert resumed.wait().code == 0, resumed.err
    assert processes.left(pids) == [], "also after a run that ends well"
    assert len(facts(tmp_path / "runs")["attempts"]) == 2
    figure(53, "Prism killed: exit code 4 with a sentence, and the run resumes")


@pytest.mark.slow
@pytest.mark.parametrize("service", [engines.prism_server, engines.job_service], ids=["Prism", "Beam's"])
def test_a_worker_pool_that_is_killed_is_named(service, start, tmp_path, figure):
    """Fault 53: the workers are killed within a stage; Beam's own service never notices it."""
    (port, server), (address, pool) = (make(tmp_path / "engine") for make in (service, engines.worker_pool))
    with server, pool as killed:
        running = start("whole", at(port, f"--environment_type=EXTERNAL --environment_config=localhost:{address}"))
        at_work(running, tmp_path / "runs")
        began = time.monotonic()
        os.killpg(killed.pid, signal.SIGKILL)
        assert running.wait().code == 4, running.err
    took = time.monotonic() - began
    message = f"PortableRunner at localhost:{port} lost its workers in the worker pool at localhost:{address}: "
    assert running.err.startswith(f"error: stage ingestion failed: {message}")
    assert "Start the pool again. Run the same command again to resume." in running.err
    figure(53, f"worker pool killed, {service.__name__}: reported within {took:.0f} s")


def test_the_error_of_an_invalid_row_has_its_class_file_and_row(start, tmp_path, figure):
    """Fault 54: both files are broken; the error names the first one's row, as in process."""
    by_engine = {}
    for beam in ("--runner=FnApiRunner", own_prism()):
        running = start("broken", beam).wait()
        assert running.code == 2, running.err
        by_engine[beam] = running.err
        assert json.loads(next((tmp_path / "runs").glob("*/runs/*/run.json")).read_text())["state"] == "FAILED"
    [text] = set(by_engine.values())
    assert text.endswith(
        f"broken-0.csv: column 'x2', row {ROWS // 2 + 1}: conversion error to float: invalid value 'oops'\n"
    )
    figure(54, "exit code 2 and the same line on FnApiRunner and on Prism")
