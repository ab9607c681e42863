"""Columns that decide a label of two classes by one threshold or one value."""

import itertools
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.facts.column_facts import Column

Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

AGREEMENT = 0.999
"""Minimum share of rows in which a threshold or value agrees with the label."""
MIN_ROWS = 30
"""Minimum number of rows of the rarer class, and of a value: with fewer, agreement may be chance."""
MIN_PRESENT = 0.5
"""Minimum share of rows that have a value."""


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
    present_cells, present_labels = cells.filter(present), labels.filter(present)
    if len(present_cells) < max(2 * MIN_ROWS, MIN_PRESENT * len(cells)) or pa.types.is_null(present_cells.type):
        return ""
    names = pc.unique(present_labels)
    if len(names) != 2:
        return ""
    first_class, second_class = names.to_pylist()
    is_first: Flags = pc.equal(present_labels, names[0]).to_numpy()
    if min(is_first.sum(), (~is_first).sum()) < MIN_ROWS:
        return ""
    if column.numbers is not None:
        return _threshold(present_cells, is_first, (first_class, second_class))
    return _value(present_cells, is_first, (first_class, second_class))


def _threshold(cells: pa.ChunkedArray, is_first: Flags, names: tuple[Any, Any]) -> str:
    order = pc.sort_indices(cells).to_numpy()
    numbers, flags = cells.take(pa.array(order)).to_pylist(), is_first[order]
    # Number of rows of the first class up to each row; a threshold lies only between two different numbers.
    below = np.cumsum(flags)[:-1]
    above = flags.sum() - below
    up_to = np.arange(1, len(flags))
    low_is_first = below + (len(flags) - up_to - above)
    is_cut = np.array([lower != higher for lower, higher in itertools.pairwise(numbers)])
    for low, high, correct in ((*names, low_is_first), (*reversed(names), len(flags) - low_is_first)):
        best = int(np.argmax(np.where(is_cut, correct, -1)))
        if is_cut[best] and correct[best] >= AGREEMENT * len(flags):
            exceptions = _exceptions(correct[best], flags)
            return f"the label is {high!r} where it is above {numbers[best]:g}, else {low!r}{exceptions}"
    return ""


def _value(cells: pa.ChunkedArray, is_first: Flags, names: tuple[Any, Any]) -> str:
    encoded = pc.dictionary_encode(cells.combine_chunks())
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    codes = encoded.indices.to_numpy()
    rows = np.bincount(codes)
    first_rows = np.bincount(codes, weights=is_first)
    for value_class, other_class, value_rows in ((*names, first_rows), (*reversed(names), rows - first_rows)):
        # Correct rows: those of the value with this class, and those of other values with the other class.
        correct = value_rows + (len(codes) - value_rows.sum()) - (rows - value_rows)
        best = int(np.argmax(correct))
        if rows[best] >= MIN_ROWS and correct[best] >= AGREEMENT * len(codes):
            value = encoded.dictionary[best].as_py()
            exceptions = _exceptions(correct[best], is_first)
            return f"the label is {value_class!r} where it is {value!r}, else {other_class!r}{exceptions}"
    return ""


def _exceptions(correct: float, rows: Flags) -> str:
    exceptions = len(rows) - int(correct)
    return f", but for {exceptions} of {len(rows):,} rows" if exceptions else ""
