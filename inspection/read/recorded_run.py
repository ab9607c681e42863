"""Reader of run.json, tolerant of files of other versions: a missing or invalid entry has its empty value."""

import copy
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import buckets
from spec.file_names import RUN
from spec.rows.data_paths import is_remote


@dataclass(frozen=True, kw_only=True)
class Query:
    """Query of `data.sql`.

    Attributes:
      path: File with its rows.
      rows: Number of rows; None if unknown.
    """

    sql: str
    database: str
    path: str
    rows: int | None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Result of a run; see `Outcome` in inspection/run_files.py.

    Attributes:
      reached: With `--to`: the stage that the run ended with; else None.
      pushed: Folder of the pushed version; None if the run pushed none.
      too_good: Warning that a column may give the label away; empty if none does.
    """

    blessed: bool = False
    advisory: bool = False
    reason: str = ""
    reached: str | None = None
    pushed: str | None = None
    too_good: str = ""


@dataclass(frozen=True, kw_only=True)
class RecordedRun:
    """run.json; see `RunFile` in inspection/run_files.py.

    Attributes:
      config: Resolved config, as plain values: that of another version may have other keys.
      tuned: Dotted key -> value that the tuner chose and the training used in place of that in `config`.
      data: Paths of the data, as recorded.
      files: Files that were read; see `RunFile`.
      git: Revision of the code; see `RunFile`.
      identity: Digests of config, data, schema and code.
      started: None for a time that cannot be read.
      upstream: Stage -> stages whose outputs it needs; None if it was not recorded.
      unused: Columns of the schema that the model does not use.
    """

    pipeline: str = ""
    state: str = "UNKNOWN"
    reason: str | None = None
    started: datetime | None = None
    ended: datetime | None = None
    command: Sequence[str] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    tuned: Mapping[str, Any] = field(default_factory=dict)
    data: Any = None
    files: Sequence[Mapping[str, Any]] = ()
    git: Sequence[Mapping[str, Any]] = ()
    identity: Mapping[str, Any] = field(default_factory=dict)
    query: Query | None = None
    seed: int | None = None
    versions: Mapping[str, Any] = field(default_factory=dict)
    nodes: Sequence[str] = ()
    upstream: Mapping[str, Sequence[str]] | None = None
    unused: Sequence[Mapping[str, Any]] = ()
    outcome: Outcome = field(default_factory=Outcome)

    @property
    def used(self) -> Mapping[str, Any]:
        """The config with the values of the tuner in place of its own."""
        config = copy.deepcopy(dict(self.config))
        for key, value in self.tuned.items():
            _put(config, key.split("."), value)
        return config


def read_run(folder: str | None) -> RecordedRun | None:
    """Read run.json of a run's folder; None if it does not exist or is not a JSON object.

    Raises:
      PermissionError: The file may not be read.
    """
    if folder is None:
        return None
    try:
        if is_remote(folder):
            content = json.loads(buckets.read(f"{folder}/{RUN}"))
        else:
            with open(os.path.join(folder, RUN), encoding="utf-8") as file:
                content = json.load(file)
    except PermissionError:
        raise
    except (OSError, ValueError):
        return None
    return parse_run(content) if isinstance(content, dict) else None


def parse_run(content: Mapping[str, Any]) -> RecordedRun:
    """Return the content of run.json with its types."""
    nodes = _of_type(content.get("nodes"), list, [])
    upstream = content.get("upstream")
    return RecordedRun(
        pipeline=str(content.get("pipeline") or ""),
        state=str(content.get("state") or "UNKNOWN"),
        reason=_of_type(content.get("reason"), str, None),
        started=_time(content.get("started")),
        ended=_time(content.get("ended")),
        command=tuple(map(str, _of_type(content.get("command"), list, []))),
        config=_of_type(content.get("config"), dict, {}),
        tuned=_of_type(content.get("tuned"), dict, {}),
        data=content.get("data"),
        files=_mappings(content.get("files")),
        git=_mappings(content.get("git")),
        identity=_of_type(content.get("identity"), dict, {}),
        query=_query(content.get("query")),
        seed=_of_type(content.get("seed"), int, None),
        versions=_of_type(content.get("versions"), dict, {}),
        nodes=tuple(name for name in nodes if isinstance(name, str)),
        upstream={
            str(node): tuple(map(str, required)) for node, required in upstream.items() if isinstance(required, list)
        }
        if isinstance(upstream, dict)
        else None,
        unused=_mappings(content.get("unused")),
        outcome=_outcome(_of_type(content.get("outcome"), dict, {})),
    )


def _query(content: Any) -> Query | None:
    if not isinstance(content, dict):
        return None
    return Query(
        sql=str(content.get("sql") or ""),
        database=str(content.get("database") or ""),
        path=str(content.get("path") or ""),
        rows=_of_type(content.get("rows"), int, None),
    )


def _outcome(content: Mapping[str, Any]) -> Outcome:
    return Outcome(
        blessed=bool(content.get("blessed")),
        advisory=bool(content.get("advisory")),
        reason=str(content.get("reason") or ""),
        reached=_of_type(content.get("reached"), str, None),
        pushed=_of_type(content.get("pushed"), str, None),
        too_good=str(content.get("too_good") or ""),
    )


def _put(container: Any, path: Sequence[str], value: Any) -> None:
    """Set a value in nested tables and lists; a path that leads nowhere is ignored."""
    key, *remaining = path
    if isinstance(container, list):
        if not key.isdecimal() or int(key) >= len(container):
            return
    elif not isinstance(container, dict):
        return
    position: Any = int(key) if isinstance(container, list) else key
    if not remaining:
        container[position] = value
        return
    if isinstance(container, dict) and container.get(key) is None:
        container[key] = {}
    _put(container[position], remaining, value)


def _mappings(value: Any) -> tuple[Mapping[str, Any], ...]:
    return tuple(entry for entry in _of_type(value, list, []) if isinstance(entry, dict))


def _of_type(value: Any, kind: type[Any], default: Any) -> Any:
    return value if isinstance(value, kind) else default


def _time(value: Any) -> datetime | None:
    try:
        return datetime.strptime(str(value), "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return None
