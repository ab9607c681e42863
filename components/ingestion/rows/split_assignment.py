"""Which split a row goes to: by a hash, a column or time, so that it never changes sides."""

import itertools
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.ingestion.discovery import spans
from components.ingestion.rows import row_times
from components.ingestion.rows.split_column import cell_text, named_split, unknown_split
from components.ingestion.write import example_encoding, record_writer
from errors import UserError
from spec.rows.data_paths import SPLITS

Rows = dict[str, np.ndarray[Any, Any]]
"""Split name -> row numbers, rising."""


class Splitter:
    """Divides batches.

    Args:
        settings: [data.split] with its defaults, and `key`: the column whose equal cells stay together, None for the
            whole row.
        cuts: For by = "time", the times with which all splits but the first begin.
        time: For by = "time", the column; for by = "span", the one that is cut into spans.
        newest: For by = "span", how that column is cut and the number of the span that is the test split; None where
            each file is of one span.
        empty: Columns without any value.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        *,
        cuts: Sequence[float] = (),
        time: str | None = None,
        newest: tuple[str, int] | None = None,
        empty: Collection[str] = (),
    ) -> None:
        self._settings = settings
        self._shares = {name: settings[name] for name in SPLITS}
        self._cuts = list(cuts)
        self._time = time
        self._newest = newest
        self._empty = empty

    def names(self, ready: str | None) -> tuple[str, ...]:
        """Splits that a file can have rows of.

        Args:
            ready: The split that the file makes; None where files are not ready-made splits.
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
        """Assign the rows of a batch.

        Args:
            batch: n rows.
            examples: They as n serialized tf.Examples.
            texts: These as Python objects, where they are at hand.
            path: Their file, for messages.
            ready: The split that the file makes; None where files are not ready-made splits.

        Returns:
            Rows of each split that has some.

        Raises:
            UserError: a cell names no split.
        """
        by = self._settings["by"]
        every = np.arange(len(batch))
        if by == "all":
            return dict.fromkeys(SPLITS, every)
        if by == "column":
            named = self._by_column(batch, path)
            return self._cut(named, batch, examples, texts) if self._settings["cut_eval"] else named
        if by == "time":
            place = np.searchsorted(
                self._cuts, row_times.keys(_column(batch, self._time), str(self._time), path), "right"
            )
            return {name: np.flatnonzero(place == number) for number, name in enumerate(SPLITS)}
        if ready is not None and not self._cuts_eval(ready):
            return {str(ready): every}
        shares = {name: self._shares[name] for name in (SPLITS if by == "hash" else SPLITS[:2])}
        found = keys(batch, examples, self._settings["key"], self._empty)
        divided = rows(found, shares, self._settings["salt"], texts if found is examples else None)
        if self._newest is None:
            return divided
        cut, number = self._newest
        days = row_times.keys(_column(batch, self._time), str(self._time), path)
        fresh = spans.numbers(days, cut, str(self._time)) == number
        older = {name: places[~fresh[places]] for name, places in divided.items()}
        return {**older, "test": np.flatnonzero(fresh)}

    def _cut(self, named: Rows, batch: pa.RecordBatch, examples: pa.Array, texts: list[bytes] | None) -> Rows:
        """Divide the rows of train between train and eval."""
        found = keys(batch, examples, self._settings["key"], self._empty)
        shares = {name: self._shares[name] for name in SPLITS[:2]}
        divided = rows(found, shares, self._settings["salt"], texts if found is examples else None)
        return {**named, **{name: np.intersect1d(places, named["train"]) for name, places in divided.items()}}

    def _cuts_eval(self, ready: str | None) -> bool:
        return ready == "train" and bool(self._settings["cut_eval"])

    def _by_column(self, batch: pa.RecordBatch, path: str) -> Rows:
        column, values = self._settings["column"], self._settings["values"]
        coded = pc.dictionary_encode(_column(batch, column), null_encoding="encode")
        texts = [cell_text(value) for value in coded.dictionary.to_pylist()]
        splits = [named_split(text, values) for text in texts]
        for text, found in zip(texts, splits, strict=True):
            if found is None:
                raise UserError(f"{path}: {unknown_split(column, text, values)}")
        numbers = np.array([SPLITS.index(str(found)) for found in splits], np.int64)
        place = numbers[coded.indices.to_numpy(zero_copy_only=False)] if len(batch) else np.empty(0, np.int64)
        return {name: np.flatnonzero(place == number) for number, name in enumerate(SPLITS)}


def rows(keys: pa.Array, shares: Mapping[str, int], salt: str = "", texts: list[bytes] | None = None) -> Rows:
    """Assign rows to splits as stock ExampleGen does: SHA-256 of the key, modulo the sum of the shares.

    Args:
        keys: Binary array of n keys: the serialized tf.Example, or the serialized feature of one column.
        shares: Split name -> its share, in order.
        salt: Goes before each key.
        texts: The keys as Python objects, where these are at hand.

    Returns:
        Split name -> row numbers, rising.
    """
    bounds = list(itertools.accumulate(shares.values()))
    prefix = salt.encode()
    texts = record_writer.cut(keys) if texts is None else texts
    seeded = [prefix + text for text in texts] if prefix else texts
    digests = b"".join([sha256(text).digest() for text in seeded])
    # A digest is a number of eight words to the base 2^32, the first the highest.
    words = np.frombuffer(digests, ">u4").reshape(-1, 8).astype(np.uint64)
    powers = np.array([pow(2, 32 * place, bounds[-1]) for place in range(7, -1, -1)], np.uint64)
    buckets = (words % np.uint64(bounds[-1]) * powers % np.uint64(bounds[-1])).sum(axis=1) % np.uint64(bounds[-1])
    assigned = np.searchsorted(np.array(bounds, np.uint64), buckets, "right")
    return {name: np.flatnonzero(assigned == number) for number, name in enumerate(shares)}


def keys(batch: pa.RecordBatch, examples: pa.Array, column: str | None, unknown: Collection[str] = ()) -> pa.Array:
    """The text that decides, as stock's CsvExampleGen has it: one column's serialized feature, or the whole example."""
    if column is not None:
        return example_encoding.features(_column(batch, column), empty=True)
    complete = not any(each.null_count for each in batch.columns)
    if complete:
        return examples
    columns = [
        pa.nulls(len(batch)) if name in unknown else each
        for name, each in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return example_encoding.examples(pa.RecordBatch.from_arrays(columns, batch.schema.names), empty=True)


def _column(batch: pa.RecordBatch, name: str | None) -> pa.Array:
    if name not in batch.schema.names:
        raise UserError(f"the data lacks column {name!r}, which divides it. There is: {', '.join(batch.schema.names)}")
    return batch.column(batch.schema.get_field_index(str(name)))
