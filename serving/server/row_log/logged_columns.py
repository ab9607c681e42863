"""Columns of the log of rows: the raw columns as ingestion names them, the predictions, the time and the version."""

import functools
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from serving.server.example_messages import Example
from spec.artifacts.signature_names import EXAMPLES
from spec.cells import null_cells
from spec.file_names import REQUESTS

if TYPE_CHECKING:
    from serving.server.row_log.row_log import Rows

PREFIX = "served_"
"""Prefix of the columns that are not raw ones: `served_id`, `served_at`, `served_version`, and `served_OUTPUT`."""
ID, VERSION = f"{PREFIX}id", f"{PREFIX}version"
"""Columns of the id that a client gave a row, and of the version that served it."""
_KINDS = {"bytes_list": pa.binary(), "float_list": pa.float32(), "int64_list": pa.int64()}

Array = np.ndarray[Any, Any]


def table(requests: "Sequence[Rows]", masked: Collection[str]) -> pa.Table:
    """Convert rows of one version and signature to a table.

    Args:
        requests: Rows of each request; one or more.
        masked: Columns that are left out.

    Returns:
        One row per served row: its raw columns, then `served_id` if a client gave ids, `served_at` (UTC, microseconds),
        `served_version` and a column for each output value.
    """
    columns = dict(columns_of(requests[0].folder))
    if requests[0].signature == EXAMPLES:
        records = [record for rows in requests for record in next(iter(rows.inputs.values()))]
        raw = dict(_of_examples(records, set(columns.values())))
    else:
        raw = {
            columns.get(name, name): _joined([rows.inputs[name] for rows in requests]) for name in requests[0].inputs
        }
    by_name: dict[str, pa.Array] = {name: column for name, column in raw.items() if name not in masked}
    seconds = np.concatenate([np.full(rows.count, rows.seconds) for rows in requests])
    stamps = pa.array((seconds * 1e6).astype(np.int64)).cast(pa.timestamp("us"))
    ids: list[str | None] = []
    for rows in requests:
        ids += rows.ids or [None] * rows.count
    served_columns = {"id": pa.array(ids, pa.string())} if any(rows.ids for rows in requests) else {}
    served_columns |= {"at": stamps, "version": pa.array(np.full(len(seconds), requests[0].version))}
    for name in requests[0].outputs:
        served_columns |= _flat(name, np.concatenate([rows.outputs[name] for rows in requests]))
    for name, column in served_columns.items():
        unique = f"{PREFIX}{name}"
        while unique in by_name:
            unique += "_"
        by_name[unique] = column
    return pa.table(by_name)


@functools.lru_cache(maxsize=64)
def columns_of(folder: str) -> tuple[tuple[str, str], ...]:
    """Read (input, column) of each input of a version; empty for a model of another tool, which has no such file."""
    try:
        with open(os.path.join(folder, REQUESTS), encoding="utf-8") as file:
            return tuple((entry["name"], entry["column"]) for entry in json.load(file)["inputs"])
    except (OSError, ValueError, LookupError, TypeError):
        return ()


def _joined(arrays: Sequence[Array]) -> pa.Array:
    """Convert cells of (rows, ...) to a column; null cells become null."""
    cells = np.concatenate(arrays)
    if cells.ndim > 1:
        return pa.array([list(row) for row in cells.reshape(len(cells), -1).tolist()])
    if cells.dtype.kind == "O":
        return _text([bytes(cell) or None for cell in cells])
    null = np.isnan(cells) if cells.dtype.kind == "f" else np.zeros(len(cells), bool)
    if cells.dtype == np.int64:
        null = cells == null_cells.INTEGER
    return pa.array(cells, mask=null)


def _text(cells: Sequence[bytes | None]) -> pa.Array:
    """Return a column of strings, or of bytes if a cell is not UTF-8."""
    column = pa.array(cells, pa.binary())
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        return column


def _of_examples(records: Sequence[bytes], columns: Collection[str]) -> Iterator[tuple[str, pa.Array]]:
    """Yield the columns of serialized tf.Examples that the model reads; all columns if these are unknown."""
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
    """Return one column for an output of (rows,), otherwise one column for each value of a row."""
    if values.ndim == 1:
        return {name: _joined([values])}
    wide = values.reshape(len(values), -1)
    return {
        f"{name}_{position}": _joined([np.ascontiguousarray(wide[:, position])]) for position in range(wide.shape[1])
    }
