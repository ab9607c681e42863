"""Interface of all databases: column names, and rows in chunks."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from errors import UserError

Row = Sequence[Any]


@dataclass(frozen=True)
class Query:
    """A query of a database.

    Attributes:
        sql: One SELECT.
        database: Address of the database, as for `address.check`.
        seconds: Time limit in seconds.
    """

    sql: str
    database: str
    seconds: float


@dataclass(frozen=True)
class Result:
    """An open result.

    Attributes:
        names: Column names in order.
        fetch: Function of n that returns the next n rows at most; no rows at the end.
    """

    names: list[str]
    fetch: Callable[[int], Sequence[Row]]


class Deadline:
    """Time limit of a query.

    Args:
        query: The query, which starts now.
    """

    def __init__(self, query: Query) -> None:
        self._query, self._end = query, time.monotonic() + query.seconds

    @property
    def passed(self) -> bool:
        """Return whether the limit has passed."""
        return time.monotonic() > self._end

    def check(self) -> None:
        """Raise UserError if the limit has passed."""
        if self.passed:
            raise self.error()

    def error(self) -> UserError:
        """Return the error for a query that took too long."""
        return UserError(
            f"data.sql: the query of {self._query.database} took longer than data.query_seconds = "
            f"{self._query.seconds:g}: make it faster, as with an index, or set a larger limit"
        )


def refused(query: Query, reason: object) -> UserError:
    """Return the error for a query that the database rejects.

    Args:
        query: The query.
        reason: Error from the database.
    """
    lines = [line.strip().rstrip(".") for line in str(reason).strip().splitlines() if line.strip()] or [
        "no reason given"
    ]
    return UserError(
        f"data.sql: {query.database} rejects the query: {'; '.join(lines)}. Write a single SELECT statement"
    )
