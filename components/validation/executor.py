"""Runs TFX's ExampleValidator, which finds anomalies but stops nothing, and then the gates."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME
from tfx.components.example_validator.executor import Executor as ExampleValidatorExecutor
from tfx.components.schema_gen import executor as schema_gen
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils

import project
from components import lineage, summary
from components.fingerprints import code_digest
from components.ingestion.discovery import bucket_data, data_files
from components.ingestion.ingestion_settings import IngestionSettings
from components.validation import accepted, gate_findings, gate_inputs, row_locations, schema_gate
from components.validation.gate_context import TRAIN, GateContext
from components.validation.gate_findings import Finding
from components.validation.node_settings import ValidationSettings
from components.validation.passed_statistics import STATISTICS_ID
from errors import GateError, ResourceError, UserError
from spec import settings as packed_settings
from spec.file_names import GATES


class Executor(ExampleValidatorExecutor):  # type: ignore[misc]
    """Executor of the validation node."""

    @code_digest.checked
    def Do(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Validate each split against the schema, and the run with the gates.

        Raises:
            GateError: The data differs from the schema, or exceeds the limit of a gate whose action is block; names
                column, limit, measured value, rows and the edit that accepts it.
        """
        super().Do(input_dict, output_dict, exec_properties)
        artifact = artifact_utils.get_single_instance(output_dict["anomalies"])
        figures = artifact_utils.get_single_instance(input_dict["statistics"])
        splits = artifact_utils.decode_split_names(artifact.split_names)
        schema = io_utils.SchemaReader().read(
            f"{artifact_utils.get_single_uri(input_dict['schema'])}/{schema_gen.DEFAULT_FILE_NAME}"
        )
        statistics = {split: stats_artifact_utils.load_statistics(figures, split).proto() for split in splits}
        anomalies = {split: _anomalies(artifact, split) for split in splits}
        settings = _settings(exec_properties)
        examples = input_dict.get("examples", [])
        unit = settings.source.data.span_unit if settings else ""
        data = accepted.Data(statistics, figures.span, lineage.place(examples[0]) if examples else "", unit)
        folders, train_rows = _folders(exec_properties), None
        with _local_settings(settings) as (settings, bucket):
            if settings is None:
                findings = schema_gate.findings(anomalies, statistics, schema, "the schema")
            else:
                profiles = gate_inputs.row_profiles(examples)
                train_rows = profiles.digests.get(TRAIN)
                context = GateContext(
                    schema=schema,
                    statistics=statistics,
                    label=settings.label,
                    columns=settings.columns,
                    weight=settings.weight,
                    source=settings.source,
                    schema_path=settings.schema_path,
                    facts=profiles.facts,
                    digests=profiles.digests,
                    features=profiles.features,
                    labels=profiles.labels,
                    names=profiles.names,
                    previous_runs=accepted.previous_runs(folders, data, settings.gates.rows.runs)
                    if folders
                    else gate_inputs.previous_runs(figures, input_dict.get("history", []), unit),
                    served_content=settings.skew_content,
                    served_paths=settings.skew,
                )
                findings = schema_gate.findings(anomalies, statistics, schema, settings.schema_path, settings.label)
                rejected = {finding.column for finding in findings}
                findings += settings.gates.findings(context, advisory=settings.advisory, rejected=rejected)
            blocking = [finding for finding in findings if finding.action == "block"]
            if settings is not None and blocking:
                row_locations.locate(blocking, settings.source, settings.source_content, bucket)
        with fileio.open(f"{artifact.uri}/{GATES}", "w") as file:
            file.write(gate_findings.dump(findings))
        if blocking:
            raise GateError(_message(blocking), [finding.plain() for finding in findings])
        artifact.set_int_custom_property(STATISTICS_ID, figures.id)
        if folders:
            accepted.accept(folders, data)
            if train_rows is not None:
                accepted.keep_train_rows(folders.accepted, data.examples, train_rows)
        warnings = f"; {len(findings)} warning{'s' if len(findings) > 1 else ''}" if findings else ""
        summary.put(artifact, f"no anomaly in {', '.join(splits)}{warnings}")


def _settings(exec_properties: dict[str, Any]) -> ValidationSettings | None:
    """Parse the node's settings; None if only the schema is checked."""
    text = exec_properties.get("settings")
    if not text:
        return None
    values = packed_settings.unpack(json.loads(text))
    root, skew = project.folder(), values.get("skew")
    paths = {
        "source": IngestionSettings.under(root, values["source"]),
        "skew": None if skew is None else data_files.under(root, skew),
    }
    return ValidationSettings.model_validate({**values, **paths})


@contextlib.contextmanager
def _local_settings(
    settings: ValidationSettings | None,
) -> Iterator[tuple[ValidationSettings | None, bucket_data.BucketData | None]]:
    """Yield the settings with the data's paths on this machine, and its bucket if it is in one.

    The files are empty until they are filled: the gates need names, and only those of rejected rows read them again.
    """
    with contextlib.ExitStack() as stack:
        bucket = None
        if settings is not None:
            source = settings.source
            # Only the examples are needed: the files of the data may be gone.
            with contextlib.suppress(UserError, ResourceError):
                bucket = stack.enter_context(bucket_data.of_job(source.paths, source.data, settings.source_content))
            if bucket is not None:
                settings = settings.model_copy(update={"source": source.model_copy(update={"paths": bucket.paths})})
        yield settings, bucket


def _folders(exec_properties: dict[str, Any]) -> accepted.Folders | None:
    """Return the folders of a platform that has no resolvers; None where `history` is an input."""
    folder = exec_properties.get("accepted")
    return accepted.Folders(folder, exec_properties["serving"]) if folder else None


def _anomalies(artifact: Any, split: str) -> anomalies_pb2.Anomalies:
    path = f"{artifact_utils.get_split_uri([artifact], split)}/{DEFAULT_FILE_NAME}"
    with fileio.open(path, "rb") as file:
        return anomalies_pb2.Anomalies.FromString(file.read())


def _message(blocking: list[Finding]) -> str:
    """Return the message of a blocked run: findings of the gates, then those of the schema."""
    parts = []
    by_schema = [f"  {finding.line()}" for finding in blocking if finding.gate == "schema"]
    by_gates = [f"  {finding.line()}" for finding in blocking if finding.gate != "schema"]
    if by_gates:
        parts += ["a gate blocks the data:", *by_gates, "Fix the data, or accept it with the edit above."]
    if by_schema:
        parts += [
            "the data does not match the approved schema:",
            *by_schema,
            "Fix the data, or accept the change by editing the schema file of this pipeline in schemas/.",
        ]
    return "\n".join(parts)
