"""The transformed rows of a split, prepared for training."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from models.data import transformed_records
from models.layers import feature_inputs
from models.roles import Features
from models.tasks import targets
from models.transform_graph import number_edges, user_preprocessing
from spec.columns.duties import WEIGHT
from spec.columns.label import LABEL, Label
from spec.columns.role import Output

Array = np.ndarray[Any, Any]
Columns = Mapping[str, Array]


@dataclass(frozen=True)
class Facts:
    """Facts from the transformed data.

    Attributes:
        outputs: The model features in order, every depth known.
        classes: Names of the classes, if they come from the train split.
    """

    outputs: tuple[Output, ...]
    classes: tuple[str, ...] | None = None

    @classmethod
    def read(
        cls, transform: Any, roles: Features, label: Label, constant: Callable[[str], Any] | None = None
    ) -> "Facts":
        """Read them from a TFTransformOutput.

        Args:
            transform: The TFTransformOutput.
            roles: The columns by role.
            label: The label's role.
            constant: Returns a named constant of the transform graph, to read quantiles of numbers; None: not needed.
        """
        outputs = [
            output.model_copy(update={"depth": int(transform.num_buckets_for_transformed_feature(output.name))})
            if output.depth == 0
            else output
            for output in roles.outputs() or user_preprocessing.outputs(transform.transformed_metadata.schema)
        ]
        if constant is not None:
            edges = number_edges.read(constant, [output.name for output in outputs if output.kind == "number"])
            outputs = [output.model_copy(update={"edges": edges.get(output.name, ())}) for output in outputs]
        classes = None
        if label.kind in ("binary", "classes") and label.names is None:
            classes = tuple(name.decode() for name in transform.vocabulary_by_name(LABEL))
        return cls(tuple(outputs), classes)


@dataclass(frozen=True)
class Rows:
    """The rows of one split that are trained on.

    Attributes:
        x: Model features by name, each (rows, *shape).
        y: Target (rows, 1).
        weight: Weight of each row, float32 (rows,) of mean 1; None: 1 for all.
    """

    x: dict[str, Array]
    y: Array
    weight: Array | None = None

    def batches(self, size: int, seed: int | None) -> tf.data.Dataset:
        """Return batches for Keras; reshuffled each epoch if there is a seed."""
        return transformed_records.batches(self.x, self.y, size=size, seed=seed, weight=self.weight)


def label_of(columns: Columns) -> Array:
    """Return the transformed label (rows, 1); -1 for all rows without a label."""
    if LABEL in columns:
        return columns[LABEL]
    return np.full((len(next(iter(columns.values()))), 1), -1, np.int64)


def rows_of(columns: Columns, target: targets.Target, facts: Facts, label: Label, names: Iterable[str]) -> Rows:
    """Select the rows of a split that the target trains on, with the named features.

    Raises:
        ValueError: There are none, or a label or a weight is not finite.
    """
    transformed = label_of(columns)
    is_measured = target.rows(transformed)
    if not is_measured.any():
        kind_of_row = "normal row" if label.kind == "anomaly" else "row with a known class"
        raise ValueError(f"label {label.column!r}: a split has no {kind_of_row} to measure epochs on")
    if label.kind == "regression" and not np.isfinite(transformed).all():
        raise ValueError(f"label {label.column!r}: a row of the eval split has no finite value; exclude such rows")
    takes_all = bool(is_measured.all())

    def measured(column: Array) -> Array:
        return column if takes_all else column[is_measured]

    features = {
        output.name: measured(columns[output.name]).reshape(-1, *feature_inputs.shape(output))
        for output in facts.outputs
        if output.name in names
    }
    weight = mean_1(measured(columns[WEIGHT]).reshape(-1)) if WEIGHT in columns else None
    return Rows(features, target.scale(measured(transformed)), weight)


def mean_1(weight: Array) -> Array:
    """Scale weights to mean 1, so that they do not change the effective learning rate.

    Raises:
        ValueError: A weight is negative or not finite, or all are 0.
    """
    weight = weight.astype(np.float64)
    if not np.isfinite(weight).all() or (weight < 0).any() or not weight.any():
        raise ValueError("columns.weight: a row's weight must be a number of 0 or more, and above 0 in some row")
    return np.asarray(weight / weight.mean(), np.float32)


def weights_of_classes(setting: Any, transformed: Array, names: tuple[str, ...]) -> Array:
    """Return the weight of each row by its class.

    Args:
        setting: "balanced", or class name -> weight, 1 for those not named.
        transformed: Class index (rows, 1), none of them -1.
        names: Names of the classes in order.

    Returns:
        float32 (rows,).

    Raises:
        ValueError: A name is not a class.
    """
    index = transformed[:, 0].astype(np.int64)
    if setting == "balanced":
        counts = np.bincount(index, minlength=len(names))
        share = len(index) / np.maximum(counts, 1) / max(int((counts > 0).sum()), 1)
    else:
        weights: Mapping[str, float] = setting
        unknown = sorted(set(weights) - set(names))
        if unknown:
            raise ValueError(
                f"training.class_weights: {unknown[0]!r} is not a class. Known classes: {', '.join(names)}"
            )
        share = np.array([weights.get(name, 1.0) for name in names])
    return np.asarray(share[index], np.float32)
