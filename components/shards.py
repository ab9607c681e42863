"""Passes over an Examples artifact with Beam: its elements are files, read here in large batches."""

import pickle
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils

BATCH_BYTES = 8 << 20
"""Serialized records that are worked on at once: large enough that a call's cost vanishes."""
BATCH_ROWS = 65_536
_READ_ROWS = 1024


def files(examples: Any, split: str) -> list[str]:
    """Files of one split, sorted."""
    pattern = io_utils.all_files_pattern(artifact_utils.get_split_uri([examples], split))
    return sorted(tf.io.gfile.glob(pattern))


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
    elements: Sequence[tuple[str, str]],
    reader: Any,
    merge: Callable[[list[Any]], Any],
    folder: str,
) -> dict[str, Any]:
    """Read files in parallel, and put together what they give.

    Args:
        make_pipeline: Makes a Beam pipeline.
        elements: Key and file, for each.
        reader: DoFn from such a pair to (key, part); it may yield nothing.
        merge: From a list of two or more parts of a key to one.
        folder: For the results, where all workers and this process can reach it; made and removed here.

    Returns:
        Key -> the merged part.
    """
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
