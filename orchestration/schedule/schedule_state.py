"""State of the schedules, in SQLite under the root: the last check of each, and every fire.

A fire is one due time of one schedule. The pair is unique, so a time never runs twice, also after clock changes and
with several processes.
"""

import json
import os
import sqlite3
from dataclasses import dataclass
from typing import Any

from errors import ResourceError
from inspection.read.schedule_history import EXITED, STATE, birth
from inspection.run_files import FORMER_FIRE_STATES
from inspection.store import file_rights
from orchestration.schedule.plans import Plan

KEPT = 2000
"""Number of fires kept per schedule."""
_LOCKED_SECONDS = 20.0
_TABLES = """
CREATE TABLE IF NOT EXISTS plans (
  name TEXT PRIMARY KEY, settings TEXT NOT NULL, considered REAL NOT NULL, next REAL, paused INTEGER NOT NULL DEFAULT 0,
  failing INTEGER NOT NULL DEFAULT 0, span TEXT, fingerprint TEXT, settled TEXT);
CREATE TABLE IF NOT EXISTS fires (
  id INTEGER PRIMARY KEY, plan TEXT NOT NULL, due REAL NOT NULL, state TEXT NOT NULL, reason TEXT,
  attempts INTEGER NOT NULL DEFAULT 0, started REAL, ended REAL, run_id TEXT, pid INTEGER, born TEXT,
  UNIQUE (plan, due));
CREATE INDEX IF NOT EXISTS fires_by_state ON fires (plan, state);
"""


@dataclass
class Memory:
    """State of a schedule.

    Attributes:
        considered: Time of the last check, in seconds since 1970.
        paused: Whether its times are skipped.
        failing: Whether its last run failed.
        span: Newest span at the last fire.
        fingerprint: Digest of the inputs of the last run that ended with a verdict.
        settled: Outcome of that run: `run_id`, `state`, `pushed` and `reads`.
    """

    considered: float
    paused: bool
    failing: bool
    span: str | None
    fingerprint: str | None
    settled: dict[str, Any] | None


class State:
    """The database of a root folder.

    Args:
        root: The folder of all runs; the file is created if it is missing.

    Raises:
        ResourceError: it cannot be read or written.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        path = os.path.join(root, STATE)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            self._db = sqlite3.connect(path, timeout=_LOCKED_SECONDS, isolation_level=None)
            self._db.executescript(_TABLES)
            for former_name, current_name in FORMER_FIRE_STATES.items():
                self._db.execute("UPDATE fires SET state = ? WHERE state = ?", (current_name, former_name))
        except (OSError, sqlite3.Error) as error:
            existing_path = path if os.path.exists(path) else os.path.dirname(path)
            if isinstance(error, PermissionError) or not file_rights.writable(existing_path):
                raise ResourceError(file_rights.refusal(existing_path)) from error
            raise ResourceError(
                f"{path} cannot be used: {error}. Fix its permissions, or move it away to reset all schedules"
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def remember(self, plan: Plan, now: float) -> Memory:
        """Store the settings of a schedule and return its state; a new schedule starts now."""
        self._db.execute(
            "INSERT INTO plans (name, settings, considered) VALUES (?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET settings = excluded.settings",
            (plan.name, plan.to_json(), now),
        )
        return self.memory(plan.name)

    def memory(self, name: str) -> Memory:
        """Return the state of a known schedule."""
        row = self._db.execute(
            "SELECT considered, paused, failing, span, fingerprint, settled FROM plans WHERE name = ?", (name,)
        ).fetchone()
        considered, paused, failing, span, fingerprint, settled = row
        return Memory(
            considered, bool(paused), bool(failing), span, fingerprint, json.loads(settled) if settled else None
        )

    def plan(self, name: str) -> Plan:
        """Return a schedule as of its last check."""
        [settings] = self._db.execute("SELECT settings FROM plans WHERE name = ?", (name,)).fetchone()
        return Plan.from_json(settings)

    def note(self, name: str, **values: Any) -> None:
        """Write columns of a schedule: considered, next, paused, failing, span, fingerprint, settled."""
        assignments = ", ".join(f"{column} = ?" for column in values)
        self._db.execute(f"UPDATE plans SET {assignments} WHERE name = ?", (*values.values(), name))

    def add(self, name: str, due: float, state: str = "WAITING", reason: str = "") -> int | None:
        """Add a fire and return its number; None if the schedule has a fire at this time."""
        cursor = self._db.execute(
            "INSERT OR IGNORE INTO fires (plan, due, state, reason, ended) VALUES (?, ?, ?, ?, ?)",
            (name, due, state, reason, due if state == "SKIPPED" else None),
        )
        if cursor.rowcount == 0:
            return None
        self._db.execute(
            "DELETE FROM fires WHERE plan = ? AND state NOT IN ('WAITING', 'RUNNING') AND id NOT IN "
            "(SELECT id FROM fires WHERE plan = ? ORDER BY due DESC LIMIT ?)",
            (name, name, KEPT),
        )
        return cursor.lastrowid

    def forget_skipped(self, name: str, now: float) -> None:
        """Delete skipped fires at future times."""
        self._db.execute("DELETE FROM fires WHERE plan = ? AND state = 'SKIPPED' AND due > ?", (name, now))

    def waiting(self, name: str) -> list[tuple[int, float]]:
        """Return the waiting fires with their times, earliest first."""
        return self._db.execute(
            "SELECT id, due FROM fires WHERE plan = ? AND state = 'WAITING' ORDER BY due", (name,)
        ).fetchall()

    def is_running(self, name: str) -> bool:
        """Return whether a fire of a schedule is running.

        A fire whose process has exited without a result had a failed attempt: it waits again if it has retries, else
        it has FAILED.
        """
        rows = self._db.execute(
            "SELECT id, pid, born, attempts FROM fires WHERE plan = ? AND state = 'RUNNING'", (name,)
        ).fetchall()
        alive = False
        for id_, pid, born, attempts in rows:
            if birth(pid) == born:
                alive = True
                continue
            has_retries = attempts <= self.plan(name).schedule.retries
            self._db.execute(
                "UPDATE fires SET state = ?, reason = ? WHERE id = ? AND state = 'RUNNING'",
                ("WAITING" if has_retries else "FAILED", EXITED, id_),
            )
        return alive

    def lost(self) -> list[tuple[str, int]]:
        """Return schedule and number of lost fires without a notification."""
        return self._db.execute("SELECT plan, id FROM fires WHERE state = 'FAILED' AND ended IS NULL").fetchall()

    def begin(self, fire: int, now: float) -> tuple[Plan, float, int] | None:
        """Claim a fire for this process, if it waits and no other fire of its schedule is running.

        Returns:
            The schedule, the due time, and the number of attempts so far; None if it cannot be claimed.
        """
        self._db.execute("BEGIN IMMEDIATE")
        try:
            row = self._db.execute("SELECT plan, due, state, attempts FROM fires WHERE id = ?", (fire,)).fetchone()
            if row is None or row[2] != "WAITING" or self.is_running(row[0]):
                return None
            self._db.execute(
                "UPDATE fires SET state = 'RUNNING', reason = '', started = ?, pid = ?, born = ? WHERE id = ?",
                (now, os.getpid(), birth(os.getpid()), fire),
            )
            return self.plan(row[0]), row[1], row[3]
        finally:
            self._db.execute("COMMIT")

    def update(self, fire: int, **values: Any) -> None:
        """Write columns of a fire: state, reason, attempts, ended, run_id."""
        assignments = ", ".join(f"{column} = ?" for column in values)
        self._db.execute(f"UPDATE fires SET {assignments} WHERE id = ?", (*values.values(), fire))

    def skip(self, fire: int, reason: str, now: float) -> None:
        """Mark a waiting fire as skipped."""
        self._db.execute(
            "UPDATE fires SET state = 'SKIPPED', reason = ?, ended = ? WHERE id = ? AND state = 'WAITING'",
            (reason, now, fire),
        )

    def state_of(self, fire: int) -> tuple[str, str]:
        """Return state and reason of a fire."""
        state, reason = self._db.execute("SELECT state, reason FROM fires WHERE id = ?", (fire,)).fetchone()
        return state, reason or ""
