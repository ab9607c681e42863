"""Copy of a pipeline's data to a bucket, from which compiled jobs read it.

Nothing is removed there. An object that is equal already is skipped, so that a stopped upload goes on where it was.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import buckets
import printing
import project
from components.inference import input_rows
from components.ingestion.discovery import bucket_objects, data_files, opening
from components.ingestion.discovery.bucket_objects import ChangedError, Version
from errors import ResourceError, UserError
from orchestration.cloud.data import job_data
from pipeline import load
from pipeline.config import Config
from pipeline.variants import Name

FILES = 4
"""Files at the same time."""
_MD5 = re.compile(r'"?([0-9a-f]{32})"?')
"""Tag of an object of one request, on both kinds of stores; other objects have tags that tell nothing."""
_BLOCK_BYTES = 8 << 20


@dataclass(frozen=True)
class _File:
    """A file to copy.

    Attributes:
        path: Its path.
        uri: The object.
    """

    path: str
    uri: str


def run(name: Name, overrides: tuple[str, ...], data_root: str) -> int:
    """Copy the files that a run would read now, and the served rows that the config names, if they are here.

    Args:
        name: The pipeline.
        overrides: `key=value` strings.
        data_root: Bucket and folder that data paths are relative to.

    Returns:
        0.

    Raises:
        UserError: the data does not exist, or is not below the project.
        ResourceError: the bucket cannot be used, or another writer was faster.
    """
    root = data_root.rstrip("/")
    try:
        buckets.split(root)
    except buckets.BucketError as error:
        raise UserError(f"--data-root: {error}") from error
    config = load.load(project.folder(), name.pipeline, overrides, name.variant)
    files = list(_files(config, f"{load.CONFIGS}/{name.pipeline}.toml", root))
    copied = size = 0
    try:
        with ThreadPoolExecutor(FILES) as pool:
            for file, written in zip(files, pool.map(_copy, files), strict=True):
                copied += written
                size += os.path.getsize(file.path) if written else 0
                printing.line(f"{'uploaded' if written else 'equal':10} {file.uri}")
    except buckets.BucketError as error:
        raise ResourceError(str(error)) from error
    printing.line(
        f"{copied:,} of {len(files):,} files uploaded, {size / 1e6:,.1f} MB; the others were equal",
        f"next: compile, submit or try a job with --data-root {root}",
    )
    return 0


def _files(config: Config, config_file: str, root: str) -> Iterator[_File]:
    """Yield the files of the data, of the served rows and of the rows to predict."""
    if config.data.sql is not None:
        raise UserError(f"{config_file}: data.sql: the data is in a database; a cloud job reads files")
    job_data.check_paths(config, config_file)
    groups = [(config.data.paths, config.data)]
    served = config.data.model_copy(update={"span": None, "window": None})
    if config.gates.skew.path is not None:
        groups.append((config.gates.skew.path, served))
    if config.inference is not None:
        section = config.inference
        groups.append((section.path, input_rows.settings(config.data, section.path, section.format)))
    for paths, data in groups:
        try:
            found = data_files.resolve(data_files.under(project.folder(), paths), data)
        except UserError:
            if data is not served:
                raise
            printing.line("note: there are no served rows here, which [gates] skew names: whatever serves writes them")
            continue
        for file in found:
            for path in (*opening.within(file.path), *file.companions):
                yield _File(path, f"{root}/{os.path.relpath(path, project.folder())}")


def _copy(file: _File) -> bool:
    """Copy a file, and return whether that was needed."""
    digest, md5 = _digests(file.path)
    before = _present(file.uri)
    if before is not None and before.size == os.path.getsize(file.path):
        stored = _MD5.fullmatch(before.e_tag)
        if before.digest == digest or (not before.digest and stored is not None and stored[1] == md5):
            return False
    bucket_objects.write(file.path, file.uri, digest, before)
    _verify(file, digest, md5)
    return True


def _verify(file: _File, digest: str, md5: str) -> None:
    """Check that the bucket holds what the file had when it was digested.

    Raises:
        ResourceError: it does not.
    """
    after = bucket_objects.version(file.uri)
    if after.digest != digest:
        raise ChangedError(f"{file.uri}: was replaced after it was uploaded: something else writes there")
    stored = _MD5.fullmatch(after.e_tag)
    if stored is None:
        content = hashlib.sha256()
        for block in buckets.blocks(file.uri):
            content.update(block)
        same = content.hexdigest() == digest
    else:
        same = stored[1] == md5
    if not same:
        raise ResourceError(f"{file.path}: changed while it was uploaded: upload it again when nothing writes it")


def _present(uri: str) -> Version | None:
    try:
        return bucket_objects.version(uri)
    except FileNotFoundError:
        return None


def _digests(path: str) -> tuple[str, str]:
    """Return SHA-256 and MD5 of a file in hex digits; the second is what stores tag objects with."""
    digest, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            md5.update(block)
    return digest.hexdigest(), md5.hexdigest()
