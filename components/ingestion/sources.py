"""Data files of any supported format as Arrow batches; neither TensorFlow nor a Beam pipeline is started."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa

from components.ingestion.discovery import data_files, formats
from components.ingestion.discovery.hive_partitions import Partitioned
from components.ingestion.omissions import Omissions
from components.ingestion.parsing import conversions
from components.ingestion.rows import left_out_columns
from errors import UserError
from spec.rows import data_paths


class Source(Protocol):
    """A module of this package that reads one format."""

    def batches(
        self,
        path: str,
        settings: Mapping[str, Any],
        columns: Mapping[str, str],
        omissions: Omissions | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Rows of one file with the types of `columns`; what is not read as it is there goes to `omissions`."""

    def types(
        self,
        path: str,
        settings: Mapping[str, Any],
        columns: Mapping[str, str],
        omissions: Omissions | None = None,
    ) -> dict[str, str]:
        """Columns of one file in its order, with their types: those given, else as they look; others to `omissions`."""

    def look(self, path: str, settings: Mapping[str, Any], omissions: Omissions | None = None) -> list[str]:
        """Names of the columns, after a look at the first rows; what will not be read goes to `omissions`."""


FORMATS = ("csv", "jsonl", "xlsx", "parquet", "tfrecord", "idx", "pixels", "images")
"""What data.format can say."""
ADDED = {"images": ("file",)}
"""Format -> columns that its reader adds."""


def batches(
    paths: str | Sequence[str],
    settings: Mapping[str, Any],
    columns: Mapping[str, str],
    omissions: Omissions | None = None,
) -> Iterator[pa.RecordBatch]:
    """Read files.

    Args:
        paths: The files, in order.
        settings: [data] with all its defaults, as `spec.data.Data(...).model_dump(mode="json")` gives it.
        columns: Column name -> schema type (INT, FLOAT, BYTES); any other column has the type that all its cells
            look like. Empty where there is no schema.
        omissions: Takes what is skipped, left out, cut or converted; complete once the last batch is read.

    Yields:
        Batches of rows, whose columns are int64, float32, string or binary; a blank cell is null. Each has the columns
        of its own file, in the file's order.

    Raises:
        UserError: a file cannot be read; names file, line or row, and column.
    """
    paths = [paths] if isinstance(paths, str) else list(paths)
    known = types(paths, settings, columns, omissions)
    if omissions is not None:
        conversions.tell(settings, known, omissions)
    for path in paths:
        yield from source(path, settings).batches(path, settings, known, omissions)


def types(
    paths: Sequence[str],
    settings: Mapping[str, Any],
    columns: Mapping[str, str],
    omissions: Omissions | None = None,
) -> dict[str, str]:
    """Types of all columns: the schema's, and for any other column the narrowest that holds the cells of all files.

    Args:
        paths: The files.
        settings: As for `batches`.
        columns: As for `batches`.
        omissions: Takes columns that are not read.

    Returns:
        Column name -> INT, FLOAT or BYTES, in the order of first appearance, after the schema's.

    Raises:
        UserError: a file cannot be read, or lacks a column of the schema.
    """
    found = dict(columns)
    for path in paths:
        own = source(path, settings).types(path, settings, columns, omissions)
        left_out_columns.check_names(path, list(own))
        for name, kind in own.items():
            if name not in columns:
                found[name] = widest(found.get(name), kind)
    return found


def look(path: str, settings: Mapping[str, Any], omissions: Omissions | None = None) -> list[str]:
    """See that a file can be read, by its first rows.

    Args:
        path: The file.
        settings: As for `batches`.
        omissions: Takes what will not be read as it is there, as far as the look can tell.

    Returns:
        Names of its columns, in order.

    Raises:
        UserError: it cannot be read, or holds no rows.
    """
    return source(path, settings).look(path, settings, omissions)


def unreadable(path: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """Columns of a file that cannot be read: their cells are lists or the like.

    Args:
        path: The file.
        settings: As for `batches`.

    Returns:
        Column -> why, as a sentence without its end.

    Raises:
        UserError: the file cannot be read.
    """
    found: dict[str, str] = getattr(source(path, settings), "unreadable", lambda *_: {})(path, settings)
    return found


def added(path: str, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Columns that are not in the data and that the reader adds to name a row: never features.

    Args:
        path: The file.
        settings: As for `batches`.
    """
    return ADDED.get(settings["format"] or data_files.format_of(path) or "", ())


def widest(one: str | None, other: str) -> str:
    """The type that holds the cells of both."""
    order = ("INT", "FLOAT", "BYTES")
    return other if one is None else max(one, other, key=order.index)


def source(path: str, settings: Mapping[str, Any]) -> Source:
    """The module that reads a file.

    Raises:
        UserError: nothing here reads it.
    """
    kind = settings["format"] or data_files.format_of(path)
    if kind is None and path.lower().endswith(formats.IMAGES):
        from components.ingestion.discovery import image_folders

        raise UserError(image_folders.no_classes(path))
    if kind is None:
        from components.ingestion.discovery import unsupported_formats

        if not data_paths.is_remote(path) and (
            said := unsupported_formats.refusal(path) or unsupported_formats.by_name(path)
        ):
            raise UserError(said)
        raise UserError(
            f"{path}: its name tells no format: take it out of data.path, or say data.format, which is one of "
            f"{', '.join(FORMATS)}"
        )
    module = _module(kind)
    return Partitioned(module, settings["partitions"]) if settings["partitions"] else module


def _module(kind: str) -> Source:
    # Each is imported when it is asked for: together they cost over a second.
    if kind == "parquet":
        from components.ingestion.readers import parquet

        return parquet
    if kind == "jsonl":
        from components.ingestion.readers import jsonl

        return jsonl
    if kind == "xlsx":
        from components.ingestion.readers import xlsx

        return xlsx
    if kind == "tfrecord":
        from components.ingestion.readers import tfrecord

        return tfrecord
    if kind == "idx":
        from components.ingestion.readers import idx

        return idx
    if kind == "pixels":
        from components.ingestion.readers import pixels

        return pixels
    if kind == "images":
        from components.ingestion.readers import images

        return images
    from components.ingestion.readers import csv as csv_source

    return csv_source
