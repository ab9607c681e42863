"""Data files without rows, such as a distributed job leaves: skipped if others hold rows."""

import contextlib
from collections.abc import Sequence

from components.ingestion import sources
from components.ingestion.discovery import compression, formats, opening
from components.ingestion.discovery.data_files import DataFile
from components.ingestion.omissions import Omissions
from components.ingestion.readers import NoRowsError
from errors import UserError
from spec.data import Data

REASON = "it holds no rows"


def without(files: Sequence[DataFile], data: Data, omissions: Omissions) -> list[DataFile]:
    """Return the files that hold rows; all files if none does, so that reading them fails with the reason.

    Args:
        files: The data's files.
        data: [data].
        omissions: Records the other files.
    """
    if len(files) < 2:
        return list(files)
    filled = [file for file in files if not _is_empty(file.path, data)]
    if not filled:
        return list(files)
    for file in files:
        if file not in filled:
            omissions.add("file", REASON, file.path.rpartition("/")[2])
    return filled


def _is_empty(path: str, data: Data) -> bool:
    form = formats.of(path, data.format)
    if form is None or not form.is_table:
        return False
    # Any other fault of a file is reported when it is read.
    with contextlib.suppress(UserError, *compression.FAULTS):
        with contextlib.closing(opening.open_unpacked(path)) as file:
            if not file.read(1):
                return True
        if form.any_byte_is_row:
            return False
        try:
            sources.look(path, data)
        except NoRowsError:
            return True
    return False
