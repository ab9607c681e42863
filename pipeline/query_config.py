"""Configs whose data is a SQL query: the query runs first, and its rows are read from files like other data."""

from components.query import snapshot
from components.query.query_rows import Query
from components.query.snapshot import Snapshot
from pipeline.config import Config
from spec.data import Data


def of(data: Data) -> Query | None:
    """Return the query of a section [data]; None if it has paths."""
    if data.sql is None or data.database is None:
        return None
    return Query(data.sql, data.database, data.query_seconds)


def settled(config: Config, taken: Snapshot) -> Config:
    """Return the config with the files of a snapshot in place of its query."""
    default = Data.model_fields["query_seconds"].default
    source = {"path": taken.path, "sql": None, "database": None, "query_seconds": default}
    return config.model_copy(update={"data": config.data.model_copy(update=source)})


def settle(config: Config, data_root: str, folder: str) -> tuple[Config, Snapshot | None]:
    """Run the query of a config that has one.

    Args:
        config: The config.
        data_root: Folder that data paths are relative to.
        folder: Folder for the files with the rows.

    Returns:
        The config with paths and the snapshot; the config itself and None if it has no query.

    Raises:
        UserError: the query fails, or its rows are not a table.
        ResourceError: the database cannot be reached, or the rows cannot be written.
    """
    query = of(config.data)
    if query is None:
        return config, None
    taken = snapshot.take(query, data_root, folder)
    return settled(config, taken), taken
