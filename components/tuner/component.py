"""The tuner node."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel import Channel

from components.fingerprints import code_digest
from components.tuner import trial_pool
from components.tuner.executor import Executor
from components.tuner.tuner_settings import TunerSettings
from models import network_files
from spec import settings
from spec.columns import task as tasks


class TunerSpec(component_spec.ComponentSpec):  # type: ignore[misc]
    """Parameters and artifacts of the node; the artifacts are those of TFX's Tuner."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        "settings": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
        "trials": component_spec.ExecutionParameter(type=str),
        "anew": component_spec.ExecutionParameter(type=int),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "transform_graph": component_spec.ChannelParameter(type=standard_artifacts.TransformGraph),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {
        "best_hyperparameters": component_spec.ChannelParameter(type=standard_artifacts.HyperParameters),
        "tuner_results": component_spec.ChannelParameter(type=standard_artifacts.TunerResults),
    }


class Tuner(base_component.BaseComponent):  # type: ignore[misc]
    """Node that tries values of the search space and outputs the best."""

    SPEC_CLASS = TunerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)


def tuner(
    *,
    examples: Any,
    transform_graph: Any,
    config: Mapping[str, Any],
    trials: str,
    anew: bool = False,
    files: Iterable[str] = (),
    settings_folder: str | None = None,
) -> Tuner:
    """Create the node `tuner`.

    Args:
        examples: Channel of transformed Examples with splits train and eval.
        transform_graph: Channel of TransformGraph.
        config: `features`, `label`, `network`, `training` and `tuner`.
        trials: Folder for results of finished trials, from which an interrupted tuning resumes.
        anew: Whether to ignore stored results and train all trials again.
        files: Further files that user-defined code reads.
        settings_folder: Folder for long settings; None to pass them inline.

    Returns:
        A node with outputs `best_hyperparameters` and `tuner_results`.
    """
    parsed = TunerSettings.model_validate(config)
    modules = (
        Executor.__module__,
        trial_pool.MODULE,
        network_files.module(parsed.network_name),
        tasks.module(parsed.label.task),
        *parsed.features.modules(),
    )
    spec = TunerSpec(
        examples=examples,
        transform_graph=transform_graph,
        settings=json.dumps(settings.pack(dict(config), settings_folder)),
        code=json.dumps(code_digest.stage(*modules, files=files, values=parsed.network)),
        trials=trials,
        anew=int(anew),
        best_hyperparameters=Channel(type=standard_artifacts.HyperParameters),
        tuner_results=Channel(type=standard_artifacts.TunerResults),
    )
    node: Tuner = Tuner(spec=spec).with_id("tuner")
    return node
