"""Reads the declared files of an Examples artifact in large batches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf
from tfx.dsl.io import fileio

import manifest
from errors import ResourceError
from manifest import Manifest, Shard

BATCH_BYTES = 8 << 20
"""Size of a batch of serialized records: large enough that the overhead per call is negligible."""
BATCH_ROWS = 65_536
_READ_ROWS = 1024


Element = tuple[str, str, int | None]
"""One file of a pass: key, path and declared number of records."""


class _Storage:
    """File access through TFX, local or in a bucket."""

    def read(self, path: str) -> bytes | None:
        if not fileio.exists(path):
            return None
        with fileio.open(path, "rb") as file:
            content: bytes = file.read()
        return content

    def names(self, folder: str) -> list[str]:
        return [name.strip("/") for name in fileio.listdir(folder)] if fileio.isdir(folder) else []


STORAGE = _Storage()


def declared(examples: Any) -> Manifest:
    """Read the manifest of an Examples artifact.

    Raises:
        ResourceError: the manifest is missing or damaged.
    """
    return manifest.read(examples.uri, STORAGE)


def files(examples: Any, split: str) -> list[Shard]:
    """List the files of one split with their full paths, in order; empty if the artifact does not have the split.

    Raises:
        ResourceError: a file does not exist.
    """
    shards = [replace(shard, path=f"{examples.uri}/{shard.path}") for shard in declared(examples).splits.get(split, ())]
    # One listing per folder: in a bucket, each check of a file is a request.
    folders = {shard.path.rpartition("/")[0] for shard in shards}
    existing = {f"{folder}/{name}" for folder in folders for name in STORAGE.names(folder)}
    for shard in shards:
        if shard.path not in existing:
            raise ResourceError(manifest.missing(shard.path))
    return shards


def declare(examples: Any, splits: Mapping[str, Sequence[Shard]], marks: Sequence[str] = ()) -> None:
    """Write the manifest of an Examples artifact, after all its files.

    Args:
        examples: The artifact.
        splits: Files of each split, relative to the artifact's folder.
        marks: Paths of row profiles, relative to the artifact's folder.
    """
    with fileio.open(f"{examples.uri}/{manifest.FILE}", "w") as file:
        file.write(manifest.dump(Manifest(splits, marks)))


def check_undeclared(examples: Any) -> None:
    """Check that the folders of the splits contain only declared files, for readers that read all files of a folder.

    Raises:
        ResourceError: a file is missing or not declared.
    """
    declaration = declared(examples)
    for split in declaration.splits:
        files(examples, split)
    for path in manifest.undeclared(examples.uri, declaration, STORAGE.names):
        raise ResourceError(
            f"{examples.uri}/{path} is not declared in {manifest.FILE}, but stock TFX would read it as examples: "
            "move it to another folder"
        )


def check_row_count(path: str, actual: int, declared: int | None) -> None:
    """Compare the number of records in a file with the declared number.

    Raises:
        ResourceError: they differ.
    """
    if declared is not None and actual != declared:
        raise ResourceError(manifest.rows_differ(path, actual, declared))


def count(path: str) -> int:
    """Count the records of a gzipped file."""
    return sum(map(len, batches(path)))


def batches(path: str) -> Iterator[np.ndarray[Any, Any]]:
    """Yield serialized records of a gzipped file in batches of at most BATCH_ROWS and about BATCH_BYTES.

    Yields:
        Arrays of shape (rows,) and dtype object, of bytes.
    """
    pending: list[np.ndarray[Any, Any]] = []
    size = rows = 0
    dataset = tf.data.TFRecordDataset(path, compression_type="GZIP", buffer_size=1 << 20).batch(_READ_ROWS)
    for records in dataset.as_numpy_iterator():
        pending.append(records)
        size += sum(map(len, records))
        rows += len(records)
        if size >= BATCH_BYTES or rows >= BATCH_ROWS:
            yield np.concatenate(pending)
            pending, size, rows = [], 0, 0
    if pending:
        yield np.concatenate(pending)
