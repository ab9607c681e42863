"""The pusher node: a blessed model becomes the next version in the serving folder."""

from typing import Any, ClassVar

from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx.types.channel import Channel
from tfx.utils import io_utils, path_utils

from components import digest, summary, versions


class PusherSpec(component_spec.ComponentSpec):  # type: ignore[misc]
    """Parameters and artifacts of the node."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        "serving": component_spec.ExecutionParameter(type=str),
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
    """Copies beside, then renames: a version that can be seen is complete. Stock Pusher copies in place."""

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
        model = artifact_utils.get_single_instance(input_dict["model"])
        serving = exec_properties["serving"]
        version = versions.following(serving)
        partial, final = f"{serving}/.{version}.partial", f"{serving}/{version}"
        fileio.makedirs(serving)
        io_utils.copy_dir(path_utils.serving_model_path(model.uri), partial)
        fileio.rename(partial, final)
        pushed.set_int_custom_property("pushed", 1)
        pushed.set_string_custom_property("pushed_destination", final)
        pushed.set_string_custom_property("pushed_version", str(version))
        summary.put(pushed, f"version {version}")


class Pusher(base_component.BaseComponent):  # type: ignore[misc]
    """Pushes to a filesystem."""

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)


def pusher(*, model: Any, blessing: Any, serving: str) -> Pusher:
    """Make the node `pusher`.

    Args:
        model: Channel of Model.
        blessing: Channel of ModelBlessing.
        serving: The serving folder, which holds a folder a version.

    Returns:
        A node with output `pushed_model`, whose properties tell whether and where.
    """
    spec = PusherSpec(
        model=model,
        blessing=blessing,
        serving=serving,
        code=digest.code("components.pusher"),
        pushed_model=Channel(type=standard_artifacts.PushedModel),
    )
    node: Pusher = Pusher(spec=spec).with_id("pusher")
    return node
