"""Choice of a role for each column, with its reason: facts to entries of [columns] and [features]."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.ingestion.parsing.csv_header import UNNAMED
from curation.facts.column_facts import Column, Facts
from curation.facts.relations import Order
from curation.propose import categorical_choices, text_hints
from curation.propose.choices import Entry
from curation.propose.name_hints import WEIGHTS, has, named, words

EMPTY = 0.95
"""Share of nulls from which a column is ignored."""
MOSTLY_EMPTY = 0.6
"""Share of nulls from which a number is bucketized, with null as a category."""
LONG_TAIL = 2.0
"""Skewness from which a non-negative number is scaled by its logarithm."""
UNIQUE = 0.9
"""Distinct values per row from which a column may be an id."""
FAR_OUT = 20.0
"""Interquartile ranges from the median beyond which a value counts as an outlier."""
LARGEST_FLOAT = 3.4e38
WHOLE = 2.0**53
"""Up to this integer a float64 represents all integers exactly."""


@dataclass
class Roles:
    """Roles of all columns.

    Attributes:
        entries: Entries, in the order of the columns.
        id: Id column, and the reason.
        hints: Commented lines for [columns]: key, column, reason.
        findings: Findings that `new` prints.
    """

    entries: list[Entry] = field(default_factory=list)
    id: tuple[str, str] | None = None
    hints: list[tuple[str, str, str]] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


def propose(
    facts: Facts,
    label: str,
    *,
    twins: Mapping[str, str],
    leaks: Mapping[str, str],
    orders: Mapping[str, Order],
) -> Roles:
    """Choose a role for each column except the label.

    Args:
        facts: The table's facts.
        label: The label's column.
        twins: Column -> an earlier column with equivalent values.
        leaks: Column -> how it leaks the label.
        orders: Column -> how the label depends on the number.
    """
    roles = Roles()
    columns = [column for column in facts.columns if column.name != label]
    name = _id(columns)
    for column in columns:
        if column.name == name:
            reason = f"{column.distinct:,} distinct values in {column.present:,} rows: an id, not a feature"
            roles.id = (column.name, reason)
            roles.findings.append(f"{column.name} identifies rows: [columns] id, not a feature")
        elif reason := _useless(column, twins, leaks) or _index(column, facts):
            roles.entries.append(Entry("ignored", {"column": column.name}, reason))
        else:
            roles.entries += _entries(column, orders.get(column.name))
            _hint(column, roles)
            if roles.entries[-1].column == column.name and roles.entries[-1].role in ("categorical", "hashed"):
                hint = text_hints.hint(column)
                roles.findings += [f"{column.name} is read as text: {hint}"] if hint else []
    _rescue(roles, facts, leaks)
    return roles


def _id(columns: list[Column]) -> str | None:
    """Return the id column: nearly unique, and named like an id or counting up."""
    able = [column for column in columns if names_rows(column)]
    named_ids = [column for column in able if named(column.name, "id")]
    return (named_ids or able)[0].name if able else None


def names_rows(column: Column) -> bool:
    """Return whether a column identifies rows: nearly unique, and named like an id, counting up, or short strings."""
    if column.present < 10 or column.unique_share < UNIQUE or column.date or column.other_date or column.picture:
        return False
    if column.kind == "FLOAT" or column.missing_share > 0.05 or not column.top:
        return False
    if text_hints.hint(column) or text_hints.image_names(column):
        return False
    if named(column.name, "id"):
        return column.words < 4
    if column.distinct < column.present:
        return False
    if column.numbers is not None:
        return column.rises and column.numbers.high - column.numbers.low < 2 * column.rows
    return column.words < 1.5


def _useless(column: Column, twins: Mapping[str, str], leaks: Mapping[str, str]) -> str:
    """Return why a column should be ignored; empty if it is useful."""
    if column.picture:
        return ""
    if not column.present:
        return "no row has a value"
    if column.kind == "BYTES" and not column.top:
        return "cells of bytes, neither texts nor images"
    if reason := text_hints.image_names(column):
        return reason
    if column.name in leaks:
        return f"{leaks[column.name]}, a leak: use it only if it is known at prediction time"
    if column.distinct == 1 and not column.missing:
        return f"constant: every row has {column.top[0][0]!r}"
    if column.name in twins:
        return f"equivalent to {twins[column.name]!r}"
    if column.missing_share >= EMPTY:
        return f"{column.missing_share:.0%} of the values are null"
    if names_rows(column):
        return "every row has a different value, and there is a [columns] id already"
    if column.numbers is not None and max(abs(column.numbers.low), abs(column.numbers.high)) > LARGEST_FLOAT:
        return f"values such as {column.numbers.high:g}, which a 32-bit float cannot represent"
    return ""


def _index(column: Column, facts: Facts) -> str:
    """Return why a column is the unnamed index that pandas writes first; empty if it is not."""
    first_name, *later_names = facts.names
    if (
        column.name != first_name
        or first_name != UNNAMED.format(1)
        or UNNAMED.format(2) in later_names
        or column.kind != "INT"
    ):
        return ""
    return (
        "integers in an unnamed first column, such as the index that pandas writes; to use it, name it with csv.names"
    )


def _entries(column: Column, order: Order | None) -> list[Entry]:
    if column.picture:
        return []
    if column.date:
        return [_date(column)]
    if column.kind == "BYTES":
        return [categorical_choices.text(column)]
    if column.distinct == 1:
        # A constant with nulls: only its presence carries information.
        return [Entry("bucketized", {"column": column.name, "quantiles": 2, "missing": "category"}, "present or null")]
    if column.kind == "INT" and column.numbers is not None and max(-column.numbers.low, column.numbers.high) > WHOLE:
        return [categorical_choices.large(column)]
    reason = categorical_choices.coded(column, order)
    if reason:
        return [categorical_choices.codes(column, reason)]
    return [_number(column)]


def _date(column: Column) -> Entry:
    earliest, median, latest = column.dates
    parts = ["days", "day_of_week"]
    if earliest[:7] != latest[:7]:
        parts.insert(1, "month")
    reason = f"dates from {earliest} to {latest}"
    if column.hours > 1:
        parts.append("hour")
        reason += f" with {column.hours} hours of the day"
    values: dict[str, Any] = {"column": column.name, "parts": parts}
    if column.missing:
        values["missing"] = median
        reason += f"; {_share(column)} null, replaced by the median date"
    return Entry("date", values, reason)


def _number(column: Column) -> Entry:
    numbers = column.numbers
    assert numbers is not None
    values: dict[str, Any] = {"column": column.name}
    reasons = []
    if column.missing_share > MOSTLY_EMPTY:
        values |= {"quantiles": 4, "missing": "category"}
        reason = (
            f"{_share(column)} null: whether there is a value may matter most, so quartile buckets and one for null"
        )
        return Entry("bucketized", values, reason)
    if numbers.low >= 0 and numbers.skew > LONG_TAIL and abs(numbers.log_skew) < numbers.skew / 2:
        values["scale"] = "log1p"
        reasons.append(f"long tail: skewness {numbers.skew:.1f}, of the logarithm {numbers.log_skew:.1f}")
    elif outlying(column):
        values["clip"] = [_round(numbers.quantile(0.001)), _round(numbers.quantile(0.999))]
        reasons.append(f"outliers from {numbers.low:g} to {numbers.high:g}: clipped to the 0.1 and 99.9 % quantiles")
    else:
        reasons.append(f"{numbers.low:g} to {numbers.high:g}")
    if column.missing:
        values["missing"] = "median"
        reasons.append(f"{_share(column)} null, replaced by the median")
    return Entry("numeric", values, "; ".join(reasons))


def outlying(column: Column) -> bool:
    """Return whether a number has outliers, and distinct quantiles to clip it to."""
    numbers = column.numbers
    assert numbers is not None
    spread = numbers.quantile(0.75) - numbers.quantile(0.25)
    far = max(numbers.high - numbers.quantile(0.5), numbers.quantile(0.5) - numbers.low)
    return 0 < spread * FAR_OUT < far and _round(numbers.quantile(0.001)) < _round(numbers.quantile(0.999))


def _hint(column: Column, roles: Roles) -> None:
    if has(column.name, WEIGHTS) or "_".join(words(column.name)) in WEIGHTS:
        roles.hints.append(("weight", column.name, "if it is the weight of a row; then remove it from [features]"))
    if named(column.name, "id") and column.unique_share < UNIQUE:
        reason = (
            f"{column.distinct:,} distinct values: keeps rows with equal values in one split; then remove it "
            f"from [features]"
        )
        roles.hints.append(("group", column.name, reason))
    if column.date:
        order = "rows are sorted by it" if column.rises else "time of the row"
        roles.hints.append(("time", column.name, f"{order}; see data.split"))


def _rescue(roles: Roles, facts: Facts, leaks: Mapping[str, str]) -> None:
    """Use leaking columns if no other column is left."""
    if any(entry.role != "ignored" for entry in roles.entries) or any(column.picture for column in facts.columns):
        return
    for position, entry in enumerate(roles.entries):
        if entry.column in leaks and facts[entry.column].missing_share < EMPTY:
            used = _entries(facts[entry.column], None)[0]
            reason = f"{leaks[entry.column]}, but there is no other column; {used.reason}"
            roles.entries[position] = Entry(used.role, used.values, reason)


def _share(column: Column) -> str:
    share = column.missing_share
    return f"{share:.0%}" if share >= 0.01 else f"{column.missing:,}"


def _round(value: float) -> float:
    """Round to four significant digits."""
    return float(f"{value:.4g}")
