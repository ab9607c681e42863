"""Hive partitions: folders named KEY=VALUE, as Hive, Spark and pandas write them; each key becomes a column."""

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

import numpy as np
import pyarrow as pa

from components.ingestion.omissions import Omissions
from components.ingestion.parsing import casting
from components.ingestion.readers import Reader
from errors import UserError
from spec.data import Data

NULL = "__HIVE_DEFAULT_PARTITION__"
"""Name that Hive writes for null."""


def parts(path: str) -> dict[str, str | None]:
    """Return the keys and values in the names of the folders above a file."""
    key_values = (name.partition("=") for name in path.split("/")[:-1] if is_part(name))
    return {unquote(key): None if value == NULL else unquote(value) for key, _, value in key_values}


def is_part(name: str) -> bool:
    """Return whether a folder is named KEY=VALUE."""
    key, sign, _ = name.partition("=")
    return bool(key.strip() and sign)


def keys(paths: Iterable[str]) -> list[str]:
    """Return the keys that all files share, in order.

    Args:
        paths: Files, relative to the data folder.
    """
    keys_by_path = [parts(path) for path in paths]
    return [
        key for key in (keys_by_path[0] if keys_by_path else ()) if all(key in file_keys for file_keys in keys_by_path)
    ]


def value(path: str, name: str) -> str | None:
    """Return the value of a partition column from the folders of a file; None for null.

    Raises:
        UserError: no folder names the column.
    """
    partitions = parts(path)
    if name not in partitions:
        keys_of_path = ", ".join(f"{key}={value}" for key, value in partitions.items()) or "none"
        raise UserError(
            f"{path}: data.partitions names {name!r}, and no folder above the file is named {name}=VALUE (found: "
            f"{keys_of_path}): put the file into such a folder, or remove {name!r} from data.partitions"
        )
    return partitions[name]


class Partitioned:
    """A source that adds the partition columns to the columns of each file.

    Args:
        source: Reader of the files.
        names: Partition columns, from `data.partitions`.
    """

    def __init__(self, source: Reader, names: Iterable[str]) -> None:
        self.FORMAT = source.FORMAT
        self._source = source
        self._names = list(names)

    def batches(
        self, path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Read the rows of a file with the values of its partition columns."""
        values = [self._value(path, name, columns.get(name) or self._kind(path, name), data) for name in self._names]
        file_columns = {name: kind for name, kind in columns.items() if name not in self._names}
        for batch in self._source.batches(path, data, file_columns, omissions):
            rows = pa.array(np.zeros(len(batch), np.int32))
            partition_columns = [value.take(rows) for value in values]
            yield pa.RecordBatch.from_arrays([*batch.columns, *partition_columns], [*batch.schema.names, *self._names])

    def types(
        self, path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None
    ) -> dict[str, str]:
        """Return the types of the file's columns, then of the partition columns: INT for an integer, else BYTES."""
        file_columns = {name: kind for name, kind in columns.items() if name not in self._names}
        kinds: dict[str, str] = self._source.types(path, data, file_columns, omissions)
        self._check(path, kinds)
        return kinds | {name: columns.get(name) or self._kind(path, name) for name in self._names}

    def look(self, path: str, data: Data, omissions: Omissions | None = None) -> list[str]:
        """Return the names of the file's columns, then of the partition columns."""
        names: list[str] = self._source.look(path, data, omissions)
        self._check(path, names)
        for name in self._names:
            value(path, name)
        return [*names, *self._names]

    def unreadable(self, path: str, data: Data) -> dict[str, str]:
        """Return the unreadable columns of the file."""
        reasons: dict[str, str] = getattr(self._source, "unreadable", lambda *_: {})(path, data)
        return reasons

    def lengths(self, path: str, data: Data) -> dict[str, int | None]:
        """Return the columns of lists of the file with their lengths."""
        list_lengths: dict[str, int | None] = getattr(self._source, "lengths", lambda *_: {})(path, data)
        return list_lengths

    def _check(self, path: str, names: Iterable[str]) -> None:
        duplicates = [name for name in self._names if name in set(names)]
        if duplicates:
            raise UserError(f"{path}: the file itself has a column {duplicates[0]!r}: remove it from data.partitions")

    def _kind(self, path: str, name: str) -> str:
        # As in Arrow and pandas: 01 is the month 1.
        text = value(path, name)
        return "INT" if text is None or re.fullmatch(r"-?\d{1,18}", text) else "BYTES"

    def _value(self, path: str, name: str, kind: str, data: Data) -> pa.Array:
        cell = pa.array([value(path, name)], pa.string())
        try:
            return casting.cast(cell, kind, data.cleaning.rules(name))
        except casting.BadCellError as error:
            raise UserError(
                f"{path}: the folder {name}={error.value} is not {kind}, the type in the schema: rename it, "
                "or change the type"
            ) from error
