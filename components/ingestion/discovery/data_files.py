"""Which files the data is, and how they are opened: on this machine, or in a bucket by Beam's file systems."""

import dataclasses
import glob
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.fingerprints import code_digest
from components.ingestion.discovery import hive_partitions, opening, spans, stray_files, unsupported_formats
from components.ingestion.discovery.formats import format_of as format_of
from components.ingestion.discovery.formats import scanned
from components.ingestion.omissions import Omissions
from errors import ResourceError, UserError
from spec.rows import data_paths
from spec.rows.data_paths import Paths, flat, is_remote

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
        matches = [path for path in matching(data_paths.as_glob(pattern)) if path == pattern or _is_named(path, told)]
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
        place += "".join(f"\0{key}={value}" for key, value in hive_partitions.parts(file.path).items())
        for path in (*opening.within(file.path), *file.beside):
            found = code_digest.file(path) if os.path.exists(path) else "a link to nothing"
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


def matching(pattern: str) -> list[str]:
    """Paths that a pattern names, in order."""
    if is_remote(pattern):
        try:
            [result] = opening.file_systems().match([pattern])
        except (opening.file_system_error(), ValueError) as error:
            reason = unsupported_formats.no_file_system(pattern, error)
            raise ResourceError(
                f"data.path: {unsupported_formats.address(pattern)}; it cannot be read there: {reason}"
            ) from error
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
        if entry.is_dir() and hive_partitions.is_part(entry.name):
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
    reason = stray_files.reason(name, folder=is_folder)
    if reason is not None:
        omissions.add("folder" if is_folder else "file", reason, name)
    return reason is None


def _check_address(pattern: str) -> None:
    if said := unsupported_formats.address(pattern, remote=True):
        raise UserError(f"data.path: {said}")
