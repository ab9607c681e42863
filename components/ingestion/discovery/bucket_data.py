"""Data in buckets, mirrored as empty local files that the code for local data resolves; `fill` downloads them.

FOLDER/gs/BUCKET/NAME takes the place of gs://BUCKET/NAME. So patterns, spans, splits and folders of images follow the
same code as on this machine, and each reader opens plain files.
"""

import contextlib
import functools
import glob
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import buckets
from components.ingestion.discovery import bucket_files, bucket_objects, data_files, formats, opening
from components.ingestion.discovery.bucket_objects import Version
from components.ingestion.omissions import Omissions
from errors import PipelineError, ResourceError, UserError
from spec.data import Data
from spec.rows import data_paths
from spec.rows.data_paths import Paths

CONTENT = "bucket-"
"""Prefix of a digest of versions of objects, which no digest of contents has."""
_PATTERN = re.compile(r"[*?\[{]")


def is_in_buckets(paths: Paths) -> bool:
    """Return whether all data is in buckets that `buckets` opens."""
    return all(bucket_files.is_readable(path) for _, path in data_paths.flat(paths))


class BucketData:
    """Data of a bucket, and the folder that takes its place.

    Args:
        folder: The folder; on another machine it is created when files are filled.
        paths: The data's paths and patterns below the folder.
        files: Paths of all files to read, in order.
        form: data.format.
    """

    def __init__(self, folder: str, paths: Any, files: Sequence[str], form: str | None) -> None:
        self.paths = paths
        self._folder, self._files, self._format = folder, list(files), form

    @functools.cached_property
    def objects(self) -> dict[str, Version]:
        """Path of each file -> the version of its object that is read."""
        with _failures():
            versions = bucket_objects.versions(_uri(self._folder, path) for path in self._files)
        return dict(zip(self._files, versions, strict=True))

    @property
    def content(self) -> str:
        """Digest of the names, generations and digests of the objects."""
        text = "\n".join(version.identity for version in self.objects.values())
        return f"{CONTENT}{hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"

    def verify(self, expected: str) -> None:
        """Check that the bucket holds the data with which the job was compiled.

        Args:
            expected: Digest at compile time; empty if the job accepts any data.

        Raises:
            ResourceError: the digest differs.
        """
        if expected in ("", self.content):
            return
        example = self.shown(self._files[0])
        more = f" and {len(self._files) - 1} more" if len(self._files) > 1 else ""
        raise ResourceError(
            f"{example}{more}: the data is not what the job was compiled with: an object was added, replaced or "
            f"removed since then (the digest of all generations is {self.content}, not {expected}). Compile again"
        )

    def fill(self, path: str | None = None) -> None:
        """Download files that are not yet on this machine.

        Args:
            path: A file or folder of the data, whose companions come with it; None for all.

        Raises:
            ResourceError: an object has changed, or the bucket cannot be used.
        """
        chosen = list(self._files if path is None else self._of(path))
        missing = [(self.objects[local], local) for local in chosen if not _is_filled(local, self.objects[local])]
        with _failures(), ThreadPoolExecutor(bucket_objects.REQUESTS) as pool:
            for _ in pool.map(lambda download: bucket_objects.read(*download), missing):
                pass

    def _of(self, path: str) -> Iterator[str]:
        form = formats.of(path, self._format)
        companion = form.companion(path) if form is not None and form.companion is not None else None
        for local in self._files:
            if local in (path, companion) or local.startswith(f"{path.rstrip('/')}/"):
                yield local

    def shown(self, text: str) -> str:
        """Return a text with addresses in place of paths below the folder."""
        return _with_addresses(self._folder, text)

    @contextlib.contextmanager
    def named(self) -> Iterator[None]:
        """Name addresses instead of paths in messages of errors."""
        try:
            yield
        except PipelineError as error:
            if self._folder not in str(error):
                raise
            raise type(error)(self.shown(str(error))) from error


@contextlib.contextmanager
def opened(paths: Paths, data: Data) -> Iterator[BucketData]:
    """Find data in buckets, in a temporary folder of empty files; `fill` downloads them.

    Args:
        paths: URIs and patterns of them.
        data: [data]; its paths are not used.

    Raises:
        UserError: a pattern matches no object.
        ResourceError: a bucket cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="pipeline-bucket-") as folder:
        with _failures():
            for _, pattern in data_paths.flat(paths):
                _make_empty(folder, pattern, data.format)
        local = data_paths.mapped(paths, lambda path: _local(folder, path))
        try:
            files = data_files.resolve(local, data, Omissions())
        except UserError as error:
            raise UserError(_with_addresses(folder, str(error))) from error
        needed = [path for file in files for path in (*opening.within(file.path), *file.companions)]
        yield BucketData(folder, local, needed, data.format)


@contextlib.contextmanager
def of_job(paths: Paths, data: Data, content: str) -> Iterator[BucketData | None]:
    """Open data as `opened` does; yield None for local data, and for data that the stage reads with Beam.

    Args:
        paths: Paths of the stage.
        data: [data].
        content: Digest of the versions of the objects at compile time; empty if the job accepts any data.
    """
    if not is_in_buckets(paths) or not content.startswith(CONTENT if content else ""):
        yield None
        return
    with opened(paths, data) as bucket_data:
        yield bucket_data


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except buckets.BucketError as error:
        raise ResourceError(str(error)) from error
    except FileNotFoundError as error:
        raise ResourceError(f"{error.filename} was removed while its bucket was read: run again") from error


def _make_empty(folder: str, pattern: str, form: str | None) -> None:
    """Create an empty file for each object that a pattern may name."""
    match = _PATTERN.search(pattern)
    if match is None:
        base = pattern.rstrip("/")
        names = buckets.files(base)
        if not names:
            file_format = formats.of(base, form)
            companion = (
                file_format.companion(base) if file_format is not None and file_format.companion is not None else None
            )
            base, name = base.rpartition("/")[0], base.rpartition("/")[2]
            names = [uri.rpartition("/")[2] for uri in (f"{base}/{name}", companion) if uri and buckets.exists(uri)]
    else:
        base = pattern[: match.start()].rpartition("/")[0]
        names = buckets.files(base)
    scheme, bucket, key = buckets.split(base)
    for name in names:
        if {"", ".", ".."} & set(name.split("/")):
            continue
        path = os.path.join(folder, scheme, bucket, key, name)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "ab"):
                pass
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise UserError(f"{base}/{name} is an object and a folder of others: rename one of them") from error


def _is_filled(path: str, version: Version) -> bool:
    return os.path.exists(path) and os.path.getsize(path) == version.size


def _local(folder: str, path: str) -> str:
    scheme, _, bucket_path = path.partition("://")
    return os.path.join(glob.escape(folder), scheme, bucket_path)


def _uri(folder: str, path: str) -> str:
    scheme, _, bucket_path = os.path.relpath(path, folder).partition(os.sep)
    return f"{scheme}://{bucket_path}"


def _with_addresses(folder: str, text: str) -> str:
    return re.sub(rf"{re.escape(folder)}/({'|'.join(buckets.SCHEMES)})/", r"\1://", text)
