"""Files of an Examples artifact, as it declares them, and passes over them with Beam, whose elements are files."""

import pickle
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import apache_beam as beam
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


class Merge(beam.CombineFn):  # type: ignore[misc]
    """Puts together what the files of one key gave.

    Args:
        function: From a list of two or more parts to one.
    """

    def __init__(self, function: Callable[[list[Any]], Any]) -> None:
        self._function = function

    def create_accumulator(self) -> list[Any]:
        """Nothing yet."""
        return []

    def add_input(self, parts: list[Any], part: Any) -> list[Any]:
        """Take one file's."""
        return [*parts, part]

    def merge_accumulators(self, accumulators: Iterable[list[Any]]) -> list[Any]:
        """Take several."""
        return self.compact([part for parts in accumulators for part in parts])

    def compact(self, parts: list[Any]) -> list[Any]:
        """Merge into one."""
        return [self._function(parts)] if len(parts) > 1 else parts

    def extract_output(self, parts: list[Any]) -> Any:
        """The one that is left."""
        return self.compact(parts)[0]


class _Dump(beam.DoFn):  # type: ignore[misc]
    """Results go back through files, which every runner can write."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def process(self, result: tuple[str, Any]) -> Iterator[str]:
        """Write one key's."""
        with fileio.open(f"{self._folder}/{uuid.uuid4().hex}", "wb") as file:
            file.write(pickle.dumps(result))
        yield result[0]


def combine(
    make_pipeline: Callable[[], Any],
    elements: Sequence[Element],
    reader: Any,
    merge: Callable[[list[Any]], Any],
    folder: str,
) -> dict[str, Any]:
    """Read files in parallel, and put together what they give.

    Args:
        make_pipeline: Makes a Beam pipeline.
        elements: Key, file and its declared number of records, for each.
        reader: DoFn from such an element to (key, part); it may yield nothing.
        merge: From a list of two or more parts of a key to one.
        folder: For the results, where all workers and this process can reach it; one beside it is made and removed.

    Returns:
        Key -> the merged part.
    """
    # A folder that an earlier try left holds the results of that try.
    folder = f"{folder}-{uuid.uuid4().hex}"
    fileio.makedirs(folder)
    try:
        with make_pipeline() as pipeline:
            _ = (
                pipeline
                | "Files" >> beam.Create(list(elements), reshuffle=len(elements) > 1)
                | "Read" >> beam.ParDo(reader)
                | "Merge" >> beam.CombinePerKey(Merge(merge))
                | "Dump" >> beam.ParDo(_Dump(folder))
            )
        found = {}
        for name in fileio.listdir(folder):
            with fileio.open(f"{folder}/{name}", "rb") as file:
                key, part = pickle.loads(file.read())
            found[key] = part
        return found
    finally:
        fileio.rmtree(folder)
