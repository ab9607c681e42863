"""Snapshot of a query: its result in one Parquet file, named by the digest of its content."""

import contextlib
import hashlib
import itertools
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from components.query import postgresql_query, sqlite_query
from components.query.column_types import Columns
from components.query.query_rows import Deadline, Query, Result, Row
from errors import ResourceError, UserError
from models.data import arrow
from spec.addresses import database_address
from spec.timing import utc

STEP_BYTES, MOST_ROWS = 16 << 20, 5_000
"""About so many bytes of texts are fetched at once, and at most so many rows."""
FIRST_ROWS = 100
"""Rows that are fetched before their size is known."""
BATCH_BYTES, BATCH_CELLS = 32 << 20, 500_000
"""A row group ends after so many bytes of texts or so many cells."""


@dataclass(frozen=True)
class Snapshot:
    """Rows as a query gave them.

    Attributes:
        path: The Parquet file.
        rows: How many it holds.
        query: The query.
        taken: When it was begun, in seconds since 1970.
    """

    path: str
    rows: int
    query: Query
    taken: float

    @property
    def where(self) -> str:
        """Where the rows came from."""
        return self.query.database

    @property
    def text(self) -> str:
        """Short description of the snapshot."""
        return f"{self.rows:,} rows"

    def plain(self) -> dict[str, Any]:
        """Return all fields except the limit as JSON-able values."""
        query = {"sql": self.query.sql, "database": self.query.database}
        return {**query, "path": self.path, "rows": self.rows, "taken": utc.text(self.taken)}


def take(query: Query, data_root: str, folder: str) -> Snapshot:
    """Run a query and keep its rows, in the order in which it gives them.

    Args:
        query: The query.
        data_root: Folder that the path of an SQLite file starts from.
        folder: Folder of the file; equal rows give the same file.

    Raises:
        UserError: the query cannot be run, takes too long, gives no rows, or rows that make no table.
        ResourceError: the database cannot be reached, or the file not be written.
    """
    seconds, deadline = time.time(), Deadline(query)
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".draft-", dir=folder) as drafts:
            spool, draft = os.path.join(drafts, "rows.arrow"), os.path.join(drafts, "rows.parquet")
            with _opened(query, data_root, deadline) as result:
                columns = _spool(query, result, deadline, spool)
            _write(spool, draft, columns.schema)
            path = os.path.join(folder, f"{_digest(draft)}.parquet")
            os.replace(draft, path)
    except (OSError, pa.ArrowException) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ResourceError(
            f"the result of data.sql cannot be stored in {folder}: {reason}. Check free space and permissions"
        ) from error
    return Snapshot(path, columns.rows, query, seconds)


def _opened(query: Query, data_root: str, deadline: Deadline) -> contextlib.AbstractContextManager[Result]:
    if database_address.is_sqlite(query.database):
        return sqlite_query.opened(query, data_root, deadline)
    return postgresql_query.opened(query, deadline)


def _spool(query: Query, result: Result, deadline: Deadline, path: str) -> Columns:
    """Write rows as Arrow batches, each with the types of its own rows: those of all are known at the end."""
    names = result.names
    duplicate_name = next((name for name in names if names.count(name) > 1), None)
    if duplicate_name is not None:
        raise UserError(f"data.sql: the query returns two columns named {duplicate_name!r}: rename one with AS")
    columns = Columns(names, query.database)
    with pa.OSFile(path, "wb") as file:
        for rows in _batches(result, deadline):
            batch = columns.add(rows)
            with arrow.stream_writer(file, batch.schema) as writer:
                writer.write_batch(batch)
    if not columns.rows:
        raise UserError(f"data.sql: the query of {query.database} returns no rows")
    return columns


def _batches(result: Result, deadline: Deadline) -> Iterator[list[Row]]:
    batch: list[Row] = []
    step, size = FIRST_ROWS, 0
    while rows := result.fetch(step):
        deadline.check()
        batch.extend(rows)
        more = sum(len(cell) for row in rows for cell in row if isinstance(cell, str | bytes))
        size += more
        if size > BATCH_BYTES or len(batch) * len(result.names) > BATCH_CELLS:
            yield batch
            batch, size = [], 0
        step = max(1, min(MOST_ROWS, STEP_BYTES * len(rows) // max(more, 1)))
    deadline.check()
    if batch:
        yield batch


def _write(spool: str, path: str, schema: pa.Schema) -> None:
    with pa.OSFile(spool) as file, arrow.parquet_writer(path, schema) as writer:
        for batch in itertools.chain.from_iterable(arrow.streams(file)):
            cells = [column.cast(kind) for column, kind in zip(batch.columns, schema.types, strict=True)]
            writer.write_table(pa.Table.from_arrays(cells, schema=schema))


def _digest(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:16]
