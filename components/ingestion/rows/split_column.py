"""Values of a column that names the split of each row."""

from collections.abc import Mapping
from typing import Any

from spec.rows.data_paths import SPLITS


def cell_text(value: Any) -> str | None:
    """Return a cell as a string."""
    if value is None:
        return None
    return value.decode() if isinstance(value, bytes) else str(value)


def named_split(text: str | None, values: Mapping[str, str]) -> str | None:
    """Return the split that a cell names; None if it names none.

    Args:
        text: The cell.
        values: data.split.values.
    """
    return None if text is None else values.get(text, text if text in SPLITS else None)


def unknown_split(column: str, text: str | None, values: Mapping[str, str]) -> str:
    """Return why a row has no split and how to fix it; arguments as for `named_split`."""
    expected = [*values, *(name for name in SPLITS if name not in values)]
    fault = "is null" if text is None else f"holds {text!r}"
    return (
        f"column {column!r}, which data.split.column names, {fault}; expected {', '.join(expected)}: map other values "
        f"as in "
        'data.split.values = {VALUE = "train"}'
    )
