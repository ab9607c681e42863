"""Roles of strings, and of numbers that are codes."""

import itertools
import math
from typing import Any

from curation.facts.column_facts import Column
from curation.facts.relations import NEIGHBOURS, Order
from curation.propose import text_hints
from curation.propose.choices import Entry
from curation.propose.label.label_choice import ordered_shape
from curation.propose.name_hints import CODE_WORDS, COUNT_WORDS, CYCLES, has, words

MAX_ONE_HOT = 300
"""Largest number of distinct values that are one-hot encoded."""
RARE = 5
"""Rows below which a value is too rare to learn from."""
TEXT_WORDS = 4.0
"""Mean number of words from which a column is text rather than a category."""
MANY_TEXTS = 20_000
"""Texts from which fewer words are kept: each row has a number for each of them."""
MIN_GAIN = 0.01
"""Share of the label's variance that the values must explain beyond a linear fit."""
SMOOTH = 0.7
"""Share of what the values explain from which groups of neighbouring values show that their order matters. Of 60 codes
in random order eight groups explain an eighth, of 16 less than a half. Nine brightnesses of a satellite's pixels, of
about 50 values, reach 0.95 to 0.98; with them as numbers the eval loss of the network was 0.194 and not 0.230."""


def text(column: Column) -> Entry:
    """Choose the role of a string column."""
    hint = text_hints.hint(column)
    if column.words >= TEXT_WORDS and column.distinct > 50 and not hint:
        size = 500 if column.distinct < 2000 else 5000 if column.distinct < MANY_TEXTS else 2000
        values: dict[str, Any] = {"column": column.name, "vocabulary_size": size, "weight": "tfidf"}
        reason = (
            f"text of {column.words:.0f} words on average: its {size:,} most frequent words, a rare one counts more"
        )
        if column.missing:
            values["missing"] = ""
            reason += "; null is an empty text"
        return Entry("text", values, reason)
    if column.unique_share > 0.5 and column.distinct > 100:
        reason = (
            f"{column.distinct:,} distinct values in {column.present:,} rows: nearly all are unique, so nothing "
            f"can be learned from them"
        )
        if column.other_date:
            reason += "; if these are dates, set data.dates"
        elif hint:
            reason += f"; {hint}"
        return Entry("ignored", {"column": column.name}, reason)
    return _category(column, f"{column.distinct:,} distinct values")


def codes(column: Column, reason: str) -> Entry:
    """Choose the role of a column of numbers that are codes.

    A FLOAT column has no vocabulary; bucket edges between its values have the same effect.
    """
    if column.kind == "FLOAT":
        levels = sorted(float(value) for value, _ in column.top[: column.distinct])
        edges = [(low + high) / 2 for low, high in itertools.pairwise(levels)]
        values: dict[str, Any] = {"column": column.name, "edges": edges}
        if column.missing:
            values["missing"] = "category"
        return Entry("bucketized", values, f"{reason}; one bucket per value")
    return _category(column, reason)


def large(column: Column) -> Entry:
    """Choose the role of integers beyond 2^53: they are identifiers, because a float cannot distinguish neighbors."""
    reason = f"{column.distinct:,} integers beyond 2^53, which a float cannot represent exactly"
    if column.unique_share > 0.5 and column.distinct > 100:
        return Entry(
            "ignored", {"column": column.name}, f"{reason}: nearly all are unique, so nothing can be learned from them"
        )
    return _category(column, reason)


def coded(column: Column, order: Order | None) -> str:
    """Return why integers are category codes; empty if they are amounts.

    Args:
        column: Facts of the column.
        order: How the label depends on the number, if measured.
    """
    numbers = column.numbers
    assert numbers is not None
    if not numbers.whole or column.distinct > column.present / 4 or (column.kind == "FLOAT" and column.distinct > 50):
        return ""
    if column.distinct == 2:
        return f"two values, {numbers.low:g} and {numbers.high:g}"
    for word in words(column.name):
        if word in CYCLES:
            low, high, quantity = CYCLES[word]
            if low <= numbers.low and numbers.high <= high:
                return f"{quantity} are cyclic: the last is next to the first"
    if has(column.name, COUNT_WORDS):
        return ""
    if has(column.name, CODE_WORDS):
        return f"{column.distinct:,} integers, and the column is named like a code"
    if (
        order is not None
        and order.levels - order.line > max(MIN_GAIN, order.line / 2)
        and not ordered_shape(column)
        and not _smooth(column, order)
    ):
        return f"the values explain {order.levels:.0%} of the label's variance, a linear fit {order.line:.0%}"
    if column.distinct <= 10 and column.present >= 30 * column.distinct and not ordered_shape(column):
        return f"{column.distinct} integers that repeat and are not distributed like a count"
    if _sparse(column):
        return f"{column.distinct:,} integers of equal length with gaps between them"
    return ""


def _smooth(column: Column, order: Order) -> bool:
    """Return whether neighbouring values have like effects, so that the number is an amount: a curve, not codes."""
    return column.distinct >= 2 * NEIGHBOURS and order.groups >= SMOOTH * order.levels


def _sparse(column: Column) -> bool:
    """Return whether integers look like codes: equal length, large gaps, each value repeated."""
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
    if column.distinct > MAX_ONE_HOT:
        role = "hashed"
        buckets, dimension = _power_of_two(2 * column.distinct), _dimension(column.distinct)
        values |= {"buckets": buckets, "dimension": dimension}
        reason += f": too many for one-hot, so hashed, with an embedding of {dimension} numbers"
    else:
        values |= {"encode": "one_hot", "oov": 1}
        if rare and column.distinct > 10 and column.present > 1000:
            values["min_frequency"] = RARE
            reason += f"; values in fewer than {RARE} rows are out-of-vocabulary"
    if column.missing:
        values["missing"] = "category"
        reason += "; null is a category"
    return Entry(role, values, reason)


def _power_of_two(minimum: int) -> int:
    return 1 << (minimum - 1).bit_length()


def _dimension(values: int) -> int:
    """Return the embedding size: about the fourth root of the number of values, a rule of thumb, and at least 4.

    developers.googleblog.com, "Introducing TensorFlow Feature Columns" (2017).
    """
    return max(4, round(math.sqrt(math.sqrt(values))))
