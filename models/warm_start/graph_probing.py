"""Measurement of the scales and bucket boundaries in a transform graph, by running it on known rows and values."""

import base64
import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from models.features import bucketized, text
from models.features.crossed import exact_depths
from models.roles import Features
from models.transform_graph.loaded_graph import TransformGraph
from spec.cells import null_cells

Array = np.ndarray[Any, Any]
BATCH_TERMS = 256
_FLOATS = 0x7F7FFFFF
"""Bit pattern of the largest finite float32. Bit patterns of positive floats sort like the floats."""
_INTEGERS = 1 << 55
"""Limit of the search for boundaries of an integer column; they come from quantiles in float32."""
WAYS = 31
"""Number of values tried per boundary and batch."""
_IMAGE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNgAAAAAgAB5Sfe/AAAAABJRU5ErkJggg=="
)
"""A PNG image of one pixel."""


class Probe:
    """A transform graph, run on chosen values.

    Args:
        transform: A TFTransformOutput.
        graph: Transform graph.
        roles: The columns by role.
        rows: Serialized raw tf.Examples, at least one.

    Attributes:
        features: Feature -> its values for these rows. All images are replaced by one of one pixel.
    """

    def __init__(self, transform: Any, graph: TransformGraph, roles: Features, rows: Sequence[bytes]) -> None:
        spec = transform.raw_feature_spec()
        self._roles = roles
        self._spec = {name: spec[name] for name in roles.columns()}
        specs = {name: _tensor_spec(feature) for name, feature in self._spec.items()}
        self._function = tf.function(lambda raw: graph(raw), input_signature=[specs], autograph=False)
        parsed = tf.io.parse_example(tf.constant(list(rows)), self._spec)
        self._raw = {name: _cells(value) for name, value in parsed.items()}
        for image in roles.of("image"):
            self._raw[image.column] = np.full(len(rows), _IMAGE, object)
        self.features = self._run(self._raw)

    def ask(self, count: int, columns: Mapping[str, Array]) -> dict[str, Array]:
        """Return the features of `count` copies of the first row, with some columns replaced.

        Args:
            count: Number of rows.
            columns: Column -> its values, (count,).
        """
        return self._run({name: columns.get(name, np.repeat(cells[:1], count)) for name, cells in self._raw.items()})

    def _run(self, columns: Mapping[str, Array]) -> dict[str, Array]:
        raw = {name: _tensor(cells, self._spec[name]) for name, cells in columns.items()}
        return {name: value.numpy() for name, value in self._function(raw).items()}

    def measured(self, name: str, of: Mapping[str, Any]) -> tuple[Array, Array]:
        """Return finite numbers of the rows and their feature, both float64 (n,).

        If a column has the same value in all rows, two values are used instead: this one and a different one.

        Args:
            name: The feature.
            of: Source of the feature: the key `of` of its meaning (`feature_meanings`).
        """
        values, features = _numbers(of, self._raw), self.features[name][:, 0].astype(np.float64)
        is_finite = np.isfinite(values)
        if "column" in of and is_finite.any() and np.ptp(values[is_finite]) == 0.0:
            cells = np.resize(self._raw[of["column"]][is_finite][:1], 2)
            low, high = of["clip"] or (-np.inf, np.inf)
            cells[1] = cells[0] + (1 if cells[0] + 1 <= high else -1)
            if not low <= cells[1] <= high:
                cells = np.array([low, high]).astype(cells.dtype)
            values = _numbers(of, {of["column"]: cells})
            features = self.ask(2, {of["column"]: cells})[name][:, 0].astype(np.float64)
            is_finite = np.isfinite(values)
        return values[is_finite], features[is_finite]

    def edges(self) -> dict[str, list[float]]:
        """Find the lower bound of each bucket but the first, for columns with quantile buckets.

        A bound is the smallest value of the column's type that falls into the bucket or a higher one; infinite if there
        is none.

        Returns:
            Column -> bounds. A column whose bucket no feature contains is omitted.
        """
        roles = self._roles
        bucket_places = {
            role.column: bucket_place
            for role in roles.of("bucketized")
            if (bucket_place := _place(role, roles)) is not None
        }
        cut = [role for role in roles.of("bucketized") if role.quantiles is not None and role.column in bucket_places]
        edges_of: dict[str, list[float]] = {}
        for integers in (False, True):
            group = [role for role in cut if (self._spec[role.column].dtype == tf.int64) == integers]
            if group:
                edges_of |= self._bisect(group, bucket_places, integers)
        return edges_of

    def _bisect(
        self, group: Sequence[bucketized.Settings], places: Mapping[str, tuple[str, int, int]], integers: bool
    ) -> dict[str, list[float]]:
        """Search all bounds in parallel: a batch tries WAYS evenly spaced values per bound, within its interval."""
        counts = [role.quantiles - 1 for role in group if role.quantiles is not None]
        starts = np.concatenate([[0], np.cumsum(counts)])
        bounds = list(zip(group, starts, starts[1:], strict=False))
        size, most = int(starts[-1]), _INTEGERS if integers else _FLOATS
        ranks = np.concatenate([np.arange(1, count + 1) for count in counts])
        low, high = np.full(size, -most - 1, np.int64), np.full(size, most + 1, np.int64)
        while (high - low > 1).any():
            points = low[:, None] + (high - low)[:, None] * np.arange(1, WAYS + 1) // (WAYS + 1)
            values = points if integers else _float_of(np.clip(points, -most, most))
            columns = {}
            for role, start, stop in bounds:
                cells = np.repeat(self._raw[role.column][:1], size * WAYS)
                cells[start * WAYS : stop * WAYS] = values[start:stop].reshape(-1)
                columns[role.column] = cells
            features = self.ask(size * WAYS, columns)
            reached = np.empty((size, WAYS), bool)
            for role, start, stop in bounds:
                name, stride, depth = places[role.column]
                index = features[name][start * WAYS : stop * WAYS, 0].reshape(-1, WAYS) // stride % depth
                reached[start:stop] = index >= ranks[start:stop, None]
            low = np.where(reached, low[:, None], points).max(axis=1)
            high = np.where(reached, points, high[:, None]).min(axis=1)
        thresholds = np.where(high > most, np.inf, high if integers else _float_of(np.clip(high, -most, most)))
        return {role.column: [float(edge) for edge in thresholds[start:stop]] for role, start, stop in bounds}

    def rarities(self, entry: text.Settings, name: str, terms: Sequence[str]) -> list[float]:
        """Measure the inverse document frequency of each term, from a text that consists of this term alone."""
        shares: list[float] = []
        for start in range(0, len(terms), BATCH_TERMS):
            part = terms[start : start + BATCH_TERMS]
            texts = np.array([term.encode("utf-8", "surrogateescape") for term in part], object)
            features = self.ask(len(part), {entry.column: texts})[name]
            for position, term in enumerate(part):
                words = term.count(" ") + 1
                ngram_count = sum(max(words - length + 1, 0) for length in range(1, entry.ngrams + 1))
                shares.append(float(features[position, start + position]) * ngram_count)
        return shares


def _numbers(of: Mapping[str, Any], raw: Mapping[str, Array]) -> Array:
    """Compute the number that a feature is scaled from, float64 (rows,); NaN for a null."""
    if "date" in of:
        days = [_date(cell) for cell in raw[of["date"]]]
        if of["part"] == "year":
            return np.array([day.year if day else np.nan for day in days], np.float64)
        epoch = datetime.date(1970, 1, 1)
        return np.array([(day - epoch).days if day else np.nan for day in days], np.float64)
    if "product" in of:
        return np.asarray(np.prod([_numbers(factor, raw) for factor in of["product"]], axis=0))
    numbers = _as_numbers(raw[of["column"]])
    if of["clip"] is not None:
        numbers = np.clip(numbers, *of["clip"])
    return np.log1p(np.maximum(numbers, 0.0)) if of["log1p"] else numbers


def _place(role: bucketized.Settings, roles: Features) -> tuple[str, int, int] | None:
    """Find a feature that contains the bucket of a column: bucket = index // stride % depth.

    Returns:
        Name of the feature, stride, and depth (number of buckets); None if there is no such feature.
    """
    if role.input:
        return f"{role.column}_bucket", 1, role.depth
    for cross in roles.of("crossed"):
        depths = exact_depths(cross, roles)
        if depths and role.column in cross.columns_:
            behind = depths[cross.columns_.index(role.column) + 1 :]
            return "_x_".join(cross.columns_), math.prod(behind), role.depth
    return None


def _cells(value: Any) -> Array:
    """Convert a parsed column to an array of (rows,): bytes objects or numbers; a null is b"", NaN or the minimum."""
    if not isinstance(value, tf.SparseTensor):
        return np.asarray(value.numpy().reshape(-1))
    kind = value.dtype
    empty: Any = b"" if kind == tf.string else (kind.min if kind.is_integer else np.nan)
    cells = np.full(int(value.dense_shape[0]), empty, object if kind == tf.string else kind.as_numpy_dtype)
    cells[value.indices.numpy()[:, 0]] = value.values.numpy()
    return cells


def _tensor_spec(feature: Any) -> Any:
    if isinstance(feature, tf.io.VarLenFeature):
        return tf.SparseTensorSpec([None, None], feature.dtype)
    return tf.TensorSpec([None, 1], feature.dtype)


def _tensor(cells: Array, spec: Any) -> Any:
    from models.transform_graph import raw_columns as transforms

    dense = tf.constant(list(cells) if cells.dtype == object else cells, spec.dtype)
    return transforms.sparsify(dense) if isinstance(spec, tf.io.VarLenFeature) else tf.reshape(dense, [-1, 1])


def _as_numbers(cells: Array) -> Array:
    numbers = cells.astype(np.float64)
    if cells.dtype == np.int64:
        numbers[cells == null_cells.INTEGER] = np.nan
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers


def _date(cell: bytes) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(cell[:10].decode())
    except ValueError:
        return None


def _float_of(key: Array) -> Array:
    """Return the float32 at a position in the order of all finite floats, where 0 is at position 0."""
    float_bits = np.where(key >= 0, key, np.int64(-0x80000000) - key).astype(np.int32)
    return float_bits.view(np.float32)
