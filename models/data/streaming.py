"""Columns in files that are too large for memory, read in blocks and reshuffled each epoch."""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

BLOCK_ROWS = 65_536
"""Consecutive rows that are read at once."""
BLOCKS_AT_ONCE = 4
"""Random blocks whose rows are shuffled together."""

Array = np.ndarray[Any, Any]


def collect(batches: Iterable[Mapping[str, Array]], limit: float, folder: Callable[[], str]) -> dict[str, Array]:
    """Concatenate batches: in memory up to a limit, beyond it in one file per column.

    Args:
        batches: Column -> (rows, ...), each of the same columns.
        limit: Bytes that memory may hold.
        folder: Creates the folder for the files; called only if they are needed.

    Returns:
        Column -> (rows, n): an array, or a memory map that is read as such.
    """
    batches_by_column: dict[str, list[Array]] = {}
    kinds: dict[str, tuple[Any, int]] = {}
    files: dict[str, Any] = {}
    size, folder_path = 0, ""
    for batch in batches:
        for name, column in batch.items():
            batches_by_column.setdefault(name, []).append(column)
            kinds[name] = column.dtype, int(np.prod(column.shape[1:]))
            size += column.nbytes
        if size > limit:
            folder_path = folder_path or folder()
            _spill(batches_by_column, files, folder_path)
            size = 0
    if not files:
        # Popped one by one, so that images are in memory once, not twice.
        return {name: _flat(np.concatenate(batches_by_column.pop(name))) for name in list(batches_by_column)}
    _spill(batches_by_column, files, folder_path)
    arrays = {}
    for name, file in files.items():
        file.close()
        kind, width = kinds[name]
        arrays[name] = np.memmap(file.name, kind, "r").reshape(-1, width)
    return arrays


def _spill(batches_by_column: dict[str, list[Array]], files: dict[str, Any], folder: str) -> None:
    """Append the buffered columns to the files."""
    for number, (name, parts) in enumerate(batches_by_column.items()):
        if name not in files:
            files[name] = open(os.path.join(folder, f"column-{number}"), "wb")  # noqa: SIM115  until all is there
        for part in parts:
            files[name].write(np.ascontiguousarray(part).tobytes())
        parts.clear()


def _flat(column: Array) -> Array:
    return column.reshape(len(column), -1)


def is_file(column: Any) -> bool:
    """Return whether a column is a complete file, not a part or copy of one."""
    if not isinstance(column, np.memmap) or getattr(column, "_mmap", None) is None:
        return False
    return column.nbytes == os.path.getsize(str(column.filename))


def batches(
    columns: Mapping[str, Array], label: Array, *, size: int, seed: int | None, weight: Array | None
) -> tf.data.Dataset:
    """Return batches of (features, label) or (features, label, weight) with only some blocks in memory.

    Args:
        columns: Feature name -> (rows, ...), some of them files.
        label: (rows, 1).
        size: Rows a batch; the last may be smaller.
        seed: Reshuffle each epoch, starting from this seed; None keeps the order.
        weight: Weight of each row, (rows,).

    Returns:
        A dataset of one epoch.
    """
    epochs = itertools.count()
    names = list(columns)
    parts = [*columns.values(), label, *([] if weight is None else [weight])]
    specs = [tf.TensorSpec([None, *column.shape[1:]], column.dtype) for column in parts]

    def epoch() -> Iterator[Any]:
        random = None if seed is None else np.random.default_rng([seed, next(epochs)])
        remainder = [column[:0] for column in parts]
        for places in _groups(len(label), random):
            read = [
                np.concatenate([rest_rows, *(_read(column, *ends) for ends in places)])
                for rest_rows, column in zip(remainder, parts, strict=True)
            ]
            count = len(read[0])
            if random is not None:
                order = random.permutation(count)
                read = [column[order] for column in read]
            full_rows = count // size * size
            for start in range(0, full_rows, size):
                yield _as_batch(names, [column[start : start + size] for column in read])
            remainder = [column[full_rows:] for column in read]
        if len(remainder[0]):
            yield _as_batch(names, remainder)

    signature = _as_batch(names, specs)
    return tf.data.Dataset.from_generator(epoch, output_signature=signature).prefetch(tf.data.AUTOTUNE)


def _as_batch(names: Sequence[str], parts: Sequence[Any]) -> Any:
    """(features, label) or (features, label, weight)."""
    return (dict(zip(names, parts[: len(names)], strict=True)), *parts[len(names) :])


def _groups(rows: int, random: Any) -> Iterator[list[tuple[int, int]]]:
    """Yield the first and last rows of the blocks that are read together."""
    starts = np.arange(0, rows, BLOCK_ROWS)
    if random is not None:
        random.shuffle(starts)
    for position in range(0, len(starts), BLOCKS_AT_ONCE):
        yield [
            (int(start), min(int(start) + BLOCK_ROWS, rows)) for start in starts[position : position + BLOCKS_AT_ONCE]
        ]


def _read(column: Array, start: int, end: int) -> Array:
    """Read rows of a column from its file, not through the memory map, whose pages would stay in memory."""
    if not is_file(column):
        return np.asarray(column[start:end])
    width = int(np.prod(column.shape[1:]))
    array = np.fromfile(
        str(column.filename),  # type: ignore[attr-defined]
        column.dtype,
        (end - start) * width,
        offset=start * width * column.dtype.itemsize,
    )
    return array.reshape(-1, *column.shape[1:])
