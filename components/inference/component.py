"""The node inference: predictions of the blessed model for rows without a label, or for all rows of a path."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel import Channel

from components.evaluator import metric_catalog
from components.fingerprints import code_digest
from components.inference import input_rows
from components.inference.executor import Executor
from components.inference.inference_settings import InferenceSettings
from components.ingestion.discovery import formats
from spec import settings
from spec.columns import task as tasks
from spec.columns.label import Label
from spec.data import Data
from spec.inference import Inference
from spec.stages.stage_names import INFERENCE


class InferenceSpec(component_spec.ComponentSpec):  # type: ignore[misc]
    """Parameters and artifacts of the node."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        "settings": component_spec.ExecutionParameter(type=str),
        "content": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {
        "inference_result": component_spec.ChannelParameter(type=standard_artifacts.InferenceResult)
    }


class InferenceNode(base_component.BaseComponent):  # type: ignore[misc]
    """Predicts rows of files as `runner.py predict` does. Stock BulkInferrer reads tf.Examples and names no row."""

    SPEC_CLASS = InferenceSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)


def inference(
    *,
    model: Any,
    blessing: Any,
    section: Inference,
    paths: Any,
    content: str = "",
    data: Data,
    label: Label,
    label_type: str = "BYTES",
    identifier: str | None = None,
    images: Sequence[str] = (),
    settings_folder: str | None = None,
) -> InferenceNode:
    """Make the node `inference`.

    Args:
        model: Channel of Model.
        blessing: Channel of ModelBlessing; nothing is predicted unless the model is blessed.
        section: [inference].
        paths: Paths or patterns of the rows.
        content: Digest of the rows; empty if unknown.
        data: [data] of the config.
        label: [label].
        label_type: Schema type of the label: INT, FLOAT or BYTES.
        identifier: Column that identifies a row.
        images: Columns with encoded images.
        settings_folder: Folder for long settings; None keeps them inline.

    Returns:
        A node with output `inference_result`: prediction logs as BulkInferrer writes them, predictions.FORMAT with one
        row for each row that was read, and predicted.json.
    """
    node_settings = InferenceSettings(
        paths=paths,
        data=input_rows.settings(data, paths, section.format),
        kind=label.kind,
        images=tuple(images),
        identifier=identifier,
        label=label.column if section.rows == "unlabeled" else None,
        label_type=label_type,
        output=section.output,
    )
    form = node_settings.data.format
    # Readers and metrics are imported by name, so that the executor's source does not reach them.
    modules = [
        Executor.__module__,
        *formats.modules(form),
        *tasks.own_modules(label.task),
        *metric_catalog.module_names(),
    ]
    spec = InferenceSpec(
        model=model,
        blessing=blessing,
        settings=json.dumps(settings.pack(node_settings.model_dump(mode="json", by_alias=True), settings_folder)),
        content=content,
        code=json.dumps(code_digest.stage(*dict.fromkeys(modules))),
        inference_result=Channel(type=standard_artifacts.InferenceResult),
    )
    node: InferenceNode = InferenceNode(spec=spec).with_id(INFERENCE)
    return node
