"""The baseline node: the model that the new one must not be worse than.

On this machine a resolver asks ML Metadata for the latest blessed model of this pipeline. Open-source Kubeflow has no
resolvers, so there a component takes the newest version out of the serving folder.
"""

import json
from typing import Any, ClassVar

from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.components.common.resolver import Resolver, ResolverStrategy
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx.types.channel import Channel
from tfx.utils import io_utils, path_utils

from components import digest, summary, versions


class LatestBlessed(ResolverStrategy):  # type: ignore[misc]
    """The latest blessed model other than the candidate itself.

    Stock LatestBlessedModelStrategy would compare a cached candidate with itself, and so run the evaluator again on
    every unchanged run.
    """

    def resolve_artifacts(self, store: Any, input_dict: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """Pick the model of the newest blessing that is about another model."""
        candidates = {model.id for model in input_dict.get("candidate", [])}
        models = {model.id: model for model in input_dict["model"]}
        result: dict[str, list[Any]] = {key: [] for key in input_dict}
        for blessing in sorted(input_dict["model_blessing"], key=lambda artifact: -artifact.id):
            about = blessing.get_int_custom_property("current_model_id")
            if blessing.get_int_custom_property("blessed") and about in models and about not in candidates:
                return {**result, "model": [models[about]], "model_blessing": [blessing]}
        return result


class ServedSpec(component_spec.ComponentSpec):  # type: ignore[misc]
    """Parameters and artifacts of the node."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        "serving": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        "candidate": component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True)
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {"model": component_spec.ChannelParameter(type=standard_artifacts.Model)}


class Executor(base_executor.BaseExecutor):  # type: ignore[misc]
    """Copies the newest pushed version into the artifact; without one the artifact stays empty."""

    @digest.checked
    def Do(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Copy the model that serves now."""
        model = artifact_utils.get_single_instance(output_dict["model"])
        fileio.makedirs(model.uri)
        pushed = versions.pushed(exec_properties["serving"])
        if not pushed:
            summary.put(model, "none yet")
            return
        io_utils.copy_dir(
            versions.path(exec_properties["serving"], pushed[-1]), path_utils.serving_model_dir(model.uri)
        )
        summary.put(model, f"version {pushed[-1]}")


class Served(base_component.BaseComponent):  # type: ignore[misc]
    """The model that serves now."""

    SPEC_CLASS = ServedSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)


def latest_blessed(*, candidate: Any = None, name: str = "baseline") -> Resolver:
    """Make the node from ML Metadata.

    Args:
        candidate: Channel of the model that was just trained; None where none is yet, before a warm start.
        name: The node's id.

    Returns:
        A node with outputs `model` and `model_blessing`, empty where there is none.
    """
    channels = {} if candidate is None else {"candidate": candidate}
    return Resolver(
        strategy_class=LatestBlessed,
        model=Channel(type=standard_artifacts.Model),
        model_blessing=Channel(type=standard_artifacts.ModelBlessing),
        **channels,
    ).with_id(name)


def served(*, serving: str, candidate: Any = None, name: str = "baseline") -> Served:
    """Make the node from the serving folder.

    Args:
        serving: The serving folder.
        candidate: Channel of the model that was just trained; it only sets the order.
        name: The node's id.

    Returns:
        A node with output `model`, empty where nothing was pushed yet.
    """
    spec = ServedSpec(
        serving=serving,
        code=json.dumps(digest.stage(Executor.__module__)),
        candidate=candidate,
        model=Channel(type=standard_artifacts.Model),
    )
    node: Served = Served(spec=spec).with_id(name)
    return node
