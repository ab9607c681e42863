"""Objects of a bucket, for a proposal."""

import dataclasses
import os
from dataclasses import dataclass

from components.ingestion.discovery import bucket_files
from curation.look import reading
from curation.look.reading import LoadedData
from errors import UserError
from spec.rows import data_paths

WHY = "in a bucket: each run copies the changed objects"


@dataclass(frozen=True)
class BucketSource:
    """An address that stands for a path.

    Attributes:
        path: An object, a pattern of objects or a folder.
        folder: Where its copies are kept.
    """

    path: str
    folder: str


def read(source: BucketSource, root: str, label: str | None = None) -> LoadedData:
    """Copy objects and read the copies; messages and keys name the objects instead of the copies.

    Args:
        source: Their address.
        root: The project folder.
        label: Label that the user has chosen; None if it is guessed later.

    Raises:
        UserError: there is no such object, or it cannot be read.
        ResourceError: the bucket cannot be used.
    """
    copies = bucket_files.copied(source.path, source.folder)
    address, local = bucket_files.home(source.path, source.folder)
    inside = os.path.relpath(local, root)

    def named(text: str) -> str:
        return text.replace(local, address).replace(inside, address)

    try:
        loaded = reading.read(str(copies.paths), root, label)
    except UserError as error:
        raise UserError(named(str(error))) from error
    lines = []
    for line in loaded.lines:
        if line.key == "path":
            _, separator, splits = line.reason.partition("splits by file name")
            reason = f"{WHY}; {separator}{splits}" if separator else WHY if line.active else line.reason
            lines.append(dataclasses.replace(line, value=data_paths.mapped(line.value, named), reason=named(reason)))
        else:
            lines.append(dataclasses.replace(line, reason=named(line.reason)))
    return dataclasses.replace(loaded, lines=tuple(lines), findings=tuple(map(named, loaded.findings)))
