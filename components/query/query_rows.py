"""Interface of all databases: column names, and rows in chunks."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from errors import UserError

Row = Sequence[Any]


@dataclass(frozen=True)
class Query:
    """A query of one database.

    Attributes:
        sql: One SELECT.
        database: Its address, as `address.check` takes it.
        seconds: Most seconds that it may take.
    """

    sql: str
    database: str
    seconds: float


@dataclass(frozen=True)
class Result:
    """An open result.

    Attributes:
        names: Columns in order.
        fetch: From a number to at most so many of the next rows; none at the end.
    """

    names: list[str]
    fetch: Callable[[int], Sequence[Row]]


class Deadline:
    """When a query has taken too long.

    Args:
        query: The query, which begins now.
    """

    def __init__(self, query: Query) -> None:
        self._query, self._end = query, time.monotonic() + query.seconds

    @property
    def passed(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() > self._end

    def check(self) -> None:
        """Raise UserError where the time is over."""
        if self.passed:
            raise self.error()

    def error(self) -> UserError:
        """The error that says so."""
        return UserError(
            f"data.sql: the query of {self._query.database} took longer than data.query_seconds = "
            f"{self._query.seconds:g}: make it faster, as with an index, or set a larger limit"
        )


def refused(query: Query, reason: object) -> UserError:
    """The error for a query that the database does not answer.

    Args:
        query: The query.
        reason: What the database says.
    """
    lines = [line.strip().rstrip(".") for line in str(reason).strip().splitlines() if line.strip()] or [
        "no reason given"
    ]
    return UserError(
        f"data.sql: {query.database} rejects the query: {'; '.join(lines)}. Write a single SELECT statement"
    )
