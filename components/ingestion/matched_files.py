"""Record of the files that a run read: path, digest, size, span and rows of each."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import project
from components.fingerprints import code_digest
from components.ingestion.discovery import data_files, opening
from components.ingestion.discovery.data_files import DataFile
from spec.rows.data_paths import is_remote


def describe(files: Sequence[DataFile], rows: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    """Describe the files of the data.

    Args:
        files: All files that the paths of the config match.
        rows: Path -> split -> rows that were kept; a file without rows is absent.

    Returns:
        For each file: `path`, relative to the project if it is inside; `digest`, the first 16 hex digits of its
        SHA-256, or for a folder of images one of names and contents; `bytes`; `span` as messages show it; `version`;
        `rows` by split. Digest and size are None for a file of a bucket.
    """
    return [_described(file, rows.get(file.path, {})) for file in files]


def _described(file: DataFile, rows: Mapping[str, int]) -> dict[str, Any]:
    digest, size = None, None
    if not is_remote(file.path):
        paths = [*opening.within(file.path), *file.companions]
        is_file = paths == [file.path] and os.path.exists(file.path)
        digest = code_digest.file(file.path) if is_file else data_files.content([file])
        size = sum(os.path.getsize(path) for path in paths if os.path.exists(path))
    return {
        "path": project.portable(file.path),
        "digest": digest,
        "bytes": size,
        "span": file.span.shown if file.span else None,
        "version": file.version,
        "rows": dict(rows),
    }
