"""Lists of numbers as columns: `data.vectors` names the column of lists and their length."""

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from components.ingestion.parsing import casting
from errors import UserError
from spec.data import Data

LONGEST = 256
"""Longest lists for which `new` proposes a column per number."""


def parts(name: str, length: int) -> list[str]:
    """Return the names of the columns of a column of lists."""
    return [f"{name}.{position}" for position in range(length)]


def expanded(names: Iterable[str], data: Data) -> list[str]:
    """Return columns with those of its numbers in place of a column of lists."""
    return [part for name in names for part in (parts(name, data.vectors[name]) if name in data.vectors else [name])]


def columns(path: str, name: str, lists: pa.Array, length: int, row: int) -> list[pa.Array]:
    """Split lists into a column per place; a null list is null in each.

    Args:
        path: The file.
        name: The column.
        lists: n lists of numbers.
        length: Length that each must have.
        row: Number of rows of the file before these.

    Raises:
        UserError: a list has another length; names file, column and row.
    """
    lengths = pc.list_value_length(lists)
    first_invalid = pc.index(pc.fill_null(pc.equal(lengths, length), True), False).as_py()
    if first_invalid >= 0:
        problem = wrong_length(lengths[first_invalid].as_py(), length)
        raise UserError(f"{path}: column {name!r}, row {row + first_invalid + 1}: {problem}")
    return [pc.list_element(lists, position) for position in range(length)]


def wrong_length(actual: int, length: int) -> str:
    """Return the message for a list of the wrong length."""
    return (
        f"a list of {actual:,} numbers, and data.vectors says {length:,}: fix the list, or drop the column with "
        f"data.drop"
    )


def is_numbers(type_: pa.DataType) -> bool:
    """Return whether a type is that of lists of numbers."""
    is_list = pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_)
    return is_list and casting.kind_of(type_.value_type) in ("INT", "FLOAT")


def shared(lengths: Iterable[Mapping[str, int | None]]) -> dict[str, int]:
    """Return the list columns whose lists all have the same length, from 1 to LONGEST, in all parts of the data.

    Args:
        lengths: For each part, column -> length of its lists; None for several lengths, or elements that are not
            numbers.
    """
    common_lengths: dict[str, int | None] = {}
    for part in lengths:
        common_lengths |= {
            name: length if common_lengths.get(name, length) == length else None for name, length in part.items()
        }
    return {name: length for name, length in common_lengths.items() if length is not None and 0 < length <= LONGEST}
