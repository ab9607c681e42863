"""Queries of SQLite files: read-only, one statement."""

import contextlib
import os
import pathlib
import sqlite3
from collections.abc import Iterator

from components.query.query_rows import Deadline, Query, Result, refused
from errors import ResourceError, UserError
from spec.addresses import database_address

LOCKED_SECONDS = 30.0
"""Wait for a writer to finish."""
STEPS = 100_000
"""Instructions of SQLite's machine between two looks at the clock."""
_FORBIDDEN = (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH)


@contextlib.contextmanager
def opened(query: Query, data_root: str, deadline: Deadline) -> Iterator[Result]:
    """Run a query.

    Args:
        query: The query.
        data_root: Folder that a relative path starts from.
        deadline: Stops it.

    Raises:
        UserError: the file is not there or no database, or the query cannot be run or took too long.
        ResourceError: the database is locked.
    """
    path = database_address.sqlite_file(query.database, data_root)
    if not os.path.isfile(path):
        raise UserError(f"data.database: there is no file {path}. Put it there, or fix the path")
    try:
        with contextlib.closing(
            sqlite3.connect(f"{pathlib.Path(path).as_uri()}?mode=ro", uri=True, timeout=LOCKED_SECONDS)
        ) as connection:
            connection.set_authorizer(_authorize)
            connection.set_progress_handler(lambda: int(deadline.passed), STEPS)
            cursor = connection.execute(query.sql)
            if cursor.description is None:
                raise refused(query, "it returns no rows")
            yield Result([column[0] for column in cursor.description], cursor.fetchmany)
    except (sqlite3.Error, sqlite3.Warning) as error:
        if deadline.passed:
            raise deadline.error() from error
        if "locked" in str(error):
            raise ResourceError(f"data.database: {path} is locked by a program that writes to it: run again") from error
        raise refused(query, error) from error


def _authorize(action: int, *_: object) -> int:
    """Keep a query within its file."""
    return sqlite3.SQLITE_DENY if action in _FORBIDDEN else sqlite3.SQLITE_OK
