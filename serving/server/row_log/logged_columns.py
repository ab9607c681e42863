"""Columns of the log of rows: the raw columns as ingestion names them, the predictions, the time and the version."""

import functools
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from serving.server.example_messages import Example
from spec.file_names import REQUESTS

if TYPE_CHECKING:
    from serving.server.row_log.row_log import Rows

PREFIX = "served_"
"""Prefix of the columns that are not raw ones: `served_at`, `served_version`, and `served_OUTPUT`."""
_KINDS = {"bytes_list": pa.binary(), "float_list": pa.float32(), "int64_list": pa.int64()}

Array = np.ndarray[Any, Any]


def table(parts: "Sequence[Rows]", masked: Collection[str]) -> pa.Table:
    """Return rows of one version and signature as a table.

    Args:
        parts: The rows.
        masked: Columns that are left out.
    """
    columns = dict(columns_of(parts[0].folder))
    if parts[0].signature == "serving_examples":
        records = [record for part in parts for record in next(iter(part.inputs.values()))]
        raw = dict(_of_examples(records, set(columns.values())))
    else:
        raw = {columns.get(name, name): _joined([part.inputs[name] for part in parts]) for name in parts[0].inputs}
    by_name: dict[str, pa.Array] = {name: column for name, column in raw.items() if name not in masked}
    seconds = np.concatenate([np.full(part.count, part.seconds) for part in parts])
    stamps = pa.array((seconds * 1e6).astype(np.int64)).cast(pa.timestamp("us"))
    added = {"at": stamps, "version": pa.array(np.full(len(seconds), parts[0].version))}
    for name in parts[0].outputs:
        added |= _flat(name, np.concatenate([part.outputs[name] for part in parts]))
    for name, column in added.items():
        unique = f"{PREFIX}{name}"
        while unique in by_name:
            unique += "_"
        by_name[unique] = column
    return pa.table(by_name)


@functools.lru_cache(maxsize=64)
def columns_of(folder: str) -> tuple[tuple[str, str], ...]:
    """Return input and column of what a version reads; nothing for models of other tools, which do not say it."""
    try:
        with open(os.path.join(folder, REQUESTS), encoding="utf-8") as file:
            return tuple((one["name"], one["column"]) for one in json.load(file)["inputs"])
    except (OSError, ValueError, LookupError, TypeError):
        return ()


def _joined(arrays: Sequence[Array]) -> pa.Array:
    """Convert cells of (rows, ...) to a column; NaN, "" and the smallest int64 become null."""
    cells = np.concatenate(arrays)
    if cells.ndim > 1:
        return pa.array([list(row) for row in cells.reshape(len(cells), -1).tolist()])
    if cells.dtype.kind == "O":
        return _text([bytes(cell) or None for cell in cells])
    null = np.isnan(cells) if cells.dtype.kind == "f" else np.zeros(len(cells), bool)
    if cells.dtype == np.int64:
        null = cells == np.iinfo(np.int64).min
    return pa.array(cells, mask=null)


def _text(cells: Sequence[bytes | None]) -> pa.Array:
    """Return texts; bytes, if one of them is no text."""
    column = pa.array(cells, pa.binary())
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        return column


def _of_examples(records: Sequence[bytes], columns: Collection[str]) -> Iterator[tuple[str, pa.Array]]:
    """Yield the columns of serialized tf.Examples; of those that the model reads, if it says which."""
    rows = [Example.FromString(record).features.feature for record in records]
    for name in sorted({name for row in rows for name in row if not columns or name in columns}):
        kinds = {kind for row in rows if name in row and (kind := row[name].WhichOneof("kind"))}
        if len(kinds) != 1:
            continue
        [kind] = kinds
        cells = [list(getattr(row[name], kind).value)[:1] if name in row else [] for row in rows]
        values = [cell[0] if cell else None for cell in cells]
        yield name, _text(values) if kind == "bytes_list" else pa.array(values, _KINDS[kind])


def _flat(name: str, values: Array) -> Mapping[str, pa.Array]:
    """Return a column for an output, or one for each of its values."""
    if values.ndim == 1:
        return {name: _joined([values])}
    wide = values.reshape(len(values), -1)
    return {f"{name}_{place}": _joined([np.ascontiguousarray(wide[:, place])]) for place in range(wide.shape[1])}
