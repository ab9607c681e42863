"""Which rows are left out, and why: obviously wrong ones, those with a missing cell, those without a label."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from components.ingestion.rows import row_expressions
from errors import UserError
from spec.rows.row_expression import Expression

BLANK_LABEL = "blank label"
"""Reason under which rows without a label are counted."""
SHOWN = 80
"""Longest expression that is shown: a property of an artifact holds about 2,700 bytes."""


class Keeper:
    """Leaves rows out, and counts them by reason.

    Args:
        exclude: Expressions; a row that one names is left out.
        complete: A row with a missing cell in one of these columns is left out.
        label: A row whose cell here is missing is left out; None where a row needs no label.
    """

    def __init__(self, *, exclude: Sequence[str], complete: Sequence[str], label: str | None) -> None:
        self._filters = [Expression(text) for text in exclude]
        self._complete = [column for column in complete if column != label]
        self._label = label
        self.left_out: dict[str, int] = {}
        """Reason -> rows; each row counts once, under its first reason."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns it looks at, each once."""
        named = [name for one in self._filters for name in one.columns]
        return tuple(dict.fromkeys([*named, *self._complete, *([self._label] if self._label else [])]))

    def keep(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows that stay.

        Args:
            batch: n rows with the columns it looks at.

        Returns:
            At most n rows, in order.

        Raises:
            UserError: a column is not there, or an expression does not fit it.
        """
        for one in self._filters:
            try:
                one.check(kinds(batch.schema))
            except ValueError as error:
                raise UserError(f"data.exclude: {error}") from error
            shown = one.text if len(one.text) <= SHOWN else f"{one.text[: SHOWN - 3]}..."
            batch = self.drop(batch, row_expressions.matches(one, batch), shown)
        for name in (*self._complete, *([self._label] if self._label else [])):
            at = batch.schema.get_field_index(name)
            # A column that is not there at all is for the gate to refuse.
            if at >= 0 and batch.column(at).null_count:
                reason = BLANK_LABEL if name == self._label else f"missing {name}"
                batch = self.drop(batch, pc.is_null(batch.column(at)), reason)
        return batch

    def drop(self, batch: pa.RecordBatch, named: pa.Array, reason: str) -> pa.RecordBatch:
        """Leave rows out.

        Args:
            batch: n rows.
            named: n truths: which to leave out.
            reason: Under which they are counted.
        """
        kept = batch.filter(pc.invert(named))
        if len(kept) < len(batch):
            self.left_out[reason] = self.left_out.get(reason, 0) + len(batch) - len(kept)
        return kept


def check_labels(left_out: Mapping[str, int], kept: int, *, column: str, most: float) -> None:
    """See that not too many rows lack a label.

    Args:
        left_out: Reason -> rows.
        kept: Rows that stayed.
        column: The label's column.
        most: Largest share of the rows that may lack it.

    Raises:
        UserError: more lack it.
    """
    blank = left_out.get(BLANK_LABEL, 0)
    if blank > most * (blank + kept):
        raise UserError(
            f"the label {column!r} is blank in {blank:,} of {blank + kept:,} rows, more than data.max_null_label = "
            f"{most:g}: fill them in, or raise that share"
        )


def sentence(left_out: Mapping[str, int]) -> str:
    """What was left out, as the end of a line; empty where nothing was."""
    parts = [f"{count:,} {reason}" for reason, count in left_out.items() if count]
    return f"; left out: {', '.join(parts)}" if parts else ""


def kinds(schema: pa.Schema) -> dict[str, str]:
    """Column name -> INT, FLOAT or BYTES."""

    def kind(field: Any) -> str:
        if pa.types.is_integer(field.type):
            return "INT"
        return "FLOAT" if pa.types.is_floating(field.type) else "BYTES"

    return {field.name: kind(field) for field in schema}
