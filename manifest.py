"""Which files an Examples artifact consists of: manifest.json, beside its Split-* folders.

A reader opens the files that are declared, and looks at no others: a folder may hold files that an earlier try of the
stage, another run or another program left. Artifacts without a manifest, of stock TFX or of earlier versions, are read
where their files' names show that none is missing and none is of another set.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from errors import ResourceError

FILE = "manifest.json"
COUNTS = "counts"
"""Folder beside the Split-* folders with what ingestion counted in each shard: SHARD.json and so on."""
MARKS = ".marks"
"""How the name of the file ends in which ingestion keeps marks of a shard's rows."""
AGAIN = "run again: a stage whose output is not as it was runs again"
"""What to do about a file that is missing or has other records."""
_SHARD = re.compile(r"(?P<stem>.*)-(?P<number>\d{5,})-of-(?P<shards>\d{5,})(?P<ending>(\..*)?)")
_SPLIT = re.compile(r"(?:Split-|split_)(?P<name>.+)")
_OLD_SPLITS = ("train", "eval", "test")
"""Folders of splits before TFX 1.0, without a prefix."""


@dataclass(frozen=True)
class Shard:
    """A file of records.

    Attributes:
        path: Below the artifact's folder.
        rows: Its number of records; None where nothing tells.
    """

    path: str
    rows: int | None = None


@dataclass(frozen=True)
class Manifest:
    """The files of an Examples artifact.

    Attributes:
        splits: Files of each split, in order.
        marks: Files of marks, where ingestion left some.
    """

    splits: Mapping[str, Sequence[Shard]]
    marks: Sequence[str] = field(default=())


class Storage(Protocol):
    """How files are reached: on this machine, or wherever TFX writes."""

    def read(self, path: str) -> bytes | None:
        """Read a file; None where there is none."""

    def names(self, folder: str) -> list[str]:
        """List a folder, without slashes; nothing where there is none."""


def dump(manifest: Manifest) -> str:
    """Write a manifest as text; a file's name stands without the folder of its split."""
    splits = {
        split: [[shard.path.removeprefix(f"{folder(split)}/"), shard.rows] for shard in shards]
        for split, shards in manifest.splits.items()
    }
    return json.dumps({"splits": splits, "marks": list(manifest.marks)}, indent=1)


def folder(split: str) -> str:
    """The folder of a split."""
    return f"Split-{split}"


def read(uri: str, storage: Storage) -> Manifest:
    """Read which files an artifact consists of.

    Args:
        uri: Its folder.
        storage: How to reach it.

    Raises:
        ResourceError: the manifest is damaged; or there is none, and a set of files is not complete.
    """
    path = f"{uri}/{FILE}"
    text = storage.read(path)
    if text is None:
        return _found(uri, storage)
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
    """The name of one file or folder, which leads nowhere else."""
    if not isinstance(name, str) or not name or "/" in name or "\0" in name or name in (".", ".."):
        raise ValueError(f"{name!r} is no name")
    return name


def _rows(rows: Any) -> int | None:
    if rows is not None and (not isinstance(rows, int) or isinstance(rows, bool) or rows < 0):
        raise ValueError(f"{rows!r} is no number of rows")
    return rows


def _found(uri: str, storage: Storage) -> Manifest:
    """The files of an artifact without a manifest."""
    counted = [name for name in storage.names(f"{uri}/{COUNTS}") if not name.startswith(".")]
    if any(name.endswith(".json") for name in counted):
        return _counted(uri, counted, storage)
    splits = {}
    there = storage.names(uri)
    named = {match["name"]: name for name in there if (match := _SPLIT.fullmatch(name))}
    for split, name in (named or {name: name for name in there if name in _OLD_SPLITS}).items():
        files = [each for each in storage.names(f"{uri}/{name}") if each[0] not in "._"]
        splits[split] = [Shard(f"{name}/{each}") for each in complete(f"{uri}/{name}", files)]
    return Manifest(splits)


def _counted(uri: str, counted: Sequence[str], storage: Storage) -> Manifest:
    """The files of an artifact that an earlier version of ingestion wrote, with counts of each shard and no manifest.

    Of ready-made splits a file is a shard of one split, so that no split has them all.
    """
    shards = [name for name in counted if name.endswith(".json")]
    splits: dict[str, list[Shard]] = {}
    for name in complete(f"{uri}/{COUNTS}", shards):
        path = f"{uri}/{COUNTS}/{name}"
        try:
            for split, rows in json.loads(storage.read(path) or b"").items():
                file = f"{folder(_name(split))}/data_tfrecord-{name.removesuffix('.json')}.gz"
                splits.setdefault(split, []).append(Shard(file, _rows(rows)))
        except (ValueError, AttributeError) as error:
            raise ResourceError(f"{path} is damaged: it does not count the rows of splits; {AGAIN}") from error
    marks = [name for name in counted if name.endswith(MARKS)]
    return Manifest(splits, [f"{COUNTS}/{name}" for name in complete(f"{uri}/{COUNTS}", marks)])


def complete(place: str, names: Sequence[str]) -> list[str]:
    """Check that files are all of one set: NAME-00000-of-00002, NAME-00001-of-00002.

    Args:
        place: Their folder, for the message.
        names: What lies there.

    Returns:
        The names in order.

    Raises:
        ResourceError: one is missing, or is of another set.
    """
    parsed = {name: _SHARD.fullmatch(f"-{name}") for name in names}
    odd = next((name for name, match in parsed.items() if match is None), None)
    sets = {(match["stem"], match["shards"], match["ending"]) for match in parsed.values() if match is not None}
    numbers = sorted(int(match["number"]) for match in parsed.values() if match is not None)
    wanted = max((int(shards) for _, shards, _ in sets), default=0)
    if odd is None and len(sets) <= 1 and numbers == list(range(wanted)):
        return sorted(names, key=lambda name: (len(name), name))
    if odd is not None:
        what = f"{odd}, which is no shard"
    else:
        what = f"shards of {len(sets)} sets" if len(sets) > 1 else f"{len(numbers)} of {wanted} shards"
    raise ResourceError(
        f"{place}: expected one complete set of shards, NAME-00000-of-0000N, found {what}; files may be missing or of "
        "another run, and nothing there declares which belong together: run the stage that wrote them again"
    )


def rows_differ(path: str, found: int, declared: int) -> str:
    """Say that a file holds other records than its artifact declares."""
    return (
        f"{path} holds {found:,} rows and its artifact declares {declared:,}: it is cut off or of another run; {AGAIN}"
    )


def missing(path: str) -> str:
    """Say that a declared file is not there."""
    return f"{path} is not there, and its artifact declares it; {AGAIN}"


def undeclared(uri: str, manifest: Manifest, names: Callable[[str], list[str]]) -> list[str]:
    """Files in the folders of splits that the manifest does not declare.

    Args:
        uri: The artifact's folder.
        manifest: Its manifest.
        names: Lists a folder.
    """
    found = []
    for shards in manifest.splits.values():
        declared = {shard.path for shard in shards}
        for place in sorted({path.rpartition("/")[0] for path in declared}):
            found += [path for name in names(f"{uri}/{place}") if (path := f"{place}/{name}") not in declared]
    return found
