"""The ingestion node: data files in, Examples in splits out."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel import Channel

from components import digest
from components.ingestion.executor import Executor
from models import settings


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
    """Reads files with Beam and writes gzipped tf.Example records."""

    SPEC_CLASS = IngestionSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)


def ingestion(
    *,
    path: str,
    columns: Mapping[str, str],
    shares: Mapping[str, int],
    split_column: str | None,
    content: str,
    salt: str = "",
    settings_folder: str | None = None,
) -> Ingestion:
    """Make the node `ingestion`.

    Args:
        path: The data file.
        columns: Column name -> schema type (INT, FLOAT, BYTES); other columns are read as they look.
        shares: Split name -> its share of the rows.
        split_column: Rows with equal cells here go to one split; None: the whole row decides.
        salt: Goes before the text that is hashed.
        content: Digest of the data, so that the cache notices an edit; empty where it cannot be known.
        settings_folder: Where long settings are kept; None for in line.

    Returns:
        A node with output `examples`: gzipped tf.Examples, one split a share.
    """
    packed = settings.pack(
        {"path": path, "columns": dict(columns), "shares": dict(shares), "split_column": split_column, "salt": salt},
        settings_folder,
    )
    spec = IngestionSpec(
        settings=json.dumps(packed),
        content=content,
        code=digest.code("components.ingestion.executor"),
        examples=Channel(type=standard_artifacts.Examples),
    )
    node: Ingestion = Ingestion(spec=spec).with_id("ingestion")
    return node
