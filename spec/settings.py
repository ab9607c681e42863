"""Transport of a stage's settings to its worker.

ML Metadata on PostgreSQL rejects strings over about 2,700 bytes, so long settings are stored in a file named by the
digest of its content and passed as a reference; short ones, and those of a compiled cloud job, are passed inline.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

from spec.artifacts import atomic_files

INLINE_BYTES = 1500
"""Longest JSON text that is passed inline if there is a folder for files."""


def pack(settings: Mapping[str, Any], folder: str | None) -> dict[str, Any]:
    """Convert settings to an execution property.

    Args:
        settings: JSON-able values.
        folder: Folder for long texts; None passes everything inline.

    Returns:
        `{"inline": settings}` or `{"file": path, "sha256": digest}`.
    """
    text = json.dumps(settings, sort_keys=True)
    # ML Metadata quotes a backslash wrongly for PostgreSQL, which then rejects the statement.
    if folder is None or (len(text) <= INLINE_BYTES and "\\" not in text):
        return {"inline": dict(settings)}
    digest = hashlib.sha256(text.encode()).hexdigest()
    path = os.path.join(folder, f"{digest[:16]}.json")
    os.makedirs(folder, exist_ok=True)
    # Several processes may write the same file at the same time.
    atomic_files.write(path, text, draft=f"{path}.{os.getpid()}.partial")
    return {"file": path, "sha256": digest}


def unpack(packed: Mapping[str, Any]) -> dict[str, Any]:
    """Restore the settings from the result of `pack`.

    Raises:
        ValueError: The file was changed.
    """
    if "inline" in packed:
        return dict(packed["inline"])
    with open(packed["file"], "rb") as file:
        text = file.read()
    if hashlib.sha256(text).hexdigest() != packed["sha256"]:
        raise ValueError(f"{packed['file']} was changed since the run started: run again to rewrite it")
    settings: dict[str, Any] = json.loads(text)
    return settings
