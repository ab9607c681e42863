"""The validation node: stock ExampleValidator with gates."""

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
from components.validation.executor import Executor
from spec import settings


class ValidationSpec(component_spec.ComponentSpec):  # type: ignore[misc]
    """Parameters and artifacts of the node: the stock ones and ours."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        **ExampleValidatorSpec.PARAMETERS,
        "settings": component_spec.ExecutionParameter(type=str, optional=True),
        "content": component_spec.ExecutionParameter(type=str, optional=True),
        "code": component_spec.ExecutionParameter(type=str, optional=True),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        **ExampleValidatorSpec.INPUTS,
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples, optional=True),
        "history": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics, optional=True),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = ExampleValidatorSpec.OUTPUTS


class Validation(ExampleValidator):  # type: ignore[misc]
    """ExampleValidator with our gates."""

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
    gates: Mapping[str, Any] | None = None,
    columns: Mapping[str, Sequence[str]] | None = None,
    label: Mapping[str, Any] | None = None,
    weight: str | None = None,
    source: str = "",
    source_content: str = "",
    schema_path: str = "",
    skew: Any = None,
    skew_content: str = "",
    advisory: bool = False,
    settings_folder: str | None = None,
) -> Validation:
    """Make the node `validation`.

    Args:
        statistics: Channel of ExampleStatistics.
        schema: Channel of Schema.
        examples: Channel of Examples that our ingestion wrote; with the arguments below.
        history: Channel of earlier runs' ExampleStatistics; None where the platform has no resolvers.
        gates: [gates] with its defaults; None for the schema's gate alone.
        columns: `used`, what the model reads; of these `compared`, what may drift, and `categories`, what has them.
        label: [label].
        weight: Column of the rows' weights; None where each counts the same.
        source: The settings of ingestion, as its node has them.
        source_content: Digest of the data; empty where it cannot be known.
        schema_path: The reviewed schema as a person finds it.
        skew: Paths of served rows; None where there are none.
        skew_content: Digest of these.
        advisory: Whether gates warn at most, as on a sample of the rows; the schema's stops anyway.
        settings_folder: Where long settings are kept; None for in line.

    Returns:
        A node with output `anomalies`, which fails with GateError where a gate that blocks finds its limit passed.
    """
    ours: dict[str, Any] = {}
    readers: list[str] = []
    if gates is not None and columns is not None:
        read = settings.unpack(json.loads(source))
        readers = formats.modules(read["data"]["format"])
        packed = {
            "gates": dict(gates),
            "columns": {key: list(names) for key, names in columns.items()},
            "label": dict(label or {}),
            "weight": weight,
            "source": read,
            "source_content": source_content,
            "split": read["data"]["split"]["by"],
            "schema": schema_path,
            "skew": skew,
            "skew_content": skew_content,
            "advisory": advisory,
        }
        ours = {
            "settings": json.dumps(settings.pack(packed, settings_folder)),
            "content": skew_content,
            "examples": examples,
            "history": history,
        }
    spec = ValidationSpec(
        statistics=statistics,
        schema=schema,
        exclude_splits="[]",
        code=json.dumps(code_digest.stage(Executor.__module__, *readers)),
        anomalies=Channel(type=standard_artifacts.ExampleAnomalies),
        **{key: value for key, value in ours.items() if value is not None},
    )
    node: Validation = Validation(spec).with_id("validation")
    return node
