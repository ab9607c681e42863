"""Splits that a column names: what its cells mean."""

from collections.abc import Mapping
from typing import Any

from spec.rows.data_paths import SPLITS


def cell_text(value: Any) -> str | None:
    """A cell as a text."""
    if value is None:
        return None
    return value.decode() if isinstance(value, bytes) else str(value)


def named_split(text: str | None, values: Mapping[str, str]) -> str | None:
    """The split that a cell names; None where it names none.

    Args:
        text: The cell.
        values: data.split.values.
    """
    return None if text is None else values.get(text, text if text in SPLITS else None)


def unknown_split(column: str, text: str | None, values: Mapping[str, str]) -> str:
    """Why a row has no split, and what to do; arguments as of `named_split`, and the column."""
    known = [*values, *(name for name in SPLITS if name not in values)]
    what = "is blank" if text is None else f"holds {text!r}"
    return (
        f"column {column!r}, which data.split.column names, {what}; it may hold {', '.join(known)}: name others as "
        'data.split.values = {VALUE = "train"}'
    )
