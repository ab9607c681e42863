"""A config whose rows are a query's: before anything reads it, the query's rows are taken and named by path."""

from components.query import snapshot
from components.query.query_rows import Query
from components.query.snapshot import Snapshot
from pipeline.config import Config
from spec.data import Data


def of(data: Data) -> Query | None:
    """The query of a section [data]; None where it has paths."""
    if data.sql is None or data.database is None:
        return None
    return Query(data.sql, data.database, data.query_seconds)


def settled(config: Config, taken: Snapshot) -> Config:
    """The config with the rows of its query as its data: what reads them need not know of the query."""
    default = Data.model_fields["query_seconds"].default
    source = {"path": taken.path, "sql": None, "database": None, "query_seconds": default}
    return config.model_copy(update={"data": config.data.model_copy(update=source)})


def settle(config: Config, data_root: str, folder: str) -> tuple[Config, Snapshot | None]:
    """Run the query of a config that has one.

    Args:
        config: The config.
        data_root: Folder that data paths are relative to.
        folder: Where the rows are kept.

    Returns:
        The config with paths, and what was taken; of a config without a query itself, and None.

    Raises:
        UserError: the query cannot be run, or its rows make no table.
        ResourceError: the database cannot be reached, or the rows not be kept.
    """
    query = of(config.data)
    if query is None:
        return config, None
    taken = snapshot.take(query, data_root, folder)
    return settled(config, taken), taken
