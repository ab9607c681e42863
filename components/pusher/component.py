"""The pusher node: copies a blessed model to the serving folder as a new version.

Before the version becomes visible, the copy is loaded and run on the sample rows in the model; its predictions are
compared with those at the model's export. This replaces InfraValidator, without a container.
"""

import json
from typing import Any, ClassVar

from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx.types.channel import Channel
from tfx.utils import path_utils

import buckets
from components import summary
from components.baseline import decline, reference
from components.fingerprints import code_digest
from errors import ResourceError, RunError
from models.export import self_check
from serving import ownership, versions

WITHHELD = "withheld"
"""Custom property of the pushed model: why a blessed model does not replace the serving version."""


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
    """Copies to a hidden folder, checks the copy and renames it. Stock Pusher copies directly to the version."""

    @code_digest.checked
    def Do(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Push the model if it is blessed."""
        pushed = artifact_utils.get_single_instance(output_dict["pushed_model"])
        blessing = artifact_utils.get_single_instance(input_dict["blessing"])
        if not blessing.get_int_custom_property("blessed"):
            pushed.set_int_custom_property("pushed", 0)
            summary.put(pushed, "nothing pushed: the model is not blessed")
            return
        uri = artifact_utils.get_single_instance(input_dict["model"]).uri
        model, serving, keep = path_utils.serving_model_path(uri), exec_properties["serving"], exec_properties["keep"]
        record_name = ownership.relative(uri, serving)
        try:
            candidate = _candidate(blessing, versions.digest(model))
            allowed = json.loads(exec_properties.get("allowed") or "{}")
            current = reference.served(serving)
            if not allowed.pop("repeat", True) and current is not None and current.digest == candidate.digest:
                pushed.set_int_custom_property("pushed", 0)
                summary.put(pushed, f"nothing pushed: version {current.number} is this model")
                return
            if reason := reference.withhold_reason(serving, candidate, **allowed):
                pushed.set_int_custom_property("pushed", 0)
                pushed.set_string_custom_property(WITHHELD, summary.storable(reason)[:1000])
                summary.put(pushed, f"nothing pushed: {reason}"[:1000])
                return
            version = versions.place(
                model, serving, check=self_check.ask, keep=keep, model=record_name, extra=candidate.extra
            )
        except ValueError as error:
            raise RunError(
                f"the copy of the model for {serving} is not pushed: {error}. {versions.serves(serving)}"
            ) from error
        except buckets.BucketError as error:
            raise ResourceError(
                f"{serving}: the model could not be copied: {error.strerror}. The serving version is unchanged; then "
                "run again"
            ) from error
        except PermissionError:
            # The supervisor explains which permission is missing.
            raise
        except OSError as error:
            raise ResourceError(
                f"{serving}: the model could not be copied: {error.strerror or error}. "
                f"{versions.serves(serving)}; fix the disk or free some space, and run again"
            ) from error
        pushed.set_int_custom_property("pushed", 1)
        pushed.set_string_custom_property("pushed_destination", f"{serving}/{version}")
        pushed.set_string_custom_property("pushed_version", str(version))
        summary.put(pushed, f"version {version}")


def _candidate(blessing: Any, content: str) -> reference.Candidate:
    """Read the properties that the evaluator wrote to the blessing."""
    return reference.Candidate(
        digest=content,
        compared_with=blessing.get_string_custom_property("compared_with"),
        not_compared=blessing.get_string_custom_property("not_compared"),
        span=blessing.get_int_custom_property("span"),
        examples=blessing.get_string_custom_property("examples"),
        declines=decline.of(blessing),
    )


class Pusher(base_component.BaseComponent):  # type: ignore[misc]
    """Pushes to a local folder or a bucket."""

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)


def pusher(
    *,
    model: Any,
    blessing: Any,
    serving: str,
    keep: int,
    uncompared: bool = False,
    older_span: bool = False,
    spans: str = "",
    repeat: bool = True,
) -> Pusher:
    """Make the node `pusher`.

    Args:
        model: Channel of Model.
        blessing: Channel of ModelBlessing.
        serving: The serving folder, with one folder per version.
        keep: Number of versions pushed by this pipeline to keep, including the new one.
        uncompared: Whether a model may replace one that it was not compared with.
        older_span: Whether a model may replace one that was trained on newer data.
        spans: What spans count; see `span_names.shown`.
        repeat: Whether the model that serves is pushed again. A cache on this machine decides that by itself; on a
            cloud each run has a new baseline artifact, so the pusher runs every time.

    Returns:
        A node with output `pushed_model`, whose properties say whether the model was pushed and to which path.
    """
    spec = PusherSpec(
        model=model,
        blessing=blessing,
        serving=serving,
        keep=keep,
        allowed=json.dumps({"uncompared": uncompared, "older_span": older_span, "repeat": repeat, "spans": spans}),
        code=json.dumps(code_digest.stage(Executor.__module__)),
        pushed_model=Channel(type=standard_artifacts.PushedModel),
    )
    node: Pusher = Pusher(spec=spec).with_id("pusher")
    return node
