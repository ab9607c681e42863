"""Settings of the log of served rows, checked before the server starts."""

import os
from collections.abc import Sequence

import pyarrow as pa

from errors import ResourceError, UserError
from models.data import arrow
from serving import versions
from serving.server.row_log import logged_columns
from serving.server.server_settings import ModelSource, RowLogSettings
from spec.rows.data_paths import is_remote
from spec.suggestions import nearest


def settings(
    folder: str, sources: Sequence[ModelSource], *, sample: float, masked: Sequence[str], megabytes: float
) -> RowLogSettings:
    """Return the settings of the log.

    Args:
        folder: Folder of the log.
        sources: The models.
        sample: Share of the rows.
        masked: Columns that are left out.
        megabytes: Maximum size of the files of a model, in MiB.

    Raises:
        UserError: no model reads a masked column, or the folder is in a bucket.
        ResourceError: the folder cannot be written.
    """
    if is_remote(folder):
        raise UserError(f"--log {folder}: the log is written to a folder of this machine; copy its files to the bucket")
    newest = [versions.path(source.folder, versions.pushed(source.folder)[-1]) for source in sources]
    model_columns = {column for path in newest for _, column in logged_columns.columns_of(path)}
    for column in masked:
        if column not in model_columns:
            raise UserError(
                f"--log-mask {column}: no model reads such a column, so that it would hide nothing."
                f"{nearest(column, sorted(model_columns), 'columns')}"
            )
    folder = os.path.abspath(folder)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise ResourceError(f"--log {folder} cannot be written: {error.strerror or error}") from error
    return RowLogSettings(
        folder=folder, write=_write, sample=sample, masked=frozenset(masked), model_bytes=int(megabytes * 2**20)
    )


def _write(path: str, rows: pa.Table) -> None:
    with arrow.parquet_writer(path, rows.schema) as writer:
        writer.write_table(rows)
