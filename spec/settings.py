"""How a stage's settings reach the code on a worker.

ML Metadata on PostgreSQL refuses strings over about 2,700 bytes, so long settings travel as a small reference to a
file that is named by the digest of its content, and short ones (and those of a compiled cloud job) in line.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

INLINE_BYTES = 1500
"""Longest JSON text that travels in line when a folder for files is given."""


def pack(settings: Mapping[str, Any], folder: str | None) -> dict[str, Any]:
    """Make settings fit for an execution property.

    Args:
        settings: JSON-able values.
        folder: Where a long text is kept; None keeps everything in line.

    Returns:
        `{"inline": settings}` or `{"file": path, "sha256": digest}`.
    """
    text = json.dumps(settings, sort_keys=True)
    # ML Metadata quotes a backslash wrongly for PostgreSQL, which then refuses the statement.
    if folder is None or (len(text) <= INLINE_BYTES and "\\" not in text):
        return {"inline": dict(settings)}
    digest = hashlib.sha256(text.encode()).hexdigest()
    path = os.path.join(folder, f"{digest[:16]}.json")
    os.makedirs(folder, exist_ok=True)
    partial = f"{path}.{os.getpid()}.partial"
    with open(partial, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(partial, path)
    return {"file": path, "sha256": digest}


def unpack(packed: Mapping[str, Any]) -> dict[str, Any]:
    """Read back what `pack` made.

    Raises:
        ValueError: the file is not the one that was written.
    """
    if "inline" in packed:
        return dict(packed["inline"])
    with open(packed["file"], "rb") as file:
        text = file.read()
    if hashlib.sha256(text).hexdigest() != packed["sha256"]:
        raise ValueError(f"{packed['file']} was changed since the run was made; run again to write it anew")
    settings: dict[str, Any] = json.loads(text)
    return settings
