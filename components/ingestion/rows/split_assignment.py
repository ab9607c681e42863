"""Assignment of rows to splits by a hash, a column or time: a row never changes its split."""

import itertools
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.ingestion.discovery import spans
from components.ingestion.rows import row_times, stratified
from components.ingestion.rows.split_column import cell_text, named_split, unknown_split
from components.ingestion.write import example_encoding, record_writer
from errors import UserError
from spec.rows.data_paths import SPLITS
from spec.rows.split import Split

Rows = dict[str, np.ndarray[Any, Any]]
"""Split name -> row numbers, ascending."""


class Splitter:
    """Divides batches into splits.

    Args:
        split: [data.split].
        key: Column whose equal values stay in one split; None for the whole row.
        cut_eval: Whether the eval split is cut out of train.
        cuts: For by = "time": the times at which the splits start, except the first.
        time: For by = "time": the column; for by = "span": the column that is cut into spans.
        newest: For by = "span": how that column is cut, and the number of the span that is the test split; None if
            each file is of one span.
        empty: Columns without any value.
        strata: Labels that are divided by the order of their hashes; None for none.
    """

    def __init__(
        self,
        split: Split,
        *,
        key: str | None = None,
        cut_eval: bool = False,
        cuts: Sequence[float] = (),
        time: str | None = None,
        newest: tuple[str, int] | None = None,
        empty: Collection[str] = (),
        strata: stratified.Strata | None = None,
    ) -> None:
        self._split = split
        self._key, self._cut_eval = key, cut_eval
        self._cuts = list(cuts)
        self._time = time
        self._newest = newest
        self._empty = empty
        self._strata = strata

    def names(self, ready: str | None) -> tuple[str, ...]:
        """Return the splits that the rows of a file can be in.

        Args:
            ready: The split of the file, if the config names the files of each split; else None.
        """
        if ready is None:
            return SPLITS
        return SPLITS[:2] if self._cuts_eval(ready) else (ready,)

    def divide(
        self,
        batch: pa.RecordBatch,
        examples: pa.Array,
        *,
        path: str,
        ready: str | None,
        texts: list[bytes] | None = None,
    ) -> Rows:
        """Assign the rows of a batch to splits.

        Args:
            batch: n rows.
            examples: The rows as n serialized tf.Examples.
            path: The file, for messages.
            ready: The split of the file, if the config names the files of each split; else None.
            texts: `examples` as Python objects, if they exist already.

        Returns:
            Split -> row numbers.

        Raises:
            UserError: a cell is not the name of a split.
        """
        by = self._split.by
        all_rows = np.arange(len(batch))
        if by == "all":
            return dict.fromkeys(SPLITS, all_rows)
        if by == "column":
            rows_by_split = self._by_column(batch, path)
            return self._cut(rows_by_split, batch, examples, texts) if self._cut_eval else rows_by_split
        if by == "time":
            index = np.searchsorted(
                self._cuts, row_times.keys(_column(batch, self._time), str(self._time), path), "right"
            )
            return {name: np.flatnonzero(index == number) for number, name in enumerate(SPLITS)}
        if ready is not None and not self._cuts_eval(ready):
            return {str(ready): all_rows}
        divided = self._by_hash(SPLITS if by == "hash" else SPLITS[:2], batch, examples, texts)
        if self._newest is None:
            return divided
        unit, number = self._newest
        times = row_times.keys(_column(batch, self._time), str(self._time), path)
        is_newest = spans.numbers(times, unit, str(self._time)) == number
        older = {name: indices[~is_newest[indices]] for name, indices in divided.items()}
        return {**older, "test": np.flatnonzero(is_newest)}

    def _by_hash(
        self, names: Sequence[str], batch: pa.RecordBatch, examples: pa.Array, texts: list[bytes] | None
    ) -> Rows:
        row_keys = keys(batch, examples, self._key, self._empty)
        shares = {name: self._split.shares[name] for name in names}
        texts = texts if row_keys is examples else None
        splits, hashes = assigned(row_keys, shares, self._split.salt, texts)
        if self._strata is not None:
            splits = stratified.reassigned(splits, *labels(batch, self._strata.label), hashes, self._strata.cuts)
        return {name: np.flatnonzero(splits == number) for number, name in enumerate(shares)}

    def _cut(self, rows_by_split: Rows, batch: pa.RecordBatch, examples: pa.Array, texts: list[bytes] | None) -> Rows:
        """Divide the rows of train between train and eval."""
        divided = self._by_hash(SPLITS[:2], batch, examples, texts)
        return {
            **rows_by_split,
            **{name: np.intersect1d(indices, rows_by_split["train"]) for name, indices in divided.items()},
        }

    def _cuts_eval(self, ready: str | None) -> bool:
        return ready == "train" and self._cut_eval

    def _by_column(self, batch: pa.RecordBatch, path: str) -> Rows:
        column, values = str(self._split.column), self._split.values
        coded = pc.dictionary_encode(_column(batch, column), null_encoding="encode")
        texts = [cell_text(value) for value in coded.dictionary.to_pylist()]
        splits = [named_split(text, values) for text in texts]
        for text, split in zip(texts, splits, strict=True):
            if split is None:
                raise UserError(f"{path}: {unknown_split(column, text, values)}")
        numbers = np.array([SPLITS.index(str(split)) for split in splits], np.int64)
        index = numbers[coded.indices.to_numpy(zero_copy_only=False)] if len(batch) else np.empty(0, np.int64)
        return {name: np.flatnonzero(index == number) for number, name in enumerate(SPLITS)}


def rows(keys: pa.Array, shares: Mapping[str, int], salt: str = "", texts: list[bytes] | None = None) -> Rows:
    """Assign rows to splits as TFX's ExampleGen does: SHA-256 of the key, modulo the sum of the shares.

    Args:
        keys: Binary array of n keys: the serialized tf.Example, or the serialized feature of one column.
        shares: Split name -> its share, in order.
        salt: Prefix of each key before hashing.
        texts: `keys` as Python objects, if they exist already.

    Returns:
        Split name -> row numbers, ascending.
    """
    splits, _ = assigned(keys, shares, salt, texts)
    return {name: np.flatnonzero(splits == number) for number, name in enumerate(shares)}


def assigned(
    keys: pa.Array, shares: Mapping[str, int], salt: str = "", texts: list[bytes] | None = None
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the number of the split of each row, int64 (n,), and its hash, uint64 (n,); arguments as for `rows`."""
    bounds = list(itertools.accumulate(shares.values()))
    prefix = salt.encode()
    texts = record_writer.cut(keys) if texts is None else texts
    seeded = [prefix + text for text in texts] if prefix else texts
    digests = b"".join([sha256(text).digest() for text in seeded])
    # A digest is eight words to the base 2^32, in big-endian order.
    words = np.frombuffer(digests, ">u4").reshape(-1, 8).astype(np.uint64)
    powers = np.array([pow(2, 32 * position, bounds[-1]) for position in range(7, -1, -1)], np.uint64)
    buckets = (words % np.uint64(bounds[-1]) * powers % np.uint64(bounds[-1])).sum(axis=1) % np.uint64(bounds[-1])
    splits = np.searchsorted(np.array(bounds, np.uint64), buckets, "right")
    return splits, words[:, 0] << np.uint64(32) | words[:, 1]


def hashed(
    batch: pa.RecordBatch, examples: pa.Array, split: Split, label: str | None, empty: Collection[str]
) -> stratified.Hashed:
    """Return labels, splits and hashes of the rows of a batch, if the whole row decides the split.

    Args:
        batch: n rows.
        examples: The rows as n serialized tf.Examples.
        split: [data.split].
        label: Column of the label.
        empty: Columns without any value.
    """
    names, places = labels(batch, label)
    return names, places, *assigned(keys(batch, examples, None, empty), split.shares, split.salt)


def labels(batch: pa.RecordBatch, name: str | None) -> tuple[list[str], np.ndarray[Any, Any]]:
    """Return the distinct labels of a batch, and the place of each row's label among them, int64 (rows,)."""
    coded = pc.dictionary_encode(_column(batch, name), null_encoding="encode")
    names = [str(cell_text(value)) for value in coded.dictionary.to_pylist()]
    return names, np.asarray(coded.indices.to_numpy(zero_copy_only=False), np.int64)


def keys(batch: pa.RecordBatch, examples: pa.Array, column: str | None, unknown: Collection[str] = ()) -> pa.Array:
    """Return the bytes to hash, as in TFX's CsvExampleGen: one column's serialized feature, or the whole example.

    Args:
        batch: n rows.
        examples: The rows as n serialized tf.Examples.
        column: Column whose equal values stay in one split; None for the whole row.
        unknown: Columns without any value.

    Returns:
        Binary array of n keys.
    """
    if column is not None:
        return example_encoding.features(_column(batch, column), empty=True)
    complete = not any(cells.null_count for cells in batch.columns)
    if complete:
        return examples
    columns = [
        pa.nulls(len(batch)) if name in unknown else cells
        for name, cells in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return example_encoding.examples(pa.RecordBatch.from_arrays(columns, batch.schema.names), empty=True)


def _column(batch: pa.RecordBatch, name: str | None) -> pa.Array:
    if name not in batch.schema.names:
        raise UserError(
            f"the data lacks column {name!r}, which divides it. Known columns: {', '.join(batch.schema.names)}"
        )
    return batch.column(batch.schema.get_field_index(str(name)))
