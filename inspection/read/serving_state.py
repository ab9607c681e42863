"""What serves, as the serving folder itself says: its versions, and the models that their records name."""

import os
from dataclasses import dataclass

from serving import versions

SAVED = "Format-Serving"
"""Folder of a model's artifact that is copied to the serving folder, as TFX names it."""


@dataclass(frozen=True, kw_only=True)
class Served:
    """A version in a pipeline's serving folder.

    Attributes:
      number: Its number.
      path: Its folder, links followed.
      model: Folder of the model's artifact that its record names, links followed; None where it names none here.
      newest: Whether it is the one that serves.
      ours: Whether this pipeline pushed it, as its record says.
    """

    number: int
    path: str
    model: str | None
    newest: bool
    ours: bool


def listed(home: str) -> list[Served]:
    """Lists what is in a pipeline's serving folder, as TF Serving would choose from it.

    Args:
      home: The pipeline's folder.
    """
    folder = os.path.join(home, "serving")
    numbers = versions.pushed(folder)
    found = []
    for number in numbers:
        told, path = versions.read(folder, number), versions.path(folder, number)
        found.append(
            Served(
                number=number,
                path=os.path.realpath(path),
                model=_model(home, told.model),
                newest=number == numbers[-1],
                ours=told.ours,
            )
        )
    return found


def _model(home: str, named: str | None) -> str | None:
    named = (named or "").removeprefix("file://")
    return os.path.realpath(os.path.join(home, named)) if named and "://" not in named else None


def digest(folder: str) -> str | None:
    """Returns the digest of a model's files, as its version's record has it; None where they cannot be read."""
    try:
        return versions.digest(folder)
    except (OSError, ValueError):
        return None


def saved(artifacts: str) -> dict[str, set[str]]:
    """Maps digests of saved models to the artifacts that hold them, for versions whose record names no model.

    Args:
      artifacts: The pipeline's folder of artifacts: NODE/KEY/EXECUTION.
    """
    found: dict[str, set[str]] = {}
    for key in (key for node in _folders(artifacts) for key in _folders(node)):
        for execution in _folders(key):
            if os.path.isdir(path := os.path.join(execution, SAVED)):
                found.setdefault(digest(path) or "", set()).add(execution)
    return found


def _folders(path: str) -> list[str]:
    """Folders in a folder; links are not followed."""
    entries = sorted(os.scandir(path), key=lambda entry: entry.name) if os.path.isdir(path) else []
    return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
