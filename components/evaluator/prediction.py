"""Runs exported models on the rows of a split, in batches."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from components import example_passes
from components.evaluator import class_order, metric_catalog, slicing
from components.evaluator.metric import Measure
from components.evaluator.metrics.calibration_error import UNCALIBRATED, uncalibrated
from components.evaluator.metrics.clustering import SAMPLE, Clusters, silhouette
from components.evaluator.plain_predictions import PlainSums
from components.evaluator.sums import folds
from components.evaluator.sums.accumulators import Array, MetricSums, draw
from components.evaluator.worst_rows import WorstRows
from manifest import Shard
from models import progress
from spec.artifacts.signature_names import CLASS_NAMES, DEFAULT, EXAMPLES

BATCH = 4096
"""Maximum number of rows predicted at once."""
FIRST_ROWS = 500
"""Rows read to find out which columns exist."""
FEATURE_BYTES = 4 << 20
"""Size of the model features predicted at once; activations of a convolution are about fifty times as large."""
_DTYPES = {"INT": tf.int64, "FLOAT": tf.float32, "BYTES": tf.string}


class Model:
    """An exported model.

    Args:
        path: SavedModel with the signatures `serving_examples` and, with a label, `labels`.
        kind: Kind of the task.
        classes: Classes in the order of the probabilities; None for the model's own. Others are removed, if there are.

    Attributes:
        classes: The model's own classes, or None.
        others: Classes that are removed.

    Raises:
        ValueError: The model has other outputs or other classes, or lacks some (class_order.UnknownClassError).
    """

    def __init__(self, path: str, kind: str, classes: Sequence[str] | None = None) -> None:
        # The module must stay alive while its signatures are used.
        self._module = tf.saved_model.load(path)
        self._signatures = self._module.signatures
        self._predict = self._signatures[EXAMPLES]
        outputs, expected = sorted(self._predict.structured_outputs), metric_catalog.MEASURES[kind].predictions
        if not set(expected) <= set(outputs):
            raise ValueError(f"its outputs are {', '.join(outputs)}, expected {' and '.join(expected)}")
        self.classes: list[str] | None = None
        self._order: list[int] | None = None
        if CLASS_NAMES in self._signatures:
            self.classes = [name.decode() for name in self._signatures[CLASS_NAMES]()["names"].numpy()]
        self._temperature: float | None = None
        if "temperature" in self._signatures:
            self._temperature = float(self._signatures["temperature"]()["temperature"])
        self.others: list[str] = []
        if kind in ("binary", "classes") and classes is not None:
            self._order, self.others = class_order.match(self.classes or [], classes, kind)

    @property
    def batch(self) -> int:
        """Number of rows to predict at once: fewer if a row is an image."""
        if "transform_features" not in self._signatures:
            return BATCH
        specs = self._signatures["transform_features"].structured_outputs.values()
        specs_with_shape = [spec for spec in specs if spec.shape.rank]
        row: int = sum(spec.dtype.size * math.prod(size or 1 for size in spec.shape[1:]) for spec in specs_with_shape)
        return min(max(FEATURE_BYTES // max(row, 1), 1), BATCH)

    @property
    def inputs(self) -> set[str] | None:
        """Names of the dense inputs, one per raw column; None if unknown."""
        if DEFAULT not in self._signatures:
            return None
        return set(self._signatures[DEFAULT].structured_input_signature[1])

    def predict(self, examples: Any) -> dict[str, Array]:
        """Predict serialized tf.Examples, string (n,); return outputs by name."""
        outputs = {name: value.numpy() for name, value in self._predict(examples=examples).items()}
        if self._order is not None:
            outputs["probabilities"] = outputs["probabilities"][:, self._order]
        if self.others:
            # Condition on the row being of one of the remaining classes.
            total = outputs["probabilities"].sum(axis=1, keepdims=True)
            uniform = np.float32(1 / len(self._order or ()))
            scaled = outputs["probabilities"] / np.where(total > 0, total, 1)
            outputs["probabilities"] = np.where(total > 0, scaled, uniform)
        if self._temperature is not None:
            outputs[UNCALIBRATED] = uncalibrated(outputs["probabilities"], self._temperature)
        return outputs

    def predict_columns(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Predict rows by column, as `serving_default` takes them; return outputs by name."""
        outputs = self._signatures[DEFAULT](**{name: tf.constant(value) for name, value in inputs.items()})
        return {name: value.numpy() for name, value in outputs.items()}

    def label(self, examples: Any) -> tuple[Array, Array]:
        """Return label and weight, (n,) each; -1 and 1 if the model has none."""
        number = int(examples.shape[0])
        if "labels" not in self._signatures:
            return np.full(number, -1, np.int64), np.ones(number)
        outputs = self._signatures["labels"](examples=examples)
        weight = outputs["weight"].numpy().astype(np.float64).reshape(-1) if "weight" in outputs else np.ones(number)
        return outputs["label"].numpy().reshape(-1), weight

    def vectors(self, examples: Any) -> Array | None:
        """Return the vectors that are clustered, float32 (n, width); None if the model has none."""
        vectors: Array | None = None
        if "vectors" in self._signatures:
            vectors = self._signatures["vectors"](examples=examples)["vectors"].numpy()
        return vectors


@dataclass(frozen=True)
class Rows:
    """The rows of a split.

    Attributes:
        files: Gzipped TFRecords of raw tf.Examples, with their declared rows.
        types: Raw column -> schema type (INT, FLOAT, BYTES).
        batch: Number of rows to read at once.
    """

    files: Sequence[Shard]
    types: Mapping[str, str]
    batch: int

    def batches(self) -> Iterator[tuple[Any, Array]]:
        """Yield serialized tf.Examples, string (n,), and row numbers, int64 (n,).

        Raises:
            ResourceError: A file has another number of records than declared.
        """
        start = 0
        files = sorted(file.path for file in self.files)
        for batch in tf.data.TFRecordDataset(files, compression_type="GZIP").batch(self.batch).prefetch(1):
            yield batch, np.arange(start, start + int(batch.shape[0]))
            start += int(batch.shape[0])
        declared = [file.rows for file in self.files if file.rows is not None]
        if len(declared) == len(self.files) and start != sum(declared):
            # Files are read as one; count each to find the one that differs.
            for file in self.files:
                example_passes.check_row_count(file.path, example_passes.count(file.path), file.rows)

    def present(self) -> set[str]:
        """Return the columns of the first rows."""
        columns: set[str] = set()
        for batch, _ in self.batches():
            for record in batch.numpy()[:FIRST_ROWS]:
                features = tf.train.Example.FromString(record).features.feature
                columns |= {name for name, feature in features.items() if feature.WhichOneof("kind")}
            break
        return columns

    def columns(self, examples: Any, names: Sequence[str]) -> dict[str, tuple[Array, Array]]:
        """Parse raw columns of a batch: values (n,), and whether each is not null, bool (n,)."""
        if not names:
            return {}
        number = int(examples.shape[0])
        spec = {name: tf.io.VarLenFeature(_DTYPES[self.types[name]]) for name in names}
        columns = {}
        for name, sparse in tf.io.parse_example(examples, spec).items():
            values = sparse.values.numpy()
            rows, first_positions = np.unique(sparse.indices.numpy()[:, 0], return_index=True)
            present = np.zeros(number, bool)
            present[rows] = True
            column = np.zeros(number, values.dtype)
            column[rows] = values[first_positions]
            columns[name] = column, present
        return columns

    def survey(self, slicings: Sequence[slicing.Slicing], max_slices: int) -> slicing.Survey:
        """Find the slices that occur: one pass, two with quantiles, none without slices."""
        survey = slicing.Survey(slicings, max_slices)
        if survey.needs_quantiles:
            for batch, rows in self.batches():
                survey.sample(rows, self.columns(batch, survey.columns))
            survey.cut()
        if slicings:
            for batch, _ in self.batches():
                survey.count(self.columns(batch, survey.columns))
        return survey


class Tally(NamedTuple):
    """Results of a pass over the rows of a split.

    Attributes:
        sums: The accumulated sums.
        worst: The worst rows.
        groups: Counts of groups by cell; None if rows are independent.
    """

    sums: MetricSums
    worst: WorstRows
    groups: folds.Groups | None


def tally(
    model: Model,
    *,
    labels: Model,
    rows: Rows,
    measure: Measure,
    cells: Sequence[tuple[slicing.Slicing, Mapping[slicing.SliceKey, int]]],
    identifier: str | None = None,
    group: str | None = None,
    plain: PlainSums | None = None,
) -> Tally:
    """Predict all rows, and accumulate sums by slice.

    Args:
        model: Model to run.
        labels: Model that computes labels: a baseline is judged by those of the candidate.
        rows: Rows of the split.
        measure: The task's measure.
        cells: All slicings, with the numbers of their slices; 0 is all rows.
        identifier: Column that identifies a row.
        group: Column whose equal values make dependent rows; None if rows are independent.
        plain: Plain models, whose predictions of the same rows are summed too.
    """
    sums, worst = MetricSums(measure, 1 + sum(len(places) for _, places in cells)), WorstRows(measure)
    groups = folds.Groups() if group else None
    keys = {name for name in (identifier, group) if name}
    raw_columns = sorted({part.column for entry, _ in cells for part in entry} | keys)
    sample = _Sample() if isinstance(measure, Clusters) else None
    meter = progress.Meter(builds=True)
    for batch, numbers in rows.batches():
        meter.add(len(numbers))
        columns = rows.columns(batch, raw_columns)
        predictions, (label, weight) = model.predict(batch), labels.label(batch)
        weight = weight if measure.weighted else np.ones(len(label))
        row_cells = [np.zeros(len(label), np.int64)]
        for entry, places in cells:
            distinct, codes = slicing.keys(entry, columns)
            row_cells.append(np.array([places.get(key, -1) for key in distinct])[codes])
        key = folds.keys(*columns[group], numbers) if group else draw(numbers)
        fold = folds.fold(key)
        numbers_and_bins = measure.rows(label, predictions)
        for of_slicing in row_cells:
            sums.add(of_slicing, fold, weight, *numbers_and_bins)
            if groups is not None:
                groups.add(of_slicing, key)
        if plain is not None:
            plain.add(numbers, label, row_cells, fold, weight)
        worst.add(numbers, label, predictions, _identifiers(columns, identifier))
        if sample is not None:
            sample.add(numbers, model.vectors(batch), predictions["cluster"], np.stack([*row_cells, fold], axis=1))
    if sample is not None and isinstance(measure, Clusters):
        values, positions = sample.silhouettes()
        bins, weight, widths = np.zeros((len(values), 0), np.int64), np.ones(len(values)), measure.silhouettes(values)
        for of_slicing in positions[:, :-1].T:
            sums.add(of_slicing, positions[:, -1], weight, widths, bins, counted=True)
    return Tally(sums, worst, groups)


def _identifiers(columns: Mapping[str, tuple[Array, Array]], column: str | None) -> list[Any] | None:
    if column is None:
        return None
    values, present = columns[column]
    return [
        slicing.plain(value if isinstance(value, bytes) else value.item()) if is_present else None
        for value, is_present in zip(values, present, strict=True)
    ]


class _Sample:
    """Sample of up to SAMPLE rows by a fixed hash of row numbers: vectors, clusters, cells and folds."""

    def __init__(self) -> None:
        self._sample: tuple[Array, ...] | None = None

    def add(self, rows: Array, vectors: Array | None, cluster: Array, positions: Array) -> None:
        if vectors is None:
            return
        fresh = (draw(rows), vectors, cluster, positions)
        joined = fresh if self._sample is None else tuple(map(np.concatenate, zip(self._sample, fresh, strict=True)))
        smallest = np.argsort(joined[0], kind="stable")[:SAMPLE]
        self._sample = tuple(part[smallest] for part in joined)

    def silhouettes(self) -> tuple[Array, Array]:
        """Return silhouettes (n,), and cells and fold of the rows (n, slicings + 2)."""
        if self._sample is None:
            return np.zeros(0), np.zeros((0, 2), np.int64)
        _, vectors, cluster, positions = self._sample
        values = silhouette(vectors, cluster)
        is_defined = np.isfinite(values) | ~np.isfinite(vectors).all(axis=1)
        return values[is_defined], positions[is_defined]
