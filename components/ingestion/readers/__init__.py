"""Readers of data files, one per format, which convert files to Arrow batches.

A reader is a module of this package, or of the user's project, that has the attributes of `Reader`. `data.format` names
it: by the file's name here, else by the dotted path of the module.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from components.ingestion.omissions import Omissions
from errors import UserError
from spec.data import Data


class NoRowsError(UserError):
    """A file that has no rows."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """Properties of a format that the pipeline needs before it opens a file.

    Attributes:
        extensions: Ends of file names, in lower case and without a compression's, such as ".csv". Those of the readers
            in this package select the format if `data.format` is unset.
        infixes: Parts of file names, in lower case, that select the format, with any extension.
        keys: Keys of [data] that apply to some formats only and to this one: "csv", "sheet", "image", "drop",
            "partitions", "vectors". Any other of these keys is an error beside the format.
        csv_keys: Keys of `csv` that apply; the others do nothing and are an error. None: all.
        is_table: Whether the columns are those of the files.
        is_folder: Whether a data path is a folder that is read as one.
        is_csv: Whether the files are CSV text, so that rows have line numbers.
        is_cleaned: Whether cells are cleaned as [data] says: null values, whitespace, numbers and dates. A served model
            then cleans them too.
        is_untyped: Whether all cells are text, so that `new` derives the type of a column from its values.
        any_byte_is_row: Whether each file that is not empty holds a row.
        added_columns: Columns that the reader adds to identify a row, such as a file's path; never features.
        companion: Returns the path of the file that is read together with a file, such as labels with images.
        is_companion: Returns whether a path is such a second file, which is not data by itself.
    """

    extensions: tuple[str, ...] = ()
    infixes: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    csv_keys: tuple[str, ...] | None = None
    is_table: bool = True
    is_folder: bool = False
    is_csv: bool = False
    is_cleaned: bool = False
    is_untyped: bool = False
    any_byte_is_row: bool = False
    added_columns: tuple[str, ...] = ()
    companion: Callable[[str], str] | None = None
    is_companion: Callable[[str], bool] = lambda path: False


class Reader(Protocol):
    """A module that reads one format.

    It may also define `unreadable(path, data)`, which returns column -> reason for columns without a schema type, and
    `lengths(path, data)`, which returns columns of lists of numbers -> length of the lists, None for several lengths.
    """

    FORMAT: Format

    def batches(
        self, path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Read the rows of one file.

        Args:
            path: A file of this machine, or an address in a bucket.
            data: [data].
            columns: Column name -> INT, FLOAT or BYTES.
            omissions: Records skipped, dropped, cut and converted parts.

        Yields:
            Batches whose columns are int64, float32, string or binary.

        Raises:
            UserError: the file cannot be read; names file, row and column.
        """

    def types(
        self, path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None
    ) -> dict[str, str]:
        """Return the columns of one file, in order, with their types: those of `columns`, else inferred ones."""

    def look(self, path: str, data: Data, omissions: Omissions | None = None) -> list[str]:
        """Check that a file can be read and holds a row, and return the names of its columns, in order.

        Raises:
            NoRowsError: the file holds no rows.
            UserError: the file cannot be read.
        """
