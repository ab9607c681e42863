"""What the schedules of a root folder did and will do, read from their SQLite file."""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from errors import ResourceError
from inspection.run_files import FIRE_STATES
from inspection.store import file_rights

STATE = os.path.join(".schedule", "state.sqlite")
"""Under the root."""
ENDED = tuple(state for state in FIRE_STATES if state not in ("WAITING", "RUNNING"))
"""States that a fire ends with; before, it is WAITING or RUNNING."""


@dataclass(frozen=True, kw_only=True)
class Fire:
    """One time of a schedule, and what became of it.

    Attributes:
      schedule: PIPELINE:NAME.
      due: When it was to begin.
      state: WAITING, RUNNING, or how it ended: DONE (blessed and pushed), UNCHANGED (nothing to do), REFUSED (by a
        gate), FAILED, TIMEOUT, CANCELED, LOST (its process is gone), SKIPPED.
      attempts: How often it was begun.
      run_id: The last attempt's run; None where none began.
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
    """One schedule.

    Attributes:
      name: PIPELINE:NAME.
      settings: As the config has them when the scheduler last looked.
      next: When it is due next; None where it is paused or no scheduler has looked yet.
      last: Its last fire that was not skipped.
    """

    name: str
    pipeline: str
    settings: dict[str, Any]
    paused: bool
    next: datetime | None
    last: Fire | None


def schedules(root: str) -> list[Scheduled]:
    """Lists the schedules that were ever looked at, by name; none where there is no file yet."""
    with _opened(root) as state:
        if state is None:
            return []
        rows = state.execute("SELECT name, settings, paused, next FROM plans ORDER BY name").fetchall()
        found = []
        for name, settings, paused, following in rows:
            last = state.execute(
                f"SELECT {_COLUMNS} FROM fires WHERE plan = ? AND state != 'SKIPPED' ORDER BY due DESC LIMIT 1", (name,)
            ).fetchone()
            told = json.loads(settings)
            found.append(
                Scheduled(
                    name=name,
                    pipeline=told["pipeline"],
                    settings=told["schedule"],
                    paused=bool(paused),
                    next=None if paused else _when(following),
                    last=_fire(last) if last else None,
                )
            )
        return found


def history(root: str, *, schedule: str | None = None, limit: int = 50) -> list[Fire]:
    """Lists fires, the newest first.

    Args:
      root: The folder of all runs.
      schedule: Only those of this PIPELINE:NAME.
      limit: At most so many.
    """
    with _opened(root) as state:
        if state is None:
            return []
        where, values = ("WHERE plan = ?", (schedule,)) if schedule else ("", ())
        rows = state.execute(f"SELECT {_COLUMNS} FROM fires {where} ORDER BY due DESC LIMIT ?", (*values, limit))
        return [_fire(row) for row in rows.fetchall()]


_COLUMNS = "id, plan, due, state, reason, attempts, started, ended, run_id"


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
        raise ResourceError(f"{path} cannot be read: {error}. Move it away to begin the schedules anew") from error


def _fire(row: tuple[Any, ...]) -> Fire:
    id_, plan, due, state, reason, attempts, started, ended, run_id = row
    return Fire(
        id=id_,
        schedule=plan,
        due=datetime.fromtimestamp(due, timezone.utc),
        state=state,
        reason=reason or "",
        attempts=attempts,
        started=_when(started),
        ended=_when(ended),
        run_id=run_id,
    )


def _when(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, timezone.utc) if seconds is not None else None
