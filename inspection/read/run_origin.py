"""Sentences on the inputs of a run, from run.json: files, revision of the code, libraries."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_COMMIT = 12
"""Digits of a commit in a line; git accepts them as its name."""
_CHANGED = 4
"""Changed files that a line names."""


def file_line(file: Mapping[str, Any]) -> str:
    """Return path, span, rows, size and digest of a file."""
    parts = [str(file.get("path"))]
    parts += [f"span {file['span']}"] if file.get("span") is not None else []
    parts += [f"{rows_of(file):,} rows"]
    parts += [f"{file['bytes']:,} bytes"] if isinstance(file.get("bytes"), int) else []
    parts += [f"digest {file['digest']}"] if file.get("digest") else []
    return ", ".join(parts)


def rows_of(file: Mapping[str, Any]) -> int:
    """Return the number of rows that were read from a file, of all splits."""
    rows = file.get("rows")
    return sum(count for count in rows.values() if isinstance(count, int)) if isinstance(rows, Mapping) else 0


def revision_line(revision: Mapping[str, Any]) -> str:
    """Return folder and commit, and whether files differ from it."""
    names = [str(name) for name in revision.get("changed") or ()]
    more = f" and {len(names) - _CHANGED} more" if len(names) > _CHANGED else ""
    state = f", with uncommitted changes: {', '.join(names[:_CHANGED])}{more}" if revision.get("dirty") else ", clean"
    return f"commit {str(revision.get('commit'))[:_COMMIT]} of {revision.get('folder')}{state}"


def overrides(command: Sequence[str]) -> Iterator[str]:
    """Yield the `key=value` of each --set of a command line."""
    for word, following in itertools.pairwise([*command, ""]):
        if word == "--set":
            yield following
        elif word.startswith("--set="):
            yield word.removeprefix("--set=")
