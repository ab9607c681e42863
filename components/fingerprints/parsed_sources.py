"""Cache of parsed module sources, shared by processes, because parsing all of them takes a second.

The key of an entry is a digest of the source, so that a file's name and modification time have no effect. The file is
stored in the repository, next to the code: a user who can write it could edit the code as well.
"""

import contextlib
import functools
import hashlib
import json
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import project
from components.fingerprints import source_imports
from components.fingerprints.source_imports import Source
from spec.artifacts import atomic_files

FOLDER, FILE = ".imports_cache", "parsed.json"
KEPT = 4_000
"""Largest number of entries; the oldest are dropped."""
_new: dict[str, Any] = {}


def rules(path: str) -> str:
    """Return the digest of a parser: of its module's source and the Python version."""
    return hashlib.sha256(Path(path).read_bytes() + platform.python_version().encode()).hexdigest()


_RULES = rules(source_imports.__file__)


@functools.lru_cache(maxsize=4096)
def read(package: str, text: bytes) -> Source:
    """Return imports and possible file paths of a module, parsed now or earlier.

    Args:
        package: Package of the module, for relative imports.
        text: Its source.

    Raises:
        SyntaxError: it is not Python.
    """

    def parse() -> list[list[str]]:
        source = source_imports.read(package, text)
        return [sorted(source.imports), sorted(source.paths)]

    imports, paths = cached(f"{_RULES} {package}", text, parse)
    return Source(frozenset(imports), frozenset(paths))


def cached(made_by: str, text: bytes, parse: Callable[[], Any]) -> Any:
    """Return the result of a parser for a source, from the cache or parsed now.

    Args:
        made_by: Key of the result apart from the source: digest of the parser, and its arguments.
        text: The source.
        parse: The parser; its result is as JSON keeps it.
    """
    key = hashlib.sha256(made_by.encode() + b"\0" + text).hexdigest()
    entry = _stored(_path()).get(key)
    if entry is None:
        entry = _new[key] = parse()
    return entry


def save() -> None:
    """Store the entries that were made since the last call; without an effect if the repository cannot be written."""
    if not _new:
        return
    path = _path()
    # Another process may have stored some meanwhile.
    _stored.cache_clear()
    entries = {**_stored(path), **_new}
    body = json.dumps(dict(list(entries.items())[-KEPT:]))
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        atomic_files.write(path, f"{_checksum(body)}\n{body}", draft=f"{path}.{os.getpid()}")
    _new.clear()
    _stored.cache_clear()


def _path() -> str:
    return os.path.join(project.REPOSITORY, FOLDER, FILE)


@functools.lru_cache(maxsize=1)
def _stored(path: str) -> dict[str, Any]:
    """Return key -> result of a parser; empty if there is no file, or it is damaged."""
    try:
        with open(path, encoding="utf-8") as file:
            checksum, _, body = file.read().partition("\n")
    except (OSError, ValueError):
        return {}
    return dict(json.loads(body)) if checksum == _checksum(body) else {}


def _checksum(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
