"""Schedules of a root, their next times and their history, read from .schedule/state.sqlite."""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from errors import ResourceError
from inspection.run_files import FIRE_STATES, FORMER_FIRE_STATES
from inspection.store import file_rights

STATE = os.path.join(".schedule", "state.sqlite")
"""Path below the root."""
EXITED = "its process exited without a result"
"""Reason of a scheduled run whose process is gone."""
ENDED = tuple(state for state in FIRE_STATES if state not in ("WAITING", "RUNNING"))
"""Final states of a scheduled run; before, it is WAITING or RUNNING."""


@dataclass(frozen=True, kw_only=True)
class Fire:
    """A scheduled run.

    Attributes:
      schedule: PIPELINE:NAME.
      due: Time at which it was due.
      state: State, see FIRE_STATES in inspection/run_files.py.
      attempts: Number of attempts.
      run_id: The run of the last attempt; None if none started.
    """

    id: int
    schedule: str
    due: datetime
    state: str
    reason: str
    attempts: int
    started: datetime | None
    ended: datetime | None
    run_id: str | None


@dataclass(frozen=True, kw_only=True)
class Scheduled:
    """A schedule.

    Attributes:
      name: PIPELINE:NAME.
      settings: Settings in the config when the scheduler last read it.
      next: Next time; None if it is paused or no scheduler has run yet.
      last: Last scheduled run that was not skipped.
    """

    name: str
    pipeline: str
    settings: dict[str, Any]
    paused: bool
    next: datetime | None
    last: Fire | None


def schedules(root: str) -> list[Scheduled]:
    """List all schedules that a scheduler has read, by name; empty if there is no state file yet."""
    with _opened(root) as state:
        if state is None:
            return []
        rows = state.execute("SELECT name, settings, paused, next FROM plans ORDER BY name").fetchall()
        listed = []
        for name, settings, paused, next_time in rows:
            last_fire = state.execute(
                f"SELECT {_COLUMNS} FROM fires WHERE plan = ? AND state != 'SKIPPED' ORDER BY due DESC LIMIT 1", (name,)
            ).fetchone()
            plan = json.loads(settings)
            listed.append(
                Scheduled(
                    name=name,
                    pipeline=plan["pipeline"],
                    settings=plan["schedule"],
                    paused=bool(paused),
                    next=None if paused else _when(next_time),
                    last=_fire(last_fire) if last_fire else None,
                )
            )
        return listed


def history(root: str, *, schedule: str | None = None, limit: int = 50) -> list[Fire]:
    """List scheduled runs, newest first.

    Args:
      root: The folder of all runs.
      schedule: Only runs of this PIPELINE:NAME.
      limit: Maximum number.
    """
    with _opened(root) as state:
        if state is None:
            return []
        condition, values = ("WHERE plan = ?", (schedule,)) if schedule else ("", ())
        rows = state.execute(f"SELECT {_COLUMNS} FROM fires {condition} ORDER BY due DESC LIMIT ?", (*values, limit))
        return [_fire(row) for row in rows.fetchall()]


_COLUMNS = "id, plan, due, state, reason, attempts, started, ended, run_id, pid, born"


@contextlib.contextmanager
def _opened(root: str) -> Iterator[sqlite3.Connection | None]:
    path = os.path.join(root, STATE)
    if file_rights.hidden(path) or (os.path.exists(path) and not file_rights.readable(path)):
        raise ResourceError(file_rights.refusal(path, "read"))
    if not os.path.exists(path):
        yield None
        return
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=5.0)) as state:
            yield state
    except sqlite3.Error as error:
        raise ResourceError(
            f"{path} cannot be read: {error}. Move it away to start the schedules without history"
        ) from error


def _fire(row: tuple[Any, ...]) -> Fire:
    id_, plan, due, state, reason, attempts, started, ended, run_id, pid, born = row
    if state == "RUNNING" and birth(pid) != born:
        # The scheduler records it when it looks next, if one is running.
        state, reason = "FAILED", EXITED
    return Fire(
        id=id_,
        schedule=plan,
        due=datetime.fromtimestamp(due, timezone.utc),
        state=FORMER_FIRE_STATES.get(state, state),
        reason=reason or "",
        attempts=attempts,
        started=_when(started),
        ended=_when(ended),
        run_id=run_id,
    )


def birth(pid: int) -> str | None:
    """Return the start time of a process, to detect reused process ids; None if it is not running."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def _when(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, timezone.utc) if seconds is not None else None
