"""Rows of a SQL query, for a proposal."""

import dataclasses
import os
from dataclasses import dataclass

from components.ingestion.discovery import bucket_files
from components.query import snapshot
from components.query.query_rows import Query
from curation.look import reading
from curation.look.object_copies import BucketSource
from curation.look.reading import LoadedData
from curation.propose.choices import Line
from errors import UserError
from pipeline import query_config
from spec.addresses import database_address
from spec.data import Data


@dataclass(frozen=True)
class QuerySource:
    """A query that stands for a path.

    Attributes:
        query: The query; an SQLite file's path is relative to the project, or absolute.
        folder: Where its rows are kept.
    """

    query: Query
    folder: str


def source(
    path: str | None, sql: str | None, database: str | None, root: str, folder: str
) -> str | QuerySource | BucketSource:
    """Return the data source of `new`.

    Args:
        path: PATH, if it was given.
        sql: The query, if one was given.
        database: Where it is asked; an SQLite file is relative to the working directory.
        root: The project folder.
        folder: Where a query's rows are kept; copies of objects are beside it.

    Raises:
        UserError: it is not one of the two.
    """
    if path is not None and sql is None and database is None:
        return BucketSource(path, query_config.objects(folder)) if bucket_files.is_readable(path) else path
    if path is not None or sql is None or database is None:
        raise UserError(
            "name the data, as in `python runner.py new NAME PATH` or `python runner.py new NAME --sql 'SELECT ...' "
            "--database URL`"
        )
    try:
        database_address.check(database)
    except ValueError as error:
        raise UserError(f"--database: {error}") from None
    if database_address.is_sqlite(database):
        file = database_address.sqlite_file(database, os.getcwd())
        inside = os.path.relpath(file, root)
        database = database_address.of_file(file if inside.startswith(os.pardir) else inside)
    return QuerySource(Query(sql, database, Data.model_fields["query_seconds"].default), folder)


def read(source: QuerySource, root: str) -> LoadedData:
    """Read the rows of a query.

    Args:
        source: The query.
        root: The project folder.

    Raises:
        UserError: the query cannot be run, or gives no table.
        ResourceError: the database cannot be reached.
    """
    rows = snapshot.take(source.query, root, source.folder)
    table = reading.read(rows.path, root)
    lines = [
        Line("sql", source.query.sql, "runs before each run; ORDER BY makes the order of rows reproducible"),
        Line("database", source.query.database, ""),
        *(line for line in table.lines if line.key not in ("path", "format")),
    ]
    return dataclasses.replace(table, lines=tuple(lines), format_name="rows of a query")
