"""Filter for rows: drops those that data.exclude matches, with a null in a required column, or without a label."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from components.ingestion.rows import row_expressions
from errors import UserError
from spec.rows.row_expression import Expression

BLANK_LABEL = "blank label"
"""Reason of dropped rows without a label."""
SHOWN = 80
"""Largest length of an expression in a message: an artifact property holds about 2,700 bytes."""


class Keeper:
    """Drops rows, and counts them by reason.

    Args:
        exclude: Expressions; matching rows are dropped.
        complete: Rows with a null in one of these columns are dropped.
        label: Rows with a null in this column are dropped; None if rows need no label.
    """

    def __init__(self, *, exclude: Sequence[str], complete: Sequence[str], label: str | None) -> None:
        self._filters = [Expression(text) for text in exclude]
        self._complete = [column for column in complete if column != label]
        self._label = label
        self.left_out: dict[str, int] = {}
        """Reason -> rows; each row counts once, under its first reason."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the filter reads, each once."""
        filter_columns = [name for row_filter in self._filters for name in row_filter.columns]
        return tuple(dict.fromkeys([*filter_columns, *self._complete, *([self._label] if self._label else [])]))

    def keep(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the rows that are kept.

        Args:
            batch: n rows with the columns that the filter reads.

        Returns:
            At most n rows, in order.

        Raises:
            UserError: a column is missing, or an expression does not fit its type.
        """
        for row_filter in self._filters:
            try:
                row_filter.check(kinds(batch.schema))
            except ValueError as error:
                raise UserError(f"data.exclude: {error}") from error
            text = row_filter.text if len(row_filter.text) <= SHOWN else f"{row_filter.text[: SHOWN - 3]}..."
            batch = self.drop(batch, row_expressions.matches(row_filter, batch), text)
        for name in (*self._complete, *([self._label] if self._label else [])):
            index = batch.schema.get_field_index(name)
            # The schema gate reports a column that is missing altogether.
            if index >= 0 and batch.column(index).null_count:
                reason = BLANK_LABEL if name == self._label else f"missing {name}"
                batch = self.drop(batch, pc.is_null(batch.column(index)), reason)
        return batch

    def drop(self, batch: pa.RecordBatch, is_dropped: pa.Array, reason: str) -> pa.RecordBatch:
        """Drop rows and count them.

        Args:
            batch: n rows.
            is_dropped: Boolean (n,): the rows to drop.
            reason: Reason under which they are counted.

        Returns:
            The remaining rows.
        """
        remaining = batch.filter(pc.invert(is_dropped))
        if len(remaining) < len(batch):
            self.left_out[reason] = self.left_out.get(reason, 0) + len(batch) - len(remaining)
        return remaining


def check_labels(left_out: Mapping[str, int], rows: int, *, column: str, most: float) -> None:
    """Check that not too many rows lack a label.

    Args:
        left_out: Reason -> rows.
        rows: Number of kept rows.
        column: The label's column.
        most: Largest share of rows without a label.

    Raises:
        UserError: the share is larger.
    """
    blank = left_out.get(BLANK_LABEL, 0)
    if blank > most * (blank + rows):
        raise UserError(
            f"the label {column!r} is null in {blank:,} of {blank + rows:,} rows, more than data.max_null_label = "
            f"{most:g}: "
            "add the missing labels, or raise the limit"
        )


def sentence(left_out: Mapping[str, int]) -> str:
    """Describe dropped rows as the end of a sentence; empty if there are none."""
    parts = [f"{count:,} {reason}" for reason, count in left_out.items() if count]
    return f"; left out: {', '.join(parts)}" if parts else ""


def kinds(schema: pa.Schema) -> dict[str, str]:
    """Return column name -> INT, FLOAT or BYTES."""

    def kind(field: Any) -> str:
        if pa.types.is_integer(field.type):
            return "INT"
        return "FLOAT" if pa.types.is_floating(field.type) else "BYTES"

    return {field.name: kind(field) for field in schema}
