"""Which files the data is, and how they are opened: on this machine, or in a bucket by Beam's file systems."""

import contextlib
import dataclasses
import glob
import hashlib
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import pyarrow as pa

from components import digest
from components.ingestion import beside, folders, packing, partitions, spans
from components.ingestion.formats import READY_MADE, scanned
from components.ingestion.formats import format_of as format_of
from components.ingestion.formats import is_remote as is_remote
from components.ingestion.omissions import Omissions
from errors import ResourceError, UserError

Paths = str | Sequence[str] | Mapping[Any, str | Sequence[str]]
"""One path or pattern, several, or those of each ready-made split."""
OTHER_FOLDER = "in a folder of data files; name it in data.path to read it too"


@dataclass(frozen=True)
class DataFile:
    """One file, or one folder of images.

    Attributes:
        path: Where it is.
        split: The split that it makes, where splits are ready-made files.
        span: The part of the data that it is, where its path tells.
        version: Of that part, where its path tells.
        beside: Files that are read with it: the labels of IDX images.
    """

    path: str
    split: str | None = None
    span: spans.Span | None = None
    version: int | None = None
    beside: tuple[str, ...] = ()


def under(root: str, paths: Paths) -> Any:
    """Paths put under a data root; an absolute one stays as it is.

    Args:
        root: A folder, or a bucket's URI.
        paths: As in the config.

    Returns:
        The same form.
    """
    if isinstance(paths, str):
        if is_remote(paths):
            return paths
        # A folder's own name is no pattern.
        plain = is_remote(root) or not any(sign in paths for sign in "*?[{")
        return os.path.join(root if plain else glob.escape(root), paths)
    if isinstance(paths, Mapping):
        return {split: under(root, part) for split, part in paths.items()}
    return [under(root, path) for path in paths]


def flat(paths: Paths) -> list[tuple[str | None, str]]:
    """Split (None where files are not ready-made splits) and pattern, of each pattern.

    Splits come as train, eval, test: settings lose the config's order on their way to an executor.
    """
    if isinstance(paths, str):
        return [(None, paths)]
    if isinstance(paths, Mapping):
        return [(split, pattern) for split in READY_MADE if split in paths for _, pattern in flat(paths[split])]
    return [(None, pattern) for pattern in paths]


def resolve(paths: Paths, settings: Mapping[str, Any], omissions: Omissions | None = None) -> list[DataFile]:
    """Find the files: those of the latest span, or of the spans that the settings choose, in their newest version.

    Args:
        paths: Paths and patterns, as `under` gives them.
        settings: [data], as the config gives it with all defaults.
        omissions: Takes what a pattern or a folder names and is passed over.

    Returns:
        The files, in order of their paths within each pattern.

    Raises:
        UserError: a pattern has no file, a file is named twice or in no UTF-8, or a span is not there.
    """
    told = Omissions() if omissions is None else omissions
    named: list[tuple[str | None, spans.Found]] = []
    for split, pattern in flat(paths):
        _check_address(pattern)
        matches = [path for path in matching(spans.as_glob(pattern)) if path == pattern or _is_named(path, told)]
        inside = [
            dataclasses.replace(match, path=path)
            for match in spans.newest_versions(spans.found(pattern, matches))
            for path in _files_of(match.path, settings.get("format"), told)
        ]
        if not inside:
            raise UserError(f"data.path: there is no file {pattern}. Put it there, or mend the path")
        named.extend((split, one) for one in inside)
    there = {one.span for _, one in named if one.span is not None}
    taken = spans.chosen(there, settings) if there else []
    found = [
        DataFile(one.path, split, one.span, one.version, _beside(one.path, settings.get("format")))
        for split, one in named
        if one.span is None or one.span in taken
    ]
    twice = [file.path for number, file in enumerate(found) if file.path in {other.path for other in found[:number]}]
    if twice:
        raise UserError(f"data.path names {twice[0]} twice: each file is read once")
    for file in found:
        # Neither Arrow nor the store takes such a name; Python keeps its bytes as surrogates.
        if any("\ud800" <= char <= "\udfff" for char in file.path):
            raise UserError(f"data.path: the name of {file.path!r} is not UTF-8: rename the file")
    return found


def content(files: Sequence[DataFile]) -> str:
    """Digest of all files' names, splits, spans and contents.

    Args:
        files: Files of this machine.
    """
    whole = hashlib.sha256()
    for file in files:
        above = os.path.dirname(file.path)
        place = f"{file.split}\0{file.span and file.span.number}\0{file.version}"
        place += "".join(f"\0{key}={value}" for key, value in partitions.parts(file.path).items())
        for path in (*within(file.path), *file.beside):
            found = digest.file(path) if os.path.exists(path) else "a link to nothing"
            text = f"{os.path.relpath(path, above)}\0{place}\0{found}\n"
            whole.update(text.encode("utf-8", "surrogateescape"))
    return whole.hexdigest()[:16]


def verify(files: Sequence[DataFile], expected: str) -> None:
    """See that files are still those that a digest was taken of.

    Args:
        files: Files of this machine.
        expected: Their digest as `content` gave it; empty where none was taken.

    Raises:
        ResourceError: they have changed.
    """
    try:
        same = not expected or content(files) == expected
    except OSError:
        same = False
    if not same:
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        raise ResourceError(
            f"{files[0].path}{more}: the data changed between the start of the run and the end of reading it, so that "
            "nobody knows what was read. Run again when nothing writes to it"
        )


def within(path: str) -> list[str]:
    """A file itself, or all files below a folder, in order, but for those that stand beside data by their names."""
    return [os.path.join(path, name) for name in folders.walk(path)] if os.path.isdir(path) else [path]


def open_binary(path: str) -> BinaryIO:
    """Open a file as it is, packed or not."""
    if not is_remote(path):
        return open(path, "rb")
    return cast(BinaryIO, _file_systems().open(path, compression_type="uncompressed"))


def head(path: str, size: int = packing.HEAD_BYTES) -> bytes:
    """The first bytes of a file as it is."""
    with contextlib.closing(open_binary(path)) as file:
        return file.read(size)


def open_unpacked(path: str) -> BinaryIO:
    """Open a file, unpacked where its first bytes say that it is packed."""
    kind = packing.kind(head(path))
    return packing.unpacked(path, open_binary(path), kind)


@contextlib.contextmanager
def open_arrow(path: str) -> Iterator[pa.NativeFile]:
    """Open a file as an Arrow stream, unpacked; one that is remote, or that Arrow does not unpack, is copied first.

    Arrow's CSV reader reads ahead in a thread, and waits for it when it is dropped, with Python's lock in its hands.
    Where that thread needs the lock too, for a file that is Python's, both wait for ever: Arrow opens the file itself.
    """
    with contextlib.ExitStack() as streams:
        kind = packing.kind(head(path))
        native = kind is None or kind in packing.ARROW
        local = path
        if is_remote(path) or not native:
            with contextlib.closing(open_binary(path) if native else open_unpacked(path)) as source:
                local = streams.enter_context(copied(source))
        yield streams.enter_context(pa.input_stream(local, compression=packing.ARROW.get(kind or "")))


@contextlib.contextmanager
def copied(source: Any) -> Iterator[str]:
    """The path of a temporary file with what a source gives, a block at a time.

    Args:
        source: An open binary file, or anything else whose `read(size)` gives bytes.
    """
    with tempfile.NamedTemporaryFile(prefix="pipeline-data-") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
        copy.flush()
        yield copy.name


def matching(pattern: str) -> list[str]:
    """Paths that a pattern names, in order."""
    if is_remote(pattern):
        from components.ingestion import foreign

        try:
            [result] = _file_systems().match([pattern])
        except (_file_system_error(), ValueError) as error:
            reason = foreign.no_file_system(pattern, error)
            raise ResourceError(f"data.path: {foreign.address(pattern)}; it cannot be read there: {reason}") from error
        return sorted(found.path for found in result.metadata_list)
    if os.path.exists(pattern):
        return [pattern]
    return sorted(glob.glob(pattern, recursive=True))


def _files_of(path: str, kind: str | None, omissions: Omissions) -> list[str]:
    """What a path stands for: itself, or the data files in a folder; the labels of IDX images come with these."""
    name = os.path.basename(path)
    if (kind or format_of(path)) == "idx" and "labels" in name and "images" not in name:
        return []
    if is_remote(path) or not os.path.isdir(path) or (kind or format_of(path)) == "images":
        return [path]
    found = []
    for entry in scanned(path):
        if not _is_named(entry.path, omissions):
            continue
        if entry.is_dir() and partitions.is_part(entry.name):
            found += _files_of(entry.path, kind, omissions)
        elif entry.is_dir():
            omissions.add("folder", OTHER_FOLDER, entry.name)
        elif entry.is_file():
            found += _files_of(entry.path, kind, omissions)
        else:
            omissions.add("file", "a device, a pipe, a socket or a link to nothing", entry.name)
    return found


def labels_of(path: str) -> str:
    """The file of labels that belongs to one of images: `images` and `idx3` in its name become `labels` and `idx1`."""
    folder, name = os.path.split(path)
    return os.path.join(folder, name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1"))


def _beside(path: str, kind: str | None) -> tuple[str, ...]:
    return (labels_of(path),) if (kind or format_of(path)) == "idx" and os.path.isfile(labels_of(path)) else ()


def _is_named(path: str, omissions: Omissions) -> bool:
    """Whether a file or folder that lies in a folder, or fits a pattern, is data by its name."""
    name, is_folder = os.path.basename(path.rstrip("/")), not is_remote(path) and os.path.isdir(path)
    reason = beside.reason(name, folder=is_folder)
    if reason is not None:
        omissions.add("folder" if is_folder else "file", reason, name)
    return reason is None


def _check_address(pattern: str) -> None:
    from components.ingestion import foreign

    if said := foreign.address(pattern, remote=True):
        raise UserError(f"data.path: {said}")


def _file_system_error() -> Any:
    from apache_beam.io.filesystem import BeamIOError

    return BeamIOError


def _file_systems() -> Any:
    # Only buckets need it, and it takes seconds to import.
    with warnings.catch_warnings():
        # Google's clients announce which Pythons they will stop to support.
        warnings.simplefilter("ignore", FutureWarning)
        from apache_beam.io.filesystems import FileSystems

    return FileSystems
