"""The data's files: paths, patterns and folders resolved to files of this machine or of a bucket, and their digest."""

import dataclasses
import glob
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.fingerprints import code_digest
from components.ingestion.discovery import (
    bucket_files,
    compression,
    formats,
    hive_partitions,
    opening,
    spans,
    stray_files,
    unsupported_formats,
)
from components.ingestion.discovery.formats import format_of as format_of
from components.ingestion.discovery.formats import scanned
from components.ingestion.omissions import Omissions
from errors import ResourceError, UserError
from spec.data import Data
from spec.rows import data_paths
from spec.rows.data_paths import Paths, flat, is_remote, mapped

OTHER_FOLDER = "a folder among data files: add it to data.path to read it too"
NO_FILE = "there is no file"
"""Start of the error about a path without a file."""


@dataclass(frozen=True)
class DataFile:
    """One file, or one folder of images.

    Attributes:
        path: Path or URI.
        split: Split of all rows, if the config names the files of each split; else None.
        span: Span in the path, if the pattern has one; else None.
        version: Version of the span, if the path contains one.
        companions: Files that are read with it, such as the labels of IDX images.
    """

    path: str
    split: str | None = None
    span: spans.Span | None = None
    version: int | None = None
    companions: tuple[str, ...] = ()


def under(root: str, paths: Paths) -> Any:
    """Join paths to a data root; absolute paths and addresses are returned unchanged.

    Args:
        root: A folder, or the URI of a bucket.
        paths: Paths and patterns of the config.

    Returns:
        Paths of the same structure.
    """

    def joined(path: str) -> str:
        if is_remote(path):
            return path
        # The root is a plain path, even if its name looks like a pattern.
        plain = is_remote(root) or not any(sign in path for sign in "*?[{")
        return os.path.join(root if plain else glob.escape(root), path)

    return mapped(paths, joined)


def resolve(paths: Paths, data: Data, omissions: Omissions | None = None) -> list[DataFile]:
    """Find the data's files: of the latest span, or of the spans that the config selects, in their newest version.

    Args:
        paths: Paths and patterns, as `under` returns them.
        data: [data]: `format`, `span` and `window`; its paths are not used.
        omissions: Records files that a pattern or folder names and that are skipped.

    Returns:
        The files, ordered by path within each pattern.

    Raises:
        UserError: a pattern matches no file, a file is named twice or its name is not UTF-8, or a span does not exist.
    """
    skipped = Omissions() if omissions is None else omissions
    candidates: list[tuple[str | None, spans.Found]] = []
    for split, pattern in flat(paths):
        _check_address(pattern)
        pattern_omissions = Omissions()
        matches = [
            path
            for path in matching(data_paths.as_glob(pattern))
            if path == pattern or _is_data(path, pattern_omissions)
        ]
        files = [
            dataclasses.replace(match, path=path)
            for match in spans.newest_versions(spans.found(pattern, matches))
            for path in _files_of(match.path, data.format, pattern_omissions)
        ]
        if not files:
            raise UserError(_no_file(pattern, pattern_omissions))
        skipped.merge(pattern_omissions)
        candidates.extend((split, file) for file in files)
    all_spans = {file.span for _, file in candidates if file.span is not None}
    selected = spans.chosen(all_spans, data) if all_spans else []
    resolved = [
        DataFile(file.path, split, file.span, file.version, _companions(file.path, data.format))
        for split, file in candidates
        if file.span is None or file.span in selected
    ]
    unique_paths: set[str] = set()
    for resolved_file in resolved:
        if resolved_file.path in unique_paths:
            raise UserError(f"data.path names {resolved_file.path} twice: each file is read once")
        unique_paths.add(resolved_file.path)
        if not is_remote(resolved_file.path):
            for name, reason in compression.beside(resolved_file.path):
                skipped.add("file", reason, f"{os.path.basename(resolved_file.path)}/{name}")
        # Neither Arrow nor ML Metadata accepts such a name; Python represents its bytes as surrogates.
        if any("\ud800" <= char <= "\udfff" for char in resolved_file.path):
            raise UserError(f"data.path: the name of {resolved_file.path!r} is not UTF-8: rename the file")
    return resolved


def _no_file(pattern: str, omissions: Omissions) -> str:
    """Return the message for a path without a data file, with what it holds instead."""
    if not omissions:
        return f"data.path: {NO_FILE} {pattern}. Put it there, or fix the path"
    return f"data.path: {pattern} holds no data; {'; '.join(omissions.lines())}. Rename the data files, or fix the path"


def content(files: Sequence[DataFile]) -> str:
    """Return a digest of the names, splits, spans and contents of files.

    Args:
        files: Files of this machine, or of buckets, whose stamps stand for their contents.
    """
    digest = hashlib.sha256()
    for file in files:
        folder = os.path.dirname(file.path)
        part = f"{file.split}\0{file.span and file.span.number}\0{file.version}"
        part += "".join(f"\0{key}={value}" for key, value in hive_partitions.parts(file.path).items())
        for path in (*opening.within(file.path), *file.companions):
            text = f"{os.path.relpath(path, folder)}\0{part}\0{_content(path)}\n"
            digest.update(text.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def _content(path: str) -> str:
    if bucket_files.is_readable(path):
        return bucket_files.stamp(path)
    return code_digest.file(path) if os.path.exists(path) else "a link to nothing"


def verify(files: Sequence[DataFile], expected: str) -> None:
    """Check that files have not changed since their digest was computed.

    Args:
        files: Files of this machine.
        expected: Digest of the files from `content`; empty if none was computed.

    Raises:
        ResourceError: a file changed.
    """
    try:
        is_unchanged = not expected or content(files) == expected
    except OSError:
        is_unchanged = False
    if not is_unchanged:
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        raise ResourceError(
            f"{files[0].path}{more}: the data changed while the run was reading it, so the content that was read is "
            "unknown. Run again when no process writes to it. On a cloud, the image holds other data than the job was "
            "compiled with: build the image again, or compile again"
        )


def matching(pattern: str) -> list[str]:
    """Return the paths that match a pattern, sorted."""
    if bucket_files.is_readable(pattern):
        return bucket_files.matching(pattern)
    if is_remote(pattern):
        try:
            [result] = opening.file_systems().match([pattern])
        except (opening.file_system_error(), ValueError) as error:
            reason = unsupported_formats.no_file_system(pattern, error)
            raise ResourceError(
                f"data.path: {unsupported_formats.address(pattern)}; it cannot be read there: {reason}"
            ) from error
        return sorted(match.path for match in result.metadata_list)
    if os.path.exists(pattern):
        return [pattern]
    return sorted(glob.glob(pattern, recursive=True))


def _files_of(path: str, name: str | None, omissions: Omissions) -> list[str]:
    """Return the data files of a path: itself, or those of a folder; companions such as IDX labels are left to them."""
    form = formats.of(path, name)
    if form is not None and form.is_companion(path):
        return []
    if is_remote(path) or not os.path.isdir(path) or (form is not None and form.is_folder):
        return [path]
    files = []
    for entry in scanned(path):
        if not _is_data(entry.path, omissions):
            continue
        if entry.is_dir() and hive_partitions.is_part(entry.name):
            files += _files_of(entry.path, name, omissions)
        elif entry.is_dir():
            omissions.add("folder", OTHER_FOLDER, entry.name)
        elif entry.is_file():
            files += _files_of(entry.path, name, omissions)
        else:
            omissions.add("file", "a device, pipe, socket or broken link", entry.name)
    return files


def _companions(path: str, name: str | None) -> tuple[str, ...]:
    form = formats.of(path, name)
    if form is None or form.companion is None:
        return ()
    companion = form.companion(path)
    return (companion,) if os.path.isfile(companion) else ()


def _is_data(path: str, omissions: Omissions) -> bool:
    """Return whether a file or folder that a folder holds, or a pattern matches, is data by its name."""
    name, is_folder = os.path.basename(path.rstrip("/")), not is_remote(path) and os.path.isdir(path)
    reason = stray_files.reason(name, folder=is_folder)
    if reason is not None:
        omissions.add("folder" if is_folder else "file", reason, name)
    return reason is None


def _check_address(pattern: str) -> None:
    if message := unsupported_formats.address(pattern, remote=True):
        raise UserError(f"data.path: {message}")
