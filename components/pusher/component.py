"""The pusher node: a blessed model becomes the next version in the serving folder.

Before the copy can be seen it is loaded and asked for the rows that the model carries; its answers are compared with
those at the model's export. That is InfraValidator's question, answered without a container.
"""

import json
from typing import Any, ClassVar

import tensorflow as tf
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx.types.channel import Channel
from tfx.utils import path_utils

from components import summary
from components.baseline import decline, reference
from components.fingerprints import code_digest
from components.pusher import bucket_folder
from errors import ResourceError, RunError
from models.export import self_check
from serving import ownership, versions

WITHHELD = "withheld"
"""Custom property of the pushed model: why a blessed model does not replace what serves."""


class PusherSpec(component_spec.ComponentSpec):  # type: ignore[misc]
    """Parameters and artifacts of the node."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        "serving": component_spec.ExecutionParameter(type=str),
        "keep": component_spec.ExecutionParameter(type=int),
        "allowed": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {
        "pushed_model": component_spec.ChannelParameter(type=standard_artifacts.PushedModel)
    }


class Executor(base_executor.BaseExecutor):  # type: ignore[misc]
    """Copies beside, asks, then renames: a version that can be seen is complete. Stock Pusher copies in place."""

    @code_digest.checked
    def Do(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Push the model where it is blessed."""
        pushed = artifact_utils.get_single_instance(output_dict["pushed_model"])
        blessing = artifact_utils.get_single_instance(input_dict["blessing"])
        if not blessing.get_int_custom_property("blessed"):
            pushed.set_int_custom_property("pushed", 0)
            summary.put(pushed, "nothing pushed: the model is not blessed")
            return
        uri = artifact_utils.get_single_instance(input_dict["model"]).uri
        model, serving, keep = path_utils.serving_model_path(uri), exec_properties["serving"], exec_properties["keep"]
        named = ownership.relative(uri, serving)
        try:
            judged = _judged(blessing, bucket_folder.digest(model))
            if reason := reference.withheld(serving, judged, **json.loads(exec_properties.get("allowed") or "{}")):
                pushed.set_int_custom_property("pushed", 0)
                pushed.set_string_custom_property(WITHHELD, summary.storable(reason)[:1000])
                summary.put(pushed, f"nothing pushed: {reason}"[:1000])
                return
            if "://" in serving or "://" in model:
                version = bucket_folder.place(model, serving, keep=keep, model=named, kept=judged.kept)
            else:
                version = versions.place(model, serving, check=self_check.ask, keep=keep, model=named, kept=judged.kept)
        except ValueError as error:
            raise RunError(
                f"the copy of the model for {serving} is not pushed: {error}. {versions.serves(serving)}"
            ) from error
        except tf.errors.OpError as error:
            raise ResourceError(
                f"{serving}: the model could not be copied there: {error.message}. What serves there serves on; mend "
                "the address or the rights, and run again"
            ) from error
        except PermissionError:
            # Whose right is missing is said where the run is supervised.
            raise
        except OSError as error:
            raise ResourceError(
                f"{serving}: the model could not be copied there: {error.strerror or error}. "
                f"{versions.serves(serving)}; mend the disk or make room, and run again"
            ) from error
        pushed.set_int_custom_property("pushed", 1)
        pushed.set_string_custom_property("pushed_destination", f"{serving}/{version}")
        pushed.set_string_custom_property("pushed_version", str(version))
        summary.put(pushed, f"version {version}")


def _judged(blessing: Any, content: str) -> reference.Judged:
    """What the evaluator wrote to the blessing."""
    return reference.Judged(
        digest=content,
        compared_with=blessing.get_string_custom_property("compared_with"),
        not_compared=blessing.get_string_custom_property("not_compared"),
        span=blessing.get_int_custom_property("span"),
        declines=decline.of(blessing),
    )


class Pusher(base_component.BaseComponent):  # type: ignore[misc]
    """Pushes to a filesystem."""

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)


def pusher(
    *, model: Any, blessing: Any, serving: str, keep: int, uncompared: bool = False, older_span: bool = False
) -> Pusher:
    """Make the node `pusher`.

    Args:
        model: Channel of Model.
        blessing: Channel of ModelBlessing.
        serving: The serving folder, which holds a folder a version.
        keep: How many of the last versions that this pipeline pushed stay there, the new one included.
        uncompared: Whether a model may replace one that it was not compared with.
        older_span: Whether a model may replace one that was made from newer data.

    Returns:
        A node with output `pushed_model`, whose properties tell whether and where.
    """
    spec = PusherSpec(
        model=model,
        blessing=blessing,
        serving=serving,
        keep=keep,
        allowed=json.dumps({"uncompared": uncompared, "older_span": older_span}),
        code=json.dumps(code_digest.stage(Executor.__module__)),
        pushed_model=Channel(type=standard_artifacts.PushedModel),
    )
    node: Pusher = Pusher(spec=spec).with_id("pusher")
    return node
