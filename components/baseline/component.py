"""The baseline node: the model that the new one must not be worse than.

On this machine a resolver looks up in ML Metadata the model that serves. Open-source Kubeflow has no resolvers, so
there a component takes the newest version out of the serving folder.
"""

import json
import os
from typing import Any, ClassVar

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.components.common.resolver import Resolver, ResolverStrategy
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx.types.channel import Channel
from tfx.utils import io_utils, path_utils

from components import lineage, summary
from components.baseline import decline, reference
from components.fingerprints import artifact_digest, code_digest
from serving import versions

BASELINE = "baseline_model_id"
BLESSING = "baseline_blessing_id"
"""Custom properties of a blessing: what the model was compared with, and the blessing of that."""


class ReferenceModel(ResolverStrategy):  # type: ignore[misc]
    """The model that serves, or served last; see components/baseline/reference.py.

    Where it is the candidate itself, as in a run in which nothing changed, it is what the candidate was compared with
    before it was pushed: so the evaluation comes from the cache, and no model is compared with itself. Where that model
    is gone, the result is the candidate's own blessing alone.

    Args:
        serving: The pipeline's serving folder.
    """

    def __init__(self, serving: str) -> None:
        self._serving = serving

    def resolve_artifacts(self, store: Any, input_dict: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """Pick the model, the blessing with which it was pushed, and the rows that it was trained on."""
        result: dict[str, list[Any]] = {key: [] for key in input_dict}
        blessings = sorted(input_dict["model_blessing"], key=lambda artifact: -int(artifact.id))
        model, blessing = self._served(store, input_dict), None
        if model is None:
            return result
        about = self._blessing(store, input_dict["pushed_model"], blessings, model.id)
        if model.id in {candidate.id for candidate in input_dict.get("candidate", [])}:
            before, judged = (about.get_int_custom_property(key) if about else 0 for key in (BASELINE, BLESSING))
            model = next((one for one in input_dict["model"] if one.id == before), None)
            blessing = next((one for one in blessings if one.id == judged), None)
            if model is None and before:
                # Its own blessing still says how far it is below the best.
                return {**result, "model_blessing": [about]}
        else:
            blessing = about
        if model is None:
            return result
        rows = lineage.taken(store, model.id, "raw_examples")
        return {
            **result,
            "model": [model],
            "model_blessing": [blessing] if blessing is not None else [],
            "examples": [one for one in input_dict["examples"] if one.id == rows],
        }

    def _blessing(self, store: Any, pushes: list[Any], blessings: list[Any], model_id: int) -> Any:
        """The blessing with which the model was pushed; where no push of it is known, the newest about it."""
        version = reference.served(self._serving)
        numbers = (version.copy_of or version.number, version.number) if version is not None else ()
        for push in sorted(pushes, key=lambda one: -int(one.id)):
            if push.get_string_custom_property("pushed_version") in map(str, numbers):
                pushed_with = lineage.taken(store, push.id, "blessing")
                for blessing in blessings:
                    if blessing.id == pushed_with and _is_about(blessing, model_id):
                        return blessing
        return next((one for one in blessings if _is_about(one, model_id)), None)

    def _served(self, store: Any, given: dict[str, list[Any]]) -> Any:
        version = reference.served(self._serving)
        if version is None:
            push = reference.last_pushed(given["pushed_model"], self._serving)
            pushed = lineage.taken(store, push.id, "model") if push is not None else None
            return next((model for model in given["model"] if model.id == pushed), None)
        found = reference.of_record(given["model"], version.model, self._serving)
        return found if found is not None else _copied(store, given["model"], self._serving, version)


def _is_about(blessing: Any, model_id: int) -> bool:
    about, blessed = (blessing.get_int_custom_property(key) for key in ("current_model_id", "blessed"))
    return bool(blessed and about == model_id)


def _copied(store: Any, models: list[Any], serving: str, version: versions.Version) -> Any:
    """A model made of the version's own files, where the store has none that can be used: it is another one, or older.

    Returns:
        Its artifact, in the store; None where the version's files are not those that were pushed.
    """
    folder = os.path.join(os.path.dirname(os.path.abspath(serving)), "artifacts", "baseline", "model")
    uri = os.path.join(folder, f"{version.number}-{(version.digest or '')[:8]}")
    known = next((model for model in models if model.uri == uri), None)
    if known is not None:
        return known
    path = versions.path(serving, version.number)
    try:
        if versions.digest(path) != version.digest:
            return None
        io_utils.copy_dir(path, path_utils.serving_model_dir(uri))
    except (OSError, ValueError):
        return None
    model = standard_artifacts.Model()
    model.uri = uri
    model.set_string_custom_property(artifact_digest.PROPERTY, artifact_digest.of(uri) or "")
    summary.put(model, f"version {version.number}, from the serving folder")
    model.set_string_custom_property(decline.PROPERTY, json.dumps(dict(version.declines or {})))
    model.mlmd_artifact.state = metadata_store_pb2.Artifact.LIVE
    model.type_id = store.put_artifact_type(model.artifact_type, can_add_fields=True, can_omit_fields=True)
    [model.id] = store.put_artifacts([model.mlmd_artifact])
    return model


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
    """Copies the version that serves into the artifact; without one the artifact stays empty."""

    @code_digest.checked
    def Do(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Copy the model that serves now."""
        model = artifact_utils.get_single_instance(output_dict["model"])
        fileio.makedirs(model.uri)
        version = reference.served(exec_properties["serving"])
        if version is None:
            summary.put(model, "none yet")
            return
        io_utils.copy_dir(
            versions.path(exec_properties["serving"], version.number), path_utils.serving_model_dir(model.uri)
        )
        summary.put(model, f"version {version.number}")


class Served(base_component.BaseComponent):  # type: ignore[misc]
    """The model that serves now."""

    SPEC_CLASS = ServedSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)


def reference_model(*, serving: str, candidate: Any = None, name: str = "baseline") -> Resolver:
    """Make the node from ML Metadata.

    Args:
        serving: The serving folder.
        candidate: Channel of the model that was just trained; None where none is yet, before a warm start.
        name: The node's id.

    Returns:
        A node with outputs `model`, `model_blessing` and `examples`, each empty where there is none.
    """
    channels = {} if candidate is None else {"candidate": candidate}
    return Resolver(
        strategy_class=ReferenceModel,
        config={"serving": serving},
        model=Channel(type=standard_artifacts.Model),
        model_blessing=Channel(type=standard_artifacts.ModelBlessing),
        pushed_model=Channel(type=standard_artifacts.PushedModel),
        examples=Channel(type=standard_artifacts.Examples),
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
        code=json.dumps(code_digest.stage(Executor.__module__)),
        candidate=candidate,
        model=Channel(type=standard_artifacts.Model),
    )
    node: Served = Served(spec=spec).with_id(name)
    return node
