"""Roles of texts, and of numbers that are codes."""

import itertools
import math
from typing import Any

from curation.facts.column_facts import Column
from curation.facts.relations import Order
from curation.propose.choices import Entry
from curation.propose.label_choice import ordered_shape
from curation.propose.name_hints import CODE_WORDS, COUNT_WORDS, CYCLES, has, words

ONE_HOT = 300
"""Most values that are one-hot encoded."""
RARE = 5
"""Rows below which a value says too little to be learnt by itself."""
LONG = 4.0
"""Mean number of words from which on a text is read word by word."""
SURE = 0.01
"""Share of the label's variance that values must explain beyond a line."""


def text(column: Column) -> Entry:
    """Role of a column of texts."""
    if column.words >= LONG and column.distinct > 50:
        size = 500 if column.distinct < 2000 else 2000
        values: dict[str, Any] = {"column": column.name, "vocabulary_size": size}
        why = f"text of {column.words:.0f} words on average: its {size:,} most frequent words"
        if column.missing:
            values["missing"] = ""
            why += "; none where it is missing"
        return Entry("text", values, why)
    if column.unique_share > 0.5 and column.distinct > 100:
        why = f"{column.distinct:,} texts in {column.present:,} rows: hardly any comes back, so none can be learnt"
        if column.other_date:
            why += "; dates are read as YYYY-MM-DD"
        return Entry("ignored", {"column": column.name}, why)
    return _category(column, f"{column.distinct:,} texts")


def codes(column: Column, reason: str) -> Entry:
    """Role of a column of numbers that are codes.

    A number with a fraction's type has no vocabulary, so edges between its values make the same.
    """
    if column.kind == "FLOAT":
        levels = sorted(float(value) for value, _ in column.top[: column.distinct])
        edges = [(low + high) / 2 for low, high in itertools.pairwise(levels)]
        values: dict[str, Any] = {"column": column.name, "edges": edges}
        if column.missing:
            values["missing"] = "category"
        return Entry("bucketized", values, f"{reason}; an edge between any two")
    return _category(column, reason)


def large(column: Column) -> Entry:
    """Role of whole numbers beyond 2^53, of which a float does not tell neighbours apart: they are names."""
    reason = f"{column.distinct:,} whole numbers beyond 2^53, of which a float does not tell neighbours apart"
    if column.unique_share > 0.5 and column.distinct > 100:
        return Entry("ignored", {"column": column.name}, f"{reason}: hardly any comes back, so none can be learnt")
    return _category(column, reason)


def coded(column: Column, order: Order | None) -> str:
    """Why whole numbers are codes of categories; empty where they are amounts.

    Args:
        column: Its facts.
        order: Whether the label follows the number, where that was measured.
    """
    numbers = column.numbers
    assert numbers is not None
    if not numbers.whole or column.distinct > column.present / 4 or (column.kind == "FLOAT" and column.distinct > 50):
        return ""
    if column.distinct == 2:
        return f"two values, {numbers.low:g} and {numbers.high:g}"
    for word in words(column.name):
        if word in CYCLES:
            low, high, what = CYCLES[word]
            if low <= numbers.low and numbers.high <= high:
                return f"{what} go round: the last is next to the first"
    if has(column.name, COUNT_WORDS):
        return ""
    if has(column.name, CODE_WORDS):
        return f"{column.distinct:,} whole numbers, and a name for codes"
    if order is not None and order.levels - order.line > max(SURE, order.line / 2) and not ordered_shape(column):
        return (
            f"the label follows the values ({order.levels:.0%} of its variance) rather than their order "
            f"({order.line:.0%})"
        )
    if column.distinct <= 10 and column.present >= 30 * column.distinct and not ordered_shape(column):
        return f"{column.distinct} whole numbers that come back and are not spread like a count"
    if _sparse(column):
        return f"{column.distinct:,} whole numbers of equal length with gaps between them"
    return ""


def _sparse(column: Column) -> bool:
    """Whether whole numbers are spread like codes: of equal length, far apart, and each comes back."""
    numbers = column.numbers
    assert numbers is not None
    span = numbers.high - numbers.low + 1
    lengths = {len(value) for value, _ in column.top}
    rounded = all(float(value) % 5 == 0 for value, _ in column.top)
    return (
        numbers.low >= 100
        and len(lengths) == 1
        and not rounded
        and column.distinct < 0.2 * span
        and column.present >= 30 * column.distinct
    )


def _category(column: Column, reason: str) -> Entry:
    values: dict[str, Any] = {"column": column.name}
    role = "categorical"
    rare = sum(1 for _, rows in column.top if rows < RARE)
    if column.distinct > ONE_HOT:
        role = "hashed"
        buckets, dimension = _power_of_two(2 * column.distinct), _dimension(column.distinct)
        values |= {"buckets": buckets, "dimension": dimension}
        reason += f": too many for one column each, so hashed, and a learnt vector of {dimension}"
    else:
        values |= {"encode": "one_hot", "oov": 1}
        if rare and column.distinct > 10 and column.present > 1000:
            values["min_frequency"] = RARE
            reason += f"; those in fewer than {RARE} rows share one place"
    if column.missing:
        values["missing"] = "category"
        reason += "; missing is a value of its own"
    return Entry(role, values, reason)


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()


def _dimension(values: int) -> int:
    """Length of a learnt vector: about the fourth root of the number of values, a rule of thumb, and at least 4.

    developers.googleblog.com, "Introducing TensorFlow Feature Columns" (2017).
    """
    return max(4, round(math.sqrt(math.sqrt(values))))
