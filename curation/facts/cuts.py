"""Columns of which one threshold or one value decides a label of two classes."""

import itertools
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.facts.column_facts import Column

Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

AGREE = 0.999
"""Share of the rows in which a threshold or value must agree with the label."""
LEAST = 30
"""Rows of the rarer class, and of the rarer side, below which agreement may be chance."""
KNOWN = 0.5
"""Share of the rows that must have a value."""


def rule(column: Column, cells: pa.ChunkedArray, labels: pa.ChunkedArray) -> str:
    """Return the threshold or value of a column that decides the label, in words.

    Args:
        column: Facts of the column.
        cells: Its cells.
        labels: The label's cells: two distinct values, none missing.

    Returns:
        A sentence without its full stop; empty if no threshold and no value decides the label.
    """
    present = pc.is_valid(cells)
    kept, truth = cells.filter(present), labels.filter(present)
    if len(kept) < max(2 * LEAST, KNOWN * len(cells)) or pa.types.is_null(kept.type):
        return ""
    names = pc.unique(truth)
    if len(names) != 2:
        return ""
    first, second = names.to_pylist()
    is_first: Flags = pc.equal(truth, names[0]).to_numpy()
    if min(is_first.sum(), (~is_first).sum()) < LEAST:
        return ""
    if column.numbers is not None:
        return _threshold(kept, is_first, (first, second))
    return _value(kept, is_first, (first, second))


def _threshold(cells: pa.ChunkedArray, is_first: Flags, names: tuple[Any, Any]) -> str:
    order = pc.sort_indices(cells).to_numpy()
    numbers, flags = cells.take(pa.array(order)).to_pylist(), is_first[order]
    # Rows up to each place that are of the first class; a cut lies only between two different numbers.
    below = np.cumsum(flags)[:-1]
    above = flags.sum() - below
    up_to = np.arange(1, len(flags))
    low_is_first = below + (len(flags) - up_to - above)
    differs = np.array([a != b for a, b in itertools.pairwise(numbers)])
    for low, high, right in ((*names, low_is_first), (*reversed(names), len(flags) - low_is_first)):
        best = int(np.argmax(np.where(differs, right, -1)))
        if differs[best] and right[best] >= AGREE * len(flags):
            return f"the label is {high!r} where it is above {numbers[best]:g}, else {low!r}{_but(right[best], flags)}"
    return ""


def _value(cells: pa.ChunkedArray, is_first: Flags, names: tuple[Any, Any]) -> str:
    encoded = pc.dictionary_encode(cells.combine_chunks())
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    codes = encoded.indices.to_numpy()
    rows = np.bincount(codes)
    first = np.bincount(codes, weights=is_first)
    for own, other, inside in ((*names, first), (*reversed(names), rows - first)):
        # Rows of the value with this class, and rows of other values without it.
        right = inside + (len(codes) - inside.sum()) - (rows - inside)
        best = int(np.argmax(right))
        if rows[best] >= LEAST and right[best] >= AGREE * len(codes):
            value = encoded.dictionary[best].as_py()
            return f"the label is {own!r} where it is {value!r}, else {other!r}{_but(right[best], is_first)}"
    return ""


def _but(right: float, rows: Flags) -> str:
    wrong = len(rows) - int(right)
    return f", but for {wrong} of {len(rows):,} rows" if wrong else ""
