"""Which rows an expression of `[data] exclude` matches, and comparisons of Arrow columns with numbers."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spec.rows.row_expression import MAX_INT64, Column, Expression


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


def comparable(cells: Any, operand: Any) -> tuple[Any, Any]:
    """Cast cells and an operand to a common type: Arrow refuses to compare with a number outside the column's type.

    Args:
        cells: Array or chunked array.
        operand: Array or chunked array, or a number or text.

    Returns:
        Cells and operand, as an Arrow function takes them. A number is rounded to the column's type: 47.1 in float32
        is not 47.1 in float64.
    """
    kind = cells.type
    if not isinstance(operand, int | float):
        if isinstance(operand, str) or operand.type == kind or not any(map(pa.types.is_integer, (kind, operand.type))):
            return cells, operand
        return cells.cast(pa.float64(), safe=False), operand.cast(pa.float64(), safe=False)
    if not pa.types.is_integer(kind):
        with np.errstate(over="ignore"):
            return cells, pa.scalar(np.dtype(kind.to_pandas_dtype()).type(operand), kind)
    if float(operand).is_integer() and abs(operand) <= MAX_INT64:
        return cells, pa.scalar(int(operand), kind)
    return cells.cast(pa.float64(), safe=False), pa.scalar(float(operand))


def _cells(column: Column, batch: pa.RecordBatch) -> pa.Array:
    cells = batch.column(batch.schema.get_field_index(column.name))
    return cells.cast(pa.string()) if pa.types.is_binary(cells.type) else cells
