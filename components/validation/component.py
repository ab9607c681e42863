"""The validation node: TFX's ExampleValidator with gates."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tfx.components.example_validator.component import ExampleValidator
from tfx.dsl.components.base import base_component
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel import Channel
from tfx.types.standard_component_specs import ExampleValidatorSpec

from components.fingerprints import code_digest
from components.ingestion.discovery import formats
from components.ingestion.ingestion_settings import IngestionSettings
from components.validation.accepted import Folders
from components.validation.executor import Executor
from components.validation.gate_catalog import Gates
from components.validation.gate_context import WatchedColumns
from components.validation.node_settings import ValidationSettings
from spec import settings
from spec.columns import task as tasks
from spec.columns.label import Label


class ValidationSpec(component_spec.ComponentSpec):  # type: ignore[misc]
    """Parameters and artifacts of the node: those of ExampleValidator, and additional ones."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        **ExampleValidatorSpec.PARAMETERS,
        "settings": component_spec.ExecutionParameter(type=str, optional=True),
        "content": component_spec.ExecutionParameter(type=str, optional=True),
        "code": component_spec.ExecutionParameter(type=str, optional=True),
        "accepted": component_spec.ExecutionParameter(type=str, optional=True),
        "serving": component_spec.ExecutionParameter(type=str, optional=True),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        **ExampleValidatorSpec.INPUTS,
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples, optional=True),
        "history": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics, optional=True),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = ExampleValidatorSpec.OUTPUTS


class Validation(ExampleValidator):  # type: ignore[misc]
    """ExampleValidator with gates."""

    SPEC_CLASS = ValidationSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)

    def __init__(self, spec: ValidationSpec) -> None:
        base_component.BaseComponent.__init__(self, spec=spec)


def validation(
    *,
    statistics: Any,
    schema: Any,
    examples: Any = None,
    history: Any = None,
    folders: Folders | None = None,
    gates: Gates | None = None,
    columns: Mapping[str, Sequence[str]] | None = None,
    label: Label | None = None,
    weight: str | None = None,
    source: str = "",
    source_content: str = "",
    schema_path: str = "",
    skew: Any = None,
    skew_content: str = "",
    advisory: bool = False,
    files: Sequence[str] = (),
    settings_folder: str | None = None,
) -> Validation:
    """Make the node `validation`.

    Args:
        statistics: Channel of ExampleStatistics.
        schema: Channel of Schema.
        examples: Channel of Examples that our ingestion wrote; required with gates.
        history: Channel of ExampleStatistics of previous runs; None if the platform has no resolvers.
        folders: Folders with the accepted data of previous runs, in place of `history`.
        gates: [gates]; None checks only the schema.
        columns: Columns that gates look at, as WatchedColumns has them; required with gates.
        label: [label]; required with gates.
        weight: Column of the row weights; None if all rows count the same.
        source: Settings of the ingestion, as its node has them.
        source_content: Digest of the data; empty if unknown.
        schema_path: Path of the approved schema, for messages.
        skew: Paths of served rows; None without any.
        skew_content: Digest of the served rows.
        advisory: Whether gates only warn, as on a sample of the rows; the schema blocks anyway.
        files: Files that user-defined gates read.
        settings_folder: Folder for long settings; None keeps them inline.

    Returns:
        A node with output `anomalies`. It fails with GateError if data differs from the schema, or exceeds the limit of
        a gate whose action is block.
    """
    optional: dict[str, Any] = {}
    modules: list[str] = [Executor.__module__]
    read: Sequence[str] = ()
    if gates is not None and columns is not None and label is not None:
        validation_settings = ValidationSettings(
            gates=gates,
            columns=WatchedColumns.model_validate(columns),
            label=label,
            weight=weight,
            source=IngestionSettings.model_validate(settings.unpack(json.loads(source))),
            source_content=source_content,
            schema_path=schema_path,
            skew=skew,
            skew_content=skew_content,
            advisory=advisory,
        )
        optional = {
            "settings": json.dumps(
                settings.pack(validation_settings.model_dump(mode="json", by_alias=True), settings_folder)
            ),
            "content": skew_content,
            "examples": examples,
            "history": history,
            "accepted": folders.accepted if folders else None,
            "serving": folders.serving if folders else None,
        }
        # Gates and readers are imported by name, so that the executor's source does not reach them.
        modules += [
            *gates.modules(),
            *formats.modules(validation_settings.source.data.format),
            *tasks.own_modules(validation_settings.label.task),
        ]
        read = files if gates.custom else ()
    spec = ValidationSpec(
        statistics=statistics,
        schema=schema,
        exclude_splits="[]",
        code=json.dumps(code_digest.stage(*modules, files=read)),
        anomalies=Channel(type=standard_artifacts.ExampleAnomalies),
        **{key: value for key, value in optional.items() if value is not None},
    )
    node: Validation = Validation(spec).with_id("validation")
    return node
