"""Rows that memory should not hold: columns in files, read in blocks, in a new order each epoch."""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

BLOCK_ROWS = 65_536
"""Rows that lie together in a file and are read at once."""
BLOCKS_AT_ONCE = 4
"""Blocks from anywhere in the table whose rows are mixed."""

Array = np.ndarray[Any, Any]


def collect(batches: Iterable[Mapping[str, Array]], limit: float, folder: Callable[[], str]) -> dict[str, Array]:
    """Put batches together: in memory up to a limit, above it in one file a column.

    Args:
        batches: Column -> (rows, ...), each of the same columns.
        limit: Bytes that memory may hold.
        folder: Makes the folder for the files, and is asked for it only where they are needed.

    Returns:
        Column -> (rows, n): an array, or a memory map that is read as such.
    """
    held: dict[str, list[Array]] = {}
    kinds: dict[str, tuple[Any, int]] = {}
    files: dict[str, Any] = {}
    size, place = 0, ""
    for batch in batches:
        for name, column in batch.items():
            held.setdefault(name, []).append(column)
            kinds[name] = column.dtype, int(np.prod(column.shape[1:]))
            size += column.nbytes
        if size > limit:
            place = place or folder()
            _spill(held, files, place)
            size = 0
    if not files:
        # Taken out one by one, so that pictures stand in memory once and not twice.
        return {name: _flat(np.concatenate(held.pop(name))) for name in list(held)}
    _spill(held, files, place)
    made = {}
    for name, file in files.items():
        file.close()
        kind, width = kinds[name]
        made[name] = np.memmap(file.name, kind, "r").reshape(-1, width)
    return made


def _spill(held: dict[str, list[Array]], files: dict[str, Any], folder: str) -> None:
    """Move what is held to the ends of the files."""
    for number, (name, parts) in enumerate(held.items()):
        if name not in files:
            files[name] = open(os.path.join(folder, f"column-{number}"), "wb")  # noqa: SIM115  until all is there
        for part in parts:
            files[name].write(np.ascontiguousarray(part).tobytes())
        parts.clear()


def _flat(column: Array) -> Array:
    return column.reshape(len(column), -1)


def is_file(column: Any) -> bool:
    """Whether a column is a whole file, and no part or copy of one."""
    if not isinstance(column, np.memmap) or getattr(column, "_mmap", None) is None:
        return False
    return column.nbytes == os.path.getsize(str(column.filename))


def batches(
    columns: Mapping[str, Array], label: Array, *, size: int, seed: int | None, weight: Array | None
) -> tf.data.Dataset:
    """Batches of (features, label) or (features, label, weight) of which only some blocks are in memory.

    Args:
        columns: Feature name -> (rows, ...), some of them files.
        label: (rows, 1).
        size: Rows a batch; the last may be smaller.
        seed: Mix the rows anew each epoch, starting from this seed; None keeps the order.
        weight: How much each row counts, (rows,).

    Returns:
        A dataset of one epoch.
    """
    epochs = itertools.count()
    names = list(columns)
    parts = [*columns.values(), label, *([] if weight is None else [weight])]
    specs = [tf.TensorSpec([None, *column.shape[1:]], column.dtype) for column in parts]

    def epoch() -> Iterator[Any]:
        random = None if seed is None else np.random.default_rng([seed, next(epochs)])
        rest = [column[:0] for column in parts]
        for places in _groups(len(label), random):
            read = [
                np.concatenate([before, *(_read(column, *ends) for ends in places)])
                for before, column in zip(rest, parts, strict=True)
            ]
            count = len(read[0])
            if random is not None:
                order = random.permutation(count)
                read = [column[order] for column in read]
            whole = count // size * size
            for start in range(0, whole, size):
                yield _named(names, [column[start : start + size] for column in read])
            rest = [column[whole:] for column in read]
        if len(rest[0]):
            yield _named(names, rest)

    signature = _named(names, specs)
    return tf.data.Dataset.from_generator(epoch, output_signature=signature).prefetch(tf.data.AUTOTUNE)


def _named(names: Sequence[str], parts: Sequence[Any]) -> Any:
    """(features, label) or (features, label, weight)."""
    return (dict(zip(names, parts[: len(names)], strict=True)), *parts[len(names) :])


def _groups(rows: int, random: Any) -> Iterator[list[tuple[int, int]]]:
    """First and last row of the blocks that are read together."""
    starts = np.arange(0, rows, BLOCK_ROWS)
    if random is not None:
        random.shuffle(starts)
    for at in range(0, len(starts), BLOCKS_AT_ONCE):
        yield [(int(start), min(int(start) + BLOCK_ROWS, rows)) for start in starts[at : at + BLOCKS_AT_ONCE]]


def _read(column: Array, start: int, end: int) -> Array:
    """Rows of a column, read from its file and not through its map, whose pages would stay in memory."""
    if not is_file(column):
        return np.asarray(column[start:end])
    width = int(np.prod(column.shape[1:]))
    made = np.fromfile(
        str(column.filename),  # type: ignore[attr-defined]
        column.dtype,
        (end - start) * width,
        offset=start * width * column.dtype.itemsize,
    )
    return made.reshape(-1, *column.shape[1:])
