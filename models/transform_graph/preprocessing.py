"""The transform graph: raw columns to model features, by the roles of the config.

Numbers become float32 (batch, 1), categories, buckets and crosses int64 indices (batch, 1). The first layers of the
network turn indices into one-hot vectors or embeddings, so that a record stays small until it is in the model.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
from pydantic import BaseModel, ConfigDict

from models import roles
from models.tasks import label_graph
from models.transform_graph import number_edges, user_preprocessing
from models.transform_graph.column_batch import ColumnBatch
from spec import settings
from spec.columns.duties import WEIGHT, Duties
from spec.columns.label import LABEL, Label
from spec.columns.role import Output


class TransformConfig(BaseModel):
    """The sections of the config that the transform graph depends on."""

    model_config = ConfigDict(frozen=True)

    features: roles.Features
    label: Label
    columns: Duties = Duties()
    preprocessing: str | None = None
    edges: bool = False
    """Whether the network reads the quantiles of numbers."""


def preprocessing_fn(inputs: Mapping[str, Any], custom_config: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """Transform a batch of raw columns; TFX calls it by this name and these arguments.

    Args:
        inputs: Raw columns by name in their schema's dtype: a tensor of (batch, 1), or a SparseTensor if the schema
            allows nulls.
        custom_config: Packed settings with `features`, `label` and `columns`; `preprocessing` if a user-defined
            function makes the features; `edges` if the network reads the quantiles of numbers.

    Returns:
        Feature -> tensor; the label, (batch, 1), as `label`; the row weight, float32 (batch, 1), as `row_weight` if a
        column has that duty.
    """
    config = TransformConfig.model_validate(settings.unpack(custom_config["settings"]))
    features, label, duties = config.features, config.label, config.columns
    if config.preprocessing:
        outputs = user_preprocessing.preprocess(
            config.preprocessing, inputs, custom_config, features=features, label=label, duties=duties
        )
    else:
        outputs = _by_role(inputs, features)
    if config.edges:
        outputs = number_edges.keep(outputs, number_edges.numbers_of(outputs, features.outputs()))
    # In serving there is neither label nor weight; TFX traces with them, and prunes the operations that need them.
    if label.column is not None and LABEL not in outputs:
        outputs[LABEL] = label_graph.label(inputs[label.column], label)
    if duties.weight is not None:
        outputs[WEIGHT] = label_graph.weight(inputs[duties.weight], duties.weight)
    return outputs


def _by_role(inputs: Mapping[str, Any], features: roles.Features) -> dict[str, tf.Tensor]:
    """Call `transform_all` of each role, or `transform` for each entry of a role without it.

    Raises:
        ValueError: The role returns other features than its `outputs` declares, or another dtype or shape.
    """
    batch = ColumnBatch(inputs, features)
    tensors: dict[str, tf.Tensor] = {}
    for name in features.roles():
        role, entries = roles.role(name), features.of(name)
        together = getattr(role, "transform_all", None)
        # A role without it is called entry by entry.
        for group in [entries] if together else [(entry,) for entry in entries]:
            outputs = [output for entry in group for output in role.outputs(entry)]
            values = dict(together(batch, group) if together else role.transform(batch, group[0]))
            _check(name, outputs, values)
            tensors |= values
    return tensors


def _check(role: str, outputs: Sequence[Output], values: Mapping[str, Any]) -> None:
    if set(values) != {output.name for output in outputs}:
        raise ValueError(
            f"features.{role}: transform returned {sorted(values)}, but outputs names "
            f"{[output.name for output in outputs]}"
        )
    for output in outputs:
        if finding := user_preprocessing.role_finding(values[output.name], output):
            raise ValueError(f"features.{role}: feature {output.name!r} {finding}")
