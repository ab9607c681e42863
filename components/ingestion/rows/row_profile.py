"""Row profile: digests of rows, label counts and non-finite numbers, collected for the gates during ingestion.

Each shard has one file, next to its counts, so that the gates need no further pass over the records.
"""

import hashlib
import io
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

import manifest
from components import value_counts

ENDING = manifest.MARKS
"""Extension of the file."""
MAX_VALUES = 1000
"""Maximum number of distinct labels that are counted; of a label with more only minimum and maximum are kept."""

Digests = np.ndarray[Any, Any]
"""uint64 (rows,)."""

_GOLDEN, _FIRST, _SECOND = (np.uint64(n) for n in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
_NULL = np.uint64(0x6E756C6C)


@dataclass
class Facts:
    """Facts about the rows of one split.

    Attributes:
        rows: Number of rows.
        labels: Label -> number of rows; None if there are too many labels.
        ends: Smallest and largest finite label, if the label is a number.
        odd: Column -> number of rows with NaN, number of rows with infinity.
    """

    rows: int = 0
    labels: dict[Any, int] | None = field(default_factory=dict)
    ends: list[float] = field(default_factory=list)
    odd: dict[str, list[int]] = field(default_factory=dict)

    def add(self, other: "Facts") -> None:
        """Add the facts of another part of the split."""
        self.rows += other.rows
        if self.labels is not None and other.labels is not None:
            for value, number in other.labels.items():
                self.labels[value] = self.labels.get(value, 0) + number
        if other.labels is None or len(self.labels or ()) > MAX_VALUES:
            self.labels = None
        ends = [*self.ends, *other.ends]
        self.ends = [min(ends), max(ends)] if ends else []
        for column, numbers in other.odd.items():
            previous_counts = self.odd.get(column, [0, 0])
            self.odd[column] = [count + addend for count, addend in zip(previous_counts, numbers, strict=True)]


class Marks:
    """Collector of the row profile from batches.

    Args:
        skip: Columns excluded from the digest, which identify a row or its split.
        label: The label column, if there is one.
        name: The column that the reader adds to identify a row, if there is one; stored next to the digests.
        compares_features: Whether to also store the digests of the features and of the labels.
        unread: Further columns that are no features: the model does not read them.
    """

    def __init__(
        self,
        *,
        skip: Collection[str | None],
        label: str | None,
        name: str | None = None,
        compares_features: bool = True,
        unread: Collection[str] = (),
    ) -> None:
        self._skip, self._label, self._name = skip, label, name
        self._compares_features = compares_features
        self._unread = [name for name in unread if name not in skip and name != label]
        self._digests: dict[str, list[Digests]] = {}
        self._features: dict[str, list[Digests]] = {}
        self._labels: dict[str, list[Digests]] = {}
        self._names: dict[str, list[str]] = {}
        self._facts: dict[str, Facts] = {}

    def add(self, batch: pa.RecordBatch, rows: Mapping[str, Any]) -> None:
        """Add a batch.

        Args:
            batch: n rows.
            rows: Split -> row numbers, int64.
        """
        row_digests = digests(batch, self._skip)
        label_index = batch.schema.get_field_index(self._label) if self._label else -1
        features, labels = None, None
        if label_index >= 0 and self._compares_features:
            labels = _of_columns(batch, [str(self._label)])
            # Digests are sums over the columns.
            features = row_digests - labels - _of_columns(batch, self._unread)
        numbers = {
            name: column.to_numpy(zero_copy_only=False)
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
            if pa.types.is_floating(column.type)
        }
        non_finite = {name: values for name, values in numbers.items() if not np.isfinite(values).all()}
        for split, places in rows.items():
            self._digests.setdefault(split, []).append(row_digests[places])
            if features is not None and labels is not None:
                self._features.setdefault(split, []).append(features[places])
                self._labels.setdefault(split, []).append(labels[places])
            if self._name is not None:
                column = batch.column(batch.schema.get_field_index(self._name))
                self._names.setdefault(split, []).extend(column.take(pa.array(places)).to_pylist())
            facts = Facts(
                len(places),
                odd={name: _non_finite_counts(batch, name, non_finite[name], places) for name in non_finite},
            )
            facts.odd = {name: counts for name, counts in facts.odd.items() if any(counts)}
            if label_index >= 0:
                facts.labels, facts.ends = _labels(batch.column(label_index).take(pa.array(places)))
            self._facts.setdefault(split, Facts()).add(facts)

    def marked(self) -> "Marked":
        """Return the profile of all batches."""
        digests, features, labels = (
            {split: np.concatenate(parts) for split, parts in arrays_by_split.items()}
            for arrays_by_split in (self._digests, self._features, self._labels)
        )
        return Marked(self._facts, digests, features, labels, self._names)

    def write(self, file: BinaryIO) -> None:
        """Write the profile and close the file."""
        with file:
            file.write(content(self.marked()))


def _bytes(content: Any) -> np.ndarray[Any, Any]:
    return np.frombuffer(json.dumps(content).encode(), np.uint8)


class Marked(NamedTuple):
    """The profile that a `Marks` wrote, by split.

    Attributes:
        facts: Facts about the rows.
        digests: Digest of each row.
        features: Digest of each row without its label and without the columns that the model does not read.
        labels: Digest of the label of each of these rows.
        names: Name of each row, if the reader adds names.
    """

    facts: dict[str, Facts]
    digests: dict[str, Digests]
    features: dict[str, Digests]
    labels: dict[str, Digests]
    names: dict[str, list[str]]


def content(marked: Marked) -> bytes:
    """Return the content of the file of a profile."""
    held_by = {"digests": marked.digests, "features": marked.features, "labels": marked.labels}
    arrays = {f"{kind}/{split}": array for kind, by_split in held_by.items() for split, array in by_split.items()}
    # As JSON: a NumPy array of strings takes the length of the longest for each.
    arrays |= {f"names/{split}": _bytes(names) for split, names in marked.names.items()}
    facts = {split: _plain(facts) for split, facts in marked.facts.items()}
    buffer = io.BytesIO()
    np.savez(buffer, facts=_bytes(facts), **arrays)
    return buffer.getvalue()


def read(file: BinaryIO) -> Marked:
    """Read a profile that a `Marks` wrote."""
    with np.load(io.BytesIO(file.read()), allow_pickle=False) as arrays:
        facts = {split: _facts(plain) for split, plain in json.loads(arrays["facts"].tobytes()).items()}
        contents: dict[str, dict[str, Any]] = {"digests": {}, "features": {}, "labels": {}, "names": {}}
        for key in arrays.files:
            kind, _, split = key.partition("/")
            if kind in contents:
                contents[kind][split] = json.loads(arrays[key].tobytes()) if kind == "names" else arrays[key]
        for split, features in contents["features"].items():
            # A file of an earlier version has none; its rows may also differ in a column that the model does not read.
            contents["labels"].setdefault(split, contents["digests"][split] - features)
        return Marked(facts, **contents)


def digests(batch: pa.RecordBatch, skip: Collection[str | None]) -> Digests:
    """Hash each row: equal rows have equal digests on any machine; different rows collide with probability 2^-64.

    Args:
        batch: n rows.
        skip: Columns that are excluded.

    Returns:
        uint64 (n,).
    """
    return _of_columns(batch, [name for name in batch.schema.names if name not in skip])


def _of_columns(batch: pa.RecordBatch, names: Iterable[str]) -> Digests:
    """Return the terms of columns in the digests, uint64 (n,); a column that the batch lacks has none."""
    total = np.zeros(len(batch), np.uint64)
    for name in names:
        if (place := batch.schema.get_field_index(name)) >= 0:
            total += _of_column(name, batch.column(place))
    return total


def _of_column(name: str, column: pa.Array) -> Digests:
    """Return a column's terms of the digests, uint64 (n,)."""
    seed = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
    return _mixed(_words(column) ^ np.uint64(seed))


def _words(column: pa.Array) -> Digests:
    """Return 64 bits for each cell, uint64 (n,): the value if it fits, else its hash."""
    kind = column.type
    if pa.types.is_floating(kind):
        words = _filled(column, 0.0).astype(np.float32).view(np.uint32).astype(np.uint64)
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        words = _filled(column.cast(pa.int64()), 0).astype(np.int64).view(np.uint64)
    elif pa.types.is_null(kind):
        return np.full(len(column), _NULL)
    else:
        coded = column.dictionary_encode()
        values = coded.dictionary.to_numpy(zero_copy_only=False)
        hashed = pd.util.hash_array(np.asarray(values, object), categorize=False) if len(values) else np.zeros(1)
        words = hashed.astype(np.uint64)[_filled(coded.indices, 0)]
    if column.null_count:
        return np.where(column.is_valid().to_numpy(zero_copy_only=False), words, _NULL)
    return words


def _filled(column: pa.Array, value: float) -> np.ndarray[Any, Any]:
    filled: np.ndarray[Any, Any] = (column.fill_null(value) if column.null_count else column).to_numpy(
        zero_copy_only=False
    )
    return filled


def _mixed(words: Digests) -> Digests:
    """Apply SplitMix64's finalizer (prng.di.unimi.it/splitmix64.c), so that sums of similar words do not collide."""
    words = words + _GOLDEN
    words ^= words >> np.uint64(30)
    words *= _FIRST
    words ^= words >> np.uint64(27)
    words *= _SECOND
    words ^= words >> np.uint64(31)
    return words


def _non_finite_counts(batch: pa.RecordBatch, name: str, values: Any, places: Any) -> list[int]:
    """Count the rows with NaN and the rows with infinity; null is neither."""
    is_present = batch.column(batch.schema.get_field_index(name)).is_valid().to_numpy(zero_copy_only=False)[places]
    cells = values[places][is_present]
    return [int(np.isnan(cells).sum()), int(np.isinf(cells).sum())]


def _labels(column: pa.Array) -> tuple[dict[Any, int] | None, list[float]]:
    ends: list[float] = []
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        values = column.drop_null().to_numpy(zero_copy_only=False)
        values = values[np.isfinite(values)]
        ends = [values.min().item(), values.max().item()] if len(values) else []
    total = value_counts.total([column.value_counts()])
    if len(total) > MAX_VALUES:
        return None, ends
    counts = zip(total.field("values").to_pylist(), total.field("counts").to_pylist(), strict=True)
    return {_text(value): number for value, number in counts if value is not None}, ends


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _plain(facts: Facts) -> dict[str, Any]:
    labels = None if facts.labels is None else list(facts.labels.items())
    return {"rows": facts.rows, "labels": labels, "ends": facts.ends, "odd": facts.odd}


def _facts(plain: Mapping[str, Any]) -> Facts:
    labels = None if plain["labels"] is None else dict(plain["labels"])
    return Facts(plain["rows"], labels, plain["ends"], plain["odd"])
