"""Asks exported models about the rows of a split, batch by batch."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from components import example_passes
from components.evaluator import folds, slicing
from components.evaluator.metrics.accumulators import Array, Ledger, Measure, draw
from components.evaluator.metrics.catalog import ANSWERS
from components.evaluator.metrics.clustering import SAMPLE, Clusters, silhouette
from components.evaluator.worst_rows import Worst
from manifest import Shard
from models import progress

BATCH = 4096
"""Most rows predicted at once."""
FIRST = 500
"""Rows that are looked at to tell which columns there are."""
FEATURE_BYTES = 4 << 20
"""Model features predicted at once; what a convolution makes of a picture is some fifty times as large."""
_DTYPES = {"INT": tf.int64, "FLOAT": tf.float32, "BYTES": tf.string}


class Model:
    """An exported model.

    Args:
        path: A SavedModel with the signatures `serving_examples` and, where there is a label, `labels`.
        task: The label's.
        classes: The classes in the order that its probabilities must have; by default the model's own. Of several
            classes it may have more, which are left out of its answers.

    Attributes:
        classes: The model's own, or None.
        others: Of these, the ones that are left out.

    Raises:
        ValueError: it answers another question, or lacks a class.
    """

    def __init__(self, path: str, task: str, classes: Sequence[str] | None = None) -> None:
        # The module must stay alive while its signatures are used.
        self._module = tf.saved_model.load(path)
        self._signatures = self._module.signatures
        self._predict = self._signatures["serving_examples"]
        given = sorted(self._predict.structured_outputs)
        if not set(ANSWERS[task]) <= set(given):
            raise ValueError(f"it answers with {', '.join(given)}, not with {' and '.join(ANSWERS[task])}")
        self.classes: list[str] | None = None
        self._order: list[int] | None = None
        if "class_names" in self._signatures:
            self.classes = [name.decode() for name in self._signatures["class_names"]()["names"].numpy()]
        self.others: list[str] = []
        if task in ("binary", "classes") and classes is not None:
            own = self.classes or []
            self.others = [name for name in own if name not in classes]
            if not set(classes) <= set(own) or (self.others and task == "binary"):
                raise ValueError(f"its classes are {self.classes}, those of this model {list(classes)}")
            self._order = [own.index(name) for name in classes]

    @property
    def batch(self) -> int:
        """Rows to predict at once: fewer where a row is a picture."""
        if "transform_features" not in self._signatures:
            return BATCH
        specs = self._signatures["transform_features"].structured_outputs.values()
        known = [spec for spec in specs if spec.shape.rank]
        row: int = sum(spec.dtype.size * math.prod(size or 1 for size in spec.shape[1:]) for spec in known)
        return min(max(FEATURE_BYTES // max(row, 1), 1), BATCH)

    @property
    def inputs(self) -> set[str] | None:
        """Names of the dense inputs, one a raw column; None where the model does not tell."""
        if "serving_default" not in self._signatures:
            return None
        return set(self._signatures["serving_default"].structured_input_signature[1])

    def answer(self, examples: Any) -> dict[str, Array]:
        """Serialized tf.Examples, string (n,), to named answers."""
        found = {name: value.numpy() for name, value in self._predict(examples=examples).items()}
        if self._order is not None:
            found["probabilities"] = found["probabilities"][:, self._order]
        if self.others:
            # As if it were asked which of the others it is.
            whole = found["probabilities"].sum(axis=1, keepdims=True)
            even = np.float32(1 / len(self._order or ()))
            found["probabilities"] = np.where(whole > 0, found["probabilities"] / np.where(whole > 0, whole, 1), even)
        return found

    def label(self, examples: Any) -> tuple[Array, Array]:
        """Label and weight, (n,) each; -1 and 1 where the model has none."""
        number = int(examples.shape[0])
        if "labels" not in self._signatures:
            return np.full(number, -1, np.int64), np.ones(number)
        found = self._signatures["labels"](examples=examples)
        weight = found["weight"].numpy().astype(np.float64).reshape(-1) if "weight" in found else np.ones(number)
        return found["label"].numpy().reshape(-1), weight

    def vectors(self, examples: Any) -> Array | None:
        """What was clustered, float32 (n, width)."""
        found: Array | None = None
        if "vectors" in self._signatures:
            found = self._signatures["vectors"](examples=examples)["vectors"].numpy()
        return found


@dataclass(frozen=True)
class Rows:
    """The rows of a split.

    Attributes:
        files: Gzipped TFRecords of raw tf.Examples, with their declared rows.
        types: Raw column -> schema type (INT, FLOAT, BYTES).
        batch: How many are read at once.
    """

    files: Sequence[Shard]
    types: Mapping[str, str]
    batch: int

    def batches(self) -> Iterator[tuple[Any, Array]]:
        """Serialized tf.Examples, string (n,), and the rows' numbers, int64 (n,).

        Raises:
            ResourceError: a file holds other records than are declared.
        """
        start = 0
        files = sorted(file.path for file in self.files)
        for batch in tf.data.TFRecordDataset(files, compression_type="GZIP").batch(self.batch).prefetch(1):
            yield batch, np.arange(start, start + int(batch.shape[0]))
            start += int(batch.shape[0])
        declared = [file.rows for file in self.files if file.rows is not None]
        if len(declared) == len(self.files) and start != sum(declared):
            # Files are read as one, so they are counted again to find which it is.
            for file in self.files:
                example_passes.check_row_count(file.path, example_passes.count(file.path), file.rows)

    def present(self) -> set[str]:
        """Columns that the first rows have."""
        found: set[str] = set()
        for batch, _ in self.batches():
            for record in batch.numpy()[:FIRST]:
                features = tf.train.Example.FromString(record).features.feature
                found |= {name for name, feature in features.items() if feature.WhichOneof("kind")}
            break
        return found

    def columns(self, examples: Any, names: Sequence[str]) -> dict[str, tuple[Array, Array]]:
        """Raw columns of a batch: values (n,), and bool (n,) whether there is one."""
        if not names:
            return {}
        number = int(examples.shape[0])
        spec = {name: tf.io.VarLenFeature(_DTYPES[self.types[name]]) for name in names}
        found = {}
        for name, sparse in tf.io.parse_example(examples, spec).items():
            values = sparse.values.numpy()
            rows, first = np.unique(sparse.indices.numpy()[:, 0], return_index=True)
            present = np.zeros(number, bool)
            present[rows] = True
            column = np.zeros(number, values.dtype)
            column[rows] = values[first]
            found[name] = column, present
        return found

    def survey(self, slicings: Sequence[slicing.Slicing], max_slices: int) -> slicing.Survey:
        """Look which slices there are: one pass, two with quantiles, none without slices."""
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
    """What the rows of a split gave.

    Attributes:
        ledger: The sums.
        worst: The worst rows.
        groups: The groups of each cell; None where every row stands alone.
    """

    ledger: Ledger
    worst: Worst
    groups: folds.Groups | None


def tally(
    model: Model,
    *,
    labels: Model,
    rows: Rows,
    measure: Measure,
    slicings: Sequence[slicing.Slicing],
    cells: Sequence[Mapping[slicing.SliceKey, int]],
    identifier: str | None = None,
    group: str | None = None,
) -> Tally:
    """Predict every row, and sum by slice.

    Args:
        model: Who is asked.
        labels: The model that knows the label: a baseline is judged by the candidate's.
        rows: The split's.
        measure: The task's.
        slicings: All.
        cells: Each slicing's slices and their numbers; 0 is all rows.
        identifier: The column that names a row.
        group: The column whose equal values make rows that are alike; None where every row stands alone.
    """
    ledger, worst = Ledger(measure, 1 + sum(map(len, cells))), Worst(measure)
    groups = folds.Groups() if group else None
    named = {name for name in (identifier, group) if name}
    needed = sorted({part.column for entry in slicings for part in entry} | named)
    sample = _Sample() if isinstance(measure, Clusters) else None
    meter = progress.Meter()
    for batch, numbers in rows.batches():
        meter.add(len(numbers))
        columns = rows.columns(batch, needed)
        answer, (label, weight) = model.answer(batch), labels.label(batch)
        weight = weight if measure.weighted else np.ones(len(label))
        places = [np.zeros(len(label), np.int64)]
        for entry, known in zip(slicings, cells, strict=True):
            distinct, codes = slicing.keys(entry, columns)
            places.append(np.array([known.get(key, -1) for key in distinct])[codes])
        key = folds.keys(*columns[group], numbers) if group else draw(numbers)
        fold = folds.fold(key)
        summed = measure.rows(label, answer)
        for place in places:
            ledger.add(place, fold, weight, *summed)
            if groups is not None:
                groups.add(place, key)
        worst.add(numbers, label, answer, _identifiers(columns, identifier))
        if sample is not None:
            sample.add(numbers, model.vectors(batch), answer["cluster"], np.stack([*places, fold], axis=1))
    if sample is not None and isinstance(measure, Clusters):
        values, held = sample.silhouettes()
        none = np.zeros((len(values), 0), np.int64)
        for place in held[:, :-1].T:
            ledger.add(place, held[:, -1], np.ones(len(values)), measure.silhouettes(values), none, again=True)
    return Tally(ledger, worst, groups)


def _identifiers(columns: Mapping[str, tuple[Array, Array]], column: str | None) -> list[Any] | None:
    if column is None:
        return None
    values, present = columns[column]
    return [
        slicing.plain(value if isinstance(value, bytes) else value.item()) if there else None
        for value, there in zip(values, present, strict=True)
    ]


class _Sample:
    """At most SAMPLE rows, drawn by a fixed hash of their numbers: their vectors, clusters, cells and folds."""

    def __init__(self) -> None:
        self._kept: tuple[Array, ...] | None = None

    def add(self, rows: Array, vectors: Array | None, cluster: Array, held: Array) -> None:
        if vectors is None:
            return
        fresh = (draw(rows), vectors, cluster, held)
        joined = fresh if self._kept is None else tuple(map(np.concatenate, zip(self._kept, fresh, strict=True)))
        least = np.argsort(joined[0], kind="stable")[:SAMPLE]
        self._kept = tuple(part[least] for part in joined)

    def silhouettes(self) -> tuple[Array, Array]:
        """Silhouettes (n,), and cells and fold of the rows (n, slicings + 2)."""
        if self._kept is None:
            return np.zeros(0), np.zeros((0, 2), np.int64)
        _, vectors, cluster, held = self._kept
        values = silhouette(vectors, cluster)
        known = np.isfinite(values) | ~np.isfinite(vectors).all(axis=1)
        return values[known], held[known]
