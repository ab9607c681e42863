"""Queries of PostgreSQL: in a read-only transaction, one statement, a cursor on the server."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from components.query.query_rows import Deadline, Query, Result, refused
from errors import ResourceError

CONNECT_SECONDS = 10
"""Wait for each address of the host, where PGCONNECT_TIMEOUT says nothing."""
INSTALL = "run `make set-up`, which installs the dependency group `sql`"


@contextlib.contextmanager
def opened(query: Query, deadline: Deadline) -> Iterator[Result]:
    """Run a query; user and password are those of the environment, as libpq reads them.

    Args:
        query: The query.
        deadline: Stops it.

    Raises:
        UserError: the query cannot be run or took too long.
        ResourceError: the database cannot be reached, or the driver is not installed.
    """
    try:
        import psycopg
    except ImportError as error:
        raise ResourceError(
            f"data.database: PostgreSQL is read by the package psycopg, and {error}: {INSTALL}"
        ) from error
    with contextlib.ExitStack() as streams:
        connection = streams.enter_context(contextlib.closing(_connected(psycopg, query)))
        try:
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.execute(f"SET LOCAL statement_timeout = {max(1, int(query.seconds * 1000))}")
            connection.execute("SET LOCAL TIME ZONE 'UTC'")
            cursor = streams.enter_context(connection.cursor("pipeline"))
            cursor.execute(query.sql)
            yield Result([column.name for column in cursor.description], cursor.fetchmany)
        except psycopg.errors.QueryCanceled as error:
            raise deadline.error() from error
        except psycopg.errors.OperationalError as error:
            raise ResourceError(
                f"data.database: {query.database} closed the connection: {_line(error)}. Run again"
            ) from error
        except psycopg.Error as error:
            # Without a code of the server the fault is a value that Python cannot hold.
            cast = "" if error.sqlstate else "; CAST(... AS TEXT) reads it as text"
            raise refused(query, _line(error) + cast) from error


def _connected(psycopg: Any, query: Query) -> Any:
    limit = {} if "PGCONNECT_TIMEOUT" in os.environ else {"connect_timeout": CONNECT_SECONDS}
    try:
        return psycopg.connect(query.database, **limit)
    except psycopg.Error as error:
        reason = _line(error)
    secret = os.environ.get("PGPASSWORD")
    if secret and secret in reason:
        reason = "the reason holds the password and is not shown"
    raise ResourceError(
        f"data.database: {query.database} cannot be opened: {reason}. Check that the server runs, and that PGUSER and "
        "PGPASSWORD (or PGPASSFILE) are set and may read it"
    )


def _line(error: Exception) -> str:
    return "; ".join(line.strip().rstrip(".?") for line in str(error).splitlines() if line.strip())
