"""Files of an Examples artifact, as it declares them, read in large batches."""

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
"""Serialized records that are worked on at once: large enough that a call's cost vanishes."""
BATCH_ROWS = 65_536
_READ_ROWS = 1024


Element = tuple[str, str, int | None]
"""Of a pass: a key, a file, and how many records its artifact declares."""


class _Storage:
    """Files wherever TFX writes."""

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
    """Read which files an Examples artifact consists of.

    Raises:
        ResourceError: it does not tell.
    """
    return manifest.read(examples.uri, STORAGE)


def files(examples: Any, split: str) -> list[Shard]:
    """Files of one split with their whole paths, in order; none where the artifact has no such split.

    Raises:
        ResourceError: one is not there.
    """
    found = [replace(shard, path=f"{examples.uri}/{shard.path}") for shard in declared(examples).splits.get(split, ())]
    # One listing a folder: in a bucket, each question costs a request.
    folders = {shard.path.rpartition("/")[0] for shard in found}
    there = {f"{folder}/{name}" for folder in folders for name in STORAGE.names(folder)}
    for shard in found:
        if shard.path not in there:
            raise ResourceError(manifest.missing(shard.path))
    return found


def declare(examples: Any, splits: Mapping[str, Sequence[Shard]], marks: Sequence[str] = ()) -> None:
    """Write which files an Examples artifact consists of, once all of them are written.

    Args:
        examples: The artifact.
        splits: Files of each split, below the artifact's folder.
        marks: Files of marks.
    """
    with fileio.open(f"{examples.uri}/{manifest.FILE}", "w") as file:
        file.write(manifest.dump(Manifest(splits, marks)))


def exactly(examples: Any) -> None:
    """Check that nothing but what is declared lies in the folders of splits, for readers that take all files there.

    Raises:
        ResourceError: a file is missing, or is not declared.
    """
    found = declared(examples)
    for split in found.splits:
        files(examples, split)
    for path in manifest.undeclared(examples.uri, found, STORAGE.names):
        raise ResourceError(
            f"{examples.uri}/{path} is not declared by {manifest.FILE} beside it, and stock TFX would read it as "
            "examples: move it away"
        )


def check(path: str, found: int, rows: int | None) -> None:
    """Compare the number of records in a file with the declared one.

    Raises:
        ResourceError: they differ.
    """
    if rows is not None and found != rows:
        raise ResourceError(manifest.rows_differ(path, found, rows))


def count(path: str) -> int:
    """Count the records of a gzipped file."""
    return sum(map(len, batches(path)))


def batches(path: str) -> Iterator[np.ndarray[Any, Any]]:
    """Serialized records of a gzipped file, up to BATCH_ROWS of them or about BATCH_BYTES at a time."""
    held: list[np.ndarray[Any, Any]] = []
    size = rows = 0
    dataset = tf.data.TFRecordDataset(path, compression_type="GZIP", buffer_size=1 << 20).batch(_READ_ROWS)
    for records in dataset.as_numpy_iterator():
        held.append(records)
        size += sum(map(len, records))
        rows += len(records)
        if size >= BATCH_BYTES or rows >= BATCH_ROWS:
            yield np.concatenate(held)
            held, size, rows = [], 0, 0
    if held:
        yield np.concatenate(held)
