import json
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from inspection.read import schedule_history
from orchestration.schedule import fire
from orchestration.schedule.plans import Plan
from orchestration.schedule.schedule_faults import Faults
from orchestration.schedule.schedule_state import State
from orchestration.schedule.scheduler import Scheduler
from spec.timing.schedule import Notify, Schedule

from .. import processes
from .conftest import copy_tree

HOUR = 3600.0
START = 1_790_000_000.0 - 1_790_000_000.0 % 86400
LOGGED_SECONDS = 600
"""Time for a run on a busy machine, and the next full minute."""
QUICK = ("--sample", "400", "--set", "training.epochs=1")


@pytest.mark.slow
def test_scheduled_runs_with_a_clock_that_jumps(tmp_path):
    """Five fires in processes of their own; the clock goes forth by days and back by hours."""
    state = State(str(tmp_path))
    schedule = Schedule(name="s", cron="0 * * * *", retries=1, backoff=1)
    plan, ran = Plan("houses", schedule, Notify(), QUICK), []

    def begin(plan, number):
        ran.append(number)
        assert fire.carry_out(state, number).state == "COMPLETE"

    scheduler = Scheduler(state, begin, lambda _: None, Faults(print))
    clock = [START, *(START + hours * HOUR for hours in (1, 2, 0.5, 2, 30, 26, 30, 31, 31, 25, 32))]
    for now in clock:
        # Another seed for each time, or the run would be UNCHANGED.
        arguments = (*QUICK, "--set", f"training.seed={len(ran) + 1}")
        scheduler.tick([replace(plan, arguments=arguments)], now)
    fires = schedule_history.history(state.root)
    state.close()

    assert len(ran) == 5
    due = {START + HOUR * hour for hour in range(1, 33)}
    assert {scheduled.due.timestamp() for scheduled in fires} == due
    assert sorted(scheduled.due.timestamp() for scheduled in fires if scheduled.state == "COMPLETE") == [
        START + HOUR * hour for hour in (1, 2, 30, 31, 32)
    ]
    assert all(scheduled.reason == "missed; catchup = last" for scheduled in fires if scheduled.state == "SKIPPED")
    runs = {scheduled.run_id for scheduled in fires if scheduled.state == "COMPLETE"}
    assert len(runs) == 5
    folder = tmp_path / "houses-sample" / "runs"
    assert {json.loads((folder / run / "run.json").read_text())["state"] for run in runs} == {"COMPLETE"}


@pytest.mark.slow
def test_the_scheduler_runs_detects_unchanged_data_quickly_and_survives_a_kill(tmp_path):
    tree = copy_tree(tmp_path / "tree", rows=600)
    root = tmp_path / "runs"
    command = [
        sys.executable,
        str(tree / "runner.py"),
        "--local",
        "--schedule",
        "* * * * *",
        "--root",
        str(root),
        *QUICK,
    ]

    def served(text, signal_number):
        """Run the scheduler until it logs a text, and send it a signal."""
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        limit = threading.Timer(LOGGED_SECONDS, process.kill)
        limit.start()
        lines = []
        for line in process.stdout:
            lines.append(line)
            if text in line:
                break
        else:
            pytest.fail(f"the scheduler did not log {text!r} within {LOGGED_SECONDS} s, but:\n{''.join(lines)}")
        limit.cancel()
        process.send_signal(signal_number)
        process.stdout.close()
        process.wait(processes.WAIT)

    served(": starts", signal.SIGKILL)
    # The run continues without its scheduler, and the next scheduler finds it.
    served(": UNCHANGED", signal.SIGTERM)
    fires = schedule_history.history(str(root))
    first_fire = fires[-1]
    assert first_fire.state == "COMPLETE"
    unchanged = next(fire for fire in fires if fire.state == "UNCHANGED")
    assert first_fire.run_id in unchanged.reason
    seconds = (unchanged.ended - unchanged.started).total_seconds()
    print(f"unchanged: {seconds:.2f} s")
    assert not [fire for fire in fires if fire.state in ("WAITING", "RUNNING")]
    processes.wait_until(lambda: not subprocess.run(["pgrep", "-f", str(tree)], capture_output=True).stdout)
