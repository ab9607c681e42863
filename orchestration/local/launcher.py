"""TFX's launcher, changed in two ways: each attempt is an execution with new folders, and outputs have a digest."""

import copy
import os
from collections.abc import Iterable, Mapping
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration.portable import cache_utils, execution_publish_utils, launcher, outputs_utils
from tfx.orchestration.portable.mlmd import context_lib
from tfx.types import artifact_utils
from tfx.types.value_artifact import ValueArtifact

from components.fingerprints import artifact_digest
from components.pusher.component import WITHHELD
from components.summary import quotable, storable, text
from errors import ResourceError
from inspection.store import execution_folders, file_rights
from models import file_reads
from orchestration.local.stage_records import stage_file_reads
from orchestration.local.stage_records.stage_file_reads import StageReads
from orchestration.local.stage_records.stage_outputs import Damage, swapped
from orchestration.local.stage_records.stage_outputs import of as outputs_of

_STATES = metadata_store_pb2.Execution
_ENDED = (_STATES.COMPLETE, _STATES.CACHED)
_ARTIFACTS = metadata_store_pb2.Artifact


class _Places(outputs_utils.OutputsResolver):  # type: ignore[misc]
    """Name the output and temporary folders of an execution by its id and a token.

    TFX names them by the id alone, which another store over the same root assigns again.
    """

    def __init__(self, token: str, **node: Any) -> None:
        super().__init__(**node)
        self._token = token

    def generate_output_artifacts(self, execution_id: int) -> Any:
        return super().generate_output_artifacts(execution_folders.name(execution_id, self._token))

    def get_executor_output_uri(self, execution_id: int) -> Any:
        path = super().get_executor_output_uri(execution_folders.name(execution_id, self._token))
        # The folders of the execution, executor_execution, .system, of the node, and artifacts/.
        return file_rights.follow_umask_above(path, 5)

    def get_stateful_working_directory(self, execution: Any) -> str:
        # TFX's name is random and not recorded, so the folder could not be attributed to an execution.
        name = execution_folders.name(int(execution.id), self._token)
        path = os.path.join(self._node_dir, ".system", "stateful_working_dir", name)
        os.makedirs(path, exist_ok=True)
        return file_rights.follow_umask_above(path, 4)

    def make_tmp_dir(self, execution_id: int) -> Any:
        path = super().make_tmp_dir(execution_folders.name(execution_id, self._token))
        return file_rights.follow_umask_above(os.path.join(path, ""), 1)


class Launcher(launcher.Launcher):  # type: ignore[misc]
    """Launcher of one node; use it once.

    TFX's launcher reuses a failed execution of the same run, so its record and folders would be
    overwritten.

    Args:
        stage_reads: Collects the files that the node's code opens.
        places: Folder -> placeholder in cache keys, so that folders may be moved.
        node: Arguments of TFX's launcher.

    Attributes:
        outdated: Files that have changed since cached outputs were made from them.
        reason: Error of its inputs or its executor, in one line; empty if there was none.
    """

    def __init__(self, *, stage_reads: StageReads, places: Mapping[str, str], **node: Any) -> None:
        super().__init__(**node)
        self._places = places
        self._stage_reads, self._reads = stage_reads, ""
        self.outdated: list[str] = []
        self.reason = ""
        self._token = execution_folders.new_token()
        self._output_resolver = _Places(
            self._token,
            pipeline_node=self._pipeline_node,
            pipeline_info=self._pipeline_info,
            pipeline_runtime_spec=self._pipeline_runtime_spec,
        )

    def _register_or_reuse_execution(
        self,
        metadata_handle: Any,
        contexts: list[Any],
        input_artifacts: Any = None,
        exec_properties: Any = None,
    ) -> Any:
        return execution_publish_utils.register_execution(
            metadata_handle=metadata_handle,
            execution_type=self._pipeline_node.node_info.type,
            contexts=contexts,
            input_artifacts=input_artifacts,
            exec_properties={**(exec_properties or {}), execution_folders.TOKEN: self._token},
        )

    def _publish_failed_execution(self, execution_id: int, contexts: list[Any], executor_output: Any = None) -> None:
        # TFX writes a traceback as JSON. On PostgreSQL, its backslashes break the statement, and that error would hide
        # the error of the stage.
        if executor_output is not None:
            lines = executor_output.execution_result.result_message.strip().splitlines()
            self.reason = lines[-1] if lines else ""
            executor_output.execution_result.result_message = quotable(self.reason)[:1000]
        super()._publish_failed_execution(execution_id, contexts, executor_output)

    def _prepare_execution(self) -> Any:
        # The only hook between the cache key and the lookup.
        tfx_cache, launcher.cache_utils = launcher.cache_utils, _Cache(self.outdated, self._places)
        try:
            return super()._prepare_execution()
        finally:
            launcher.cache_utils = tfx_cache

    def _run_executor(self, execution_info: Any) -> Any:
        for artifacts in execution_info.output_dict.values():
            for artifact in artifacts:
                _make_folder(os.path.dirname(artifact.uri) if isinstance(artifact, ValueArtifact) else artifact.uri)
                # At once, because a killed stage leaves its folders, and another user resumes the run.
                _share(artifact.uri)
        node_id = self._pipeline_node.node_info.id
        with self._stage_reads.of(node_id, execution_info.exec_properties) as reads:
            output = super()._run_executor(execution_info)
        self._reads = self._stage_reads.pack(reads)
        return output

    def _publish_successful_execution(
        self, execution_id: int, contexts: list[Any], output_dict: Mapping[str, list[Any]], executor_output: Any
    ) -> None:
        # Digests are written in the same transaction as the end of the stage, so that every finished stage has them.
        # Outputs that the executor returns take precedence over those that it was given.
        for artifacts in output_dict.values():
            for artifact in artifacts:
                _share(artifact.uri)
                artifact.set_string_custom_property(artifact_digest.PROPERTY, artifact_digest.of(artifact.uri) or "")
                if self._reads:
                    artifact.set_string_custom_property(stage_file_reads.PROPERTY, self._reads)
        for returned in executor_output.output_artifacts.values() if executor_output else ():
            for artifact in returned.artifacts:
                artifact.custom_properties[artifact_digest.PROPERTY].string_value = (
                    artifact_digest.of(artifact.uri) or ""
                )
                if self._reads:
                    artifact.custom_properties[stage_file_reads.PROPERTY].string_value = self._reads
        super()._publish_successful_execution(execution_id, contexts, output_dict, executor_output)


def _share(uri: str) -> None:
    """Apply the umask to the outputs of a stage: TFX makes folders with other permissions."""
    file_rights.follow_umask(uri)
    # Its parents: the folders of the output key, of the node, and artifacts/.
    file_rights.follow_umask_above(uri, 3)


class _Cache:
    """TFX's cache with outputs paired by id; it does not serve outputs that depend on files that have changed.

    Args:
        outdated: Receives the paths of the changed files.
        places: Folder -> placeholder in the keys.
    """

    def __init__(self, outdated: list[str], places: Mapping[str, str] | None = None) -> None:
        self._outdated = outdated
        self._places = sorted((places or {}).items(), key=lambda item: -len(item[0]))

    def get_cache_context(self, *, input_artifacts: Any = None, parameters: Any = None, **options: Any) -> Any:
        """Return TFX's context, with placeholders for folders and without the times of artifacts."""
        return cache_utils.get_cache_context(
            input_artifacts={key: list(map(self._keyed, group)) for key, group in (input_artifacts or {}).items()},
            parameters={key: self._word(value) for key, value in (parameters or {}).items()},
            **options,
        )

    def _keyed(self, artifact: Any) -> Any:
        copied = copy.deepcopy(artifact)
        proto = copied.mlmd_artifact
        proto.uri = self._word(proto.uri)
        for field in ("create_time_since_epoch", "last_update_time_since_epoch"):
            proto.ClearField(field)
        for value in proto.custom_properties.values():
            if value.HasField("string_value"):
                value.string_value = self._word(value.string_value)
        return copied

    def _word(self, value: Any) -> Any:
        if isinstance(value, str):
            for folder, word in self._places:
                value = value.replace(folder, word)
        return value

    def get_cached_outputs(self, metadata_handle: Any, cache_context: Any) -> Any:
        """Return the outputs of the newest usable execution, paired with their keys by id."""
        store = metadata_handle.store
        executions = store.get_executions_by_context(cache_context.id)
        finished = [entry for entry in executions if entry.last_known_state in _ENDED]
        swapped_ids = swapped(store, (entry.id for entry in finished if entry.last_known_state == _STATES.CACHED))
        for execution in sorted(finished, key=lambda entry: (entry.create_time_since_epoch, entry.id), reverse=True):
            if int(execution.id) in swapped_ids:
                continue
            outputs = outputs_of(store, int(execution.id))
            if any(text(artifact, WITHHELD) for artifacts in outputs.values() for artifact in artifacts):
                # The served version may have changed since.
                continue
            typed = {key: [_typed(store, artifact) for artifact in artifacts] for key, artifacts in outputs.items()}
            if typed and _exist(typed):
                self._outdated += file_reads.changed(stage_file_reads.of_outputs(outputs))
                return None if self._outdated else typed
        return None


def _typed(store: Any, artifact: Any) -> Any:
    """Return an artifact as a TFX artifact."""
    [kind] = store.get_artifact_types_by_id([artifact.type_id])
    return artifact_utils.deserialize_artifact(kind, artifact)


def _exist(outputs: Mapping[str, list[Any]]) -> bool:
    """Return whether all outputs are live and exist on their filesystem."""
    if any(artifact.mlmd_artifact.state != _ARTIFACTS.LIVE for artifacts in outputs.values() for artifact in artifacts):
        return False
    try:
        artifact_utils.verify_artifacts(outputs)
    except RuntimeError:
        return False
    return True


def _make_folder(path: str) -> None:
    """Create the folder of an output, which must not exist: files in it would count as outputs of the stage.

    Raises:
        ResourceError: it exists.
    """
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        os.mkdir(path)
    except FileExistsError as error:
        raise ResourceError(f"{path} exists already, but a stage writes only to a new folder: run again") from error


def retire(store: Any, execution: Any, outputs: Mapping[str, Iterable[Any]], damaged: Mapping[int, Damage]) -> str:
    """Retire the outputs of an execution because some are damaged, so that its stage runs again.

    The cache and later stages use only artifacts that are LIVE.

    Args:
        store: ML Metadata.
        execution: An execution of the current run.
        outputs: All its outputs by key.
        damaged: Artifact id -> damage.

    Returns:
        The line for the log.
    """
    artifacts = [artifact for group in outputs.values() for artifact in group]
    for artifact in artifacts:
        artifact.state = _ARTIFACTS.DELETED if artifact.id in damaged else _ARTIFACTS.MARKED_FOR_DELETION
    store.put_artifacts(artifacts)
    line = f"its earlier output {'; '.join(map(str, damaged.values()))}: the stage runs again"
    was_cached = execution.last_known_state == _STATES.CACHED
    execution.last_known_state = _STATES.CANCELED if was_cached else _STATES.FAILED
    execution.custom_properties["__error__"].string_value = storable(line)[:1000]
    store.put_executions([execution])
    return line


def take_over(handle: Any, node: Any, outputs: Mapping[str, Iterable[Any]]) -> int:
    """Record the outputs of an earlier run as those of a node, in an execution served from the cache.

    Args:
        handle: TFX's handle of ML Metadata.
        node: The node's part of the compiled pipeline.
        outputs: Artifacts by key.

    Returns:
        The execution's id.
    """
    contexts = context_lib.prepare_contexts(metadata_handle=handle, node_contexts=node.contexts)
    execution = execution_publish_utils.register_execution(
        metadata_handle=handle, execution_type=node.node_info.type, contexts=contexts
    )
    execution.last_known_state = _STATES.CACHED
    artifacts_and_events = []
    for key, artifacts in outputs.items():
        for index, artifact in enumerate(artifacts):
            event = metadata_store_pb2.Event(type=metadata_store_pb2.Event.OUTPUT)
            event.path.steps.add().key = key
            event.path.steps.add().index = index
            artifacts_and_events.append((artifact, event))
    handle.store.put_execution(execution, artifacts_and_events, contexts)
    return int(execution.id)
