"""Objects of a bucket, for a proposal."""

import dataclasses
import os
from dataclasses import dataclass

from components.ingestion.discovery import bucket_files
from curation.look import reading
from curation.look.reading import Found
from errors import UserError
from spec.rows import data_paths

WHY = "in a bucket: each run copies what has changed there"


@dataclass(frozen=True)
class InBucket:
    """An address that stands for a path.

    Attributes:
        path: An object, a pattern of objects or a folder.
        folder: Where its copies are kept.
    """

    path: str
    folder: str


def read(there: InBucket, root: str) -> Found:
    """Copy objects, and read them as files; what is said of the copies is said of the objects.

    Args:
        there: Their address.
        root: The project folder.

    Raises:
        UserError: there is no such object, or it cannot be read.
        ResourceError: the bucket cannot be used.
    """
    copies = bucket_files.copied(there.path, there.folder)
    address, local = bucket_files.home(there.path, there.folder)
    inside = os.path.relpath(local, root)

    def named(text: str) -> str:
        return text.replace(local, address).replace(inside, address)

    try:
        found = reading.read(str(copies.paths), root)
    except UserError as error:
        raise UserError(named(str(error))) from error
    lines = []
    for line in found.lines:
        if line.key == "path":
            _, apart, rest = line.why.partition("splits by file name")
            why = f"{WHY}; {apart}{rest}" if apart else WHY if line.active else line.why
            lines.append(dataclasses.replace(line, value=data_paths.mapped(line.value, named), why=named(why)))
        else:
            lines.append(dataclasses.replace(line, why=named(line.why)))
    return dataclasses.replace(found, lines=tuple(lines), said=tuple(map(named, found.said)))
