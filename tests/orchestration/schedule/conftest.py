import json
import os

import pytest

from orchestration.schedule.plans import Plan
from orchestration.schedule.schedule_state import State
from spec.timing.schedule import Notify, Schedule
from tests import memory

tmp_path = memory.in_memory


@pytest.fixture
def state(tmp_path):
    state = State(str(tmp_path))
    yield state
    state.close()


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
