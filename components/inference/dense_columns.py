"""Columns as the signature `serving_default` takes them: dense, with a null cell for each null."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.ingestion.write import record_writer
from spec.cells import null_cells

_NULLS = {"INT": null_cells.INTEGER, "FLOAT": null_cells.NUMBER, "BYTES": null_cells.TEXT}
TYPES = {"INT": pa.int64(), "FLOAT": pa.float32(), "BYTES": pa.binary()}
"""Kind of a column -> its Arrow type."""

Array = np.ndarray[Any, Any]


def dense(column: pa.Array, kind: str) -> Array:
    """Convert a column of n cells.

    Args:
        column: Arrow array of single values.
        kind: INT, FLOAT or BYTES.

    Returns:
        int64, float32 or object (bytes), (n,).
    """
    column = column.cast(TYPES[kind], safe=False)
    if column.null_count:
        column = pc.fill_null(column, pa.scalar(_NULLS[kind], column.type))
    if kind != "BYTES":
        return np.asarray(column.to_numpy(zero_copy_only=False))
    texts = np.empty(len(column), object)
    texts[:] = record_writer.cut(column)
    return texts


def is_exact(column: pa.Array, values: Array, kind: str) -> bool:
    """Return whether the dense values have as many null cells as the column has nulls, so that each means a null.

    Args:
        column: As for `dense`.
        values: What `dense` returns.
        kind: INT, FLOAT or BYTES.
    """
    # An infinite number counts as a null in the model too.
    is_null = ~np.isfinite(values) if kind == "FLOAT" else values == _NULLS[kind]
    nulls: int = column.null_count
    return int(np.count_nonzero(is_null)) == nulls
