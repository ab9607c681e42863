"""Kills, stops and limits of runs whose worker comes from the process that an earlier command left."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from orchestration.local.warm import warm_process

from .. import processes
from .test_stops import PIPELINE, command, states

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def warm_environment(monkeypatch):
    sockets = tempfile.mkdtemp(prefix="w-")
    monkeypatch.setenv("XDG_RUNTIME_DIR", sockets)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("CI")
    yield
    for process in warm_process.found():
        os.kill(process["pid"], signal.SIGKILL)
    # One that has just ended may be removing its socket.
    shutil.rmtree(sockets, ignore_errors=True)


def start(*arguments):
    words = [sys.executable, "runner.py", *map(str, arguments)]
    return subprocess.Popen(words, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    out, err = process.communicate(timeout=400)
    return process.returncode, out, err


def until_in(process, root, stage, attempt):
    """Wait until an attempt is in a stage."""
    end = time.monotonic() + 300
    while time.monotonic() < end and process.poll() is None:
        for path in (root / PIPELINE / "runs").glob("*/events.jsonl"):
            lines = [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
            begins = [place for place, line in enumerate(lines) if line["event"] == "attempt"]
            node_events = [line for line in lines[max(begins, default=0) :] if line["event"] == "node"]
            if (
                len(begins) == attempt
                and node_events
                and (node_events[-1]["node"], node_events[-1]["state"]) == (stage, "RUNNING")
            ):
                return
        time.sleep(0.01)
    raise AssertionError(f"never in {stage}: {finish(process)}")


def workers_of(pid):
    return [int(pid_text) for pid_text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.slow
@pytest.mark.usefixtures("warm_environment")
def test_kills_stops_and_limits_hold_with_a_warm_process(tmp_path):
    """Fault 1: of a worker from the process that an earlier command left; also a stop (2) and a memory limit (29)."""
    root = tmp_path / "runs"
    long = (*command(root), "--set", "training.epochs=100000", "--set", "training.early_stopping=false")
    code, out, err = finish(start(*command(root), "--to", "ingestion"))
    assert code == 0, err
    assert "TensorFlow stays loaded" in out
    [first_server] = warm_process.found()

    stopped = start(*long, "--new-run")
    until_in(stopped, root, "trainer", 0)
    assert workers_of(first_server["pid"]) != []
    stopped.send_signal(signal.SIGINT)
    code, out, err = finish(stopped)
    assert (code, err) == (130, "stopped\n")
    assert "starting TensorFlow" not in out
    assert [(server["pid"], server["busy"]) for server in warm_process.found()] == [(first_server["pid"], False)]
    assert workers_of(first_server["pid"]) == []

    killed = start(*long)
    until_in(killed, root, "trainer", 1)
    workers = workers_of(first_server["pid"])
    killed.kill()
    _, out, err = finish(killed)
    assert len(workers) == 1, out + err
    [worker] = workers
    assert processes.left([worker, first_server["pid"]]) == []
    assert list(warm_process.found()) == []

    code, _, err = finish(start(*long, "--set", "limits.memory_gb=0.15"))
    assert code == 4
    assert "GB of memory; limits.memory_gb is 0.15" in err
    [second_server] = warm_process.found()
    assert workers_of(second_server["pid"]) == []

    code, out, err = finish(start(*command(root)))
    assert code == 0, err
    assert "starting TensorFlow" not in out
    states_by_node = states(root)
    assert {"RUNNING", "NEW"}.isdisjoint(
        state for states_of_node in states_by_node.values() for state in states_of_node
    )
    assert [server["pid"] for server in warm_process.found()] == [second_server["pid"]]
