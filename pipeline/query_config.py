"""Configs with remote data: rows of a query and objects of a bucket, which are copied to files before a run."""

import os

from components.ingestion.discovery import bucket_files
from components.ingestion.discovery.bucket_files import Copies
from components.query import snapshot
from components.query.query_rows import Query
from components.query.snapshot import Snapshot
from pipeline.config import Config
from spec.data import Data
from spec.rows import data_paths

OBJECTS = "objects"
"""Name of the folder of copies, beside that of the rows of queries."""


def of(data: Data) -> Query | None:
    """Return the query of a section [data]; None if it has paths."""
    if data.sql is None or data.database is None:
        return None
    return Query(data.sql, data.database, data.query_seconds)


def is_elsewhere(data: Data) -> bool:
    """Return whether rows of a query, or objects of a bucket, must become files first."""
    return data.sql is not None or any(bucket_files.is_readable(path) for _, path in data_paths.flat(data.path or ()))


def objects(folder: str) -> str:
    """Return the folder of copies of objects, beside the folder of the rows of queries."""
    return os.path.join(os.path.dirname(folder), OBJECTS)


def settled(config: Config, rows: Snapshot) -> Config:
    """Return the config with the files of a snapshot in place of its query."""
    default = Data.model_fields["query_seconds"].default
    source = {"path": rows.path, "sql": None, "database": None, "query_seconds": default}
    return config.model_copy(update={"data": config.data.model_copy(update=source)})


def settle(config: Config, data_root: str, folder: str) -> tuple[Config, Snapshot | Copies | None]:
    """Run the query of a config that has one, or copy the objects that it names.

    Args:
        config: The config.
        data_root: Folder that data paths are relative to.
        folder: Folder for the files with the rows; copies of objects go to `objects(folder)`.

    Returns:
        The config with paths of this machine, and the snapshot or the copies; the config itself and None if its data is
        here.

    Raises:
        UserError: the query fails, its rows are not a table, or a path matches no object.
        ResourceError: database or bucket cannot be reached, or the rows cannot be written.
    """
    if not is_elsewhere(config.data):
        return config, None
    query = of(config.data)
    if query is not None:
        rows = snapshot.take(query, data_root, folder)
        return settled(config, rows), rows
    copies = bucket_files.copied(config.data.paths, objects(folder))
    return config.model_copy(update={"data": config.data.model_copy(update={"path": copies.paths})}), copies
