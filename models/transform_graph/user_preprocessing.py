"""Call of a user-defined preprocessing function, and checks of its outputs.

The config names it as `preprocessing = "my_module.preprocessing_fn"`. Its arguments are those of any TFX
preprocessing_fn: the raw columns by name, and custom_config with the packed settings.
"""

import importlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_metadata.proto.v0 import schema_pb2

from models.roles import Features
from spec.columns.duties import WEIGHT, Duties
from spec.columns.label import LABEL, Label
from spec.columns.role import Output


def raw_columns(columns: Iterable[str], features: Features, label: Label, duties: Duties) -> list[str]:
    """List the raw columns that the function gets at serving time: all but label, weight, id and ignored ones."""
    kept_back = {label.column, duties.weight, duties.id, *features.ignored}
    return [column for column in columns if column not in kept_back]


def preprocess(
    path: str,
    inputs: Mapping[str, Any],
    custom_config: Mapping[str, Any],
    *,
    features: Features,
    label: Label,
    duties: Duties,
) -> dict[str, tf.Tensor]:
    """Call the function and check that a network can read its outputs.

    Args:
        path: Dotted path of the function.
        inputs: Raw column -> tensor, for all columns.
        custom_config: The custom_config that TFX passes to preprocessing functions.
        features: Entries of [features], of which the ignored columns matter.
        label: Settings of the label; the function gets its column too.
        duties: Columns with a duty, such as weight and id.

    Returns:
        Feature -> tensor, and `label` if the function returns it.

    Raises:
        ValueError: An output has an unsupported type or shape.
    """
    columns = raw_columns(inputs, features, label, duties)
    raw = {column: inputs[column] for column in columns}
    if label.column is not None:
        raw[label.column] = inputs[label.column]
    outputs = _function(path)(raw, custom_config)
    if not isinstance(outputs, Mapping) or not outputs:
        raise ValueError(f"{path} must return a dict of model features by name; it returned {outputs!r}")
    for name, value in outputs.items():
        finding = _label_finding(value, label) if name == LABEL else _finding(str(name), value)
        if finding:
            raise ValueError(f"{path}: output {name!r} {finding}")
    return dict(outputs)


def outputs(schema: schema_pb2.Schema) -> tuple[Output, ...]:
    """Return the model features of a user-defined function.

    Args:
        schema: Schema of the transformed examples.

    Returns:
        Outputs in the order of the schema: float32 (batch, 1) as numbers, wider ones as bags, int64 as indices.
    """
    features = []
    for feature in schema.feature:
        if feature.name in (LABEL, WEIGHT):
            continue
        width = feature.shape.dim[0].size if feature.shape.dim else 1
        if feature.type == schema_pb2.INT:
            features.append(Output(name=feature.name, kind="index", depth=int(feature.int_domain.max) + 1))
        elif width == 1:
            features.append(Output(name=feature.name))
        else:
            features.append(Output(name=feature.name, kind="bag", depth=int(width)))
    return tuple(features)


def role_finding(value: Any, output: Output) -> str:
    """Return how a role's tensor violates its Output, as the end of a sentence; "" if it does not."""
    dtype = tf.int64 if output.kind == "index" else tf.float32
    if not isinstance(value, tf.Tensor):
        return f"is a {type(value).__name__}: return a dense tensor"
    if value.dtype != dtype:
        return f"is {value.dtype.name}: a feature of kind {output.kind!r} must be {dtype.name}"
    if value.shape.rank not in (None, 2):
        return f"has shape {value.shape}: expected (batch, n)"
    return ""


def _function(path: str) -> Callable[..., Any]:
    module, _, name = path.rpartition(".")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function


def _finding(name: str, value: Any) -> str:
    """Return the fault of a model feature, as the end of a sentence; "" if there is none."""
    if not isinstance(value, tf.Tensor):
        return f"is a {type(value).__name__}: make it a dense tensor, as with tf.sparse.to_dense"
    if name == WEIGHT or "/" in name:
        return "has a name that is taken, or a slash in it: rename it"
    if value.dtype not in (tf.float32, tf.int64):
        return f"is {value.dtype.name}: cast numbers to float32, and turn text into an index, as with tft.vocabulary"
    if value.shape.rank != 2 or not value.shape[1]:
        return f"has shape {value.shape}: a feature is (batch, n) with n known"
    if value.dtype == tf.int64:
        if value.shape[1] != 1:
            return f"has shape {value.shape}: an index is (batch, 1)"
        try:
            tft.get_num_buckets_for_transformed_feature(value)
        except ValueError:
            return (
                "is int64 without a known number of values: an index comes straight from tft's vocabularies or "
                "buckets, a number is float32"
            )
    return ""


def _label_finding(value: Any, label: Label) -> str:
    """Return the fault of a label, as the end of a sentence; "" if there is none."""
    kind = tf.float32 if label.kind == "regression" else tf.int64
    if not isinstance(value, tf.Tensor) or value.dtype != kind or value.shape.rank != 2 or value.shape[1] != 1:
        return f"must be {kind.name} (batch, 1) for task {label.task!r}"
    if label.kind == "classes" and not label.names:
        return "makes classes that nobody named: name them in label.classes, in the order of their indices"
    if label.transform != "none":
        return f"is the label already, and label.transform = {label.transform!r} would not act: take it out"
    return ""
