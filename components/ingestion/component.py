"""The ingestion node: data files to Examples in splits."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel import Channel

from components.fingerprints import code_digest
from components.ingestion.discovery import formats
from components.ingestion.executor import Executor
from components.ingestion.node_parameters import parameters
from spec import settings
from spec.columns.duties import Duties
from spec.data import Data
from spec.rows import data_paths


class IngestionSpec(component_spec.ComponentSpec):  # type: ignore[misc]
    """Parameters and artifacts of the node."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        "settings": component_spec.ExecutionParameter(type=str),
        "content": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {}
    OUTPUTS: ClassVar[dict[str, Any]] = {"examples": component_spec.ChannelParameter(type=standard_artifacts.Examples)}


class Ingestion(base_beam_component.BaseBeamComponent):  # type: ignore[misc]
    """Reads data files and writes gzipped tf.Example records."""

    SPEC_CLASS = IngestionSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)


def ingestion(
    *,
    paths: data_paths.Paths,
    data: Data,
    columns: Mapping[str, str],
    duties: Duties,
    label: str | None,
    complete: Sequence[str],
    content: str,
    read: Collection[str] = (),
    classes: bool = False,
    notes: Sequence[str] = (),
    settings_folder: str | None = None,
) -> Ingestion:
    """Make the node `ingestion`.

    Args:
        paths: One path or pattern, several, or those of each split.
        data: [data]; its `path` is not used.
        columns: Column name -> schema type (INT, FLOAT, BYTES); types of other columns are inferred.
        duties: [columns].
        label: Rows whose cell in this column is null are dropped; None if rows need no label.
        complete: Rows with a null in one of these columns are dropped.
        content: Digest of the data, so that an edit changes the cache key; empty if it is unknown.
        read: Columns that the model reads.
        classes: Whether the label is a class, so that equal rows should have equal labels.
        notes: Remarks on the config for the summary.
        settings_folder: Folder for long settings; None keeps them in the node's parameters.

    Returns:
        A node with output `examples`: gzipped tf.Examples in the splits train, eval and test.
    """
    packed = settings.pack(
        {
            **parameters(
                paths=paths,
                data=data,
                columns=columns,
                duties=duties,
                label=label,
                complete=complete,
                read=read,
                classes=classes,
            ),
            "notes": list(notes),
        },
        settings_folder,
    )
    spec = IngestionSpec(
        settings=json.dumps(packed),
        content=content,
        code=json.dumps(code_digest.stage(Executor.__module__, *formats.modules(data.format))),
        examples=Channel(type=standard_artifacts.Examples),
    )
    node: Ingestion = Ingestion(spec=spec).with_id("ingestion")
    return node
