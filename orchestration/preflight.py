"""What can be found wrong before the first stage, without TensorFlow."""

import csv
import gzip
import os
import tempfile
import zlib
from collections.abc import Iterable

from errors import ResourceError, UserError
from pipeline.load import nearest


def check_root(root: str) -> None:
    """See that the root folder can be written.

    Raises:
        ResourceError: it cannot.
    """
    try:
        os.makedirs(root, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=root, prefix=".preflight-"):
            pass
    except OSError as error:
        raise ResourceError(
            f"{root} cannot be written ({error.strerror}): choose another folder with --root, or mend its rights"
        ) from error


def check_data(path: str, *, config: str, columns: Iterable[str], label: str) -> None:
    """See that a CSV file is there and holds the schema's columns and a row.

    Args:
        path: The file.
        config: The config's name, for the message.
        columns: Columns of the schema.
        label: The label's column.

    Raises:
        UserError: all findings, one a line.
    """
    if not os.path.isfile(path):
        raise UserError(f"{config}: data.path: there is no file {path}. Put it there, or mend the path")
    header, row = _head(path)
    if not header:
        raise UserError(f"{path} is empty: it needs a header line and rows")
    if row is None:
        raise UserError(f"{path} holds a header line and no rows")
    findings = []
    for column in sorted({column for column in header if header.count(column) > 1}):
        findings.append(f"{path}: two columns are named {column!r}: rename one")
    for column in columns:
        if column not in header:
            word = "the label column" if column == label else "column"
            findings.append(f"{path}: {word} {column!r} of the schema is missing.{nearest(column, header)}")
    if findings:
        raise UserError("\n".join(findings))


def _head(path: str) -> tuple[list[str], list[str] | None]:
    """Header and first row of a CSV file."""
    opener = gzip.open if path.endswith(".gz") else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            return next(reader, []), next(reader, None)
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 (byte {error.start}): convert it, as with iconv -t utf-8") from error
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
