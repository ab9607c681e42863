"""Run schedules until stopped: check the times, start a process for each fire, and log how it ended."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import printing
import project
from components.ingestion import planning
from components.ingestion.discovery import bucket_files, data_files
from components.ingestion.ingestion_settings import IngestionSettings
from orchestration.cli.options import METADATA_VARIABLE
from orchestration.schedule import fire
from orchestration.schedule.config_watch import Watch
from orchestration.schedule.plans import Plan, Plans
from orchestration.schedule.schedule_faults import Faults
from orchestration.schedule.schedule_state import State
from orchestration.schedule.scheduler import Scheduler
from pipeline import load
from pipeline.variants import Name
from spec.rows.split import Split

LOOK_SECONDS = 5.0
"""Longest time between two checks, so that clock changes, edited configs and other processes are noticed."""
STOP_SECONDS = 60.0


def serve(root: str, read: Callable[[], Plans | Sequence[Plan]], metadata: str | None) -> int:
    """Run schedules until SIGTERM or Ctrl-C. No error of a config, run or notification ends the scheduler.

    Args:
        root: The folder of all runs.
        read: Reads the schedules; called again after a config was edited.
        metadata: URL of the store; passed in the environment, to keep its password out of argument lists.

    Raises:
        UserError: there is no schedule, or no config with schedules is valid.
        ResourceError: another process runs one of them under this root.
    """
    faults = Faults(_say)
    with Watch(root, read, faults, _say) as watch, contextlib.closing(State(root)) as state:
        processes = Processes(root, metadata)
        previous_handler = signal.signal(signal.SIGTERM, _interrupt)
        try:
            scheduler = Scheduler(state, processes.begin, Spans(faults).newest, faults)
            for plan in watch.plans:
                _say(f"{plan.name}: {plan.schedule.cron or 'new spans'} ({plan.schedule.timezone})")
                for note in plan.schedule.times().notes:
                    _say(f"{plan.name}: {note}")
            while True:
                now = time.time()
                following = scheduler.tick(watch.plans, now)
                _report(state, processes, faults, now)
                time.sleep(max(0.05, min(LOOK_SECONDS, following - now)))
                with faults.within("the folder of configs"):
                    watch.look()
        except KeyboardInterrupt:
            _say("stopping")
            return 0
        finally:
            signal.signal(signal.SIGTERM, previous_handler)
            processes.stop()


def _report(state: State, processes: "Processes", faults: Faults, now: float) -> None:
    """Log how fires ended, and notify of lost ones."""
    for name, number, code in processes.ended():
        with faults.within(f"how {name} ended"):
            if code and state.state_of(number)[0] == "WAITING":
                reason = f"its process ended with exit code {code} before the run started"
                state.update(number, state="FAILED", reason=reason)
            end, reason = state.state_of(number)
            _say(f"{name}: {end}{': ' + printing.in_a_line(reason) if reason else ''}")
    with faults.within("the schedules' state"):
        for name, number in state.lost():
            with faults.within(f"the notification of {name}"):
                fire.tell_lost(state, number, state.plan(name), now)


class Processes:
    """The running fires, one process each.

    Args:
        root: The folder of all runs.
        metadata: URL of the store.
    """

    def __init__(self, root: str, metadata: str | None) -> None:
        self._root = root
        self._environment = {**os.environ, **({METADATA_VARIABLE: metadata} if metadata else {})}
        self._running: dict[int, tuple[str, subprocess.Popen[bytes]]] = {}

    def begin(self, plan: Plan, number: int) -> None:
        """Start a fire, unless it is running."""
        if number in self._running:
            return
        _say(f"{plan.name}: starts")
        command = [
            sys.executable,
            os.path.join(project.REPOSITORY, "runner.py"),
            "--root",
            self._root,
            "schedule",
            "fire",
        ]
        process = subprocess.Popen(
            [*command, str(number)],
            stdin=subprocess.DEVNULL,
            env=self._environment,
            # Ctrl-C reaches only the scheduler, which then stops the fires.
            start_new_session=True,
        )
        self._running[number] = (plan.name, process)

    def ended(self) -> list[tuple[str, int, int]]:
        """Return schedule, fire and exit code of each process that ended since the last call."""
        polled = [(name, number, process.poll()) for number, (name, process) in self._running.items()]
        ended = [(name, number, code) for name, number, code in polled if code is not None]
        for _, number, _ in ended:
            del self._running[number]
        return ended

    def stop(self) -> None:
        """Stop all fires and wait for their end."""
        for _, process in self._running.values():
            process.terminate()
        for _, process in self._running.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Spans:
    """The newest span of each plan's data, from its path or its date column.

    Args:
        faults: Collects errors of reading spans.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._read: dict[str, tuple[Any, str | None]] = {}

    def newest(self, plan: Plan) -> str | None:
        """Return the newest span; None if it cannot be read.

        A file is read again only after its size or time has changed.
        """
        span = None
        with self._faults.within(f"{plan.name}: spans cannot be read"):
            span = self._newest(plan)
        return span

    def _newest(self, plan: Plan) -> str | None:
        reviewed = load.reviewed(project.folder(), Name(plan.pipeline, plan.run.variant))
        config = reviewed.config
        paths = data_files.under(os.path.abspath(plan.data_root), config.data.paths)
        data = config.data.model_copy(update={"window": None, "span": None, "sample": None, "split": Split(by="all")})
        files = data_files.resolve(paths, data)
        looks = [(file.path, _stamp(file.path)) for file in files]
        if plan.name not in self._read or self._read[plan.name][0] != looks:
            settings = IngestionSettings.model_validate(
                {
                    "paths": paths,
                    "data": data,
                    "columns": reviewed.columns,
                    "duties": config.columns.model_dump(exclude={"weight"}),
                    "label": config.label.required,
                    "complete": config.features.complete(),
                }
            )
            self._read[plan.name] = (looks, str(planning.plan(settings).span))
        return self._read[plan.name][1]


def _stamp(path: str) -> Any:
    """Return a value that changes whenever the data file changes."""
    if bucket_files.is_readable(path):
        return bucket_files.stamp(path)
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    # A log that cannot be written, as on a full disk, must not end the scheduler.
    with contextlib.suppress(OSError):
        printing.line(f"{datetime.now():%Y-%m-%d %H:%M:%S}  {text}")
