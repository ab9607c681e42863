"""Choice of the label column and of its task."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from curation.facts.column_facts import Column, Facts
from curation.propose.name_hints import LABEL_NAMES, LABEL_WORDS, named, words
from errors import UserError
from pipeline.load import nearest

MAX_CLASSES = 1000
FEW = 20
"""Largest number of distinct integers that may be class codes."""
SKEWED = 1.0
"""Skewness from which the model predicts the logarithm of a positive label."""
_TRUE = (
    *("1", "yes", "true", "y", "t", "positive", "pos", "bad", "fraud", "spam", "churned", "died", "malignant"),
    *("ja", "wahr", "oui", "vrai", "sí", "si", "sì", "verdadero", "vero", "sim", "verdadeiro", "waar", "tak", "да"),
)
_CLASS_WORDS = ("class", "category", "type", "kind", "species", "digit", "cluster", "code", "segment")


@dataclass(frozen=True)
class LabelChoice:
    """The label and its task.

    Attributes:
        column: Facts of the label column.
        task: regression, binary or classes.
        keys: Further keys of [label].
        column_reason: Why this column.
        task_reason: Why this task.
        reasons: Key -> reason.
    """

    column: Column
    task: str
    column_reason: str
    task_reason: str
    keys: Mapping[str, Any] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


def choose(facts: Facts, label_name: str | None, source: str, partitions: Sequence[str] = ()) -> LabelChoice:
    """Choose the label and the task.

    Args:
        facts: The table's facts.
        label_name: The column that the user named.
        source: The data's path, for messages.
        partitions: Columns from the names of folders, which are guessed only if no other column can be the label.

    Raises:
        UserError: no column can be the label, or the named one cannot; the message lists those that can.
    """
    candidates = [column.name for column in facts.columns if not unable(column)]
    candidates = [name for name in candidates if not named(name, "id") or facts[name].unique_share < 0.9] or candidates
    listed = ", ".join(candidates)
    listed = f" Columns that can be the label: {listed}." if candidates else " No other column can be the label."
    if label_name is not None:
        if label_name not in facts.names:
            raise UserError(
                f"--label {label_name!r}: {source} has no column of this name."
                f"{nearest(label_name, facts.names, 'columns')}"
            )
        reason = unable(facts[label_name])
        if reason:
            raise UserError(f"--label {label_name!r} cannot be the label: {reason}.{listed}")
        return _task(facts[label_name], "set with --label")
    for column in _by_name(facts):
        if column.name in candidates:
            return _task(column, f"guessed from its name{_alternatives(candidates, column.name)}")
    likely = [name for name in candidates if not _unlikely(facts[name])]
    if not likely:
        raise UserError(
            f"{source}: no column looks like a label.{listed if candidates else ' ' + _reasons(facts)} "
            "Name it with --label COLUMN"
        )
    last = [name for name in likely if name not in partitions][-1:] or likely[-1:]
    return _task(facts[last[0]], f"a guess: the last column that can be a label{_alternatives(candidates, last[0])}")


def _by_name(facts: Facts) -> Iterator[Column]:
    """Yield columns named like a label, the likeliest first; then those with such a word in their name."""
    for name in LABEL_NAMES:
        yield from (column for column in facts.columns if named(column.name, name))
    for name in LABEL_WORDS:
        yield from (column for column in facts.columns if name in words(column.name)[1:])


def unable(column: Column) -> str:
    """Return why a column cannot be the label; empty if it can."""
    if column.picture:
        return "its cells are images"
    if not column.present:
        return "it is empty"
    if column.kind == "BYTES" and not column.top:
        return "its cells are bytes, not texts"
    if column.distinct < 2:
        return "it has only one value"
    if column.numbers is not None and (not column.numbers.whole or column.distinct > FEW):
        if column.kind == "INT" and column.unique_share == 1.0 and column.rises and column.present > FEW:
            return "it is a row number"
        return ""
    if column.date:
        return "it is a date"
    if column.kind == "BYTES" and column.distinct > MAX_CLASSES:
        return f"it has {column.distinct:,} distinct values"
    if column.kind == "BYTES" and column.distinct > 2 and column.unique_share > 0.5:
        return "most of its values occur once, so nothing can be learned about them"
    return ""


def _unlikely(column: Column) -> bool:
    """Return whether a column is an unlikely label, unless the user names it."""
    return column.words >= 4 or named(column.name, "id") or column.missing_share > 0.2


def _task(column: Column, column_reason: str) -> LabelChoice:
    if column.distinct == 2:
        return _binary(column, column_reason)
    if column.kind == "BYTES":
        return LabelChoice(column, "classes", column_reason, f"{column.distinct} distinct values", **_names(column))
    reason = _coded(column)
    if reason:
        return LabelChoice(column, "classes", column_reason, f"{reason}; for an amount: task = 'regression'")
    numbers = column.numbers
    assert numbers is not None
    task_reason = f"a number with {column.distinct:,} distinct values, {numbers.low:g} to {numbers.high:g}"
    if numbers.whole and column.distinct <= FEW:
        task_reason = (
            f"{column.distinct} integers, distributed like a count or a grade; for class codes: task = 'classes'"
        )
    if numbers.low > 0 and numbers.skew > SKEWED and abs(numbers.log_skew) < numbers.skew / 2:
        reason = f"positive and skewed: skewness {numbers.skew:.1f}, of the logarithm {numbers.log_skew:.1f}"
        return LabelChoice(
            column, "regression", column_reason, task_reason, {"transform": "log"}, {"transform": reason}
        )
    return LabelChoice(column, "regression", column_reason, task_reason)


def _binary(column: Column, column_reason: str) -> LabelChoice:
    (common, rows), (rare, fewer) = column.top[:2]
    task_reason = f"two values, {common} ({rows:,} rows) and {rare} ({fewer:,})"
    positive, reason = rare, "the rarer value"
    positive_words = [value for value in (common, rare) if value.strip().lower() in _TRUE]
    if len(positive_words) == 1:
        positive, reason = positive_words[0], "its value means yes"
    elif rows == fewer:
        positive, reason = max(common, rare), "both are equally frequent, so the last in order"
    if column.kind == "FLOAT":
        assert column.numbers is not None
        middle = (column.numbers.low + column.numbers.high) / 2
        reason = "between the two numbers"
        return LabelChoice(column, "binary", column_reason, task_reason, {"threshold": middle}, {"threshold": reason})
    negative = rare if positive == common else common
    keys = {"positive": positive, "classes": [negative, positive]}
    return LabelChoice(
        column,
        "binary",
        column_reason,
        task_reason,
        keys,
        {"positive": reason, "classes": "the positive class is second"},
    )


def _names(column: Column) -> dict[str, Any]:
    """Return the names of the classes, if there are at most FEW."""
    if column.distinct > FEW:
        return {}
    names = sorted(value for value, _ in column.top[: column.distinct])
    return {
        "keys": {"classes": names},
        "reasons": {"classes": "all values in the data, in the order of the predicted probabilities"},
    }


def _coded(column: Column) -> str:
    """Return why integers are class codes; empty if they are amounts."""
    numbers = column.numbers
    if numbers is None or not numbers.whole or column.distinct > FEW or column.kind != "INT":
        return ""
    if set(words(column.name)) & set(_CLASS_WORDS):
        return f"{column.distinct} integers, and the column is named like a code"
    if column.distinct <= 10 and not ordered_shape(column):
        return f"{column.distinct} integers that are not distributed like a count"
    return ""


def ordered_shape(column: Column) -> bool:
    """Return whether the frequencies of a few integers fall on both sides of a peak, as those of a count or a grade do.

    Three or four values can have this shape by chance, so they need a clear peak at the low end.
    """
    values = sorted((float(value), rows) for value, rows in column.top[: column.distinct])
    rows = [count for _, count in values]
    steps = {current[0] - previous[0] for previous, current in itertools.pairwise(values)}
    if steps != {1.0} or len(rows) < 3:
        return False
    peak = rows.index(max(rows))
    falling = all(
        rows[index] <= rows[index - 1] * 1.1 if index > peak else rows[index] <= rows[index + 1] * 1.1
        for index in range(len(rows))
        if index != peak
    )
    if len(rows) <= 4:
        return falling and peak == 0 and rows[-1] < rows[0] / 3
    return falling and min(rows) < max(rows) / 3


def _alternatives(names: list[str], chosen: str) -> str:
    """List other columns that can be the label, as the end of a sentence."""
    alternatives = [name for name in names if name != chosen]
    more = f" and {len(alternatives) - 8} more" if len(alternatives) > 8 else ""
    return f"; choose another with --label: {', '.join(alternatives[:8])}{more}" if alternatives else ""


def _reasons(facts: Facts) -> str:
    return "; ".join(f"{column.name!r}: {unable(column)}" for column in facts.columns[:12]) + "."
