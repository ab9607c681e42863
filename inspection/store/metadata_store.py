"""Opens ML Metadata, on SQLite or PostgreSQL, and owns the names that TFX gives to things in it.

It needs ml_metadata alone: looking at runs takes a fraction of a second, importing TFX takes twenty.
"""

import contextlib
import logging
import os
import re
import sqlite3
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from ml_metadata import ListOptions, MetadataStore, OrderByField
from ml_metadata import errors as mlmd_errors
from ml_metadata.proto import metadata_store_pb2 as pb

from errors import ResourceError, UserError
from inspection.store import file_rights
from inspection.store.relocation import Relocation
from inspection.store.store_address import connection_config as connection_config  # its other users find it here
from inspection.store.store_address import redact as redact

PIPELINE_CONTEXT = "pipeline"
RUN_CONTEXT = "pipeline_run"
NODE_CONTEXT = "node"

INPUT_EVENTS = frozenset({pb.Event.INPUT, pb.Event.DECLARED_INPUT, pb.Event.INTERNAL_INPUT})
OUTPUT_EVENTS = frozenset(
    {pb.Event.OUTPUT, pb.Event.DECLARED_OUTPUT, pb.Event.INTERNAL_OUTPUT, pb.Event.PENDING_OUTPUT}
)
"""What a node is shown to have made. Of these only OUTPUT says that it was the producer: see `runs.producers`."""

_MEND = "Put its last backup in place, or move it away to begin a new history"
_LOCKED_SECONDS = 5.0  # MLMD alone waits 26 s for a lock
_CREATED_SECONDS = 0.5  # a store that is being made has 0 bytes until its first commit
_MADE_SECONDS = 10.0  # for a database and its tables that another process is making
_BEING_MADE = ("duplicate key value", "already exists", "subset of tables")
_CONNECT_SECONDS = "4"  # libpq's limit for each address of a host; `localhost` has two


class Store:
    """One ML Metadata store, whose faults come as ResourceError; an empty list of ids costs no query.

    `mlmd` is the MetadataStore itself, for what is not wrapped here; `where` the path, or the URL without its password;
    `relocation` reads paths of a root that was moved.
    """

    def __init__(self, mlmd: MetadataStore, *, where: str, relocation: Relocation | None = None) -> None:
        self.mlmd = mlmd
        self.where = where
        self.relocation = relocation or Relocation(None, own=False)

    def _ask(self, method: str, *args: object) -> Any:
        try:
            return getattr(self.mlmd, method)(*args)
        except (mlmd_errors.StatusError, DecodeError, UnicodeDecodeError) as error:
            raise ResourceError(
                f"{self.where}: the metadata store did not answer {method}: {_first_line(error)}. "
                f"If this comes back while no run writes, the store is damaged. {_MEND}"
            ) from error

    def _here(self, contexts: Iterable[pb.Context]) -> list[pb.Context]:
        found = list(contexts)
        for context in found:
            self.relocation.context(context)
        return found

    def _placed(self, artifacts: Iterable[pb.Artifact]) -> list[pb.Artifact]:
        found = list(artifacts)
        for artifact in found:
            self.relocation.artifact(artifact)
        return found

    def contexts(self, type_name: str) -> list[pb.Context]:
        """Returns all contexts of a type, in no order that MLMD promises."""
        return self._here(self._ask("get_contexts_by_type", type_name))

    def context(self, type_name: str, name: str) -> pb.Context | None:
        """Returns the one context of that type and name."""
        return next(iter(self._here(filter(None, [self._ask("get_context_by_type_and_name", type_name, name)]))), None)

    def children(self, context_id: int) -> list[pb.Context]:
        """Returns the contexts below one: a pipeline's runs."""
        return self._here(self._ask("get_children_contexts_by_context", context_id))

    def parents(self, context_id: int) -> list[pb.Context]:
        """Returns the contexts above one: a run's pipeline."""
        return list(self._ask("get_parent_contexts_by_context", context_id))

    def executions(self, context_id: int) -> list[pb.Execution]:
        """Returns the executions of a context, the first one first."""
        return sorted(self._ask("get_executions_by_context", context_id), key=lambda execution: int(execution.id))

    def all_executions(self) -> list[pb.Execution]:
        """Returns every execution of the store, in one query."""
        return list(self._ask("get_executions"))

    def executions_by_id(self, execution_ids: Iterable[int]) -> list[pb.Execution]:
        """Returns these executions, in one query; unknown ids are left out."""
        ids = sorted(set(execution_ids))
        return list(self._ask("get_executions_by_id", ids)) if ids else []

    def contexts_of_execution(self, execution_id: int) -> list[pb.Context]:
        """Returns the pipeline, run, node and cache contexts that one execution belongs to."""
        return list(self._ask("get_contexts_by_execution", execution_id))

    def events_of_executions(self, execution_ids: Iterable[int]) -> list[pb.Event]:
        """Returns which artifacts went in and out of these executions, in one query."""
        ids = sorted(set(execution_ids))
        return list(self._ask("get_events_by_execution_ids", ids)) if ids else []

    def events_of_artifacts(self, artifact_ids: Iterable[int]) -> list[pb.Event]:
        """Returns which executions took or made these artifacts, in any run, in one query."""
        ids = sorted(set(artifact_ids))
        return list(self._ask("get_events_by_artifact_ids", ids)) if ids else []

    def artifacts(self, artifact_ids: Iterable[int]) -> list[pb.Artifact]:
        """Returns these artifacts, in one query; unknown ids are left out."""
        ids = sorted(set(artifact_ids))
        return self._placed(self._ask("get_artifacts_by_id", ids)) if ids else []

    def artifacts_of_type(self, type_name: str) -> list[pb.Artifact]:
        """Returns all artifacts of a type, the newest first; none where the store does not know the type."""
        found = self._placed(self._ask("get_artifacts_by_type", type_name))
        return sorted(found, key=lambda artifact: -int(artifact.id))

    def newest_artifacts(self, limit: int | None) -> list[pb.Artifact]:
        """Returns the last artifacts, the newest first; all where the limit is None."""
        newest = ListOptions(limit=limit, order_by=OrderByField.ID, is_asc=False)
        return self._placed(self._ask("get_artifacts", newest))

    def artifact_types(self) -> list[str]:
        """Returns the names of the types of artifacts that the store knows."""
        return sorted({kind.name for kind in self._ask("get_artifact_types")})


def open_store(root: str, url: str | None, *, readonly: bool = True) -> Store:
    """Opens the store of `connection_config(root, url)`.

    Args:
      root: The folder of all runs.
      url: Where else the metadata is, or None.
      readonly: Creates nothing: no file, no database. A run that writes says False.

    Raises:
      UserError: The URL is wrong, or there is no store yet and it is opened to be read.
      ResourceError: The store is damaged, locked, empty or out of reach; comes within 10 s.
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
            place = f"in {path}" if url else f"under {root}"
            raise UserError(f"no runs yet {place}: make one with python runner.py --local")
        try:
            own = os.path.realpath(os.path.dirname(path)) == os.path.realpath(root) if root else False
            opened = Store(MetadataStore(config), where=path, relocation=Relocation(root, own))
        except (RuntimeError, mlmd_errors.StatusError) as error:
            raise ResourceError(f"{path} cannot be opened by ML Metadata: {_first_line(error)}. {_MEND}") from error
        if not readonly:
            file_rights.follow_umask(path, whole=False)
        return opened
    config.postgresql.skip_db_creation = readonly
    store = _open_postgresql(config, url or "")
    store.relocation = Relocation(root, own=False)
    return store


def _check_rights(path: str, readonly: bool) -> None:
    """Refuse a store that this user may not use; nothing is said that would have a history moved away."""
    if file_rights.hidden(path) or (os.path.exists(path) and not file_rights.readable(path)):
        raise ResourceError(file_rights.refusal(path, "read"))
    if readonly:
        return
    if os.path.exists(path) and not file_rights.writable(path):
        raise ResourceError(file_rights.refusal(path, "write to"))
    # SQLite writes a journal beside it.
    if os.path.isdir(os.path.dirname(path)) and not file_rights.writable(os.path.dirname(path)):
        raise ResourceError(file_rights.refusal(os.path.dirname(path), "write to"))


def _check_sqlite(path: str) -> None:
    """Finds with sqlite3 what MLMD would hide or retry for half a minute.

    It also rolls back what a killed writer left half written, which MLMD, opened to read, would report as a fault.
    """
    patience = time.monotonic() + _CREATED_SECONDS
    while os.path.isfile(path) and os.path.getsize(path) == 0:
        if time.monotonic() < patience:
            time.sleep(0.02)
            continue
        # To a writer MLMD opens this as a store without runs: the history would be gone without a word.
        raise ResourceError(f"{path} is empty (0 bytes), which no store is, not even a new one. {_MEND}")
    mode = "rw" if file_rights.writable(path) and file_rights.writable(os.path.dirname(path)) else "ro"
    uri = f"file:{urllib.parse.quote(path)}?mode={mode}"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=_LOCKED_SECONDS)) as connection:
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'MLMDEnv'").fetchone()
            # MLMD ends the whole process on some broken rows. The check reads all of the file: 100 MB take 0.4 s.
            [sound] = connection.execute("PRAGMA quick_check(1)").fetchone()
            if sound != "ok":
                raise sqlite3.DatabaseError(sound)
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            raise ResourceError(f"{path} is locked by another process for {_LOCKED_SECONDS:g} s; try again") from error
        said = " ".join(str(error).split())
        raise ResourceError(f"{path} cannot be read as an SQLite file: {said}. {_MEND}") from error
    if not known:
        raise ResourceError(f"{path} is an SQLite file of another kind, not an ML Metadata store")


def _open_postgresql(config: pb.ConnectionConfig, url: str) -> Store:
    patience = time.monotonic() + _MADE_SECONDS
    while True:
        said: list[str] = []
        try:
            with _discreet(said):
                return Store(MetadataStore(config), where=redact(url))
        except (RuntimeError, mlmd_errors.StatusError) as error:
            found = re.search(r"PostgreSQL error: (.+)", "".join(said))
            reason = found.group(1) if found else _first_line(error)
        # Another process is making the same database or its tables.
        if not any(words in reason for words in _BEING_MADE) or time.monotonic() > patience:
            break
        time.sleep(0.2)
    secrets = {config.postgresql.password, urllib.parse.unquote(urllib.parse.urlsplit(url).password or "")} - {""}
    if any(secret in reason for secret in secrets):
        reason = "the reason holds the password and is not shown"
    # Raised outside the handler: a chained traceback would show the library's own text, password or not.
    raise ResourceError(
        f"{redact(url)}: the metadata store cannot be opened: {reason}. Check that the server runs and that its host, "
        "port, user, password and database are right, or leave --metadata and PIPELINE_METADATA out to use SQLite"
    )


@contextlib.contextmanager
def _discreet(said: list[str]) -> Iterator[None]:
    """Limits the wait for PostgreSQL and keeps what MLMD says on the way from the terminal and the log.

    Its C++ side writes a line for each connection past Python to standard error, and there only the true reason of a
    failure, which goes to `said`; its Python side logs the whole configuration, password included, at DEBUG.
    """
    guard = logging.Filter()
    guard.filter = lambda record: "ConnectionConfig" not in str(record.msg)  # type: ignore[method-assign]
    limit = os.environ.get("PGCONNECT_TIMEOUT")  # libpq's own variable: MLMD's configuration has no field for it
    os.environ["PGCONNECT_TIMEOUT"] = limit or _CONNECT_SECONDS
    logging.getLogger("absl").addFilter(guard)
    sys.stderr.flush()
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            said.append(file.read().decode(errors="replace"))
            logging.getLogger("absl").removeFilter(guard)
            os.environ.pop("PGCONNECT_TIMEOUT")
            if limit is not None:
                os.environ["PGCONNECT_TIMEOUT"] = limit


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def properties(node: pb.Artifact | pb.Execution | pb.Context) -> dict[str, Any]:
    """Returns a node's properties, custom ones included, as plain Python values."""
    return {key: _plain(value) for key, value in [*node.properties.items(), *node.custom_properties.items()]}


def _plain(value: pb.Value) -> Any:
    if value.HasField("struct_value"):
        return json_format.MessageToDict(value.struct_value)
    if value.HasField("proto_value"):
        return {"@type": value.proto_value.type_url}
    return getattr(value, value.WhichOneof("value") or "", None)
