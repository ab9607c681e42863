"""A reader of your own, in one file: ARFF, the text format of Weka.

Put the file into your project folder and name it in the config: `path = "data/NAME.arff"` and `format = "my_reader"`
under [data]. It becomes part of the cache key: after an edit, ingestion and all later stages run again.
"""

from collections.abc import Iterator, Mapping

import pyarrow as pa

from components.ingestion.omissions import Omissions
from components.ingestion.parsing import casting
from components.ingestion.readers import Format, NoRowsError
from errors import UserError
from spec.data import Data

FORMAT = Format()  # a table; keys of [data] that this reader does not use, such as `csv`, are errors
TYPES = {"integer": "INT", "numeric": "FLOAT", "real": "FLOAT"}


def batches(
    path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None
) -> Iterator[pa.RecordBatch]:
    """Read the rows, with the types of the schema; "?" is null."""
    declared, rows = _parse(path)
    arrays = []
    for index, name in enumerate(declared):
        texts = pa.array([None if cells[index] == "?" else cells[index] for _, cells in rows], pa.string())
        try:
            arrays.append(casting.convert(texts, columns.get(name, "BYTES")))
        except casting.BadCellError as error:
            line = rows[error.row][0]
            raise UserError(f"{path}, line {line}: column {name!r}: {error.value!r} is not a number") from error
    yield pa.RecordBatch.from_arrays(arrays, list(declared))


def types(path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None) -> dict[str, str]:
    """Return the columns with their types: those of the schema, else those that the file declares."""
    return {name: columns.get(name, kind) for name, kind in _parse(path)[0].items()}


def look(path: str, data: Data, omissions: Omissions | None = None) -> list[str]:
    """Check that the file holds a row, and return the names of its columns."""
    declared, rows = _parse(path)
    if not rows:
        raise NoRowsError(f"{path} holds no rows: write them below the line @data")
    return list(declared)


def _parse(path: str) -> tuple[dict[str, str], list[tuple[int, list[str]]]]:
    """Return the declared columns with their types, and the line number and cells of each row."""
    with open(path, encoding="utf-8") as file:
        lines = [(number, line.strip()) for number, line in enumerate(file, 1) if line.strip() and line[0] != "%"]
    words = [line.split(None, 2) for _, line in lines if line.lower().startswith("@attribute ")]
    rows = [(number, line.split(",")) for number, line in lines if not line.startswith("@")]
    return {name: TYPES.get(kind.lower(), "BYTES") for _, name, kind in words}, rows
