"""What can be found wrong before the first stage, without TensorFlow."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any

from components.ingestion import files, sources
from errors import ResourceError, UserError
from pipeline.data import Data
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


def check_data(paths: files.Paths, data: Data, *, config: str, columns: Iterable[str], label: str | None) -> None:
    """See that the data's files are there, can be read, and hold the schema's columns and a row.

    Args:
        paths: Paths and patterns under the data root.
        data: [data].
        config: The config's name, for the message.
        columns: Columns of the schema.
        label: The label's column, if there is one.

    Raises:
        UserError: all findings, one a line.
    """
    settings = data.model_dump(mode="json")
    try:
        found = files.resolve(paths, settings)
    except UserError as error:
        raise UserError(f"{config}: {error}") from error
    wanted = list(columns)
    findings = [finding for file in found for finding in _check_file(file.path, settings, wanted, label)]
    if findings:
        raise UserError("\n".join(findings))


def _check_file(path: str, settings: dict[str, Any], columns: list[str], label: str | None) -> Iterator[str]:
    try:
        names = sources.look(path, settings)
    except UserError as error:
        yield str(error)
        return
    for column in sorted({column for column in names if names.count(column) > 1}):
        yield f"{path}: two columns are named {column!r}: rename one"
    for column in columns:
        if column not in names:
            word = "the label column" if column == label else "column"
            yield f"{path}: {word} {column!r} of the schema is missing.{nearest(column, names)}"
