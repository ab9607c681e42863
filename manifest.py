"""The manifest of an Examples artifact: manifest.json, next to its Split-* folders, lists its files.

Readers open only declared files: a folder may contain files of a previous attempt of the stage, of another run or of
another program. Artifacts without a manifest, of stock TFX or of previous versions, are read if their file names form
one complete set of shards.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from errors import ResourceError

FILE = "manifest.json"
COUNTS = "counts"
"""Folder next to the Split-* folders with the counts of each shard: SHARD.json and so on."""
MARKS = ".marks"
"""Extension of the file with the row profile of a shard."""
AGAIN = "run again: a stage whose output changed is executed again"
"""Fix for a file that is missing or has a different number of records."""
_SHARD = re.compile(r"(?P<stem>.*)-(?P<number>\d{5,})-of-(?P<shards>\d{5,})(?P<ending>(\..*)?)")
_SPLIT = re.compile(r"(?:Split-|split_)(?P<name>.+)")
_OLD_SPLITS = ("train", "eval", "test")
"""Folders of splits before TFX 1.0, without a prefix."""


@dataclass(frozen=True)
class Shard:
    """A file of records.

    Attributes:
        path: Path relative to the artifact's folder.
        rows: Number of records; None if unknown.
    """

    path: str
    rows: int | None = None


@dataclass(frozen=True)
class Manifest:
    """The files of an Examples artifact.

    Attributes:
        splits: Files of each split, in order.
        marks: Files with row profiles, if ingestion wrote any.
    """

    splits: Mapping[str, Sequence[Shard]]
    marks: Sequence[str] = field(default=())


class Storage(Protocol):
    """File access, local or remote."""

    def read(self, path: str) -> bytes | None:
        """Read a file; None if it does not exist."""

    def names(self, folder: str) -> list[str]:
        """List the names in a folder, without slashes; empty if it does not exist."""


def dump(manifest: Manifest) -> str:
    """Serialize a manifest; file names are relative to the folder of their split."""
    splits = {
        split: [[shard.path.removeprefix(f"{folder(split)}/"), shard.rows] for shard in shards]
        for split, shards in manifest.splits.items()
    }
    return json.dumps({"splits": splits, "marks": list(manifest.marks)}, indent=1)


def folder(split: str) -> str:
    """Return the folder of a split."""
    return f"Split-{split}"


def read(uri: str, storage: Storage) -> Manifest:
    """Read the manifest of an artifact, or derive it from the file names.

    Args:
        uri: Folder of the artifact.
        storage: File access.

    Raises:
        ResourceError: the manifest is damaged, or there is none and the set of files is incomplete.
    """
    path = f"{uri}/{FILE}"
    text = storage.read(path)
    if text is None:
        return _derived(uri, storage)
    try:
        plain = json.loads(text)
        splits = {
            _name(split): [Shard(f"{folder(split)}/{_name(name)}", _rows(rows)) for name, rows in files]
            for split, files in plain["splits"].items()
        }
        return Manifest(splits, [f"{COUNTS}/{_name(name.removeprefix(f'{COUNTS}/'))}" for name in plain["marks"]])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ResourceError(f"{path} is damaged: it does not list the files of splits; {AGAIN}") from error


def _name(name: Any) -> str:
    """Check that a value is the name of one file or folder, without a path, and return it."""
    if not isinstance(name, str) or not name or "/" in name or "\0" in name or name in (".", ".."):
        raise ValueError(f"{name!r} is not a name")
    return name


def _rows(rows: Any) -> int | None:
    """Check that a value is a number of rows or None, and return it."""
    if rows is not None and (not isinstance(rows, int) or isinstance(rows, bool) or rows < 0):
        raise ValueError(f"{rows!r} is not a number of rows")
    return rows


def _derived(uri: str, storage: Storage) -> Manifest:
    """Derive the manifest of an artifact without one from its file names."""
    counts = [name for name in storage.names(f"{uri}/{COUNTS}") if not name.startswith(".")]
    if any(name.endswith(".json") for name in counts):
        return _counted(uri, counts, storage)
    splits = {}
    folders = storage.names(uri)
    folders_by_split = {match["name"]: name for name in folders if (match := _SPLIT.fullmatch(name))}
    for split, name in (folders_by_split or {name: name for name in folders if name in _OLD_SPLITS}).items():
        files = [file for file in storage.names(f"{uri}/{name}") if file[0] not in "._"]
        splits[split] = [Shard(f"{name}/{file}") for file in complete(f"{uri}/{name}", files)]
    return Manifest(splits)


def _counted(uri: str, counts: Sequence[str], storage: Storage) -> Manifest:
    """Return the manifest of an artifact of a previous version, which has counts of each shard and no manifest.

    If the data was split already, each file is a shard of one split, so no split has all shards.
    """
    shards = [name for name in counts if name.endswith(".json")]
    splits: dict[str, list[Shard]] = {}
    for name in complete(f"{uri}/{COUNTS}", shards):
        path = f"{uri}/{COUNTS}/{name}"
        try:
            for split, rows in json.loads(storage.read(path) or b"").items():
                file = f"{folder(_name(split))}/data_tfrecord-{name.removesuffix('.json')}.gz"
                splits.setdefault(split, []).append(Shard(file, _rows(rows)))
        except (ValueError, AttributeError) as error:
            raise ResourceError(f"{path} is damaged: it does not count the rows of splits; {AGAIN}") from error
    marks = [name for name in counts if name.endswith(MARKS)]
    return Manifest(splits, [f"{COUNTS}/{name}" for name in complete(f"{uri}/{COUNTS}", marks)])


def complete(path: str, names: Sequence[str]) -> list[str]:
    """Check that files are one complete set: NAME-00000-of-00002, NAME-00001-of-00002.

    Args:
        path: Folder of the files, for messages.
        names: Names of the files in it.

    Returns:
        The names in order.

    Raises:
        ResourceError: a file is missing or belongs to another set.
    """
    parsed = {name: _SHARD.fullmatch(f"-{name}") for name in names}
    unmatched = next((name for name, match in parsed.items() if match is None), None)
    sets = {(match["stem"], match["shards"], match["ending"]) for match in parsed.values() if match is not None}
    numbers = sorted(int(match["number"]) for match in parsed.values() if match is not None)
    expected = max((int(shards) for _, shards, _ in sets), default=0)
    if unmatched is None and len(sets) <= 1 and numbers == list(range(expected)):
        return sorted(names, key=lambda name: (len(name), name))
    if unmatched is not None:
        files = f"{unmatched}, which is not a shard"
    else:
        files = f"shards of {len(sets)} sets" if len(sets) > 1 else f"{len(numbers)} of {expected} shards"
    raise ResourceError(
        f"{path}: expected one complete set of shards, NAME-00000-of-0000N, found {files}; files may be missing or of "
        "another run, and no manifest declares them: run the stage that wrote them again"
    )


def rows_differ(path: str, actual: int, declared: int) -> str:
    """Return the error of a file whose number of records differs from the manifest."""
    return (
        f"{path} has {actual:,} rows but its artifact declares {declared:,}: it is truncated or of another run; {AGAIN}"
    )


def missing(path: str) -> str:
    """Return the error of a declared file that does not exist."""
    return f"{path} does not exist, but its artifact declares it; {AGAIN}"


def undeclared(uri: str, manifest: Manifest, names: Callable[[str], list[str]]) -> list[str]:
    """Return the files in the folders of splits that the manifest does not declare.

    Args:
        uri: The artifact's folder.
        manifest: Manifest of the artifact.
        names: Function that lists a folder.
    """
    paths = []
    for shards in manifest.splits.values():
        declared = {shard.path for shard in shards}
        for parent in sorted({path.rpartition("/")[0] for path in declared}):
            paths += [path for name in names(f"{uri}/{parent}") if (path := f"{parent}/{name}") not in declared]
    return paths
