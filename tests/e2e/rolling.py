"""A year of scheduled runs in one process: new rows arrive each month, and the schedule starts a run.

Started by test_rolling.py in a copy of the repository, as `python rolling.py PIPELINE ROOT DATA_ROOT TABLE`: TABLE is
the whole table, DATA_ROOT/rolling.csv what has arrived. Prints one JSON line a month.
"""

import contextlib
import csv
import json
import os
import sys
import time

from errors import PipelineError
from inspection.read import schedule_history
from orchestration.local import supervisor
from orchestration.local.fork_server import ForkServer
from orchestration.schedule import fire, plans, service
from orchestration.schedule.schedule_faults import Faults
from orchestration.schedule.schedule_state import State
from orchestration.schedule.scheduler import Scheduler
from pipeline.variants import Name


def main(pipeline: str, root: str, data_root: str, table: str) -> None:
    """Run the year."""
    with open(table, newline="") as file:
        header, *rows = csv.reader(file)
    day = header.index("date")
    months = sorted({row[day][:7] for row in rows})
    os.makedirs(root)
    state = State(root)
    [plan] = plans.plans_of(pipeline, arguments=("--data-root", data_root))
    with ForkServer() as workers, contextlib.redirect_stdout(sys.stderr):

        def attempt(_plan: plans.Plan, _timeout: float | None, _log: str) -> int:
            try:
                return supervisor.run(supervisor.Request(name=Name(pipeline), root=root, data_root=data_root), workers)
            except PipelineError as error:
                print(f"{type(error).__name__}: {error}")
                return error.exit_code

        def begin(_plan: plans.Plan, number: int) -> None:
            fire.carry_out(state, number, attempt=attempt)

        faults = Faults(print)
        scheduler = Scheduler(state, begin, service.Spans(faults).newest, faults)
        for place, month in enumerate(months):
            arrived = [row for row in rows if row[day][:7] <= month]
            with open(f"{data_root}/rolling.csv", "w", newline="") as file:
                csv.writer(file).writerows([header, *arrived])
            # The schedule looks daily, so that the second day of each month reports again that nothing is new.
            start = time.monotonic()
            for tick in range(2):
                scheduler.tick([plan], 86400.0 * (31 * place + tick) + 100.0)
            summary = _told(root, pipeline, month) | {"seconds": round(time.monotonic() - start, 1)}
            print(json.dumps(summary), file=sys.__stdout__, flush=True)


def _told(root: str, pipeline: str, month: str) -> dict:
    """Return the result of this month's run."""
    fires = [fire for fire in schedule_history.history(root) if fire.state != "SKIPPED"]
    if not fires:
        return {"month": month, "state": "none"}
    newest = fires[0]
    summary: dict = {"month": month, "state": newest.state, "reason": newest.reason, "fires": len(fires)}
    with contextlib.suppress(OSError, TypeError):
        with open(os.path.join(root, pipeline, "runs", newest.run_id or "", "run.json")) as file:
            outcome = json.load(file).get("outcome") or {}
        summary |= {key: outcome.get(key) for key in ("blessed", "metrics", "baseline", "pushed")}
    return summary


if __name__ == "__main__":
    main(*sys.argv[1:])
