"""The node plain-models: predictions of plain models, fitted on the run's own splits."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel import Channel

from components.fingerprints import code_digest
from components.plain_models.background_fit import PROCESS
from components.plain_models.executor import Executor
from spec import settings
from spec.plain_models import STAGE


class PlainModelsSpec(component_spec.ComponentSpec):  # type: ignore[misc]
    """Parameters and artifacts of the node."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        "settings": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {"examples": component_spec.ChannelParameter(type=standard_artifacts.Examples)}
    OUTPUTS: ClassVar[dict[str, Any]] = {
        "plain_predictions": component_spec.ChannelParameter(type=standard_artifacts.InferenceResult)
    }


class PlainModels(base_component.BaseComponent):  # type: ignore[misc]
    """Fits plain models, and predicts the test split with them."""

    SPEC_CLASS = PlainModelsSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)


def plain_models(
    *,
    examples: Any,
    label: Mapping[str, Any],
    columns: Mapping[str, str],
    kinds: Mapping[str, str],
    left_out: Sequence[str] = (),
    weight: str | None = None,
    seconds: float = 20.0,
    split: str = "test",
    settings_folder: str | None = None,
) -> PlainModels:
    """Make the node `plain-models`.

    Args:
        examples: Channel of raw Examples with the splits train and `split`.
        label: [label].
        columns: Column name -> schema type (INT, FLOAT, BYTES).
        kinds: Column that the network sees -> number, category or date.
        left_out: Columns that the network sees and no plain model can.
        weight: Column of the row weights.
        seconds: Time limit of all fits together.
        split: Split to predict.
        settings_folder: Folder for long settings; None keeps them inline.

    Returns:
        A node with output `plain_predictions`: NAME.npy for each model that was fitted, and plain_models.json.
    """
    names = [*kinds, *(name for name in (label["column"], weight) if name)]
    packed = settings.pack(
        {
            "label": dict(label),
            "kinds": dict(kinds),
            "types": {name: columns[name] for name in dict.fromkeys(names)},
            "left_out": list(left_out),
            "weight": weight,
            "split": split,
            "seconds": seconds,
        },
        settings_folder,
    )
    spec = PlainModelsSpec(
        examples=examples,
        settings=json.dumps(packed),
        # The process is started by its name, so that the executor's source does not reach it.
        code=json.dumps(code_digest.stage(Executor.__module__, PROCESS)),
        plain_predictions=Channel(type=standard_artifacts.InferenceResult),
    )
    node: PlainModels = PlainModels(spec=spec).with_id(STAGE)
    return node
