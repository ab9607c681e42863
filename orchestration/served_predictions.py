"""Ids and predictions of a version in the server's log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.data import arrow
from serving.server.row_log.logged_columns import ID, PREFIX, VERSION

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class ServedPredictions:
    """Predictions of one version.

    Attributes:
        ids: Id of each row.
        outputs: Output of the model -> its values, (n,) or (n, width).
        without_id: Number of further rows of the version that have no id.
        of_others: Number of rows of other versions.
    """

    ids: Sequence[str]
    outputs: Mapping[str, Array]
    without_id: int
    of_others: int


def read(files: Sequence[str], version: int, outputs: Mapping[str, int]) -> ServedPredictions:
    """Read the predictions of a version.

    Args:
        files: Parquet files of the log.
        version: The version.
        outputs: Output of the model -> its number of values in a row; 0 for one value that is not in a list.

    Returns:
        The rows with an id, in the order of the files.
    """
    tables: list[pa.Table] = []
    without_id = of_others = 0
    names = {name: _columns(name, width) for name, width in outputs.items()}
    for path in files:
        with arrow.parquet_file(path) as file:
            present = set(file.schema_arrow.names)
            if VERSION not in present:
                continue
            wanted = [ID, VERSION, *(column for columns in names.values() for column in columns)]
            table = file.read(columns=[column for column in wanted if column in present])
        of_version = table.filter(pc.equal(table[VERSION], version))
        of_others += len(table) - len(of_version)
        with_id = of_version.filter(of_version[ID].is_valid()) if ID in present else of_version.slice(0, 0)
        without_id += len(of_version) - len(with_id)
        if len(with_id):
            tables.append(with_id)
    rows = pa.concat_tables(tables) if tables else pa.table({ID: pa.array([], pa.string())})
    present = set(rows.schema.names)
    values = {name: _values(rows, columns, outputs[name]) for name, columns in names.items() if set(columns) <= present}
    return ServedPredictions(rows[ID].to_pylist(), values, without_id, of_others)


def _columns(output: str, width: int) -> list[str]:
    return [f"{PREFIX}{output}_{place}" for place in range(width)] if width else [f"{PREFIX}{output}"]


def _values(rows: pa.Table, columns: Sequence[str], width: int) -> Array:
    arrays = [rows[column].to_numpy() for column in columns]
    return np.stack(arrays, axis=1) if width else arrays[0]
