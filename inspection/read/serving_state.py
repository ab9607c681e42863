"""Versions in the serving folder, and the models that their records name."""

import os
from dataclasses import dataclass

from serving import versions

SAVED = "Format-Serving"
"""TFX's name of the folder of a Model artifact that is copied to the serving folder."""


@dataclass(frozen=True, kw_only=True)
class Served:
    """A version in a pipeline's serving folder.

    Attributes:
      number: Number of the version.
      path: Folder of the version, with links resolved.
      model: Folder of the Model artifact in its record, with links resolved; None if the record names no local folder.
      newest: Whether it is the newest version, which serves.
      ours: Whether this pipeline pushed it, according to its record.
    """

    number: int
    path: str
    model: str | None
    newest: bool
    ours: bool


def listed(home: str) -> list[Served]:
    """List the versions in a pipeline's serving folder, as TF Serving sees them.

    Args:
      home: The pipeline's folder.
    """
    folder = os.path.join(home, "serving")
    numbers = versions.pushed(folder)
    served = []
    for number in numbers:
        record, path = versions.read(folder, number), versions.path(folder, number)
        served.append(
            Served(
                number=number,
                path=os.path.realpath(path),
                model=_model(home, record.model),
                newest=number == numbers[-1],
                ours=record.ours,
            )
        )
    return served


def _model(home: str, uri: str | None) -> str | None:
    uri = (uri or "").removeprefix("file://")
    return os.path.realpath(os.path.join(home, uri)) if uri and "://" not in uri else None


def digest(folder: str) -> str | None:
    """Return the digest of a model's files, as in the record of a version; None if they cannot be read."""
    try:
        return versions.digest(folder)
    except (OSError, ValueError):
        return None


def saved(artifacts: str) -> dict[str, set[str]]:
    """Map digests of saved models to the artifacts that contain them, for versions whose record has no model.

    Args:
      artifacts: The pipeline's folder of artifacts: NODE/KEY/EXECUTION.
    """
    folders_by_digest: dict[str, set[str]] = {}
    for key in (key for node in _folders(artifacts) for key in _folders(node)):
        for execution in _folders(key):
            if os.path.isdir(path := os.path.join(execution, SAVED)):
                folders_by_digest.setdefault(digest(path) or "", set()).add(execution)
    return folders_by_digest


def _folders(path: str) -> list[str]:
    """Return the folders in a folder; links are not followed."""
    entries = sorted(os.scandir(path), key=lambda entry: entry.name) if os.path.isdir(path) else []
    return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
