"""Relations of columns to each other and to the label: duplicates, leaks and trends."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.facts import cuts
from curation.facts.column_facts import Facts

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Codes = np.ndarray[tuple[int, ...], np.dtype[np.int32]]

SAME_CORRELATION = 0.9999
"""Minimum correlation of two columns that are equal except for their unit."""
MOSTLY_UNIQUE = 0.5
"""Share of distinct values from which a one-to-one relation proves nothing: it holds for any two unique columns."""
MAX_LEVELS = 60
"""Maximum number of distinct values whose means are compared with a line."""
NEIGHBOURS = 8
"""Number of groups of neighbouring values: a smooth curve is nearly constant in each, and codes are not."""


@dataclass(frozen=True)
class Order:
    """Share of the label's variance that a column of integers explains.

    Attributes:
        line: Share explained by a linear fit.
        levels: Share explained by a mean per value, less the share that as many values would explain by chance.
        groups: Share explained likewise by a mean per group of neighbouring values, of which there are NEIGHBOURS; as
            much as `levels` if there are no more values than groups.
    """

    line: float
    levels: float
    groups: float


def twins(facts: Facts, table: pa.Table, skip: str | None = None) -> dict[str, str]:
    """Find columns that duplicate a previous column: equal cells, or a one-to-one recoding.

    Args:
        facts: Statistics of the table.
        table: The table.
        skip: A column that is excluded: the label.

    Returns:
        Name of the duplicate -> name of the previous column.
    """
    first_column: dict[bytes, str] = {}
    duplicate_of: dict[str, str] = {}
    for column in facts.columns:
        if column.name == skip or column.distinct < 2 or column.picture:
            continue
        sign = _digest(table[column.name], column.unique_share)
        if sign in first_column:
            duplicate_of[column.name] = first_column[sign]
        first_column.setdefault(sign, column.name)
    return duplicate_of


def leaks(facts: Facts, table: pa.Table, label: str, numeric: bool) -> dict[str, str]:
    """Find columns that leak the label: a copy, a recoding, a correlation of about 1, or one threshold or value.

    Args:
        facts: Statistics of the table.
        table: The table.
        label: The label column.
        numeric: Whether the label is the target of a regression.

    Returns:
        Column -> why, as the end of a sentence.
    """
    label_column = facts[label]
    sign = _digest(table[label], label_column.unique_share)
    leak_of: dict[str, str] = {}
    for column in facts.columns:
        if column.name == label or column.distinct < 2 or column.picture:
            continue
        if _digest(table[column.name], column.unique_share) == sign:
            is_copy = table[column.name].type == table[label].type and table[column.name].equals(table[label])
            leak_of[column.name] = f"{'a copy' if is_copy else 'a one-to-one recoding'} of the label"
        elif numeric and column.numbers is not None and column.distinct > 2:
            correlation = _correlation(table[column.name], table[label])
            if abs(correlation) >= SAME_CORRELATION:
                leak_of[column.name] = f"correlation {correlation:.5f} with the label"
        elif label_column.distinct == 2 and not label_column.missing and column.distinct > 2:
            leak_of[column.name] = cuts.rule(column, table[column.name], table[label])
    return {column: reason for column, reason in leak_of.items() if reason}


def orders(facts: Facts, table: pa.Table, label: str) -> Mapping[str, Order]:
    """Compare, for integer columns with few values, a linear fit of the label with a mean per value.

    A label that is not a number is replaced by the indicator of its most frequent value.

    Returns:
        Column -> Order, for columns with 3 to LEVELS values.
    """
    if facts[label].numbers is not None:
        target = table[label]
    else:
        target = pc.equal(table[label], facts[label].top[0][0]).cast(pa.float64())
    order_of = {}
    for column in facts.columns:
        numbers = column.numbers
        if column.name == label or numbers is None or not numbers.whole or not 3 <= column.distinct <= MAX_LEVELS:
            continue
        x, y, codes = _pairs(table[column.name], target)
        if len(y) > 10 * column.distinct and y.std() > 0 and x.std() > 0:
            order_of[column.name] = _order(x, y, codes)
    return order_of


def contradictions(table: pa.Table, features: Sequence[str], label: str) -> tuple[int, int, int]:
    """Count rows with equal features and different labels.

    Args:
        table: The table.
        features: Columns that the model reads.
        label: The label column.

    Returns:
        Number of such rows, of all rows with a label, and of rows that the best possible predictions get right.
    """
    feature_names = [name for name in features if not pa.types.is_null(table[name].type)]
    rows = table.select([*feature_names, label]).filter(pc.is_valid(table[label]))
    if not feature_names or not len(rows):
        return 0, len(rows), len(rows)
    rows = rows.rename_columns([*map(str, range(len(feature_names))), "label"])
    keys = rows.column_names[:-1]
    # pyarrow 10 crashes if the chunks of the columns have different lengths.
    numbered = rows.append_column("row", pa.array(np.ones(len(rows), np.int64))).combine_chunks()
    numbered = numbered.group_by([*keys, "label"]).aggregate([("row", "sum")])
    groups = numbered.group_by(keys).aggregate([("row_sum", "sum"), ("row_sum", "max"), ("row_sum", "count")])
    has_several = pc.greater(groups["row_sum_count"], 1)
    part = pc.sum(groups["row_sum_sum"].filter(has_several)).as_py() or 0
    return part, len(rows), pc.sum(groups["row_sum_max"]).as_py()


def _order(x: Array, y: Array, codes: Codes) -> Order:
    _, place = np.unique(x, return_inverse=True)
    rows = np.bincount(place)
    if len(rows) > NEIGHBOURS:
        # Groups of about as many rows each, by the rank of the middle row of a value.
        place = (NEIGHBOURS * (np.cumsum(rows) - rows / 2) / len(x)).astype(int)[place]
    return Order(float(np.corrcoef(x, y)[0, 1] ** 2), _explained(y, codes), _explained(y, place))


def _explained(y: Array, codes: np.ndarray[Any, Any]) -> float:
    """Return the share of the variance that the means of the codes explain, less what those of random ones would."""
    rows = np.bincount(codes)
    codes, rows = np.cumsum(rows > 0)[codes] - 1, rows[rows > 0]
    means = np.bincount(codes, weights=y) / rows
    total = float(((y - y.mean()) ** 2).sum())
    between = float((rows * (means - y.mean()) ** 2).sum())
    # Omega squared: subtract the variance that the means of random groups would explain.
    within = (total - between) / (len(y) - len(rows))
    return max(0.0, (between - (len(rows) - 1) * within) / (total + within))


def _pairs(column: pa.ChunkedArray, target: pa.ChunkedArray) -> tuple[Array, Array, Codes]:
    """Return both columns as float64 in the rows where both have a value, and the code of each value of the first."""
    complete = pc.and_(pc.is_valid(column), pc.is_valid(target))
    complete_cells = column.filter(complete)
    return _floats(complete_cells), _floats(target.filter(complete)), _codes(complete_cells)


def _floats(cells: pa.ChunkedArray) -> Array:
    """Cast numbers to float64, integers less their minimum: float64 does not distinguish neighbors beyond 2^53."""
    if pa.types.is_integer(cells.type) and len(cells):
        minimum, maximum = pc.min_max(cells).as_py().values()
        if maximum - minimum < 2**63:
            cells = pc.subtract(cells, minimum)
    values: Array = cells.cast(pa.float64(), safe=False).to_numpy().astype(np.float64)
    return values


def _correlation(column: pa.ChunkedArray, other_column: pa.ChunkedArray) -> float:
    x, y, _ = _pairs(column, other_column)
    if len(x) < 3 or x.std() == 0 or y.std() == 0:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])


def _digest(cells: pa.ChunkedArray, unique: float) -> bytes:
    """Return a digest that two columns share if their cells are equal or a one-to-one recoding.

    It is taken from codes in the order in which the values first appear. If most values are unique, such codes are
    alike for unrelated columns, so it is taken from the values themselves.
    """
    if unique >= MOSTLY_UNIQUE:
        return hashlib.sha256("\x1f".join(map(str, cells.to_pylist())).encode("utf-8", "surrogatepass")).digest()
    return hashlib.sha256(_codes(cells).tobytes()).digest()


def _codes(cells: pa.ChunkedArray) -> Codes:
    """Encode values by the order in which they first appear; null is a value too."""
    numbers = pc.dictionary_encode(cells.combine_chunks(), null_encoding="encode")
    numbers = numbers.combine_chunks() if isinstance(numbers, pa.ChunkedArray) else numbers
    codes: Codes = numbers.indices.to_numpy(zero_copy_only=False).astype(np.int32)
    return codes
