"""Which rows an expression of `[data] exclude` matches, and comparisons of Arrow columns with numbers."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spec.rows.row_expression import LARGEST_INT, Column, Expression


def matches(expression: Expression, batch: pa.RecordBatch) -> pa.Array:
    """Evaluate an expression on rows.

    Args:
        expression: Parsed expression.
        batch: n rows with its columns.

    Returns:
        Boolean array (n,) without nulls; a comparison with a null value is false.
    """
    return pc.fill_null(_evaluate(expression.tree, batch), False)


def _evaluate(node: Any, batch: pa.RecordBatch) -> Any:
    kind, *parts = node
    if kind == "missing":
        return pc.is_null(_cells(parts[0], batch))
    if kind == "not":
        return pc.invert(_evaluate(parts[0], batch))
    if kind in ("and", "or"):
        left, right = (_evaluate(part, batch) for part in parts)
        return pc.and_kleene(left, right) if kind == "and" else pc.or_kleene(left, right)
    left, right = (_cells(part, batch) if isinstance(part, Column) else part for part in parts)
    if isinstance(left, pa.Array):
        return getattr(pc, kind)(*comparable(left, right))
    right, left = comparable(right, left)
    return getattr(pc, kind)(left, right)


def comparable(cells: Any, other: Any) -> tuple[Any, Any]:
    """Make cells and what they are compared with of one type, as Arrow refuses numbers that the other cannot hold.

    Args:
        cells: Array or chunked array.
        other: Another one, or a number or text.

    Returns:
        Both for a function of Arrow. A decimal number is as a column of floats has it: 47.1 in float32 is not 47.1 in
        float64.
    """
    kind = cells.type
    if not isinstance(other, int | float):
        if isinstance(other, str) or other.type == kind or not any(map(pa.types.is_integer, (kind, other.type))):
            return cells, other
        return cells.cast(pa.float64(), safe=False), other.cast(pa.float64(), safe=False)
    if not pa.types.is_integer(kind):
        with np.errstate(over="ignore"):
            return cells, pa.scalar(np.dtype(kind.to_pandas_dtype()).type(other), kind)
    if float(other).is_integer() and abs(other) <= LARGEST_INT:
        return cells, pa.scalar(int(other), kind)
    return cells.cast(pa.float64(), safe=False), pa.scalar(float(other))


def _cells(column: Column, batch: pa.RecordBatch) -> pa.Array:
    cells = batch.column(batch.schema.get_field_index(column.name))
    return cells.cast(pa.string()) if pa.types.is_binary(cells.type) else cells
