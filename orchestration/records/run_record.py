"""Records that the supervisor writes into the folder of a run: run.json and events.jsonl."""

import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Mapping
from typing import Any

from inspection.store.metadata_store import redact
from orchestration.records import code_revision, run_events
from spec.artifacts import atomic_files
from spec.file_names import EVENTS, GATES, RUN
from spec.timing import utc

ENDED = ("state", "reason", "ended", "outcome", "stage", "log", "not_continued")
"""Keys of run.json about the end of an attempt."""
PACKAGES = (
    *("tfx", "tensorflow", "keras", "apache-beam", "tensorflow-transform", "tensorflow-data-validation"),
    *("numpy", "pyarrow"),
)


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        versions[package] = importlib.metadata.version(package)
    return versions


class Record:
    """The folder of a run.

    Args:
        folder: Absolute path; it is created.
        facts: Initial content of run.json; of a resumed run, its current content.
    """

    def __init__(self, folder: str, facts: Mapping[str, Any]) -> None:
        os.makedirs(os.path.join(folder, "logs"), exist_ok=True)
        self.folder = folder
        attempts = list(facts.get("attempts", ()))
        started = utc.text()
        self.facts = {
            **{key: value for key, value in facts.items() if key not in ENDED},
            "command": [
                os.path.basename(sys.argv[0]),
                *(redact(argument) if "://" in argument else argument for argument in sys.argv[1:]),
            ],
            "pid": os.getpid(),
            "started": facts.get("started", started),
            "versions": versions(),
            "git": code_revision.revisions(),
            "attempts": [*attempts, {"started": started, "pid": os.getpid()}],
        }
        path = os.path.join(folder, EVENTS)
        if attempts:
            _cut_half_line(path)
        self._events = open(path, "a", encoding="utf-8")  # noqa: SIM115  until close
        if attempts:
            self.event({"event": "attempt", "number": len(self.facts["attempts"])})
        self._write()

    def event(self, fields: dict[str, Any]) -> None:
        """Append an event with its time."""
        self._events.write(run_events.to_line(**{**fields, "time": utc.text()}))
        self._events.flush()

    def update(self, **facts: Any) -> None:
        """Add facts to run.json."""
        self.facts.update(facts)
        self._write()

    def gates(self, findings: list[dict[str, Any]], warnings: list[str]) -> None:
        """Write the findings of the gates into gates.json, and the warnings also into run.json."""
        with open(os.path.join(self.folder, GATES), "w", encoding="utf-8") as file:
            json.dump(findings, file, indent=1, ensure_ascii=False)
        self.update(warnings=warnings)

    def close(self, state: str, reason: str, **facts: Any) -> None:
        """Record the end of the run and of its current attempt."""
        self.facts["attempts"][-1].update(ended=utc.text(), state=state, reason=reason)
        self.update(state=state, reason=reason, ended=utc.text(), **facts)
        self._events.close()

    def _write(self) -> None:
        write(self.folder, self.facts)


def is_refused(facts: Mapping[str, Any]) -> bool:
    """Return whether preflight refused a run, given its run.json: it has ended and has no identity."""
    return "state" in facts and "identity" not in facts


def write(folder: str, facts: Mapping[str, Any]) -> None:
    """Write run.json atomically."""
    atomic_files.write(os.path.join(folder, RUN), json.dumps(facts, indent=1), flush=True)


def without_secrets(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a config without [notify], whose commands and addresses may contain tokens."""
    return {section: values for section, values in config.items() if section != "notify"}


def _cut_half_line(path: str) -> None:
    """Remove an incomplete last line of a killed supervisor."""
    if os.path.exists(path):
        with open(path, "r+b") as file:
            text = file.read()
            file.truncate(text.rfind(b"\n") + 1)


def close_earlier(folder: str, facts: dict[str, Any], state: str, reason: str, **more: Any) -> dict[str, Any]:
    """Record the end of a run whose supervisor is dead.

    Args:
        folder: The run's folder.
        facts: Its run.json.
        state: Its state.
        reason: Reason of the state.
        more: Further facts.

    Returns:
        The new content of run.json.
    """
    events_path = os.path.join(folder, EVENTS)
    last_event = os.path.getmtime(events_path if os.path.exists(events_path) else folder)
    ended = utc.text(last_event)
    attempts = [dict(attempt) for attempt in facts.get("attempts", ())]
    if attempts and "state" not in attempts[-1]:
        attempts[-1].update(ended=ended, state=state, reason=reason)
    facts = {"ended": ended, **facts, "state": state, "reason": reason, "attempts": attempts, **more}
    write(folder, facts)
    return facts
