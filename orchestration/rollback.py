"""List of pushed versions, and rollback to an earlier one, without TensorFlow."""

import os
import sys
from typing import Any

from ml_metadata import errors as mlmd_errors
from ml_metadata.proto import metadata_store_pb2 as pb

import buckets
import printing
from components.baseline import reference
from errors import PipelineError, ResourceError, UserError
from inspection.display_names import Labelled, producers
from inspection.store import file_rights
from inspection.store import metadata_store as inspection_store
from inspection.store.artifact_lookup import MODEL, PUSHED, pushed_versions
from orchestration import serving_folders
from orchestration.paths import Root
from serving import versions
from spec.rows.data_paths import is_remote
from spec.timing import utc

EXECUTION = "orchestration.rollback.bring_back"
"""Type of the executions that record a rollback in ML Metadata."""


def describe(root: str, name: str) -> list[dict[str, Any]]:
    """Return facts about each version, starting with the one that serves."""
    folder = serving_folders.with_versions(Root(root), name)
    rolled_back = {version.number for version in reference.rolled_back(folder)}
    pushed = [versions.read(folder, number) for number in reversed(versions.pushed(folder))]
    return [
        {
            "version": version.number,
            "pushed": utc.text(version.pushed) if version.pushed else None,
            "serves": position == 0,
            "copy_of": version.copy_of,
            "taken_back": version.number in rolled_back,
            "ours": version.ours,
            "digest": version.digest,
            "model": version.model,
            "span": version.span or None,
        }
        for position, version in enumerate(pushed)
    ]


def version_lines(root: str, name: str) -> list[str]:
    """Return a line for each version, starting with the one that serves."""
    lines = []
    for version in describe(root, name):
        details = f"  copy of {version['copy_of']}" if version["copy_of"] else ""
        details += "  taken back" if version["taken_back"] else ""
        details += "" if version["ours"] else "  not pushed by this pipeline"
        serves = "  serves" if version["serves"] else ""
        lines.append(f"{version['version']}  pushed {version['pushed'] or 'unknown'}{details}{serves}")
    return lines


def bring_back(root: str, name: str, *, metadata: str | None, number: int | None = None) -> str:
    """Serve an earlier version again.

    Args:
        root: The folder of all runs: an absolute path, or the `--cloud-root` of the jobs.
        name: The pipeline, PIPELINE-VARIANT or PIPELINE-sample.
        metadata: URL of the store; None for SQLite under the root.
        number: The version; None for the previous one.

    Returns:
        A sentence on the version that serves now.

    Raises:
        UserError: the version does not exist.
        ResourceError: its files are damaged, or it could not be copied.
    """
    folder = serving_folders.with_versions(Root(root), name)
    pushed_numbers = versions.pushed(folder)
    target = number if number is not None else versions.previous(folder)
    if target is None:
        raise UserError(
            f"{name} has no version before {pushed_numbers[-1]} that it pushed itself, so it cannot roll back: "
            f"`python runner.py push {name}` lists all versions, `push --version V {name}` serves any of them"
        )
    if target not in pushed_numbers:
        raise UserError(serving_folders.unknown_version(name, target, pushed_numbers))
    if target == pushed_numbers[-1]:
        return f"{name}: version {target} serves already"
    try:
        new_number = versions.restore(folder, target)
    except buckets.BucketError as error:
        raise ResourceError(f"{error.strerror}. Version {pushed_numbers[-1]} still serves") from error
    except ValueError as error:
        raise ResourceError(
            f"{name}: {error}. Version {pushed_numbers[-1]} still serves; choose another with --version"
        ) from error
    except PermissionError as error:
        reason = file_rights.refusal(str(error.filename or folder), "write to")
        raise ResourceError(f"{reason}. Version {pushed_numbers[-1]} still serves") from error
    except OSError as error:
        raise ResourceError(
            f"{folder}: version {target} could not be copied: {error.strerror or error}. {versions.serves(folder)}"
        ) from error
    origin = versions.read(folder, new_number).copy_of or target
    foreign = (
        ""
        if versions.read(folder, target).ours
        else ", which this pipeline did not push: its predictions were not checked"
    )
    sentence = f"{name}: version {new_number} serves now, a copy of {origin}{foreign}; previously {pushed_numbers[-1]}"
    if is_remote(root) and metadata is None:
        return sentence  # runs on a cloud leave no ML Metadata store that could be written from here
    try:
        inspection_store.open_store(root, metadata)  # a missing store is not created
        _record(inspection_store.open_store(root, metadata, readonly=False), name, folder, new_number, origin)
    except (PipelineError, mlmd_errors.StatusError) as error:
        printing.line(
            f"version {new_number} serves, but the rollback could not be recorded in ML Metadata: {error}",
            to=sys.stderr,
        )
    return sentence


def _record(store: inspection_store.Store, name: str, folder: str, new_number: int, origin: int) -> None:
    """Record the new version in ML Metadata, so that `inspect why` and `inspect lineage` know its model."""
    labels = Labelled(store)
    makers = {artifact.id: artifact for artifact in pushed_versions(store).get(str(origin), [])}
    for artifact_id, maker in producers(store, makers).items():
        if labels[maker].pipeline != name:
            continue
        inputs = [event for event in store.events_of_executions([maker]) if event.type == pb.Event.INPUT]
        [model] = [
            artifact
            for artifact in store.artifacts(input_event.artifact_id for input_event in inputs)
            if artifact.type == MODEL
        ]
        pushed = pb.Artifact(type_id=makers[artifact_id].type_id, type=PUSHED, state=pb.Artifact.LIVE)
        pushed.uri = os.path.join(folder, str(new_number))
        facts = {
            "pushed_destination": pushed.uri,
            "pushed_version": str(new_number),
            "summary": f"version {new_number}",
        }
        for key, value in {**facts, "copy_of": str(origin)}.items():
            pushed.custom_properties[key].string_value = value
        pushed.custom_properties["pushed"].int_value = 1
        type_id = store.mlmd.put_execution_type(pb.ExecutionType(name=EXECUTION))
        execution = pb.Execution(type_id=type_id, last_known_state=pb.Execution.COMPLETE)
        contexts = [
            context
            for context in store.contexts_of_execution(maker)
            if context.type in (inspection_store.PIPELINE_CONTEXT, inspection_store.NODE_CONTEXT)
        ]
        store.mlmd.put_execution(
            execution,
            [(model, _event(pb.Event.INPUT, "model")), (pushed, _event(pb.Event.OUTPUT, "pushed_model"))],
            contexts,
        )
        return


def _event(kind: "pb.Event.Type", key: str) -> pb.Event:
    event = pb.Event(type=kind)
    event.path.steps.add().key = key
    event.path.steps.add().index = 0
    return event
