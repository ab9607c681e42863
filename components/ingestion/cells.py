"""Cells of text: blanks around them, tokens that stand for a missing value, and the numbers that they are."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

ARROW_TYPES = {"INT": pa.int64(), "FLOAT": pa.float32(), "BYTES": pa.string()}
"""Schema type -> Arrow type."""


class BadCellError(ValueError):
    """A cell is no number.

    Args:
        row: Its place in the array, from 0.
        value: What it holds.
    """

    def __init__(self, row: int, value: str) -> None:
        super().__init__(value)
        self.row = row
        self.value = value


def tidy(column: pa.Array, blank: Sequence[str], trim: bool) -> pa.Array:
    """Take blanks around texts away, and make null of blank tokens; a column of another type stays as it is.

    Args:
        column: Array of n cells.
        blank: Tokens that stand for a missing value.
        trim: Whether blanks around a text go.

    Returns:
        Array of n cells.
    """
    if not pa.types.is_string(column.type):
        return column
    if trim:
        column = pc.utf8_trim_whitespace(column)
    named = pc.is_in(column, value_set=pa.array(blank, pa.string()))
    if pc.any(named).as_py():
        return pc.if_else(named, pa.scalar(None, pa.string()), column)
    return column


def convert(texts: pa.Array, kind: str) -> pa.Array:
    """Texts as a schema's type.

    Args:
        texts: String array of n cells.
        kind: INT, FLOAT or BYTES.

    Returns:
        Array of n cells: int64, float32 or string.

    Raises:
        BadCellError: a cell is no such number.
    """
    if kind == "BYTES":
        return texts
    # Arrow knows no sign but minus.
    texts = pc.replace_substring_regex(texts, r"^\+([0-9.])", r"\1")
    try:
        return pc.cast(texts, ARROW_TYPES[kind])
    except pa.ArrowInvalid:
        pass
    low, high = 0, len(texts)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            pc.cast(texts.slice(low, middle - low), ARROW_TYPES[kind])
            low = middle
        except pa.ArrowInvalid:
            high = middle
    raise BadCellError(low, texts[low].as_py())


def looks_like(texts: pa.Array, before: str | None) -> str | None:
    """The narrowest type that holds texts, and what came before them.

    A number that starts with a needless 0 is a text: a postcode or a key would lose it.

    Args:
        texts: String array.
        before: The type so far.

    Returns:
        INT, FLOAT, BYTES, or None where all so far is null.
    """
    if before == "BYTES" or texts.null_count == len(texts):
        return before
    if pc.any(pc.match_substring_regex(texts, r"^[+-]?0\d")).as_py():
        return "BYTES"
    if before != "FLOAT":
        try:
            pc.cast(texts, pa.int64())
            return "INT"
        except pa.ArrowInvalid:
            pass
    try:
        pc.cast(texts, pa.float64())
    except pa.ArrowInvalid:
        return "BYTES"
    # Digits beyond int64 are a key, whose last ones a float would lose.
    keys = pc.match_substring_regex(texts, r"^[+-]?\d{19,}$")
    return "BYTES" if pc.any(keys).as_py() else "FLOAT"
