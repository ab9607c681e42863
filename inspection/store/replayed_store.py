"""ML Metadata of runs on a cloud: their records, written into a store of this process.

So everything that shows runs of this machine shows those of a bucket too, without a metadata service.
"""

import contextlib
import functools
import json
import os
import re
import sqlite3
import tempfile
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

import buckets
from errors import ResourceError, UserError
from inspection.store import step_records
from inspection.store.metadata_store import NODE_CONTEXT, PIPELINE_CONTEXT, RUN_CONTEXT, Store, open_store
from inspection.store.step_records import Record, Steps
from spec.rows.data_paths import is_remote
from spec.stages.stage_names import RESOLVERS

_TYPED = {"span": pb.INT, "version": pb.INT, "split_names": pb.STRING}
"""Properties that TFX declares for artifacts of data; all others are custom ones."""
_DATA = ("Examples", "ExampleStatistics", "ExampleAnomalies")
_MODELS = {"current_model_id": "model", "baseline_model_id": "baseline_model"}
"""Properties of a blessing with ids of the platform -> the evaluator's input that they name."""


@dataclass(frozen=True)
class CloudRun:
    """A run.

    Attributes:
        pipeline: Name of the pipeline's folder.
        run_id: Id of the run.
        folder: Folder with run.json.
        steps: Records, with those of cached steps.
    """

    pipeline: str
    run_id: str
    folder: str
    steps: Steps


class _Replay:
    def __init__(self, mlmd: MetadataStore, locate: Callable[[str], str]) -> None:
        self._mlmd, self._locate = mlmd, locate
        self._contexts: dict[tuple[str, str], pb.Context] = {}
        self._artifacts: dict[str, pb.Artifact] = {}
        self.times: list[tuple[str, int, int, int]] = []
        """Table, id, and times of creation and last update in milliseconds."""

    def add(self, run: CloudRun) -> None:
        pipeline, context = self._context(PIPELINE_CONTEXT, run.pipeline), self._context(RUN_CONTEXT, run.run_id)
        state, reason = step_records.state(run.steps)
        for key, value in (("state", state), ("reason", reason), ("run_folder", run.folder)):
            context.custom_properties[key].string_value = value
        self._mlmd.put_contexts([context])
        if not self._mlmd.get_parent_contexts_by_context(context.id):
            self._mlmd.put_parent_contexts([pb.ParentContext(parent_id=pipeline.id, child_id=context.id)])
        records = [record for record in run.steps.values() if record["state"] != "CACHED"]
        began = min((_milliseconds(record["started"]) for record in records), default=0)
        end = max((_milliseconds(record.get("ended") or record["started"]) for record in records), default=0)
        self.times.append(("Context", context.id, began, end))
        for task, record in _in_order(run.steps):
            self._execute(run, pipeline, context, task, record, began)

    def _execute(
        self, run: CloudRun, pipeline: pb.Context, context: pb.Context, task: str, record: Record, began: int
    ) -> None:
        kind = pb.ExecutionType(name=record["type"])
        execution = pb.Execution(type_id=self._mlmd.put_execution_type(kind))
        execution.last_known_state = pb.Execution.State.Value(
            "FAILED" if record["state"] == "BLOCKED" else record["state"]
        )
        cached = record["state"] == "CACHED"
        started = began if cached else _milliseconds(record["started"])
        end = started if cached else _milliseconds(record.get("ended") or record["started"])
        inputs = {
            key: [self._artifact(artifact_record) for artifact_record in group]
            for key, group in record["inputs"].items()
        }
        outputs = {key: [self._artifact(artifact_record, inputs)] for key, artifact_record in record["outputs"].items()}
        if execution.last_known_state not in (pb.Execution.COMPLETE, pb.Execution.CACHED):
            outputs = {}
        # As of a resolver on this machine: what it looked up is no output of the run.
        direction_out = pb.Event.INTERNAL_OUTPUT if task in RESOLVERS else pb.Event.OUTPUT
        artifacts_and_events = [
            (artifact, _event(direction, key, index, started))
            for direction, groups in ((pb.Event.INPUT, inputs), (direction_out, outputs))
            for key, group in groups.items()
            for index, artifact in enumerate(group)
        ]
        node = self._context(NODE_CONTEXT, f"{run.pipeline}.{task}")
        execution_id, artifact_ids, _ = self._mlmd.put_execution(
            execution, artifacts_and_events, [pipeline, context, node]
        )
        for (artifact, _), number in zip(artifacts_and_events, artifact_ids, strict=True):
            artifact.id = number
        self.times.append(("Execution", execution_id, started, end))

    def _context(self, kind: str, name: str) -> pb.Context:
        if (kind, name) not in self._contexts:
            context = pb.Context(type_id=self._mlmd.put_context_type(pb.ContextType(name=kind)), name=name)
            if kind == RUN_CONTEXT:
                context.custom_properties["state"].string_value = ""
            [context.id] = self._mlmd.put_contexts([context])
            self._contexts[kind, name] = context
        return self._contexts[kind, name]

    def _artifact(self, plain: Mapping[str, Any], inputs: Mapping[str, list[pb.Artifact]] | None = None) -> pb.Artifact:
        uri = plain["uri"]
        if uri in self._artifacts:
            return self._artifacts[uri]
        name = type_name(plain.get("type", {}))
        kind = pb.ArtifactType(name=name)
        if name in _DATA:
            for key, value in _TYPED.items():
                kind.properties[key] = value
        artifact = pb.Artifact(type_id=self._mlmd.put_artifact_type(kind), type=name, uri=self._locate(uri))
        artifact.state = pb.Artifact.LIVE
        for key, value in plain.get("metadata", {}).items():
            if key in _MODELS and inputs is not None:
                value = next((model.id for model in inputs.get(_MODELS[key], [])), 0)
            typed = name in _DATA and key in _TYPED
            _put((artifact.properties if typed else artifact.custom_properties)[key], value)
        self._artifacts[uri] = artifact
        return artifact


def replay(runs: Iterable[CloudRun], location: str, locate: Callable[[str], str] = lambda uri: uri) -> Store:
    """Write runs into a store that lives as long as its object.

    Args:
        runs: The runs.
        location: Name of the folder or bucket of the records, for messages.
        locate: Returns the path or URI at which an artifact can be read.
    """
    scratch = tempfile.TemporaryDirectory(prefix="metadata-")
    path = os.path.join(scratch.name, "metadata.sqlite")
    config = pb.ConnectionConfig()
    config.sqlite.filename_uri = path
    config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    mlmd = MetadataStore(config)
    replayed = _Replay(mlmd, locate)
    for run in sorted(runs, key=lambda run: min((record["started"] for record in run.steps.values()), default=0)):
        replayed.add(run)
    # ML Metadata sets times itself, and would show when the records were read.
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        for table, number, created, updated in replayed.times:
            connection.execute(
                f"UPDATE {table} SET create_time_since_epoch = ?, last_update_time_since_epoch = ? WHERE id = ?",
                (created, updated, number),
            )
    store = Store(mlmd, location=location)
    weakref.finalize(store, scratch.cleanup)
    return store


def open_root(root: str, url: str | None) -> Store:
    """Open the store of runs of this machine, or of cloud jobs if the root is a bucket, to read it."""
    return open_bucket(root.rstrip("/")) if is_remote(root) and not url else open_store(root, url)


def open_bucket(root: str) -> Store:
    """Read all runs under the root of cloud jobs.

    Raises:
        UserError: there are none.
        ResourceError: the bucket cannot be used.
    """
    try:
        steps_by_run: dict[tuple[str, str], Steps] = {}
        for pipeline in step_records.names(root):
            for run_id in step_records.names(f"{root}/{pipeline}/{step_records.RUNS}"):
                if steps := step_records.of_run(f"{root}/{pipeline}", run_id):
                    steps_by_run[pipeline, run_id] = steps
    except buckets.BucketError as error:
        raise ResourceError(str(error.strerror)) from error
    if not steps_by_run:
        raise UserError(
            f"no runs under {root}: name the --cloud-root of jobs that ran on Kubeflow or Vertex AI; jobs that older "
            "versions compiled leave no records there"
        )
    return replay(
        [
            CloudRun(
                pipeline,
                run_id,
                f"{root}/{pipeline}/{step_records.RUNS}/{run_id}",
                step_records.with_cached(steps, functools.partial(_of_pipeline, steps_by_run, pipeline)),
            )
            for (pipeline, run_id), steps in steps_by_run.items()
        ],
        root,
    )


def _of_pipeline(steps_by_run: Mapping[tuple[str, str], Steps], pipeline: str, run_id: str) -> Steps:
    return steps_by_run.get((pipeline, run_id), {})


def type_name(kind: Mapping[str, str]) -> str:
    """Return the name of an artifact's type, without `tfx.` or the module of a class."""
    match = re.search(r"title: (\S+)", kind.get("instanceSchema", ""))
    title = match[1] if match else kind.get("schemaTitle", "")
    return title.rpartition(".")[2] or "Artifact"


def _in_order(steps: Steps) -> list[tuple[str, Record]]:
    """Return steps, each after those that wrote its inputs."""
    waiting, ordered = dict(steps), []
    while waiting:
        wrote = {
            artifact_record["uri"] for record in waiting.values() for artifact_record in record["outputs"].values()
        }
        ready = [
            task
            for task, record in waiting.items()
            if not any(
                artifact_record["uri"] in wrote for group in record["inputs"].values() for artifact_record in group
            )
        ]
        for task in ready or list(waiting):
            ordered.append((task, waiting.pop(task)))
    return ordered


def _event(direction: "pb.Event.Type", key: str, index: int, time: int) -> pb.Event:
    event = pb.Event(type=direction, milliseconds_since_epoch=time)
    event.path.steps.add(key=key)
    event.path.steps.add(index=index)
    return event


def _milliseconds(seconds: Any) -> int:
    return int(float(seconds) * 1000)


def _put(value: pb.Value, plain: Any) -> None:
    """Set a property; the platforms pass whole numbers as floats."""
    if isinstance(plain, str):
        value.string_value = plain
    elif isinstance(plain, int) or (isinstance(plain, float) and plain.is_integer()):
        value.int_value = int(plain)
    elif isinstance(plain, float):
        value.double_value = plain
    else:
        value.string_value = json.dumps(plain)
