"""Data files of any format as Arrow batches; starts neither TensorFlow nor a Beam pipeline."""

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from components.ingestion.discovery import formats, image_folders, unsupported_formats
from components.ingestion.discovery.hive_partitions import Partitioned
from components.ingestion.omissions import Omissions
from components.ingestion.parsing import conversions
from components.ingestion.readers import Reader
from components.ingestion.rows import left_out_columns
from errors import UserError
from spec.data import Data
from spec.rows import data_paths


def batches(
    paths: str | Sequence[str], data: Data, columns: Mapping[str, str], omissions: Omissions | None = None
) -> Iterator[pa.RecordBatch]:
    """Read files.

    Args:
        paths: The files, in order.
        data: [data]; its paths are not used.
        columns: Column name -> schema type (INT, FLOAT, BYTES); the type of any other column is inferred from all of
            its cells. Empty without a schema.
        omissions: Records skipped, dropped, cut and converted parts; complete after the last batch.

    Yields:
        Batches whose columns are int64, float32, string or binary, with null for null values. Each has the columns of
        its own file, in the file's order.

    Raises:
        UserError: a file cannot be read; names file, line or row, and column.
    """
    paths = [paths] if isinstance(paths, str) else list(paths)
    kinds = types(paths, data, columns, omissions)
    if omissions is not None:
        conversions.record(data, kinds, omissions)
    arrow_types: dict[str, pa.DataType] = {}
    for path in paths:
        for batch in reader(path, data).batches(path, data, kinds, omissions):
            yield _cast_to_first_types(path, batch, arrow_types)


def _cast_to_first_types(path: str, batch: pa.RecordBatch, kinds: dict[str, pa.DataType]) -> pa.RecordBatch:
    """Give each column the type of the first batch that has it: where bytes are UTF-8, a batch may hold texts.

    Raises:
        UserError: bytes follow on texts.
    """
    mistyped = [field.name for field in batch.schema if kinds.setdefault(field.name, field.type) != field.type]
    if not mistyped:
        return batch
    columns = list(batch.columns)
    for name in mistyped:
        index = batch.schema.names.index(name)
        try:
            columns[index] = columns[index].cast(kinds[name])
        except pa.ArrowInvalid as error:
            raise UserError(
                f"{path}: column {name!r} holds bytes that are not UTF-8, and earlier rows hold text: fix the cells, "
                f"or {left_out_columns.advice(name)}"
            ) from error
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def types(
    paths: Sequence[str], data: Data, columns: Mapping[str, str], omissions: Omissions | None = None
) -> dict[str, str]:
    """Return the types of all columns: the schema's, else the narrowest type that holds the cells of all files.

    Args:
        paths: The files.
        data: As for `batches`.
        columns: As for `batches`.
        omissions: Records columns that are not read.

    Returns:
        Column name -> INT, FLOAT or BYTES: the schema's columns, then others in the order in which files have them.

    Raises:
        UserError: a file cannot be read, or lacks a column of the schema.
    """
    merged = dict(columns)
    for path in paths:
        file_types = reader(path, data).types(path, data, columns, omissions)
        left_out_columns.check_names(path, list(file_types))
        for name, kind in file_types.items():
            if name not in columns:
                merged[name] = widest(merged.get(name), kind)
    return merged


def look(path: str, data: Data, omissions: Omissions | None = None) -> list[str]:
    """Check by its first rows that a file can be read.

    Args:
        path: The file.
        data: As for `batches`.
        omissions: Records parts that will be skipped, dropped, cut or converted, as far as the first rows show.

    Returns:
        Names of its columns, in order.

    Raises:
        UserError: the file cannot be read, or holds no rows.
    """
    return reader(path, data).look(path, data, omissions)


def unreadable(path: str, data: Data) -> dict[str, str]:
    """Return the columns of a file without a schema type, such as columns of lists.

    Args:
        path: The file.
        data: As for `batches`.

    Returns:
        Column -> reason, without a final period.

    Raises:
        UserError: the file cannot be read.
    """
    columns: dict[str, str] = getattr(reader(path, data), "unreadable", lambda *_: {})(path, data)
    return columns


def lengths(path: str, data: Data) -> dict[str, int | None]:
    """Return the columns of a file that hold lists of numbers.

    Args:
        path: The file.
        data: As for `batches`.

    Returns:
        Column -> length of its lists; None if there are several.

    Raises:
        UserError: the file cannot be read.
    """
    list_lengths: dict[str, int | None] = getattr(reader(path, data), "lengths", lambda *_: {})(path, data)
    return list_lengths


def added(path: str, data: Data) -> tuple[str, ...]:
    """Return the columns that the reader adds to identify a row; they are never features."""
    form = formats.of(path, data.format)
    return () if form is None else form.added_columns


def widest(first: str | None, second: str) -> str:
    """Return the schema type that holds the values of both types."""
    order = ("INT", "FLOAT", "BYTES")
    return second if first is None else max(first, second, key=order.index)


def reader(path: str, data: Data) -> Reader:
    """Return the reader of a file.

    Args:
        path: The file.
        data: [data]: `format` and `partitions`.

    Raises:
        UserError: the format is not supported.
    """
    name = data.format or formats.format_of(path)
    if name is None:
        raise UserError(_unknown(path))
    module = formats.reader(name)
    return Partitioned(module, data.partitions) if data.partitions else module


def _unknown(path: str) -> str:
    """Return why the format of a path is unknown and how to fix it."""
    if path.lower().endswith(formats.IMAGES):
        return image_folders.no_classes(path)
    if not data_paths.is_remote(path):
        message = unsupported_formats.refusal(path) or unsupported_formats.by_name(path)
        if message:
            return message
    return (
        f"{path}: the file name does not show the format: set data.format to one of {', '.join(formats.names())}, or "
        "remove the file from data.path"
    )
