import json
import os
import subprocess

import pytest

from orchestration.schedule import bounded_process
from orchestration.schedule.plans import Plan
from orchestration.schedule.schedule_state import State
from spec.timing.schedule import Notify, Schedule
from tests import memory, processes

tmp_path = memory.in_memory


@pytest.fixture(autouse=True)
def _slow_notifications(monkeypatch):
    """Give notifications more time than a program needs to start on a loaded machine."""
    monkeypatch.setattr(bounded_process, "SECONDS", processes.WAIT)


@pytest.fixture
def state(tmp_path):
    state = State(str(tmp_path))
    yield state
    state.close()


@pytest.fixture
def limits_begin(monkeypatch):
    """Makes time limits of processes begin when a condition holds: on a loaded machine, a start takes seconds."""

    def when(condition):
        class Popen(subprocess.Popen):
            def wait(self, timeout=None):
                if timeout is not None:
                    processes.wait_until(condition)
                return super().wait(timeout)

            def communicate(self, input=None, timeout=None):
                if timeout is not None:
                    processes.wait_until(condition)
                return super().communicate(input, timeout)

        monkeypatch.setattr(subprocess, "Popen", Popen)

    return when


@pytest.fixture
def plan():
    """Makes an hourly schedule of the pipeline `houses`, with other keys."""

    def make(notify=None, arguments=(), **settings):
        schedule = Schedule(**{"name": "s", "cron": "0 * * * *", **settings})
        return Plan("houses", schedule, Notify(**(notify or {})), arguments)

    return make


@pytest.fixture
def run_json(tmp_path):
    """Writes what a run of `houses` leaves."""

    def write(run_id, pusher="COMPLETE", **facts):
        folder = tmp_path / "houses" / "runs" / run_id
        os.makedirs(folder, exist_ok=True)
        (folder / "events.jsonl").write_text(json.dumps({"event": "node", "node": "pusher", "state": pusher}) + "\n{")
        (folder / "run.json").write_text(json.dumps({"run_id": run_id, **facts}))

    return write
