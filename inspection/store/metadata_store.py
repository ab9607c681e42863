"""ML Metadata on SQLite or PostgreSQL, and TFX's names in it.

Imports ml_metadata but not TFX: showing runs takes a fraction of a second, importing TFX takes 20 s.
"""

import contextlib
import functools
import os
import re
import sqlite3
import time
import urllib.parse
from collections.abc import Iterable
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from ml_metadata import ListOptions, MetadataStore, OrderByField
from ml_metadata import errors as mlmd_errors
from ml_metadata.proto import metadata_store_pb2 as pb

from errors import ResourceError, UserError
from inspection.store import file_rights, postgresql_connection, role_rights
from inspection.store.relocation import Relocation, recorded_paths
from inspection.store.store_address import connection_config as connection_config  # re-exported
from inspection.store.store_address import redact as redact

PIPELINE_CONTEXT = "pipeline"
RUN_CONTEXT = "pipeline_run"
NODE_CONTEXT = "node"

INPUT_EVENTS = frozenset({pb.Event.INPUT, pb.Event.DECLARED_INPUT, pb.Event.INTERNAL_INPUT})
OUTPUT_EVENTS = frozenset(
    {pb.Event.OUTPUT, pb.Event.DECLARED_OUTPUT, pb.Event.INTERNAL_OUTPUT, pb.Event.PENDING_OUTPUT}
)
"""Outputs of a node. Only OUTPUT marks the producer: see `display_names.producers`."""

_FIX = "Restore its last backup with `inspect restore FILE`, or move it away to start a new store"
_POSTGRESQL_FIX = "Check that the server runs and that host, port, user, password and database are correct"
_LOCKED_SECONDS = 5.0  # MLMD alone waits 26 s for a lock
_CREATED_SECONDS = 0.5  # a new store has 0 bytes until its first commit
_TABLES_SECONDS = 10.0  # for a database and tables that another process is creating
_BEING_CREATED = ("duplicate key value", "already exists", "subset of tables")
_NO_DATABASE = re.compile(r'database "[^"]*" does not exist')


class NoStoreError(UserError):
    """There is no store yet: the first run creates it."""


def _query(mlmd: MetadataStore, location: str, method: str, *args: object) -> Any:
    try:
        return getattr(mlmd, method)(*args)
    except (mlmd_errors.StatusError, DecodeError, UnicodeDecodeError) as error:
        raise ResourceError(
            f"{location}: ML Metadata failed in {method}: {_first_line(error)}. "
            f"If this happens again while no run is writing, the store is damaged. {_FIX}"
        ) from error


class Store:
    """An ML Metadata store. Errors of MLMD are raised as ResourceError; an empty list of ids costs no query.

    Args:
      mlmd: The MetadataStore, for methods that this class does not wrap.
      location: Path, or URL without its password, for messages.
      root: The folder of all runs; None if unknown.
      in_root: Whether the store is in the root.
    """

    def __init__(self, mlmd: MetadataStore, *, location: str, root: str | None = None, in_root: bool = False) -> None:
        self.mlmd = mlmd
        self.location = location
        # Without a reference to this object, which would keep the connection open until Python collects cycles.
        self._query = functools.partial(_query, mlmd, location)
        self.relocation = Relocation(root, in_root, functools.partial(recorded_paths, self._query))

    def _relocated_contexts(self, contexts: Iterable[pb.Context]) -> list[pb.Context]:
        relocated = list(contexts)
        for context in relocated:
            self.relocation.context(context)
        return relocated

    def _relocated_artifacts(self, artifacts: Iterable[pb.Artifact]) -> list[pb.Artifact]:
        relocated = list(artifacts)
        for artifact in relocated:
            self.relocation.artifact(artifact)
        return relocated

    def contexts(self, type_name: str) -> list[pb.Context]:
        """Return all contexts of a type, in an unspecified order."""
        return self._relocated_contexts(self._query("get_contexts_by_type", type_name))

    def context(self, type_name: str, name: str) -> pb.Context | None:
        """Return the context of this type and name; None if there is none."""
        found = self._query("get_context_by_type_and_name", type_name, name)
        return self._relocated_contexts([found])[0] if found else None

    def children(self, context_id: int) -> list[pb.Context]:
        """Return the children of a context: the runs of a pipeline."""
        return self._relocated_contexts(self._query("get_children_contexts_by_context", context_id))

    def parents(self, context_id: int) -> list[pb.Context]:
        """Return the parents of a context: the pipeline of a run."""
        return list(self._query("get_parent_contexts_by_context", context_id))

    def executions(self, context_id: int) -> list[pb.Execution]:
        """Return the executions of a context, oldest first."""
        return sorted(self._query("get_executions_by_context", context_id), key=lambda execution: int(execution.id))

    def all_executions(self) -> list[pb.Execution]:
        """Return every execution of the store, in one query."""
        return list(self._query("get_executions"))

    def executions_by_id(self, execution_ids: Iterable[int]) -> list[pb.Execution]:
        """Return these executions, in one query; unknown ids are ignored."""
        ids = sorted(set(execution_ids))
        return list(self._query("get_executions_by_id", ids)) if ids else []

    def contexts_of_execution(self, execution_id: int) -> list[pb.Context]:
        """Return the pipeline, run, node and cache contexts that one execution belongs to."""
        return list(self._query("get_contexts_by_execution", execution_id))

    def events_of_executions(self, execution_ids: Iterable[int]) -> list[pb.Event]:
        """Return the events of these executions: their inputs and outputs, in one query."""
        ids = sorted(set(execution_ids))
        return list(self._query("get_events_by_execution_ids", ids)) if ids else []

    def events_of_artifacts(self, artifact_ids: Iterable[int]) -> list[pb.Event]:
        """Return all events that used or produced these artifacts, in any run, with one query."""
        ids = sorted(set(artifact_ids))
        return list(self._query("get_events_by_artifact_ids", ids)) if ids else []

    def artifacts(self, artifact_ids: Iterable[int]) -> list[pb.Artifact]:
        """Return these artifacts, in one query; unknown ids are ignored."""
        ids = sorted(set(artifact_ids))
        return self._relocated_artifacts(self._query("get_artifacts_by_id", ids)) if ids else []

    def artifacts_of_type(self, type_name: str) -> list[pb.Artifact]:
        """Return all artifacts of a type, newest first; an empty list for an unknown type."""
        artifacts = self._relocated_artifacts(self._query("get_artifacts_by_type", type_name))
        return sorted(artifacts, key=lambda artifact: -int(artifact.id))

    def newest_artifacts(self, limit: int | None) -> list[pb.Artifact]:
        """Return the newest artifacts, newest first; all if the limit is None."""
        newest = ListOptions(limit=limit, order_by=OrderByField.ID, is_asc=False)
        return self._relocated_artifacts(self._query("get_artifacts", newest))

    def artifact_types(self) -> list[str]:
        """Return the names of the artifact types in the store."""
        return sorted({kind.name for kind in self._query("get_artifact_types")})


def open_store(root: str, url: str | None, *, readonly: bool = True) -> Store:
    """Open the store of `connection_config(root, url)`.

    Args:
      root: The folder of all runs.
      url: URL of the store; None for SQLite in the root.
      readonly: Create neither file nor database. False for runs, which write.

    Raises:
      NoStoreError: There is no file or no database yet, and `readonly` is set.
      UserError: The URL is invalid.
      ResourceError: The store is damaged, locked, empty or unreachable, or a right is missing; raised within 10 s.
    """
    config = connection_config(root, url)
    if config.HasField("sqlite"):
        path = config.sqlite.filename_uri
        _check_rights(path, readonly)
        if readonly:
            config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READONLY
        if os.path.exists(path):
            _check_sqlite(path)
        elif readonly:
            location = f"in {path}" if url else f"under {root}"
            raise NoStoreError(f"no runs yet {location}: start one with python runner.py --local")
        try:
            is_of_root = os.path.realpath(os.path.dirname(path)) == os.path.realpath(root) if root else False
            store = Store(MetadataStore(config), location=path, root=root, in_root=is_of_root)
        except (RuntimeError, mlmd_errors.StatusError) as error:
            raise ResourceError(f"{path} cannot be opened by ML Metadata: {_first_line(error)}. {_FIX}") from error
        if not readonly:
            file_rights.follow_umask(path, recursive=False)
        return store
    config.postgresql.skip_db_creation = readonly
    if not readonly and (refusal := role_rights.refusal(url or "")) is not None:
        raise ResourceError(refusal)
    return _open_postgresql(config, url or "", root)


def _check_rights(path: str, readonly: bool) -> None:
    """Refuse a store without permissions, before its state is checked: a store that is not readable is not damaged."""
    if file_rights.hidden(path) or (os.path.exists(path) and not file_rights.readable(path)):
        raise ResourceError(file_rights.refusal(path, "read"))
    if readonly:
        return
    if os.path.exists(path) and not file_rights.writable(path):
        raise ResourceError(file_rights.refusal(path, "write to"))
    # SQLite writes a journal next to it.
    if os.path.isdir(os.path.dirname(path)) and not file_rights.writable(os.path.dirname(path)):
        raise ResourceError(file_rights.refusal(os.path.dirname(path), "write to"))


def _check_sqlite(path: str) -> None:
    """Check a file with sqlite3 for errors that MLMD would hide or retry for half a minute.

    Opening it also rolls back the transaction of a killed writer, which MLMD in read-only mode reports as an error.
    """
    deadline = time.monotonic() + _CREATED_SECONDS
    while os.path.isfile(path) and os.path.getsize(path) == 0:
        if time.monotonic() < deadline:
            time.sleep(0.02)
            continue
        # MLMD opens an empty file for writing as a new store, so the loss of the old one would go unnoticed.
        raise ResourceError(f"{path} is empty (0 bytes): it is not a store, not even a new one. {_FIX}")
    mode = "rw" if file_rights.writable(path) and file_rights.writable(os.path.dirname(path)) else "ro"
    uri = f"file:{urllib.parse.quote(path)}?mode={mode}"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=_LOCKED_SECONDS)) as connection:
            is_mlmd = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'MLMDEnv'").fetchone()
            # Some damaged rows crash MLMD's process. The check reads the whole file: 100 MB take 0.4 s.
            [check] = connection.execute("PRAGMA quick_check(1)").fetchone()
            if check != "ok":
                raise sqlite3.DatabaseError(check)
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            raise ResourceError(f"{path} is locked by another process for {_LOCKED_SECONDS:g} s; try again") from error
        details = " ".join(str(error).split())
        raise ResourceError(f"{path} cannot be read as an SQLite file: {details}. {_FIX}") from error
    if not is_mlmd:
        raise ResourceError(f"{path} is an SQLite file, but not an ML Metadata store")


def _open_postgresql(config: pb.ConnectionConfig, url: str, root: str) -> Store:
    deadline = time.monotonic() + _TABLES_SECONDS
    while True:
        stderr: list[str] = []
        try:
            with postgresql_connection.captured(stderr):
                return Store(MetadataStore(config), location=redact(url), root=root)
        except (RuntimeError, mlmd_errors.StatusError) as error:
            match = re.search(r"PostgreSQL error: (.+)", "".join(stderr))
            reason = match.group(1) if match else _first_line(error)
        # Another process is creating the same database or its tables.
        if not any(text in reason for text in _BEING_CREATED) or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    if config.postgresql.skip_db_creation and _NO_DATABASE.search(reason):
        raise NoStoreError(
            f"no runs yet in {redact(url)}: the server has no database of this name. Correct the name, or start a run "
            "with python runner.py --local, which creates it"
        )
    secrets = {config.postgresql.password, urllib.parse.unquote(urllib.parse.urlsplit(url).password or "")} - {""}
    if any(secret in reason for secret in secrets):
        reason = "the message contains the password and is not shown"
    is_denied = "permission denied" in reason
    missing = role_rights.refusal(url, readonly=config.postgresql.skip_db_creation) if is_denied else None
    fix = "Ask the owner of the database for it" if is_denied else _POSTGRESQL_FIX
    # Raised outside the handler: a chained traceback would show MLMD's message with the password.
    raise ResourceError(missing or f"{redact(url)}: the metadata store cannot be opened: {reason}. {fix}")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def properties(node: pb.Artifact | pb.Execution | pb.Context) -> dict[str, Any]:
    """Return the properties and custom properties of a node as plain Python values."""
    return {key: _plain(value) for key, value in [*node.properties.items(), *node.custom_properties.items()]}


def _plain(value: pb.Value) -> Any:
    if value.HasField("struct_value"):
        return json_format.MessageToDict(value.struct_value)
    if value.HasField("proto_value"):
        return {"@type": value.proto_value.type_url}
    return getattr(value, value.WhichOneof("value") or "", None)
