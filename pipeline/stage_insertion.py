"""Insertion of custom stages ([stages]) between the stages of the pipeline."""

import inspect
import json
from collections.abc import Iterable, Mapping
from typing import Any

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.base_node import BaseNode

from components.fingerprints import code_digest
from errors import UserError
from pipeline import stages, user_code
from pipeline.config import Config
from spec.stages.custom_stages import CustomStage
from spec.stages.stage_names import RESOLVERS

CODE = "code"
"""Execution parameter that carries the digest of the code of a stage into its cache key."""


def insert(nodes: Iterable[BaseNode], config: Config) -> list[BaseNode]:
    """Create the custom stages of a config and insert each after its stage.

    The next stage of the pipeline waits for a custom stage, so that a custom stage can stop a run as a gate does.

    Args:
        nodes: The nodes of the pipeline.
        config: The config.

    Returns:
        All nodes, in the order in which they run.

    Raises:
        UserError: a module does not import, or its function fails or does not return a component; with file and line.
    """
    built_in = {node.id: node for node in nodes}
    custom = {stage.id: stage for stage in config.stages.entries()}
    ordered: list[BaseNode] = []
    channels: dict[str, Any] = {}
    previous: BaseNode | None = None
    for stage in stages.ids(config):
        if stage in custom:
            node = _component(custom[stage], channels, config.files)
            node.add_upstream_node(previous or built_in[custom[stage].after])
            previous = node
            channels.update({key: channel for key, channel in node.outputs.items() if key not in channels})
        elif stage in built_in:
            node = built_in[stage]
            if previous is not None:
                node.add_upstream_node(previous)
                previous = previous if stage in stages.APART else None
            # A resolver gives artifacts of earlier runs under the names of this run's.
            if stage not in RESOLVERS:
                channels.update(node.outputs)
        else:
            continue
        ordered.append(node)
    return ordered


def _component(stage: CustomStage, channels: Mapping[str, Any], files: Iterable[str]) -> BaseComponent:
    """Call the function of a custom stage.

    Args:
        stage: The stage.
        channels: Name -> channel of each artifact that exists at its place.
        files: Further files that its code reads.
    """
    path = stage.path
    module, _, name = path.rpartition(".")
    function = getattr(user_code.load(module), name)
    location = f"{path} ({user_code.location(path)})"
    parameters = _inputs(function)
    unknown = [key for key, required in parameters.items() if required and key not in channels]
    if unknown:
        raise UserError(
            f"{location}: there is no artifact {unknown[0]!r} at this place of the pipeline."
            f"{user_code.close(unknown[0], channels)} Artifacts: {', '.join(channels)}"
        )
    try:
        node = function(**{key: channels[key] for key in parameters if key in channels})
    except Exception as error:
        raise UserError(
            f"{path} failed: {type(error).__name__}: {error} ({user_code.place(error) or user_code.location(path)})"
        ) from error
    if not isinstance(node, BaseComponent):
        raise UserError(f"{location} returned {type(node).__name__}, not a TFX component: return the component")
    if CODE in node.exec_properties:
        raise UserError(f"{location}: its component has a parameter {CODE!r}, a name of the pipeline's own: rename it")
    # TFX's cache key does not cover the source of a component.
    node.exec_properties[CODE] = json.dumps(code_digest.stage(module, files=files), sort_keys=True)
    return node.with_id(stage.id)


def _inputs(function: Any) -> dict[str, bool]:
    """Return the artifacts that a function takes, and whether it needs each."""
    spec = getattr(function, "SPEC_CLASS", None)
    if spec is not None:
        # Decorated with @component: it takes outputs and parameters too.
        return {key: not channel.optional for key, channel in spec.INPUTS.items()}
    parameters = inspect.signature(function).parameters.values()
    return {
        parameter.name: parameter.default is parameter.empty
        for parameter in parameters
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }
