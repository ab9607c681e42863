"""What can be found wrong before the first stage, without TensorFlow."""

import codecs
import csv
import gzip
import io
import os
import tempfile
import zlib
from collections.abc import Iterable
from typing import BinaryIO, cast

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


def check_data(path: str, *, config: str, columns: Iterable[str], label: str | None) -> None:
    """See that a CSV file is there and holds the schema's columns and a row.

    Args:
        path: The file.
        config: The config's name, for the message.
        columns: Columns of the schema.
        label: The label's column, if there is one.

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
    try:
        with _open(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
            # Arrow passes over blank lines too.
            rows = (row for row in csv.reader(text) if row)
            return next(rows, []), next(rows, None)
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 (byte {_bad_byte(path)}): convert it, as with iconv -t utf-8") from error
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise UserError(f"{path} cannot be read: {error}") from error


def _open(path: str) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb"))


def _bad_byte(path: str) -> int:
    """Position of the first byte that is not UTF-8, in the unpacked file."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    position = 0
    with _open(path) as file:
        while block := file.read(1 << 16):
            held_back = len(decoder.getstate()[0])
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                return position - held_back + error.start
            position += len(block)
    return position - len(decoder.getstate()[0])
