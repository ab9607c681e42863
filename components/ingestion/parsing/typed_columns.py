"""Conversion of text columns to the types of the schema, for all formats whose cells are text."""

from collections.abc import Callable, Iterable, Mapping

import pyarrow as pa

from components.ingestion.parsing import casting
from errors import UserError
from spec.cells.cleaning import Cleaning


def typed(
    path: str,
    texts: Iterable[tuple[str, pa.Array]],
    columns: Mapping[str, str],
    cleaning: Cleaning,
    place: Callable[[int], str],
    hint: Callable[[str], str] = lambda value: "",
) -> pa.RecordBatch:
    """Convert a batch of columns.

    Args:
        path: The file.
        texts: Column name and its n cells, cleaned.
        columns: Column name -> INT, FLOAT or BYTES; one that is not named is BYTES.
        cleaning: The rules of all columns.
        place: Names the place of a row of the batch, from 0, in the file.
        hint: Returns a possible cause for a cell that does not fit, as the end of a sentence.

    Returns:
        The columns in the same order.

    Raises:
        UserError: a cell does not fit; names file, column and place.
    """
    names, converted = [], []
    for name, column in texts:
        kind = columns.get(name, "BYTES")
        try:
            converted.append(casting.cast(column, kind, cleaning.rules(name)))
        except casting.BadCellError as error:
            raise UserError(
                f"{path}: column {name!r}, {place(error.row)}: conversion error to {casting.ARROW_TYPES[kind]}: "
                f"invalid value {error.value!r}{error.expected}{hint(error.value)}"
            ) from error
        names.append(name)
    return pa.RecordBatch.from_arrays(converted, names)
