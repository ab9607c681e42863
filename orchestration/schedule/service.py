"""Runs schedules until it is stopped: looks, begins a process for each fire, and says in a line what became of it."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from components.ingestion import files, planning
from errors import PipelineError, ResourceError, UserError
from orchestration.options import METADATA_VARIABLE
from orchestration.places import REPOSITORY
from orchestration.schedule import fire
from orchestration.schedule.plans import Plan
from orchestration.schedule.scheduler import Scheduler
from orchestration.schedule.state import State
from pipeline import load
from pipeline.variants import Name

LOOK_SECONDS = 5.0
"""Longest time between two looks: what a clock that was set, a config that was edited or another process brings."""
STOP_SECONDS = 60.0


def serve(root: str, read: Callable[[], list[Plan]], metadata: str | None) -> int:
    """Run schedules until SIGTERM or Ctrl-C.

    Args:
        root: The folder of all runs.
        read: Gives the schedules; asked again where a config was edited.
        metadata: URL of the store; handed on in the environment, which keeps its password out of argument lists.

    Raises:
        UserError: there is no schedule, or a config is wrong at the beginning.
        ResourceError: another process runs one of them under this root.
    """
    plans = read()
    if not plans:
        raise UserError(
            'there is no schedule: write for example into configs/NAME.toml\n[[schedule]]\nname = "nightly"\n'
            'cron = "0 3 * * *"\nor give one: python runner.py --local --schedule "0 3 * * *"'
        )
    os.makedirs(root, exist_ok=True)
    state = State(root)
    processes = Processes(root, metadata)
    before = signal.signal(signal.SIGTERM, _interrupt)
    seen = _edits()
    try:
        with contextlib.ExitStack() as locks:
            for plan in plans:
                locks.enter_context(_locked(root, plan.name))
            scheduler = Scheduler(state, processes.begin, newest_span)
            for plan in plans:
                _say(f"{plan.name}: {plan.schedule.cron or 'new spans'} ({plan.schedule.timezone})")
            while True:
                now = time.time()
                following = scheduler.tick(plans, now)
                for name, number in processes.ended():
                    told, reason = state.state_of(number)
                    _say(f"{name}: {told}{': ' + reason if reason else ''}")
                for name, number in state.lost():
                    fire.tell_lost(state, number, state.plan(name), now)
                time.sleep(max(0.05, min(LOOK_SECONDS, following - now)))
                if _edits() != seen:
                    seen = _edits()
                    plans = _read_again(read, plans, root, locks)
    except KeyboardInterrupt:
        _say("stopping")
        return 0
    finally:
        signal.signal(signal.SIGTERM, before)
        processes.stop()
        state.close()


class Processes:
    """The fires that go on, one process each.

    Args:
        root: The folder of all runs.
        metadata: URL of the store.
    """

    def __init__(self, root: str, metadata: str | None) -> None:
        self._root = root
        self._environment = {**os.environ, **({METADATA_VARIABLE: metadata} if metadata else {})}
        self._running: dict[int, tuple[str, subprocess.Popen[bytes]]] = {}

    def begin(self, plan: Plan, number: int) -> None:
        """Begin a fire, if it was not begun just now."""
        if number in self._running:
            return
        _say(f"{plan.name}: begins")
        command = [sys.executable, os.path.join(REPOSITORY, "runner.py"), "--root", self._root, "schedule", "fire"]
        process = subprocess.Popen(
            [*command, str(number)],
            stdin=subprocess.DEVNULL,
            env=self._environment,
            # Ctrl-C reaches the scheduler alone, which then stops what goes on.
            start_new_session=True,
        )
        self._running[number] = (plan.name, process)

    def ended(self) -> list[tuple[str, int]]:
        """Schedules and fires whose processes ended since the last call."""
        gone = [(name, number) for number, (name, process) in self._running.items() if process.poll() is not None]
        for _, number in gone:
            del self._running[number]
        return gone

    def stop(self) -> None:
        """Stop all and wait for their end."""
        for _, process in self._running.values():
            process.terminate()
        for _, process in self._running.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


_spans: dict[str, tuple[Any, str | None]] = {}
"""Newest span by plan, and the files' state in which it was found."""


def newest_span(plan: Plan) -> str | None:
    """The newest span of a plan's data, as its path or its column of dates tells it.

    A file is read again only where its size or time changed.
    """
    try:
        reviewed = load.reviewed(REPOSITORY, Name(plan.pipeline, plan.run.variant))
        config = reviewed.config
        paths = files.under(os.path.abspath(plan.data_root), config.data.path)
        data = {**config.plain("data")["data"], "window": None, "span": None, "sample": None}
        data["split"] = {**data["split"], "by": "all"}
        found = files.resolve(paths, data)
        looks = [(file.path, os.stat(file.path).st_size, os.stat(file.path).st_mtime_ns) for file in found]
        if plan.name not in _spans or _spans[plan.name][0] != looks:
            settings = {
                "paths": paths,
                "data": data,
                "columns": reviewed.columns,
                "duties": config.plain("columns")["columns"],
                "label": None if config.label.task == "clusters" else config.label.column,
                "complete": config.features.complete(),
            }
            _spans[plan.name] = (looks, str(planning.plan(settings).span))
        return _spans[plan.name][1]
    except (PipelineError, OSError) as error:
        _say(f"{plan.name}: spans cannot be looked at: {error}")
        return None


@contextlib.contextmanager
def _locked(root: str, name: str) -> Iterator[None]:
    """One scheduler a schedule; the system frees the lock of a process that is gone."""
    folder = os.path.join(root, ".schedule", "locks")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ResourceError(
                f"schedule {name} is run by another process under {root} already: stop that one, or take another --root"
            ) from error
        yield


def _read_again(
    read: Callable[[], list[Plan]], plans: list[Plan], root: str, locks: contextlib.ExitStack
) -> list[Plan]:
    """The schedules after an edit; those before it where the edit is wrong."""
    try:
        found = read()
        for plan in found:
            if plan.name not in {old.name for old in plans}:
                locks.enter_context(_locked(root, plan.name))
    except PipelineError as error:
        _say(f"the schedules stay as they were: {error}")
        return plans
    _say("read the configs again")
    return found


def _edits() -> Sequence[tuple[str, int]]:
    folder = os.path.join(REPOSITORY, load.CONFIGS)
    return sorted((entry.name, entry.stat().st_mtime_ns) for entry in os.scandir(folder) if entry.is_file())


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    print(f"{datetime.now():%Y-%m-%d %H:%M:%S}  {text}", flush=True)
