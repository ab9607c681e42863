"""Conversion of rows of plain cells to columns, for all inputs of a dtype at once.

A conversion of each column on its own costs several times as much for a request of one row, where each call of NumPy
converts one number.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from serving.server.json_api.json_values import MAX_EXACT_INTEGER, Input

Array = np.ndarray[Any, Any]

_FLOATS = ({float}, {int}, {int, float})
_LARGEST = {dtype: np.finfo(dtype).max for dtype in MAX_EXACT_INTEGER}


def scalars(rows: Sequence[Mapping[str, Any]], inputs: Sequence[Input]) -> dict[str, Array] | None:
    """Convert rows whose cells are all of the usual kind: a number or a text, of its input's type and range.

    Args:
        rows: Rows of a request; each has a value for each input.
        inputs: Inputs of the signature.

    Returns:
        Input name -> array (rows,); None if a cell needs json_values.array, which converts it or raises an error.
    """
    by_dtype: defaultdict[str, list[str]] = defaultdict(list)
    for spec in inputs:
        by_dtype[spec.dtype].append(spec.name)
    columns: dict[str, Array] = {}
    for dtype, names in by_dtype.items():
        converted = _converted([row[name] for name in names for row in rows], dtype)
        if converted is None:
            return None
        columns.update(zip(names, converted.reshape(len(names), len(rows)), strict=True))
    return columns


def _converted(cells: list[Any], dtype: str) -> Array | None:
    """Return the cells as an array (cells,); None if one is not of the usual kind."""
    types = set(map(type, cells))
    try:
        if dtype in MAX_EXACT_INTEGER and types in _FLOATS:
            return _decimals(cells, dtype, int in types)
        if dtype == "int64" and types == {int}:
            return np.array(cells, np.int64)
        if dtype == "object" and types == {str}:
            texts = np.empty(len(cells), object)
            texts[:] = [cell.encode("utf-8", "surrogatepass") for cell in cells]
            return texts
    except OverflowError:  # an integer beyond the dtype
        pass
    return None


def _decimals(cells: list[Any], dtype: str, has_integers: bool) -> Array | None:
    exact = np.array(cells, np.float64)
    largest = np.abs(exact).max()
    if has_integers and not largest <= MAX_EXACT_INTEGER[dtype]:
        return None
    return exact.astype(dtype) if largest <= _LARGEST[dtype] else None
