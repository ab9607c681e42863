"""Files without rows: a job that writes in parts leaves some, and they are passed over beside others."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from components.ingestion import sources
from components.ingestion.discovery import compression, data_files, opening
from components.ingestion.discovery.data_files import DataFile
from components.ingestion.discovery.formats import NoRowsError
from components.ingestion.omissions import Omissions
from errors import UserError
from spec.rows.data_paths import TABLES

REASON = "it holds no rows"


def without(found: Sequence[DataFile], settings: Mapping[str, Any], omissions: Omissions) -> list[DataFile]:
    """Files that hold rows; all of them where none does, so that who reads them says so.

    Args:
        found: The data's files.
        settings: [data] with all its defaults.
        omissions: Takes the others.
    """
    if len(found) < 2:
        return list(found)
    kept = [file for file in found if not _is_empty(file.path, settings)]
    if not kept:
        return list(found)
    for file in found:
        if file not in kept:
            omissions.add("file", REASON, file.path.rpartition("/")[2])
    return kept


def _is_empty(path: str, settings: Mapping[str, Any]) -> bool:
    kind = settings["format"] or data_files.format_of(path)
    if kind not in TABLES:
        return False
    # What else is wrong with a file is said by who reads it.
    with contextlib.suppress(UserError, *compression.FAULTS):
        with contextlib.closing(opening.open_unpacked(path)) as file:
            if not file.read(1):
                return True
        if kind == "tfrecord":
            return False  # its first byte is of a record
        try:
            sources.look(path, settings)
        except NoRowsError:
            return True
    return False
