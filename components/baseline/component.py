"""The baseline node: the model that a candidate is compared with.

On this machine a resolver looks up the serving model in ML Metadata. Open-source Kubeflow has no resolvers, so there a
component copies the newest version from the serving folder.
"""

import json
import os
from typing import Any, ClassVar

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.components.common.resolver import Resolver, ResolverStrategy
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx.types.channel import Channel
from tfx.utils import io_utils, path_utils

import buckets
import manifest
from components import lineage, summary
from components.baseline import decline, reference
from components.fingerprints import artifact_digest, code_digest
from components.validation import accepted
from errors import ResourceError
from serving import version_files, versions
from spec.rows.data_paths import is_remote

BASELINE = "baseline_model_id"
BLESSING = "baseline_blessing_id"
"""Custom properties of a blessing: ids of the baseline model and of its blessing."""


class ReferenceModel(ResolverStrategy):  # type: ignore[misc]
    """The model that serves, or served last; see components/baseline/reference.py.

    If that is the candidate itself, as in a run without changes, the result is the baseline that the candidate was
    compared with before it was pushed: so the evaluation is cached, and no model is compared with itself. If that
    baseline no longer exists, the result is only the candidate's own blessing.

    Args:
        serving: The pipeline's serving folder.
    """

    def __init__(self, serving: str) -> None:
        self._serving = serving

    def resolve_artifacts(self, store: Any, input_dict: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """Resolve the model, the blessing with which it was pushed, and the rows that it was trained on."""
        result: dict[str, list[Any]] = {key: [] for key in input_dict}
        blessings = sorted(input_dict["model_blessing"], key=lambda artifact: -int(artifact.id))
        model, blessing = self._served(store, input_dict), None
        if model is None:
            return result
        pushed_with = self._blessing(store, input_dict["pushed_model"], blessings, model.id)
        if model.id in {candidate.id for candidate in input_dict.get("candidate", [])}:
            model_id, blessing_id = (
                pushed_with.get_int_custom_property(key) if pushed_with else 0 for key in (BASELINE, BLESSING)
            )
            model = next((artifact for artifact in input_dict["model"] if artifact.id == model_id), None)
            blessing = next((artifact for artifact in blessings if artifact.id == blessing_id), None)
            if model is None and (model_id or blessing_id):
                # The candidate's blessing still has its decline from the best model: the first one, so that each
                # further run without changes has the same inputs.
                blesses_served = blessing is not None and _blesses(
                    blessing, pushed_with.get_int_custom_property("current_model_id")
                )
                return {**result, "model_blessing": [blessing if blesses_served else pushed_with]}
        else:
            blessing = pushed_with
        if model is None:
            return result
        examples_id = lineage.input_id(store, model.id, "raw_examples")
        return {
            **result,
            "model": [model],
            "model_blessing": [blessing] if blessing is not None else [],
            "examples": [artifact for artifact in input_dict["examples"] if artifact.id == examples_id],
        }

    def _blessing(self, store: Any, pushes: list[Any], blessings: list[Any], model_id: int) -> Any:
        """Find the blessing with which the model was pushed; without a known push, its newest blessing."""
        version = reference.served(self._serving)
        numbers = (version.copy_of or version.number, version.number) if version is not None else ()
        for push in sorted(pushes, key=lambda artifact: -int(artifact.id)):
            if push.get_string_custom_property("pushed_version") in map(str, numbers):
                blessing_id = lineage.input_id(store, push.id, "blessing")
                for blessing in blessings:
                    if blessing.id == blessing_id and _blesses(blessing, model_id):
                        return blessing
        return next((blessing for blessing in blessings if _blesses(blessing, model_id)), None)

    def _served(self, store: Any, input_dict: dict[str, list[Any]]) -> Any:
        version = reference.served(self._serving)
        if version is None:
            push = reference.last_pushed(input_dict["pushed_model"], self._serving)
            pushed_id = lineage.input_id(store, push.id, "model") if push is not None else None
            return next((model for model in input_dict["model"] if model.id == pushed_id), None)
        model = reference.find_model(input_dict["model"], version.model, self._serving)
        return model if model is not None else _import_version(store, input_dict["model"], self._serving, version)


def _blesses(blessing: Any, model_id: int) -> bool:
    current_id, blessed = (blessing.get_int_custom_property(key) for key in ("current_model_id", "blessed"))
    return bool(blessed and current_id == model_id)


def _import_version(store: Any, models: list[Any], serving: str, version: versions.Version) -> Any:
    """Import a version from the serving folder as an artifact, if the store does not have its model.

    Returns:
        The artifact in the store; None if the version's files differ from those that were pushed.
    """
    folder = os.path.join(os.path.dirname(os.path.abspath(serving)), "artifacts", "baseline", "model")
    uri = os.path.join(folder, f"{version.number}-{(version.digest or '')[:8]}")
    imported = next((model for model in models if model.uri == uri), None)
    if imported is not None:
        return imported
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
        "accepted": component_spec.ExecutionParameter(type=str, optional=True),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        "candidate": component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True)
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
    }


class Executor(base_executor.BaseExecutor):  # type: ignore[misc]
    """Copies the version to compare with to an artifact, and the digests of its train rows to another one.

    The artifacts stay empty if there is no version, or if its train rows are unknown.
    """

    @code_digest.checked
    def Do(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Copy the serving model; if that is the candidate itself, the model that the candidate was compared with."""
        model, examples = (artifact_utils.get_single_instance(output_dict[key]) for key in ("model", "examples"))
        for artifact in (model, examples):
            if not is_remote(artifact.uri):
                os.makedirs(artifact.uri, exist_ok=True)
        candidate = artifact_utils.get_single_uri(input_dict["candidate"]) if input_dict.get("candidate") else ""
        serving = exec_properties["serving"]
        try:
            digest = versions.digest(path_utils.serving_model_path(candidate)) if candidate else ""
            version, current = reference.to_compare(serving, digest), reference.served(serving)
        except buckets.BucketError as error:
            raise ResourceError(f"the serving folder cannot be read: {error.strerror}") from error
        if version is None:
            summary.put(model, "none yet" if current is None else f"none: version {current.number} is this model")
            return
        source = versions.path(serving, version.number)
        try:
            buckets.copy_folder(source, path_utils.serving_model_dir(model.uri))
            _copy_train_rows(exec_properties.get("accepted"), version, examples)
        except buckets.BucketError as error:
            raise ResourceError(f"the serving model cannot be copied: {error.strerror}") from error
        model.set_string_custom_property(decline.PROPERTY, json.dumps(dict(version.declines)))
        summary.put(model, f"version {version.number}")


def _copy_train_rows(accepted_folder: str | None, version: versions.Version, examples: Any) -> None:
    """Copy the digests of the rows that a version was trained on to an Examples artifact, if they are known."""
    place = version.extra.get("examples")
    content = accepted.train_rows(accepted_folder, place) if accepted_folder and place else None
    if content is not None:
        path = f"{manifest.COUNTS}/train{manifest.MARKS}"
        version_files.replace(f"{examples.uri}/{path}", content)
        text = manifest.dump(manifest.Manifest({}, [path]))
        version_files.replace(f"{examples.uri}/{manifest.FILE}", text.encode())


class Served(base_component.BaseComponent):  # type: ignore[misc]
    """The serving model, copied from the serving folder, and the digests of its train rows."""

    SPEC_CLASS = ServedSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)


def reference_model(*, serving: str, candidate: Any = None, name: str = "baseline") -> Resolver:
    """Make the node that looks up the model in ML Metadata.

    Args:
        serving: The serving folder.
        candidate: Channel of the trained model; None before a warm start, when there is none yet.
        name: The node's id.

    Returns:
        A node with outputs `model`, `model_blessing` and `examples`, each empty if there is none.
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


def served(*, serving: str, accepted: str | None = None, candidate: Any = None, name: str = "baseline") -> Served:
    """Make the node that copies the model from the serving folder.

    Args:
        serving: The serving folder.
        accepted: Folder of accepted data, with the digests of train rows; None if they are not needed.
        candidate: Channel of the trained model, which is not compared with itself; None before a warm start.
        name: The node's id.

    Returns:
        A node with outputs `model`, empty if nothing was pushed yet, and `examples`, which only has digests of rows.
    """
    spec = ServedSpec(
        serving=serving,
        accepted=accepted,
        code=json.dumps(code_digest.stage(Executor.__module__)),
        candidate=candidate,
        model=Channel(type=standard_artifacts.Model),
        examples=Channel(type=standard_artifacts.Examples),
    )
    node: Served = Served(spec=spec).with_id(name)
    return node
